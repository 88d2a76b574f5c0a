/*
 * Opening a connection: what SQLite is asked for, and whether the file is a database of ours.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "store/sqlite/database.h"
#include "store/sqlite/kept_map.h"
#include "system/clock.h"
#include "system/page_guard.h"

/* A mapped file spares a system call for most pages; this is SQLite's own bound for it. */
#define MAP_BYTES "2147418112"

/* The pauses between tries for a lock: this, and so many times the double. */
#define LOCK_WAIT_FIRST_NS 25000L
#define LOCK_WAIT_DOUBLINGS 2

/*
 * Without the log, a commit that waits for readers lets nobody else begin to read. So it gives up
 * soon, and is tried again later.
 */
#define NO_LOG_WAIT_MS 10

/* The longest value of a pragma that is read here, with NUL. */
#define PRAGMA_TEXT_MAX 32

/* The path as an SQLite URI that promises nobody writes. */
static int immutable_uri(const char *path, struct buffer *uri)
{
    buffer_add_text(uri, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            buffer_printf(uri, "%%%02X", (unsigned char)*path);
        else
            buffer_add_char(uri, *path);
    }
    buffer_add_text(uri, "?immutable=1");
    return uri->failed ? ERR_NOMEM : 0;
}

/*
 * SQLite tries to write and then only to read by itself, but it takes up a descriptor that another
 * connection of this process had to leave open, whatever the rights of the file have become.
 */
static bool may_write(const char *path)
{
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static int connect_to(struct database *database, bool immutable, struct error *error)
{
    struct buffer uri = {0};
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const char *name = database->real_path;
    if (immutable) {
        if (immutable_uri(name, &uri) != 0) {
            buffer_release(&uri);
            return error_set(error, ERR_NOMEM, "%s: out of memory", database->path);
        }
        flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
        name = uri.data;
    } else {
        flags |= may_write(name) ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    }
    int result = sqlite3_open_v2(name, &database->connection, flags, kept_map_vfs());
    buffer_release(&uri);
    if (result != SQLITE_OK)
        return database_error(database, result, "cannot be opened", error);
    database->immutable = immutable;
    return 0;
}

/*
 * Called again and again while a lock is not to be had; 0 gives up. Most are held for less than a
 * millisecond, by whoever writes some rows; SQLite's own waits begin with one. Time outside of here
 * does not count: a checkpoint waits for the writer's lock, copies, and then waits for readers.
 */
static int wait_for_lock(void *context, int attempt)
{
    struct database *database = context;
    bool no_log = database->ready && !database->log;
    int wait_ms = no_log ? NO_LOG_WAIT_MS : database->lock_wait_ms;
    if (attempt == 0)
        database->waited_ns = 0;
    if (database->waited_ns >= wait_ms * INT64_C(1000000))
        return 0;
    long wait_ns = LOCK_WAIT_FIRST_NS
                   << (attempt < LOCK_WAIT_DOUBLINGS ? attempt : LOCK_WAIT_DOUBLINGS);
    int64_t start_ns = clock_monotonic_ns();
    nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
    database->waited_ns += clock_monotonic_ns() - start_ns;
    return 1;
}

/* Makes a rollback of the commit when what was read for it may be wrong. */
static int refuse_commit(void *context)
{
    const struct database *database = context;
    return database->check.losses != page_guard_losses();
}

static int note_log_pages(void *context, sqlite3 *connection, const char *name, int pages)
{
    struct database *database = context;
    (void)connection, (void)name;
    database->log_pages = pages;
    return SQLITE_OK;
}

/* Settings of the connection. Those that fail leave it slower or stricter, not wrong. */
static int configure(struct database *database, struct error *error)
{
    sqlite3 *connection = database->connection;
    database->lock_wait_ms = database->usual_wait_ms;
    sqlite3_busy_handler(connection, wait_for_lock, database);
    sqlite3_wal_hook(connection, note_log_pages, database); /* in place of automatic checkpoints */
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, !database->no_triggers, NULL);
    sqlite3_commit_hook(connection, refuse_commit, database);
    /* No fsync on the way to an answer: a power cut may cost the last mappings, never the file. */
    int result = sqlite3_exec(connection, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    if (result != SQLITE_OK)
        return database_error(database, result, "cannot be read", error);
    sqlite3_exec(connection, "PRAGMA mmap_size = " MAP_BYTES, NULL, NULL, NULL);
    return 0;
}

static int read_text(struct database *database, const char *sql, char *ret_text, size_t size,
                     struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    const unsigned char *text = result == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
    snprintf(ret_text, size, "%s", text ? (const char *)text : "");
    int code = result == SQLITE_ROW ? 0 : database_error(database, result, "cannot be read", error);
    sqlite3_finalize(statement);
    return code;
}

/* What to say of a file that the header does not tell to be ours. */
static int no_header(struct database *database, struct error *error)
{
    char found[PRAGMA_TEXT_MAX];
    if (read_text(database, DATABASE_WITHOUT_HEADER_SQL, found, sizeof found, NULL) != 0)
        return database_is_foreign(database, error);
    return error_set(error, ERR_FOREIGN,
                     "%s was made from a dump, which leaves out application_id and version; run:"
                     " pdns-stickyctl --database %s migrate",
                     database->path, database->path);
}

/* Is this file ours, and of a version that we know? */
static int check_header(struct database *database, struct error *error)
{
    char application[PRAGMA_TEXT_MAX], text[PRAGMA_TEXT_MAX];
    int code = read_text(database, "PRAGMA application_id", application, sizeof application, error);
    if (code == 0)
        code = read_text(database, "PRAGMA user_version", text, sizeof text, error);
    if (code != 0)
        return code;
    if (strtol(application, NULL, 10) != DATABASE_APPLICATION_ID)
        return no_header(database, error);
    long version = strtol(text, NULL, 10);
    if (version < DATABASE_VERSION)
        return error_set(error, ERR_FOREIGN,
                         "%s is of version %ld, this program wants %d; run: pdns-stickyctl"
                         " --database %s migrate",
                         database->path, version, DATABASE_VERSION, database->path);
    database->is_newer = version > DATABASE_VERSION;
    if (database->is_newer)
        snprintf(database->read_only, sizeof database->read_only,
                 "%s is of version %ld, newer than this program's %d: served read-only, no"
                 " mappings are kept; install the newer pdns-sticky",
                 database->path, version, DATABASE_VERSION);
    else if (sqlite3_db_readonly(database->connection, "main") == 1)
        snprintf(database->read_only, sizeof database->read_only,
                 "%s can only be read, no mappings are stored: " DATABASE_ADVICE, database->path,
                 (long)database->identity.st_uid, (long)geteuid());
    return 0;
}

/*
 * Without the log, readers and writers shut each other out, and then an answer has no row. VACUUM
 * INTO makes a backup that is so, so whoever opens it first makes it WAL mode again. While others
 * use the file that fails, and is tried again when it is opened anew (database_open()).
 */
static int check_mode(struct database *database, struct error *error)
{
    char mode[PRAGMA_TEXT_MAX], version[PRAGMA_TEXT_MAX];
    int code = read_text(database, "PRAGMA journal_mode", mode, sizeof mode, error);
    if (code == 0 && strcmp(mode, "wal") != 0 && !database->immutable && !database->read_only[0] &&
        read_text(database, "PRAGMA journal_mode = WAL", mode, sizeof mode, NULL) == 0)
        code = read_text(database, "PRAGMA user_version", version, sizeof version, error);
    database->log = code == 0 && strcmp(mode, "wal") == 0; /* reading has made the wal-index */
    return code;
}

static int open_as(struct database *database, bool immutable, struct error *error)
{
    int code = connect_to(database, immutable, error);
    if (code == 0)
        code = configure(database, error);
    if (code == 0)
        code = check_header(database, error);
    if (code == 0)
        code = check_mode(database, error);
    database->ready = code == 0;
    if (code != 0)
        database_disconnect(database);
    return code;
}

/*
 * The log cannot be made beside the file. If there is none, nobody else is writing either, and the
 * file can be read as it lies, for as long as it does not change.
 */
static int open_immutable(struct database *database, struct error *error)
{
    struct buffer log = {0};
    struct stat status;
    buffer_printf(&log, "%s-wal", database->real_path);
    bool quiet = !log.failed && (stat(log.data, &status) != 0 || status.st_size == 0);
    buffer_release(&log);
    if (!quiet)
        return error->code;
    struct error second = {0};
    if (open_as(database, true, &second) != 0)
        return error->code;
    snprintf(database->read_only, sizeof database->read_only,
             "%s: no files can be made beside it, no mappings are stored: " DATABASE_ADVICE,
             database->path, (long)database->identity.st_uid, (long)geteuid());
    *error = (struct error){0};
    return 0;
}

int database_connect(struct database *database, struct error *error)
{
    struct error why = {0};
    int code = open_as(database, false, &why);
    if ((code == ERR_IO && !database->check.suspects) || code == ERR_READONLY)
        code = open_immutable(database, &why);
    return code == 0 ? 0 : error_set(error, code, "%s", why.text);
}

void database_disconnect(struct database *database)
{
    for (int i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(database->statements[i]);
        database->statements[i] = NULL;
    }
    sqlite3_close(database->connection);
    database->connection = NULL;
    database->ready = database->immutable = database->log = database->in_transaction =
        database->stale = database->is_newer = false;
    database->log_pages = 0;
    database->read_only[0] = '\0';
    wal_index_detach(&database->wal_index);
}
