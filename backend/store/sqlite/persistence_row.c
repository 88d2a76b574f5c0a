#include "store/sqlite/persistence_row.h"

#include <string.h>

void persistence_bind_key(sqlite3_stmt *statement, int64_t pool_id, const char *key)
{
    sqlite3_bind_int64(statement, 1, pool_id);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
}

void persistence_bind_mapping(sqlite3_stmt *statement, int first, const struct mapping *mapping)
{
    sqlite3_bind_int64(statement, first, mapping->controller_id);
    sqlite3_bind_text(statement, first + 1, mapping->method, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, first + 2, mapping->timestamp_s);
    sqlite3_bind_int64(statement, first + 3, mapping->ttl_s);
    sqlite3_bind_int64(statement, first + 4, mapping->decided);
    sqlite3_bind_int64(statement, first + 5, mapping->origin);
    if (mapping->home_id != 0)
        sqlite3_bind_int64(statement, first + 6, mapping->home_id);
    else
        sqlite3_bind_null(statement, first + 6); /* one octet of the row */
}

void persistence_read_mapping(sqlite3_stmt *row, struct mapping *ret_mapping)
{
    const char *method = (const char *)sqlite3_column_text(row, 1);
    *ret_mapping = (struct mapping){.controller_id = sqlite3_column_int64(row, 0),
                                    .timestamp_s = sqlite3_column_int64(row, 2),
                                    .ttl_s = sqlite3_column_int64(row, 3),
                                    .decided = sqlite3_column_int64(row, 4),
                                    .origin = sqlite3_column_int64(row, 5),
                                    .home_id = sqlite3_column_int64(row, 6)};
    if (method && strlen(method) < METHOD_NAME_MAX)
        strcpy(ret_mapping->method, method);
}

bool persistence_place_behind(sqlite3_stmt *row, int column, char *ret_key, size_t size)
{
    const char *key = (const char *)sqlite3_column_text(row, column);
    size_t length = key ? strlen(key) : 0, octets = (size_t)sqlite3_column_bytes(row, column);
    bool fits = length == octets && length < size;
    size_t kept = length < size - 1 ? length : size - 2;
    if (fits) {
        memcpy(ret_key, key ? key : "", length + 1);
        return true;
    }
    memcpy(ret_key, key, kept);
    ret_key[kept] = kept == length ? '\x01' : '\xff'; /* behind NUL; behind all UTF-8 */
    ret_key[kept + 1] = '\0';
    return false;
}
