/*
 * Prints a status as text; status.c gathers it.
 */
#include <inttypes.h>

#include "program/command/command.h"
#include "program/command/status.h"

/*
 * Mappings are stored within a few milliseconds, unless something is wrong or processors are busy.
 * PowerDNS, which hands on the command, waits for 2000.
 */
#define WRITE_WAIT_MS 1000

static const char *at_least(const struct status *status)
{
    return status->counts.mappings_partial ? "more than " : "";
}

static void print_counts(const struct status *status, struct buffer *out)
{
    const struct status_counts *counts = &status->counts;
    buffer_printf(out, "zones %zu, names %zu, pools %zu, virtual servers %zu", counts->zones,
                  counts->names, counts->pools, counts->servers);
    if (counts->servers_with_address_down > 0)
        buffer_printf(out, " (%zu with an address that is down)",
                      counts->servers_with_address_down);
    if (counts->pins > 0)
        buffer_printf(out, ", pins %zu", counts->pins);
    buffer_printf(out, ", live mappings %s%" PRId64 "\n", at_least(status), counts->live_mappings);
}

static void print_topology(const struct status_topology *topology, struct buffer *out)
{
    if (topology->needed)
        buffer_printf(out, "topology %zu rows, geo databases %zu%s\n", topology->rows,
                      topology->geo_databases,
                      topology->is_loading ? ", a new one is being loaded" : "");
}

/* How far draining has come. With a sliding timer, each question postpones the end. */
static void print_draining(const struct status *status, const struct pool *pool,
                           const struct status_server *server, struct buffer *out)
{
    if (server->live_mappings == 0)
        buffer_printf(out, "       %sno live mappings\n", server->pins == 0 ? "drained: " : "");
    else
        buffer_printf(
            out,
            "       draining: %s%" PRId64 " live mapping%s, the last ends in %" PRId64 " s%s\n",
            at_least(status), server->live_mappings, server->live_mappings == 1 ? "" : "s",
            server->last_ends_in_s,
            pool->persistence_pool->timer == TIMER_SLIDING ? " unless it is renewed" : "");
    if (server->pins > 0)
        buffer_printf(out, "       not drained: %zu pin%s here\n", server->pins,
                      server->pins == 1 ? " leads" : "s lead");
}

/* In the columns of both addresses. */
static void print_offer(const struct virtual_server *server, struct buffer *out)
{
    if (server->name)
        buffer_printf(out, "%-43s", server->name);
    else
        buffer_printf(out, "%-15s  %-26s", server->ipv4 ? server->ipv4 : "-",
                      server->ipv6 ? server->ipv6 : "-");
}

/* The number is the position, by which commands and SQL name it. */
static void print_server(const struct status *status, const struct pool *pool,
                         const struct status_server *row, struct buffer *out)
{
    const struct virtual_server *server = row->server;
    buffer_printf(out, "  %3" PRId64 "  ", server->position);
    buffer_add_column(out, server->controller->name, 16);
    buffer_add_char(out, ' ');
    print_offer(server, out);
    buffer_printf(out, " %-9s %-4s %10" PRId64 "\n", state_word(row->state),
                  row->up     ? "up"
                  : row->held ? "held"
                              : "down",
                  row->live_mappings);
    if (row->ipv4_down || row->ipv6_down)
        buffer_printf(out, "       %s is down, only %s is up\n",
                      row->ipv4_down ? server->ipv4 : server->ipv6,
                      row->ipv4_down ? server->ipv6 : server->ipv4);
    if (row->state == STATE_DRAINING)
        print_draining(status, pool, row, out);
}

static void print_settings(const struct pool *pool, struct buffer *out)
{
    const struct pool *persistence_pool = pool->persistence_pool;
    buffer_printf(
        out, "pool %s: method %s, ttl %u, persistence %u %s, client %s /%u /%u, fallback %s%s\n",
        pool->name, pool->method->name, pool->ttl_s, persistence_pool->persistence_ttl_s,
        persistence_timer_word(persistence_pool->timer), client_kind_word(persistence_pool->client),
        persistence_pool->ipv4_prefix_bits, persistence_pool->ipv6_prefix_bits,
        pool->fallback_pool ? "pool " : fallback_word(pool->fallback),
        pool->fallback_pool ? pool->fallback_pool->name : "");
    if (pool->alternate)
        buffer_printf(out, "  alternate method %s\n", pool->alternate->name);
    if (persistence_pool->failback == FAILBACK_DELAYED)
        buffer_printf(out, "  failback delayed by %u s\n", persistence_pool->failback_delay_s);
    else if (persistence_pool->failback != FAILBACK_STAY)
        buffer_printf(out, "  failback %s\n", failback_word(persistence_pool->failback));
}

static void print_pool(const struct status *status, const struct status_pool *row,
                       struct buffer *out)
{
    const struct pool *pool = row->pool;
    print_settings(pool, out);
    if (row->metric)
        buffer_printf(out, "  metric %s, tolerance %u %%\n", row->metric, pool->tolerance_percent);
    if (pool->persistence_pool != pool)
        buffer_printf(out, "  shares the mappings of pool %s\n", pool->persistence_pool->name);
    if (row->pins > 0)
        buffer_printf(out, "  pins %zu\n", row->pins);
    for (size_t i = 0; i < pool->server_count; i++)
        print_server(status, pool, &row->servers[i], out);
}

static void print_target(const struct status_target *target, struct buffer *out)
{
    buffer_add_text(out, "  ");
    if (target->server)
        buffer_printf(out, "pool %s, %s", target->pool->name, target->controller->name);
    else if (target->controller)
        buffer_printf(out, "controller %s", target->controller->name);
    else
        buffer_printf(out, "%s %" PRId64 " that cannot be used",
                      target->key.kind == TARGET_SERVER ? "virtual server" : "controller",
                      target->key.id);
    buffer_printf(
        out, "%s%s: down for %" PRId64 " s, %s, checked %" PRId64 " s ago, %" PRId64 " flaps\n",
        target->place[0] ? " " : "", target->place, target->down_s, reason_word(target->reason),
        target->checked_ago_s, target->flaps);
}

static void print_monitor(const struct status_monitor *monitor, struct buffer *out)
{
    if (monitor->up + monitor->down == 0)
        return;
    buffer_printf(out, "health: %zu up, %zu down, last check %" PRId64 " s ago\n", monitor->up,
                  monitor->down, monitor->checked_ago_s);
    for (size_t i = 0; i < monitor->target_count; i++)
        print_target(&monitor->targets[i], out);
}

/* A time in the past, for people: seconds, or "never". */
static void print_age(int64_t now_s, int64_t then_s, struct buffer *out)
{
    if (then_s == 0)
        buffer_add_text(out, "never");
    else
        buffer_printf(out, "%" PRId64 " s ago", now_s > then_s ? now_s - then_s : 0);
}

static void print_heard(const struct share_peer_view *peer, int64_t now_s, struct buffer *out)
{
    const struct share_peer_state *state = &peer->state;
    buffer_printf(out, "  peer %s, node %" PRId64 ": %s, heard ", peer->name, state->node,
                  state->connected ? "connected" : "not connected");
    print_age(now_s, state->heard_ms / 1000, out);
    if (state->heard_ms > 0)
        buffer_printf(out, ", clock %+" PRId64 " ms, %s", state->clock_offset_ms,
                      state->differs ? "another configuration" : "the same configuration");
    buffer_add_char(out, '\n');
}

static void print_rows(const struct share_peer_state *state, struct buffer *out)
{
    const struct share_counts *counts = &state->counts;
    buffer_printf(out, "    %" PRId64 " rows taken over, of these %" PRId64 " moved a resolver",
                  counts->newer, counts->moved);
    if (counts->paths > 0)
        buffer_printf(out, " and %" PRId64 " are round trip times", counts->paths);
    buffer_printf(out, "; %" PRId64 " older, %" PRId64 " known", counts->older, counts->known);
    if (counts->newer + counts->older + counts->known > 0)
        buffer_printf(out, "; the last came after %" PRId64 " ms", state->lag_ms);
    buffer_add_char(out, '\n');
}

static void print_peer(const struct share_peer_view *peer, int64_t now_s, struct buffer *out)
{
    print_heard(peer, now_s, out);
    print_rows(&peer->state, out);
    buffer_add_text(out, "    tables compared ");
    print_age(now_s, peer->state.equal_ms / 1000, out);
    buffer_printf(out, "%s\n", peer->state.walking ? ", and being compared now" : "");
}

static void print_follow(const struct share_follow_view *follow, int64_t now_s, struct buffer *out)
{
    if (follow->node == 0)
        return;
    buffer_printf(out, "  follows %s, ", follow->name);
    if (*follow->revision) {
        buffer_printf(out, "revision %s, taken over ", follow->revision);
        print_age(now_s, follow->taken_s, out);
    } else
        buffer_add_text(out, "nothing taken over yet");
    buffer_add_text(out, "; heard ");
    print_age(now_s, follow->heard_s, out);
    buffer_add_char(out, '\n');
}

static void print_sharing(const struct share_view *sharing, int64_t now_s, struct buffer *out)
{
    const struct share_state *state = &sharing->state;
    if (sharing->node == 0)
        return;
    buffer_printf(out, "sharing as %s, node %" PRId64 ": %s, %" PRId64 " change%s\n",
                  *sharing->name ? sharing->name : "(no name)", sharing->node,
                  state->connected ? "connected to nats-server" : "not connected to nats-server",
                  state->waiting, state->waiting == 1 ? " waits" : "s wait");
    print_follow(&sharing->follow, now_s, out);
    for (size_t i = 0; i < sharing->peer_count; i++)
        print_peer(&sharing->peers[i], now_s, out);
}

static void print_status(const struct status *status, struct buffer *out)
{
    buffer_printf(out, "pdns-sticky " PACKAGE_VERSION ", database %s\n", status->database.path);
    print_counts(status, out);
    print_topology(&status->topology, out);
    for (size_t i = 0; i < status->problems.count; i++)
        buffer_printf(out, "problem: %s\n", status->problems.lines[i]);
    for (size_t i = 0; i < status->counts.pools; i++)
        print_pool(status, &status->pools[i], out);
    print_monitor(&status->monitor, out);
    peers_print(&status->peers, out);
    print_sharing(&status->sharing, status->now_s, out);
    if (status->counts.mappings_partial)
        buffer_printf(out,
                      "counting stopped after %" PRId64 " mappings, so the numbers are too low\n",
                      status->counts.mappings_read);
}

static enum command_result run_status(const struct command_call *call)
{
    struct decision_inputs inputs;
    struct status status;
    struct error error = {0};
    size_t unwritten;
    if (responder_wait_stored(call->responder, WRITE_WAIT_MS, &unwritten, &error) != 0 ||
        responder_begin(call->responder, &inputs, &error) != 0)
        return command_failed(call, &error);
    int code = status_gather(call->responder, &inputs, call->database, unwritten, &status, &error);
    if (code == 0 && call->json)
        status_print_json(&status, call->out);
    else if (code == 0)
        print_status(&status, call->out);
    status_release(&status);
    responder_end(call->responder);
    return code == 0 ? COMMAND_OK : command_failed(call, &error);
}

const struct command command_status = {
    .name = "status",
    .arguments = "",
    .summary = "show pools, virtual servers, live mappings and problems",
    .least = 1,
    .most = 1,
    .has_json = true,
    .run = run_status,
};
