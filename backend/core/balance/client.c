#include "core/balance/client.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

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
    memcpy(client->key, "ecs:", 4);
    prefix_format(&used, client->key + 4);
    client->number = prefix_number(&used);
    client->network = used;
    client->scope_bits = used.bits > 0 ? used.bits : 1;
}

static void identify_ldns(const struct address *remote, const struct pool *pool,
                          const struct prefix_map *groups, struct client *client)
{
    client->scope_bits = 1;
    client->network = prefix_of(remote, family_bits(remote->family));
    const char *group = prefix_map_find(groups, remote);
    if (group) {
        snprintf(client->key, sizeof client->key, "group:%s", group);
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

void client_of_key(const char *key, struct client *ret_client)
{
    struct client client = {.known = true, .scope_bits = 1};
    const char *address = strncmp(key, "ecs:", 4) == 0 ? key + 4 : key;
    bool is_group = strncmp(key, "group:", 6) == 0;
    snprintf(client.key, sizeof client.key, "%s", key);
    if (is_group)
        client.number = (struct number){0, text_hash(key + 6)};
    else if (prefix_parse(address, strlen(address), &client.network) == 0)
        client.number = prefix_number(&client.network);
    else
        client = (struct client){.scope_bits = 1};
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
    bool is_subnet = strncmp(key, "ecs:", 4) == 0;
    const char *address = is_subnet ? key + 4 : key;
    if (strncmp(key, "group:", 6) == 0)
        return is_group(key + 6, groups);
    if (prefix_parse(address, strlen(address), &prefix) != 0 ||
        strcmp(prefix_format(&prefix, text), address) != 0)
        return false;
    unsigned bits = pool_prefix_bits(pool, prefix.address.family);
    if (is_subnet)
        return pool->client == CLIENT_ECS && prefix.bits <= bits;
    bool is_whole = prefix.bits == family_bits(prefix.address.family);
    return prefix.bits == bits && !(is_whole && prefix_map_find(groups, &prefix.address));
}
