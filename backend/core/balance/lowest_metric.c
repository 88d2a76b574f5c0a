#include "core/balance/lowest_metric.h"

#include <math.h>

#include "core/balance/rendezvous.h"

/* The highest value that counts as equal to the lowest. */
static double edge_of(double lowest, uint32_t tolerance_percent, double least_width)
{
    return lowest + fmax(fabs(lowest) * tolerance_percent / 100, least_width);
}

static void say_nothing_known(const struct election *election, const char *name)
{
    trace_say(election->trace, "no server has a metric %s newer than %lld s", name,
              (long long)election->metric_max_age_s);
    trace_say(election->warnings, "pool %s: no server has a metric %s newer than %lld s",
              election->pool->name, name, (long long)election->metric_max_age_s);
}

size_t lowest_metric_pick(const struct election *election, const char *name, read_value *read,
                          double least_width)
{
    double values[POOL_SERVERS_MAX], lowest = INFINITY;
    bool stands[POOL_SERVERS_MAX];
    struct fresh_metric reading;
    for (size_t i = 0; i < election->count; i++) {
        stands[i] = read(election, election->servers[i], &reading);
        values[i] = stands[i] ? reading.value : INFINITY;
        lowest = fmin(lowest, values[i]);
        if (!stands[i])
            trace_say(election->trace, "%s, position %lld: no %s to go by",
                      election->servers[i]->controller->name,
                      (long long)election->servers[i]->position, name);
    }
    if (lowest == INFINITY) {
        say_nothing_known(election, name);
        return METHOD_UNDECIDED;
    }
    double edge = edge_of(lowest, election->pool->tolerance_percent, least_width);
    trace_say(election->trace, "lowest %s %g, equal up to %g", name, lowest, edge);
    for (size_t i = 0; i < election->count; i++)
        stands[i] &= values[i] <= edge;
    return rendezvous_pick_any(election, stands);
}
