/*
 * Which file is open and for how long it may stay so, its transactions, and what errors of SQLite
 * mean.
 */
#include "store/sqlite/database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buffer.h"

/*
 * How long a file that cannot be written is only read, and one without a log used, before it is
 * opened anew to see.
 */
#define READ_ONLY_MS 1000

/*
 * A process that has read nothing yet has no answer at all, so it waits for others who have to
 * close the database: longer than an idle one takes to see that, and less than the 2000 ms in which
 * PowerDNS loses patience.
 */
#define FIRST_WAIT_MS 1000

int database_init(struct database *database, const char *path, int usual_wait_ms)
{
    *database = (struct database){.usual_wait_ms = usual_wait_ms, .lock.descriptor = -1};
    database->path = strdup(path);
    return database->path ? 0 : ERR_NOMEM;
}

void database_release(struct database *database)
{
    if (!database->path)
        return;
    database_close(database);
    lock_file_close(&database->lock);
    free(database->real_path);
    free(database->path);
}

/* ---------------------------------------------------------------- errors */

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

/* Such errors also come of a log that does not hold what the wal-index says. */
static bool is_damage(int result)
{
    return (result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB ||
           result == SQLITE_IOERR_SHORT_READ;
}

int database_is_foreign(const struct database *database, struct error *error)
{
    return error_set(error, ERR_FOREIGN,
                     "%s is %s; make one with: pdns-stickyctl --database FILE init", database->path,
                     database->identity.st_size == 0 ? "empty" : "not a pdns-sticky database");
}

/* What SQLite says, except where it says no more than that it has given up. */
static const char *why(const struct database *database, int result)
{
    if ((result & 0xff) == SQLITE_PROTOCOL)
        return DATABASE_STUCK;
    return database->connection && result != SQLITE_OK ? sqlite3_errmsg(database->connection)
                                                       : sqlite3_errstr(result);
}

int database_error(struct database *database, int result, const char *doing, struct error *error)
{
    if (result == SQLITE_MISUSE) { /* there was no statement: database_statement() */
        result = sqlite3_extended_errcode(database->connection);
        if (result == SQLITE_ERROR)
            doing = "has not the tables it should have";
    }
    int code = code_of(result);
    if (code != ERR_BUSY && code != ERR_FULL)
        database->stale = true;
    if (is_damage(result))
        file_check_suspect(&database->check);
    if (code == ERR_FOREIGN && database->ready)
        code = ERR_CORRUPT;
    if (code == ERR_FOREIGN)
        return database_is_foreign(database, error);
    if (code == ERR_READONLY)
        return error_set(error, code, "%s: %s: " DATABASE_ADVICE, database->path, doing,
                         (long)database->identity.st_uid, (long)geteuid());
    return error_set(error, code, "%s: %s: %s", database->path, doing, why(database, result));
}

/* ---------------------------------------------------------------- opening and closing */

void database_close(struct database *database)
{
    database_disconnect(database);
    file_check_leave(&database->check, &database->lock);
}

static int look_at_file(struct database *database, struct stat *ret_status, struct error *error)
{
    if (stat(database->path, ret_status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return error_set(error, ERR_NOTFOUND,
                             "%s is not there; make it with: pdns-stickyctl --database %s init",
                             database->path, database->path);
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
        ((database->read_only[0] || !database->log) && now_ms >= database->reopen_ms))
        return false;
    return !database->immutable ||
           (open->st_size == status->st_size && open->st_mtim.tv_sec == status->st_mtim.tv_sec &&
            open->st_mtim.tv_nsec == status->st_mtim.tv_nsec);
}

/* Follows the path to the file. The lock file of another one is closed. */
static int find_file(struct database *database, struct error *error)
{
    char *found = realpath(database->path, NULL);
    if (!found || stat(found, &database->identity) != 0) {
        free(found);
        return error_set(error, errno == ENOMEM ? ERR_NOMEM : ERR_IO, "%s cannot be reached: %s",
                         database->path, strerror(errno));
    }
    if (!database->real_path || strcmp(found, database->real_path) != 0 ||
        !lock_file_is_in_place(&database->lock, found))
        lock_file_close(&database->lock);
    free(database->real_path);
    database->real_path = found;
    return 0;
}

void database_open_lock(struct database *database)
{
    if (database->lock.descriptor < 0 && database->connection && !database->read_only[0])
        lock_file_open(&database->lock, database->real_path, true, &database->identity);
}

/* Opens the file that was found, among the others who have it open. */
static int open_found(struct database *database, int64_t now_ms, struct error *error)
{
    if (database->lock.descriptor < 0)
        lock_file_open(&database->lock, database->real_path, false, NULL);
    int wait_ms = database->openings == 0 ? FIRST_WAIT_MS : 0;
    int code =
        file_check_join(&database->check, &database->lock, database->path, wait_ms, now_ms, error);
    if (code != 0)
        return code;
    code = database_connect(database, error);
    if (code != 0)
        return code;
    if (database->lock.descriptor < 0) { /* only now it is known to be a database of ours */
        database_open_lock(database);
        code = file_check_join(&database->check, &database->lock, database->path, wait_ms, now_ms,
                               error);
    }
    if (code != 0 || !database->log || database->immutable)
        return code;
    wal_index_attach(&database->wal_index, database->connection);
    return file_check_begin(&database->check, &database->lock, database->real_path,
                            &database->identity, database->connection, now_ms, error);
}

/* The same; says by `ret_again` that all close it now, so that opening it once more may help. */
static int try_to_open(struct database *database, int64_t now_ms, bool *ret_again,
                       struct error *error)
{
    int code = open_found(database, now_ms, error);
    if (code == 0)
        return 0;
    *ret_again =
        !file_check_passes(&database->check, &database->lock, database->real_path, 0, now_ms);
    database_close(database);
    return code;
}

int database_open(struct database *database, int64_t now_ms, struct error *error)
{
    struct stat status;
    struct error why = {0};
    bool again = false;
    int code = look_at_file(database, &status, error);
    if (code == 0 && is_open_as(database, &status, now_ms))
        return 0;
    database_close(database);
    if (code == 0)
        code = find_file(database, error);
    if (code != 0)
        return code;
    database->reopen_ms = now_ms + READ_ONLY_MS;
    code = try_to_open(database, now_ms, &again, &why);
    if (code != 0 && again && database->openings == 0) {
        why = (struct error){0};
        code = try_to_open(database, now_ms, &again, &why);
    }
    if (code != 0)
        return error_set(error, code, "%s", why.text);
    database->openings++;
    return 0;
}

int database_check(struct database *database, int fresh_ms, int64_t now_ms, struct error *error)
{
    if (!database->connection ||
        file_check_passes(&database->check, &database->lock, database->real_path,
                          database->stale ? 0 : fresh_ms, now_ms))
        return 0;
    database_close(database);
    return file_check_error(database->path, error);
}

/* ---------------------------------------------------------------- statements and transactions */

sqlite3_stmt *database_statement(struct database *database, enum query query)
{
    sqlite3_stmt **statement = &database->statements[query];
    if (!*statement)
        sqlite3_prepare_v3(database->connection, query_texts[query], -1, SQLITE_PREPARE_PERSISTENT,
                           statement, NULL);
    return *statement;
}

int database_run(struct database *database, sqlite3_stmt *statement, const char *doing,
                 struct error *error)
{
    int result = sqlite3_step(statement);
    int code = result == SQLITE_DONE ? 0 : database_error(database, result, doing, error);
    sqlite3_reset(statement);
    return code;
}

/* Why the row of table `revision` was not given. */
static int no_revision(struct database *database, int result, struct error *error)
{
    if (result != SQLITE_DONE)
        return database_error(database, result, "cannot be read", error);
    return error_set(error, ERR_CORRUPT, "%s: the row of table revision is gone", database->path);
}

/*
 * The statement is left as it stands on its row: as long as it is not reset, SQLite keeps the
 * transaction that it reads in, over the commits of other statements too
 * (https://sqlite.org/lang_transaction.html).
 */
int database_begin(struct database *database, struct revision_row *ret_row, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_REVISION);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        *ret_row = (struct revision_row){.configuration = sqlite3_column_int64(statement, 0),
                                         .metrics = sqlite3_column_int64(statement, 1),
                                         .topology = sqlite3_column_int64(statement, 2),
                                         .mappings = sqlite3_column_int64(statement, 3),
                                         .node = sqlite3_column_int64(statement, 4)};
        database->in_transaction = true;
        return 0;
    }
    int code = no_revision(database, result, error);
    sqlite3_reset(statement);
    return code;
}

int database_read_generation(struct database *database, struct generation *ret_generation,
                             struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_GENERATION);
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_ROW)
        *ret_generation = (struct generation){.identity = sqlite3_column_int64(statement, 0),
                                              .mappings = sqlite3_column_int64(statement, 1),
                                              .node = sqlite3_column_int64(statement, 2)};
    else
        code = no_revision(database, result, error);
    sqlite3_reset(statement);
    return code;
}

void database_end(struct database *database)
{
    if (database->in_transaction)
        sqlite3_reset(database_statement(database, QUERY_REVISION));
    database->in_transaction = false;
}

struct stat database_log_file(const struct database *database)
{
    struct stat status = {0};
    struct buffer path = {0};
    buffer_printf(&path, "%s-wal", database->real_path ? database->real_path : database->path);
    if (path.failed || stat(path.data, &status) != 0)
        status = (struct stat){0};
    buffer_release(&path);
    return status;
}
