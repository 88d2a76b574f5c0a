/*
 * What the engine of the monitor is made of, for watch.c and watch_configure.c.
 */
#ifndef STICKY_MONITOR_WATCH_PARTS_H
#define STICKY_MONITOR_WATCH_PARTS_H

#include "monitor/brake.h"
#include "monitor/schedule.h"
#include "monitor/watch.h"

/* A target and all that is known of it. It stays where it is as long as it is watched. */
struct watched {
    struct schedule_entry entry; /* the first, so that it leads back here */
    struct watch *watch;
    const struct target *target; /* of the present set */
    struct target_verdict verdict;
    struct probe *probe;          /* the check that runs, or NULL */
    struct targets *checked_from; /* the set that it was started from */
    struct watched *next_waiting; /* for a place among the checks that run */
    int64_t began_s;              /* as the brake counts it; 0: it does not */
    bool waiting;
    bool again;                      /* it was due while the check before still ran */
    bool unchecked;                  /* since the cold start */
    bool pending, changed, measured; /* to be written, urgently, with its round trip */
};

struct watch {
    struct watch_callbacks callbacks;
    struct watch_limits limits;
    struct targets *targets; /* NULL before the first set */
    struct watched **list;   /* in the order of the set */
    size_t count;
    size_t unchecked;
    struct schedule schedule;
    struct brake brake;
    struct watched *first_waiting, *last_waiting;
    size_t running, waiting;
    struct watched **pending; /* has room for all */
    size_t pending_count, changed_count;
    struct target_key *ended;
    size_t ended_count, ended_capacity;
    struct problems refusals;
    struct verdict_row rows[WATCH_BATCH_MAX];
};

/* A sentence for the log. */
void watch_log(const struct watch *watch, bool alarm, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the check of a target without a result, or takes it out of the line for one. */
void watch_stop(struct watched *watched);

/* Starts checks that have waited, as far as there is room. */
void watch_start_waiting(struct watch *watch);

/* A target is not to be written any more; then the list of those that are is to be closed. */
void watch_unmark(struct watched *watched);
void watch_compact_pending(struct watch *watch);

/* A target was asked, or never will be; without any left the stored verdicts do not hold. */
void watch_count_as_checked(struct watched *watched);

/* Lets the verdicts of all targets go where their checks say, now that less is checked_from. */
void watch_catch_up(struct watch *watch);

#endif
