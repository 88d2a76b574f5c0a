#include "store/maintenance/sweep.h"

#include <stdbool.h>

#include "store/sqlite/persistence_row.h"
#include "system/clock.h"

/* One batch is one transaction; the next one follows until this time is over. */
#define SWEEP_MS 10

static void bind_sweep(sqlite3_stmt *statement, const struct sweep *from, int64_t ended_s)
{
    sqlite3_bind_int64(statement, 1, from->pool_id);
    sqlite3_bind_text(statement, 2, from->key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, ended_s);
}

/* Looks at one batch: where it ends, whether the table does, and whether any row has expired. */
static int look(struct database *database, const struct sweep *from, int64_t batch, int64_t ended_s,
                struct sweep *ret_to, bool *ret_expired, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_SWEEP_LOOK);
    bind_sweep(statement, from, ended_s);
    sqlite3_bind_int64(statement, 4, batch);
    int64_t rows = 0;
    int result, code = 0;
    *ret_to = *from;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        if (++rows == batch) {
            ret_to->pool_id = sqlite3_column_int64(statement, 0);
            if (!persistence_place_behind(statement, 1, ret_to->key, sizeof ret_to->key))
                *ret_expired = true; /* perhaps of rows that were passed over */
        }
        *ret_expired |= sqlite3_column_int(statement, 2) != 0;
    }
    if (result != SQLITE_DONE)
        code = database_error(database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    if (rows < batch)
        *ret_to = (struct sweep){.pool_id = INT64_MAX};
    return code;
}

static int delete_expired(struct database *database, const struct sweep *from,
                          const struct sweep *to, int64_t ended_s, struct error *error)
{
    int code = database_check(database, 0, clock_monotonic_ms(), error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(database, QUERY_SWEEP_DELETE);
    bind_sweep(statement, from, ended_s);
    sqlite3_bind_int64(statement, 4, to->pool_id);
    sqlite3_bind_text(statement, 5, to->key, -1, SQLITE_STATIC);
    return database_run(database, statement, "expired mappings cannot be deleted", error);
}

int sweep_run(struct database *database, struct sweep *sweep, int64_t batch, int64_t grace_s,
              int64_t now_s, struct error *error)
{
    int64_t end_ms = clock_monotonic_ms() + SWEEP_MS;
    struct generation generation;
    struct sweep to;
    int code = database_read_generation(database, &generation, error);
    if (code != 0)
        return code;
    int64_t ended_s = generation.node == 0 ? now_s : now_s - grace_s;
    do {
        bool expired = false;
        code = look(database, sweep, batch, ended_s, &to, &expired, error);
        if (code == 0 && expired)
            code = delete_expired(database, sweep, &to, ended_s, error);
        if (code != 0)
            return code;
        *sweep = to;
    } while (sweep->pool_id != INT64_MAX && clock_monotonic_ms() < end_ms);
    if (sweep->pool_id == INT64_MAX)
        *sweep = (struct sweep){0};
    return 0;
}
