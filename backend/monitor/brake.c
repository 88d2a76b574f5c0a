/*
 * Counts failing targets by the second in which they began to fail, in a ring that is as long as
 * the longest window.
 */
#include "monitor/brake.h"

#include <string.h>

#define PLACES (BRAKE_WINDOW_MAX_S + 1)

/* A single target never engages the brake. */
#define FAILING_LEAST 2

static uint32_t *place(struct brake *brake, int64_t at_s)
{
    return &brake->began[at_s % PLACES];
}

/*
 * Before a place is used for another second, its old second leaves the window; while engaged, no
 * second leaves.
 */
static void reuse_place(struct brake *brake, uint32_t *began)
{
    if (!brake->engaged && brake->first_s <= brake->now_s - PLACES) {
        brake->failing -= *began;
        brake->first_s = brake->now_s - PLACES + 1;
    }
    *began = 0;
}

/* Advances the time; a clock that goes back is taken to stand still. */
static void advance(struct brake *brake, int64_t now_s)
{
    if (now_s - brake->now_s >= PLACES) {
        memset(brake->began, 0, sizeof brake->began);
        brake->now_s = now_s;
        if (!brake->engaged) {
            brake->failing = 0;
            brake->first_s = now_s;
        }
    }
    while (brake->now_s < now_s) {
        brake->now_s++;
        reuse_place(brake, place(brake, brake->now_s));
    }
}

bool brake_counts(const struct brake *brake, int64_t began_s)
{
    return began_s >= brake->first_s && began_s <= brake->now_s;
}

/* What begins in the second in which the brake was released counts for the next second. */
int64_t brake_begin(struct brake *brake, int64_t now_s)
{
    advance(brake, now_s > brake->first_s ? now_s : brake->first_s);
    ++*place(brake, brake->now_s);
    brake->failing++;
    return brake->now_s;
}

void brake_end(struct brake *brake, int64_t began_s)
{
    if (!brake_counts(brake, began_s))
        return;
    brake->failing--;
    if (brake->now_s - began_s < PLACES)
        --*place(brake, began_s);
}

/*
 * What began before the window no longer counts. Not called while engaged: then the window only
 * grows.
 */
static void shift_window(struct brake *brake, int64_t window_s)
{
    for (; brake->first_s <= brake->now_s - window_s; brake->first_s++)
        brake->failing -= *place(brake, brake->first_s);
}

static void disengage(struct brake *brake)
{
    brake->engaged = false;
    brake->failing = 0;
    brake->first_s = brake->now_s + 1;
}

static bool too_many(const struct brake *brake, size_t targets, int64_t percent)
{
    return percent > 0 && brake->failing >= FAILING_LEAST &&
           (double)brake->failing * 100 > (double)targets * (double)percent;
}

bool brake_update(struct brake *brake, size_t targets, int64_t percent, int64_t window_s,
                  int64_t now_s)
{
    bool before = brake->engaged;
    advance(brake, now_s);
    if (!brake->engaged)
        shift_window(brake, window_s);
    brake->engaged = too_many(brake, targets, percent);
    if (before && !brake->engaged)
        disengage(brake);
    return brake->engaged != before;
}
