/*
 * A binary heap by due time. The phase of a new entry is a step of the golden ratio further round
 * its interval than that of the entry before.
 */
#include "monitor/schedule.h"

#include <stdlib.h>

#include "core/base/error.h"

/* Fractions of a full turn in 32 bits: the golden ratio, and the offset between intervals. */
#define GOLDEN_STEP 2654435769U
#define INTERVAL_STEP 1779033703U

void schedule_release(struct schedule *schedule)
{
    free(schedule->heap);
    *schedule = (struct schedule){0};
}

int schedule_reserve(struct schedule *schedule, size_t count)
{
    if (count <= schedule->capacity)
        return 0;
    struct schedule_entry **heap = realloc(schedule->heap, count * sizeof *heap);
    if (!heap)
        return ERR_NOMEM;
    schedule->heap = heap;
    schedule->capacity = count;
    return 0;
}

/* Places begin at 1: the parent of n is n / 2. */
static struct schedule_entry **at(const struct schedule *schedule, size_t place)
{
    return &schedule->heap[place - 1];
}

static void put(struct schedule *schedule, size_t place, struct schedule_entry *entry)
{
    *at(schedule, place) = entry;
    entry->place = place;
}

static void rise(struct schedule *schedule, struct schedule_entry *entry)
{
    size_t place = entry->place;
    for (; place > 1 && (*at(schedule, place / 2))->due_ms > entry->due_ms; place /= 2)
        put(schedule, place, *at(schedule, place / 2));
    put(schedule, place, entry);
}

static void sink(struct schedule *schedule, struct schedule_entry *entry)
{
    size_t place = entry->place;
    for (size_t child; (child = 2 * place) <= schedule->count; place = child) {
        if (child < schedule->count &&
            (*at(schedule, child + 1))->due_ms < (*at(schedule, child))->due_ms)
            child++;
        if ((*at(schedule, child))->due_ms >= entry->due_ms)
            break;
        put(schedule, place, *at(schedule, child));
    }
    put(schedule, place, entry);
}

/* The first time after now with the entry's phase. */
static int64_t next_due_ms(const struct schedule_entry *entry, int64_t now_ms)
{
    int64_t since_ms = now_ms - entry->phase_ms;
    int64_t periods = since_ms / entry->period_ms - (since_ms % entry->period_ms < 0);
    return entry->phase_ms + (periods + 1) * entry->period_ms;
}

static int64_t share_of(int64_t whole_ms, uint32_t phase)
{
    return (whole_ms * (int64_t)phase) >> 32;
}

void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint32_t interval_s,
                  int64_t now_ms)
{
    uint32_t phase = schedule->steps[interval_s]++ * GOLDEN_STEP + interval_s * INTERVAL_STEP;
    entry->period_ms = (int64_t)interval_s * 1000;
    entry->phase_ms = share_of(entry->period_ms, phase);
    entry->due_ms = next_due_ms(entry, now_ms);
    if (entry->due_ms - now_ms > SCHEDULE_FIRST_MS)
        entry->due_ms = now_ms + share_of(SCHEDULE_FIRST_MS, phase);
    entry->place = ++schedule->count;
    rise(schedule, entry);
}

void schedule_remove(struct schedule *schedule, struct schedule_entry *entry)
{
    if (entry->place == 0)
        return;
    struct schedule_entry *last = *at(schedule, schedule->count--);
    if (last != entry) {
        last->place = entry->place;
        rise(schedule, last);
        sink(schedule, last);
    }
    entry->place = 0;
}

int64_t schedule_next_ms(const struct schedule *schedule)
{
    return schedule->count ? schedule->heap[0]->due_ms : INT64_MAX;
}

struct schedule_entry *schedule_take(struct schedule *schedule, int64_t now_ms)
{
    if (schedule_next_ms(schedule) > now_ms)
        return NULL;
    struct schedule_entry *entry = schedule->heap[0];
    entry->due_ms = next_due_ms(entry, now_ms);
    sink(schedule, entry);
    return entry;
}
