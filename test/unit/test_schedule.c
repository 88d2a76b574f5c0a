#include "monitor/schedule.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define START_MS 1000000007

static struct schedule_entry *make(struct schedule *schedule, size_t count, uint32_t interval_s,
                                   int64_t now_ms)
{
    struct schedule_entry *entries = calloc(count, sizeof *entries);
    CHECK_INTEGER(schedule_reserve(schedule, schedule->count + count), 0, "room");
    for (size_t i = 0; entries && i < count; i++)
        schedule_add(schedule, &entries[i], interval_s, now_ms);
    return entries;
}

/* How many checks begin in each slice of time. */
static void count_starts(struct schedule *schedule, int64_t from_ms, size_t slices,
                         int64_t slice_ms, size_t *ret_counts)
{
    for (size_t i = 0; i < slices; i++) {
        ret_counts[i] = 0;
        while (schedule_take(schedule, from_ms + ((int64_t)i + 1) * slice_ms - 1))
            ret_counts[i]++;
    }
}

static size_t most(const size_t *counts, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found = counts[i] > found ? counts[i] : found;
    return found;
}

static void ten_thousand_in_ten_seconds_are_even(void)
{
    static size_t counts[200];
    struct schedule schedule = {0};
    struct schedule_entry *entries = make(&schedule, 10000, 10, START_MS);
    count_starts(&schedule, START_MS + 1, COUNT(counts), 100, counts);
    CHECK(most(counts, COUNT(counts)) <= 110, "%zu in 100 ms, on average 100",
          most(counts, COUNT(counts)));
    size_t sum = 0;
    for (size_t i = 0; i < 100; i++)
        sum += counts[i];
    CHECK_INTEGER((int64_t)sum, 10000, "each once in the first interval");
    schedule_release(&schedule);
    free(entries);
}

static void mixed_intervals_and_changes_stay_even(void)
{
    static size_t counts[600];
    struct schedule schedule = {0};
    struct schedule_entry *fast = make(&schedule, 1000, 1, START_MS);
    struct schedule_entry *usual = make(&schedule, 5000, 10, START_MS);
    struct schedule_entry *slow = make(&schedule, 6000, 60, START_MS);
    for (size_t i = 0; i < 2500; i++)
        schedule_remove(&schedule, &usual[i]);
    struct schedule_entry *later = make(&schedule, 2500, 10, START_MS + 5000);
    while (schedule_take(&schedule, START_MS + 59999)) {
    }
    count_starts(&schedule, START_MS + 60000, COUNT(counts), 100, counts);
    CHECK(most(counts, COUNT(counts)) <= 176, "%zu in 100 ms, on average 160",
          most(counts, COUNT(counts)));
    schedule_release(&schedule);
    free(fast), free(usual), free(slow), free(later);
}

static void the_first_check_does_not_wait_for_an_hour(void)
{
    static size_t counts[100];
    struct schedule schedule = {0};
    struct schedule_entry *entries = make(&schedule, 10000, 3600, START_MS);
    count_starts(&schedule, START_MS, COUNT(counts), 100, counts);
    size_t sum = 0;
    for (size_t i = 0; i < COUNT(counts); i++)
        sum += counts[i];
    CHECK(sum == 10000, "%zu within ten seconds", sum);
    CHECK(most(counts, COUNT(counts)) <= 115, "%zu in 100 ms, on average 100",
          most(counts, COUNT(counts)));
    schedule_release(&schedule);
    free(entries);
}

/* However late each one is taken, the next lies at its phase. */
static void delays_do_not_add_up(void)
{
    static const uint32_t intervals_s[] = {1, 7, 10, 60, 3600};
    uint64_t seed = 3;
    for (size_t i = 0; i < COUNT(intervals_s); i++) {
        struct schedule schedule = {0};
        int64_t period_ms = intervals_s[i] * 1000LL, now_ms = START_MS;
        struct schedule_entry *entry = make(&schedule, 1, intervals_s[i], now_ms);
        CHECK(entry->due_ms >= now_ms && entry->due_ms <= now_ms + SCHEDULE_FIRST_MS, "first");
        now_ms = entry->due_ms;
        CHECK(schedule_take(&schedule, now_ms) == entry, "due");
        for (int j = 0; j < 100; j++) {
            int64_t due_ms = entry->due_ms;
            CHECK(schedule_take(&schedule, due_ms - 1) == NULL, "not before its time");
            now_ms = due_ms + (int64_t)random_below(&seed, (size_t)period_ms);
            CHECK(schedule_take(&schedule, now_ms) == entry, "due");
            CHECK_INTEGER(entry->due_ms, due_ms + period_ms, "interval %zu", i);
        }
        CHECK(schedule_take(&schedule, now_ms + 100 * period_ms) == entry, "after a long sleep");
        CHECK(entry->due_ms > now_ms + 100 * period_ms, "what has passed is left out");
        CHECK(schedule_take(&schedule, now_ms + 100 * period_ms) == NULL, "once");
        schedule_release(&schedule);
        free(entry);
    }
}

static void nobody_moves_when_others_come_and_go(void)
{
    struct schedule schedule = {0};
    struct schedule_entry *first = make(&schedule, 100, 10, START_MS);
    int64_t due_ms[100];
    for (size_t i = 0; i < 100; i++)
        due_ms[i] = first[i].due_ms;
    struct schedule_entry *second = make(&schedule, 1000, 10, START_MS);
    for (size_t i = 0; i < 1000; i += 3)
        schedule_remove(&schedule, &second[i]);
    schedule_remove(&schedule, &second[0]);
    for (size_t i = 0; i < 100; i++)
        CHECK_INTEGER(first[i].due_ms, due_ms[i], "entry %zu", i);
    CHECK_INTEGER((int64_t)schedule.count, 100 + 1000 - 334, "those that are left");
    schedule_release(&schedule);
    free(first), free(second);
}

/* Entries come and go at random; what is taken is always due, and in order. */
static void the_most_urgent_is_taken_first(void)
{
    enum { ENTRIES = 300 };
    static struct schedule_entry entries[ENTRIES];
    struct schedule schedule = {0};
    uint64_t seed = 5;
    int64_t now_ms = START_MS;
    CHECK_INTEGER(schedule_reserve(&schedule, ENTRIES), 0, "room");
    CHECK_INTEGER(schedule_next_ms(&schedule), INT64_MAX, "empty");
    for (int i = 0; i < 20000; i++) {
        struct schedule_entry *entry = &entries[random_below(&seed, ENTRIES)];
        now_ms += (int64_t)random_below(&seed, 100);
        if (entry->place == 0)
            schedule_add(&schedule, entry, 1 + (uint32_t)random_below(&seed, 20), now_ms);
        else if (random_below(&seed, 4) == 0)
            schedule_remove(&schedule, entry);
        int64_t due_ms = schedule_next_ms(&schedule);
        if ((entry = schedule_take(&schedule, now_ms)))
            CHECK(due_ms <= now_ms && entry->due_ms > now_ms, "step %d", i);
        for (size_t j = 0; j < schedule.count; j++)
            if (schedule.heap[j]->due_ms < schedule.heap[0]->due_ms ||
                schedule.heap[j]->place != j + 1) {
                CHECK(false, "step %d: the heap is none", i);
                return;
            }
    }
    schedule_release(&schedule);
}

static void without_memory_there_is_no_more_room(void)
{
    struct schedule schedule = {0};
    memory_fail_at(1);
    CHECK_INTEGER(schedule_reserve(&schedule, 10), ERR_NOMEM, "room");
    CHECK(memory_fail_end(), "it failed");
    CHECK_INTEGER((int64_t)schedule.capacity, 0, "nothing has changed");
    schedule_release(&schedule);
}

static const CU_TestInfo tests[] = {
    {"ten thousand targets in ten seconds are spread evenly", ten_thousand_in_ten_seconds_are_even},
    {"mixed intervals and changes stay even", mixed_intervals_and_changes_stay_even},
    {"the first check does not wait for an hour", the_first_check_does_not_wait_for_an_hour},
    {"delays do not add up", delays_do_not_add_up},
    {"nobody moves when others come and go", nobody_moves_when_others_come_and_go},
    {"the most urgent is taken first", the_most_urgent_is_taken_first},
    {"without memory there is no more room", without_memory_there_is_no_more_room},
    CU_TEST_INFO_NULL,
};

const struct suite suite_schedule = {"schedule", tests};
