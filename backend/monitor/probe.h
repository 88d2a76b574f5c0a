/*
 * The interface between the prober and the types of probes; no other file includes it.
 *
 * A type is one file with one `struct probe_type`. Its own struct begins with a struct probe; the
 * prober allocates it (zeroed) and frees it. start() begins the check, with events on the prober's
 * base. The check ends with one call of probe_end(), which start() may make too. The prober handles
 * the timeout, calls stop() once for each start(), and reports the result.
 */
#ifndef STICKY_MONITOR_PROBE_H
#define STICKY_MONITOR_PROBE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>

#include "monitor/prober.h"
#include "monitor/resolver.h"

#define PROBE_TYPES (CHECK_EXEC + 1)

struct prober {
    struct event_base *base;
    struct prober_options options;
    struct probe *probes;      /* all that are running */
    void *shared[PROBE_TYPES]; /* what open() of each type returned */
};

struct probe_type {
    size_t size;     /* of the type's struct */
    bool needs_port; /* a check without port ends with REASON_INTERNAL */
    /* Makes what all checks of the type share; NULL: nothing. Returns as prober_new(). */
    int (*open)(struct prober *prober, void **ret_shared, struct error *error);
    void (*close)(void *shared);
    /* Sets `error` if checks by this monitor cannot be run. NULL: they always can. */
    void (*refuse)(struct prober *prober, const struct monitor *monitor, struct error *error);
    void (*start)(struct probe *probe);
    /* Releases everything that start() acquired. The result's reason is set. */
    void (*stop)(struct probe *probe);
    /* The reason when the time is over; NULL: REASON_TIMEOUT. */
    enum reason (*expire)(struct probe *probe);
};

struct probe {
    struct prober *prober;
    const struct probe_type *type;
    const struct monitor *monitor;
    struct address address;
    const char *name;      /* of the target; NULL: it has only an address */
    struct lookup *lookup; /* while the name is being resolved */
    uint16_t port;         /* see monitor_port() */
    bool started, ended;   /* started: the name is resolved, start() was called */
    int64_t started_us;
    struct check_result result;
    struct event timer; /* for the timeout, then for the report */
    void (*done)(void *context, const struct check_result *result);
    void *context;
    struct probe *next, **link;
};

/* What the checks of this probe's type share. */
void *probe_shared(const struct probe *probe);

/* The host to ask for and to be certified: the monitor's, else the target's name, or NULL. */
const char *probe_host(const struct probe *probe);

/* The target as a socket address. */
socklen_t probe_target(const struct probe *probe, struct sockaddr_storage *ret_target);

/*
 * Binds a new socket to an address of this machine, or to that which the monitor checks from. Does
 * nothing without one (FAMILY_NONE). 0, or -1 with errno.
 */
int probe_bind_to(const struct address *source, int descriptor);
int probe_bind(const struct probe *probe, int descriptor);

/* To be called when the target answers: sets the result's round trip time. */
void probe_answered(struct probe *probe);

/* Ends the check; the event loop then reports it. Only the first call counts. */
void probe_end(struct probe *probe, enum reason reason);

/* What the errno of a socket means for its peer; REASON_INTERNAL if it is not the peer's fault. */
enum reason probe_reason_of(int problem);

extern const struct probe_type probe_tcp, probe_http, probe_https, probe_icmp, probe_dns,
    probe_exec;

#endif
