#include "store/sqlite/direct.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int direct_open(const char *path, int flags, sqlite3 **ret_connection, struct error *error)
{
    sqlite3 *connection = NULL;
    if (sqlite3_open_v2(path, &connection, flags, NULL) != SQLITE_OK) {
        int code = error_set(error, ERR_IO, "%s: %s; a new one is made with: pdns-stickyctl init",
                             path, connection ? sqlite3_errmsg(connection) : "out of memory");
        sqlite3_close(connection);
        return code;
    }
    sqlite3_busy_timeout(connection, DIRECT_BUSY_MS);
    sqlite3_wal_autocheckpoint(connection, 0);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    *ret_connection = connection;
    return 0;
}

int direct_error(sqlite3 *connection, const char *source, struct error *error)
{
    return error_set(error, ERR_IO, "%s: %s", source, sqlite3_errmsg(connection));
}

void direct_close(sqlite3 *connection)
{
    sqlite3_close(connection);
}

int direct_read_file(const char *path, struct buffer *ret_text, struct error *error)
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

int direct_execute(sqlite3 *connection, const char *sql, const char *source, struct error *error)
{
    if (sqlite3_exec(connection, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return error_set(error, ERR_INTERNAL, "%s: %s", source, sqlite3_errmsg(connection));
}

int direct_read_number(sqlite3 *connection, const char *sql, int64_t *ret_value, const char *source,
                       struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        code = direct_error(connection, source, error);
    else
        *ret_value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return code;
}
