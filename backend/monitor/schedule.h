/*
 * When each target is checked next: once per interval, with all targets spread evenly over it.
 *
 * When a target is added it gets a phase, a point within its interval, and keeps it. It is due at
 * that point of every interval, however late the previous check began, so delays do not add up, and
 * adding or removing targets moves no others. Phases advance by the golden ratio, which spreads any
 * number of points evenly; each interval has its own sequence. The first check of a new target
 * comes within SCHEDULE_FIRST_MS, so that it need not wait for an hour.
 *
 * A binary heap of entries that are part of the caller's structs and must not move. Adding,
 * removing and taking the next one take O(log n). Time is an argument, in milliseconds of a
 * monotonic clock. Initialize with zeros.
 */
#ifndef STICKY_MONITOR_SCHEDULE_H
#define STICKY_MONITOR_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest interval that the schema allows. */
#define SCHEDULE_INTERVAL_MAX_S 3600

/*
 * Long enough to spread thousands of new targets, short enough for an operator who waits for one.
 */
#define SCHEDULE_FIRST_MS 10000

struct schedule_entry {
    int64_t due_ms;
    int64_t period_ms, phase_ms;
    size_t place; /* in the heap, from 1 on; 0: not in it */
};

struct schedule {
    struct schedule_entry **heap; /* owned; the entries are not */
    size_t count, capacity;
    uint32_t steps[SCHEDULE_INTERVAL_MAX_S + 1]; /* by interval: entries added so far */
};

void schedule_release(struct schedule *schedule);

/* Makes room for `count` entries in all. 0, or ERR_NOMEM with nothing changed. */
int schedule_reserve(struct schedule *schedule, size_t count);

/* Adds an entry, for which there must be room. `interval_s` is 1..SCHEDULE_INTERVAL_MAX_S. */
void schedule_add(struct schedule *schedule, struct schedule_entry *entry, uint32_t interval_s,
                  int64_t now_ms);

/* Does nothing if the entry is not in the schedule. */
void schedule_remove(struct schedule *schedule, struct schedule_entry *entry);

/* When the next entry is due; INT64_MAX if there is none. */
int64_t schedule_next_ms(const struct schedule *schedule);

/*
 * Takes the entry that has been due longest, or NULL. It stays scheduled for its next time after
 * now; times that have passed meanwhile are skipped.
 */
struct schedule_entry *schedule_take(struct schedule *schedule, int64_t now_ms);

#endif
