/*
 * Runs a program whose exit status says whether the target is up: PROGRAM ADDRESS PORT and the
 * words of the monitor's arguments, with port 0 if there is none.
 *
 * The program inherits nothing but the user: it gets no descriptors, no environment but PATH and
 * STICKY_MONITOR (the monitor's name), and default signal handling. It leads a process group, which
 * is killed when the program or its time ends, so that no background process remains. Only a
 * process that leaves the group on purpose survives.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "monitor/probe.h"

#define SEARCH_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* How long the end of killed programs is waited for at exit; the others are left to process 1. */
#define LAST_WAIT_MS 1000

#define PORT_TEXT_MAX 6

/* The program itself, the address and the port. */
#define FIRST_ARGUMENTS 3

/* A process to be reaped. It may outlive its probe: even a killed process can hang in a read. */
struct child {
    pid_t process;
    int descriptor; /* of pidfd_open(2): readable when the process has ended */
    struct event event;
    struct exec *exec; /* NULL: its probe is gone */
    struct child *next, **link;
};

struct exec {
    struct probe probe;
    struct child *child;
};

/* All children: those of running probes, and killed ones that have not ended yet. */
struct children {
    struct child *first;
};

static int open_children(struct prober *prober, void **ret_shared, struct error *error)
{
    (void)prober;
    *ret_shared = calloc(1, sizeof(struct children));
    return *ret_shared ? 0 : error_set(error, ERR_NOMEM, "out of memory");
}

static void child_free(struct child *child)
{
    *child->link = child->next;
    if (child->next)
        child->next->link = child->link;
    event_del(&child->event);
    close(child->descriptor);
    free(child);
}

/* Until a process is reaped, its id is not used again, and neither is that of its group. */
static void child_kill(const struct child *child)
{
    kill(-child->process, SIGKILL);
}

static void close_children(void *shared)
{
    struct children *children = shared;
    while (children->first) {
        struct pollfd end = {.fd = children->first->descriptor, .events = POLLIN};
        child_kill(children->first);
        poll(&end, 1, LAST_WAIT_MS);
        waitpid(children->first->process, NULL, WNOHANG);
        child_free(children->first);
    }
    free(children);
}

static void report(struct exec *exec, pid_t reaped, int status)
{
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    exec->child = NULL;
    probe_answered(&exec->probe);
    probe_end(&exec->probe, reaped < 0 ? REASON_INTERNAL : well ? REASON_OK : REASON_STATUS);
}

static void on_end(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct child *child = context;
    struct exec *exec = child->exec;
    int status = 0;
    child_kill(child);
    pid_t reaped = waitpid(child->process, &status, WNOHANG);
    if (reaped == 0)
        return;
    child_free(child);
    if (exec)
        report(exec, reaped, status);
}

/* Says whether every component of the path leads downwards. */
static bool is_relative(const char *path)
{
    if (*path == '\0' || *path == '/')
        return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

/* Both must be real paths. */
static bool is_below(const char *program, const char *directory)
{
    size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
    return strncmp(program, directory, length) == 0 && program[length] == '/';
}

static char *find_below(const char *directory, const char *path, struct error *error)
{
    struct buffer wanted = {0};
    buffer_printf(&wanted, "%s/%s", directory, path);
    errno = ENOMEM;
    char *program = wanted.failed ? NULL : realpath(buffer_text(&wanted), NULL);
    buffer_release(&wanted);
    if (!program) {
        error_set(error, ERR_IO, "%s/%s: %s", directory, path, strerror(errno));
        return NULL;
    }
    if (is_below(program, directory))
        return program;
    error_set(error, ERR_INVAL, "%s is outside %s", program, directory);
    free(program);
    return NULL;
}

/*
 * The program's real path, to be freed; or NULL with `error` set. It contains no symbolic links, so
 * what is checked is what is run.
 */
static char *find_program(const struct prober_options *options, const char *path,
                          struct error *error)
{
    if (!options->exec_directory) {
        error_set(error, ERR_INVAL, "pdns-stickyd was started without --exec-directory");
        return NULL;
    }
    if (!path || !is_relative(path)) {
        error_set(error, ERR_INVAL, "path '%s' is not a path below the directory of programs",
                  path ? path : "");
        return NULL;
    }
    char *directory = realpath(options->exec_directory, NULL);
    if (!directory) {
        error_set(error, ERR_IO, "%s: %s", options->exec_directory, strerror(errno));
        return NULL;
    }
    char *program = find_below(directory, path, error);
    free(directory);
    return program;
}

static void refuse(struct prober *prober, const struct monitor *monitor, struct error *error)
{
    struct stat status;
    char *program = find_program(&prober->options, monitor->path, error);
    if (!program)
        return;
    if (stat(program, &status) != 0 || !S_ISREG(status.st_mode) || access(program, X_OK) != 0)
        error_set(error, ERR_INVAL, "%s is not a program that this user may run", program);
    free(program);
}

static int set_actions(posix_spawn_file_actions_t *actions)
{
    int problem = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    for (int i = STDOUT_FILENO; i <= STDERR_FILENO && problem == 0; i++)
        problem = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, i);
    return problem ? problem : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int problem = posix_spawnattr_setsigmask(attributes, &none);
    problem = problem ? problem : posix_spawnattr_setsigdefault(attributes, &all);
    problem = problem ? problem : posix_spawnattr_setpgroup(attributes, 0);
    return problem ? problem
                   : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                              POSIX_SPAWN_SETSIGDEF |
                                                              POSIX_SPAWN_SETPGROUP);
}

static int spawn_as(const char *program, char *const *arguments, char *const *environment,
                    pid_t *ret_process)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem != 0)
        return problem;
    problem = posix_spawnattr_init(&attributes);
    if (problem == 0) {
        problem = set_actions(&actions);
        problem = problem ? problem : set_attributes(&attributes);
        if (problem == 0)
            problem =
                posix_spawn(ret_process, program, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return problem;
}

/* Splits a text at its spaces into the rest of a list of arguments, which has room for them. */
static void add_words(char *text, char **arguments)
{
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        *arguments++ = word;
    *arguments = NULL;
}

/* As spawn_as(), with the words of `text` after the first arguments. */
static int spawn_with(const char *text, char *const first[static FIRST_ARGUMENTS],
                      char *const *environment, pid_t *ret_process)
{
    char *words = strdup(text ? text : "");
    char **arguments =
        calloc(FIRST_ARGUMENTS + strlen(text ? text : "") / 2 + 2, sizeof *arguments);
    int problem = ENOMEM;
    if (words && arguments) {
        memcpy(arguments, first, FIRST_ARGUMENTS * sizeof *first);
        add_words(words, arguments + FIRST_ARGUMENTS);
        problem = spawn_as(first[0], arguments, environment, ret_process);
    }
    free(arguments);
    free(words);
    return problem;
}

/* 0, or an errno when no process was started. */
static int spawn(const struct probe *probe, pid_t *ret_process)
{
    static char search_path[] = SEARCH_PATH;
    char address[ADDRESS_TEXT_MAX], port[PORT_TEXT_MAX];
    struct buffer name = {0};
    char *program = find_program(&probe->prober->options, probe->monitor->path, NULL);
    if (!program)
        return ENOENT;
    address_format(&probe->address, address);
    snprintf(port, sizeof port, "%u", probe->port);
    buffer_printf(&name, "STICKY_MONITOR=%s", probe->monitor->name ? probe->monitor->name : "");
    char *const first[FIRST_ARGUMENTS] = {program, address, port};
    char *environment[] = {search_path, name.data, NULL};
    int problem = name.failed
                      ? ENOMEM
                      : spawn_with(probe->monitor->arguments, first, environment, ret_process);
    buffer_release(&name);
    free(program);
    return problem;
}

/* False when there is no descriptor that reports the end of the process. */
static bool child_watch(struct child *child, const struct prober *prober)
{
    child->descriptor = (int)syscall(SYS_pidfd_open, child->process, 0);
    return child->descriptor >= 0 &&
           event_assign(&child->event, prober->base, child->descriptor, EV_READ | EV_PERSIST,
                        on_end, child) == 0 &&
           event_add(&child->event, NULL) == 0;
}

static void child_insert(struct child *child, struct children *children)
{
    child->next = children->first;
    child->link = &children->first;
    if (child->next)
        child->next->link = &child->next;
    children->first = child;
}

/* The process has just been started; once killed, it ends within a moment. */
static void child_abandon(struct child *child)
{
    child_kill(child);
    waitpid(child->process, NULL, 0);
    if (child->descriptor >= 0)
        close(child->descriptor);
    free(child);
}

static void start(struct probe *probe)
{
    struct exec *exec = (struct exec *)probe;
    struct child *child = calloc(1, sizeof *child);
    if (!child || spawn(probe, &child->process) != 0) {
        free(child);
        probe_end(probe, REASON_INTERNAL);
    } else if (!child_watch(child, probe->prober)) {
        child_abandon(child);
        probe_end(probe, REASON_INTERNAL);
    } else {
        child->exec = exec;
        exec->child = child;
        child_insert(child, probe_shared(probe));
    }
}

/* A killed process is reaped when it has ended. */
static void stop(struct probe *probe)
{
    struct child *child = ((struct exec *)probe)->child;
    if (!child)
        return;
    child->exec = NULL;
    child_kill(child);
}

const struct probe_type probe_exec = {
    .size = sizeof(struct exec),
    .open = open_children,
    .close = close_children,
    .refuse = refuse,
    .start = start,
    .stop = stop,
};
