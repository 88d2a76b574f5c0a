#include "store/maintenance/sweep.h"

#include <stdbool.h>

#include "store/sqlite/configuration.h"
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

/* A batch: where it ends, whether the table does, and what was found in it. */
struct batch {
    struct sweep end; /* pool_id INT64_MAX: of the table */
    bool has_expired;
    struct key_check check;
};

/* `limit` is in rows. Without a snapshot, keys are not checked. */
static int look(struct database *database, const struct sweep *from, int64_t limit, int64_t ended_s,
                const struct snapshot *snapshot, struct batch *batch, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_SWEEP_LOOK);
    bind_sweep(statement, from, ended_s);
    sqlite3_bind_int64(statement, 4, limit);
    int64_t rows = 0;
    int result, code = 0;
    batch->end = *from;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t pool_id = sqlite3_column_int64(statement, 0);
        bool expired = sqlite3_column_int(statement, 2) != 0;
        if (snapshot && !expired)
            key_check_add(&batch->check, snapshot, pool_id, statement, 1);
        if (++rows == limit) {
            batch->end.pool_id = pool_id;
            if (!persistence_place_behind(statement, 1, batch->end.key, sizeof batch->end.key))
                batch->has_expired = true; /* perhaps of rows that were passed over */
        }
        batch->has_expired |= expired;
    }
    if (result != SQLITE_DONE)
        code = database_error(database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    if (rows < limit)
        batch->end = (struct sweep){.pool_id = INT64_MAX};
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

/* Goes on until the time is over, or to the end of the table: then pool_id is INT64_MAX. */
static int go_on(struct database *database, struct sweep *sweep, struct key_check *check,
                 int64_t limit, int64_t ended_s, const struct snapshot *snapshot,
                 struct error *error)
{
    int64_t end_ms = clock_monotonic_ms() + SWEEP_MS;
    do {
        struct batch batch = {.check = *check};
        int code = look(database, sweep, limit, ended_s, snapshot, &batch, error);
        if (code == 0 && batch.has_expired)
            code = delete_expired(database, sweep, &batch.end, ended_s, error);
        if (code != 0)
            return code;
        *sweep = batch.end;
        *check = batch.check;
    } while (sweep->pool_id != INT64_MAX && clock_monotonic_ms() < end_ms);
    return 0;
}

int sweep_run(struct database *database, struct sweep *sweep, struct key_check *check,
              int64_t batch, int64_t grace_s, int64_t now_s, struct error *error)
{
    struct snapshot *snapshot = NULL;
    struct generation generation;
    int code = database_read_generation(database, &generation, error);
    if (code == 0 && sweep->pool_id == 0)
        key_check_begin(check, generation.mappings);
    if (code == 0 && check->runs)
        code = database_load_configuration(database, &snapshot, error);
    if (code == 0)
        code = go_on(database, sweep, check, batch, generation.node == 0 ? now_s : now_s - grace_s,
                     snapshot, error);
    if (code == 0 && sweep->pool_id == INT64_MAX) {
        *sweep = (struct sweep){0};
        key_check_finish(check);
    }
    snapshot_free(snapshot);
    return code;
}
