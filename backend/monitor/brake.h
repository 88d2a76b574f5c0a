/*
 * The mass-failure brake: when too many targets fail at once, the monitor's own network is
 * suspected, and no target goes down.
 *
 * A target counts if it was up, began to fail within the last `window_s`, and still fails. First
 * failures are counted, not verdicts: these come `fall` checks later, and the first would be
 * written before the last are known. If more than `percent` of all targets count, the brake is
 * engaged. It is released when so many of them answer again that the rest is not more than
 * `percent`. The rest no longer counts, and each of it goes down when it fails once more: the
 * network may be whole again, and they were not asked since. The brake is never released only
 * because of time, since nothing new is known then; `percent` 0 turns it off.
 *
 * A single failing target never engages the brake, however few targets there are. So with the
 * default of 50, the failure of one target of two, or of one site of three, counts as real; that of
 * both of two targets, or of two sites of three at once, is held back.
 *
 * The caller keeps, for each target that counts, the second that brake_begin() returned. Times are
 * seconds of a monotonic clock; one that goes back is taken to stand still.
 */
#ifndef STICKY_MONITOR_BRAKE_H
#define STICKY_MONITOR_BRAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest window that the table `setting` allows. */
#define BRAKE_WINDOW_MAX_S 3600

struct brake {
    bool engaged;
    int64_t now_s;
    int64_t first_s;                        /* failures that began from here on count */
    size_t failing;                         /* targets that began since then, and still fail */
    uint32_t began[BRAKE_WINDOW_MAX_S + 1]; /* failing targets by the second in which they began */
};

/* A target that was up begins to fail. Returns the second to pass to brake_end(). */
int64_t brake_begin(struct brake *brake, int64_t now_s);

/* A target that began to fail in that second answers again, or was removed. */
void brake_end(struct brake *brake, int64_t began_s);

/*
 * Engages or releases the brake; says whether `engaged` changed. `window_s` is
 * 1..BRAKE_WINDOW_MAX_S.
 */
bool brake_update(struct brake *brake, size_t targets, int64_t percent, int64_t window_s,
                  int64_t now_s);

/* Says whether a failure that began in that second counts, that is, is within the window. */
bool brake_counts(const struct brake *brake, int64_t began_s);

#endif
