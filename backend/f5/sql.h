/*
 * SQL as text, for the sqlite3 shell and for people: quoted values, and comments within 100
 * columns.
 *
 * Whatever the input holds stays inside its quotes or its comment.
 */
#ifndef STICKY_F5_SQL_H
#define STICKY_F5_SQL_H

#include <stdint.h>

#include "core/base/buffer.h"
#include "core/network/address.h"

/* 'text' with its quotes doubled; NULL becomes NULL. */
void sql_text(struct buffer *out, const char *text);

/* The quoted address; NULL for FAMILY_NONE. */
void sql_address(struct buffer *out, const struct address *address);

/*
 * Lines that begin with "-- ", of whole words; those after the first begin with two more spaces.
 * Control characters become spaces.
 */
void sql_comment(struct buffer *out, const char *text);

/*
 * A list of columns and their values, for an INSERT: begun, filled, and printed. A column that has
 * the default of the database is not added by who fills it.
 */
struct sql_columns {
    struct buffer names, values;
};

void sql_columns_release(struct sql_columns *columns);
void sql_add_text(struct sql_columns *columns, const char *name, const char *text);
void sql_add_number(struct sql_columns *columns, const char *name, int64_t number);
void sql_add_address(struct sql_columns *columns, const char *name, const struct address *address);

/* An expression of SQL. */
void sql_add_raw(struct sql_columns *columns, const char *name, const char *expression);

/* A subquery: the id of the row of that table and name. */
void sql_add_id(struct sql_columns *columns, const char *column, const char *table,
                const char *name);

/* INSERT INTO table (names) VALUES (values); on two lines. Empties the columns. */
void sql_insert(struct buffer *out, const char *table, struct sql_columns *columns);

/*
 * INSERT INTO table (names) SELECT values FROM, and what follows there; the caller completes the
 * statement.
 */
void sql_insert_from(struct buffer *out, const char *table, struct sql_columns *columns,
                     const char *from);

#endif
