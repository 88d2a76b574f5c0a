#include "store/unused_rows.h"

#include "store/store_parts.h"

static const char *text(sqlite3_stmt *statement, int column)
{
    const unsigned char *found = sqlite3_column_text(statement, column);
    return found ? (const char *)found : "";
}

int store_each_unused_row(struct store *store,
                          void (*each)(void *context, const struct unused_row *row), void *context,
                          struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_UNUSED_ROWS);
    int code = 0, result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        each(context, &(struct unused_row){.kind = text(statement, 0),
                                           .name = text(statement, 1),
                                           .count = sqlite3_column_int64(statement, 2)});
    if (result != SQLITE_DONE)
        code = database_error(&store->database, result, "unused rows cannot be read", error);
    sqlite3_reset(statement);
    return code;
}
