/*
 * Runs checks: each type is a probe, one file and one row in the registry of prober.c.
 *
 * A prober belongs to an event loop and a thread. It only checks and reports; when to check, and
 * what a result means, is decided elsewhere. It logs nothing.
 *
 * The program must ignore SIGPIPE, because libcurl does not, and must not ignore SIGCHLD, because
 * exit statuses of `exec` programs would be lost.
 */
#ifndef STICKY_MONITOR_PROBER_H
#define STICKY_MONITOR_PROBER_H

#include <event2/event.h>

#include "core/base/error.h"
#include "core/health/check.h"

struct prober;
struct probe; /* a running check */

/* The texts must live as long as the prober. */
struct prober_options {
    const char *exec_directory; /* the programs of `exec` are below it; NULL: none may be run */
    const char *ca_file;        /* trusted certificates, in PEM form; NULL: those of the system */
    const char *resolv_conf;    /* which name servers resolve names; NULL: RESOLV_CONF */
};

/*
 * 0, or a code with `error` set and nothing made. If something that only some types need is missing
 * (such as the permission to send ICMP), it is not an error here; see prober_refusal(). The base
 * must outlive the prober.
 */
int prober_new(struct event_base *base, const struct prober_options *options,
               struct prober **ret_prober, struct error *error);
/* Cancels all running checks without reporting them. Takes NULL. */
void prober_free(struct prober *prober);

/*
 * Says why checks by this monitor cannot be run at all, as a sentence for log and status (no
 * permission to send ICMP, no directory of programs, an invalid regular expression); or NULL.
 * `ret_error` holds the text. Such checks can be started all the same; they end with
 * REASON_INTERNAL.
 */
const char *prober_refusal(struct prober *prober, const struct monitor *monitor,
                           struct error *ret_error);

/*
 * Starts a check. A name is resolved first, and that is part of the check: its address is the one
 * that resolver.h finds. `done` is called once, always from the event loop, at the latest shortly
 * after the monitor's timeout; the probe is freed by then, and `done` may start others. The check
 * is copied, its monitor is not. 0 or ERR_NOMEM; all other failures are reported to `done`, our own
 * as REASON_INTERNAL.
 */
int prober_start(struct prober *prober, const struct check *check,
                 void (*done)(void *context, const struct check_result *result), void *context,
                 struct probe **ret_probe);

/* Cancels a running check; `done` will not be called. */
void prober_cancel(struct prober *prober, struct probe *probe);

#endif
