/*
 * Gathers what an operator should look at, as sentences: about the database, rows that cannot be
 * used, servers without fresh metrics, the monitor and sharing.
 */
#include <inttypes.h>
#include <string.h>

#include "core/balance/fresh_metric.h"
#include "program/command/status_parts.h"

/* A flood that ended this long ago is no longer a problem. */
#define REFUSED_SHOWN_MS (10 * 60 * 1000)

/* 0 or ERR_NOMEM. */
static int add_all(const struct problems *from, struct problems *problems)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < from->count; i++)
        code = problems_add(problems, "%s", from->lines[i]);
    return code;
}

/* 0 or ERR_NOMEM. */
static int add_of_database(const struct status *status, struct problems *problems)
{
    const struct status_database *database = &status->database;
    const struct status_limits *limits = &status->limits;
    int code = 0;
    if (database->read_only)
        code = problems_add(problems, "%s", database->read_only);
    if (code == 0 && status->counts.unwritten > 0)
        code = problems_add(problems,
                            "%zu mapping%s in %s-claims cannot be stored now: the database is"
                            " locked, its disk is full, or the process that stores them is stopped",
                            status->counts.unwritten, status->counts.unwritten == 1 ? "" : "s",
                            database->path);
    if (code == 0 && limits->claims_full)
        code = problems_add(problems, "%s-claims is full: some new mappings are not kept",
                            database->path);
    if (code == 0 && limits->full)
        code = problems_add(problems, "%s: %s", database->path, limits->full);
    if (code == 0 && limits->refused_ago_ms >= 0 && limits->refused_ago_ms < REFUSED_SHOWN_MS)
        code = problems_add(
            problems,
            "more new mappings than max_writes_per_second: some were not stored %" PRId64 " s ago",
            limits->refused_ago_ms / 1000);
    if (code == 0 && status->maintenance.log_is_blocked)
        code = problems_add(problems,
                            "%s-wal is large, because a process keeps a transaction open that reads"
                            " the database",
                            database->path);
    return code;
}

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

/* Adds the metrics that the pool's methods read and that are missing. 0 or ERR_NOMEM. */
static int add_of_pool(const struct decision_inputs *inputs, const struct pool *pool,
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

/* 0 or ERR_NOMEM. */
static int add_of_topology(const struct topology_loader *loader, struct problems *problems)
{
    const char *problem;
    int code = 0;
    for (size_t i = 0; code == 0 && loader && (problem = topology_loader_problem(loader, i)); i++)
        code = problems_add(problems, "%s", problem);
    return code;
}

int status_gather_problems(struct responder *responder, const struct decision_inputs *inputs,
                           const struct problems *others, struct status *status)
{
    const struct snapshot *snapshot = inputs->snapshot;
    struct problems *problems = &status->problems;
    bool has_paths = store_has_path_metrics(responder_store(responder));
    int code = add_of_database(status, problems);
    if (code == 0)
        code = add_all(&snapshot->problems, problems);
    if (code == 0)
        code = add_of_topology(responder_topology_loader(responder), problems);
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++)
        code = add_of_pool(inputs, &snapshot->pools[i], has_paths, problems);
    return code == 0 ? add_all(others, problems) : code;
}
