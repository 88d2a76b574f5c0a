#include "store/lock_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/error.h"

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

static bool set(struct lock_file *lock, short type)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(lock->descriptor, F_OFD_SETLK, &whole) == 0;
}

bool lock_file_take(struct lock_file *lock)
{
    return set(lock, F_WRLCK);
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

void lock_file_give(struct lock_file *lock)
{
    set(lock, F_UNLCK);
}
