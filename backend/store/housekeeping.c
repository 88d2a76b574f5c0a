/*
 * What has to be done now and then, by one process at a time and never while a question waits.
 */
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "store/store_parts.h"

/*
 * A process that is asked all the time leaves housekeeping to one that is not, PowerDNS's for TCP
 * for instance, until so many intervals have passed without.
 */
#define BUSY_PATIENCE 4

/* Writers hold their lock for less than a millisecond, so a gap comes soon. */
#define CHECKPOINT_WAIT_MS 20

/*
 * A log that was started over and holds one page: its header, the page's, and the page of 4096
 * bytes.
 */
#define LOG_STARTED_BYTES (32 + 24 + 4096)

/* Has anything been written since the log was started over? */
static bool has_log(const struct store *store)
{
    struct buffer path = {0};
    struct stat status;
    buffer_printf(&path, "%s-wal", store->database.path);
    bool has = !path.failed && stat(path.data, &status) == 0 && status.st_size > LOG_STARTED_BYTES;
    buffer_release(&path);
    return has;
}

/*
 * SQLite waits for the disk when the first page goes into a log that was cut to nothing. So that no
 * question has to wait for that, the first page is written here, with what it says already.
 */
static int start_log(struct store *store, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_START_LOG);
    return database_run(&store->database, statement, error);
}

/*
 * Copies the log back and cuts it to nothing. Readers or writers in the way are no error: the next
 * round does it.
 */
static int checkpoint(struct store *store, struct error *error)
{
    struct database *database = &store->database;
    if (!has_log(store) || !lock_file_take(&store->lock, LOCK_WRITING, true, CHECKPOINT_WAIT_MS))
        return 0;
    sqlite3_busy_timeout(database->connection, 0);
    int result = sqlite3_wal_checkpoint_v2(database->connection, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                           NULL, NULL);
    sqlite3_busy_timeout(database->connection, STORE_BUSY_MS);
    int code = 0;
    if (result == SQLITE_OK)
        code = start_log(store, error);
    else if ((result & 0xff) != SQLITE_BUSY)
        code = database_error(database, result, "its log cannot be copied back", error);
    lock_file_give(&store->lock, LOCK_WRITING);
    return code;
}

static void bind_sweep(sqlite3_stmt *statement, const struct sweep *from, int64_t now_s)
{
    sqlite3_bind_int64(statement, 1, from->pool_id);
    sqlite3_bind_text(statement, 2, from->key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, now_s);
}

/* Looks at one batch of rows: where it ends, whether the table does, and whether any has expired.
 */
static int look(struct store *store, int64_t now_s, int64_t batch, struct sweep *ret_to,
                bool *ret_expired, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_SWEEP_LOOK);
    bind_sweep(statement, &store->sweep, now_s);
    sqlite3_bind_int64(statement, 4, batch);
    int64_t rows = 0;
    int result, code = 0;
    *ret_to = store->sweep;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(statement, 1);
        ret_to->pool_id = sqlite3_column_int64(statement, 0);
        snprintf(ret_to->key, sizeof ret_to->key, "%s", key ? key : "");
        *ret_expired |= sqlite3_column_int(statement, 2) != 0;
        rows++;
    }
    if (result != SQLITE_DONE)
        code = database_error(&store->database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    if (rows < batch)
        *ret_to = (struct sweep){.pool_id = INT64_MAX};
    return code;
}

static int delete_expired(struct store *store, int64_t now_s, const struct sweep *to,
                          struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_SWEEP_DELETE);
    bind_sweep(statement, &store->sweep, now_s);
    sqlite3_bind_int64(statement, 4, to->pool_id);
    sqlite3_bind_text(statement, 5, to->key, -1, SQLITE_STATIC);
    int code = store_writing_begin(store, error);
    if (code != 0)
        return code;
    code = database_run(&store->database, statement, error);
    store_writing_end(store);
    return code;
}

static int sweep(struct store *store, int64_t now_s, int64_t batch, struct error *error)
{
    struct sweep to;
    bool expired = false;
    int code = look(store, now_s, batch, &to, &expired, error);
    if (code == 0 && expired)
        code = delete_expired(store, now_s, &to, error);
    if (code == 0)
        store->sweep = to.pool_id == INT64_MAX ? (struct sweep){.pool_id = INT64_MIN} : to;
    return code;
}

/* Says whether an interval has passed; a time to come is of before the machine's last start. */
static bool is_due(int64_t last_ms, int64_t interval_s, int64_t now_ms)
{
    return last_ms > now_ms || now_ms - last_ms >= interval_s * 1000;
}

static int do_what_is_due(struct store *store, const struct settings *settings, int64_t patience,
                          int64_t now_s, int64_t now_ms, struct error *error)
{
    struct rounds *rounds = &store->rounds;
    int code = 0;
    if (is_due(rounds->sweep_ms, settings->sweep_interval_s * patience, now_ms)) {
        rounds->sweep_ms = now_ms;
        code = sweep(store, now_s, settings->sweep_batch, error);
    }
    if (code == 0 &&
        is_due(rounds->checkpoint_ms, settings->checkpoint_interval_s * patience, now_ms)) {
        rounds->checkpoint_ms = now_ms;
        code = checkpoint(store, error);
    }
    return code;
}

int store_keep_house(struct store *store, const struct settings *settings, bool idle, int64_t now_s,
                     int64_t now_ms, struct error *error)
{
    int64_t patience = idle ? 1 : BUSY_PATIENCE;
    struct rounds *rounds = &store->rounds;
    bool due = is_due(rounds->sweep_ms, settings->sweep_interval_s * patience, now_ms) ||
               is_due(rounds->checkpoint_ms, settings->checkpoint_interval_s * patience, now_ms);
    if (!due || !store->database.connection || store->database.read_only[0] ||
        store->lock.descriptor < 0 || !lock_file_take(&store->lock, LOCK_HOUSEKEEPING, true, 0))
        return 0;
    if (!lock_file_read(&store->lock, rounds, sizeof *rounds))
        *rounds = (struct rounds){0};
    int code = do_what_is_due(store, settings, patience, now_s, now_ms, error);
    lock_file_write(&store->lock, rounds, sizeof *rounds);
    lock_file_give(&store->lock, LOCK_HOUSEKEEPING);
    return code == ERR_BUSY ? 0 : code;
}
