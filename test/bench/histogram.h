/*
 * How many of a number of times were how long, to within 2 in 100, from a nanosecond to minutes.
 * Start with all zeros. Nothing here can fail.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64 /* in each doubling */
#define HISTOGRAM_SLOTS (38 * HISTOGRAM_STEPS)

struct histogram {
    uint64_t count, longest_ns;
    uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_add(struct histogram *histogram, uint64_t time_ns);

/* Adds all of `more`. */
void histogram_merge(struct histogram *histogram, const struct histogram *more);

/* The time that a share of all do not exceed: 0.99. 0 when there are none. */
uint64_t histogram_quantile_ns(const struct histogram *histogram, double share);

#endif
