/*
 * Between fork() and execv() the child only makes system calls, because other threads may have held
 * locks of the C library.
 */
#include "system/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/clock.h"

/* What the shell ends with when it cannot start a program. */
#define NOT_STARTED 127

#define SBIN_DIRECTORIES "/usr/local/sbin:/usr/sbin:/sbin"

static char *find_in(const char *directories, const char *name)
{
    for (const char *start = directories; start && *start;) {
        size_t length = strcspn(start, ":");
        char *path = NULL;
        if (length > 0 && asprintf(&path, "%.*s/%s", (int)length, start, name) < 0)
            return NULL;
        if (path && access(path, X_OK) == 0)
            return path;
        free(path);
        start += length + (start[length] == ':');
    }
    return NULL;
}

char *run_program_find(const char *name)
{
    char *path = find_in(getenv("PATH"), name);
    return path ? path : find_in(SBIN_DIRECTORIES, name);
}

_Noreturn static void become(char *const *arguments, const struct run_as *as, int output)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ready = setpgid(0, 0) == 0 && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
                 dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0;
    if (ready && as)
        ready = setgroups(1, &as->group) == 0 && setgid(as->group) == 0 && setuid(as->user) == 0;
    if (ready)
        execv(arguments[0], arguments);
    _exit(NOT_STARTED);
}

/* Reads until the end, or until it is killed. False when that was too late. */
static bool read_until(int input, int64_t until_ms, struct buffer *output)
{
    char part[4096];
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        struct pollfd poll_input = {.fd = input, .events = POLLIN};
        if (left_ms <= 0 || (poll(&poll_input, 1, (int)left_ms) < 0 && errno != EINTR))
            return false;
        if (poll_input.revents == 0)
            continue;
        ssize_t count = read(input, part, sizeof part);
        if (count == 0 || (count < 0 && errno != EINTR))
            return count == 0;
        if (count > 0 && output->length < RUN_OUTPUT_MAX)
            buffer_add(output, part, (size_t)count);
    }
}

/* Ends the group of processes, and gives the status of the first. */
static int end(pid_t child, bool late)
{
    int status;
    if (late) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL); /* it may not have made its group yet */
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return status;
}

static int watch(pid_t child, const char *path, int input, int limit_ms, struct buffer *output,
                 struct error *error)
{
    bool in_time = read_until(input, clock_monotonic_ms() + limit_ms, output);
    int status = end(child, !in_time);
    if (!in_time)
        return error_set(error, ERR_BUSY, "%s did not end within %d ms", path, limit_ms);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED)
        return error_set(error, ERR_NOTFOUND, "%s cannot be run", path);
    return output->failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}

int run_program(const char *const *arguments, const struct run_as *as, int limit_ms,
                struct buffer *output, struct error *error)
{
    char *copy[RUN_ARGUMENTS_MAX + 1] = {NULL};
    int ends[2];
    size_t count = 0;
    while (arguments[count] && count < RUN_ARGUMENTS_MAX)
        count++;
    memcpy(copy, arguments, count * sizeof *copy); /* execv() changes none, but does not say so */
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(error, ERR_IO, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0)
        become(copy, as, ends[1]);
    int problem = errno, code;
    close(ends[1]);
    code = child < 0 ? error_set(error, ERR_IO, "fork: %s", strerror(problem))
                     : watch(child, arguments[0], ends[0], limit_ms, output, error);
    close(ends[0]);
    return code;
}
