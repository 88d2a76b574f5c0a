/*
 * Whether the files beside the database are still those that were opened, and how all processes
 * open the database again when they are not.
 *
 * SQLite keeps FILE-wal and FILE-shm beside the database. Somebody may delete, replace or truncate
 * them while they are in use. SQLite does not notice: it goes on in files that nobody else can
 * reach, or reads what is no longer there. It begins anew, with what there is, once no process has
 * the database open. So a process that finds a changed file says so in FILE-lock and closes the
 * database. The others see that and close it too. The first to find that nobody has it open any
 * more opens it again, and then the others do. Rows that only the changed file had are lost.
 *
 * A process holds LOCK_OPEN, shared, while it has the database open. If one is stopped meanwhile,
 * or another program keeps it open, the others wait for FILE_CHECK_WAIT_MS and no longer. A process
 * that may not write has no lock file; it waits for FILE_CHECK_BLIND_MS instead.
 *
 * Calling order: file_check_join(), open the database, file_check_begin(); then file_check_passes()
 * before each transaction and each write; close the database, file_check_leave(). Times are
 * monotonic.
 */
#ifndef STICKY_STORE_SQLITE_FILE_CHECK_H
#define STICKY_STORE_SQLITE_FILE_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "store/sqlite/wal_index.h"
#include "system/lock_file.h"

/* An idle process looks twice a second; one that takes longer hangs. */
#define FILE_CHECK_WAIT_MS 10000
#define FILE_CHECK_BLIND_MS 1500

/* How long damage that SQLite finds is no reason to open the database once more. */
#define FILE_CHECK_SUSPICION_MS 30000

struct file_check {
    bool open;           /* between file_check_join() and file_check_leave() */
    bool watches;        /* the files below are known */
    bool suspects;       /* see file_check_suspect() */
    int64_t opening;     /* the number of this opening, the same for all processes */
    unsigned losses;     /* of mapped pages before it (page_guard.h) */
    int64_t truncations; /* of the log by processes of ours, before `log` was looked at */
    struct stat log, index_file;
    struct wal_index index; /* before `log` was looked at */
    int64_t looked_ms;      /* when they were last looked at */
    int64_t lock_look_ms;   /* when the lock file is to be */
    int64_t closed_ms;      /* when a changed file made us close the database; 0: it did not */
};

/*
 * Counts this process among those that have the database open. Waits for `wait_ms` while others
 * still have to close it. 0; ERR_IO when they still have to; ERR_BUSY when another process is just
 * joining. Sets `error`, which names `path`.
 */
int file_check_join(struct file_check *check, struct lock_file *lock, const char *path, int wait_ms,
                    int64_t now_ms, struct error *error);

/*
 * To be called when a connection with a log has read. From now on its files are watched; `path` is
 * that of the database itself, without links. 0, or ERR_IO with `error` set when other processes
 * have other files open; then the connection has to be closed.
 */
int file_check_begin(struct file_check *check, struct lock_file *lock, const char *path,
                     const struct stat *database, sqlite3 *connection, int64_t now_ms,
                     struct error *error);

/*
 * Says whether the connection may be used. If not, it has to be closed, and the other processes
 * will close theirs. Does not look again when it did so in the last `fresh_ms`.
 */
bool file_check_passes(struct file_check *check, struct lock_file *lock, const char *path,
                       int fresh_ms, int64_t now_ms);

/*
 * Tells that SQLite found damage, perhaps in a log that was overwritten. The next
 * file_check_passes() then fails. But the damage may be in the database itself, where opening it
 * again does not help. So it fails for this reason at most once in FILE_CHECK_SUSPICION_MS, all
 * processes taken together, unless the files are not those that others have open.
 */
void file_check_suspect(struct file_check *check);

/* To be called before a checkpoint truncates the log, so that no process takes it for damage. */
void file_check_announce(const struct lock_file *lock);

/* To be called when the connection is closed. Does nothing without file_check_join(). */
void file_check_leave(struct file_check *check, struct lock_file *lock);

/* Sets `error` to the sentence that reports a changed file. ERR_IO. */
int file_check_error(const char *path, struct error *error);

#endif
