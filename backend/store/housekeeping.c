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

/* Readers keep a transaction for STORE_KEPT_MS; after that they do not need the old log. */
#define RESTART_WAIT_MS (4 * STORE_KEPT_MS)

/*
 * The log is started over when it is larger than this. Below, that would cost more than it saves;
 * far above, opening the database takes long, since SQLite reads the log whole.
 */
#define LOG_BYTES_MAX (16 * 1024 * 1024)

/* The log as it is now; zeros when there is none. */
static struct log_mark look_at_log(const struct store *store)
{
    struct buffer path = {0};
    struct stat status = {0};
    buffer_printf(&path, "%s-wal", store->database.path);
    if (path.failed || stat(path.data, &status) != 0)
        status = (struct stat){0};
    buffer_release(&path);
    return (struct log_mark){.bytes = status.st_size,
                             .written_s = status.st_mtim.tv_sec,
                             .written_ns = status.st_mtim.tv_nsec};
}

/* Writes one page that says what it says already: SQLite would not write a row that stays the same.
 */
static int write_nothing(struct store *store, struct error *error)
{
    return database_run(&store->database, database_statement(&store->database, QUERY_TOUCH), error);
}

static int run_checkpoint(struct store *store, int mode, int wait_ms, struct error *error)
{
    struct database *database = &store->database;
    sqlite3_busy_timeout(database->connection, wait_ms);
    int result = sqlite3_wal_checkpoint_v2(database->connection, NULL, mode, NULL, NULL);
    sqlite3_busy_timeout(database->connection, STORE_BUSY_MS);
    if (result == SQLITE_OK)
        return 0;
    if ((result & 0xff) == SQLITE_BUSY)
        return ERR_BUSY;
    return database_error(database, result, "its log cannot be copied back", error);
}

/*
 * Copies the log back while others go on writing.
 *
 * What SQLite before 3.51.3 can get wrong (sqlite.org/wal.html, "WAL-reset bug") is a checkpoint of
 * a log that is copied back whole already, while a writer starts that log over. So a page is
 * written first: until this checkpoint has copied it, nobody can start the log over, and since only
 * one process at a time does this, there is no other checkpoint that could.
 */
static int copy_log(struct store *store, struct error *error)
{
    int code = write_nothing(store, error);
    return code == 0 ? run_checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, 0, error) : code;
}

/*
 * Starts the log over. Little is left to copy, but writers wait for that little. SQLite waits for
 * the disk when the first page goes into a new log, so that page is written here and not by a
 * question.
 */
static int restart_log(struct store *store, struct error *error)
{
    int code = write_nothing(store, error);
    if (code == 0)
        code = run_checkpoint(store, SQLITE_CHECKPOINT_TRUNCATE, RESTART_WAIT_MS, error);
    return code == 0 ? write_nothing(store, error) : code;
}

/* Readers or writers in the way are no error: the next round does it. */
static int checkpoint(struct store *store, struct error *error)
{
    struct log_mark log = look_at_log(store);
    if (memcmp(&log, &store->rounds.log, sizeof log) == 0)
        return 0;
    int code = copy_log(store, error);
    if (code == 0 && log.bytes > LOG_BYTES_MAX)
        code = restart_log(store, error);
    store->rounds.log = look_at_log(store);
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
    return database_run(&store->database, statement, error);
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
        store->lock.descriptor < 0 || !lock_file_take(&store->lock))
        return 0;
    store_rest(store);
    if (!lock_file_read(&store->lock, rounds, sizeof *rounds))
        *rounds = (struct rounds){0};
    int code = do_what_is_due(store, settings, patience, now_s, now_ms, error);
    lock_file_write(&store->lock, rounds, sizeof *rounds);
    lock_file_give(&store->lock);
    return code == ERR_BUSY ? 0 : code;
}
