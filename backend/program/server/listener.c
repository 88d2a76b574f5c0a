/*
 * Creates the socket under a lock on its directory, so that two services cannot replace each
 * other's, or takes the one that systemd passed.
 */
#include "program/server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "core/base/buffer.h"

/* Clients that connect while the service is busy wait instead of being rejected. */
#define BACKLOG SOMAXCONN

#define SOCKET_MODE 0660

/* No group: chown() leaves it unchanged. */
#define GROUP_NONE ((gid_t)-1)

static int failed(const char *path, const char *doing, struct error *error)
{
    return error_set(error, ERR_IO, "%s: %s: %s", path, doing, strerror(errno));
}

int listener_inherit(const char *path, struct listener *ret_listener, struct error *error)
{
    int count = sd_listen_fds(1);
    if (count == 0)
        return ERR_NOTFOUND;
    if (count != 1)
        return error_set(error, ERR_INVAL, "systemd passed %d sockets instead of one", count);
    if (sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, path, 0) <= 0)
        return error_set(error, ERR_INVAL,
                         "what systemd hands over is not a listening Unix stream socket%s%s",
                         path ? " at " : "", path ? path : "");
    if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
        return failed("socket of systemd", "cannot be set up", error);
    *ret_listener = (struct listener){.descriptor = SD_LISTEN_FDS_START};
    return 0;
}

static int fill_address(const char *path, struct sockaddr_un *ret_address, struct error *error)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof ret_address->sun_path)
        return error_set(error, ERR_INVAL, "'%s': the path of a socket has 1 to %zu characters",
                         path, sizeof ret_address->sun_path - 1);
    strcpy(ret_address->sun_path, path);
    return 0;
}

static int find_group(const char *name, gid_t *ret_group, struct error *error)
{
    const struct group *group = name ? getgrnam(name) : NULL;
    if (name && !group)
        return error_set(error, ERR_INVAL, "there is no group %s", name);
    *ret_group = group ? group->gr_gid : GROUP_NONE;
    return 0;
}

/* Locks the directory of the socket, so that only one process at a time checks and replaces it. */
static int lock_directory(const char *path, int *ret_directory, struct error *error)
{
    struct buffer name = {0};
    const char *slash = strrchr(path, '/');
    buffer_add(&name, path, slash ? (size_t)(slash - path) + 1 : 0);
    buffer_add_text(&name, ".");
    if (name.failed)
        return error_set(error, ERR_NOMEM, "%s: out of memory", path);
    int directory = open(name.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buffer_release(&name);
    if (directory < 0)
        return failed(path, "its directory cannot be opened", error);
    while (flock(directory, LOCK_EX) != 0 && errno == EINTR) {
    }
    *ret_directory = directory;
    return 0;
}

/* 0 if a process listens there, else the errno of connect(). */
static int try_to_connect(const struct sockaddr_un *address)
{
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = client < 0 ? -1 : connect(client, (const void *)address, sizeof *address);
    int problem = result == 0 ? 0 : errno;
    if (client >= 0)
        close(client);
    return problem;
}

/* Removes an old socket, unless a process listens on it. */
static int clear_path(const struct sockaddr_un *address, struct error *error)
{
    const char *path = address->sun_path;
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? 0 : failed(path, "cannot be examined", error);
    if (!S_ISSOCK(status.st_mode))
        return error_set(error, ERR_FOREIGN, "%s already exists and is not a socket", path);
    errno = try_to_connect(address);
    if (errno == 0 || errno == EAGAIN || errno == EPROTOTYPE)
        return error_set(error, ERR_BUSY,
                         "%s: another process listens there; stop it, or give another --socket",
                         path);
    if (errno != ECONNREFUSED)
        return failed(path, "cannot tell whether another process listens there", error);
    return unlink(path) == 0 ? 0 : failed(path, "an old socket cannot be removed", error);
}

/* No client can connect before listen(), so mode and group may be set in any order. */
static int open_for_clients(int descriptor, const struct sockaddr_un *address, gid_t group,
                            struct stat *ret_made, struct error *error)
{
    const char *path = address->sun_path;
    mode_t mask = umask(0777 & ~SOCKET_MODE);
    int result = bind(descriptor, (const void *)address, sizeof *address);
    umask(mask);
    if (result != 0)
        return failed(path, "the socket cannot be created", error);
    if (group != GROUP_NONE && chown(path, (uid_t)-1, group) != 0)
        failed(path, "cannot be given to the group", error);
    else if (listen(descriptor, BACKLOG) != 0 || stat(path, ret_made) != 0)
        failed(path, "cannot be listened on", error);
    else
        return 0;
    unlink(path);
    return ERR_IO;
}

static int make_at(const struct sockaddr_un *address, gid_t group, struct listener *listener,
                   struct error *error)
{
    int code = clear_path(address, error);
    if (code != 0)
        return code;
    listener->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->descriptor < 0)
        return failed(address->sun_path, "the socket cannot be created", error);
    code = open_for_clients(listener->descriptor, address, group, &listener->made, error);
    if (code != 0)
        listener_close(listener);
    return code;
}

int listener_make(const char *path, const char *group, struct listener *ret_listener,
                  struct error *error)
{
    struct listener listener = {.descriptor = -1, .path = path};
    struct sockaddr_un address;
    gid_t group_id = GROUP_NONE;
    int directory = -1, code = fill_address(path, &address, error);
    if (code == 0)
        code = find_group(group, &group_id, error);
    if (code == 0)
        code = lock_directory(path, &directory, error);
    if (code != 0)
        return code;
    code = make_at(&address, group_id, &listener, error);
    close(directory);
    if (code == 0)
        *ret_listener = listener;
    return code;
}

bool listener_is_ours(const struct listener *listener)
{
    return listener->path != NULL;
}

void listener_remove(const struct listener *listener)
{
    struct stat now;
    if (listener->path && lstat(listener->path, &now) == 0 && now.st_dev == listener->made.st_dev &&
        now.st_ino == listener->made.st_ino)
        unlink(listener->path);
}

void listener_close(struct listener *listener)
{
    if (listener->descriptor >= 0)
        close(listener->descriptor);
    listener->descriptor = -1;
}
