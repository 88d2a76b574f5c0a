/*
 * The Unix socket that clients of the service connect to.
 *
 * systemd makes it and hands it over (listener_inherit()), or it is made here (listener_make()): a
 * file of mode 0660, so that who may connect is decided by its group and its directory. One that a
 * killed service left behind is replaced. One that somebody listens on is not, nor is a file that
 * is no socket; two services that start at the same moment are told apart by a lock on the
 * directory.
 *
 * The descriptor does not block. What was made here is removed by listener_remove(), while it is
 * still listened on, and only if the path still means it: the next service may be about to start.
 * What systemd made stays, and keeps clients waiting for the next service.
 */
#ifndef STICKY_PROGRAM_SERVER_LISTENER_H
#define STICKY_PROGRAM_SERVER_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "core/base/error.h"

struct listener {
    int descriptor;
    const char *path; /* the caller's; NULL: systemd's */
    struct stat made; /* the file, when it was made here */
};

/*
 * Takes the socket that systemd has handed to this process. With a `path`, it has to be there. 0;
 * ERR_NOTFOUND when none was handed over; ERR_INVAL with `error` set when it is of no use.
 */
int listener_inherit(const char *path, struct listener *ret_listener, struct error *error);

/*
 * Makes the socket, for the members of a group, or (NULL) of the process's own. `path` has to
 * outlive the listener. 0, or with `error` set: ERR_BUSY when somebody listens there, ERR_FOREIGN
 * when the file is something else, ERR_INVAL for an impossible path or group, ERR_IO.
 */
int listener_make(const char *path, const char *group, struct listener *ret_listener,
                  struct error *error);

/* Says whether the socket goes when we do. */
bool listener_is_ours(const struct listener *listener);

/* Removes the file of a socket that was made here; connections that wait can still be accepted. */
void listener_remove(const struct listener *listener);

void listener_close(struct listener *listener);

#endif
