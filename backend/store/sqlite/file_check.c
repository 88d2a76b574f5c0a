/*
 * The word that processes leave for each other about opening the database again, and the looks at
 * its files that make them leave it.
 */
#include "store/sqlite/file_check.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "store/sqlite/lock_bytes.h"
#include "system/clock.h"
#include "system/page_guard.h"

/* How often the lock file is looked at. Nothing is lost with it. */
#define LOCK_LOOK_MS 100

/* How often somebody who waits for others tries again. */
#define PAUSE_MS 10

/* Who is just entering holds LOCK_OPEN alone, for microseconds unless the machine is very busy. */
#define SHARE_TRIES 40
#define SHARE_PAUSE_MS 1

/* Whoever has the database open locks some of these bytes (sqlite.org/fileformat2.html). */
#define SQLITE_LOCKS_BEGIN 0x40000000
#define SQLITE_LOCKS_BYTES 512

/* Which file is meant; all zeros: none. */
struct file_id {
    uint64_t device, number;
};

/* What stands in the lock file. */
struct openings {
    int64_t wanted;                      /* how often the database was to be opened again */
    int64_t done;                        /* and how often all had closed it */
    int64_t called_ms;                   /* when it was to be last */
    int64_t suspected_ms;                /* when suspicion was last the reason; 0: it never was */
    int64_t truncations;                 /* of the log, by processes of ours */
    struct file_id database, log, index; /* the files that are in use since */
};

static struct file_id id_of(const struct stat *status)
{
    return (struct file_id){(uint64_t)status->st_dev, (uint64_t)status->st_ino};
}

static bool same_id(struct file_id a, struct file_id b)
{
    return a.device == b.device && a.number == b.number;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return same_id(id_of(a), id_of(b));
}

static bool look_at(const char *path, const char *suffix, struct stat *ret_status)
{
    struct buffer name = {0};
    buffer_add_text(&name, path);
    buffer_add_text(&name, suffix);
    bool found = !name.failed && stat(name.data, ret_status) == 0;
    buffer_release(&name);
    return found;
}

/* Nothing was written yet, or somebody has emptied the file: no opening was called for. */
static struct openings read_openings(const struct lock_file *lock)
{
    struct openings openings;
    if (!lock_file_read(lock, LOCK_BYTES_OPENINGS, &openings, sizeof openings))
        openings = (struct openings){0};
    return openings;
}

static void write_openings(const struct lock_file *lock, const struct openings *openings)
{
    lock_file_write(lock, LOCK_BYTES_OPENINGS, openings, sizeof *openings);
}

int file_check_error(const char *path, struct error *error)
{
    return error_set(error, ERR_IO,
                     "%s: somebody deleted, replaced, truncated or overwrote its -wal, -shm or"
                     " -lock; all processes close it, then it is opened again, and until then no"
                     " mappings are kept",
                     path);
}

/* ---------------------------------------------------------------- opening */

/* From here on the files that are found count, whatever was there before. */
static void begin_anew(struct lock_file *lock, struct openings *openings)
{
    *openings = (struct openings){.wanted = openings->wanted,
                                  .done = openings->wanted,
                                  .suspected_ms = openings->suspected_ms,
                                  .truncations = openings->truncations};
    write_openings(lock, openings);
}

/*
 * Says whether so much time has passed. A process may have read the clock and then waited for a
 * processor: what another one wrote meanwhile is a time to come for it. A time that is far ahead is
 * of an earlier start of the machine, and long ago.
 */
static bool has_passed(int64_t then_ms, int64_t wait_ms, int64_t now_ms)
{
    return now_ms - then_ms >= wait_ms || then_ms - now_ms >= wait_ms;
}

static void pause_for(int milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000L}, NULL);
}

static bool share(struct lock_file *lock)
{
    for (int i = 0; i < SHARE_TRIES; i++) {
        if (lock_file_take_shared(lock, LOCK_OPEN))
            return true;
        pause_for(SHARE_PAUSE_MS);
    }
    return false;
}

/*
 * Says whether another program has the database open. It may have read the log while one of ours
 * still wrote to it with the old wal-index, and as long as it has the new one open, SQLite takes
 * that for complete. To be called only while no process of ours has the database open: closing the
 * file here gives up every lock that this process has on it.
 */
static bool is_open_elsewhere(const char *path)
{
    struct flock held = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = SQLITE_LOCKS_BEGIN,
                         .l_len = SQLITE_LOCKS_BYTES};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool found = fcntl(file, F_GETLK, &held) == 0 && held.l_type != F_UNLCK;
    close(file);
    return found;
}

/* 0 with LOCK_OPEN held, ERR_IO while others still have to close it, or ERR_BUSY. */
static int enter(struct file_check *check, struct lock_file *lock, const char *path, int64_t now_ms)
{
    bool alone = lock_file_take(lock, LOCK_OPEN);
    struct openings openings = read_openings(lock);
    bool waits = openings.wanted != openings.done;
    bool late = has_passed(openings.called_ms, FILE_CHECK_WAIT_MS, now_ms);
    if (alone && waits && !late && is_open_elsewhere(path)) {
        lock_file_give(lock, LOCK_OPEN);
        return ERR_IO;
    }
    if (alone || (waits && late)) /* who hangs, or was stopped, has been waited for */
        begin_anew(lock, &openings);
    else if (waits)
        return ERR_IO;
    if (!share(lock))
        return ERR_BUSY;
    openings = read_openings(lock);
    check->opening = openings.wanted;
    if (openings.wanted == openings.done)
        return 0;
    lock_file_give(lock, LOCK_OPEN); /* somebody has called for another opening meanwhile */
    return ERR_IO;
}

static int try_to_join(struct file_check *check, struct lock_file *lock, const char *path,
                       int64_t now_ms)
{
    if (lock->descriptor >= 0)
        return enter(check, lock, path, now_ms);
    bool waits = check->closed_ms != 0 && now_ms - check->closed_ms < FILE_CHECK_BLIND_MS;
    return waits ? ERR_IO : 0;
}

int file_check_join(struct file_check *check, struct lock_file *lock, const char *path, int wait_ms,
                    int64_t now_ms, struct error *error)
{
    int64_t begun_ms = clock_monotonic_ms(), waited_ms = 0; /* a timer may end a pause early */
    int code;
    while ((code = try_to_join(check, lock, path, now_ms + waited_ms)) == ERR_IO &&
           waited_ms < wait_ms) {
        pause_for(PAUSE_MS);
        waited_ms = clock_monotonic_ms() - begun_ms;
    }
    if (code == ERR_IO)
        return file_check_error(path, error);
    if (code != 0)
        return error_set(error, code, "%s: another process is just opening it", path);
    *check =
        (struct file_check){.open = true, .opening = check->opening, .losses = page_guard_losses()};
    return 0;
}

/* ---------------------------------------------------------------- watching */

/* Tells the others to close it. Who finds the same damage again calls for the same opening. */
static void call(const struct file_check *check, const struct lock_file *lock, int64_t now_ms)
{
    struct openings openings = read_openings(lock);
    if (openings.wanted != check->opening)
        return;
    openings.wanted++;
    openings.called_ms = now_ms;
    write_openings(lock, &openings);
}

/*
 * A checkpoint that empties the log changes the wal-index before, and one of ours is announced.
 * Both are remembered before the log is looked at, and compared after it.
 */
static bool is_truncated(const struct file_check *check, const struct lock_file *lock,
                         const struct stat *log)
{
    return log->st_size < check->log.st_size && !wal_index_has_changed(&check->index) &&
           read_openings(lock).truncations == check->truncations;
}

/* A truncation may look like a checkpoint's, since commits change the wal-index all the time. */
static bool log_is_sound(const struct file_check *check, const struct lock_file *lock,
                         const char *path, const struct wal_index *index, struct stat *ret_log)
{
    if (!look_at(path, "-wal", ret_log) || !same_file(ret_log, &check->log) ||
        is_truncated(check, lock, ret_log))
        return false;
    return ret_log->st_size >= wal_index_log_bytes(index) || wal_index_has_changed(index);
}

static bool files_are_sound(struct file_check *check, const struct lock_file *lock,
                            const char *path, const struct openings *openings)
{
    struct stat log, index_file;
    struct wal_index index = check->index;
    wal_index_look(&index);
    if (!look_at(path, "-shm", &index_file) || !same_file(&index_file, &check->index_file) ||
        index_file.st_size < check->index_file.st_size ||
        !log_is_sound(check, lock, path, &index, &log))
        return false;
    if (index.headers && !index.has_seen) /* it is being written: what was seen before will do */
        return true;
    check->truncations = openings->truncations;
    check->log = log;
    check->index_file = index_file;
    check->index = index;
    return true;
}

void file_check_announce(const struct lock_file *lock)
{
    struct openings openings = read_openings(lock);
    openings.truncations++;
    write_openings(lock, &openings);
}

/* Says whether SQLite's files are others than those that processes have open, if any has. */
static bool are_other_files(const char *path, const struct openings *openings)
{
    const struct file_id none = {0, 0};
    struct stat log, index_file;
    return !same_id(openings->log, none) &&
           (!look_at(path, "-wal", &log) || !same_id(id_of(&log), openings->log) ||
            !look_at(path, "-shm", &index_file) || !same_id(id_of(&index_file), openings->index));
}

static bool is_suspicious(struct file_check *check, const struct lock_file *lock, const char *path,
                          struct openings openings, int64_t now_ms)
{
    bool lately = openings.suspected_ms != 0 &&
                  !has_passed(openings.suspected_ms, FILE_CHECK_SUSPICION_MS, now_ms);
    bool suspects = check->suspects && lock->descriptor >= 0;
    check->suspects = false;
    if (!suspects || (lately && !are_other_files(path, &openings)))
        return false;
    openings.suspected_ms = now_ms;
    write_openings(lock, &openings);
    return true;
}

/* Another lock file would keep nobody apart from those who have this one. */
static bool has_lock_file(struct file_check *check, const struct lock_file *lock, const char *path,
                          int64_t now_ms)
{
    if (lock->descriptor < 0 || now_ms < check->lock_look_ms)
        return true;
    check->lock_look_ms = now_ms + LOCK_LOOK_MS;
    return lock_file_is_in_place(lock, path);
}

bool file_check_passes(struct file_check *check, struct lock_file *lock, const char *path,
                       int fresh_ms, int64_t now_ms)
{
    bool has_all_pages = check->losses == page_guard_losses();
    if (!check->open || (now_ms - check->looked_ms < fresh_ms && has_all_pages))
        return true;
    check->looked_ms = now_ms;
    struct openings openings = read_openings(lock);
    if (openings.wanted == check->opening && has_all_pages &&
        !is_suspicious(check, lock, path, openings, now_ms) &&
        has_lock_file(check, lock, path, now_ms) &&
        (!check->watches || files_are_sound(check, lock, path, &openings)))
        return true;
    call(check, lock, now_ms);
    check->closed_ms = now_ms;
    return false;
}

int file_check_begin(struct file_check *check, struct lock_file *lock, const char *path,
                     const struct stat *database, sqlite3 *connection, int64_t now_ms,
                     struct error *error)
{
    struct openings openings = read_openings(lock), mine = openings;
    check->truncations = openings.truncations;
    wal_index_attach(&check->index, connection);
    wal_index_look(&check->index);
    check->watches =
        look_at(path, "-wal", &check->log) && look_at(path, "-shm", &check->index_file);
    if (!check->watches)
        return 0;
    mine.database = id_of(database);
    mine.log = id_of(&check->log);
    mine.index = id_of(&check->index_file);
    bool same_files = same_id(mine.log, openings.log) && same_id(mine.index, openings.index);
    if (!same_id(mine.database, openings.database)) /* none was in use, or another one */
        write_openings(lock, &mine);
    else if (!same_files) {
        call(check, lock, now_ms);
        return file_check_error(path, error);
    }
    return 0;
}

void file_check_suspect(struct file_check *check)
{
    check->suspects = true;
}

void file_check_leave(struct file_check *check, struct lock_file *lock)
{
    if (check->open)
        lock_file_give(lock, LOCK_OPEN);
    check->open = check->watches = false;
    wal_index_detach(&check->index);
}
