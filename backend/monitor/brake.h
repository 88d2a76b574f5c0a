/*
 * Suspects the monitor's own network when too many targets fail at once (the mass-failure brake).
 *
 * What counts is a target that was up and began to fail within the last `window_s`, and that still
 * fails. Beginnings are counted and not verdicts, which come `fall` checks later: by then the first
 * ones would be written before the last ones are known. Above `percent` of all targets the brake is
 * on: nobody goes down. It lets go when so many of them answer again that the rest is not above
 * `percent`; those go down then, and count no more. There is no time after which it lets go by
 * itself: what it holds is what was known last, and `percent` 0 turns it off.
 *
 * A target alone is never above, however few there are. So the default of 50 takes the failure of
 * one target of one or two, and of one site of two or three, for what it is, and holds back that of
 * both of two, or of two sites of three at once.
 *
 * The caller keeps for each target that it counted when it began. Times are seconds of a clock
 * that does not jump; one that goes back is taken to stand still.
 */
#ifndef STICKY_MONITOR_BRAKE_H
#define STICKY_MONITOR_BRAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest window that the table setting allows. */
#define BRAKE_WINDOW_MAX_S 3600

struct brake {
    bool engaged;
    int64_t now_s;
    int64_t first_s;                        /* beginnings from here on count */
    size_t failing;                         /* that began since, and still fail */
    uint32_t began[BRAKE_WINDOW_MAX_S + 1]; /* failing by second, where not engaged */
};

/* A target that was up begins to fail; returns the second that brake_end() is to be told. */
int64_t brake_begin(struct brake *brake, int64_t now_s);

/* One that began to fail at that second answers again, or is gone. */
void brake_end(struct brake *brake, int64_t began_s);

/* Decides anew; says whether `engaged` has changed. `window_s` is 1..BRAKE_WINDOW_MAX_S. */
bool brake_judge(struct brake *brake, size_t targets, int64_t percent, int64_t window_s,
                 int64_t now_s);

/* Says whether what began at that second counts, that is, lies within the window. */
bool brake_counts(const struct brake *brake, int64_t began_s);

#endif
