/*
 * Opening, making and trusting the file of claims.
 */
#include "store/claims/claims_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "store/claims/claims_parts.h"
#include "system/clock.h"
#include "system/machine.h"
#include "system/page_guard.h"
#include "system/shared_mutex.h"

#define SUFFIX "-claims"

/* The longest time between two looks of those who wait: dozens may begin at one moment. */
#define MAKE_PAUSE_MAX_MS 16

/* For its room on the disk. */
#define ROOM_TRIES 100

/* For how long a process that finds a file of another build may seem to use it. */
#define NEWCOMER_WAIT_MS 20

/* The head that a file of this database has to have, at this start. Its salt is any. */
static struct claims_head expected_head(const struct stat *file, int64_t database,
                                        const uint8_t *start)
{
    struct claims_head head = {.magic = CLAIMS_MAGIC,
                               .format = CLAIMS_FORMAT,
                               .bucket_bytes = sizeof(struct bucket),
                               .bucket_count = CLAIMS_BUCKETS,
                               .slot_count = CLAIMS_SLOTS,
                               .slot_bytes = sizeof(struct slot),
                               .mutex_bytes = sizeof(pthread_mutex_t),
                               .inode = file->st_ino,
                               .device = file->st_dev,
                               .database = database};
    memcpy(head.start, start, sizeof head.start);
    return head;
}

/* What a file is to us. */
enum fit {
    FIT_OURS,
    FIT_NONE, /* missing */
    FIT_DAMAGED,
    FIT_COPY,
    FIT_OTHER_DATABASE,
    FIT_OTHER_BUILD, /* of a build that may be serving this very database now */
    FIT_OTHER_START, /* of an earlier start of this machine, or of a container's own number of it */
};

/* What is said of a file that is replaced. Nobody has to know of the others. */
static const char *const misfits[] = {
    [FIT_DAMAGED] = "damaged",
    [FIT_COPY] = "a copy",
    [FIT_OTHER_DATABASE] = "of another database",
    [FIT_OTHER_BUILD] = "of another version of pdns-sticky",
    [FIT_OTHER_START] = NULL,
};

/* Of those that are not replaced while they are used: who may use them. */
static const char *const others[] = {
    [FIT_OTHER_BUILD] = "by another version of pdns-sticky",
    [FIT_OTHER_START] = "where the machine has another boot_id, as in a container",
};

/* A device may have another number after a restart of the machine. */
static enum fit fit_of(const struct claims_head *head, const struct claims_head *expected)
{
    if (head->magic != expected->magic)
        return FIT_DAMAGED;
    if (head->database != expected->database)
        return FIT_OTHER_DATABASE;
    if (head->inode != expected->inode)
        return FIT_COPY;
    if (memcmp(head->start, expected->start, sizeof head->start) != 0)
        return FIT_OTHER_START;
    if (head->device != expected->device)
        return FIT_COPY;
    struct claims_head same = *expected;
    same.salt = head->salt;
    return memcmp(head, &same, sizeof same) == 0 ? FIT_OURS : FIT_OTHER_BUILD;
}

/* Its head is read as a file, since a file that is too short cannot be looked at in memory. */
static enum fit check_file(int descriptor, const struct stat *file,
                           const struct claims_head *expected)
{
    struct claims_head head;
    if (pread(descriptor, &head, sizeof head, 0) != (ssize_t)sizeof head)
        return FIT_DAMAGED;
    enum fit fit = fit_of(&head, expected);
    return fit == FIT_OURS && file->st_size != sizeof(struct claims_map) ? FIT_DAMAGED : fit;
}

static int set_problem(const char *path, const char *doing, struct error *error)
{
    int code = errno == ENOSPC || errno == EDQUOT                    ? ERR_FULL
               : errno == EACCES || errno == EPERM || errno == EROFS ? ERR_READONLY
                                                                     : ERR_IO;
    return error_set(error, code, "%s %s as uid %ld: %s; no mappings are kept", path, doing,
                     (long)geteuid(), strerror(errno));
}

/* All pages at once: each of them is looked at soon, and a fault for each would take long. */
static void *map_descriptor(int descriptor)
{
    return mmap(NULL, sizeof(struct claims_map), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                descriptor, 0);
}

/* Maps an open file. The descriptor is closed either way. */
static int map_file(struct claims *claims, int descriptor, struct error *error)
{
    void *map = map_descriptor(descriptor);
    int problem = errno;
    close(descriptor);
    errno = problem;
    if (map == MAP_FAILED)
        return set_problem(claims->path, "cannot be mapped", error);
    claims->map = map;
    claims->losses = page_guard_losses();
    return 0;
}

/* 0, with the file mapped if `ret_fit` says that it fits; or a code with `error` set. */
static int try_file(struct claims *claims, int64_t database, enum fit *ret_fit, struct error *error)
{
    int descriptor = open(claims->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    *ret_fit = FIT_NONE;
    if (descriptor < 0 && errno == ENOENT)
        return 0;
    if (descriptor < 0)
        return set_problem(claims->path, "cannot be opened", error);
    if (fstat(descriptor, &claims->file) != 0 || !S_ISREG(claims->file.st_mode)) {
        close(descriptor);
        return error_set(error, ERR_IO, "%s is not a file; no mappings are kept", claims->path);
    }
    struct claims_head expected = expected_head(&claims->file, database, claims->start);
    *ret_fit = check_file(descriptor, &claims->file, &expected);
    if (*ret_fit == FIT_OURS)
        return map_file(claims, descriptor, error);
    close(descriptor);
    return 0;
}

static int fill_in(struct claims_map *map, const struct claims_head *head)
{
    map->head = *head;
    if (getrandom(&map->head.salt, sizeof map->head.salt, GRND_NONBLOCK) < 0)
        map->head.salt = (uint64_t)clock_monotonic_ms();
    for (uint32_t i = 0; i < CLAIMS_BUCKETS; i++) {
        if (shared_mutex_init(&map->locks[i].mutex) != 0)
            return ERR_IO;
        map->locks[i].guard = claims_guard(map, i);
        atomic_init(&map->empty[i], claims_guard(map, i));
    }
    return 0;
}

/*
 * Makes a whole file under another name. All of its room is taken at once: a page that finds none
 * later would end the process.
 */
static int write_new(const char *path, const struct stat *database, int64_t number,
                     const uint8_t *start)
{
    struct stat file;
    unlink(path);
    int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, database->st_mode & 0666);
    if (descriptor < 0)
        return -1;
    if (fchmod(descriptor, database->st_mode & 0666) != 0 ||
        (geteuid() == 0 && fchown(descriptor, database->st_uid, database->st_gid) != 0)) {
        /* A file system without owners and modes: then nobody else has to be let in. */
    }
    int problem = EINTR; /* tmpfs gives up when the clock of the process ticks */
    for (int i = 0; i < ROOM_TRIES && problem == EINTR; i++)
        problem = posix_fallocate(descriptor, 0, sizeof(struct claims_map));
    void *map = MAP_FAILED;
    if (problem == 0 && fstat(descriptor, &file) == 0)
        map = map_descriptor(descriptor);
    if (problem == 0)
        problem = map == MAP_FAILED ? errno : 0;
    if (problem == 0) {
        struct claims_head head = expected_head(&file, number, start);
        problem = fill_in(map, &head) == 0 ? 0 : EIO;
    }
    if (map != MAP_FAILED)
        munmap(map, sizeof(struct claims_map));
    close(descriptor);
    if (problem != 0)
        unlink(path);
    errno = problem;
    return problem == 0 ? 0 : -1;
}

/* Says whether the database that was opened is still the one beside which the file lies. */
static bool is_beside(const struct claims *claims, const struct stat *database)
{
    struct stat now;
    struct buffer path = {0};
    buffer_add(&path, claims->path, strlen(claims->path) - strlen(SUFFIX));
    bool is = !path.failed && stat(buffer_text(&path), &now) == 0 &&
              now.st_dev == database->st_dev && now.st_ino == database->st_ino;
    buffer_release(&path);
    return is;
}

static int make_file(struct claims *claims, const struct stat *database, int64_t number,
                     struct error *error)
{
    struct buffer fresh = {0};
    buffer_printf(&fresh, "%s-new", claims->path);
    if (fresh.failed)
        return error_set(error, ERR_NOMEM, "out of memory");
    int result = write_new(fresh.data, database, number, claims->start), code = 0;
    if (result == 0 && !is_beside(claims, database)) {
        unlink(fresh.data);
        code = error_set(error, ERR_BUSY, "%s: its database was replaced", claims->path);
    } else if (result != 0 || rename(fresh.data, claims->path) != 0)
        code = set_problem(claims->path, "cannot be made", error);
    buffer_release(&fresh);
    return code;
}

/*
 * A file of another build, or of another start of the machine, is replaced only when nobody uses
 * it; the lock is tried alone for that, and shared again afterwards.
 */
static bool may_replace(struct lock_file *lock, enum fit fit, int64_t until_ms)
{
    if (fit != FIT_OTHER_BUILD && fit != FIT_OTHER_START)
        return true;
    bool is_old = fit == FIT_OTHER_START; /* most likely; then only newcomers are in the way */
    int64_t newcomers_ms = clock_monotonic_ms() + NEWCOMER_WAIT_MS;
    int64_t end_ms = is_old || until_ms < newcomers_ms ? until_ms : newcomers_ms;
    bool alone = lock_file_take(lock, LOCK_CLAIMS_USED);
    while (!alone && clock_monotonic_ms() < end_ms) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        alone = lock_file_take(lock, LOCK_CLAIMS_USED);
    }
    lock_file_take_shared(lock, LOCK_CLAIMS_USED);
    return alone;
}

/* Opens the file that is there, if it fits, among the others who use it. */
static int use_file(struct claims *claims, int64_t number, enum fit *ret_fit, struct error *error)
{
    if (!lock_file_take_shared(claims->lock, LOCK_CLAIMS_USED))
        return error_set(error, ERR_BUSY, "%s is being replaced", claims->path);
    return try_file(claims, number, ret_fit, error);
}

/* Another process may have made it meanwhile, so it is looked at once more. */
static int replace_file(struct claims *claims, const struct stat *database, int64_t number,
                        int64_t until_ms, struct error *error)
{
    enum fit fit, before;
    int code = use_file(claims, number, &before, error);
    if (code != 0 || before == FIT_OURS)
        return code;
    if (!may_replace(claims->lock, before, until_ms))
        return error_set(
            error, ERR_BUSY,
            "%s is used %s; until those processes have ended, this one keeps no mappings",
            claims->path, others[before]);
    code = make_file(claims, database, number, error);
    if (code != 0)
        return code;
    claims->replaced = misfits[before];
    code = try_file(claims, number, &fit, error);
    if (code == 0 && fit != FIT_OURS)
        code =
            error_set(error, ERR_IO, "%s was replaced at once; no mappings are kept", claims->path);
    return code;
}

/*
 * Gets the lock of the process that makes the file. 0, with FIT_OURS instead when another process
 * has made it meanwhile; or a code with `error` set.
 */
static int begin_making(struct claims *claims, int64_t number, int64_t until_ms, enum fit *ret_fit,
                        struct error *error)
{
    for (long pause_ms = 1;; pause_ms = pause_ms < MAKE_PAUSE_MAX_MS ? 2 * pause_ms : pause_ms) {
        if (lock_file_take(claims->lock, LOCK_CLAIMS_MADE))
            return 0;
        if (clock_monotonic_ms() >= until_ms)
            break;
        nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000000}, NULL);
        if (!lock_file_take_shared(claims->lock, LOCK_CLAIMS_USED))
            continue;
        int code = try_file(claims, number, ret_fit, error);
        if (code != 0 || *ret_fit == FIT_OURS)
            return code;
        lock_file_give(claims->lock, LOCK_CLAIMS_USED);
    }
    return error_set(error, ERR_BUSY,
                     "%s is being made by another process; no mappings are kept until it has",
                     claims->path);
}

static int open_or_make(struct claims *claims, const struct stat *database, int64_t number,
                        int wait_ms, struct error *error)
{
    int64_t until_ms = clock_monotonic_ms() + wait_ms;
    enum fit fit;
    int code = use_file(claims, number, &fit, error);
    if (code != 0 || fit == FIT_OURS)
        return code;
    if (wait_ms == CLAIMS_ONLY_USE)
        return ERR_NOTFOUND;
    lock_file_give(claims->lock, LOCK_CLAIMS_USED); /* or two newcomers keep each other out */
    code = begin_making(claims, number, until_ms, &fit, error);
    if (code != 0 || fit == FIT_OURS)
        return code;
    code = replace_file(claims, database, number, until_ms, error);
    lock_file_give(claims->lock, LOCK_CLAIMS_MADE);
    return code;
}

int claims_open(const char *database_path, const struct stat *database, int64_t identity,
                struct lock_file *lock, int wait_ms, struct claims **ret_claims,
                struct error *error)
{
    struct buffer path = {0};
    struct claims *claims = calloc(1, sizeof *claims);
    buffer_printf(&path, "%s" SUFFIX, database_path);
    if (!claims || path.failed) {
        buffer_release(&path);
        free(claims);
        return error_set(error, ERR_NOMEM, "out of memory");
    }
    claims->path = path.data;
    claims->lock = lock;
    int code = machine_start(claims->start)
                   ? open_or_make(claims, database, identity, wait_ms, error)
                   : set_problem(MACHINE_START_PATH, "cannot be read", error);
    if (code != 0) {
        claims_close(claims);
        return code;
    }
    *ret_claims = claims;
    return 0;
}

void claims_close(struct claims *claims)
{
    if (!claims)
        return;
    if (claims->map)
        munmap(claims->map, sizeof(struct claims_map));
    lock_file_give(claims->lock, LOCK_CLAIMS_USED);
    free(claims->path);
    free(claims);
}

int claims_replaced(const struct claims *claims, struct error *error)
{
    if (!claims->replaced)
        return 0;
    return error_set(error, ERR_IO,
                     "%s was %s and was replaced; mappings that only it held are lost",
                     claims->path, claims->replaced);
}

bool claims_are_of(const struct claims *claims, int64_t identity)
{
    return claims->map->head.database == identity;
}

bool claims_are_current(const struct claims *claims)
{
    struct stat now;
    return claims->losses == page_guard_losses() && claims->map->head.magic == CLAIMS_MAGIC &&
           stat(claims->path, &now) == 0 && now.st_dev == claims->file.st_dev &&
           now.st_ino == claims->file.st_ino && now.st_size == claims->file.st_size;
}
