/*
 * Values measured for servers, controllers and the paths to them (claims 15 and 16). Availability
 * is kept separately, in struct availability, since every choice needs it.
 *
 * Values are read through struct metric_table, so the methods need no database, and a value counts
 * as soon as it is committed.
 */
#ifndef STICKY_CORE_BALANCE_METRIC_H
#define STICKY_CORE_BALANCE_METRIC_H

#include <stdint.h>

#include "core/network/address.h"

/* The longest name of a metric, with NUL; the schema allows as much. */
#define METRIC_NAME_MAX 33

struct metric {
    double value;          /* of `rtt`: milliseconds */
    int64_t measured_at_s; /* Unix time */
};

/*
 * Reads measured values. `context` is passed to all functions. Each returns 0 with `ret_metric`
 * set, ERR_NOTFOUND, or another code when the table cannot be read.
 */
struct metric_table {
    int (*server)(void *context, int64_t server_id, const char *name, struct metric *ret_metric);
    int (*controller)(void *context, int64_t controller_id, const char *name,
                      struct metric *ret_metric);
    /* The round trip time of a controller and the longest network that holds the client's. */
    int (*path)(void *context, const struct prefix *client, int64_t controller_id,
                struct metric *ret_metric);
    void *context;
};

#endif
