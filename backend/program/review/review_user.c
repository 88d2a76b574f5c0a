/*
 * Users, and what they may do with files, as the kernel decides it by owner, group and mode. Access
 * control lists are not looked at.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program/review/review_parts.h"

/* More groups than a user of a service has. */
#define GROUPS_MAX 64

/* The user of that name or number, as PowerDNS reads setuid. */
static const struct passwd *look_up(const char *name, uid_t *ret_user)
{
    char *end;
    unsigned long number = strtoul(name, &end, 0);
    const struct passwd *row = *name && *end == '\0' ? getpwuid((uid_t)number) : getpwnam(name);
    *ret_user = row ? row->pw_uid : (uid_t)number;
    return row;
}

bool review_find_user(struct review *review, const char *name, struct review_user *ret_user)
{
    uid_t number;
    const struct passwd *row = look_up(name, &number);
    bool is_number = strspn(name, "0123456789") == strlen(name);
    if (!row && !is_number)
        return false;
    struct review_user user = {.known = true,
                               .name = arena_copy(&review->arena, row ? row->pw_name : name,
                                                  strlen(row ? row->pw_name : name)),
                               .user = number,
                               .group = row ? row->pw_gid : (gid_t)number,
                               .groups = calloc(GROUPS_MAX, sizeof *user.groups),
                               .group_count = GROUPS_MAX};
    if (!user.name || !user.groups) {
        free(user.groups);
        review->failed = true;
        return false;
    }
    if (getgrouplist(user.name, user.group, user.groups, &user.group_count) < 0)
        user.group_count = GROUPS_MAX;
    *ret_user = user;
    return true;
}

void review_user_release(struct review_user *user)
{
    free(user->groups);
    *user = (struct review_user){0};
}

static bool is_in(const struct review_user *user, gid_t group)
{
    for (int i = 0; i < user->group_count; i++)
        if (user->groups[i] == group)
            return true;
    return false;
}

bool review_user_may(const struct review_user *user, const char *path, int bits)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    if (user->user == 0)
        return true;
    unsigned shift = status.st_uid == user->user ? 6 : is_in(user, status.st_gid) ? 3 : 0;
    return ((status.st_mode >> shift) & (unsigned)bits) == (unsigned)bits;
}

bool review_user_is_kept_out(const struct review_user *user, const char *path,
                             char ret_directory[static 4096])
{
    for (const char *end = strchr(path, '/'); end; end = strchr(end + 1, '/')) {
        int length = end == path ? 1 : (int)(end - path);
        char directory[4096];
        snprintf(directory, sizeof directory, "%.*s", length, path);
        if (access(directory, F_OK) == 0 && !review_user_may(user, directory, X_OK)) {
            strcpy(ret_directory, directory);
            return true;
        }
    }
    return false;
}
