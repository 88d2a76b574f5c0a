/*
 * The lowest value of the metric that the pool names: connections, CPU load, whatever is measured.
 */
#include "core/balance/lowest_metric.h"

static bool read(const struct selection *selection, const struct virtual_server *server,
                 struct fresh_metric *ret_metric)
{
    return fresh_metric_of_server(selection, server, selection->pool->metric, ret_metric);
}

static size_t pick(const struct selection *selection)
{
    if (selection->pool->metric)
        return lowest_metric_pick(selection, selection->pool->metric, read, 0);
    TRACE(selection->trace, .what = STEP_LOWEST, .outcome = OUTCOME_NOT_FOUND);
    return METHOD_UNDECIDED;
}

const struct method method_least = {
    .name = "least", .reads_pool_metric = true, .pick = pick, .within = &method_rendezvous};
