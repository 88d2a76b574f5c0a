/*
 * Claims become rows, and where mappings are shared, deletions and notes of what has changed.
 *
 * Claims are read only after SQLite has given the lock to write, so what is written is what stands
 * in the file then, and it is newer than any row of ours. Of two writers (one that was stopped and
 * goes on) the second writes what the first one has written, or something newer.
 */
#include "store/maintenance/claim_rows.h"

#include "core/sharing/entry.h"
#include "store/sqlite/persistence_row.h"
#include "system/clock.h"

/* What one transaction writes with. */
struct desk {
    struct database *database;
    struct generation now;
    int64_t noted_ms; /* Unix time */
    struct error *error;
};

/* A statement for the row of a claim. */
static sqlite3_stmt *row_statement(const struct desk *desk, enum query query,
                                   const struct taken_claim *taken)
{
    sqlite3_stmt *statement = database_statement(desk->database, query);
    persistence_bind_key(statement, taken->pool_id, taken->key);
    return statement;
}

/* Runs it. One that the schema rejects changes nothing; `ret_changed` (may be NULL) says so. */
static int change(const struct desk *desk, sqlite3_stmt *statement, bool *ret_changed)
{
    struct database *database = desk->database;
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (result != SQLITE_DONE && (result & 0xff) != SQLITE_CONSTRAINT)
        return database_error(database, result, "a mapping cannot be written", desk->error);
    if (ret_changed)
        *ret_changed = result == SQLITE_DONE && sqlite3_changes(database->connection) > 0;
    return 0;
}

static int write_mapping(const struct desk *desk, const struct taken_claim *taken,
                         bool *ret_changed)
{
    sqlite3_stmt *statement = row_statement(desk, QUERY_MAPPING_WRITE, taken);
    persistence_bind_mapping(statement, 3, &taken->claim.wanted);
    return change(desk, statement, ret_changed);
}

static int delete_mapping(const struct desk *desk, const struct taken_claim *taken)
{
    return change(desk, row_statement(desk, QUERY_MAPPING_DELETE, taken), NULL);
}

/* ---------------------------------------------------------------- where mappings are shared */

/* What stands in the table of a client, without names: 0, ERR_NOTFOUND or a code with the error. */
static int find_entry(const struct desk *desk, const struct taken_claim *taken,
                      struct entry *ret_entry)
{
    sqlite3_stmt *statement = row_statement(desk, QUERY_ENTRY_FIND, taken);
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_ROW)
        *ret_entry = (struct entry){.decided = sqlite3_column_int64(statement, 0),
                                    .origin = sqlite3_column_int64(statement, 1),
                                    .gone = sqlite3_column_int(statement, 2) != 0,
                                    .timestamp_s = sqlite3_column_int64(statement, 3),
                                    .ttl_s = sqlite3_column_int64(statement, 4)};
    else if (result == SQLITE_DONE)
        code = ERR_NOTFOUND;
    else
        code = database_error(desk->database, result, "a mapping cannot be read", desk->error);
    sqlite3_reset(statement);
    return code;
}

static struct entry entry_of(const struct claim *claim)
{
    return (struct entry){.decided = claim->wanted.decided,
                          .origin = claim->wanted.origin,
                          .gone = !claim->maps,
                          .timestamp_s = claim->wanted.timestamp_s,
                          .ttl_s = claim->wanted.ttl_s};
}

static int write_tombstone(const struct desk *desk, const struct taken_claim *taken,
                           bool *ret_changed)
{
    const struct mapping *deletion = &taken->claim.wanted;
    sqlite3_stmt *statement = row_statement(desk, QUERY_TOMBSTONE_WRITE, taken);
    sqlite3_bind_int64(statement, 3, deletion->timestamp_s);
    sqlite3_bind_int64(statement, 4, deletion->ttl_s);
    sqlite3_bind_int64(statement, 5, deletion->decided);
    sqlite3_bind_int64(statement, 6, deletion->origin);
    int code = change(desk, statement, ret_changed);
    return code == 0 ? delete_mapping(desk, taken) : code;
}

static int note_change(const struct desk *desk, const struct taken_claim *taken)
{
    sqlite3_stmt *statement = row_statement(desk, QUERY_CHANGE_NOTE, taken);
    sqlite3_bind_int64(statement, 3, desk->noted_ms);
    return change(desk, statement, NULL);
}

/*
 * A peer's mapping may have come while the claim waited, so the greater of the two stays. Names are
 * not compared: two different decisions never have the same place.
 */
static int share_claim(const struct desk *desk, const struct taken_claim *taken)
{
    const struct claim *claim = &taken->claim;
    const struct entry claimed = entry_of(claim);
    struct entry standing;
    bool changed = false;
    int found = find_entry(desk, taken, &standing);
    if (found != 0 && found != ERR_NOTFOUND)
        return found;
    if (found == 0 && entry_compare(&claimed, &standing) <= 0)
        return 0;
    int code =
        claim->maps ? write_mapping(desk, taken, &changed) : write_tombstone(desk, taken, &changed);
    if (code == 0 && changed && claim->maps && found == 0 && standing.gone)
        code = change(desk, row_statement(desk, QUERY_TOMBSTONE_DELETE, taken), NULL);
    return code == 0 && changed ? note_change(desk, taken) : code;
}

/* ---------------------------------------------------------------- a transaction */

static int write_claim(const struct desk *desk, const struct taken_claim *taken)
{
    if (desk->now.node != 0)
        return share_claim(desk, taken);
    return taken->claim.maps ? write_mapping(desk, taken, NULL) : delete_mapping(desk, taken);
}

static int fill_transaction(struct database *database, struct claims *claims, int64_t identity,
                            bool all, struct taken_claims *taken, struct error *error)
{
    struct desk desk = {.database = database, .error = error};
    int code = database_read_generation(database, &desk.now, error);
    if (code != 0)
        return code;
    claims_take(claims, all, taken);
    if (desk.now.identity != identity)
        return 0;
    desk.noted_ms = clock_unix_ms();
    for (size_t i = 0; code == 0 && i < taken->count; i++)
        if (taken->claims[i].claim.revision == desk.now.mappings)
            code = write_claim(&desk, &taken->claims[i]);
        else
            taken->outdated++;
    return code;
}

int claim_rows_write(struct database *database, struct claims *claims, int64_t identity, bool all,
                     struct taken_claims *taken, struct error *error)
{
    taken->count = taken->outdated = 0;
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
