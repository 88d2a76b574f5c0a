/*
 * A plain connection, without struct database, for commands that work on a whole file. It runs no
 * checkpoint, and an operator waits for its locks, not a resolver.
 */
#ifndef STICKY_STORE_SQLITE_DIRECT_H
#define STICKY_STORE_SQLITE_DIRECT_H

#include <sqlite3.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

/* So long an operator waits for a lock. */
#define DIRECT_BUSY_MS 5000

/* `flags` are those of sqlite3_open_v2(). 0, or ERR_IO with `error` set. To be closed; see below.
 */
int direct_open(const char *path, int flags, sqlite3 **ret_connection, struct error *error);
void direct_close(sqlite3 *connection); /* takes NULL */

/* ERR_IO, with SQLite's last error after `source`. */
int direct_error(sqlite3 *connection, const char *source, struct error *error);

/* Runs statements. `source` begins the sentence about what is wrong. 0, or a code with `error`. */
int direct_execute(sqlite3 *connection, const char *sql, const char *source, struct error *error);

/* Reads the number that a statement gives. 0, or a code with `error` set. */
int direct_read_number(sqlite3 *connection, const char *sql, int64_t *ret_value, const char *source,
                       struct error *error);

/* Reads a whole file. ERR_NOTFOUND, with `error` untouched, when there is none; or another code. */
int direct_read_file(const char *path, struct buffer *ret_text, struct error *error);

#endif
