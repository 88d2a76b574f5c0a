/*
 * Each step reads the version after it has begun its transaction, so when several processes migrate
 * at once, each file is run by only one of them. A database that was restored from a dump gets its
 * header first.
 */
#include "store/sqlite/migrate.h"

#include <stdio.h>

#include "store/sqlite/database.h"
#include "store/sqlite/direct.h"

/*
 * Inside of a transaction: says again what a dump has left out. A dump does not say of which
 * version it was; this is the first there has been.
 */
static int restore_header(sqlite3 *connection, const char *path, struct error *error)
{
    char sql[128];
    int64_t found;
    if (direct_read_number(connection, DATABASE_WITHOUT_HEADER_SQL, &found, path, NULL) != 0)
        return 0;
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DATABASE_APPLICATION_ID, DATABASE_VERSION);
    return direct_execute(connection, sql, path, error);
}

/* Inside of a transaction: runs the next file, if there is one. ERR_NOTFOUND: this was the last. */
static int step(sqlite3 *connection, const char *path, const char *directory, int64_t *ret_version,
                struct error *error)
{
    struct buffer file = {0}, sql = {0};
    int64_t version = 0;
    int code = direct_read_number(connection, "PRAGMA user_version", &version, path, error);
    *ret_version = version;
    if (code == 0) {
        buffer_printf(&file, "%s/%lld.sql", directory, (long long)version + 1);
        code = file.failed ? error_set(error, ERR_NOMEM, "out of memory")
                           : direct_read_file(file.data, &sql, error);
    }
    if (code == 0) {
        buffer_printf(&sql, "\n;PRAGMA user_version = %lld", (long long)version + 1);
        code = sql.failed ? error_set(error, ERR_NOMEM, "out of memory")
                          : direct_execute(connection, sql.data, file.data, error);
    }
    buffer_release(&file);
    buffer_release(&sql);
    return code;
}

/* Commits what was done with `code`, or rolls it back. */
static int end_transaction(sqlite3 *connection, const char *path, int code, struct error *error)
{
    if (code == 0)
        code = direct_execute(connection, "COMMIT", path, error);
    if (code != 0 && !sqlite3_get_autocommit(connection))
        sqlite3_exec(connection, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

static int begin(sqlite3 *connection, const char *path, struct error *error)
{
    return direct_execute(connection, "BEGIN IMMEDIATE", path, error);
}

/* Reads the version of a database of ours, whose header is made good before. */
static int read_version(sqlite3 *connection, const char *path, int64_t *ret_version,
                        struct error *error)
{
    int64_t application = 0;
    int code = direct_read_number(connection, "PRAGMA user_version", ret_version, path, error);
    if (code == 0)
        code = begin(connection, path, error);
    if (code == 0)
        code = restore_header(connection, path, error);
    code = end_transaction(connection, path, code, error);
    if (code == 0)
        code = direct_read_number(connection, "PRAGMA application_id", &application, path, error);
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
    int code = direct_open(path, SQLITE_OPEN_READWRITE, &connection, error);
    if (code == 0)
        code = migrate(connection, path, directory, ret_from, ret_to, error);
    direct_close(connection);
    return code;
}
