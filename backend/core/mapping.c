#include "core/mapping.h"

#include <string.h>

/* A sliding timer writes at most this often in the life of a mapping. */
#define SLIDES_PER_TTL 10

static const char *const texts[] = {
    [MAPPING_BINDS] = "binds",
    [MAPPING_EXPIRED] = "expired",
    [MAPPING_METHOD_CHANGED] = "method changed",
    [MAPPING_CONTROLLER_GONE] = "controller gone",
    [MAPPING_CONTROLLER_DISABLED] = "controller disabled",
    [MAPPING_NO_SERVER] = "no server of the controller in the pool",
    [MAPPING_SERVERS_DOWN] = "server down",
};

const char *verdict_text(enum verdict verdict)
{
    return texts[verdict];
}

/* a - b, or the nearest there is. */
static int64_t difference(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return a < b ? INT64_MIN : INT64_MAX;
    return result;
}

int64_t mapping_age_s(const struct mapping *mapping, int64_t now_s)
{
    return difference(now_s, mapping->timestamp_s);
}

int64_t mapping_left_s(const struct mapping *mapping, int64_t now_s)
{
    int64_t end;
    if (__builtin_add_overflow(mapping->timestamp_s, mapping->ttl_s, &end))
        end = mapping->ttl_s > 0 ? INT64_MAX : INT64_MIN;
    return end > now_s ? difference(end, now_s) : 0;
}

bool mapping_is_due(const struct mapping *mapping, const struct pool *keeper, int64_t now_s)
{
    if (keeper->timer != TIMER_SLIDING || now_s <= mapping->timestamp_s)
        return false;
    return mapping_age_s(mapping, now_s) >= mapping->ttl_s / SLIDES_PER_TTL;
}

/*
 * Which of several servers of one controller: the one that a new choice would give, if that is
 * among them, since it is what made the mapping and asking again must change nothing; else modulus
 * decides.
 */
static const struct virtual_server *pick_one(const struct pool *pool,
                                             const struct controller *controller,
                                             const struct metrics *metrics, struct number client,
                                             const struct trace *trace)
{
    struct candidates candidates;
    candidates_for_new(pool, &candidates);
    const struct virtual_server *elected =
        choose(pool->method, client, metrics, &candidates, trace);
    if (elected && elected->controller == controller)
        return elected;
    trace_say(trace, "not of %s; its own servers:", controller->name);
    candidates_of_controller(pool, controller, &candidates);
    return choose(&method_modulus, client, metrics, &candidates, trace);
}

enum verdict mapping_judge(const struct mapping *mapping, const struct pool *pool,
                           const struct snapshot *snapshot, const struct metrics *metrics,
                           struct number client, int64_t now_s, const struct trace *trace,
                           const struct virtual_server **ret_server)
{
    if (mapping_left_s(mapping, now_s) == 0)
        return MAPPING_EXPIRED;
    if (strcmp(mapping->method, pool->keeper->method->name) != 0)
        return MAPPING_METHOD_CHANGED;
    const struct controller *controller = snapshot_controller(snapshot, mapping->controller_id);
    if (!controller)
        return MAPPING_CONTROLLER_GONE;
    if (controller->state == STATE_DISABLED)
        return MAPPING_CONTROLLER_DISABLED;
    struct candidates candidates;
    candidates_of_controller(pool, controller, &candidates);
    if (candidates.count == 0)
        return MAPPING_NO_SERVER;
    const struct virtual_server *server =
        candidates.count == 1 ? choose(&method_modulus, client, metrics, &candidates, trace)
                              : pick_one(pool, controller, metrics, client, trace);
    if (!server)
        return MAPPING_SERVERS_DOWN;
    *ret_server = server;
    return MAPPING_BINDS;
}
