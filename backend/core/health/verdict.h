/*
 * Whether a target counts as up, decided from several checks, so that a single lost packet moves no
 * client.
 *
 * A target that is up goes down after `fall` failed checks in a row; one that is down comes up
 * after `rise` successful checks in a row. A target without a verdict counts as up, as it does for
 * every choice: its first successful check makes the verdict up, and it takes `fall` failures to
 * make it down. A check that ends with REASON_INTERNAL changes nothing.
 *
 * Plain values; time is an argument. Initialize with zeros, or with the verdict of an earlier run.
 */
#ifndef STICKY_CORE_HEALTH_VERDICT_H
#define STICKY_CORE_HEALTH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/health/check.h"
#include "core/health/targets.h"

/*
 * The weight of a new round trip time in the smoothed one, as in TCP: a peak is gone after about
 * ten checks.
 */
#define VERDICT_RTT_WEIGHT 0.125

enum verdict_state { VERDICT_NONE, VERDICT_UP, VERDICT_DOWN };

struct target_verdict {
    enum verdict_state state;
    enum reason reason;         /* of the last check */
    int64_t since_s, checked_s; /* Unix times of the last change of state and of the last check */
    int64_t flaps;              /* changes of state, without the first verdict */
    bool has_rtt;
    double rtt_ms; /* smoothed, of successful checks */
    uint32_t run;  /* checks in a row that contradict the state */
};

/* A verdict as it is read from and written to the database. */
struct verdict_row {
    struct target_key key;
    struct target_verdict verdict; /* never of state VERDICT_NONE */
    bool measured;                 /* the round trip time has changed since it was last written */
    /* What answers go by, the metric `availability`. VERDICT_NONE: as the verdict's state. */
    enum verdict_state counts;
};

/*
 * Changes of state that are held back now, whatever the checks say. Runs are counted all the same.
 */
enum verdict_hold {
    HOLD_NOTHING,
    HOLD_UP,   /* no target goes down: the brake is on */
    HOLD_BOTH, /* targets with a verdict keep it: not all have been checked yet */
};

/* Adds the result of a check; says whether the state changed. Cannot fail. */
bool verdict_add_result(struct target_verdict *verdict, const struct check_result *result,
                        const struct monitor *monitor, enum verdict_hold hold, int64_t now_s);

/* Makes the change that was held back, if any; says whether the state changed. */
bool verdict_catch_up(struct target_verdict *verdict, const struct monitor *monitor,
                      enum verdict_hold hold, int64_t now_s);

/* Makes a target that went down up again, as if that change had been held back. */
void verdict_revert(struct target_verdict *verdict, int64_t now_s);

/*
 * The words of the column `state`; NULL for VERDICT_NONE. The parser returns false for an unknown
 * word.
 */
const char *verdict_state_word(enum verdict_state state);
bool verdict_state_parse(const char *word, enum verdict_state *ret_state);

#endif
