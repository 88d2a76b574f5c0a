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

/* One stream of a child. */
struct stream {
    int ends[2]; /* ours and the child's; -1: not open */
    struct buffer *text;
    size_t most;
};

struct run {
    const char *const *arguments;
    const struct run_as *as;
    int limit_ms;
    struct stream streams[2]; /* standard output, and standard error unless it comes with that */
    size_t stream_count;
    int status; /* as waitpid(2) gives it */
};

_Noreturn static void become(char *const *arguments, const struct run *run)
{
    int output = run->streams[0].ends[1], errors = run->streams[run->stream_count - 1].ends[1];
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ready = setpgid(0, 0) == 0 && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
                 dup2(output, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0;
    if (ready && run->as)
        ready = setgroups(1, &run->as->group) == 0 && setgid(run->as->group) == 0 &&
                setuid(run->as->user) == 0;
    if (ready)
        execv(arguments[0], arguments);
    _exit(NOT_STARTED);
}

/* False at the end. */
static bool read_part(struct stream *stream)
{
    char part[4096];
    ssize_t count = read(stream->ends[0], part, sizeof part);
    if (count > 0 && stream->text->length < stream->most)
        buffer_add(stream->text, part, (size_t)count);
    return count > 0 || (count < 0 && errno == EINTR);
}

/* Reads until the end of all streams, or until it is killed. False when that was too late. */
static bool read_until(struct run *run, int64_t until_ms)
{
    struct pollfd polled[2];
    size_t open_count = run->stream_count;
    for (size_t i = 0; i < run->stream_count; i++)
        polled[i] = (struct pollfd){.fd = run->streams[i].ends[0], .events = POLLIN};
    while (open_count > 0) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        if (left_ms <= 0 ||
            (poll(polled, (nfds_t)run->stream_count, (int)left_ms) < 0 && errno != EINTR))
            return false;
        for (size_t i = 0; i < run->stream_count; i++)
            if (polled[i].fd >= 0 && polled[i].revents != 0 && !read_part(&run->streams[i])) {
                polled[i].fd = -1;
                open_count--;
            }
    }
    return true;
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

static int watch(struct run *run, pid_t child, struct error *error)
{
    const char *path = run->arguments[0];
    bool in_time = read_until(run, clock_monotonic_ms() + run->limit_ms), failed = false;
    run->status = end(child, !in_time);
    for (size_t i = 0; i < run->stream_count; i++)
        failed |= run->streams[i].text->failed;
    if (!in_time)
        return error_set(error, ERR_BUSY, "%s did not end within %d ms", path, run->limit_ms);
    if (WIFEXITED(run->status) && WEXITSTATUS(run->status) == NOT_STARTED)
        return error_set(error, ERR_NOTFOUND, "%s cannot be run", path);
    return failed ? error_set(error, ERR_NOMEM, "out of memory") : 0;
}

static void close_ends(struct run *run, int which)
{
    for (size_t i = 0; i < run->stream_count; i++) {
        if (run->streams[i].ends[which] >= 0)
            close(run->streams[i].ends[which]);
        run->streams[i].ends[which] = -1;
    }
}

static int open_streams(struct run *run, struct error *error)
{
    for (size_t i = 0; i < run->stream_count; i++)
        run->streams[i].ends[0] = run->streams[i].ends[1] = -1;
    for (size_t i = 0; i < run->stream_count; i++)
        if (pipe2(run->streams[i].ends, O_CLOEXEC) != 0)
            return error_set(error, ERR_IO, "pipe: %s", strerror(errno));
    return 0;
}

static int run_it(struct run *run, struct error *error)
{
    char *copy[RUN_ARGUMENTS_MAX + 1] = {NULL};
    size_t count = 0;
    while (run->arguments[count] && count < RUN_ARGUMENTS_MAX)
        count++;
    memcpy(copy, run->arguments,
           count * sizeof *copy); /* execv() changes none, but does not say so */
    int code = open_streams(run, error);
    if (code == 0) {
        pid_t child = fork();
        if (child == 0)
            become(copy, run);
        int problem = errno;
        close_ends(run, 1);
        code = child < 0 ? error_set(error, ERR_IO, "fork: %s", strerror(problem))
                         : watch(run, child, error);
    }
    close_ends(run, 1);
    close_ends(run, 0);
    return code;
}

int run_program(const char *const *arguments, const struct run_as *as, int limit_ms,
                struct buffer *output, struct error *error)
{
    struct run run = {.arguments = arguments,
                      .as = as,
                      .limit_ms = limit_ms,
                      .streams = {{.text = output, .most = RUN_OUTPUT_MAX}},
                      .stream_count = 1};
    return run_it(&run, error);
}

int run_program_apart(const char *const *arguments, int limit_ms, size_t output_max,
                      struct buffer *output, struct buffer *errors, int *ret_status,
                      struct error *error)
{
    struct run run = {
        .arguments = arguments,
        .limit_ms = limit_ms,
        .streams = {{.text = output, .most = output_max}, {.text = errors, .most = RUN_OUTPUT_MAX}},
        .stream_count = 2};
    int code = run_it(&run, error);
    if (code != 0)
        return code;
    if (output->length >= output_max)
        return error_set(error, ERR_LIMIT, "%s prints more than %zu bytes", arguments[0],
                         output_max);
    *ret_status = WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
    return 0;
}
