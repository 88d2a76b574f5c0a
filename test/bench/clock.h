/*
 * The time, and the end: what every program of the benchmark needs.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>

#define SECOND_NS 1000000000ULL

/* Nanoseconds of a clock that never goes back. */
uint64_t clock_ns(void);

/* Returns when that clock has come to a time, or at once if it has. */
void clock_wait_until(uint64_t time_ns);

/* Prints and exits: a benchmark of something that fails has no numbers. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
