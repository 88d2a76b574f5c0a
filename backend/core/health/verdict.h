/*
 * Whether a target counts as up: decided from one check after another, so that a single lost packet
 * moves nobody.
 *
 * Who is up goes down after `fall` checks in a row that failed, who is down comes up after `rise`
 * checks in a row that went well. A target without a verdict counts as up, as it does in the
 * choice: its first check that goes well says so, and it takes `fall` failures to say otherwise. A
 * check that ended with REASON_INTERNAL says nothing and changes nothing.
 *
 * Plain values; time is an argument. Begin with zeros, or with the verdict of an earlier run.
 */
#ifndef STICKY_CORE_HEALTH_VERDICT_H
#define STICKY_CORE_HEALTH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/health/check.h"
#include "core/health/targets.h"

/* The weight of a new round trip in the smoothed one: TCP's, so that ten checks forget a peak. */
#define VERDICT_RTT_WEIGHT 0.125

enum verdict_state { VERDICT_NONE, VERDICT_UP, VERDICT_DOWN };

struct target_verdict {
    enum verdict_state state;
    enum reason reason;         /* of the last check */
    int64_t since_s, checked_s; /* when the state was taken, and of the last check; Unix time */
    int64_t flaps;              /* how often the state has changed; the first is no change */
    bool has_rtt;
    double rtt_ms; /* smoothed, of checks that went well */
    uint32_t run;  /* checks in a row that speak against the state */
};

/* A verdict on its way to or from the database. */
struct verdict_row {
    struct target_key key;
    struct target_verdict verdict; /* its state is never VERDICT_NONE */
    bool measured;                 /* the round trip is newer than the one that was written last */
};

/* What may not happen now, whatever the checks say. Runs are counted all the same. */
enum verdict_hold {
    HOLD_NOTHING,
    HOLD_UP,   /* nobody goes down: the brake is on */
    HOLD_BOTH, /* nobody with a verdict goes anywhere: not everybody was asked yet */
};

/* Takes the result of a check; says whether the state is another one now. Cannot fail. */
bool verdict_add_result(struct target_verdict *verdict, const struct check_result *result,
                        const struct monitor *monitor, enum verdict_hold hold, int64_t now_s);

/* Takes the state that the run speaks for, once the hold is over; says whether it is another. */
bool verdict_catch_up(struct target_verdict *verdict, const struct monitor *monitor,
                      enum verdict_hold hold, int64_t now_s);

/* Makes one that went down count as up again, as if that had been held. */
void verdict_revert(struct target_verdict *verdict, int64_t now_s);

/* The words of the column `state`; NULL for none. The parser returns false for other words. */
const char *verdict_state_word(enum verdict_state state);
bool verdict_state_parse(const char *word, enum verdict_state *ret_state);

#endif
