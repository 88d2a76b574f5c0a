#include "system/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

static char *name_of(const char *database_path, struct buffer *name)
{
    buffer_add_text(name, database_path);
    buffer_add_text(name, "-lock");
    return name->failed ? NULL : name->data;
}

/* The mode is set once more, since the umask may have taken rights from it. */
static int make(const char *path, const struct stat *database)
{
    mode_t mode = database->st_mode & 0666;
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0)
        return -1;
    if (fchmod(descriptor, mode) != 0 ||
        (geteuid() == 0 && fchown(descriptor, database->st_uid, database->st_gid) != 0)) {
        /* A file system without owners and modes; the lock works all the same. */
    }
    return descriptor;
}

int lock_file_open(struct lock_file *lock, const char *database_path, bool create,
                   const struct stat *database)
{
    struct buffer name = {0};
    const char *path = name_of(database_path, &name);
    if (path && create)
        lock->descriptor = make(path, database);
    if (path && lock->descriptor < 0)
        lock->descriptor = open(path, O_RDWR | O_CLOEXEC);
    buffer_release(&name);
    return lock->descriptor >= 0 ? 0 : ERR_IO;
}

void lock_file_close(struct lock_file *lock)
{
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    lock->descriptor = -1;
}

bool lock_file_is_in_place(const struct lock_file *lock, const char *database_path)
{
    struct buffer name = {0};
    struct stat open, named;
    const char *path = name_of(database_path, &name);
    bool in_place = path && fstat(lock->descriptor, &open) == 0 && stat(path, &named) == 0 &&
                    open.st_dev == named.st_dev && open.st_ino == named.st_ino;
    buffer_release(&name);
    return in_place;
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

bool lock_file_take_shared(struct lock_file *lock, enum lock_kind kind)
{
    return set(lock, kind, F_OFD_SETLK, F_RDLCK);
}

bool lock_file_is_taken(const struct lock_file *lock, enum lock_kind kind)
{
    struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = kind, .l_len = 1};
    return fcntl(lock->descriptor, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
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
