#include "system/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "system/clock.h"

/* How often somebody who waits in line looks whether the time is over. */
#define WAIT_TICK_MS 5

int lock_file_open(struct lock_file *lock, const char *database_path, const struct stat *database)
{
    struct buffer path = {0};
    buffer_printf(&path, "%s-lock", database_path);
    if (path.failed)
        return ERR_NOMEM;
    mode_t mode = database->st_mode & 0666;
    lock->descriptor = open(path.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (lock->descriptor >= 0 && geteuid() == 0 &&
        fchown(lock->descriptor, database->st_uid, database->st_gid) != 0) {
        /* Only root's own view of a foreign file system; the lock works all the same. */
    }
    if (lock->descriptor < 0)
        lock->descriptor = open(path.data, O_RDWR | O_CLOEXEC);
    buffer_release(&path);
    return lock->descriptor >= 0 ? 0 : ERR_IO;
}

void lock_file_close(struct lock_file *lock)
{
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    lock->descriptor = -1;
}

int lock_file_share(const struct lock_file *lock, struct lock_file *ret_lock)
{
    int descriptor = fcntl(lock->descriptor, F_DUPFD_CLOEXEC, 0);
    if (descriptor < 0)
        return ERR_IO;
    ret_lock->descriptor = descriptor;
    return 0;
}

/* Each kind is a byte of the file. */
static bool set(struct lock_file *lock, enum lock_kind kind, int command, short type)
{
    struct flock byte = {.l_type = type, .l_whence = SEEK_SET, .l_start = kind, .l_len = 1};
    return fcntl(lock->descriptor, command, &byte) == 0;
}

bool lock_file_take(struct lock_file *lock, enum lock_kind kind)
{
    return set(lock, kind, F_OFD_SETLK, F_WRLCK);
}

bool lock_file_is_taken(const struct lock_file *lock, enum lock_kind kind)
{
    struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = kind, .l_len = 1};
    return fcntl(lock->descriptor, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}

bool lock_file_wait(struct lock_file *lock, enum lock_kind kind, struct ticker *ticker,
                    int64_t until_ms)
{
    if (lock_file_take(lock, kind))
        return true;
    if (lock->descriptor < 0 || !ticker_start(ticker, WAIT_TICK_MS))
        return false;
    bool taken;
    do
        taken = set(lock, kind, F_OFD_SETLKW, F_WRLCK);
    while (!taken && errno == EINTR && clock_monotonic_ms() < until_ms);
    ticker_stop(ticker);
    return taken;
}

bool lock_file_read(const struct lock_file *lock, off_t at, void *bytes, size_t count)
{
    return pread(lock->descriptor, bytes, count, at) == (ssize_t)count;
}

void lock_file_write(const struct lock_file *lock, off_t at, const void *bytes, size_t count)
{
    ssize_t written = pwrite(lock->descriptor, bytes, count, at);
    (void)written;
}

void lock_file_give(struct lock_file *lock, enum lock_kind kind)
{
    set(lock, kind, F_OFD_SETLK, F_UNLCK);
}
