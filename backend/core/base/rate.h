/*
 * A bound on how often something may happen: so many a second on average, and a burst on top.
 *
 * A token bucket. Time is an argument; a clock that is set back gives no tokens and is followed.
 */
#ifndef STICKY_CORE_BASE_RATE_H
#define STICKY_CORE_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* The bucket holds what so many seconds give: a burst of that size passes at once. */
#define RATE_BURST_S 10

struct rate {
    int64_t tokens; /* in thousandths */
    int64_t last_ms;
    bool started; /* the bucket begins full */
};

/* Takes one token if there is one. `per_second` is 1..1000000 and may change between calls. */
bool rate_take(struct rate *rate, int64_t per_second, int64_t now_ms);

#endif
