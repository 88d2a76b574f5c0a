/*
 * Claims are read only after SQLite has given the lock to write, so what is written is what stands
 * in the file then, and of two writers (one that was stopped and goes on) the second finds nothing.
 */
#include "store/maintenance/claim_rows.h"

#include "store/sqlite/persistence_row.h"

/* The row of a claim's client as it is now. */
static int read_row(struct database *database, const struct taken_claim *taken,
                    struct claim_outcome *ret_outcome, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_FIND);
    persistence_bind_key(statement, taken->pool_id, taken->key);
    int result = sqlite3_step(statement), code = 0;
    ret_outcome->has_row = result == SQLITE_ROW;
    if (result == SQLITE_ROW)
        persistence_read_mapping(statement, &ret_outcome->row);
    else if (result != SQLITE_DONE)
        code = database_error(database, result, "a mapping cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/*
 * Runs a statement that changes one row or none. A row that the schema rejects, such as one whose
 * pool was deleted meanwhile, is none.
 */
static int change(struct database *database, sqlite3_stmt *statement, bool *ret_changed,
                  struct error *error)
{
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if ((result & 0xff) == SQLITE_CONSTRAINT) {
        *ret_changed = false;
        return 0;
    }
    if (result != SQLITE_DONE)
        return database_error(database, result, "a mapping cannot be written", error);
    *ret_changed = sqlite3_changes64(database->connection) > 0;
    return 0;
}

static int delete_row(struct database *database, const struct taken_claim *taken,
                      struct error *error)
{
    bool deleted;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_DELETE);
    persistence_bind_key(statement, taken->pool_id, taken->key);
    return change(database, statement, &deleted, error);
}

/* Inserts the row if it is absent still, or replaces it if it is as it was seen. */
static int write_row(struct database *database, const struct taken_claim *taken, bool *ret_written,
                     struct error *error)
{
    const struct claim *claim = &taken->claim;
    bool replaces = claim->has_seen && !claim->deletes;
    sqlite3_stmt *statement =
        database_statement(database, replaces ? QUERY_MAPPING_REPLACE : QUERY_MAPPING_INSERT);
    persistence_bind_key(statement, taken->pool_id, taken->key);
    persistence_bind_mapping(statement, 3, &claim->wanted);
    if (replaces)
        persistence_bind_mapping(statement, 7, &claim->seen);
    return change(database, statement, ret_written, error);
}

static int write_claim(struct database *database, const struct taken_claim *taken,
                       const struct generation *now, struct claim_outcome *ret_outcome,
                       struct error *error)
{
    const struct claim *claim = &taken->claim;
    bool written = false;
    int code = 0;
    *ret_outcome = (struct claim_outcome){0};
    if (claim->deletes)
        code = delete_row(database, taken, error);
    if (code != 0 || !claim->maps)
        return code;
    if (claim->deletions == now->deletions)
        code = write_row(database, taken, &written, error);
    if (code == 0 && !written)
        return read_row(database, taken, ret_outcome, error);
    *ret_outcome = (struct claim_outcome){.has_row = true, .row = claim->wanted};
    return code;
}

/*
 * A DELETE of ours moves the number of deletions as one in the shell does, but claims know of it:
 * the number is set back, or others of this moment would be dropped.
 */
static int restore_deletions(struct database *database, const struct generation *generation,
                             struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_DELETIONS_WRITE);
    sqlite3_bind_int64(statement, 1, generation->deletions);
    return database_run(database, statement, "table revision cannot be written", error);
}

static int write_claims(struct database *database, struct claim_batch *batch,
                        const struct generation *now, struct error *error)
{
    bool deleted = false;
    int code = 0;
    for (size_t i = 0; code == 0 && i < batch->taken.count; i++) {
        const struct taken_claim *taken = &batch->taken.claims[i];
        code = write_claim(database, taken, now, &batch->outcomes[i], error);
        deleted |= taken->claim.deletes;
    }
    return code == 0 && deleted ? restore_deletions(database, now, error) : code;
}

/* Claims of another database are worth nothing in this one. */
static void drop_all(struct claim_batch *batch)
{
    for (size_t i = 0; i < batch->taken.count; i++)
        batch->outcomes[i] = (struct claim_outcome){0};
}

static int fill_transaction(struct database *database, struct claims *claims, int64_t identity,
                            bool all, struct claim_batch *batch, struct error *error)
{
    struct generation now;
    int code = database_read_generation(database, &now, error);
    if (code != 0)
        return code;
    claims_take(claims, all, &batch->taken);
    if (now.identity == identity)
        return write_claims(database, batch, &now, error);
    drop_all(batch);
    return 0;
}

static void settle(struct claims *claims, const struct claim_batch *batch)
{
    for (size_t i = 0; i < batch->taken.count; i++) {
        const struct claim_outcome *outcome = &batch->outcomes[i];
        claims_settle(claims, &batch->taken.claims[i], outcome->has_row ? &outcome->row : NULL);
    }
}

int claim_rows_write(struct database *database, struct claims *claims, int64_t identity, bool all,
                     struct claim_batch *batch, struct error *error)
{
    batch->taken.count = 0;
    int code = database_run(database, database_statement(database, QUERY_BEGIN),
                            "mappings cannot be written", error);
    if (code != 0)
        return code;
    code = fill_transaction(database, claims, identity, all, batch, error);
    if (code == 0)
        code = database_run(database, database_statement(database, QUERY_COMMIT),
                            "mappings cannot be written", error);
    if (code == 0)
        settle(claims, batch);
    else if (!sqlite3_get_autocommit(database->connection))
        (void)database_run(database, database_statement(database, QUERY_ROLLBACK), "", NULL);
    return code;
}
