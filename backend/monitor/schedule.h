/*
 * When each target is checked next: every interval once, and all of them spread evenly over it.
 *
 * A target gets a phase, a point of its interval, when it is added, and keeps it: it is due at that
 * point of each interval, however late the check before was begun, so delays do not add up and what
 * is added or removed moves nobody else. Phases are steps of the golden ratio, which fills a circle
 * evenly at any number of points; each interval has a sequence of its own. So that a new target
 * does not wait for an hour, its first check comes within SCHEDULE_FIRST_MS.
 *
 * A binary heap of entries that lie within the caller's structs and must not move. Adding, removing
 * and taking the next one cost O(log n). Time is an argument, milliseconds of a clock that does not
 * jump. Begin with zeros.
 */
#ifndef STICKY_MONITOR_SCHEDULE_H
#define STICKY_MONITOR_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest interval that the schema allows. */
#define SCHEDULE_INTERVAL_MAX_S 3600

/* Long enough that thousands of new targets are no burst, short enough for who waits for one. */
#define SCHEDULE_FIRST_MS 10000

struct schedule_entry {
    int64_t due_ms;
    int64_t period_ms, phase_ms;
    size_t place; /* in the heap, from 1 on; 0: not in it */
};

struct schedule {
    struct schedule_entry **heap; /* owned; the entries are not */
    size_t count, capacity;
    uint32_t steps[SCHEDULE_INTERVAL_MAX_S + 1]; /* of each interval's sequence so far */
};

void schedule_release(struct schedule *schedule);

/* Makes room for so many entries in all. 0, or ERR_NOMEM with nothing changed. */
int schedule_reserve(struct schedule *schedule, size_t count);

/* Adds an entry, for which there must be room. `interval_s` is 1..SCHEDULE_INTERVAL_MAX_S. */
void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint32_t interval_s,
                  int64_t now_ms);

/* Does nothing to an entry that is not there. */
void schedule_remove(struct schedule *schedule, struct schedule_entry *entry);

/* When the next entry is due; INT64_MAX without any. */
int64_t schedule_next_ms(const struct schedule *schedule);

/*
 * An entry that is due, the most urgent first, or NULL. It is put back for its next time, which is
 * after now: times that have passed meanwhile are left out.
 */
struct schedule_entry *schedule_take(struct schedule *schedule, int64_t now_ms);

#endif
