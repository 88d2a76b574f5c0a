/*
 * The structs of the monitor's engine, for watch.c and watch_configure.c.
 */
#ifndef STICKY_MONITOR_WATCH_PARTS_H
#define STICKY_MONITOR_WATCH_PARTS_H

#include "monitor/brake.h"
#include "monitor/schedule.h"
#include "monitor/watch.h"

/* A target and its state. It does not move in memory while it is watched. */
struct watched {
    struct schedule_entry entry; /* first, so that a pointer to it is one to this struct */
    struct watch *watch;
    const struct target *target; /* of the present set */
    struct target_verdict verdict;
    enum verdict_state counts;    /* as written last; VERDICT_NONE: not known */
    struct probe *probe;          /* the running check, or NULL */
    struct targets *checked_from; /* the set that the running check uses */
    struct watched *next_waiting; /* for room among the running checks */
    int64_t began_s;              /* from brake_begin(); 0: it does not count */
    bool waiting;
    bool again;                      /* it was due while its previous check was running */
    bool unchecked;                  /* not yet checked since the start */
    bool pending, changed, measured; /* to be written; urgently; with its round trip time */
};

struct watch {
    struct watch_callbacks callbacks;
    struct watch_limits limits;
    struct targets *targets; /* NULL before the first set */
    struct watched **list;   /* by key, as in the set */
    size_t count;
    size_t unchecked;
    struct schedule schedule;
    struct brake brake;
    struct watched *first_waiting, *last_waiting;
    size_t running, waiting;
    struct watched **pending; /* has room for all targets */
    size_t pending_count, changed_count;
    uint64_t changes; /* of verdicts, targets and the brake */
    struct target_key *ended;
    size_t ended_count, ended_capacity;
    struct problems refusals;
    struct verdict_row rows[WATCH_BATCH_MAX];
};

/* Logs a sentence. */
void watch_log(const struct watch *watch, bool alarm, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the check of a target without a result, or removes it from the queue. */
void watch_stop(struct watched *watched);

/* Starts waiting checks while there is room. */
void watch_start_waiting(struct watch *watch);

/* The target of that key, or NULL. */
struct watched *watch_find(const struct watch *watch, const struct target_key *key);

/* Marks the verdict of a target, if it has one, to be written soon. */
void watch_mark_changed(struct watched *watched);

/* Marks a target as no longer pending; watch_compact_pending() has to follow. */
void watch_unmark(struct watched *watched);
void watch_compact_pending(struct watch *watch);

/* A target was checked, or never will be. When none is left, stored verdicts may change. */
void watch_count_as_checked(struct watched *watched);

/* Makes the changes of state that were held back, now that the hold has been lifted. */
void watch_catch_up(struct watch *watch);

#endif
