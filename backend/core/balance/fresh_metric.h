/*
 * Measured values as a method may trust them: the nearest one that is fresh.
 *
 * A value is fresh when it was measured at most so many seconds ago, or as many ahead: clocks
 * differ, but a value from far ahead would be trusted for ever. What cannot be read counts as not
 * measured and is warned of. Steps go to the selection's trace.
 */
#ifndef STICKY_CORE_BALANCE_FRESH_METRIC_H
#define STICKY_CORE_BALANCE_FRESH_METRIC_H

#include <stdbool.h>

#include "core/balance/method.h"
#include "core/balance/metric.h"

struct fresh_metric {
    double value; /* finite */
    int64_t age_s;
};

/*
 * The metric of a server, else of its controller. False when neither is fresh; `ret_metric` is
 * then untouched.
 */
bool fresh_metric_of_server(const struct selection *selection, const struct virtual_server *server,
                            const char *name, struct fresh_metric *ret_metric);

/* The round trip between the selection's client and the server's controller, likewise. */
bool fresh_metric_of_path(const struct selection *selection, const struct virtual_server *server,
                          struct fresh_metric *ret_metric);

bool metric_is_fresh(const struct metric *metric, int64_t now_s, int64_t max_age_s);

#endif
