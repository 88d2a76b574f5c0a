/*
 * A rate limit: an average number per second, and bursts above it.
 *
 * A token bucket. Time is an argument. When the clock is set back, no tokens are added, and time
 * counts from there.
 */
#ifndef STICKY_CORE_BASE_RATE_H
#define STICKY_CORE_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* The bucket holds the tokens of this many seconds; a burst of that size passes at once. */
#define RATE_BURST_S 10

struct rate {
    int64_t tokens; /* in thousandths */
    int64_t last_ms;
    bool started; /* false: the bucket is full */
};

/*
 * Takes a token; false when there is none. `per_second` is 1..1000000 and may change between calls.
 */
bool rate_take(struct rate *rate, int64_t per_second, int64_t now_ms);

#endif
