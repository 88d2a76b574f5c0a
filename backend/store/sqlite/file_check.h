/*
 * Looks after the files beside the database, and lets all processes close it together when it has
 * to be opened again.
 *
 * SQLite keeps FILE-wal and FILE-shm beside the database. Somebody may delete, replace or truncate
 * them while they are in use, and SQLite does not notice: it goes on in files that nobody else can
 * reach, or reads what is not there any more. They are sound again only when no process has them
 * open and SQLite begins with what there is. So a process that finds them changed leaves word in
 * FILE-lock and closes the database; the others close it when they see that; and whoever finds that
 * nobody has it open any more opens it first. What only the changed file had is lost.
 *
 * While a process has the database open it holds LOCK_OPEN, shared. One that was stopped while it
 * held the lock is waited for only so long (FILE_CHECK_WAIT_MS). A process that cannot write has no
 * lock file; it lets FILE_CHECK_BLIND_MS pass.
 *
 * Calling order: file_check_join(), open the database, file_check_begin(); then file_check_passes()
 * again and again, and before each write; close the database, file_check_leave(). Times are
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

/* How often all processes open the database again since one read something that cannot be. */
#define FILE_CHECK_SUSPICION_MS 30000

struct file_check {
    bool open;           /* between file_check_join() and file_check_leave() */
    bool watches;        /* the files below are known */
    bool suspects;       /* see file_check_suspect() */
    int64_t opening;     /* the openings that were called for when this one began */
    unsigned losses;     /* of mapped pages until then (page_guard.h) */
    int64_t truncations; /* of the log, by processes of ours, before it was looked at */
    struct stat log, index_file;
    struct wal_index index; /* as it was before `log` was looked at */
    int64_t look_ms;        /* not to be looked at before */
    int64_t closed_ms;      /* when it was closed for such a change; 0: it was not */
};

/*
 * Takes part among those who have the database open. While others still have to close it, waits for
 * them for `wait_ms`. 0, or ERR_IO with `error` set; `path` is for the words.
 */
int file_check_join(struct file_check *check, struct lock_file *lock, const char *path, int wait_ms,
                    int64_t now_ms, struct error *error);

/*
 * To be called when a connection with a log has read: from now on its files are watched. `path` is
 * that of the database itself, without links. 0, or ERR_IO with `error` set when others have other
 * files open; then it has to be closed.
 */
int file_check_begin(struct file_check *check, struct lock_file *lock, const char *path,
                     const struct stat *database, sqlite3 *connection, int64_t now_ms,
                     struct error *error);

/*
 * Says whether the connection may be used. If not, the others know, and it has to be closed. Does
 * nothing when it looked a moment ago, unless it has to be sure, `now`.
 */
bool file_check_passes(struct file_check *check, struct lock_file *lock, const char *path, bool now,
                       int64_t now_ms);

/*
 * SQLite read something that cannot be, perhaps from an overwritten log: the next
 * file_check_passes() fails. The damage may be in the database itself, where opening it again does
 * not help, so it fails only if no process had such a reason in the last FILE_CHECK_SUSPICION_MS.
 */
void file_check_suspect(struct file_check *check);

/* To be called before a checkpoint truncates the log, so that nobody takes it for damage. */
void file_check_announce(const struct lock_file *lock);

/* The connection is closed. Does nothing where it was not joined. */
void file_check_leave(struct file_check *check, struct lock_file *lock);

/* The sentence for the log. ERR_IO. */
int file_check_error(const char *path, struct error *error);

#endif
