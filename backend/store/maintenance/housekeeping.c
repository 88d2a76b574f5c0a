/*
 * What has to be done now and then, by one process at a time. It waits for the disk and for others,
 * so it is not for a thread that answers questions; see housekeeper.c.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/buffer.h"
#include "store/store_parts.h"
#include "system/clock.h"

/* Readers keep a transaction for STORE_KEPT_MS; after that they do not need the old log. */
#define RESTART_WAIT_MS (4 * STORE_KEPT_MS)

/* A log that is larger than this is cut when nobody writes. */
#define LOG_BYTES_SMALL (4 * 1024 * 1024)

/*
 * With so many pages, 64 MiB, the log is copied back before its time and started over even while
 * others write. They have to wait for that, so it should be rare, and a page that was written
 * several times is copied once; far above, opening the database takes long, since SQLite reads the
 * log whole.
 */
#define LOG_PAGES_MAX 16384

/*
 * Before, it is copied until so few pages are left that the wait is short; while many are written,
 * that takes several rounds.
 */
#define PAGES_LEFT_FEW 256
#define COPY_ROUNDS_MAX 4

/* A round leaves so many pages of its own in a log that it has copied. */
#define PAGES_OF_ROUND 1

int64_t store_log_bytes(const struct store *store)
{
    struct buffer path = {0};
    struct stat status = {0};
    buffer_printf(&path, "%s-wal", store->database.path);
    if (path.failed || stat(path.data, &status) != 0)
        status.st_size = 0;
    buffer_release(&path);
    return status.st_size;
}

/* A checkpoint leaves so many pages only when somebody still reads what was there before them. */
static bool is_pinned(const struct rounds *rounds)
{
    return rounds->backlog > LOG_PAGES_MAX;
}

bool store_log_is_pinned(const struct store *store)
{
    struct rounds rounds;
    return lock_file_read(&store->lock, LOCK_FILE_ROUNDS, &rounds, sizeof rounds) &&
           is_pinned(&rounds);
}

/*
 * Writes one page that says what it says already: SQLite would not write a row that stays the
 * same.
 */
static int write_nothing(struct store *store, struct error *error)
{
    return database_run(&store->database, database_statement(&store->database, QUERY_TOUCH),
                        "its log cannot be written", error);
}

/* 0 with `rounds.backlog` set, ERR_BUSY without an error, or another code. */
static int run_checkpoint(struct store *store, int mode, int wait_ms, struct error *error)
{
    struct database *database = &store->database;
    int pages = 0, copied = 0;
    database->lock_wait_ms = wait_ms;
    int result = sqlite3_wal_checkpoint_v2(database->connection, NULL, mode, &pages, &copied);
    database->lock_wait_ms = STORE_BUSY_MS;
    if (result == SQLITE_OK) {
        store->rounds.backlog = pages - copied;
        return 0;
    }
    if ((result & 0xff) == SQLITE_BUSY)
        return ERR_BUSY;
    return database_error(database, result, "its log cannot be copied back", error);
}

/*
 * Copies the log back while others go on writing. When all of it is copied, whoever writes next
 * starts it over and waits for the disk, so that is done here as well and not by a question.
 *
 * What SQLite before 3.51.3 can get wrong (sqlite.org/wal.html, "WAL-reset bug") is a checkpoint of
 * a log that is copied back whole already, while a writer starts that log over. So a page is
 * written to such a log first: until this checkpoint has copied it, nobody can start the log over,
 * and since only one process at a time does this, there is no other checkpoint that could.
 */
static int copy_log(struct store *store, struct error *error)
{
    bool whole = wal_index_backlog(&store->database.wal_index) == 0;
    int code = whole ? write_nothing(store, error) : 0;
    if (code == 0)
        code = run_checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, 0, error);
    return code == 0 && store->rounds.backlog == 0 ? write_nothing(store, error) : code;
}

/*
 * Has the disk write what was copied, while others still write: SQLite waits for that when the copy
 * is whole, and by then it has locked writers out.
 */
static void flush_copy(struct store *store)
{
    sqlite3_file *file = database_file(store->database.connection, SQLITE_FCNTL_FILE_POINTER);
    if (file)
        file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

/*
 * Starts the log over. Little is left to copy, but writers wait for that little. SQLite waits for
 * the disk when the first page goes into a new log, so that page is written here and not by a
 * question. Cutting the file takes the disk long, with the writers waiting: a log that is in use
 * stays as large as it is, and is written over.
 */
static int restart_log(struct store *store, bool cut, struct error *error)
{
    int mode = cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART;
    bool in_line = store_wait_in_line(store, clock_monotonic_ms() + RESTART_WAIT_MS);
    int code = write_nothing(store, error);
    if (code == 0)
        code = run_checkpoint(store, mode, RESTART_WAIT_MS, error);
    if (code == 0)
        code = write_nothing(store, error);
    if (in_line)
        store_leave_line(store);
    return code;
}

static int copy_and_restart(struct store *store, bool restart, bool cut, struct error *error)
{
    const int64_t *left = &store->rounds.backlog;
    int code = copy_log(store, error);
    for (int i = 1; restart && code == 0 && *left > PAGES_LEFT_FEW && i < COPY_ROUNDS_MAX; i++)
        code = copy_log(store, error);
    if (!restart || code != 0)
        return code;
    flush_copy(store);
    return restart_log(store, cut, error);
}

static int checkpoint(struct store *store, bool disk_short, struct error *error)
{
    const struct wal_index *index = &store->database.wal_index;
    bool large = store_log_bytes(store) > LOG_BYTES_SMALL;
    bool quiet = store->rounds.commits == wal_index_commits(index);
    if (quiet && !large && wal_index_backlog(index) <= PAGES_OF_ROUND)
        return 0;
    bool cut = (quiet && large) || disk_short;
    bool restart = cut || wal_index_pages(index) > LOG_PAGES_MAX;
    struct error tried = {0};
    int code = copy_and_restart(store, restart, cut, &tried);
    store->rounds.commits = wal_index_commits(index);
    if (code != 0 && code != ERR_BUSY)
        return error_set(error, code, "%s", tried.text);
    if (is_pinned(&store->rounds))
        return error_set(error, ERR_LIMIT,
                         "%s-wal has grown to %lld MB, since somebody keeps a transaction open that"
                         " reads the database",
                         store->database.path, (long long)store_log_bytes(store) / 1000000);
    return code;
}

/*
 * One batch of sweeping is one transaction. A round goes on to the next batch until its time is
 * over, so that ten million rows are gone through in minutes and no question waits for long.
 */
#define SWEEP_ROUND_MS 10

static void bind_sweep(sqlite3_stmt *statement, const struct sweep *from, int64_t now_s)
{
    sqlite3_bind_int64(statement, 1, from->pool_id);
    sqlite3_bind_text(statement, 2, from->key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, now_s);
}

/* Looks at one batch: where it ends, whether the table does, and whether any row has expired. */
static int look(struct store *store, int64_t now_s, int64_t batch, struct sweep *ret_to,
                bool *ret_expired, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_SWEEP_LOOK);
    bind_sweep(statement, &store->rounds.sweep, now_s);
    sqlite3_bind_int64(statement, 4, batch);
    int64_t rows = 0;
    int result, code = 0;
    *ret_to = store->rounds.sweep;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        if (++rows == batch) {
            const char *key = (const char *)sqlite3_column_text(statement, 1);
            ret_to->pool_id = sqlite3_column_int64(statement, 0);
            snprintf(ret_to->key, sizeof ret_to->key, "%s", key ? key : "");
        }
        *ret_expired |= sqlite3_column_int(statement, 2) != 0;
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
    bind_sweep(statement, &store->rounds.sweep, now_s);
    sqlite3_bind_int64(statement, 4, to->pool_id);
    sqlite3_bind_text(statement, 5, to->key, -1, SQLITE_STATIC);
    return database_run(&store->database, statement, "expired mappings cannot be deleted", error);
}

/* Sweeps one batch and moves on; says by `ret_end` that the table has been gone through. */
static int sweep_batch(struct store *store, int64_t now_s, int64_t batch, bool *ret_end,
                       struct error *error)
{
    struct sweep to;
    bool expired = false;
    int code = look(store, now_s, batch, &to, &expired, error);
    if (code == 0 && expired)
        code = delete_expired(store, now_s, &to, error);
    if (code != 0)
        return code;
    *ret_end = to.pool_id == INT64_MAX;
    store->rounds.sweep = *ret_end ? (struct sweep){0} : to;
    return 0;
}

static int sweep(struct store *store, int64_t now_s, int64_t batch, struct error *error)
{
    int64_t end_ms = clock_monotonic_ms() + SWEEP_ROUND_MS;
    bool end = false;
    int code = 0;
    while (code == 0 && !end && clock_monotonic_ms() < end_ms)
        code = sweep_batch(store, now_s, batch, &end, error);
    return code;
}

/* Says whether an interval has passed; a time to come is of before the machine's last start. */
static bool is_due(int64_t last_ms, int64_t interval_s, int64_t now_ms)
{
    return last_ms > now_ms || now_ms - last_ms >= interval_s * 1000;
}

/* So long behind its time, the monitor is taken to hang. */
#define MONITOR_LATE_S 5

struct due {
    bool sweep, checkpoint;
};

/*
 * What is left to pdns-stickyd is due only when that is late, as one is that hangs; it looks
 * several times a second.
 */
static struct due what_is_due(const struct store *store, const struct round *round)
{
    const struct rounds *rounds = &store->rounds;
    const struct settings *settings = &round->settings;
    int64_t grace_s = round->left_to_monitor ? MONITOR_LATE_S : 0;
    int64_t pages = round->left_to_monitor ? 2 * LOG_PAGES_MAX : LOG_PAGES_MAX;
    return (struct due){
        .sweep = is_due(rounds->sweep_ms, settings->sweep_interval_s + grace_s, round->now_ms),
        .checkpoint = is_due(rounds->checkpoint_ms, settings->checkpoint_interval_s + grace_s,
                             round->now_ms) ||
                      round->disk_short ||
                      wal_index_backlog(&store->database.wal_index) > rounds->backlog + pages};
}

bool store_is_round_due(const struct store *store, const struct round *round)
{
    struct due due = what_is_due(store, round);
    return due.sweep || due.checkpoint;
}

static int do_what_is_due(struct store *store, const struct round *round, struct error *error)
{
    struct due due = what_is_due(store, round);
    int code = 0;
    if (due.sweep) {
        store->rounds.sweep_ms = round->now_ms;
        code = sweep(store, round->now_s, round->settings.sweep_batch, error);
    }
    if (code == 0 && due.checkpoint) {
        store->rounds.checkpoint_ms = round->now_ms;
        code = checkpoint(store, round->disk_short, error);
    }
    return code;
}

int store_do_round(struct store *store, const struct round *round, struct error *error)
{
    struct rounds *rounds = &store->rounds;
    struct error problem = {0};
    if (!lock_file_read(&store->lock, LOCK_FILE_ROUNDS, rounds, sizeof *rounds))
        *rounds = (struct rounds){0};
    int code = do_what_is_due(store, round, &problem);
    lock_file_write(&store->lock, LOCK_FILE_ROUNDS, rounds, sizeof *rounds);
    if (code == 0 || code == ERR_BUSY) /* the next round does it */
        return 0;
    return error_set(error, code, "%s", problem.text);
}
