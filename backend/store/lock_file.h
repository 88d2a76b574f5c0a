/*
 * Locks between the processes on one database, in a file of their own (`FILE-lock`).
 *
 * SQLite before 3.51.3 can lose data when a checkpoint meets a writer that starts the log over
 * (sqlite.org/wal.html, "WAL-reset bug"). So writers hold LOCK_WRITING shared while they write, and
 * the process that starts the log over holds it alone (housekeeping.c). LOCK_HOUSEKEEPING makes
 * housekeeping the work of one process at a time. The kernel frees the locks of a killed process.
 *
 * These are open-file-description locks (fcntl(2), F_OFD_SETLK), which closing another descriptor
 * of the file does not drop.
 */
#ifndef STICKY_STORE_LOCK_FILE_H
#define STICKY_STORE_LOCK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum lock_part { LOCK_HOUSEKEEPING, LOCK_WRITING };

struct lock_file {
    int descriptor; /* -1: not open */
};

/*
 * Opens or makes `DATABASE-lock` with the owner and mode of the database, so that root, who may be
 * the first, does not lock out the others. 0 or ERR_IO, with errno set.
 */
int lock_file_open(struct lock_file *lock, const char *database_path, const struct stat *database);
void lock_file_close(struct lock_file *lock);

/* Tries for up to `wait_ms`; says whether the lock is held now. */
bool lock_file_take(struct lock_file *lock, enum lock_part part, bool alone, int wait_ms);
void lock_file_give(struct lock_file *lock, enum lock_part part);

/*
 * The file also holds a few bytes that the holder of a lock leaves for the next one. Reading says
 * whether all were there. They are a convenience: a failed write is not reported.
 */
bool lock_file_read(const struct lock_file *lock, void *bytes, size_t count);
void lock_file_write(const struct lock_file *lock, const void *bytes, size_t count);

#endif
