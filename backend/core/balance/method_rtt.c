/*
 * The lowest round trip time: of the path between this client and the controller if that was
 * measured, else of the server or its controller as the monitor measured it.
 */
#include "core/balance/lowest_metric.h"

/* Round trip times vary by a fraction of a millisecond at any distance. */
#define LEAST_WIDTH_MS 1.0

static bool read(const struct selection *selection, const struct virtual_server *server,
                 struct fresh_metric *ret_metric)
{
    return fresh_metric_of_path(selection, server, ret_metric) ||
           fresh_metric_of_server(selection, server, "rtt", ret_metric);
}

static size_t pick(const struct selection *selection)
{
    return lowest_metric_pick(selection, "rtt", read, LEAST_WIDTH_MS);
}

const struct method method_rtt = {.name = "rtt",
                                  .reads_paths = true,
                                  .metric = "rtt",
                                  .pick = pick,
                                  .within = &method_rendezvous};
