/*
 * The program's clocks, in place of its own: each look at them takes a millisecond, on whatever
 * machine, so that an input meets the same times in every run.
 */
#include "system/clock.h"

#define START_S 1700050000

static int64_t now_ms = 1;

int64_t clock_unix_s(void)
{
    return START_S + now_ms / 1000;
}

int64_t clock_unix_ms(void)
{
    return START_S * INT64_C(1000) + now_ms;
}

int64_t clock_monotonic_ms(void)
{
    return now_ms++;
}

int64_t clock_thread_ms(void)
{
    return clock_monotonic_ms();
}

int64_t clock_monotonic_ns(void)
{
    return clock_monotonic_ms() * 1000000;
}
