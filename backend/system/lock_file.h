/*
 * The locks that processes hold beside those of SQLite, in a file of their own (`FILE-lock`), and a
 * few bytes that each leaves for the others.
 *
 * They are open-file-description locks (fcntl(2), F_OFD_SETLK): each struct lock_file holds its
 * own, also against others of the same process, and closing another descriptor of the file does not
 * drop them. The kernel frees those of a killed process.
 */
#ifndef STICKY_SYSTEM_LOCK_FILE_H
#define STICKY_SYSTEM_LOCK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct lock_file {
    int descriptor; /* -1: not open */
};

enum lock_kind {
    LOCK_MAINTENANCE, /* of the process that runs checkpoints and sweeps */
    LOCK_MONITOR,     /* of the only pdns-stickyd, as long as it runs */
    LOCK_OPEN,        /* shared by all who have the database open */
    LOCK_WRITER,      /* of the process that writes mappings */
    LOCK_STANDBY,     /* of one that does so while the writer hangs */
    LOCK_CLAIMS_USED, /* shared by all that have FILE-claims open */
    LOCK_CLAIMS_MADE, /* of the process that makes it */
};

/*
 * Opens `DATABASE-lock`; with `create` one that is missing is made, with the owner and mode of the
 * database, so that root, who may be the first, does not lock out the others. 0 or ERR_IO, with
 * errno set.
 */
int lock_file_open(struct lock_file *lock, const char *database_path, bool create,
                   const struct stat *database);
void lock_file_close(struct lock_file *lock);

/* Says whether the file that is open is the one that `DATABASE-lock` names now. */
bool lock_file_is_in_place(const struct lock_file *lock, const char *database_path);

/* Does not wait; says whether the lock is held now, by this struct alone. */
bool lock_file_take(struct lock_file *lock, enum lock_kind kind);

/* The same, but with all who take it this way. One that was taken alone becomes a shared one. */
bool lock_file_take_shared(struct lock_file *lock, enum lock_kind kind);

/* Says whether another one holds it. */
bool lock_file_is_taken(const struct lock_file *lock, enum lock_kind kind);

void lock_file_give(struct lock_file *lock, enum lock_kind kind);

/*
 * The bytes at an offset. Reading says whether all were there; a failed write is not reported,
 * since nothing but convenience depends on them. Both do nothing while the file is not open.
 */
bool lock_file_read(const struct lock_file *lock, off_t at, void *bytes, size_t count);
void lock_file_write(const struct lock_file *lock, off_t at, const void *bytes, size_t count);

#endif
