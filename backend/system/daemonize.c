#include "system/daemonize.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/error.h"

/* Without a byte from it, the daemon has ended and has said why. */
static void await_daemon(int ready)
{
    char byte;
    _exit(read(ready, &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int daemonize_begin(int *ret_ready)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_IO;
    pid_t child = fork();
    if (child > 0) {
        close(ends[1]);
        await_daemon(ends[0]);
    }
    close(ends[0]);
    if (child < 0 || setsid() < 0) {
        close(ends[1]);
        return ERR_IO;
    }
    *ret_ready = ends[1];
    return 0;
}

void daemonize_ready(int ready)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = STDIN_FILENO; nothing >= 0 && stream <= STDERR_FILENO; stream++)
        dup2(nothing, stream);
    if (chdir("/") != 0 || write(ready, "", 1) != 1) {
        /* Nobody waits any more; the daemon goes on. */
    }
    close(ready);
}
