/*
 * Checkpoints: what is in the write-ahead log is copied to the database, and the log is started
 * over. Never by two processes at a time, and never by a thread that answers questions, since it
 * waits for the disk and for others.
 */
#ifndef STICKY_STORE_MAINTENANCE_CHECKPOINT_H
#define STICKY_STORE_MAINTENANCE_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "store/sqlite/database.h"

/*
 * With so many new pages, 64 MiB, the log is copied before its time. Nobody waits for that, and a
 * reader looks only at pages that are not copied yet, so it should not be many more.
 */
#define CHECKPOINT_PAGES_MAX 16384

/*
 * With so many, 512 MiB, it is started over even while others write. They have to wait for that,
 * some ten milliseconds for the disk, so it should be rare: once in ten seconds at 10,000 new
 * mappings a second. Far above, opening the database after a crash takes long, since SQLite reads
 * the log whole.
 */
#define RESTART_PAGES_MAX (8 * CHECKPOINT_PAGES_MAX)

/* A version of a file. Zeros: none. */
struct file_mark {
    uint64_t device, number;
    int64_t bytes, written_s, written_ns;
};

/* What a checkpoint leaves for the next one, perhaps of another process. */
struct log_progress {
    int64_t pages;         /* in the log when it ended */
    int64_t uncopied;      /* those of them that are not in the database yet */
    struct file_mark done; /* the log, when all that anybody has written was copied and flushed */
};

/*
 * Runs a checkpoint, unless nobody has written since the last one that copied all. A log that is
 * large and not in use is truncated; with `disk_short` any log is. 0; ERR_BUSY when others were in
 * the way, without more words, since the next one does it; ERR_LIMIT with `error` set when the log
 * grows because somebody reads for too long; or another code with `error` set.
 */
int checkpoint_run(struct database *database, struct log_progress *progress, bool disk_short,
                   struct error *error);

/* Says whether somebody's transaction keeps a large part of the log from being copied. */
bool checkpoint_is_blocked(const struct log_progress *progress);

#endif
