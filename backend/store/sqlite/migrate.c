/*
 * Uses SQLite directly, without struct database, and runs no checkpoint. Each step reads the
 * version after it has begun its transaction, so when several processes migrate at once, each file
 * is run by only one of them. A database that was restored from a dump gets its header first.
 */
#include "store/sqlite/migrate.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buffer.h"
#include "store/sqlite/database.h"

/* An operator waits here, not a resolver. */
#define MIGRATE_BUSY_MS 5000

/* Reads a whole file. ERR_NOTFOUND when there is none. */
static int read_file(const char *path, struct buffer *ret_text, struct error *error)
{
    char part[4096];
    size_t count;
    FILE *file = fopen(path, "r");
    if (!file && errno == ENOENT)
        return ERR_NOTFOUND;
    if (!file)
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    while ((count = fread(part, 1, sizeof part, file)) > 0)
        buffer_add(ret_text, part, count);
    bool broken = ferror(file);
    fclose(file);
    if (broken)
        return error_set(error, ERR_IO, "%s: cannot be read", path);
    return ret_text->failed ? error_set(error, ERR_NOMEM, "%s: out of memory", path) : 0;
}

static int execute(sqlite3 *connection, const char *sql, const char *source, struct error *error)
{
    if (sqlite3_exec(connection, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return error_set(error, ERR_INTERNAL, "%s: %s", source, sqlite3_errmsg(connection));
}

static int read_number(sqlite3 *connection, const char *sql, int64_t *ret_value, const char *source,
                       struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = error_set(error, ERR_IO, "%s: %s", source, sqlite3_errmsg(connection));
    else
        *ret_value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}

/*
 * Inside of a transaction: says again what a dump has left out. A dump does not say of which
 * version it was; this is the first there has been.
 */
static int restore_header(sqlite3 *connection, const char *path, struct error *error)
{
    char sql[128];
    int64_t found;
    if (read_number(connection, DATABASE_WITHOUT_HEADER_SQL, &found, path, NULL) != 0)
        return 0;
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DATABASE_APPLICATION_ID, DATABASE_VERSION);
    return execute(connection, sql, path, error);
}

/* Inside of a transaction: runs the next file, if there is one. ERR_NOTFOUND: this was the last. */
static int step(sqlite3 *connection, const char *path, const char *directory, int64_t *ret_version,
                struct error *error)
{
    struct buffer file = {0}, sql = {0};
    int64_t version = 0;
    int code = read_number(connection, "PRAGMA user_version", &version, path, error);
    *ret_version = version;
    if (code == 0) {
        buffer_printf(&file, "%s/%lld.sql", directory, (long long)version + 1);
        code = file.failed ? error_set(error, ERR_NOMEM, "out of memory")
                           : read_file(file.data, &sql, error);
    }
    if (code == 0) {
        buffer_printf(&sql, "\n;PRAGMA user_version = %lld", (long long)version + 1);
        code = sql.failed ? error_set(error, ERR_NOMEM, "out of memory")
                          : execute(connection, sql.data, file.data, error);
    }
    buffer_release(&file);
    buffer_release(&sql);
    return code;
}

/* Commits what was done with `code`, or rolls it back. */
static int end_transaction(sqlite3 *connection, const char *path, int code, struct error *error)
{
    if (code == 0)
        code = execute(connection, "COMMIT", path, error);
    if (code != 0 && !sqlite3_get_autocommit(connection))
        sqlite3_exec(connection, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

static int begin(sqlite3 *connection, const char *path, struct error *error)
{
    return execute(connection, "BEGIN IMMEDIATE", path, error);
}

/* Reads the version of a database of ours, whose header is made good before. */
static int read_version(sqlite3 *connection, const char *path, int64_t *ret_version,
                        struct error *error)
{
    int64_t application = 0;
    int code = read_number(connection, "PRAGMA user_version", ret_version, path, error);
    if (code == 0)
        code = begin(connection, path, error);
    if (code == 0)
        code = restore_header(connection, path, error);
    code = end_transaction(connection, path, code, error);
    if (code == 0)
        code = read_number(connection, "PRAGMA application_id", &application, path, error);
    if (code == 0 && application != DATABASE_APPLICATION_ID)
        code = error_set(error, ERR_FOREIGN, "%s is not a pdns-sticky database", path);
    return code;
}

static int migrate(sqlite3 *connection, const char *path, const char *directory, int64_t *ret_from,
                   int64_t *ret_to, struct error *error)
{
    int code = read_version(connection, path, ret_from, error);
    while (code == 0) {
        code = begin(connection, path, error);
        if (code == 0)
            code = step(connection, path, directory, ret_to, error);
        code = end_transaction(connection, path, code, error);
    }
    return code == ERR_NOTFOUND ? 0 : code;
}

int store_migrate(const char *path, const char *directory, int64_t *ret_from, int64_t *ret_to,
                  struct error *error)
{
    sqlite3 *connection = NULL;
    int code;
    if (sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        code = error_set(error, ERR_IO, "%s: %s; a new one is made with: sqlite3 FILE < %s", path,
                         connection ? sqlite3_errmsg(connection) : "out of memory", SCHEMA_PATH);
    else {
        sqlite3_busy_timeout(connection, MIGRATE_BUSY_MS);
        sqlite3_wal_autocheckpoint(connection, 0);
        sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        code = migrate(connection, path, directory, ret_from, ret_to, error);
    }
    sqlite3_close(connection);
    return code;
}
