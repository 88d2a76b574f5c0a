/*
 * What a type of probe gives to the prober, and what the prober does for it. Nobody else includes
 * this.
 *
 * A type is one file with one `struct probe_type`. Its own struct begins with a struct probe, and
 * is allocated (all zero) and freed by the prober. start() sets the check going with events on the
 * prober's base; whatever comes of it is told by one call of probe_end(), also from within start().
 * The prober keeps the time, calls stop() once for each start(), and reports.
 */
#ifndef STICKY_MONITOR_PROBE_H
#define STICKY_MONITOR_PROBE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>

#include "monitor/prober.h"

#define PROBE_TYPES (CHECK_EXEC + 1)

struct prober {
    struct event_base *base;
    struct prober_options options;
    struct probe *probes;      /* all that run */
    void *shared[PROBE_TYPES]; /* what open() of the type made */
};

struct probe_type {
    size_t size;         /* of its own struct */
    bool needs_port;     /* without any the check is our own fault */
    uint16_t usual_port; /* 0: none */
    /* What all checks of the type share; NULL: nothing. As prober_new(). */
    int (*open)(struct prober *prober, void **ret_shared, struct error *error);
    void (*close)(void *shared);
    /* Sets `error` when checks by this monitor cannot be run; NULL: they can. */
    void (*refuse)(struct prober *prober, const struct monitor *monitor, struct error *error);
    void (*start)(struct probe *probe);
    /* Lets go of everything that start() took. The result's reason is set. */
    void (*stop)(struct probe *probe);
    /* Time is over: what that means. NULL: REASON_TIMEOUT. */
    enum reason (*expire)(struct probe *probe);
};

struct probe {
    struct prober *prober;
    const struct probe_type *type;
    const struct monitor *monitor;
    struct address address;
    uint16_t port; /* of the monitor, of the target, or the usual one, in this order; or 0 */
    bool started, ended;
    int64_t started_us;
    struct check_result result;
    struct event timer; /* the timeout, and then the report */
    void (*done)(void *context, const struct check_result *result);
    void *context;
    struct probe *next, **link;
};

/* What the checks of this probe's type share. */
void *probe_shared(const struct probe *probe);

/* The target as the system wants it. */
socklen_t probe_target(const struct probe *probe, struct sockaddr_storage *ret_target);

/* The target answered: takes the time for the result. */
void probe_answered(struct probe *probe);

/* Ends the check; the report follows from the event loop. Only the first call counts. */
void probe_end(struct probe *probe, enum reason reason);

/* What the errno of a socket says about its peer: REASON_INTERNAL for what is no peer's fault. */
enum reason probe_reason_of(int problem);

extern const struct probe_type probe_tcp, probe_http, probe_https, probe_icmp, probe_dns,
    probe_exec;

#endif
