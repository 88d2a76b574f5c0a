#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/balance/fresh_metric.h"
#include "core/sticky/mapping.h"
#include "program/command/command.h"
#include "program/command/health.h"
#include "system/clock.h"

/* PowerDNS waits two seconds for the output; a table too large to count by then is cut short. */
#define COUNT_MS 1000
/* A flood that is over for so long is no problem any more. */
#define REFUSED_SHOWN_MS (10 * 60 * 1000)
/* Rows between looks at the clock. */
#define COUNT_STRIDE 4096

/* The live mappings of a pool that lead to one controller, and when the last of them ends. */
struct tally {
    int64_t live, end_s;
};

/* Live mappings by controller of each pool, while they are counted. */
struct census {
    const struct world *world;
    struct tally *tallies; /* [pool][controller] */
    int64_t total, rows, until_ms;
    bool cut_short;
};

static struct tally *census_place(const struct census *census, const struct pool *pool,
                                  const struct controller *controller)
{
    const struct snapshot *snapshot = census->world->snapshot;
    return &census->tallies[(size_t)(pool - snapshot->pools) * snapshot->controller_count +
                            controller->index];
}

static void add_mapping(struct tally *tally, const struct mapping *mapping)
{
    int64_t end_s = mapping->timestamp_s + mapping->ttl_s;
    tally->live++;
    if (end_s > tally->end_s)
        tally->end_s = end_s;
}

static bool count_mapping(void *context, int64_t pool_id, const char *key,
                          const struct mapping *mapping)
{
    struct census *census = context;
    const struct world *world = census->world;
    const struct pool *pool = snapshot_pool(world->snapshot, pool_id);
    const struct client nobody = {.known = false};
    const struct election election = {.pool = pool, .client = &nobody, .now_s = world->now_s};
    const struct virtual_server *server;
    (void)key;
    if (pool && mapping_evaluate(mapping, &election, world->snapshot, world->metrics, &server) ==
                    MAPPING_LIVE) {
        add_mapping(census_place(census, pool, server->controller), mapping);
        census->total++;
    }
    if (++census->rows % COUNT_STRIDE == 0 && clock_monotonic_ms() > census->until_ms)
        census->cut_short = true;
    return !census->cut_short;
}

/* How far the draining is. With the sliding timer each question puts the end off. */
static void print_draining(const struct census *census, const struct pool *pool,
                           const struct tally *tally, struct buffer *out)
{
    int64_t left_s = tally->end_s - census->world->now_s;
    if (tally->live == 0)
        buffer_add_text(out, "       drained: no live mappings\n");
    else
        buffer_printf(
            out,
            "       draining: %s%" PRId64 " live mapping%s, the last ends in %" PRId64 " s%s\n",
            census->cut_short ? "more than " : "", tally->live, tally->live == 1 ? "" : "s", left_s,
            pool->keeper->timer == TIMER_SLIDING ? " unless it is asked for" : "");
}

static void print_server(const struct census *census, const struct pool *pool,
                         const struct virtual_server *server, size_t number, struct buffer *out)
{
    const struct controller *controller = server->controller;
    const struct metrics *metrics = census->world->metrics;
    const struct tally *tally = census_place(census, pool->keeper, controller);
    buffer_printf(out, "  %3zu  %-16s %-15s  %-26s %-9s %-4s %10" PRId64 "\n", number,
                  controller->name, server->ipv4 ? server->ipv4 : "-",
                  server->ipv6 ? server->ipv6 : "-", state_word(virtual_server_state(server)),
                  metrics_server_up(metrics, server) ? "up" : "down", tally->live);
    if (virtual_server_state(server) == STATE_DRAINING)
        print_draining(census, pool, tally, out);
}

/* What only some methods go by, where the pool has it. */
static void print_chain(const struct pool *pool, struct buffer *out)
{
    const char *metric = method_metric(pool->method, pool);
    if (!metric && pool->alternate)
        metric = method_metric(pool->alternate, pool);
    if (pool->alternate)
        buffer_printf(out, "  alternate method %s\n", pool->alternate->name);
    if (metric)
        buffer_printf(out, "  metric %s, tolerance %u %%\n", metric, pool->tolerance_percent);
}

static void print_pool(const struct census *census, const struct pool *pool, struct buffer *out)
{
    buffer_printf(
        out, "pool %s: method %s, ttl %u, persistence %u %s, client %s /%u /%u, fallback %s%s\n",
        pool->name, pool->method->name, pool->ttl_s, pool->keeper->persistence_ttl_s,
        persistence_timer_word(pool->keeper->timer), client_kind_word(pool->keeper->client),
        pool->keeper->ipv4_prefix_bits, pool->keeper->ipv6_prefix_bits,
        pool->fallback_pool ? "pool " : fallback_word(pool->fallback),
        pool->fallback_pool ? pool->fallback_pool->name : "");
    print_chain(pool, out);
    if (pool->keeper != pool)
        buffer_printf(out, "  shares the mappings of pool %s\n", pool->keeper->name);
    for (size_t i = 0; i < pool->server_count; i++)
        print_server(census, pool, &pool->servers[i], i + 1, out);
}

/*
 * Which servers that get new clients have no value that a method of the pool could go by. Where
 * none has, paths may be what is measured in their place.
 */
static void print_missing_metric(const struct world *world, const struct pool *pool,
                                 const struct method *method, bool has_paths, struct buffer *out)
{
    const char *metric = method_metric(method, pool);
    const struct settings *settings = &world->snapshot->settings;
    const struct election election = {.pool = pool,
                                      .now_s = world->now_s,
                                      .measured = world->measured,
                                      .metric_max_age_s = settings->metric_max_age_s};
    const struct virtual_server *without = NULL;
    size_t standing = 0, missing = 0;
    struct fresh_metric reading;
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if (virtual_server_state(server) != STATE_ENABLED ||
            !metrics_server_up(world->metrics, server))
            continue;
        standing++;
        if (fresh_metric_of_server(&election, server, metric, &reading))
            continue;
        missing++;
        without = without ? without : server;
    }
    if (missing == standing && method->reads_paths && has_paths)
        return;
    if (missing > 0 && missing == standing)
        buffer_printf(out, "problem: pool %s: no server has a metric %s newer than %" PRId64 " s\n",
                      pool->name, metric, settings->metric_max_age_s);
    else if (missing > 0)
        buffer_printf(out,
                      "problem: pool %s: %zu of %zu servers have no metric %s newer than %" PRId64
                      " s, the first is %s, position %" PRId64 "\n",
                      pool->name, missing, standing, metric, settings->metric_max_age_s,
                      without->controller->name, without->position);
}

static void print_missing_metrics(const struct world *world, bool has_paths, struct buffer *out)
{
    for (size_t i = 0; i < world->snapshot->pool_count; i++) {
        const struct pool *pool = &world->snapshot->pools[i];
        const char *first = method_metric(pool->method, pool);
        const char *second = pool->alternate ? method_metric(pool->alternate, pool) : NULL;
        if (first)
            print_missing_metric(world, pool, pool->method, has_paths, out);
        if (second && (!first || strcmp(first, second) != 0))
            print_missing_metric(world, pool, pool->alternate, has_paths, out);
    }
}

static void print_problems(const struct command_call *call, const struct world *world)
{
    const struct snapshot *snapshot = world->snapshot;
    struct store *store = responder_store(call->responder);
    const char *read_only = store_read_only(store), *full = store_full(store);
    const char *older = store_older(store), *problem;
    const struct topology_loader *loader = responder_atlas(call->responder);
    int64_t refused_ms = store_refused_ago_ms(store, clock_monotonic_ms());
    if (read_only)
        buffer_printf(call->out, "problem: %s\n", read_only);
    if (older)
        buffer_printf(call->out, "problem: %s\n", older);
    if (full)
        buffer_printf(call->out, "problem: %s: %s\n", call->database, full);
    if (refused_ms >= 0 && refused_ms < REFUSED_SHOWN_MS)
        buffer_printf(call->out,
                      "problem: more mappings than max_writes_per_second, %" PRId64
                      " s ago some were not kept\n",
                      refused_ms / 1000);
    if (store_log_is_pinned(store))
        buffer_printf(call->out,
                      "problem: %s-wal is large, somebody keeps a transaction open that reads the"
                      " database\n",
                      call->database);
    for (size_t i = 0; i < snapshot->problems.count; i++)
        buffer_printf(call->out, "problem: %s\n", snapshot->problems.lines[i]);
    for (size_t i = 0; loader && (problem = topology_loader_problem(loader, i)); i++)
        buffer_printf(call->out, "problem: %s\n", problem);
    print_missing_metrics(world, store_has_path_metrics(store), call->out);
    health_print_problems(store, call->out);
}

static void print_topology(const struct topology_loader *loader, struct buffer *out)
{
    const struct topology *topology = topology_loader_topology(loader);
    size_t files = 0;
    if (topology)
        topology_geo_databases(topology, &files);
    buffer_printf(out, "topology %zu rows, geo databases %zu%s\n",
                  topology ? topology_row_count(topology) : 0, files,
                  topology_loader_is_loading(loader) ? ", others are being loaded" : "");
}

static void print_all(const struct command_call *call, const struct census *census)
{
    const struct snapshot *snapshot = census->world->snapshot;
    struct buffer *out = call->out;
    buffer_printf(out, "pdns-sticky " PACKAGE_VERSION ", database %s\n", call->database);
    buffer_printf(
        out, "zones %zu, names %zu, pools %zu, virtual servers %zu, live mappings %s%" PRId64 "\n",
        snapshot->zone_count, snapshot->name_count, snapshot->pool_count, snapshot->server_count,
        census->cut_short ? "more than " : "", census->total);
    if (responder_atlas(call->responder))
        print_topology(responder_atlas(call->responder), out);
    print_problems(call, census->world);
    for (size_t i = 0; i < snapshot->pool_count; i++)
        print_pool(census, &snapshot->pools[i], out);
    health_print(responder_store(call->responder), census->world, out);
    if (census->cut_short)
        buffer_printf(out, "counting stopped after %" PRId64 " mappings, the numbers are too low\n",
                      census->rows);
}

enum command_result command_status(const struct command_call *call)
{
    struct world world;
    struct error error = {0};
    if (responder_enter(call->responder, &world, &error) != 0)
        return command_failed(call, &error);
    const struct snapshot *snapshot = world.snapshot;
    struct census census = {.world = &world, .until_ms = clock_monotonic_ms() + COUNT_MS};
    census.tallies =
        calloc(snapshot->pool_count * snapshot->controller_count + 1, sizeof *census.tallies);
    int code = census.tallies ? store_each_mapping(responder_store(call->responder), count_mapping,
                                                   &census, &error)
                              : error_set(&error, ERR_NOMEM, "out of memory");
    if (code == 0)
        print_all(call, &census);
    free(census.tallies);
    responder_leave(call->responder);
    return code == 0 ? COMMAND_OK : command_failed(call, &error);
}
