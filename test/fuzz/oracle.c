#include "oracle.h"

#include <string.h>

#include "core/balance/method.h"
#include "fuzz.h"

/* A mapping of a shorter life may end while one looks. */
#define KEPT_S 30

/* Whether a method can pick one of the servers that stand. */
enum certainty { PERHAPS, IF_WEIGHTED, ALWAYS };

static const struct rule {
    const char *method;
    enum certainty certainty;
    bool by_turns;
} rules[] = {
    {"modulus", ALWAYS, false},   {"rendezvous", IF_WEIGHTED, false}, {"round-robin", ALWAYS, true},
    {"ratio", IF_WEIGHTED, true}, {"failover", ALWAYS, false},        {"rtt", PERHAPS, false},
    {"least", PERHAPS, false},    {"topology", PERHAPS, false},
};

static const struct rule *rule_of(const struct method *method)
{
    for (size_t i = 0; i < COUNT(rules); i++)
        if (strcmp(rules[i].method, method->name) == 0)
            return &rules[i];
    give_up(__FILE__, __LINE__, "the oracle knows every method", "%s", method->name);
}

static bool is_up(const struct decision_inputs *inputs, const struct virtual_server *server)
{
    const struct site_history *sites = inputs->availability->sites;
    return !inputs->availability->server_down[server->index] &&
           !inputs->availability->controller_down[server->controller->index] &&
           !(sites && sites[server->index].held_since_s != 0);
}

static bool is_enabled(const struct virtual_server *server)
{
    return server->state == STATE_ENABLED && server->controller->state == STATE_ENABLED;
}

static bool is_disabled(const struct virtual_server *server)
{
    return server->state == STATE_DISABLED || server->controller->state == STATE_DISABLED;
}

/* Gets new clients: draining ones do while nobody else can. With `all_up`, everything counts as up.
 */
static bool stands(const struct decision_inputs *inputs, const struct pool *pool,
                   const struct virtual_server *server, bool all_up)
{
    bool enabled_stands = false;
    for (size_t i = 0; i < pool->server_count; i++)
        enabled_stands |=
            is_enabled(&pool->servers[i]) && (all_up || is_up(inputs, &pool->servers[i]));
    return (enabled_stands ? is_enabled(server) : !is_disabled(server)) &&
           (all_up || is_up(inputs, server));
}

static bool decides(const struct decision_inputs *inputs, const struct pool *pool,
                    const struct method *method)
{
    enum certainty certainty = method ? rule_of(method)->certainty : PERHAPS;
    bool found = false;
    for (size_t i = 0; certainty != PERHAPS && i < pool->server_count; i++)
        found |= stands(inputs, pool, &pool->servers[i], false) &&
                 (certainty == ALWAYS || pool->servers[i].weight > 0);
    return found;
}

struct outlook oracle_look(const struct decision_inputs *inputs, const struct pool *pool)
{
    struct outlook outlook = {.inputs = inputs, .ends = true, .kept = true};
    for (; outlook.ends && pool; pool = pool->fallback_pool) {
        bool last_resort = !pool->fallback_pool && pool->fallback == FALLBACK_ANY;
        REQUIRE(outlook.count < WAY_MAX, "the fallback leads back: pool %s", pool->name);
        outlook.way[outlook.count++] = pool;
        outlook.by_turns |= rule_of(pool->method)->by_turns ||
                            (pool->alternate && rule_of(pool->alternate)->by_turns);
        outlook.kept &= pool->persistence_pool->persistence_ttl_s >= KEPT_S;
        outlook.pins |= pool->has_pins;
        outlook.ends = !decides(inputs, pool, pool->method) &&
                       !decides(inputs, pool, pool->alternate) &&
                       !(last_resort && decides(inputs, pool, &method_modulus));
    }
    return outlook;
}

static enum fallback fallback_of(const struct outlook *outlook)
{
    return outlook->way[outlook->count - 1]->fallback;
}

bool oracle_allows_failure(const struct outlook *outlook)
{
    return outlook->ends && fallback_of(outlook) == FALLBACK_SERVFAIL;
}

bool oracle_allows_nothing(const struct outlook *outlook)
{
    const struct pool *last = outlook->way[outlook->count - 1];
    bool empty = true;
    for (size_t i = 0; i < last->server_count; i++)
        empty &= is_disabled(&last->servers[i]);
    return outlook->ends &&
           (last->fallback == FALLBACK_NONE || (last->fallback == FALLBACK_ANY && empty));
}

static bool equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Where all are down, the last pool's count as up. */
static bool may_count_as_up(const struct outlook *outlook, const struct pool *pool)
{
    return outlook->ends && fallback_of(outlook) == FALLBACK_ANY && !pool->fallback_pool;
}

static const char *address_of(const struct virtual_server *server, bool of_ipv6)
{
    return of_ipv6 ? server->ipv6 : server->ipv4;
}

static bool is_address_up(const struct decision_inputs *inputs, const struct virtual_server *server,
                          bool of_ipv6)
{
    const uint8_t *down = inputs->availability->addresses_down;
    enum address_family family = of_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4;
    return is_up(inputs, server) && !(down && (down[server->index] & (1 << family)));
}

/* How many of a pool's servers have an address of the family, and whether it is this one. */
struct search {
    size_t found;
    bool equals;
};

/* `site` NULL: of all sites. With `all_up`, addresses that are down are found too. */
static struct search search(const struct outlook *outlook, const struct pool *pool,
                            const struct controller *site, bool of_ipv6, bool all_up,
                            const char *address)
{
    struct search search = {0};
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if ((site && server->controller != site) || is_disabled(server) ||
            !address_of(server, of_ipv6) ||
            (!all_up && !is_address_up(outlook->inputs, server, of_ipv6)))
            continue;
        search.found++;
        search.equals |= equal(address_of(server, of_ipv6), address);
    }
    return search;
}

/* Where the site has lost the family: an address of another site, or what the fallback says. */
static bool gives_elsewhere(const struct outlook *outlook, const struct pool *pool,
                            const struct virtual_server *server, bool of_ipv6, const char *address)
{
    const struct pool *last = pool;
    for (const struct pool *next = pool; next; next = next->fallback_pool) {
        struct search any = search(outlook, next, NULL, of_ipv6, false, address);
        if (any.found > 0)
            return any.equals;
        last = next;
    }
    if (last->fallback != FALLBACK_ANY)
        return !address;
    return search(outlook, pool, server->controller, of_ipv6, true, address).equals;
}

/* A server's address of a family; where none is up, that of another one. */
static bool gives(const struct outlook *outlook, const struct pool *pool,
                  const struct virtual_server *server, bool of_ipv6, const char *address)
{
    const char *own = address_of(server, of_ipv6);
    struct search all = search(outlook, pool, server->controller, of_ipv6, true, address);
    struct search up = search(outlook, pool, server->controller, of_ipv6, false, address);
    bool equals_own = own && equal(own, address);
    if (all.found == 0)
        return !address;
    if (may_count_as_up(outlook, pool) && (equals_own || (!own && all.equals)))
        return true;
    if (own && is_address_up(outlook->inputs, server, of_ipv6))
        return equals_own;
    return up.found > 0 ? up.equals : gives_elsewhere(outlook, pool, server, of_ipv6, address);
}

static bool has(const struct outlook *outlook, const struct pool *pool,
                const struct virtual_server *server, const char *ipv4, const char *ipv6)
{
    return gives(outlook, pool, server, false, ipv4) && gives(outlook, pool, server, true, ipv6);
}

static bool may_be_given(const struct outlook *outlook, const struct pool *pool,
                         const struct virtual_server *server, bool mapped)
{
    bool all_up = may_count_as_up(outlook, pool);
    if (mapped || outlook->pins)
        return !is_disabled(server) && (all_up || is_up(outlook->inputs, server));
    return stands(outlook->inputs, pool, server, false) ||
           (all_up && stands(outlook->inputs, pool, server, true));
}

bool oracle_allows(const struct outlook *outlook, const char *ipv4, const char *ipv6, bool mapped)
{
    for (size_t i = 0; i < outlook->count; i++) {
        const struct pool *pool = outlook->way[i];
        for (size_t k = 0; k < pool->server_count; k++)
            if (has(outlook, pool, &pool->servers[k], ipv4, ipv6) &&
                may_be_given(outlook, pool, &pool->servers[k], mapped))
                return true;
    }
    return false;
}

const struct virtual_server *oracle_chosen(const struct outlook *outlook, const char *ipv4,
                                           const char *ipv6, const struct pool **ret_pool)
{
    const struct virtual_server *chosen = NULL;
    size_t count = 0;
    for (size_t i = 0; i < outlook->count; i++) {
        const struct pool *pool = outlook->way[i];
        for (size_t k = 0; k < pool->server_count; k++) {
            if (!has(outlook, pool, &pool->servers[k], ipv4, ipv6) ||
                !stands(outlook->inputs, pool, &pool->servers[k], false))
                continue;
            chosen = &pool->servers[k];
            *ret_pool = pool;
            count++;
        }
    }
    return count == 1 ? chosen : NULL;
}

bool oracle_forgets(const struct outlook *outlook, const struct pool *pool)
{
    bool drains = false;
    for (size_t i = 0; i < outlook->count && outlook->way[i] != pool; i++) {
        const struct pool *before = outlook->way[i];
        for (size_t k = 0;
             before->persistence_pool == pool->persistence_pool && k < before->server_count; k++)
            drains |= !is_enabled(&before->servers[k]) && !is_disabled(&before->servers[k]);
    }
    return drains;
}
