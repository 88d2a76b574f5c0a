/*
 * The bounds that keep forged resolvers from filling the disk: on the size of the database, the
 * room on its disk, and the mappings written in a second. Beyond them a new resolver is answered as
 * ever, but its mapping is not stored.
 */
#ifndef STICKY_STORE_LIMITS_H
#define STICKY_STORE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A bound on how often something may happen: so many a second on average, and a burst on top. A
 * token bucket. Time is an argument; a clock that is set back gives no tokens and is followed.
 */
struct rate {
    int64_t tokens; /* in thousandths */
    int64_t last_ms;
    bool started; /* the bucket begins full */
};

/* The bucket holds what so many seconds give: a burst of that size passes at once. */
#define RATE_BURST_S 10

/* Takes one token if there is one. `per_second` is 1..1000000 and may change between calls. */
bool rate_take(struct rate *rate, int64_t per_second, int64_t now_ms);

/* Those of one store. Times are monotonic. */
struct limits {
    int64_t max_bytes, writes_per_second;
    struct rate rate;
    int64_t refused_ms; /* when the rate was last told to be passed */
};

#endif
