/*
 * How a home stands in one pool, then in all that use the same mappings; what the policy of a pool
 * makes of that; and what a new mapping remembers.
 */
#include "core/sticky/failback.h"

#include "core/sharing/entry.h"

#define MS_PER_S 1000

/* In one pool. */
static struct home look_at(const struct pool *pool, const struct controller *controller,
                           const struct availability *availability)
{
    struct home home = {.state = HOME_DOWN, .pool = pool};
    enum state state = pool_site_state(pool, controller);
    int64_t since_s;
    if (state != STATE_ENABLED)
        home.state = state == STATE_DRAINING ? HOME_DRAINING : HOME_ABSENT;
    for (size_t i = 0; state == STATE_ENABLED && i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if (server->controller != controller || virtual_server_state(server) != STATE_ENABLED)
            continue;
        if (availability_server_up(availability, server)) {
            home.state = HOME_UP;
            home.up_since_s = availability_up_since_s(availability, server);
            break;
        }
        if (availability_server_held(availability, server, &since_s))
            home.state = HOME_HELD;
    }
    return home;
}

/* The one that hinders more; of two that are up, the one that came up later. */
static struct home worse(struct home a, struct home b)
{
    if (a.state != b.state)
        return a.state < b.state ? a : b;
    return a.up_since_s >= b.up_since_s ? a : b;
}

struct home home_look(const struct pool *pool, const struct controller *controller,
                      const struct availability *availability)
{
    const struct pool *keeper = pool->persistence_pool;
    struct home home = look_at(keeper, controller, availability);
    if (pool != keeper)
        home = worse(home, look_at(pool, controller, availability));
    for (const struct pool *other = keeper->first_sharing; other; other = other->next_sharing) {
        const struct home there = look_at(other, controller, availability);
        if (there.state != HOME_ABSENT)
            home = worse(home, there);
    }
    return home;
}

enum failback_verdict failback_judge(const struct pool *keeper, const struct home *home,
                                     int64_t left_s, int64_t now_s)
{
    int64_t open_s;
    if (home->state != HOME_UP)
        return FAILBACK_CLOSED;
    if (keeper->failback == FAILBACK_STAY)
        return FAILBACK_NEVER;
    if (left_s > home->up_since_s)
        return FAILBACK_MISSED;
    if (keeper->failback != FAILBACK_DELAYED ||
        __builtin_sub_overflow(now_s, home->up_since_s, &open_s))
        return FAILBACK_NOW;
    return open_s >= (int64_t)keeper->failback_delay_s ? FAILBACK_NOW : FAILBACK_WAITS;
}

bool failback_is_due(enum failback_verdict verdict, enum mapping_state state)
{
    bool has_to_move = state == MAPPING_NO_SERVER || state == MAPPING_SERVERS_DOWN;
    return verdict == FAILBACK_NOW ||
           (has_to_move && (verdict == FAILBACK_WAITS || verdict == FAILBACK_MISSED));
}

int64_t mapping_decided_s(const struct mapping *mapping)
{
    return mapping->decided / ENTRY_TICKS / MS_PER_S;
}

bool mapping_can_have_home(enum mapping_state state)
{
    return state == MAPPING_LIVE || state == MAPPING_NO_SERVER || state == MAPPING_SERVERS_DOWN;
}

int64_t failback_home(const struct mapping *seen, enum mapping_state state,
                      enum mapping_state kept_state, const struct pool *keeper,
                      const struct snapshot *snapshot, int64_t controller_id)
{
    int64_t home_id = 0;
    bool failed = state == MAPPING_SERVERS_DOWN ||
                  (state == MAPPING_NO_SERVER && kept_state == MAPPING_SERVERS_DOWN);
    if (!mapping_can_have_home(state))
        return 0;
    if (seen->home_id != 0 &&
        pool_site_state(keeper, snapshot_controller(snapshot, seen->home_id)) != STATE_DISABLED)
        home_id = seen->home_id;
    else if (failed && pool_site_state(keeper, snapshot_controller(
                                                   snapshot, seen->controller_id)) == STATE_ENABLED)
        home_id = seen->controller_id;
    return home_id != controller_id ? home_id : 0;
}
