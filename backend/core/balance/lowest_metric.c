#include "core/balance/lowest_metric.h"

#include <math.h>

#include "core/balance/rendezvous.h"

/* The highest value that counts as equal to the lowest. */
static double limit_of(double lowest, uint32_t tolerance_percent, double least_width)
{
    return lowest + fmax(fabs(lowest) * tolerance_percent / 100, least_width);
}

static void report_no_value(const struct selection *selection, const char *name)
{
    TRACE(selection->trace, .what = STEP_LOWEST, .outcome = OUTCOME_TOO_OLD,
          .values = {TRACE_TEXT("metric", name),
                     TRACE_INTEGER("max_age_s", selection->metric_max_age_s)});
    warnings_add(selection->warnings, "pool %s: no server has a metric %s newer than %lld s",
                 selection->pool->name, name, (long long)selection->metric_max_age_s);
}

size_t lowest_metric_pick(const struct selection *selection, const char *name, read_value *read,
                          double least_width)
{
    double values[POOL_SERVERS_MAX], lowest = INFINITY;
    bool eligible[POOL_SERVERS_MAX];
    struct fresh_metric metric;
    for (size_t i = 0; i < selection->count; i++) {
        eligible[i] = read(selection, selection->servers[i], &metric);
        values[i] = eligible[i] ? metric.value : INFINITY;
        lowest = fmin(lowest, values[i]);
        if (!eligible[i])
            TRACE(selection->trace, .what = STEP_METRIC, .outcome = OUTCOME_NOT_FOUND,
                  .values = {TRACE_TEXT("controller", selection->servers[i]->controller->name),
                             TRACE_INTEGER("position", selection->servers[i]->position),
                             TRACE_TEXT("metric", name)});
    }
    if (lowest == INFINITY) {
        report_no_value(selection, name);
        return METHOD_UNDECIDED;
    }
    double limit = limit_of(lowest, selection->pool->tolerance_percent, least_width);
    TRACE(selection->trace, .what = STEP_LOWEST,
          .values = {TRACE_TEXT("metric", name), TRACE_REAL("lowest", lowest),
                     TRACE_REAL("equal_up_to", limit)});
    for (size_t i = 0; i < selection->count; i++)
        eligible[i] &= values[i] <= limit;
    return rendezvous_pick_any(selection, eligible);
}
