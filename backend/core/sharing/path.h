/*
 * Round trip times that name servers tell each other, and which of two stays.
 *
 * A round trip time is measured on one server, again and again, and soon worthless. So it is no
 * entry (entry.h): the later one of two stays, there is no word of a deletion, and who measured
 * it is who tells it. Times are whole seconds. Of two from the same second the one that stands
 * stays, so that no peer replaces what was measured here by what is not newer.
 *
 * Pure; nothing here can fail.
 */
#ifndef STICKY_CORE_SHARING_PATH_H
#define STICKY_CORE_SHARING_PATH_H

#include <stdint.h>

#include "core/balance/pool.h"
#include "core/network/address.h"
#include "core/sharing/entry.h"

/* A row of `path_metric`. */
struct shared_path {
    char network[PREFIX_TEXT_MAX]; /* always with its length: "192.0.2.1/32" */
    char controller[ROW_NAME_MAX];
    double rtt_ms;
    int64_t measured_at_s; /* Unix time */
};

/* An hour: longer ones are no measurements. */
#define SHARED_RTT_MAX_MS 3600000.0

/* Why a row cannot be shared, such as "its rtt is not 0 to 3600000"; NULL: it can. */
const char *shared_path_problem(const struct shared_path *path);

/* What a round trip time is judged by. */
struct path_judge {
    int64_t now_s, skew_s;
    int64_t max_age_s; /* path_metric_max_age */
};

/*
 * What becomes of one that was measured at `told_s`, when `standing_s` is the time of the one that
 * stands (NULL: there is none). ENTRY_OLDER also when it is too old to be used, ENTRY_FUTURE when
 * it is further ahead than the skew. One that stands there is replaced by any when it is further
 * ahead itself: our clock was set back since.
 */
enum entry_fate path_fate(const struct path_judge *judge, int64_t told_s,
                          const int64_t *standing_s);

#endif
