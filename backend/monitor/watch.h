/*
 * The engine of the monitor: it knows when targets are due, starts checks, and passes every result
 * through one function, which updates the verdict, the brake, and what has to be written.
 *
 * It does no input or output and reads no clock. It acts through callbacks: the daemon's use the
 * prober, the database and the log; tests have their own.
 *
 * Calling order: watch_new(), watch_configure() with the targets, and watch_adopt() with each
 * stored verdict; then watch_run() when it asked to be called, watch_flush() about once a second
 * and after `urgent`, and watch_configure() again whenever the tables have changed. One thread.
 *
 * After a start, adopted verdicts do not change until all of the first targets have been checked
 * once; then they follow the checks.
 */
#ifndef STICKY_MONITOR_WATCH_H
#define STICKY_MONITOR_WATCH_H

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/health/ballot.h"
#include "core/health/targets.h"
#include "core/health/verdict.h"

struct probe; /* a running check of the prober */

/* The most rows that are written at once, so that no due check is delayed for long. */
#define WATCH_BATCH_MAX 1000

/* `context` is passed to all of them. */
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
     * Writes verdicts, and deletes those of targets that were removed, all or nothing. 0; or
     * another code, and then it is called again later, with the verdicts of that time.
     */
    int (*write)(void *context, const struct verdict_row *rows, size_t count,
                 const struct target_key *ended, size_t ended_count);
    /* A state has changed or a target was removed: watch_flush() should be called soon. */
    void (*urgent)(void *context);
    /*
     * What a target with this verdict counts as, where others have a say; `counted`: as what it has
     * counted so far, or VERDICT_NONE. NULL: as its verdict.
     */
    enum verdict_state (*agree)(void *context, const struct target *target,
                                enum verdict_state verdict, enum verdict_state counted);
    /* Logs a sentence; `alarm` if an operator has to act. */
    void (*log)(void *context, bool alarm, const char *text);
    void *context;
};

/* From the table `setting`. */
struct watch_limits {
    int64_t max_checks, brake_percent, brake_window_s;
};

/* The numbers of targets by state, and of present checks. */
struct watch_counts {
    size_t targets, up, down, running, waiting;
};

struct watch;

/* 0 or ERR_NOMEM. */
int watch_new(const struct watch_callbacks *callbacks, struct watch **ret_watch);
/* Cancels running checks. What has not been written is lost. Takes NULL. */
void watch_free(struct watch *watch);

/*
 * Replaces the set of targets; the engine takes a reference. Checks and verdicts of unchanged
 * targets are not affected. A target that is checked in another way keeps its state, and its checks
 * begin again. So does a server whose addresses become targets, or cease to be. One whose address
 * or port was corrected begins as a new target, and its stored verdict is deleted. 0, or ERR_NOMEM
 * with nothing changed.
 */
int watch_configure(struct watch *watch, struct targets *targets,
                    const struct watch_limits *limits);

/*
 * Takes over a stored verdict for a target that has none. If there is no such target, the stored
 * verdict will be deleted. 0 or ERR_NOMEM.
 */
int watch_adopt(struct watch *watch, const struct verdict_row *stored);

/* Starts checks that are due, and returns when to call it again, on the monotonic clock. */
int64_t watch_run(struct watch *watch);

/*
 * Writes a batch of changed verdicts: `all`, or only changed states and removed targets. 0, also if
 * there is nothing to write, or the code of `write`.
 */
int watch_flush(struct watch *watch, bool all);

/* Says whether anything, or anything urgent, has to be written. */
bool watch_has_pending(const struct watch *watch);
bool watch_has_urgent(const struct watch *watch);

/* Marks all verdicts to be written again, because the database was replaced. */
void watch_rewrite(struct watch *watch);

/* Asks `agree` about all targets, because others say something new. */
void watch_reconsider(struct watch *watch);

/*
 * Says whether there are monitors that cannot be run. watch_configure() with the same targets tries
 * them again.
 */
bool watch_has_refusals(const struct watch *watch);

/* Says whether the brake is on. */
bool watch_brakes(const struct watch *watch);

/*
 * Adds the verdicts to a ballot, and whether the brake is on; those of targets that are down come
 * first, and what does not fit is left out. 0 or ERR_NOMEM.
 */
int watch_vote(const struct watch *watch, struct ballot *ballot);

/* A number that changes whenever watch_vote() may add something else. */
uint64_t watch_changes(const struct watch *watch);

struct watch_counts watch_count(const struct watch *watch);

/* Adds the present problems, one sentence a line: the brake, and targets that cannot be checked. */
void watch_report(const struct watch *watch, struct buffer *out);

#endif
