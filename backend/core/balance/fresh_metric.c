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

/* What a table gave for a metric of `whose`, if it can be trusted. */
static bool take(const struct election *election, const struct virtual_server *server,
                 const char *name, const char *whose, int code, const struct metric *metric,
                 int64_t max_age_s, struct fresh_metric *ret_reading)
{
    if (code == ERR_NOTFOUND)
        return false;
    if (code != 0) {
        trace_say(election->trace, "%s, position %lld: %s of the %s cannot be read: %s",
                  server->controller->name, (long long)server->position, name, whose,
                  error_text(code));
        trace_say(election->warnings, "pool %s: metric %s cannot be read: %s", election->pool->name,
                  name, error_text(code));
        return false;
    }
    bool fresh = metric_is_fresh(metric, election->now_s, max_age_s);
    struct fresh_metric reading = {metric->value, age_of(metric, election->now_s)};
    trace_say(election->trace, "%s, position %lld: %s of the %s %g, %lld s old%s",
              server->controller->name, (long long)server->position, name, whose, reading.value,
              (long long)reading.age_s, fresh ? "" : ", not trusted");
    if (fresh)
        *ret_reading = reading;
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
