/*
 * pdns-stickyd: checks the sites of pdns-sticky, writes into its database which are up, and shares
 * mappings with other name servers.
 *
 * This is only wiring: timers of the event loop call the engine (monitor/watch.h) and the database
 * (monitor_database.h); the engine calls the prober and the database. Sharing has a thread of its
 * own (sharer.h).
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/log_queue.h"
#include "core/health/quorum.h"
#include "monitor/prober.h"
#include "monitor/resolver.h"
#include "monitor/watch.h"
#include "program/daemon/monitor_database.h"
#include "program/sharing/sharer.h"
#include "store/store.h"
#include "system/clock.h"
#include "system/daemonize.h"
#include "system/log.h"

#define DATABASE_VARIABLE "PDNS_STICKY_DATABASE"
#define EXIT_USAGE 64

/* How often changes of the configuration and due maintenance are looked for. */
#define REFRESH_MS 200
/* How soon a changed state is written, together with others that change meanwhile. */
#define URGENT_MS 20
/* How soon a failed write is tried again. */
#define RETRY_MS 100
/* How often all other results and the report are written. */
#define SECOND_MS 1000
/* How long the last write may take when the daemon is told to stop. */
#define FINAL_WRITE_MS 700

enum { OPTION_FOREGROUND = 1, OPTION_EXEC_DIRECTORY, OPTION_CA_FILE, OPTION_RESOLV_CONF };

struct options {
    const char *database;
    bool foreground;
    struct prober_options prober;
};

struct daemon {
    struct event_base *base;
    struct event *due, *flush, *refresh, *every_second, *terminate, *interrupt, *hangup, *watchdog;
    struct timeval watchdog_interval;
    struct prober *prober;
    struct monitor_database *database;
    struct watch *watch;
    struct sharer *sharer;
    struct ballot_box *box;
    struct quorum quorum;
    bool complete, braked;      /* quorum_is_complete(), watch_brakes() when it was last looked */
    uint64_t told_changes;      /* watch_changes() of what was told to the peers last */
    struct log_queue log_queue; /* so that nothing is logged more than once a minute */
    bool is_second;             /* another pdns-stickyd uses the database */
    bool opened;                /* the database has been opened at least once */
};

static struct timeval milliseconds(int64_t ms)
{
    if (ms < 0)
        ms = 0;
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static void wake(struct event *event, int64_t in_ms)
{
    struct timeval interval = milliseconds(in_ms);
    evtimer_add(event, &interval);
}

/* ---------------------------------------------------------------- logging */

static void log_once_a_minute(struct daemon *daemon, const char *text)
{
    log_queue_add(&daemon->log_queue, clock_monotonic_ms(), text);
    while ((text = log_queue_take(&daemon->log_queue)))
        log_line(SD_WARNING, "%s", text);
}

static void log_error(struct daemon *daemon, const struct error *error)
{
    if (error->code != 0)
        log_once_a_minute(daemon, error->text);
}

static void log_sharing(struct daemon *daemon)
{
    struct error error;
    while (daemon->sharer && sharer_take_problem(daemon->sharer, &error))
        log_error(daemon, &error);
}

static void tell_systemd(const struct daemon *daemon)
{
    struct watch_counts counts = watch_count(daemon->watch);
    sd_notifyf(0, "STATUS=%s%zu targets, %zu up, %zu down, %zu checks running, %zu waiting",
               daemon->opened ? "" : "no database yet; ", counts.targets, counts.up, counts.down,
               counts.running, counts.waiting);
}

/* ---------------------------------------------------------------- what the engine calls */

static int start_probe(void *context, const struct check *check,
                       void (*done)(void *context, const struct check_result *result),
                       void *done_context, struct probe **ret_probe)
{
    struct daemon *daemon = context;
    return prober_start(daemon->prober, check, done, done_context, ret_probe);
}

static void cancel_probe(void *context, struct probe *probe)
{
    struct daemon *daemon = context;
    prober_cancel(daemon->prober, probe);
}

static const char *refusal(void *context, const struct monitor *monitor, struct error *ret_error)
{
    struct daemon *daemon = context;
    return prober_refusal(daemon->prober, monitor, ret_error);
}

/* Until the votes are complete, what counted before goes on to count. */
static enum verdict_state agree(void *context, const struct target *target,
                                enum verdict_state verdict, enum verdict_state counted)
{
    struct daemon *daemon = context;
    if (!quorum_is_complete(&daemon->quorum, clock_monotonic_ms()))
        return counted != VERDICT_NONE ? counted : verdict;
    const struct vote own = vote_on_target(target, verdict);
    return quorum_decide(&daemon->quorum, &own, watch_brakes(daemon->watch));
}

static int write_rows(void *context, const struct verdict_row *rows, size_t count,
                      const struct target_key *ended, size_t ended_count)
{
    struct daemon *daemon = context;
    struct error error = {0};
    int code = monitor_database_write(daemon->database, rows, count, ended, ended_count, &error);
    log_error(daemon, &error);
    return code;
}

static void flush_soon(void *context)
{
    struct daemon *daemon = context;
    if (!evtimer_pending(daemon->flush, NULL))
        wake(daemon->flush, URGENT_MS);
}

static void log_for_engine(void *context, bool alarm, const char *text)
{
    (void)context;
    log_line(alarm ? SD_WARNING : SD_NOTICE, "%s", text);
}

/* ---------------------------------------------------------------- what peers have found out */

/* Nothing to tell while nothing is shared; without memory it is told the next time. */
static void tell_verdicts(struct daemon *daemon)
{
    uint64_t changes = watch_changes(daemon->watch);
    if (changes == daemon->told_changes || ballot_box_peers(daemon->box) <= 0)
        return;
    struct ballot *ballot = ballot_new();
    if (!ballot || watch_vote(daemon->watch, ballot) != 0) {
        ballot_free(ballot);
        return;
    }
    ballot_box_give(daemon->box, ballot);
    daemon->told_changes = changes;
}

/* Says whether a target may count as something else now. */
static bool hear_verdicts(struct daemon *daemon, int64_t now_ms)
{
    struct quorum *quorum = &daemon->quorum;
    int peers = ballot_box_peers(daemon->box);
    int64_t needed = monitor_database_quorum(daemon->database);
    bool was_complete = daemon->complete;
    bool changed = needed != quorum->needed;
    struct ballot *ballot;
    while ((ballot = ballot_box_take(daemon->box)))
        changed |= quorum_hear(quorum, ballot);
    changed |= quorum_forget(quorum, now_ms);
    quorum->needed = needed;
    quorum->peers = peers < 0 ? QUORUM_PEERS_MAX : (size_t)peers;
    daemon->complete = quorum_is_complete(quorum, now_ms);
    return changed || daemon->complete != was_complete;
}

static void confer(struct daemon *daemon)
{
    bool brakes = watch_brakes(daemon->watch);
    tell_verdicts(daemon);
    if (hear_verdicts(daemon, clock_monotonic_ms()) || brakes != daemon->braked)
        watch_reconsider(daemon->watch);
    daemon->braked = brakes;
}

/* ---------------------------------------------------------------- events */

static void on_due(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct daemon *daemon = context;
    int64_t next_ms = watch_run(daemon->watch);
    if (next_ms != INT64_MAX)
        wake(daemon->due, next_ms - clock_monotonic_ms());
}

static void on_flush(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct daemon *daemon = context;
    if (watch_has_urgent(daemon->watch) && watch_flush(daemon->watch, false) != 0)
        wake(daemon->flush, RETRY_MS);
    else if (watch_has_urgent(daemon->watch))
        wake(daemon->flush, 0);
}

static void on_refresh(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct daemon *daemon = context;
    struct error error = {0}, maintenance = {0};
    int code = monitor_database_refresh(daemon->database, &error);
    if (code == ERR_BUSY) {
        log_line(SD_ERR, "%s", error.text);
        daemon->is_second = true;
        event_base_loopbreak(daemon->base);
        return;
    }
    daemon->opened |= code == 0;
    log_error(daemon, &error);
    monitor_database_maintain(daemon->database, &maintenance);
    log_error(daemon, &maintenance);
    confer(daemon);
    on_due(-1, 0, daemon); /* new targets may be due */
}

/* Writes one batch at a time, so that checks run in between. */
static void on_every_second(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    struct daemon *daemon = context;
    int code = watch_flush(daemon->watch, true);
    if (code == 0 && watch_has_pending(daemon->watch))
        event_active(daemon->every_second, EV_READ, 0);
    if (what & EV_READ)
        return;
    log_sharing(daemon);
    monitor_database_report(daemon->database);
    tell_systemd(daemon);
}

static void on_watchdog(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what, (void)context;
    sd_notify(0, "WATCHDOG=1");
}

static void on_end(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct daemon *daemon = context;
    event_base_loopbreak(daemon->base);
}

/* Nothing has to be reloaded, but operators expect a daemon to survive SIGHUP. */
static void on_hangup(evutil_socket_t descriptor, short what, void *context)
{
    on_refresh(descriptor, what, context);
}

/* ---------------------------------------------------------------- start and end */

static bool add_signal(struct daemon *daemon, struct event **place, int number,
                       event_callback_fn call)
{
    *place = evsignal_new(daemon->base, number, call, daemon);
    return *place && event_add(*place, NULL) == 0;
}

static bool add_timer(struct daemon *daemon, struct event **place, int64_t every_ms,
                      event_callback_fn call)
{
    struct timeval interval = milliseconds(every_ms);
    *place = event_new(daemon->base, -1, every_ms ? EV_PERSIST : 0, call, daemon);
    return *place && (every_ms == 0 || event_add(*place, &interval) == 0);
}

static bool add_watchdog(struct daemon *daemon)
{
    uint64_t limit_us = 0;
    if (sd_watchdog_enabled(0, &limit_us) <= 0)
        return true;
    return add_timer(daemon, &daemon->watchdog, (int64_t)limit_us / 2000, on_watchdog);
}

static bool add_events(struct daemon *daemon)
{
    return add_timer(daemon, &daemon->due, 0, on_due) &&
           add_timer(daemon, &daemon->flush, 0, on_flush) &&
           add_timer(daemon, &daemon->refresh, REFRESH_MS, on_refresh) &&
           add_timer(daemon, &daemon->every_second, SECOND_MS, on_every_second) &&
           add_signal(daemon, &daemon->terminate, SIGTERM, on_end) &&
           add_signal(daemon, &daemon->interrupt, SIGINT, on_end) &&
           add_signal(daemon, &daemon->hangup, SIGHUP, on_hangup) && add_watchdog(daemon);
}

/* Precise timers: a delay of a few milliseconds would be added to every check. */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    return base;
}

static int daemon_init(struct daemon *daemon, const struct options *options, struct error *error)
{
    const struct watch_callbacks callbacks = {.monotonic_ms = clock_monotonic_ms,
                                              .unix_s = clock_unix_s,
                                              .start = start_probe,
                                              .cancel = cancel_probe,
                                              .refusal = refusal,
                                              .write = write_rows,
                                              .agree = agree,
                                              .urgent = flush_soon,
                                              .log = log_for_engine,
                                              .context = daemon};
    daemon->base = make_base();
    daemon->box = ballot_box_new();
    daemon->quorum.began_ms = clock_monotonic_ms();
    daemon->quorum.peers = QUORUM_PEERS_MAX;
    if (!daemon->base || !daemon->box || !add_events(daemon) ||
        watch_new(&callbacks, &daemon->watch) != 0 ||
        monitor_database_new(options->database, &daemon->database) != 0)
        return error_set(error, ERR_NOMEM, "out of memory");
    monitor_database_attach(daemon->database, daemon->watch);
    return prober_new(daemon->base, &options->prober, &daemon->prober, error);
}

static void daemon_release(struct daemon *daemon)
{
    struct event *events[] = {daemon->due,          daemon->flush,     daemon->refresh,
                              daemon->every_second, daemon->terminate, daemon->interrupt,
                              daemon->hangup,       daemon->watchdog};
    sharer_stop(daemon->sharer);
    watch_free(daemon->watch); /* ends the checks of the prober */
    ballot_box_free(daemon->box);
    quorum_release(&daemon->quorum);
    prober_free(daemon->prober);
    monitor_database_free(daemon->database);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i])
            event_free(events[i]);
    if (daemon->base)
        event_base_free(daemon->base);
    libevent_global_shutdown();
}

/* Writes what is not written yet. The verdicts stay valid until a monitor runs again. */
static void say_last_words(struct daemon *daemon)
{
    int64_t end_ms = clock_monotonic_ms() + FINAL_WRITE_MS;
    sd_notify(0, "STOPPING=1");
    while (watch_has_pending(daemon->watch) && clock_monotonic_ms() < end_ms)
        if (watch_flush(daemon->watch, true) != 0)
            break;
}

/*
 * In the foreground, the daemon waits for a database that does not exist yet; started by hand in
 * the background, it fails.
 */
static int first_look(struct daemon *daemon, const struct options *options)
{
    struct error error = {0};
    int code = monitor_database_refresh(daemon->database, &error);
    if (code == ERR_BUSY || (code != 0 && !options->foreground)) {
        log_line(SD_ERR, "%s", error.text);
        return code;
    }
    daemon->opened = code == 0;
    log_error(daemon, &error);
    confer(daemon);
    return 0;
}

static int watch_sites(struct daemon *daemon, const struct options *options, int ready)
{
    if (first_look(daemon, options) != 0)
        return EXIT_FAILURE;
    log_line(SD_INFO, "version " PACKAGE_VERSION ", database %s, %zu targets", options->database,
             watch_count(daemon->watch).targets);
    if (!options->foreground) {
        log_to_syslog();
        daemonize_ready(ready);
    }
    if (sharer_start(options->database, daemon->box, &daemon->sharer) != 0)
        log_line(SD_ERR, "no thread can be started, so no mappings are shared");
    monitor_database_report(daemon->database);
    sd_notify(0, "READY=1");
    tell_systemd(daemon);
    on_due(-1, 0, daemon);
    event_base_dispatch(daemon->base);
    if (daemon->is_second)
        return EXIT_FAILURE;
    say_last_words(daemon);
    return EXIT_SUCCESS;
}

static int run(const struct options *options, int ready)
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    struct error error = {0};
    int status = EXIT_FAILURE;
    if (!daemon)
        error_set(&error, ERR_NOMEM, "out of memory");
    else if (daemon_init(daemon, options, &error) == 0)
        status = watch_sites(daemon, options, ready);
    if (error.code != 0)
        log_line(SD_ERR, "%s", error.text);
    if (daemon)
        daemon_release(daemon);
    free(daemon);
    return status;
}

/* ---------------------------------------------------------------- the command line */

static void print_help(void)
{
    printf(
        "usage: pdns-stickyd --database FILE [--foreground] [--exec-directory DIR]\n"
        "                    [--ca-file FILE] [--resolv-conf FILE]\n\n"
        "Checks the health of the sites as the table monitor of a database of pdns-sticky says,\n"
        "writes into the database which servers are up, and shares mappings with the name\n"
        "servers of the table peer.\n\n"
        "  -d, --database FILE       the SQLite database, or set %s\n"
        "  -f, --foreground          stay in the foreground and log to standard error, not syslog\n"
        "      --exec-directory DIR  the directory of the programs that monitors of type exec "
        "run;\n"
        "                            without it no program is run\n"
        "      --ca-file FILE        the certificates that checks over TLS trust, in place of "
        "those\n"
        "                            of the system\n"
        "      --resolv-conf FILE    names the name servers that resolve the names of servers, in\n"
        "                            place of %s\n"
        "  -h, --help                print this text\n"
        "  -V, --version             print the version\n",
        DATABASE_VARIABLE, RESOLV_CONF);
}

static void fail_usage(const char *problem)
{
    fprintf(stderr, "pdns-stickyd: %s\nTry 'pdns-stickyd --help'.\n", problem);
    exit(EXIT_USAGE);
}

static void take_option(int option, struct options *options)
{
    switch (option) {
    case 'd':
        options->database = optarg;
        break;
    case 'f':
        options->foreground = true;
        break;
    case OPTION_EXEC_DIRECTORY:
        options->prober.exec_directory = optarg;
        break;
    case OPTION_CA_FILE:
        options->prober.ca_file = optarg;
        break;
    case OPTION_RESOLV_CONF:
        options->prober.resolv_conf = optarg;
        break;
    case 'h':
        print_help();
        exit(EXIT_SUCCESS);
    case 'V':
        printf("pdns-stickyd %s\n", PACKAGE_VERSION);
        exit(EXIT_SUCCESS);
    default: /* getopt_long() has printed what is wrong */
        fail_usage("bad option");
    }
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"database", required_argument, NULL, 'd'},
        {"foreground", no_argument, NULL, 'f'},
        {"exec-directory", required_argument, NULL, OPTION_EXEC_DIRECTORY},
        {"ca-file", required_argument, NULL, OPTION_CA_FILE},
        {"resolv-conf", required_argument, NULL, OPTION_RESOLV_CONF},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;
    *ret_options = (struct options){.database = getenv(DATABASE_VARIABLE)};
    while ((option = getopt_long(argc, argv, "d:fhV", known, NULL)) != -1)
        take_option(option, ret_options);
    if (optind < argc)
        fail_usage("unexpected argument");
    if (!ret_options->database || !*ret_options->database)
        fail_usage("no database; give --database FILE or set " DATABASE_VARIABLE);
}

/*
 * The daemon changes its directory, so relative paths are made absolute. Symbolic links are kept,
 * since their targets may change.
 */
static const char *absolute(const char *path)
{
    char *directory = path && *path != '/' ? get_current_dir_name() : NULL;
    char *found = NULL;
    if (directory && asprintf(&found, "%s/%s", directory, path) < 0)
        found = NULL;
    free(directory);
    return found ? found : path;
}

/*
 * Each running check has a descriptor, and the usual limit of 1024 is hardly enough for 1000
 * checks.
 */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct options options;
    int ready = -1;
    parse(argc, argv, &options);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* exceeding a file size limit is a write error, not fatal */
    signal(SIGCHLD, SIG_DFL); /* if the parent ignores it, exit statuses of programs are lost */
    if (!options.foreground) {
        options.database = absolute(options.database);
        options.prober.exec_directory = absolute(options.prober.exec_directory);
        options.prober.ca_file = absolute(options.prober.ca_file);
        options.prober.resolv_conf = absolute(options.prober.resolv_conf);
        if (daemonize_begin(&ready) != 0) {
            log_line(SD_ERR, "cannot run in the background: %s", strerror(errno));
            return EXIT_FAILURE;
        }
    }
    allow_descriptors();
    store_prepare_process();
    return run(&options, ready);
}
