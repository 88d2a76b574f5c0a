/*
 * The rows of the database: what `status` says of them, and what is valid and does little good.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "program/review/review_parts.h"
#include "store/store.h"
#include "store/unused_rows.h"

/* A mapping that does not outlast so many answers seldom decides one. */
#define ANSWERS_OF_A_MAPPING 3
/* The default of pool.persistence_ttl, and the most that the schema allows. */
#define PERSISTENCE_TTL_DEFAULT 3600
#define PERSISTENCE_TTL_MAX 2147483647

/* So many rows without effect are told one by one. */
#define UNUSED_TOLD_MAX 20

#define PING_GROUPS "/proc/sys/net/ipv4/ping_group_range"

/* ---------------------------------------------------------------- what status says */

static bool is_of_monitor(const char *problem)
{
    return strncmp(problem, "monitor ", strlen("monitor ")) == 0;
}

static void tell_problems(struct review_scene *scene, bool of_monitors)
{
    const struct problems *problems = &scene->status.problems;
    for (size_t i = 0; i < problems->count; i++)
        if (is_of_monitor(problems->lines[i]) == of_monitors)
            review_find(scene, REVIEW_NOWHERE, NULL, "%s", problems->lines[i]);
}

void review_database(struct review_scene *scene)
{
    if (scene->database_error.code != 0)
        review_find_as(scene, REVIEW_ANSWERS, REVIEW_NOWHERE, NULL, "%s",
                       scene->database_error.text);
    else
        tell_problems(scene, false);
}

/* ---------------------------------------------------------------- monitors */

static bool may_ping(const struct review_user *user, bool *ret_known)
{
    long least, most;
    FILE *stream = fopen(PING_GROUPS, "re");
    *ret_known = stream && fscanf(stream, "%ld %ld", &least, &most) == 2;
    if (stream)
        fclose(stream);
    for (int i = 0; *ret_known && i < user->group_count; i++)
        if ((long)user->groups[i] >= least && (long)user->groups[i] <= most)
            return true;
    return false;
}

static void look_at_icmp(struct review_scene *scene, const struct monitor *monitor)
{
    const struct review_user *user = &scene->user;
    bool known;
    if (!user->known)
        review_skip(scene, "whether monitor %s can send ICMP", monitor->name);
    else if (!may_ping(user, &known) && known)
        review_find(scene, REVIEW_SHELL,
                    review_text(scene, "sysctl -w net.ipv4.ping_group_range='%ld %ld'",
                                (long)user->group, (long)user->group),
                    "monitor %s cannot send ICMP: no group of %s is in net.ipv4.ping_group_range",
                    monitor->name, user->name);
}

static void look_at_exec(struct review_scene *scene, const struct monitor *monitor)
{
    const char *directory = scene->has_units ? review_exec_directory(scene) : "";
    if (!scene->has_units) {
        review_skip(scene, "whether monitor %s can run its program: pdns-stickyd does not run",
                    monitor->name);
        return;
    }
    if (!*directory) {
        review_find(scene, REVIEW_SHELL, "systemctl edit pdns-stickyd",
                    "monitor %s is of type exec, and the unit pdns-stickyd has no --exec-directory,"
                    " so its program is not run",
                    monitor->name);
        return;
    }
    const char *path = review_text(scene, "%s/%s", directory, monitor->path ? monitor->path : "");
    if (scene->user.known ? !review_user_may(&scene->user, path, X_OK) : access(path, X_OK) != 0)
        review_find(scene, REVIEW_SHELL, review_text(scene, "chmod a+rx %s", path),
                    "monitor %s: %s is not a program that pdns-stickyd may run", monitor->name,
                    path);
}

static bool is_used(const struct targets *targets, const struct monitor *monitor)
{
    for (size_t i = 0; i < targets_count(targets); i++)
        if (targets_at(targets, i)->monitor == monitor)
            return true;
    return false;
}

/* While pdns-stickyd runs it tries by itself, and `status` has what it found. */
void review_monitors(struct review_scene *scene)
{
    const struct targets *targets = scene->targets;
    tell_problems(scene, true);
    if (!targets || scene->status.monitor.state == MONITOR_REPORTING)
        return;
    for (size_t i = 0; i < targets_monitor_count(targets); i++) {
        const struct monitor *monitor = targets_monitor_at(targets, i);
        if (monitor->type == CHECK_ICMP && is_used(targets, monitor))
            look_at_icmp(scene, monitor);
        else if (monitor->type == CHECK_EXEC && is_used(targets, monitor))
            look_at_exec(scene, monitor);
    }
}

/* ---------------------------------------------------------------- pools */

static int64_t long_enough(const struct pool *pool)
{
    int64_t least = (int64_t)pool->ttl_s * ANSWERS_OF_A_MAPPING;
    if (least <= PERSISTENCE_TTL_DEFAULT)
        return PERSISTENCE_TTL_DEFAULT;
    return 4 * least < PERSISTENCE_TTL_MAX ? 4 * least : PERSISTENCE_TTL_MAX;
}

void review_persistence_ttl(struct review_scene *scene)
{
    const struct snapshot *snapshot = scene->inputs.snapshot;
    for (size_t i = 0; i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i], *keeper = pool->persistence_pool;
        int64_t lasts_s = keeper->persistence_ttl_s;
        if (lasts_s == 0 || lasts_s >= (int64_t)pool->ttl_s * ANSWERS_OF_A_MAPPING)
            continue;
        review_find(scene, REVIEW_SQL,
                    review_text(scene,
                                "UPDATE pool SET persistence_ttl = %" PRId64 " WHERE name = %s",
                                long_enough(pool), review_quoted(scene, keeper->name)),
                    "pool %s: a mapping lasts %" PRId64 " s, and an answer is cached for %" PRIu32
                    " s: the mapping is over when the resolver asks again, or soon after",
                    pool->name, lasts_s, pool->ttl_s);
    }
}

/* ---------------------------------------------------------------- rows without effect */

/* What is to be said of each kind; %s stands for the name of the row, in the line in quotes. */
static const struct unused_kind {
    const char *kind, *before, *after, *line, *line_end;
} unused_kinds[] = {
    {"pool", "pool ", " answers no name, neither by itself nor as the fallback of another pool",
     "DELETE FROM virtual_server WHERE pool_id = (SELECT id FROM pool WHERE name = ",
     "); DELETE FROM pool WHERE name = "},
    {"controller", "controller ", " has no virtual server",
     "DELETE FROM controller WHERE name = ", NULL},
    {"monitor", "monitor ", " checks nothing: no pool, virtual server or controller names it",
     "DELETE FROM monitor WHERE name = ", NULL},
    {"pool.metric", "pool ", " names a metric, which only the method least reads",
     "UPDATE pool SET metric = NULL WHERE name = ", NULL},
    {"pool.alternate_method", "pool ", " has an alternate method, and its method can always decide",
     "UPDATE pool SET alternate_method = NULL WHERE name = ", NULL},
    {"topology", "", " of table topology: no pool that answers a name goes by them",
     "DELETE FROM topology", NULL},
    {"geo_database", "", " of table geo_database: no pool that answers a name goes by topology",
     "DELETE FROM geo_database", NULL},
    {"path_metric", "", " of table path_metric: no pool that answers a name goes by rtt",
     "DELETE FROM path_metric", NULL},
    {"metric", "metric ", " is measured, and no pool names it",
     "DELETE FROM controller_metric WHERE name = ",
     "; DELETE FROM virtual_server_metric WHERE name = "},
    {"setting of sharing", "setting ", " was changed, and nothing is shared",
     "DELETE FROM setting WHERE name = ", NULL},
    {"setting of checks", "setting ", " was changed, and there are no monitors",
     "DELETE FROM setting WHERE name = ", NULL},
};

struct unused_count {
    struct review_scene *scene;
    int64_t told, others;
};

static const char *line_of(struct review_scene *scene, const struct unused_kind *kind,
                           const struct unused_row *row)
{
    const char *name = *row->name ? review_quoted(scene, row->name) : "";
    return review_text(scene, "%s%s%s%s", kind->line, name, kind->line_end ? kind->line_end : "",
                       kind->line_end ? name : "");
}

static void tell_unused(void *context, const struct unused_row *row)
{
    struct unused_count *count = context;
    struct review_scene *scene = count->scene;
    const struct unused_kind *kind = unused_kinds;
    while (strcmp(kind->kind, row->kind) != 0)
        kind++;
    if (count->told == UNUSED_TOLD_MAX) {
        count->others++;
        return;
    }
    count->told++;
    if (*row->name)
        review_find(scene, REVIEW_SQL, line_of(scene, kind, row), "%s%s%s", kind->before, row->name,
                    kind->after);
    else
        review_find(scene, REVIEW_SQL, line_of(scene, kind, row), "%" PRId64 " row%s%s", row->count,
                    row->count == 1 ? "" : "s", kind->after);
}

void review_unused_rows(struct review_scene *scene)
{
    struct unused_count count = {.scene = scene};
    struct store *store = responder_store(scene->sources->responder);
    struct error error = {0};
    if (store_each_unused_row(store, tell_unused, &count, &error) != 0)
        review_skip(scene, "rows without effect: %s", error.text);
    if (count.others > 0)
        review_find(scene, REVIEW_NOWHERE, NULL, "%" PRId64 " more rows without effect",
                    count.others);
}

/* ---------------------------------------------------------------- versions */

void review_powerdns_version(struct review_scene *scene)
{
    const struct pdns_version *version = &scene->review->version;
    int64_t set = scene->inputs.snapshot->settings.powerdns_version;
    if (version->number != 0 && set > version->number)
        review_find(scene, REVIEW_SQL,
                    review_text(scene,
                                "UPDATE setting SET value = %d WHERE name ="
                                " 'powerdns_version'",
                                version->number < PDNS_VERSION_FIRST ? PDNS_VERSION_FIRST
                                                                     : version->number),
                    "setting powerdns_version is %" PRId64 ", and PowerDNS is %s: it answers"
                    " SERVFAIL for records that it does not know yet",
                    set, version->text);
}
