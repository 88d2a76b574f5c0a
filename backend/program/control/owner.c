#include "program/control/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buffer.h"

#define DIRECTORY_MODE 0750
#define FILE_MASK 027

/* The directory of a file, "." for a name alone. */
static void add_directory(const char *path, struct buffer *directory)
{
    const char *end = strrchr(path, '/');
    if (!end)
        buffer_add_char(directory, '.');
    else
        buffer_add(directory, path, end == path ? 1 : (size_t)(end - path));
}

static int by_name(const char *name, struct owner *ret_owner, struct error *error)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return error_set(error, ERR_NOTFOUND,
                         "there is no user %s: install pdns-server, or say with --user which user"
                         " PowerDNS runs as",
                         name);
    *ret_owner = (struct owner){.uid = entry->pw_uid, .gid = entry->pw_gid};
    snprintf(ret_owner->name, sizeof ret_owner->name, "%s", name);
    return 0;
}

static void by_number(uid_t uid, gid_t gid, struct owner *ret_owner)
{
    const struct passwd *entry = getpwuid(uid);
    *ret_owner = (struct owner){.uid = uid, .gid = gid};
    if (entry)
        snprintf(ret_owner->name, sizeof ret_owner->name, "%s", entry->pw_name);
    else
        snprintf(ret_owner->name, sizeof ret_owner->name, "%ld", (long)uid);
}

/* Says whether the directory of the file has an owner who is not root. */
static bool by_directory(const char *path, struct owner *ret_owner)
{
    struct buffer directory = {0};
    struct stat status;
    add_directory(path, &directory);
    bool found =
        !directory.failed && stat(buffer_text(&directory), &status) == 0 && status.st_uid != 0;
    buffer_release(&directory);
    if (found)
        by_number(status.st_uid, status.st_gid, ret_owner);
    return found;
}

int owner_find(const char *path, const char *user, struct owner *ret_owner, struct error *error)
{
    if (geteuid() == 0) {
        if (!user && by_directory(path, ret_owner))
            return 0;
        return by_name(user ? user : OWNER_DEFAULT, ret_owner, error);
    }
    by_number(geteuid(), getegid(), ret_owner);
    if (user && strcmp(user, ret_owner->name) != 0)
        return error_set(error, ERR_READONLY, "only root can make it for another user than %s",
                         ret_owner->name);
    return 0;
}

/* `ret_made`: it was not there before. */
static int make_directory(const struct owner *owner, const char *directory, bool *ret_made,
                          struct error *error)
{
    *ret_made = mkdir(directory, DIRECTORY_MODE) == 0;
    if (*ret_made) {
        if (chmod(directory, DIRECTORY_MODE) == 0 &&
            (geteuid() != 0 || chown(directory, owner->uid, owner->gid) == 0))
            return 0;
    } else if (errno == EEXIST) {
        return 0;
    }
    return error_set(error, ERR_IO, "%s: %s", directory, strerror(errno));
}

/* Root takes on the identity of the owner; others have it. */
static int become(const struct owner *owner, struct error *error)
{
    if (geteuid() != 0)
        return 0;
    if (initgroups(owner->name, owner->gid) == 0 && setegid(owner->gid) == 0 &&
        seteuid(owner->uid) == 0)
        return 0;
    return error_set(error, ERR_INTERNAL, "this process cannot become user %s: %s", owner->name,
                     strerror(errno));
}

/* Cannot fail for who was root; what follows prints, and ends. */
static void become_root_again(void)
{
    if (getuid() == 0 && (seteuid(0) != 0 || setegid(0) != 0))
        _exit(1);
}

static int work_in(const struct owner *owner, const char *directory,
                   int (*work)(void *context, struct error *error), void *context,
                   struct error *error)
{
    bool made;
    int code = make_directory(owner, directory, &made, error);
    if (code != 0)
        return code;
    mode_t before = umask(FILE_MASK);
    code = become(owner, error);
    if (code == 0 && faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) != 0)
        code = error_set(error, ERR_READONLY,
                         "user %s cannot make files in %s; run this as the user who can, or give"
                         " the directory to the user that PowerDNS runs as",
                         owner->name, directory);
    if (code == 0)
        code = work(context, error);
    become_root_again();
    umask(before);
    if (code != 0 && made)
        (void)rmdir(directory); /* as it was; one with files in it stays */
    return code;
}

int owner_work(const struct owner *owner, const char *path,
               int (*work)(void *context, struct error *error), void *context, struct error *error)
{
    struct buffer directory = {0};
    add_directory(path, &directory);
    int code = directory.failed ? error_set(error, ERR_NOMEM, "out of memory")
                                : work_in(owner, directory.data, work, context, error);
    buffer_release(&directory);
    return code;
}
