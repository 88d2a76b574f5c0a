/*
 * Measured values that a method may use: of the server if there is a fresh one, else of its
 * controller.
 *
 * A value is fresh if it was measured at most a number of seconds ago, or in the future: clocks
 * differ, but a value from the far future would stay fresh for ever. What cannot be read counts as
 * not measured, with a warning. Values are recorded in the selection's trace.
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
 * The metric of a server, else of its controller. False, with `ret_metric` untouched, when neither
 * is fresh.
 */
bool fresh_metric_of_server(const struct selection *selection, const struct virtual_server *server,
                            const char *name, struct fresh_metric *ret_metric);

/* The round trip between the selection's client and the server's controller, likewise. */
bool fresh_metric_of_path(const struct selection *selection, const struct virtual_server *server,
                          struct fresh_metric *ret_metric);

bool metric_is_fresh(const struct metric *metric, int64_t now_s, int64_t max_age_s);

#endif
