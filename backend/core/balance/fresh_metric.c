#include "core/balance/fresh_metric.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/error.h"

/* Below 0 when it is to come; INT64_MAX stands for what no number of 64 bits holds. */
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

/* Says what a table gave for a metric of `whose`, and what became of it. */
static void tell(const struct election *election, const struct virtual_server *server,
                 const char *name, const char *whose, const struct metric *metric, bool fresh)
{
    TRACE(election->trace, .what = STEP_METRIC, .outcome = fresh ? OUTCOME_FOUND : OUTCOME_TOO_OLD,
          .values = {TRACE_TEXT("controller", server->controller->name),
                     TRACE_INTEGER("position", server->position), TRACE_TEXT("metric", name),
                     TRACE_TEXT("of", whose), TRACE_REAL("value", metric->value),
                     TRACE_INTEGER("age_s", age_of(metric, election->now_s))});
}

static void tell_unreadable(const struct election *election, const struct virtual_server *server,
                            const char *name, const char *whose, int code)
{
    TRACE(election->trace, .what = STEP_METRIC, .outcome = OUTCOME_UNREADABLE,
          .values = {TRACE_TEXT("controller", server->controller->name),
                     TRACE_INTEGER("position", server->position), TRACE_TEXT("metric", name),
                     TRACE_TEXT("of", whose), TRACE_TEXT("error", error_text(code))});
    warnings_add(election->warnings, "pool %s: metric %s cannot be read: %s", election->pool->name,
                 name, error_text(code));
}

/* What a table gave for a metric of `whose`, if it can be trusted. */
static bool take(const struct election *election, const struct virtual_server *server,
                 const char *name, const char *whose, int code, const struct metric *metric,
                 int64_t max_age_s, struct fresh_metric *ret_reading)
{
    if (code == ERR_NOTFOUND)
        return false;
    if (code != 0) {
        tell_unreadable(election, server, name, whose, code);
        return false;
    }
    bool fresh = metric_is_fresh(metric, election->now_s, max_age_s);
    tell(election, server, name, whose, metric, fresh);
    if (fresh)
        *ret_reading = (struct fresh_metric){metric->value, age_of(metric, election->now_s)};
    return fresh;
}

bool fresh_metric_of_server(const struct election *election, const struct virtual_server *server,
                            const char *name, struct fresh_metric *ret_reading)
{
    const struct metric_table *table = election->measured;
    const struct controller *controller = server->controller;
    int64_t max_age_s = election->metric_max_age_s;
    struct metric metric;
    if (!table)
        return false;
    int code = table->server(table->context, server->id, name, &metric);
    if (take(election, server, name, "server", code, &metric, max_age_s, ret_reading))
        return true;
    code = table->controller(table->context, controller->id, name, &metric);
    return take(election, server, name, "controller", code, &metric, max_age_s, ret_reading);
}

bool fresh_metric_of_path(const struct election *election, const struct virtual_server *server,
                          struct fresh_metric *ret_reading)
{
    const struct metric_table *table = election->measured;
    const struct address *address = &election->client->address;
    struct metric metric;
    if (!table || address->family == FAMILY_NONE)
        return false;
    int code = table->path(table->context, address, server->controller->id, &metric);
    return take(election, server, "rtt", "path", code, &metric, election->path_metric_max_age_s,
                ret_reading);
}
