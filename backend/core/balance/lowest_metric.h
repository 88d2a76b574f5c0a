/*
 * Picks the server with the lowest measured value, within a tolerance.
 *
 * All servers whose value is within the pool's tolerance of the lowest count as equal; among equals
 * the choice depends only on the client (rendezvous.h). So a value that varies within the tolerance
 * moves no client. Servers without a fresh value are not candidates.
 */
#ifndef STICKY_CORE_BALANCE_LOWEST_METRIC_H
#define STICKY_CORE_BALANCE_LOWEST_METRIC_H

#include "core/balance/fresh_metric.h"

/* Reads the value of a server; false when there is no fresh one. */
typedef bool read_value(const struct selection *selection, const struct virtual_server *server,
                        struct fresh_metric *ret_metric);

/*
 * The index of the picked server; or METHOD_UNDECIDED, with a warning, when no server has a value.
 * `name` is the metric's; `least_width` is the least tolerance, in units of the metric.
 */
size_t lowest_metric_pick(const struct selection *selection, const char *name, read_value *read,
                          double least_width);

#endif
