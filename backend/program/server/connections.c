/*
 * Accepts clients and forks a process for each. The parent waits in poll() for clients and, through
 * a signalfd, for the ends of processes and for being told to stop.
 */
#include "program/server/connections.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log_queue.h"
#include "system/clock.h"
#include "system/log.h"

/*
 * How long processes may take to end. An answer takes a tenth of a second; it takes longer only if
 * the client does not read, which PowerDNS does for at most two seconds, or on a busy machine.
 */
#define STOP_MS 10000

/* Pause after a failure that is not the client's, such as too many open files. */
#define PAUSE_MS 100

struct connections {
    struct listener *listener;
    int (*converse)(void *context);
    void *context;
    int signals;                /* signalfd(2) */
    sigset_t before;            /* the signals that were blocked before */
    struct log_queue log_queue; /* so that nothing is logged more than once a minute */
    pid_t processes[CONNECTIONS_MAX];
    int count;
    bool stopping;
};

static void say(struct connections *connections, const char *text)
{
    log_queue_add(&connections->log_queue, clock_monotonic_ms(), text);
    while ((text = log_queue_take(&connections->log_queue)))
        log_line(SD_WARNING, "%s", text);
}

static void say_and_pause(struct connections *connections, const char *what, int problem)
{
    char text[LOG_QUEUE_TEXT_MAX];
    snprintf(text, sizeof text, "%s: %s", what, strerror(problem));
    say(connections, text);
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
}

/* ---------------------------------------------------------------- the process of a connection */

/* The process still reads what has arrived; then its input ends. */
static void end_input(int number)
{
    int before = errno;
    (void)number;
    shutdown(STDIN_FILENO, SHUT_RD);
    errno = before;
}

static void run_process(const struct connections *connections, int descriptor, pid_t parent)
{
    struct sigaction end = {.sa_handler = end_input, .sa_flags = SA_RESTART};
    if (dup2(descriptor, STDIN_FILENO) < 0 || dup2(descriptor, STDOUT_FILENO) < 0)
        _exit(EXIT_FAILURE);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    sigprocmask(SIG_SETMASK, &connections->before, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        raise(SIGTERM);
    exit(connections->converse(connections->context));
}

/* ---------------------------------------------------------------- the process that accepts */

static void start_process(struct connections *connections, int descriptor)
{
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        run_process(connections, descriptor, parent);
    if (child < 0)
        say_and_pause(connections, "no process can be started for a connection", errno);
    else
        connections->processes[connections->count++] = child;
}

/* Accepts a client; says whether there was one. */
static bool accept_one(struct connections *connections)
{
    int descriptor = accept4(connections->listener->descriptor, NULL, NULL, SOCK_CLOEXEC);
    if (descriptor < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            say_and_pause(connections, "a connection cannot be accepted", errno);
        return false;
    }
    if (connections->count < CONNECTIONS_MAX)
        start_process(connections, descriptor);
    else
        say(connections, "too many connections, new ones are closed");
    close(descriptor);
    return true;
}

static void forget_process(struct connections *connections, pid_t process)
{
    for (int i = 0; i < connections->count; i++)
        if (connections->processes[i] == process) {
            connections->processes[i] = connections->processes[--connections->count];
            return;
        }
}

static void reap(struct connections *connections)
{
    char text[LOG_QUEUE_TEXT_MAX];
    int status;
    pid_t process;
    while ((process = waitpid(-1, &status, WNOHANG)) > 0) {
        forget_process(connections, process);
        if (!WIFSIGNALED(status))
            continue;
        snprintf(text, sizeof text, "the process of a connection was ended by signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
        say(connections, text);
    }
}

static void take_signal(struct connections *connections)
{
    struct signalfd_siginfo signal_info;
    if (read(connections->signals, &signal_info, sizeof signal_info) != sizeof signal_info)
        return;
    if (signal_info.ssi_signo == SIGCHLD)
        reap(connections);
    else
        connections->stopping = true;
}

/* poll() fails while the limit of open files is below the two that it is to look at. */
static void wait_without_poll(struct connections *connections, int problem)
{
    if (problem == EINTR)
        return;
    say_and_pause(connections, "a connection cannot be accepted", problem);
    take_signal(connections);
}

static void accept_all(struct connections *connections)
{
    struct pollfd events[] = {
        {.fd = connections->signals, .events = POLLIN},
        {.fd = connections->listener->descriptor, .events = POLLIN},
    };
    while (!connections->stopping) {
        if (poll(events, 2, -1) < 0) {
            wait_without_poll(connections, errno);
            continue;
        }
        if (events[0].revents)
            take_signal(connections);
        else if (events[1].revents)
            accept_one(connections);
    }
}

static void signal_all(const struct connections *connections, int number)
{
    for (int i = 0; i < connections->count; i++)
        kill(connections->processes[i], number);
}

/* Waits until all processes have ended, at most STOP_MS. */
static void await_processes(struct connections *connections)
{
    struct pollfd event = {.fd = connections->signals, .events = POLLIN};
    int64_t end_ms = clock_monotonic_ms() + STOP_MS, left_ms = STOP_MS;
    while (connections->count > 0 && left_ms > 0) {
        int ready = poll(&event, 1, (int)left_ms);
        if (ready > 0)
            take_signal(connections);
        else if (ready < 0)
            wait_without_poll(connections, errno);
        left_ms = end_ms - clock_monotonic_ms();
    }
}

static void stop(struct connections *connections)
{
    sd_notify(0, "STOPPING=1");
    listener_remove(connections->listener);
    while (listener_is_ours(connections->listener) && accept_one(connections)) {
    }
    listener_close(connections->listener);
    signal_all(connections, SIGTERM);
    await_processes(connections);
    if (connections->count > 0)
        log_line(SD_WARNING, "%d connections did not end and are closed", connections->count);
    signal_all(connections, SIGKILL);
}

/*
 * From here on signals are read as events. SIGCHLD is reset, since the parent may have set it to be
 * ignored.
 */
static int take_over_signals(struct connections *connections)
{
    sigset_t events;
    sigemptyset(&events);
    sigaddset(&events, SIGTERM);
    sigaddset(&events, SIGINT);
    sigaddset(&events, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &events, &connections->before);
    connections->signals = signalfd(-1, &events, SFD_CLOEXEC | SFD_NONBLOCK);
    return connections->signals < 0 ? ERR_IO : 0;
}

static void announce(const struct listener *listener)
{
    log_line(SD_INFO, "ready at %s", listener->path ? listener->path : "the socket of systemd");
    sd_notify(0, "READY=1");
}

int connections_serve(struct listener *listener, int (*converse)(void *context), void *context)
{
    struct connections *connections = calloc(1, sizeof *connections);
    int code = connections ? 0 : ERR_NOMEM;
    if (code == 0) {
        *connections =
            (struct connections){.listener = listener, .converse = converse, .context = context};
        code = take_over_signals(connections);
    }
    if (code == 0) {
        announce(listener);
        accept_all(connections);
        stop(connections);
        close(connections->signals);
    }
    free(connections);
    return code;
}
