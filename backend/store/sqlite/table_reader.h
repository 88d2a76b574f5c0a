/*
 * Rows of queries, for whoever makes values of the core of them.
 */
#ifndef STICKY_STORE_SQLITE_TABLE_READER_H
#define STICKY_STORE_SQLITE_TABLE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "store/sqlite/database.h"

/* A query and what takes its rows: 0, or a code that ends the reading. */
struct table_reader {
    enum query query;
    int (*add)(void *context, sqlite3_stmt *row);
};

/* Reads the rows of a query whose parameters are bound. 0, or a code with `error` set. */
int database_read_rows(struct database *database, const struct table_reader *reader, void *context,
                       struct error *error);

/* Reads tables one after the other, each whole. 0, or a code with `error` set. */
int database_read_tables(struct database *database, const struct table_reader *readers,
                         size_t count, void *context, struct error *error);

/* A text of a row, valid until the next step. NULL stays NULL. */
static inline const char *row_text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

/* Says whether a column of a row is not NULL. */
static inline bool row_has(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) != SQLITE_NULL;
}

#endif
