/*
 * The server with the lowest measured value, give or take a tolerance.
 *
 * All servers within the pool's tolerance of the lowest value count as equal, and among equals the
 * client alone decides (rendezvous.h). So a measurement that trembles moves no client, as long as
 * it stays within the band. Servers without a value that can be trusted do not stand.
 */
#ifndef STICKY_CORE_BALANCE_LOWEST_METRIC_H
#define STICKY_CORE_BALANCE_LOWEST_METRIC_H

#include "core/balance/fresh_metric.h"

/* Gives what a server is measured by; false when that is not known. */
typedef bool read_value(const struct selection *selection, const struct virtual_server *server,
                        struct fresh_metric *ret_metric);

/*
 * The index of the picked server, or METHOD_UNDECIDED, with a warning, when no server has a value.
 * `name` is the metric's, `least_width` the width of the band if the tolerance gives less.
 */
size_t lowest_metric_pick(const struct selection *selection, const char *name, read_value *read,
                          double least_width);

#endif
