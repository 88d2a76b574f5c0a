/*
 * What has to be done to the database now and then, by one process for all: checkpoints, and the
 * deletion of expired mappings.
 *
 * A process that is asked all the time has no moment in which the disk may take a tenth of a
 * second. So a round runs in a thread of its own with a connection of its own, and shares nothing
 * with the one that answers. The connection is opened for each round: one that lies idle would keep
 * files that somebody has deleted.
 *
 * Whoever finds something due takes LOCK_MAINTENANCE first, so of a thousand processes one alone
 * opens the database for it. Where pdns-stickyd runs it is left to that, unless it is late.
 */
#ifndef STICKY_STORE_MAINTENANCE_MAINTENANCE_H
#define STICKY_STORE_MAINTENANCE_MAINTENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/configuration/settings.h"
#include "store/maintenance/checkpoint.h"
#include "store/maintenance/sweep.h"
#include "store/sqlite/database.h"

/* How far it is, as one process leaves it to the next. Times are monotonic, the same for all. */
struct progress {
    int64_t sweep_ms, checkpoint_ms; /* when each began last */
    struct sweep sweep;
    struct log_progress log;
};

/* What a process goes by when it looks whether something is due. */
struct occasion {
    struct settings settings;
    int64_t now_s;   /* Unix time */
    int64_t now_ms;  /* monotonic */
    bool is_monitor; /* this process is pdns-stickyd */
    bool disk_short; /* the log takes the room that is left */
};

struct round; /* that runs */

/* Of one process, beside the connection by which it answers. All zeros at first. */
struct maintenance {
    struct round *round;      /* NULL: none runs */
    struct progress progress; /* as this process last saw it */
    int64_t looked_ms;        /* monotonic: when a round was last started here, or left to others */
};

/*
 * Starts a round if anything is due, and returns at once. `served` is the connection by which the
 * process answers. 0, or a code with `error` set, of the round before; what failed is tried again.
 */
int maintenance_run(struct maintenance *maintenance, struct database *served,
                    const struct occasion *occasion, struct error *error);

/* Waits for the end of the round, if one runs. 0, or a code with `error` set, of that round. */
int maintenance_finish(struct maintenance *maintenance, struct database *served,
                       struct error *error);

/* Says whether somebody's transaction keeps a large part of the log from being copied. */
bool maintenance_is_blocked(const struct lock_file *lock);

#endif
