/*
 * Pins in one array, sorted by pool, with a table of their networks and an index of their groups.
 * Both lead to indexes, so a network that is pinned in many pools has its pins in the order of the
 * pools, and that of a pool is searched for by halving.
 */
#include "core/balance/pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/vector.h"

void pins_release(struct pins *pins)
{
    prefix_table_release(&pins->networks);
    free(pins->groups);
    free(pins->pins);
    *pins = (struct pins){0};
}

int pins_add(struct pins *pins, const struct pin *pin)
{
    struct pin *place = VECTOR_ADD(pins->pins, pins->count, pins->capacity);
    if (!place)
        return ERR_NOMEM;
    *place = *pin;
    return 0;
}

/* ---------------------------------------------------------------- order */

/* Pools are elements of one array, in the order of their ids. */
static int compare_pools(const struct pool *a, const struct pool *b)
{
    int64_t of_a = a ? a->id : INT64_MIN, of_b = b ? b->id : INT64_MIN;
    return (of_a > of_b) - (of_a < of_b);
}

static int compare_networks(const struct prefix *a, const struct prefix *b)
{
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family ? -1 : 1;
    int order = memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
    return order != 0 ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

/* By pool, and then by what they are for. */
static int compare_targets(const struct pin *a, const struct pin *b)
{
    int order = compare_pools(a->pool, b->pool);
    if (order == 0)
        order = compare_networks(&a->network, &b->network);
    return order != 0 || !a->group || !b->group ? order : strcmp(a->group, b->group);
}

int pin_compare(const void *left, const void *right)
{
    const struct pin *a = left, *b = right;
    int order = compare_targets(a, b);
    return order != 0 ? order : (a->id > b->id) - (a->id < b->id);
}

bool pin_is_for_same(const struct pin *a, const struct pin *b)
{
    return compare_targets(a, b) == 0;
}

/* The groups of pins, each with the index of its pin. */
struct group_place {
    const char *group;
    uint32_t index;
};

static int compare_group_places(const void *left, const void *right)
{
    const struct group_place *a = left, *b = right;
    int order = strcmp(a->group, b->group);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* 0 or ERR_NOMEM. */
static int index_groups(struct pins *pins)
{
    struct group_place *places = calloc(pins->count + 1, sizeof *places);
    pins->groups = calloc(pins->count + 1, sizeof *pins->groups);
    if (!places || !pins->groups) {
        free(places);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < pins->count; i++)
        if (pins->pins[i].group)
            places[pins->group_count++] = (struct group_place){pins->pins[i].group, (uint32_t)i};
    qsort(places, pins->group_count, sizeof *places, compare_group_places);
    for (size_t i = 0; i < pins->group_count; i++)
        pins->groups[i] = places[i].index;
    free(places);
    return 0;
}

int pins_seal(struct pins *pins)
{
    if (pins->count == 0)
        return 0;
    qsort(pins->pins, pins->count, sizeof *pins->pins, pin_compare);
    int code = index_groups(pins);
    for (size_t i = 0; code == 0 && i < pins->count; i++)
        if (!pins->pins[i].group)
            code = prefix_table_add(&pins->networks, &pins->pins[i].network, (uint32_t)i);
    prefix_table_seal(&pins->networks);
    return code;
}

/* ---------------------------------------------------------------- which counts */

bool pin_is_over(const struct pin *pin, int64_t now_s)
{
    return pin->until_s <= now_s;
}

static bool has_server(const struct pool *pool, const struct controller *controller)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].controller == controller)
            return true;
    return false;
}

bool pin_is_of_pool(const struct pin *pin, const struct pool *pool)
{
    return (!pin->pool || pin->pool == pool) && has_server(pool, pin->controller);
}

/* The first index of the pins of a pool or of later ones. */
static size_t first_of_pool(const struct pins *pins, const struct pool *pool)
{
    size_t low = 0, high = pins->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_pools(pins->pins[middle].pool, pool) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void pins_range(const struct pins *pins, const struct pool *pool, const struct pin **ret_first,
                size_t *ret_count)
{
    size_t first = first_of_pool(pins, pool), end = first;
    while (end < pins->count && pins->pins[end].pool == pool)
        end++;
    *ret_first = pins->pins + first;
    *ret_count = end - first;
}

/* ---------------------------------------------------------------- looking for one */

/* Some pins for the same network or group, by pool: the values of a match, or a part of `groups`.
 */
struct alike {
    const struct pins *pins;
    const struct prefix_match *match; /* NULL: those at `groups` */
    const uint32_t *groups;
    size_t count;
};

static const struct pin *alike_at(const struct alike *alike, size_t index)
{
    uint32_t number = alike->match ? prefix_match_value(alike->match, index) : alike->groups[index];
    return &alike->pins->pins[number];
}

/* The one that names this pool, which may be NULL; or NULL. */
static const struct pin *alike_of_pool(const struct alike *alike, const struct pool *pool)
{
    size_t low = 0, high = alike->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct pin *pin = alike_at(alike, middle);
        int order = compare_pools(pin->pool, pool);
        if (order == 0)
            return pin;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The one that counts in this pool now, or NULL. */
static const struct pin *choose_alike(const struct alike *alike, const struct pool *pool,
                                      int64_t now_s)
{
    const struct pool *const pools[] = {pool, NULL};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        const struct pin *pin = alike_of_pool(alike, pools[i]);
        if (pin && !pin_is_over(pin, now_s) && pin_is_of_pool(pin, pool))
            return pin;
    }
    return NULL;
}

static const struct pin *find_network(const struct pins *pins, const struct pool *pool,
                                      const struct client *client, int64_t now_s)
{
    struct prefix_match match;
    bool found = prefix_table_match(&pins->networks, &client->whole.address, &match);
    for (; found; found = prefix_match_shorter(&match)) {
        const struct alike alike = {.pins = pins, .match = &match, .count = match.count};
        if (prefix_match_prefix(&match).bits > client->whole.bits)
            continue; /* only a part of the subnet */
        const struct pin *pin = choose_alike(&alike, pool, now_s);
        if (pin)
            return pin;
    }
    return NULL;
}

static const char *group_at(const struct pins *pins, size_t place)
{
    return pins->pins[pins->groups[place]].group;
}

/* The place in `groups` of the first pin of a group, or of one that comes after it. */
static size_t first_of_group(const struct pins *pins, const char *group)
{
    size_t low = 0, high = pins->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(group_at(pins, middle), group) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct pin *find_group(const struct pins *pins, const struct pool *pool,
                                    const char *group, int64_t now_s)
{
    size_t first = first_of_group(pins, group), end = first;
    while (end < pins->group_count && strcmp(group_at(pins, end), group) == 0)
        end++;
    const struct alike alike = {.pins = pins, .groups = pins->groups + first, .count = end - first};
    return choose_alike(&alike, pool, now_s);
}

/* The length of the network by which an LDNS is in its group. */
static unsigned bits_of_group(const struct prefix_map *groups, const struct address *ldns)
{
    struct prefix_match match;
    return prefix_table_match(&groups->table, ldns, &match) ? prefix_match_prefix(&match).bits : 0;
}

const struct pin *pins_find(const struct pins *pins, const struct pool *pool,
                            const struct client *client, const struct prefix_map *groups,
                            int64_t now_s)
{
    if (!pool->has_pins || !client->known)
        return NULL;
    const struct pin *network = find_network(pins, pool, client, now_s);
    const char *name = pins->group_count > 0 ? client_group(client) : NULL;
    const struct pin *group = name ? find_group(pins, pool, name, now_s) : NULL;
    if (!network || !group)
        return network ? network : group;
    return network->network.bits >= bits_of_group(groups, &client->whole.address) ? network : group;
}

unsigned pins_scope_bits(const struct pool *pool, const struct client *client)
{
    if (!pool->has_pins || !client_is_subnet(client))
        return client->scope_bits;
    unsigned bits = client->whole.address.family == FAMILY_IPV4 ? pool->longest_ipv4_pin_bits
                                                                : pool->longest_ipv6_pin_bits;
    if (bits > client->whole.bits)
        bits = client->whole.bits;
    return bits > client->scope_bits ? bits : client->scope_bits;
}

const char *pin_format(const struct pin *pin, char text[static PIN_TEXT_MAX])
{
    char network[PREFIX_TEXT_MAX];
    if (pin->group)
        snprintf(text, PIN_TEXT_MAX, "group %s", pin->group);
    else
        snprintf(text, PIN_TEXT_MAX, "%s", prefix_format(&pin->network, network));
    return text;
}
