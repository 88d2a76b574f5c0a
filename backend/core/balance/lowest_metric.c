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
    TRACE(election->trace, .what = STEP_LOWEST, .outcome = OUTCOME_TOO_OLD,
          .values = {TRACE_TEXT("metric", name),
                     TRACE_INTEGER("max_age_s", election->metric_max_age_s)});
    warnings_add(election->warnings, "pool %s: no server has a metric %s newer than %lld s",
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
            TRACE(election->trace, .what = STEP_METRIC, .outcome = OUTCOME_NOT_FOUND,
                  .values = {TRACE_TEXT("controller", election->servers[i]->controller->name),
                             TRACE_INTEGER("position", election->servers[i]->position),
                             TRACE_TEXT("metric", name)});
    }
    if (lowest == INFINITY) {
        say_nothing_known(election, name);
        return METHOD_UNDECIDED;
    }
    double edge = edge_of(lowest, election->pool->tolerance_percent, least_width);
    TRACE(election->trace, .what = STEP_LOWEST,
          .values = {TRACE_TEXT("metric", name), TRACE_REAL("lowest", lowest),
                     TRACE_REAL("equal_up_to", edge)});
    for (size_t i = 0; i < election->count; i++)
        stands[i] &= values[i] <= edge;
    return rendezvous_pick_any(election, stands);
}
