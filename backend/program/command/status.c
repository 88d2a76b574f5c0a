/*
 * Gathers a status: facts of database and configuration, and the live mappings, which are counted
 * by reading the table once.
 *
 * Several pools may use the mappings of one. Mappings to the same controller, with time left and of
 * the right method, are all live in such a pool or none is: its servers decide. So these are
 * counted first, and then each pool is asked once for each of its servers.
 */
#include "program/command/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sticky/mapping.h"
#include "program/command/status_parts.h"
#include "system/clock.h"

/* PowerDNS waits two seconds for the output, so counting a large table is stopped before. */
#define COUNT_MS 1000
/* A transaction that lasts so long is not one of ours. */
#define LOCKED_MS 600
/* Rows between checks of the clock. */
#define COUNT_STRIDE 4096

/*
 * The mappings to a controller that a pool keeps, if only servers can hinder that they are live;
 * and when the last of them ends.
 */
struct kept_mappings {
    int64_t count, end_s;
    bool live; /* in a pool that uses them */
};

/* The state of counting. */
struct mapping_count {
    const struct decision_inputs *inputs;
    struct kept_mappings *kept; /* [pool][controller] */
    struct status_counts *counts;
    int64_t until_ms; /* monotonic */
};

static struct kept_mappings *kept_of(const struct mapping_count *count, const struct pool *pool,
                                     const struct controller *controller)
{
    const struct snapshot *snapshot = count->inputs->snapshot;
    size_t pool_index = (size_t)(pool - snapshot->pools);
    return &count->kept[pool_index * snapshot->controller_count + controller->index];
}

static void add_kept(const struct mapping_count *count, const struct pool *pool,
                     const struct mapping *mapping)
{
    struct kept_mappings *kept =
        kept_of(count, pool, snapshot_controller(count->inputs->snapshot, mapping->controller_id));
    int64_t end_s = mapping->timestamp_s + mapping->ttl_s;
    kept->count++;
    if (end_s > kept->end_s)
        kept->end_s = end_s;
}

static enum mapping_state state_in(const struct mapping_count *count, const struct pool *pool,
                                   const struct mapping *mapping)
{
    const struct decision_inputs *inputs = count->inputs;
    return mapping_state_in(mapping, pool, inputs->snapshot, inputs->availability, inputs->now_s);
}

/* Says whether a mapping in this state would be live in a pool with other servers. */
static bool is_up_to_servers(enum mapping_state state)
{
    return state == MAPPING_LIVE || state == MAPPING_NO_SERVER || state == MAPPING_SERVERS_DOWN;
}

/* Says whether the mappings to a controller that were counted for a pool are live in it. */
static bool are_live(const struct mapping_count *count, const struct pool *pool,
                     const struct controller *controller)
{
    struct mapping any = {
        .controller_id = controller->id, .timestamp_s = count->inputs->now_s, .ttl_s = 1};
    strcpy(any.method, pool->persistence_pool->method->name);
    return state_in(count, pool, &any) == MAPPING_LIVE;
}

static void note_unmatched(const struct mapping_count *count, const struct pool *pool,
                           const char *key, const struct mapping *mapping)
{
    const struct decision_inputs *inputs = count->inputs;
    struct status_counts *counts = count->counts;
    if (mapping_left_s(mapping, inputs->now_s) == 0 ||
        client_key_can_match(key, pool, &inputs->snapshot->groups))
        return;
    if (counts->unmatched++ > 0)
        return;
    counts->unmatched_pool = pool;
    snprintf(counts->unmatched_key, sizeof counts->unmatched_key, "%s", key);
}

static bool count_mapping(void *context, int64_t pool_id, const char *key,
                          const struct mapping *mapping)
{
    struct mapping_count *count = context;
    const struct decision_inputs *inputs = count->inputs;
    struct status_counts *counts = count->counts;
    const struct pool *pool = snapshot_pool(inputs->snapshot, pool_id);
    if (pool)
        note_unmatched(count, pool, key, mapping);
    if (pool && is_up_to_servers(state_in(count, pool, mapping)))
        add_kept(count, pool, mapping);
    if (++counts->mappings_read % COUNT_STRIDE == 0 && clock_monotonic_ms() > count->until_ms)
        counts->mappings_partial = true;
    return !counts->mappings_partial;
}

static bool has_address_down(const struct mapping_count *count, const struct virtual_server *server,
                             enum address_family family)
{
    const struct availability *availability = count->inputs->availability;
    return virtual_server_address(server, family) && availability_server_up(availability, server) &&
           !availability_address_up(availability, server, family);
}

/* Also adds them to the total, unless they are there because of another server. */
static void gather_live(const struct mapping_count *count, const struct pool *pool,
                        struct status_server *row)
{
    const struct controller *controller = row->server->controller;
    struct kept_mappings *kept = kept_of(count, pool->persistence_pool, controller);
    if (kept->count == 0 || !are_live(count, pool, controller))
        return;
    row->live_mappings = kept->count;
    row->last_ends_in_s = kept->end_s - count->inputs->now_s;
    if (!kept->live)
        count->counts->live_mappings += kept->count;
    kept->live = true;
}

static void gather_server(const struct mapping_count *count, const struct pool *pool,
                          const struct virtual_server *server, struct status_server *ret_server)
{
    int64_t since_s;
    *ret_server = (struct status_server){
        .server = server,
        .state = virtual_server_state(server),
        .up = availability_server_up(count->inputs->availability, server),
        .held = availability_server_held(count->inputs->availability, server, &since_s),
        .ipv4_down = has_address_down(count, server, FAMILY_IPV4),
        .ipv6_down = has_address_down(count, server, FAMILY_IPV6),
    };
    gather_live(count, pool, ret_server);
    count->counts->servers_with_address_down += ret_server->ipv4_down || ret_server->ipv6_down;
}

static const char *metric_of(const struct pool *pool)
{
    const char *metric = method_metric(pool->method, pool);
    return metric || !pool->alternate ? metric : method_metric(pool->alternate, pool);
}

/* 0 or ERR_NOMEM. */
static int gather_pools(const struct mapping_count *count, struct status *status)
{
    const struct snapshot *snapshot = count->inputs->snapshot;
    status->pools = arena_alloc(&status->arena, snapshot->pool_count * sizeof *status->pools);
    if (!status->pools)
        return ERR_NOMEM;
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i];
        struct status_server *servers =
            arena_alloc(&status->arena, pool->server_count * sizeof *servers);
        if (!servers)
            return ERR_NOMEM;
        for (size_t k = 0; k < pool->server_count; k++)
            gather_server(count, pool, &pool->servers[k], &servers[k]);
        status->pools[i] =
            (struct status_pool){.pool = pool, .metric = metric_of(pool), .servers = servers};
    }
    return 0;
}

/* 0, or a code with `error` set. */
static int gather_mappings(struct store *store, const struct decision_inputs *inputs,
                           struct status *status, struct error *error)
{
    const struct snapshot *snapshot = inputs->snapshot;
    size_t places = snapshot->pool_count * snapshot->controller_count;
    struct mapping_count count = {.inputs = inputs,
                                  .kept = calloc(places + 1, sizeof *count.kept),
                                  .counts = &status->counts,
                                  .until_ms = clock_monotonic_ms() + COUNT_MS};
    if (!count.kept)
        return error_set(error, ERR_NOMEM, "out of memory");
    int code = store_each_mapping(store, count_mapping, &count, error);
    if (code == 0 && gather_pools(&count, status) != 0)
        code = error_set(error, ERR_NOMEM, "out of memory");
    free(count.kept);
    return code;
}

static void gather_topology(const struct topology_loader *loader, struct status_topology *topology)
{
    const struct topology *loaded = loader ? topology_loader_topology(loader) : NULL;
    topology->needed = loader != NULL;
    topology->is_loading = loader && topology_loader_is_loading(loader);
    if (!loaded)
        return;
    topology->rows = topology_row_count(loaded);
    topology_geo_databases(loaded, &topology->geo_databases);
}

static void gather_facts(struct responder *responder, const struct snapshot *snapshot,
                         struct status *status)
{
    struct store *store = responder_store(responder);
    const struct settings *settings = &snapshot->settings;
    status->database.revision = responder_revision(responder);
    status->database.read_only = store_read_only(store);
    status->database.owner_wanted = store_owner_wanted(store);
    status->database.without_log = store_without_log(store);
    status->database.locked = store_is_locked(store, LOCKED_MS, clock_monotonic_ms());
    status->counts.zones = snapshot->zone_count;
    status->counts.names = snapshot->name_count;
    status->counts.pools = snapshot->pool_count;
    status->counts.servers = snapshot->server_count;
    status->limits =
        (struct status_limits){.max_megabytes = settings->max_megabytes,
                               .max_writes_per_second = settings->max_writes_per_second,
                               .full = store_full(store),
                               .claims_full = store_claims_are_full(store),
                               .refused_ago_ms = store_refused_ago_ms(store, clock_monotonic_ms())};
    status->maintenance =
        (struct status_maintenance){.checkpoint_interval_s = settings->checkpoint_interval_s,
                                    .sweep_interval_s = settings->sweep_interval_s,
                                    .log_is_blocked = store_log_is_blocked(store)};
    gather_topology(responder_topology_loader(responder), &status->topology);
}

int status_gather(struct responder *responder, const struct decision_inputs *inputs,
                  const char *path, size_t unwritten, struct status *ret_status,
                  struct error *error)
{
    struct store *store = responder_store(responder);
    struct problems others = {0};
    *ret_status = (struct status){
        .now_s = inputs->now_s, .database.path = path, .counts.unwritten = unwritten};
    gather_facts(responder, inputs->snapshot, ret_status);
    int code = gather_mappings(store, inputs, ret_status, error);
    if (code != 0)
        return code;
    code = status_gather_pins(inputs, ret_status);
    if (code == 0)
        code = status_gather_monitor(store, inputs, ret_status, &others);
    if (code == 0)
        code = status_gather_sharing(store, inputs, ret_status, &others);
    if (code == 0)
        code = status_gather_problems(responder, inputs, &others, ret_status);
    problems_release(&others);
    return code == 0 ? 0 : error_set(error, code, "out of memory");
}

void status_release(struct status *status)
{
    free(status->monitor.targets);
    share_view_release(&status->sharing);
    peers_release(&status->peers);
    problems_release(&status->problems);
    arena_release(&status->arena);
}
