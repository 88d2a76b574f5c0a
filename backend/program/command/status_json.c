/*
 * A status as JSON: the same values that command_status.c prints as text.
 */
#include "program/command/json_output.h"
#include "program/command/status.h"

static json_t *counts_json(const struct status_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:I}", "zones",
                     (json_int_t)counts->zones, "names", (json_int_t)counts->names, "pools",
                     (json_int_t)counts->pools, "servers", (json_int_t)counts->servers,
                     "servers_with_address_down", (json_int_t)counts->servers_with_address_down,
                     "live_mappings", (json_int_t)counts->live_mappings, "mappings_partial",
                     counts->mappings_partial, "unwritten", (json_int_t)counts->unwritten, "pins",
                     (json_int_t)counts->pins, "unmatched", (json_int_t)counts->unmatched);
}

static json_t *server_json(const struct status_server *row)
{
    const struct virtual_server *server = row->server;
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:s, s:b, s:b, s:b, s:b, s:I, s:I, s:I}",
                     "position", (json_int_t)server->position, "site",
                     json_text(server->controller->name), "ipv4", json_text(server->ipv4), "ipv6",
                     json_text(server->ipv6), "name", json_text(server->name), "weight",
                     (json_int_t)server->weight, "state", state_word(row->state), "up", row->up,
                     "held", row->held, "ipv4_down", row->ipv4_down, "ipv6_down", row->ipv6_down,
                     "live_mappings", (json_int_t)row->live_mappings, "last_ends_in_s",
                     (json_int_t)row->last_ends_in_s, "pins", (json_int_t)row->pins);
}

static json_t *pool_json(const struct status_pool *row)
{
    const struct pool *pool = row->pool;
    json_t *servers = json_array();
    for (size_t i = 0; i < pool->server_count; i++)
        json_array_append_new(servers, server_json(&row->servers[i]));
    return json_pack("{s:o, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:s, s:s, s:I, s:o}", "pool",
                     json_text(pool->name), "method", pool->method->name, "alternate_method",
                     json_text(pool->alternate ? pool->alternate->name : NULL), "metric",
                     json_text(row->metric), "ttl", (json_int_t)pool->ttl_s, "persistence_ttl",
                     (json_int_t)pool->persistence_ttl_s, "mappings_of",
                     json_text(pool->persistence_pool->name), "fallback_pool",
                     json_text(pool->fallback_pool ? pool->fallback_pool->name : NULL), "fallback",
                     fallback_word(pool->fallback), "failback", failback_word(pool->failback),
                     "pins", (json_int_t)row->pins, "servers", servers);
}

static json_t *target_json(const struct status_target *target)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:I}", "site",
                     json_text(target->controller ? target->controller->name : NULL), "pool",
                     json_text(target->pool ? target->pool->name : NULL), "address",
                     json_text(target->place), "reason", reason_word(target->reason), "down_s",
                     (json_int_t)target->down_s, "checked_ago_s", (json_int_t)target->checked_ago_s,
                     "flaps", (json_int_t)target->flaps);
}

static json_t *monitor_json(const struct status_monitor *monitor)
{
    static const char *const words[] = {
        [MONITOR_UNUSED] = "unused",
        [MONITOR_REPORTING] = "reporting",
        [MONITOR_SILENT] = "silent",
        [MONITOR_ABSENT] = "absent",
    };
    json_t *targets = json_array();
    for (size_t i = 0; i < monitor->target_count; i++)
        json_array_append_new(targets, target_json(&monitor->targets[i]));
    return json_pack("{s:s, s:I, s:I, s:o}", "pdns_stickyd", words[monitor->state], "up",
                     (json_int_t)monitor->up, "down", (json_int_t)monitor->down, "targets_down",
                     targets);
}

static json_t *peer_json(const struct share_peer_view *peer)
{
    const struct share_peer_state *state = &peer->state;
    const struct share_counts *counts = &state->counts;
    return json_pack("{s:o, s:I, s:b, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}",
                     "name", json_text(peer->name), "node", (json_int_t)state->node, "connected",
                     state->connected, "heard_ms", (json_int_t)state->heard_ms, "clock_offset_ms",
                     (json_int_t)state->clock_offset_ms, "differs", state->differs, "newer",
                     (json_int_t)counts->newer, "moved", (json_int_t)counts->moved, "older",
                     (json_int_t)counts->older, "known", (json_int_t)counts->known, "paths",
                     (json_int_t)counts->paths, "lag_ms", (json_int_t)state->lag_ms, "equal_ms",
                     (json_int_t)state->equal_ms, "walking", state->walking);
}

/* null while nothing is shared. */
static json_t *sharing_json(const struct share_view *sharing)
{
    const struct share_follow_view *follow = &sharing->follow;
    json_t *peers = json_array();
    for (size_t i = 0; i < sharing->peer_count; i++)
        json_array_append_new(peers, peer_json(&sharing->peers[i]));
    if (sharing->node == 0) {
        json_decref(peers);
        return json_null();
    }
    return json_pack("{s:I, s:o, s:b, s:I, s:o, s:o}", "node", (json_int_t)sharing->node, "name",
                     json_text(sharing->name), "connected", sharing->state.connected, "waiting",
                     (json_int_t)sharing->state.waiting, "follows",
                     json_text(follow->node != 0 ? follow->name : NULL), "peers", peers);
}

void status_print_json(const struct status *status, struct buffer *out)
{
    json_t *pools = json_array();
    for (size_t i = 0; i < status->counts.pools; i++)
        json_array_append_new(pools, pool_json(&status->pools[i]));
    json_output(json_pack("{s:s, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
                          PACKAGE_VERSION, "database", json_text(status->database.path), "time",
                          (json_int_t)status->now_s, "counts", counts_json(&status->counts),
                          "problems", json_lines(&status->problems), "pools", pools, "health",
                          monitor_json(&status->monitor), "peers", peers_json(&status->peers),
                          "sharing", sharing_json(&status->sharing)),
                out);
}
