/*
 * Pools that cannot do what they are configured for as things are: what their method compares is
 * missing, or they promise a type of address that not every client gets.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/balance/fresh_metric.h"
#include "core/base/error.h"
#include "core/sticky/without_client.h"
#include "program/command/status_parts.h"

/* The candidates of a pool, and how many have no fresh value of a metric. */
struct unmeasured {
    size_t candidates, count;
    const struct virtual_server *first;
};

static struct unmeasured find_unmeasured(const struct decision_inputs *inputs,
                                         const struct pool *pool, const char *metric)
{
    const struct selection selection = {.pool = pool,
                                        .now_s = inputs->now_s,
                                        .measured = inputs->measured,
                                        .metric_max_age_s =
                                            inputs->snapshot->settings.metric_max_age_s};
    struct unmeasured unmeasured = {0};
    struct fresh_metric value;
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if (virtual_server_state(server) != STATE_ENABLED ||
            !availability_server_up(inputs->availability, server))
            continue;
        unmeasured.candidates++;
        if (fresh_metric_of_server(&selection, server, metric, &value))
            continue;
        if (unmeasured.count++ == 0)
            unmeasured.first = server;
    }
    return unmeasured;
}

/* If no server has a value, paths may be measured instead. 0 or ERR_NOMEM. */
static int add_unmeasured(const struct decision_inputs *inputs, const struct pool *pool,
                          const struct method *method, bool has_paths, struct problems *problems)
{
    const char *metric = method_metric(method, pool);
    int64_t max_age_s = inputs->snapshot->settings.metric_max_age_s;
    struct unmeasured unmeasured = find_unmeasured(inputs, pool, metric);
    bool all = unmeasured.count == unmeasured.candidates;
    if (unmeasured.count == 0 || (all && method->reads_paths && has_paths))
        return 0;
    if (all)
        return problems_add(problems, "pool %s: no server has a metric %s newer than %" PRId64 " s",
                            pool->name, metric, max_age_s);
    return problems_add(problems,
                        "pool %s: %zu of %zu servers have no metric %s newer than %" PRId64
                        " s, the first is %s, position %" PRId64,
                        pool->name, unmeasured.count, unmeasured.candidates, metric, max_age_s,
                        unmeasured.first->controller->name, unmeasured.first->position);
}

/* Metrics that the pool's methods read and that are missing. 0 or ERR_NOMEM. */
static int add_metrics(const struct decision_inputs *inputs, const struct pool *pool,
                       bool has_paths, struct problems *problems)
{
    const char *first = method_metric(pool->method, pool);
    const char *second = pool->alternate ? method_metric(pool->alternate, pool) : NULL;
    int code = 0;
    if (first)
        code = add_unmeasured(inputs, pool, pool->method, has_paths, problems);
    if (code == 0 && second && (!first || strcmp(first, second) != 0))
        code = add_unmeasured(inputs, pool, pool->alternate, has_paths, problems);
    return code;
}

/*
 * Resolvers that use denials again would find no address, even though some clients get one (see
 * without_client.h). 0 or ERR_NOMEM.
 */
static int add_denied(const struct decision_inputs *inputs, const struct pool *pool,
                      struct problems *problems)
{
    struct common_offer common;
    offer_common_to_all(inputs, pool, &common);
    if (common.offer.ipv4 || common.offer.ipv6 || common.offer.name || !common.some_get_an_address)
        return 0;
    if (common.denying)
        return problems_add(problems,
                            "pool %s: in a signed zone, validating resolvers may find no address,"
                            " because pool %s has fallback none and cannot decide for everybody",
                            pool->name, common.denying->name);
    return problems_add(problems,
                        "pool %s: in a signed zone, validating resolvers may find no address,"
                        " because its sites have neither IPv4 nor IPv6 in common",
                        pool->name);
}

int status_add_pool_problems(const struct decision_inputs *inputs, bool has_paths,
                             struct problems *problems)
{
    const struct snapshot *snapshot = inputs->snapshot;
    bool *elsewhere = calloc(snapshot->pool_count + 1, sizeof *elsewhere); /* its names' zone */
    int code = elsewhere ? 0 : ERR_NOMEM;
    for (size_t i = 0; code == 0 && i < snapshot->name_count; i++)
        if (snapshot->names[i].pool && !snapshot->names[i].zone)
            elsewhere[snapshot->names[i].pool - snapshot->pools] = true;
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i];
        code = add_metrics(inputs, pool, has_paths, problems);
        if (code == 0 && elsewhere[i])
            code = add_denied(inputs, pool, problems);
    }
    free(elsewhere);
    return code;
}
