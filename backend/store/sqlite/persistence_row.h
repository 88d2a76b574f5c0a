/*
 * The columns of table `persistence` and the mapping that they are, in one place for those who read
 * and those who write: the queries QUERY_MAPPING_*.
 */
#ifndef STICKY_STORE_SQLITE_PERSISTENCE_ROW_H
#define STICKY_STORE_SQLITE_PERSISTENCE_ROW_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sticky/mapping.h"

/* Parameters 1 and 2. The text has to stay until the statement is reset. */
void persistence_bind_key(sqlite3_stmt *statement, int64_t pool_id, const char *key);

/* Seven parameters from `first` on, likewise. */
void persistence_bind_mapping(sqlite3_stmt *statement, int first, const struct mapping *mapping);

/* The first seven columns. A method whose name is too long to be one of ours becomes "". */
void persistence_read_mapping(sqlite3_stmt *row, struct mapping *ret_mapping);

/*
 * Gives the key behind which a sweep continues: the one in that column of a row. SQL can put in
 * keys that do not fit into `size` or have a NUL; for them, one that sorts behind all keys with the
 * same beginning, and false.
 */
bool persistence_place_behind(sqlite3_stmt *row, int column, char *ret_key, size_t size);

#endif
