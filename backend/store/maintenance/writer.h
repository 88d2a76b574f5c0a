/*
 * The writer: the thread that brings claims into the table, of one process for all.
 *
 * A claim wakes it. It waits for two milliseconds more, so that a burst becomes one transaction,
 * and writes what there is. It is the process that holds LOCK_WRITER: pdns-stickyd where that runs,
 * else whichever coprocess was first. If that process is stopped, or hangs, another one stands in
 * for it under LOCK_STANDBY; two writers do no harm, since claims are read under SQLite's lock
 * (claim_rows.h).
 *
 * When nothing can be written (the database is locked, the disk is full) claims wait, and answers
 * are given from them. Times are monotonic.
 */
#ifndef STICKY_STORE_MAINTENANCE_WRITER_H
#define STICKY_STORE_MAINTENANCE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "store/claims/claims.h"
#include "system/lock_file.h"

struct writer;

/* As what a process can start one. */
enum writer_role {
    WRITER_NONE,   /* there is one */
    WRITER_MAIN,   /* nobody is, or is going to be */
    WRITER_STANDBY /* whoever should be shows no sign of life while claims wait */
};

/* The role that is free now. `claims` may be NULL; then nobody stands in. */
enum writer_role writer_free_role(const struct lock_file *lock, const struct claims *claims,
                                  bool is_monitor, int64_t now_ms);

/*
 * Starts a thread that takes a role, and ends where another process was faster. `path` is that of
 * the database itself, without links. `max_bytes` bounds the file, see writer_limit(). 0,
 * ERR_NOMEM, or ERR_IO when there can be no thread.
 */
int writer_start(const char *path, enum writer_role role, bool is_monitor, int64_t max_bytes,
                 struct writer **ret_writer);

/* Says whether it writes this database; `path` as above. */
bool writer_is_of(const struct writer *writer, const char *path);

/*
 * Writes what there is in the calling thread, if there is no writer, and returns; after half a
 * second at most where that cannot be done. For commands, and where there can be no thread.
 */
void writer_write_here(const char *path, bool is_monitor, int64_t max_bytes);

/* Above so many bytes in use, no claims for new rows are wanted any more (claims_set_bound()). */
void writer_limit(struct writer *writer, int64_t max_bytes);

/* The pages in the log after its last commit, and whether the disk is nearly full. */
int64_t writer_log_pages(const struct writer *writer);
bool writer_is_short_of_disk(const struct writer *writer);

/* Says whether it has ended by itself: another process is the writer. It must be stopped still. */
bool writer_has_ended(const struct writer *writer);

/*
 * What it could not do last, that it replaced a file of claims that did not fit, or that it dropped
 * claims of before somebody's change; 0 with nothing set when all is well. Each problem is given
 * once, and kept while `error` has another one.
 */
int writer_problem(struct writer *writer, struct error *error);

/*
 * Lets it write what there is, for half a second at most where that cannot be done, waits for its
 * end and frees it. Takes NULL.
 */
void writer_stop(struct writer *writer);

#endif
