/*
 * A checkpoint is one or more passes over the log (run_pass()). Before the pass that starts the log
 * over, other passes copy most of it, so that writers wait only briefly. When all was copied, the
 * last section notes the log's size and time, which tell the next checkpoint if anybody wrote.
 */
#include "store/maintenance/checkpoint.h"

#include <time.h>

#include "store/sqlite/sqlite_file.h"
#include "system/clock.h"

/* Answering processes keep a transaction for 5 ms; after that they do not need the old log. */
#define RESTART_WAIT_MS 20

/* A log that is larger than this is truncated when nobody writes. */
#define LOG_BYTES_SMALL (4 * 1024 * 1024)

/*
 * Before a log is started over into which others write, it is copied until so few pages are new
 * that their wait is short. Each pass leaves what was written during it, so it takes several. Where
 * pages are written faster than the disk takes them, they become no fewer.
 */
#define PAGES_NEW_FEW 64

/* The times of files move on in steps, of 10 ms at most. */
#define STEP_TRIES 50
#define STEP_PAUSE_NS 1000000L

/* One checkpoint. */
struct checkpoint {
    struct database *database;
    struct log_progress *progress;
    int64_t version;    /* of the data, before the last pass; others' commits move it */
    bool has_last_page; /* the pass copied all, and then wrote a page of its own */
};

/*
 * Writes one page that says what it says already: SQLite would not write a row that stays the
 * same.
 */
static int write_page(struct checkpoint *checkpoint, struct error *error)
{
    struct database *database = checkpoint->database;
    int code = database_check(database, 0, clock_monotonic_ms(), error);
    if (code != 0)
        return code;
    code = database_run(database, database_statement(database, QUERY_TOUCH),
                        "its log cannot be written", error);
    if (code == 0)
        checkpoint->progress->pages = database->log_pages;
    return code;
}

/* A number that commits of others move; -1 when it cannot be read. */
static int64_t data_version(struct database *database)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_DATA_VERSION);
    int64_t version =
        sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_reset(statement);
    return version;
}

static int copy_pages(struct checkpoint *checkpoint, int mode, int wait_ms, struct error *error)
{
    struct database *database = checkpoint->database;
    int pages = 0, copied = 0;
    int code = database_check(database, 0, clock_monotonic_ms(), error);
    if (code != 0)
        return code;
    database->lock_wait_ms = wait_ms;
    int result = sqlite3_wal_checkpoint_v2(database->connection, NULL, mode, &pages, &copied);
    database->lock_wait_ms = database->usual_wait_ms;
    if (result != SQLITE_OK)
        return database_error(database, result, "its log cannot be copied", error);
    checkpoint->progress->pages = pages;
    checkpoint->progress->uncopied = pages - copied;
    return 0;
}

/*
 * One pass: copies the log while others go on writing, or in another mode while they wait. When all
 * of it is copied, whoever writes next starts it over and waits for the disk, so that is done here
 * and not by a question.
 *
 * What SQLite before 3.51.3 can get wrong (sqlite.org/wal.html, "WAL-reset bug") is a checkpoint of
 * a log that was copied whole before, while a writer starts that log over. So a page is written
 * first: until this checkpoint has copied it, nobody can start the log over, and since only one
 * process at a time does this, there is no other checkpoint that could. Where somebody else writes
 * for long, the page that the last checkpoint has left in the log does the same service.
 */
static int run_pass(struct checkpoint *checkpoint, int mode, int wait_ms, struct error *error)
{
    struct error busy = {0};
    checkpoint->has_last_page = false;
    int code = write_page(checkpoint, &busy);
    if (code == ERR_BUSY && mode == SQLITE_CHECKPOINT_PASSIVE && checkpoint->progress->uncopied > 0)
        code = 0;
    if (code != 0)
        return error_set(error, code, "%s", busy.text);
    checkpoint->version = data_version(checkpoint->database);
    code = copy_pages(checkpoint, mode, wait_ms, error);
    if (code != 0 || checkpoint->progress->uncopied > 0)
        return code;
    code = write_page(checkpoint, error);
    checkpoint->has_last_page = code == 0;
    if (code == 0)
        checkpoint->progress->uncopied = 1;
    return code;
}

/*
 * Has the disk write what was copied, while others still write: SQLite waits for that when the copy
 * is whole, and by then it has locked writers out.
 */
static void flush_copy(struct database *database)
{
    sqlite3_file *file = sqlite_file(database->connection);
    if (file)
        file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

/*
 * Starts the log over. Little is left to copy, but writers wait for that little. Truncating the
 * file takes the disk long, with the writers waiting: a log that is in use stays as large as it is,
 * and is written over.
 */
static int restart_log(struct checkpoint *checkpoint, bool truncate, struct error *error)
{
    int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART;
    flush_copy(checkpoint->database);
    if (truncate)
        file_check_announce(&checkpoint->database->lock);
    return run_pass(checkpoint, mode, RESTART_WAIT_MS, error);
}

/* Copies until a pass finds few new pages, or no fewer than the one before it. */
static int copy_new_pages(struct checkpoint *checkpoint, struct error *error)
{
    const struct log_progress *progress = checkpoint->progress;
    int64_t last, added = INT64_MAX;
    int code;
    do {
        int64_t before = progress->pages;
        flush_copy(checkpoint->database);
        code = run_pass(checkpoint, SQLITE_CHECKPOINT_PASSIVE, 0, error);
        last = added;
        added = progress->pages - before;
    } while (code == 0 && added > PAGES_NEW_FEW && added < last);
    return code;
}

static int run_passes(struct checkpoint *checkpoint, bool truncate, struct error *error)
{
    const struct log_progress *progress = checkpoint->progress;
    int code = run_pass(checkpoint, SQLITE_CHECKPOINT_PASSIVE, 0, error);
    if (code != 0 || (!truncate && progress->pages <= RESTART_PAGES_MAX))
        return code;
    code = copy_new_pages(checkpoint, error);
    if (code != 0 || checkpoint_is_blocked(progress)) /* writers would wait in vain */
        return code;
    return restart_log(checkpoint, truncate, error);
}

/* ---------------------------------------------------------------- what is left to do */

static struct file_mark mark_of(const struct stat *file)
{
    return (struct file_mark){.device = (uint64_t)file->st_dev,
                              .number = (uint64_t)file->st_ino,
                              .bytes = file->st_size,
                              .written_s = file->st_mtim.tv_sec,
                              .written_ns = file->st_mtim.tv_nsec};
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->number == b->number && a->bytes == b->bytes &&
           a->written_s == b->written_s && a->written_ns == b->written_ns;
}

/* Waits until whoever writes to the file from now on gives it another time. */
static bool wait_for_step(const struct stat *file)
{
    struct timespec now;
    for (int i = 0; i < STEP_TRIES; i++) {
        clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock by which files are dated */
        if (now.tv_sec > file->st_mtim.tv_sec ||
            (now.tv_sec == file->st_mtim.tv_sec && now.tv_nsec > file->st_mtim.tv_nsec))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = STEP_PAUSE_NS}, NULL);
    }
    return false;
}

/*
 * Remembers the log if it holds nothing but a page of our own: all else was copied, and nobody has
 * committed since before that. Whoever commits after the look at the version gives the log a later
 * time than it had before. Where a file system dates files by the second, the log never counts as
 * done.
 */
static void mark_log(struct checkpoint *checkpoint)
{
    struct stat log = database_log_file(checkpoint->database);
    if (checkpoint->has_last_page && log.st_mtim.tv_nsec != 0 && wait_for_step(&log) &&
        checkpoint->version >= 0 && data_version(checkpoint->database) == checkpoint->version)
        checkpoint->progress->done = mark_of(&log);
}

bool checkpoint_is_blocked(const struct log_progress *progress)
{
    return progress->uncopied > CHECKPOINT_PAGES_MAX;
}

int checkpoint_run(struct database *database, struct log_progress *progress, bool disk_short,
                   struct error *error)
{
    struct checkpoint checkpoint = {.database = database, .progress = progress};
    struct stat log = database_log_file(database);
    struct file_mark mark = mark_of(&log);
    bool idle = same_mark(&mark, &progress->done), large = log.st_size > LOG_BYTES_SMALL;
    struct error why = {0};
    if (idle && !large)
        return 0;
    progress->done = (struct file_mark){0};
    int code = run_passes(&checkpoint, (idle && large) || disk_short, &why);
    if (code == 0)
        mark_log(&checkpoint);
    if (code != 0 && code != ERR_BUSY)
        return error_set(error, code, "%s", why.text);
    if (checkpoint_is_blocked(progress))
        return error_set(error, ERR_LIMIT,
                         "%s-wal has grown to %lld MB, since somebody keeps a transaction open that"
                         " reads the database",
                         database->real_path,
                         (long long)database_log_file(database).st_size / 1000000);
    return code;
}
