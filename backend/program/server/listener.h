/*
 * The Unix socket that clients of the service connect to.
 *
 * Either systemd creates it and passes it to this process (listener_inherit()), or it is created
 * here (listener_make()), with mode 0660, so that its group and its directory decide who may
 * connect. A socket that a killed service left behind is replaced; one on which a process listens
 * is not, nor is a file that is not a socket. A lock on the directory keeps two services that start
 * at the same time apart.
 *
 * The descriptor is non-blocking. listener_remove() removes a socket that was created here, while
 * the process still listens on it, and only if the path still refers to it, since the next service
 * may already be starting. A socket of systemd stays; clients wait there for the next service.
 */
#ifndef STICKY_PROGRAM_SERVER_LISTENER_H
#define STICKY_PROGRAM_SERVER_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/error.h"

struct listener {
    int descriptor;
    const char *path; /* belongs to the caller; NULL: systemd's socket */
    struct stat made; /* the file, if it was created here */
};

/*
 * Takes the socket that systemd has passed to this process; if `path` is not NULL, it must be at
 * that path. 0; ERR_NOTFOUND when none was passed; ERR_INVAL with `error` set when it cannot be
 * used.
 */
int listener_inherit(const char *path, struct listener *ret_listener, struct error *error);

/*
 * Creates the socket for the members of a group; NULL: the group of the process. `path` must
 * outlive the listener. 0, or with `error` set: ERR_BUSY when a process listens there, ERR_FOREIGN
 * when the file is not a socket, ERR_INVAL for an invalid path or group, ERR_IO.
 */
int listener_make(const char *path, const char *group, struct listener *ret_listener,
                  struct error *error);

/* Says whether the socket was created here, so that it goes with this process. */
bool listener_is_ours(const struct listener *listener);

/* Removes the file of a socket that was created here; waiting clients can still be accepted. */
void listener_remove(const struct listener *listener);

void listener_close(struct listener *listener);

#endif
