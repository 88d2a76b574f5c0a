#include "core/balance/client.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

/* What keys begin with. */
#define SUBNET_START "ecs:"
#define SUBNET_START_LENGTH (sizeof SUBNET_START - 1)
#define GROUP_START "group:"
#define GROUP_START_LENGTH (sizeof GROUP_START - 1)

/*
 * If a packet has no ECS, PowerDNS passes the full remote address as the subnet. A subnet of 0 bits
 * means that the client does not want its address to be used (RFC 7871 section 7.1.2).
 */
static bool has_subnet(const struct source *source)
{
    const struct prefix *subnet = &source->subnet;
    if (subnet->address.family == FAMILY_NONE || subnet->bits == 0)
        return false;
    return subnet->bits < family_bits(subnet->address.family) ||
           !address_equal(&subnet->address, &source->remote);
}

static void identify_subnet(const struct prefix *subnet, const struct pool *pool,
                            struct client *client)
{
    unsigned bits = pool_prefix_bits(pool, subnet->address.family);
    struct prefix used = prefix_of(&subnet->address, bits < subnet->bits ? bits : subnet->bits);
    memcpy(client->key, SUBNET_START, SUBNET_START_LENGTH);
    prefix_format(&used, client->key + SUBNET_START_LENGTH);
    client->number = prefix_number(&used);
    client->network = used;
    client->whole = prefix_of(&subnet->address, subnet->bits);
    client->scope_bits = used.bits > 0 ? used.bits : 1;
}

static void identify_ldns(const struct address *remote, const struct pool *pool,
                          const struct prefix_map *groups, struct client *client)
{
    client->scope_bits = 1;
    client->network = prefix_of(remote, family_bits(remote->family));
    client->whole = client->network;
    const char *group = prefix_map_find(groups, remote);
    if (group) {
        snprintf(client->key, sizeof client->key, GROUP_START "%s", group);
        client->number = (struct number){0, text_hash(group)};
        return;
    }
    struct prefix used = prefix_of(remote, pool_prefix_bits(pool, remote->family));
    prefix_format(&used, client->key);
    client->number = prefix_number(&used);
}

void client_identify(const struct source *source, const struct pool *pool,
                     const struct prefix_map *groups, struct client *ret_client)
{
    struct client client = {.known = true, .scope_bits = 1};
    const struct pool *persistence_pool = pool->persistence_pool;
    bool nobody = address_is_unspecified(&source->remote);
    if (!nobody && persistence_pool->client == CLIENT_ECS && has_subnet(source))
        identify_subnet(&source->subnet, persistence_pool, &client);
    else if (!nobody && source->remote.family != FAMILY_NONE)
        identify_ldns(&source->remote, persistence_pool, groups, &client);
    else
        client.known = false;
    *ret_client = client;
}

static bool is_subnet_key(const char *key)
{
    return strncmp(key, SUBNET_START, SUBNET_START_LENGTH) == 0;
}

static const char *group_of_key(const char *key)
{
    return strncmp(key, GROUP_START, GROUP_START_LENGTH) == 0 ? key + GROUP_START_LENGTH : NULL;
}

bool client_is_subnet(const struct client *client)
{
    return is_subnet_key(client->key);
}

const char *client_group(const struct client *client)
{
    return group_of_key(client->key);
}

void client_of_key(const char *key, struct client *ret_client)
{
    struct client client = {.known = true, .scope_bits = 1};
    const char *address = is_subnet_key(key) ? key + SUBNET_START_LENGTH : key;
    const char *group = group_of_key(key);
    snprintf(client.key, sizeof client.key, "%s", key);
    if (group)
        client.number = (struct number){0, text_hash(group)};
    else if (prefix_parse(address, strlen(address), &client.network) == 0)
        client.number = prefix_number(&client.network);
    else
        client = (struct client){.scope_bits = 1};
    client.whole = client.network;
    *ret_client = client;
}

static bool is_group(const char *name, const struct prefix_map *groups)
{
    for (size_t i = 0; i < groups->count; i++)
        if (strcmp(groups->values[i], name) == 0)
            return true;
    return false;
}

bool client_key_can_match(const char *key, const struct pool *pool, const struct prefix_map *groups)
{
    struct prefix prefix;
    char text[PREFIX_TEXT_MAX];
    bool is_subnet = is_subnet_key(key);
    const char *address = is_subnet ? key + SUBNET_START_LENGTH : key;
    const char *group = group_of_key(key);
    if (group)
        return is_group(group, groups);
    if (prefix_parse(address, strlen(address), &prefix) != 0 ||
        strcmp(prefix_format(&prefix, text), address) != 0)
        return false;
    unsigned bits = pool_prefix_bits(pool, prefix.address.family);
    if (is_subnet)
        return pool->client == CLIENT_ECS && prefix.bits <= bits;
    bool is_whole = prefix.bits == family_bits(prefix.address.family);
    return prefix.bits == bits && !(is_whole && prefix_map_find(groups, &prefix.address));
}

/* The first address of a network of the group that no longer network of another group contains. */
static bool find_group_member(const char *name, const struct prefix_map *groups,
                              struct address *ret_address)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct prefix prefix;
        if (strcmp(groups->values[i], name) != 0 ||
            !prefix_table_find(&groups->table, (uint32_t)i, &prefix))
            continue;
        const char *found = prefix_map_find(groups, &prefix.address);
        if (!found || strcmp(found, name) != 0)
            continue;
        *ret_address = prefix.address;
        return true;
    }
    return false;
}

bool client_source(const char *key, const struct prefix_map *groups, struct source *ret_source)
{
    struct source source = {0};
    struct prefix prefix;
    bool is_subnet = is_subnet_key(key);
    const char *address = is_subnet ? key + SUBNET_START_LENGTH : key;
    const char *group = group_of_key(key);
    if (group) {
        if (!find_group_member(group, groups, &source.remote))
            return false;
    } else if (prefix_parse(address, strlen(address), &prefix) != 0) {
        return false;
    } else {
        source.remote = prefix.address;
    }
    if (is_subnet) { /* of a resolver nearby: one with the same address would not say it */
        source.subnet = prefix;
        source.remote.bytes[family_bits(prefix.address.family) / 8 - 1] ^= 1;
    }
    *ret_source = source;
    return true;
}
