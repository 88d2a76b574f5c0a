/*
 * Runs checks: each type is a probe, one file and one row in the registry of prober.c.
 *
 * A prober belongs to one event loop and one thread. It only asks and reports: when to check, and
 * what a result means, is decided elsewhere. It logs nothing.
 *
 * The program must ignore SIGPIPE, as libcurl does not do so for it, and must not ignore SIGCHLD,
 * else nobody can tell how the programs of `exec` ended.
 */
#ifndef STICKY_MONITOR_PROBER_H
#define STICKY_MONITOR_PROBER_H

#include <event2/event.h>

#include "core/base/error.h"
#include "core/health/check.h"

struct prober;
struct probe; /* a check that runs */

/* The texts must live as long as the prober. */
struct prober_options {
    const char *exec_directory; /* programs of `exec` lie below it; NULL: none may be run */
    const char *ca_file;        /* whom to trust, in PEM form; NULL: whom the system trusts */
};

/*
 * 0, or a code with `error` set and nothing made. What only some types need and cannot be had (as
 * the right to send ICMP) is no error here; see prober_refusal(). The base must live longer.
 */
int prober_new(struct event_base *base, const struct prober_options *options,
               struct prober **ret_prober, struct error *error);
/* Ends all checks that run, without reporting them. Takes NULL. */
void prober_free(struct prober *prober);

/*
 * Why checks by this monitor cannot be run at all, as a sentence for log and status (no right to
 * send ICMP, no directory of programs, a pattern that is no regular expression), or NULL.
 * `ret_error` holds the text. Such checks may be started all the same, and end with
 * REASON_INTERNAL.
 */
const char *prober_refusal(struct prober *prober, const struct monitor *monitor,
                           struct error *ret_error);

/*
 * Starts a check. `done` is called once, from the event loop and never from here, at the latest a
 * little after the monitor's timeout; the probe is gone by then, and `done` may start others. The
 * check is copied, its monitor is not. 0 or ERR_NOMEM; every other trouble is reported to `done`,
 * our own as REASON_INTERNAL.
 */
int prober_start(struct prober *prober, const struct check *check,
                 void (*done)(void *context, const struct check_result *result), void *context,
                 struct probe **ret_probe);

/* Ends a check that runs; `done` is not called any more. */
void prober_cancel(struct prober *prober, struct probe *probe);

#endif
