#include "core/base/rate.h"

#include "fixture.h"
#include "suites.h"

/* How many of `tries` pass at one moment. */
static int64_t taken(struct rate *rate, int64_t per_second, int64_t now_ms, int64_t tries)
{
    int64_t count = 0;
    for (int64_t i = 0; i < tries; i++)
        count += rate_take(rate, per_second, now_ms);
    return count;
}

static void a_burst_passes_at_once(void)
{
    static const int64_t rates[] = {1, 2, 7, 1000, 1000000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct rate rate = {0};
        int64_t full = rates[i] * RATE_BURST_S;
        int64_t tries = full < 100000 ? full : 100000;
        CHECK_INTEGER(taken(&rate, rates[i], 5000, tries), tries, "%lld a second",
                      (long long)rates[i]);
        if (tries == full)
            CHECK(!rate_take(&rate, rates[i], 5000), "%lld a second", (long long)rates[i]);
    }
}

/* An empty bucket, and how many pass after a while. */
static void tokens_come_back_with_time(void)
{
    static const struct {
        int64_t per_second, passed_ms, passing;
    } rows[] = {
        {1, 0, 0},      {1, 999, 0},     {1, 1000, 1}, {1, 1999, 1},     {1, 9999, 9},
        {1, 10000, 10}, {1, 100000, 10}, {10, 99, 0},  {10, 100, 1},     {10, 1000, 10},
        {3, 1000, 3},   {3, 999, 2},     {1000, 1, 1}, {1000, 500, 500}, {3, INT64_MAX / 2, 30},
        {5, -1, 0},     {5, -100000, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rate rate = {0};
        const int64_t start_ms = 1700000000000;
        taken(&rate, rows[i].per_second, start_ms, rows[i].per_second * RATE_BURST_S);
        CHECK_INTEGER(taken(&rate, rows[i].per_second, start_ms + rows[i].passed_ms, 20000),
                      rows[i].passing, "row %zu", i);
    }
}

static void small_steps_add_up(void)
{
    struct rate rate = {0};
    int64_t count = 0;
    taken(&rate, 7, 0, 70);
    for (int64_t now_ms = 1; now_ms <= 60000; now_ms++)
        count += rate_take(&rate, 7, now_ms);
    CHECK_INTEGER(count, 7 * 60, "7 a second for a minute");
}

static void a_clock_that_goes_back_takes_nothing(void)
{
    struct rate rate = {0};
    CHECK_INTEGER(taken(&rate, 2, 100000, 5), 5, "five of twenty");
    CHECK_INTEGER(taken(&rate, 2, 50000, 100), 15, "the rest, fifty seconds earlier");
    CHECK_INTEGER(taken(&rate, 2, 50500, 100), 1, "and time goes on from there");
}

static void the_rate_may_change(void)
{
    struct rate rate = {0};
    CHECK_INTEGER(taken(&rate, 100, 1000, 1), 1, "a full bucket of 1000");
    CHECK_INTEGER(taken(&rate, 1, 1000, 5000), 10, "a smaller one holds 10");
    CHECK_INTEGER(taken(&rate, 100, 1000, 5000), 0, "a larger one begins empty");
    CHECK_INTEGER(taken(&rate, 100, 2000, 5000), 100, "and fills faster");
}

static const CU_TestInfo tests[] = {
    {"a burst passes at once, and no more", a_burst_passes_at_once},
    {"tokens come back with time", tokens_come_back_with_time},
    {"small steps add up", small_steps_add_up},
    {"a clock that goes back takes nothing and gives nothing",
     a_clock_that_goes_back_takes_nothing},
    {"the rate may change", the_rate_may_change},
    CU_TEST_INFO_NULL,
};

const struct suite suite_rate = {"rate", tests};
