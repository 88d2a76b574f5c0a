#include "core/sticky/mapping.h"

#include <string.h>

/* A sliding timer moves the timestamp at most this often per TTL. */
#define SLIDES_PER_TTL 10

static const char *const texts[] = {
    [MAPPING_LIVE] = "live",
    [MAPPING_EXPIRED] = "expired",
    [MAPPING_METHOD_CHANGED] = "method changed",
    [MAPPING_CONTROLLER_GONE] = "controller gone",
    [MAPPING_CONTROLLER_DISABLED] = "controller disabled",
    [MAPPING_NO_SERVER] = "no enabled server of the controller in the pool",
    [MAPPING_SERVERS_DOWN] = "server down",
};

const char *mapping_state_text(enum mapping_state state)
{
    return texts[state];
}

/* a - b, or the nearest value that fits. */
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

enum mapping_state mapping_state_in(const struct mapping *mapping, const struct pool *pool,
                                    const struct snapshot *snapshot,
                                    const struct availability *availability, int64_t now_s)
{
    const struct client nobody = {.known = false};
    const struct selection selection = {.pool = pool, .client = &nobody, .now_s = now_s};
    const struct virtual_server *server;
    return mapping_evaluate(mapping, &selection, snapshot, availability, &server);
}

bool mapping_equal(const struct mapping *a, const struct mapping *b)
{
    return a->controller_id == b->controller_id && a->timestamp_s == b->timestamp_s &&
           a->ttl_s == b->ttl_s && a->decided == b->decided && a->origin == b->origin &&
           a->home_id == b->home_id && strcmp(a->method, b->method) == 0;
}

bool mapping_is_due(const struct mapping *mapping, const struct pool *persistence_pool,
                    int64_t now_s)
{
    if (persistence_pool->timer != TIMER_SLIDING || now_s <= mapping->timestamp_s)
        return false;
    return mapping_age_s(mapping, now_s) >= mapping->ttl_s / SLIDES_PER_TTL;
}

/* Says whether the controller has a server in the pool that is not disabled. */
static bool has_server(const struct pool *pool, const struct controller *controller)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].controller == controller &&
            virtual_server_state(&pool->servers[i]) != STATE_DISABLED)
            return true;
    return false;
}

enum mapping_state mapping_evaluate(const struct mapping *mapping,
                                    const struct selection *selection,
                                    const struct snapshot *snapshot,
                                    const struct availability *availability,
                                    const struct virtual_server **ret_server)
{
    const struct pool *pool = selection->pool;
    if (mapping_left_s(mapping, selection->now_s) == 0)
        return MAPPING_EXPIRED;
    if (strcmp(mapping->method, pool->persistence_pool->method->name) != 0)
        return MAPPING_METHOD_CHANGED;
    const struct controller *controller = snapshot_controller(snapshot, mapping->controller_id);
    if (!controller)
        return MAPPING_CONTROLLER_GONE;
    if (controller->state == STATE_DISABLED)
        return MAPPING_CONTROLLER_DISABLED;
    if (!has_server(pool, controller))
        return MAPPING_NO_SERVER;
    const struct virtual_server *server = choose_within(selection, availability, controller);
    if (!server)
        return MAPPING_SERVERS_DOWN;
    *ret_server = server;
    return MAPPING_LIVE;
}
