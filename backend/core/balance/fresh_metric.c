#include "core/balance/fresh_metric.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/error.h"

/*
 * Negative if the value was measured in the future. INT64_MAX if the age does not fit into 64 bits.
 */
static int64_t age_of(const struct metric *metric, int64_t now_s)
{
    int64_t age_s;
    if (__builtin_sub_overflow(now_s, metric->measured_at_s, &age_s))
        return INT64_MAX;
    return age_s;
}

bool metric_is_fresh(const struct metric *metric, int64_t now_s, int64_t max_age_s)
{
    int64_t age_s = age_of(metric, now_s);
    return isfinite(metric->value) && age_s >= -max_age_s && age_s <= max_age_s;
}

/* Traces the value that a table gave, and whether it is used. */
static void trace_metric(const struct selection *selection, const struct virtual_server *server,
                         const char *name, const char *whose, const struct metric *metric,
                         bool fresh)
{
    TRACE(selection->trace, .what = STEP_METRIC, .outcome = fresh ? OUTCOME_FOUND : OUTCOME_TOO_OLD,
          .values = {TRACE_TEXT("controller", server->controller->name),
                     TRACE_INTEGER("position", server->position), TRACE_TEXT("metric", name),
                     TRACE_TEXT("of", whose), TRACE_REAL("value", metric->value),
                     TRACE_INTEGER("age_s", age_of(metric, selection->now_s))});
}

static void report_unreadable(const struct selection *selection,
                              const struct virtual_server *server, const char *name,
                              const char *whose, int code)
{
    TRACE(selection->trace, .what = STEP_METRIC, .outcome = OUTCOME_UNREADABLE,
          .values = {TRACE_TEXT("controller", server->controller->name),
                     TRACE_INTEGER("position", server->position), TRACE_TEXT("metric", name),
                     TRACE_TEXT("of", whose), TRACE_TEXT("error", error_text(code))});
    warnings_add(selection->warnings, "pool %s: metric %s cannot be read: %s",
                 selection->pool->name, name, error_text(code));
}

/*
 * Takes what a table gave for a metric, if it is there and fresh. `whose` says what was measured.
 */
static bool take(const struct selection *selection, const struct virtual_server *server,
                 const char *name, const char *whose, int code, const struct metric *metric,
                 int64_t max_age_s, struct fresh_metric *ret_metric)
{
    if (code == ERR_NOTFOUND)
        return false;
    if (code != 0) {
        report_unreadable(selection, server, name, whose, code);
        return false;
    }
    bool fresh = metric_is_fresh(metric, selection->now_s, max_age_s);
    trace_metric(selection, server, name, whose, metric, fresh);
    if (fresh)
        *ret_metric = (struct fresh_metric){metric->value, age_of(metric, selection->now_s)};
    return fresh;
}

bool fresh_metric_of_server(const struct selection *selection, const struct virtual_server *server,
                            const char *name, struct fresh_metric *ret_metric)
{
    const struct metric_table *table = selection->measured;
    const struct controller *controller = server->controller;
    int64_t max_age_s = selection->metric_max_age_s;
    struct metric metric;
    if (!table)
        return false;
    int code = table->server(table->context, server->id, name, &metric);
    if (take(selection, server, name, "server", code, &metric, max_age_s, ret_metric))
        return true;
    code = table->controller(table->context, controller->id, name, &metric);
    return take(selection, server, name, "controller", code, &metric, max_age_s, ret_metric);
}

bool fresh_metric_of_path(const struct selection *selection, const struct virtual_server *server,
                          struct fresh_metric *ret_metric)
{
    const struct metric_table *table = selection->measured;
    const struct prefix *network = &selection->client->network;
    struct metric metric;
    if (!table || network->address.family == FAMILY_NONE)
        return false;
    int code = table->path(table->context, network, server->controller->id, &metric);
    return take(selection, server, "rtt", "path", code, &metric, selection->path_metric_max_age_s,
                ret_metric);
}
