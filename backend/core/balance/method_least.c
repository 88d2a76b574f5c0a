/*
 * The lowest value of the metric that the pool names: connections, cpu, what one likes.
 */
#include "core/balance/lowest_metric.h"

static bool read(const struct election *election, const struct virtual_server *server,
                 struct fresh_metric *ret_reading)
{
    return fresh_metric_of_server(election, server, election->pool->metric, ret_reading);
}

static size_t pick(const struct election *election)
{
    if (election->pool->metric)
        return lowest_metric_pick(election, election->pool->metric, read, 0);
    TRACE(election->trace, .what = STEP_LOWEST, .outcome = OUTCOME_NOT_FOUND);
    return METHOD_UNDECIDED;
}

const struct method method_least = {
    .name = "least", .reads_pool_metric = true, .pick = pick, .within = &method_rendezvous};
