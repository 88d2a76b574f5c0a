/*
 * The clocks of this machine, for those who hand the time on.
 */
#ifndef STICKY_SYSTEM_CLOCK_H
#define STICKY_SYSTEM_CLOCK_H

#include <stdint.h>

/* Unix time: what a mapping's timestamp is. */
int64_t clock_unix_s(void);

/* The same in milliseconds. */
int64_t clock_unix_ms(void);

/* A clock that never jumps: for pauses and rates. Above 0. */
int64_t clock_monotonic_ms(void);

/* The same in nanoseconds, to measure short times. */
int64_t clock_monotonic_ns(void);

/* The processor time of this thread: limits work, however busy the machine is. */
int64_t clock_thread_ms(void);

#endif
