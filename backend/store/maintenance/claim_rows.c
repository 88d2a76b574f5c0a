/*
 * Claims are read only after SQLite has given the lock to write, so what is written is what stands
 * in the file then, and it is newer than any row. Of two writers (one that was stopped and goes on)
 * the second writes what the first one has written, or something newer.
 */
#include "store/maintenance/claim_rows.h"

#include "store/sqlite/persistence_row.h"

/* Runs a statement for a claim's row. One that the schema rejects changes nothing. */
static int change(struct database *database, sqlite3_stmt *statement, struct error *error)
{
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (result == SQLITE_DONE || (result & 0xff) == SQLITE_CONSTRAINT)
        return 0;
    return database_error(database, result, "a mapping cannot be written", error);
}

static int write_claim(struct database *database, const struct taken_claim *taken, int64_t revision,
                       struct error *error)
{
    const struct claim *claim = &taken->claim;
    if (claim->revision != revision)
        return 0;
    sqlite3_stmt *statement =
        database_statement(database, claim->maps ? QUERY_MAPPING_WRITE : QUERY_MAPPING_DELETE);
    persistence_bind_key(statement, taken->pool_id, taken->key);
    if (claim->maps)
        persistence_bind_mapping(statement, 3, &claim->wanted);
    return change(database, statement, error);
}

static int fill_transaction(struct database *database, struct claims *claims, int64_t identity,
                            bool all, struct taken_claims *taken, struct error *error)
{
    struct generation now;
    int code = database_read_generation(database, &now, error);
    if (code != 0)
        return code;
    claims_take(claims, all, taken);
    if (now.identity != identity)
        return 0;
    for (size_t i = 0; code == 0 && i < taken->count; i++)
        code = write_claim(database, &taken->claims[i], now.mappings, error);
    return code;
}

int claim_rows_write(struct database *database, struct claims *claims, int64_t identity, bool all,
                     struct taken_claims *taken, struct error *error)
{
    taken->count = 0;
    int code = database_run(database, database_statement(database, QUERY_BEGIN),
                            "mappings cannot be written", error);
    if (code != 0)
        return code;
    code = fill_transaction(database, claims, identity, all, taken, error);
    if (code == 0)
        code = database_run(database, database_statement(database, QUERY_COMMIT),
                            "mappings cannot be written", error);
    if (code != 0) {
        if (!sqlite3_get_autocommit(database->connection))
            (void)database_run(database, database_statement(database, QUERY_ROLLBACK), "", NULL);
        return code;
    }
    for (size_t i = 0; i < taken->count; i++)
        claims_settle(claims, &taken->claims[i]);
    return 0;
}
