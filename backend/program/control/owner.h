/*
 * Who owns the database. SQLite makes its log beside the database, so whoever answers questions
 * must be able to write the file and its directory: the user that PowerDNS runs as.
 */
#ifndef STICKY_PROGRAM_CONTROL_OWNER_H
#define STICKY_PROGRAM_CONTROL_OWNER_H

#include <sys/types.h>

#include "core/base/error.h"

/* Of Debian's PowerDNS. */
#define OWNER_DEFAULT "pdns"

struct owner {
    uid_t uid;
    gid_t gid;
    char name[64]; /* or the number as text */
};

/*
 * The owner of a database that does not exist yet. For root it is `user`, by name; or (NULL) the
 * owner of the directory, if there is one that is not root's, else OWNER_DEFAULT. For others it is
 * themselves, and `user` must be that or NULL. 0, or a code with `error` set.
 */
int owner_find(const char *path, const char *user, struct owner *ret_owner, struct error *error);

/*
 * Makes the directory of the file, if it is missing, for the owner, with mode 0750; then does
 * `work` as the owner, with a mask that leaves mode 0640 to files. If that fails, a directory
 * that was made is removed, unless something is in it. 0, or a code with `error` set.
 */
int owner_work(const struct owner *owner, const char *path,
               int (*work)(void *context, struct error *error), void *context, struct error *error);

#endif
