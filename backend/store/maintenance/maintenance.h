/*
 * All that is written to the table of mappings, by one process for all: the writer of claims, and
 * now and then a round of checkpoint and deletion of expired mappings.
 *
 * A process that is asked all the time has no moment in which the disk may take a tenth of a
 * second. So the writer and each round run in threads of their own with connections of their own,
 * and share nothing with the one that answers. The connection of a round is opened for it: one that
 * lies idle would keep files that somebody has deleted.
 *
 * The process that is the writer (writer.h) also runs the rounds, under LOCK_MAINTENANCE, since a
 * writer that was stopped may still be in one.
 */
#ifndef STICKY_STORE_MAINTENANCE_MAINTENANCE_H
#define STICKY_STORE_MAINTENANCE_MAINTENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/configuration/settings.h"
#include "store/maintenance/checkpoint.h"
#include "store/maintenance/sweep.h"
#include "store/maintenance/writer.h"
#include "store/sqlite/database.h"

/*
 * How far it is, as one process leaves it to the next, which may be of an older version: what is
 * new comes last. Times are monotonic, the same for all.
 */
struct progress {
    int64_t sweep_ms, checkpoint_ms; /* when each began last */
    struct sweep sweep;
    struct log_progress log;
    struct key_check check;
};

/* What a process goes by when it looks whether something is due. */
struct occasion {
    struct settings settings;
    int64_t now_s;               /* Unix time */
    int64_t now_ms;              /* monotonic */
    bool is_monitor;             /* this process is pdns-stickyd */
    const struct claims *claims; /* that this process makes; may be NULL */
};

struct round; /* that runs */

/* Of one process, beside the connection by which it answers. All zeros at first. */
struct maintenance {
    struct writer *writer;    /* NULL: none runs here */
    struct round *round;      /* NULL: none runs */
    struct progress progress; /* as this process last saw it */
    int64_t looked_ms;        /* monotonic: when a round was last started here */
    int64_t writer_look_ms;   /* monotonic: when it was last looked whether one is wanted */
};

/*
 * Becomes the writer if there is none, starts a round if anything is due, and returns at once.
 * `served` is the connection by which the process answers. 0, or a code with `error` set, of what
 * ran before; what failed is tried again.
 */
int maintenance_run(struct maintenance *maintenance, struct database *served,
                    const struct occasion *occasion, struct error *error);

/*
 * Waits for the end of a round, and lets the writer write what is there. 0, or a code with `error`
 * set, of the round.
 */
int maintenance_finish(struct maintenance *maintenance, struct error *error);

/* Says whether somebody's transaction keeps a large part of the log from being copied. */
bool maintenance_is_blocked(const struct lock_file *lock);

#endif
