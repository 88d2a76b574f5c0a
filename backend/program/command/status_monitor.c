/*
 * Gathers what the monitor knows, and whether it runs: verdicts from the database, its last report
 * and its lock from the lock file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/vector.h"
#include "program/command/status_parts.h"
#include "store/monitoring.h"
#include "system/clock.h"

/* It reports once a second, but may be late when it writes to a slow disk. */
#define SILENT_MS 10000

/* What verdicts are added to. */
struct summary {
    const struct decision_inputs *inputs;
    struct status_monitor *monitor;
    const struct targets *targets; /* NULL: they could not be loaded */
    struct arena *arena;           /* for texts */
    int64_t checked_s;             /* of the last check of any target */
};

static int64_t age_s(const struct decision_inputs *inputs, int64_t at_s)
{
    return inputs->now_s > at_s ? inputs->now_s - at_s : 0;
}

static const struct pool *pool_of(const struct snapshot *snapshot,
                                  const struct virtual_server *server)
{
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i];
        if (pool->server_count > 0 && server >= pool->servers &&
            server < pool->servers + pool->server_count)
            return pool;
    }
    return NULL;
}

/* Of a server's two addresses, the one of a family, if it has it. */
static const char *checked_address(const struct virtual_server *server, enum address_family family)
{
    const char *address = family != FAMILY_NONE ? virtual_server_address(server, family) : NULL;
    return address ? address : server->ipv4 ? server->ipv4 : server->ipv6;
}

/* What is checked; of a target that no longer is, the address of the server. */
static const char *place_of(const struct summary *summary, const struct status_target *described)
{
    const struct virtual_server *server = described->server;
    const struct target *target =
        summary->targets ? targets_find(summary->targets, &described->key) : NULL;
    const char *place = "";
    if (target)
        place = arena_copy(summary->arena, target->place, strlen(target->place));
    else if (server)
        place = checked_address(server, described->key.family);
    return place ? place : "";
}

static struct status_target describe(const struct decision_inputs *inputs,
                                     const struct verdict_row *row)
{
    const struct snapshot *snapshot = inputs->snapshot;
    struct status_target target = {.key = row->key,
                                   .reason = row->verdict.reason,
                                   .down_s = age_s(inputs, row->verdict.since_s),
                                   .checked_ago_s = age_s(inputs, row->verdict.checked_s),
                                   .flaps = row->verdict.flaps};
    if (row->key.kind == TARGET_CONTROLLER) {
        target.controller = snapshot_controller(snapshot, row->key.id);
        return target;
    }
    target.server = snapshot_server(snapshot, row->key.id);
    if (target.server) {
        target.controller = target.server->controller;
        target.pool = pool_of(snapshot, target.server);
    }
    return target;
}

static int add_verdict(void *context, const struct verdict_row *row)
{
    struct summary *summary = context;
    struct status_monitor *monitor = summary->monitor;
    if (row->verdict.checked_s > summary->checked_s)
        summary->checked_s = row->verdict.checked_s;
    if (row->verdict.state != VERDICT_DOWN) {
        monitor->up++;
        return 0;
    }
    struct status_target *place =
        VECTOR_ADD(monitor->targets, monitor->target_count, monitor->target_capacity);
    if (!place)
        return ERR_NOMEM;
    *place = describe(summary->inputs, row);
    place->place = place_of(summary, place);
    monitor->down++;
    return 0;
}

/* 0 or ERR_NOMEM. */
static int add_lines(const char *lines, struct problems *problems)
{
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
        if (problems_add(problems, "%.*s", (int)(end - lines), lines) != 0)
            return ERR_NOMEM;
    return 0;
}

/* 0 or ERR_NOMEM. */
static int add_silence(const struct status_monitor *monitor, struct problems *problems)
{
    char checked[64] = "nothing was ever checked";
    if (monitor->up + monitor->down > 0)
        snprintf(checked, sizeof checked, "the last check was %" PRId64 " s ago",
                 monitor->checked_ago_s);
    if (monitor->state == MONITOR_SILENT)
        return problems_add(problems, "%s: pdns-stickyd has not reported for %" PRId64 " s",
                            checked, monitor->reported_ago_ms / 1000);
    return problems_add(problems, "%s: pdns-stickyd does not run", checked);
}

/* Decides whether a monitor is missed, that is, whether there are targets. 0 or ERR_NOMEM. */
static int judge_silence(const struct targets *targets, bool runs, struct status_monitor *monitor,
                         struct problems *problems)
{
    int code = 0;
    if (targets_count(targets) > 0) {
        monitor->state = runs && monitor->reported_ago_ms >= 0 ? MONITOR_SILENT : MONITOR_ABSENT;
        code = add_silence(monitor, problems);
    }
    const struct problems *unusable = targets_problems(targets);
    for (size_t i = 0; code == 0 && i < unusable->count; i++)
        code = problems_add(problems, "%s", unusable->lines[i]);
    return code;
}

/* 0 or ERR_NOMEM. */
static int judge_report(struct store *store, const struct targets *targets,
                        struct status_monitor *monitor, struct problems *problems)
{
    char report[STORE_REPORT_MAX];
    bool runs = store_has_monitor(store);
    bool reported =
        store_read_report(store, clock_monotonic_ms(), &monitor->reported_ago_ms, report);
    if (!reported || monitor->reported_ago_ms >= SILENT_MS || !runs)
        return targets ? judge_silence(targets, runs, monitor, problems) : 0;
    monitor->state = MONITOR_REPORTING;
    return add_lines(report, problems);
}

int status_gather_monitor(struct store *store, const struct decision_inputs *inputs,
                          struct status *status, struct problems *ret_problems)
{
    struct targets *targets = NULL;
    struct settings settings;
    (void)store_load_targets(store, &targets, &settings, NULL);
    struct status_monitor *monitor = &status->monitor;
    struct summary summary = {
        .inputs = inputs, .monitor = monitor, .targets = targets, .arena = &status->arena};
    *monitor = (struct status_monitor){.state = MONITOR_UNUSED, .reported_ago_ms = -1};
    int code = store_each_verdict(store, add_verdict, &summary, NULL) == ERR_NOMEM ? ERR_NOMEM : 0;
    monitor->checked_ago_s = age_s(inputs, summary.checked_s);
    if (code == 0)
        code = judge_report(store, targets, monitor, ret_problems);
    targets_release(targets);
    return code;
}
