#include "store/sqlite/table_reader.h"

/*
 * SQLite gives NULL for a text column it has no memory to convert; such a row must not look like
 * one with NULL in it.
 */
int database_read_rows(struct database *database, const struct table_reader *reader, void *context,
                       struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, reader->query);
    int code = 0, result = SQLITE_DONE;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        code = reader->add(context, statement);
        if (sqlite3_errcode(database->connection) == SQLITE_NOMEM)
            code = ERR_NOMEM;
    }
    if (code != 0)
        error_set(error, code, "%s: cannot be loaded: %s", database->path, error_text(code));
    else if (result != SQLITE_DONE)
        code = database_error(database, result, "cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

int database_read_tables(struct database *database, const struct table_reader *readers,
                         size_t count, void *context, struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = database_read_rows(database, &readers[i], context, error);
    return code;
}
