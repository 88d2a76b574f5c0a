/*
 * The engine of the monitor: it knows when which target is due, starts checks, and takes every
 * result through one funnel, where verdict, brake and what is to be written follow from it.
 *
 * It never connects, reads, writes or looks at a clock itself: what it acts by are its callbacks,
 * which the daemon fills with the prober, the database and the log, and tests with their own.
 *
 * Calling order: watch_new(), watch_configure() with the targets and watch_adopt() with each stored
 * verdict; then watch_run() whenever it said it wants to be called, watch_flush() about once a
 * second and after `news`, and watch_configure() again whenever the tables have changed. One
 * thread.
 *
 * Cold start: the adopted verdicts hold until each of the first targets was asked once, and move
 * then as the checks say.
 */
#ifndef STICKY_MONITOR_WATCH_H
#define STICKY_MONITOR_WATCH_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/health/targets.h"
#include "core/health/verdict.h"

struct probe; /* a check that runs, the prober's */

/* So many rows are written at once, so that no due check waits for long. */
#define WATCH_BATCH_MAX 1000

/* All get `context`. */
struct watch_callbacks {
    int64_t (*monotonic_ms)(void);
    int64_t (*unix_s)(void);
    /* As prober_start(), prober_cancel() and prober_refusal(). */
    int (*start)(void *context, const struct check *check,
                 void (*done)(void *context, const struct check_result *result), void *done_context,
                 struct probe **ret_probe);
    void (*cancel)(void *context, struct probe *probe);
    const char *(*refusal)(void *context, const struct monitor *monitor, struct error *ret_error);
    /*
     * Writes verdicts, and ends those of targets that are gone, all or nothing. 0, or another code:
     * then they are handed over again later, as they are by then.
     */
    int (*write)(void *context, const struct verdict_row *rows, size_t count,
                 const struct target_key *ended, size_t ended_count);
    /* A state has changed, or a target is gone: watch_flush() soon. */
    void (*urgent)(void *context);
    /* A sentence for the log; `alarm` where somebody has to do something. */
    void (*log)(void *context, bool alarm, const char *text);
    void *context;
};

/* Of the table `setting`. */
struct watch_limits {
    int64_t max_checks, brake_percent, brake_window_s;
};

/* Targets by their states, and checks at this moment. */
struct watch_counts {
    size_t targets, up, down, running, waiting;
};

struct watch;

/* 0 or ERR_NOMEM. */
int watch_new(const struct watch_callbacks *callbacks, struct watch **ret_watch);
/* Ends the checks that run. What was not written is lost. Takes NULL. */
void watch_free(struct watch *watch);

/*
 * Takes a set of targets, of which it becomes a user. Checks and verdicts of targets that are the
 * same go on undisturbed; one that is checked in another way keeps its state and is checked anew.
 * 0, or ERR_NOMEM with everything as it was.
 */
int watch_configure(struct watch *watch, struct targets *targets,
                    const struct watch_limits *limits);

/*
 * Takes a stored verdict for a target that has none, or marks it to be ended, where no such target
 * is watched. 0 or ERR_NOMEM.
 */
int watch_adopt(struct watch *watch, const struct verdict_row *stored);

/* Starts what is due, and returns when to call it again, by the monotonic clock. */
int64_t watch_run(struct watch *watch);

/*
 * Writes one batch of what has changed: `all`, or only changed states and ended targets. 0, also
 * with nothing to write, or the code of `write`.
 */
int watch_flush(struct watch *watch, bool all);

/* Says whether anything, or anything urgent, is to be written. */
bool watch_has_pending(const struct watch *watch);
bool watch_has_urgent(const struct watch *watch);

/* Has all verdicts written again: the database is another one. */
void watch_rewrite(struct watch *watch);

struct watch_counts watch_count(const struct watch *watch);

/* What is wrong now, one sentence a line: the brake, and targets that cannot be checked. */
void watch_report(const struct watch *watch, struct buffer *out);

#endif
