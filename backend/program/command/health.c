#include "program/command/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/monitoring.h"
#include "system/clock.h"

/* It reports once a second; one that writes to a slow disk may be late. */
#define SILENT_MS 10000

/* All that is stored, in sum. */
struct summary {
    const struct world *world;
    struct buffer *out; /* for those that are down; NULL: only count */
    int64_t now_s;
    size_t up, down;
    int64_t checked_s; /* the last of all */
};

static const char *pool_name(const struct snapshot *snapshot, const struct virtual_server *server)
{
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i];
        if (pool->server_count > 0 && server >= pool->servers &&
            server < pool->servers + pool->server_count)
            return pool->name;
    }
    return "?";
}

static void name_target(const struct snapshot *snapshot, const struct target_key *key,
                        struct buffer *out)
{
    const struct virtual_server *server =
        key->kind == TARGET_SERVER ? snapshot_server(snapshot, key->id) : NULL;
    const struct controller *controller =
        key->kind == TARGET_CONTROLLER ? snapshot_controller(snapshot, key->id) : NULL;
    if (server)
        buffer_printf(out, "pool %s, %s %s", pool_name(snapshot, server), server->controller->name,
                      server->ipv4 ? server->ipv4 : server->ipv6);
    else if (controller)
        buffer_printf(out, "controller %s", controller->name);
    else
        buffer_printf(out, "%s %" PRId64 " that is left out",
                      key->kind == TARGET_SERVER ? "virtual server" : "controller", key->id);
}

static int64_t age_s(const struct summary *summary, int64_t at_s)
{
    return summary->now_s > at_s ? summary->now_s - at_s : 0;
}

static int add_verdict(void *context, const struct verdict_row *row)
{
    struct summary *summary = context;
    const struct target_verdict *verdict = &row->verdict;
    bool down = verdict->state == VERDICT_DOWN;
    summary->up += !down;
    summary->down += down;
    if (verdict->checked_s > summary->checked_s)
        summary->checked_s = verdict->checked_s;
    if (!down || !summary->out)
        return 0;
    buffer_add_text(summary->out, "  ");
    name_target(summary->world->snapshot, &row->key, summary->out);
    buffer_printf(summary->out,
                  ": down for %" PRId64 " s, %s, checked %" PRId64 " s ago, %" PRId64 " flaps\n",
                  age_s(summary, verdict->since_s), reason_word(verdict->reason),
                  age_s(summary, verdict->checked_s), verdict->flaps);
    return 0;
}

static struct summary sum_up(struct store *store, const struct world *world, struct buffer *out)
{
    struct summary summary = {.world = world, .out = out, .now_s = clock_unix_s()};
    (void)store_each_verdict(store, add_verdict, &summary, NULL);
    return summary;
}

void health_print(struct store *store, const struct world *world, struct buffer *out)
{
    struct buffer down = {0};
    struct summary summary = sum_up(store, world, &down);
    if (summary.up + summary.down > 0) {
        buffer_printf(out, "health: %zu up, %zu down, last check %" PRId64 " s ago\n", summary.up,
                      summary.down, age_s(&summary, summary.checked_s));
        buffer_add_text(out, buffer_text(&down));
    }
    buffer_release(&down);
}

static void print_lines(const char *lines, struct buffer *out)
{
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
        buffer_printf(out, "problem: %.*s\n", (int)(end - lines), lines);
}

static void print_silence(struct store *store, int64_t ago_ms, struct buffer *out)
{
    struct summary summary = sum_up(store, NULL, NULL);
    buffer_add_text(out, "problem: ");
    if (summary.up + summary.down > 0)
        buffer_printf(out, "the last check was %" PRId64 " s ago",
                      age_s(&summary, summary.checked_s));
    else
        buffer_add_text(out, "nothing was ever checked");
    if (store_has_monitor(store) && ago_ms >= 0)
        buffer_printf(out, ": pdns-stickyd gives no sign of life for %" PRId64 " s\n",
                      ago_ms / 1000);
    else
        buffer_add_text(out, ": pdns-stickyd does not run\n");
}

void health_print_problems(struct store *store, struct buffer *out)
{
    char report[STORE_REPORT_MAX];
    int64_t ago_ms = -1;
    struct targets *targets = NULL;
    struct settings settings;
    bool reported = store_read_report(store, clock_monotonic_ms(), &ago_ms, report);
    if (reported && ago_ms < SILENT_MS && store_has_monitor(store)) {
        print_lines(report, out);
        return;
    }
    if (store_load_targets(store, &targets, &settings, NULL) != 0)
        return;
    const struct problems *problems = targets_problems(targets);
    if (targets_count(targets) > 0)
        print_silence(store, ago_ms, out);
    for (size_t i = 0; i < problems->count; i++)
        buffer_printf(out, "problem: %s\n", problems->lines[i]);
    targets_release(targets);
}
