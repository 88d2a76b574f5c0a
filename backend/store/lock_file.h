/*
 * The lock of the process that does the housekeeping, in a file of its own (`FILE-lock`), and a few
 * bytes that each holder leaves for the next one.
 *
 * It is an open-file-description lock (fcntl(2), F_OFD_SETLK), which closing another descriptor of
 * the file does not drop. The kernel frees that of a killed process.
 */
#ifndef STICKY_STORE_LOCK_FILE_H
#define STICKY_STORE_LOCK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct lock_file {
    int descriptor; /* -1: not open */
};

/*
 * Opens or makes `DATABASE-lock` with the owner and mode of the database, so that root, who may be
 * the first, does not lock out the others. 0 or ERR_IO, with errno set.
 */
int lock_file_open(struct lock_file *lock, const char *database_path, const struct stat *database);
void lock_file_close(struct lock_file *lock);

/* Does not wait; says whether the lock is held now. */
bool lock_file_take(struct lock_file *lock);
void lock_file_give(struct lock_file *lock);

/*
 * The bytes at an offset. Reading says whether all were there; a failed write is not reported,
 * since nothing but convenience depends on them. Both do nothing while the file is not open.
 */
bool lock_file_read(const struct lock_file *lock, off_t at, void *bytes, size_t count);
void lock_file_write(const struct lock_file *lock, off_t at, const void *bytes, size_t count);

#endif
