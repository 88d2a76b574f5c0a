#include "store/sqlite/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "store/older.h"
#include "store/sqlite/kept_map.h"
#include "store/store.h"
#include "system/clock.h"
#include "system/page_guard.h"

/*
 * How long a file that cannot be written is only read, before it is opened anew to see, and how
 * often is looked whether an older one was migrated.
 */
#define READ_ONLY_MS 1000

/* A mapped file spares a system call for most pages; this is SQLite's own bound for it. */
#define MAP_BYTES "2147418112"

/* The pauses between tries for a lock: this, and so many times the double. */
#define LOCK_WAIT_FIRST_NS 25000L
#define LOCK_WAIT_DOUBLINGS 2

/* Takes the owner's and our own uid. */
#define ADVICE                                                                                     \
    "it belongs to uid %ld, this is uid %ld; it, its -wal and -shm and the directory must belong"  \
    " to the user PowerDNS runs as, who can write them"

static int code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERR_BUSY;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return ERR_READONLY;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CORRUPT:
        return ERR_CORRUPT;
    case SQLITE_NOTADB:
        return ERR_FOREIGN;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return ERR_IO;
    default:
        return ERR_INTERNAL;
    }
}

static int foreign(const struct database *database, struct error *error)
{
    return error_set(
        error, ERR_FOREIGN, "%s is %s; make one as the user PowerDNS runs as: sqlite3 FILE < %s",
        database->path, database->identity.st_size == 0 ? "empty" : "not a pdns-sticky database",
        SCHEMA_PATH);
}

int database_error(struct database *database, int result, const char *doing, struct error *error)
{
    int code = code_of(result);
    if (code != ERR_BUSY && code != ERR_FULL)
        database->stale = true;
    if (code == ERR_FOREIGN)
        return foreign(database, error);
    if (code == ERR_READONLY)
        return error_set(error, code, "%s: %s: " ADVICE, database->path, doing,
                         (long)database->identity.st_uid, (long)geteuid());
    return error_set(error, code, "%s: %s: %s", database->path, doing,
                     database->connection && result != SQLITE_OK
                         ? sqlite3_errmsg(database->connection)
                         : sqlite3_errstr(result));
}

void database_close(struct database *database)
{
    for (int i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(database->statements[i]);
        database->statements[i] = NULL;
    }
    sqlite3_close(database->connection);
    database->connection = NULL;
    database->immutable = database->log = database->reading = database->stale = false;
    database->wal_index.header = NULL;
    database->read_only[0] = database->older[0] = '\0';
}

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
    const char *name = database->path;
    if (immutable) {
        if (immutable_uri(database->path, &uri) != 0) {
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
 * Called again and again while a lock is not to be had; 0 gives up. Most are held for some tens of
 * microseconds, by a process that writes a mapping; SQLite's own waits begin with a thousand.
 */
static int wait_for_lock(void *context, int attempt)
{
    struct database *database = context;
    int64_t now_ms = clock_monotonic_ms();
    if (attempt == 0)
        database->waiting_ms = now_ms;
    if (now_ms - database->waiting_ms >= database->lock_wait_ms)
        return 0;
    long wait_ns = LOCK_WAIT_FIRST_NS
                   << (attempt < LOCK_WAIT_DOUBLINGS ? attempt : LOCK_WAIT_DOUBLINGS);
    nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
    return 1;
}

/* Makes a rollback of the commit when what was read for it may be wrong. */
static int refuse_commit(void *context)
{
    const struct database *database = context;
    return database->losses != page_guard_losses();
}

/* Settings of the connection. Those that fail leave it slower or stricter, not wrong. */
static int configure(struct database *database, struct error *error)
{
    sqlite3 *connection = database->connection;
    database->lock_wait_ms = STORE_BUSY_MS;
    sqlite3_busy_handler(connection, wait_for_lock, database);
    sqlite3_wal_autocheckpoint(connection, 0); /* see housekeeping.c */
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_commit_hook(connection, refuse_commit, database);
    /* No fsync on the way to an answer: a power cut may cost the last mappings, never the file. */
    int result = sqlite3_exec(connection, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    sqlite3_exec(connection, "PRAGMA mmap_size = " MAP_BYTES, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : database_error(database, result, "cannot be read", error);
}

static int read_pragma(struct database *database, const char *sql, int64_t *ret_value,
                       struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(statement, 0);
    int code = result == SQLITE_ROW ? 0 : database_error(database, result, "cannot be read", error);
    sqlite3_finalize(statement);
    return code;
}

/* Puts stand-ins in the place of what an older version lacks. */
static int make_up(struct database *database, struct error *error)
{
    const char *stand_ins = older_stand_ins(database->version);
    if (!stand_ins)
        return error_set(error, ERR_FOREIGN,
                         "%s is of version %lld, this program wants %d; run: pdns-sticky"
                         " --database %s migrate",
                         database->path, (long long)database->version, DATABASE_VERSION,
                         database->path);
    int result = sqlite3_exec(database->connection, stand_ins, NULL, NULL, NULL);
    if (result != SQLITE_OK)
        return database_error(database, result, "has not the tables it should have", error);
    snprintf(database->older, sizeof database->older,
             "%s is of version %lld: served as before, without what version %d brings; run:"
             " pdns-sticky --database %s migrate",
             database->path, (long long)database->version, DATABASE_VERSION, database->path);
    return 0;
}

/* Is this file ours, and of a version that we know? */
static int check_header(struct database *database, struct error *error)
{
    int64_t application = 0, version = 0;
    int code = read_pragma(database, "PRAGMA application_id", &application, error);
    if (code == 0)
        code = read_pragma(database, "PRAGMA user_version", &version, error);
    if (code != 0)
        return code;
    if (application != DATABASE_APPLICATION_ID)
        return foreign(database, error);
    database->version = version;
    if (version < DATABASE_VERSION && (code = make_up(database, error)) != 0)
        return code;
    if (version > DATABASE_VERSION)
        snprintf(database->read_only, sizeof database->read_only,
                 "%s is of version %lld, newer than this program's %d: served read-only, no"
                 " mappings are kept; install the newer pdns-sticky",
                 database->path, (long long)version, DATABASE_VERSION);
    else if (sqlite3_db_readonly(database->connection, "main") == 1)
        snprintf(database->read_only, sizeof database->read_only,
                 "%s can only be read, no mappings are kept: " ADVICE, database->path,
                 (long)database->identity.st_uid, (long)geteuid());
    return 0;
}

/* Without the log, readers and writers shut each other out; it works, but waits. */
static int check_mode(struct database *database, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v2(database->connection, "PRAGMA journal_mode", -1, &statement, NULL);
    if (result == SQLITE_OK)
        result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        database->log = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    int code = result == SQLITE_ROW ? 0 : database_error(database, result, "cannot be read", error);
    sqlite3_finalize(statement);
    return code;
}

static int prepare_all(struct database *database, struct error *error)
{
    for (int i = 0; i < QUERY_COUNT; i++) {
        int result = sqlite3_prepare_v3(database->connection, query_texts[i], -1,
                                        SQLITE_PREPARE_PERSISTENT, &database->statements[i], NULL);
        if (result != SQLITE_OK)
            return database_error(database, result, "has not the tables it should have", error);
    }
    return 0;
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
    if (code == 0)
        code = prepare_all(database, error);
    if (code != 0)
        database_close(database);
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
    buffer_printf(&log, "%s-wal", database->path);
    bool quiet = !log.failed && (stat(log.data, &status) != 0 || status.st_size == 0);
    buffer_release(&log);
    if (!quiet)
        return error->code;
    struct error second = {0};
    if (open_as(database, true, &second) != 0)
        return error->code;
    snprintf(database->read_only, sizeof database->read_only,
             "%s: no files can be made beside it, no mappings are kept: " ADVICE, database->path,
             (long)database->identity.st_uid, (long)geteuid());
    *error = (struct error){0};
    return 0;
}

static int look_at_file(struct database *database, struct stat *ret_status, struct error *error)
{
    if (stat(database->path, ret_status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return error_set(error, ERR_NOTFOUND,
                             "%s is not there; make it as the user PowerDNS runs as: sqlite3 %s <"
                             " %s",
                             database->path, database->path, SCHEMA_PATH);
        return error_set(error, ERR_IO, "%s cannot be reached as uid %ld: %s", database->path,
                         (long)geteuid(), strerror(errno));
    }
    if (!S_ISREG(ret_status->st_mode))
        return error_set(error, ERR_FOREIGN, "%s is not a file", database->path);
    return 0;
}

static bool is_open_as(const struct database *database, const struct stat *status, int64_t now_ms)
{
    const struct stat *open = &database->identity;
    if (!database->connection || database->stale || open->st_dev != status->st_dev ||
        open->st_ino != status->st_ino || open->st_uid != status->st_uid ||
        open->st_gid != status->st_gid || open->st_mode != status->st_mode ||
        (database->read_only[0] && now_ms >= database->reopen_ms))
        return false;
    return !database->immutable ||
           (open->st_size == status->st_size && open->st_mtim.tv_sec == status->st_mtim.tv_sec &&
            open->st_mtim.tv_nsec == status->st_mtim.tv_nsec);
}

/* The file had an older version when it was opened, and has another one now. */
static bool was_migrated(struct database *database, int64_t now_ms)
{
    struct error error = {0};
    int64_t version = database->version;
    if (!database->older[0] || now_ms < database->reopen_ms)
        return false;
    database->reopen_ms = now_ms + READ_ONLY_MS;
    return read_pragma(database, "PRAGMA user_version", &version, &error) == 0 &&
           version != database->version;
}

int database_open(struct database *database, int64_t now_ms, struct error *error)
{
    struct stat status;
    int code = look_at_file(database, &status, error);
    if (code == 0 && is_open_as(database, &status, now_ms) && !was_migrated(database, now_ms))
        return 0;
    database_close(database);
    if (code != 0)
        return code;
    database->identity = status;
    database->openings++;
    database->losses = page_guard_losses();
    struct error why = {0};
    code = open_as(database, false, &why);
    if (code == ERR_IO || code == ERR_READONLY)
        code = open_immutable(database, &why);
    database->reopen_ms = now_ms + READ_ONLY_MS;
    return code == 0 ? 0 : error_set(error, code, "%s", why.text);
}

sqlite3_stmt *database_statement(struct database *database, enum query query)
{
    return database->statements[query];
}

int database_run(struct database *database, sqlite3_stmt *statement, const char *doing,
                 struct error *error)
{
    int result = sqlite3_step(statement);
    int code = result == SQLITE_DONE ? 0 : database_error(database, result, doing, error);
    sqlite3_reset(statement);
    return code;
}

/*
 * The statement is left as it stands on its row: as long as it is not reset, SQLite keeps the
 * transaction that it reads in, over the commits of other statements too
 * (https://sqlite.org/lang_transaction.html).
 */
int database_begin(struct database *database, int64_t *ret_configuration, int64_t *ret_metrics,
                   int64_t *ret_topology, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_REVISION);
    int result = sqlite3_step(statement), code;
    if (result == SQLITE_ROW) {
        *ret_configuration = sqlite3_column_int64(statement, 0);
        *ret_metrics = sqlite3_column_int64(statement, 1);
        *ret_topology = sqlite3_column_int64(statement, 2);
        database->reading = true;
        return 0;
    }
    if (result == SQLITE_DONE)
        code =
            error_set(error, ERR_CORRUPT, "%s: the row of table revision is gone", database->path);
    else
        code = database_error(database, result, "cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

sqlite3_file *database_file(sqlite3 *connection, int which)
{
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(connection, "main", which, &file);
    return result == SQLITE_OK && file && file->pMethods ? file : NULL;
}

void database_end(struct database *database)
{
    if (database->reading)
        sqlite3_reset(database_statement(database, QUERY_REVISION));
    database->reading = false;
}
