/*
 * Identifies the client of a question: turns its addresses into the key of a mapping and the number
 * that methods calculate with (claims 2, 5 and 10).
 *
 * Usually the client is the LDNS that sent the packet to PowerDNS. A pool can use the EDNS Client
 * Subnet (RFC 7871) instead, and the resolvers of a group count as one client. Pure.
 */
#ifndef STICKY_CORE_BALANCE_CLIENT_H
#define STICKY_CORE_BALANCE_CLIENT_H

#include <stdbool.h>

#include "core/balance/pool.h"
#include "core/network/prefix_map.h"
#include "core/network/source.h"

/* The longest group name, with NUL; the schema allows as much. */
#define GROUP_NAME_MAX 65

/* "ecs:" or "group:" before the text of a prefix or the name of a group. */
#define CLIENT_KEY_MAX (6 + GROUP_NAME_MAX)

struct client {
    bool known;               /* false: no client, as in PowerDNS's own SOA and NSEC lookups */
    char key[CLIENT_KEY_MAX]; /* persistence.ldns; "" when not known */
    struct number number;     /* the first value; 0 when not known */
    struct prefix network;    /* for its location: the subnet of the key, else the LDNS */
    struct prefix whole;      /* for its pin: the subnet as it was reported, else the LDNS */
    unsigned scope_bits;      /* of the answer: at least 1, so that no cache shares it */
};

/*
 * Identifies the client by the settings of `pool->persistence_pool`. `groups` maps prefixes to
 * group names (NUL-terminated, shorter than GROUP_NAME_MAX); a group's number is the hash of its
 * name (hash.h). Cannot fail.
 */
void client_identify(const struct source *source, const struct pool *pool,
                     const struct prefix_map *groups, struct client *ret_client);

/* Says whether the client is a subnet that was reported, not the LDNS. */
bool client_is_subnet(const struct client *client);

/* The name of the group that the client is, or NULL. */
const char *client_group(const struct client *client);

/*
 * The client of a key, as far as the key tells: its number, and its network unless it is a group.
 * Not known if no client has such a key.
 */
void client_of_key(const char *key, struct client *ret_client);

/*
 * Says whether a key can be that of a client in the mappings of a pool. Others were written by hand
 * in another form, or for another prefix, kind of client or group; nobody is found by them.
 */
bool client_key_can_match(const char *key, const struct pool *pool,
                          const struct prefix_map *groups);

/*
 * Finds a source whose client has that key in some pool: for "what if" questions about mappings. Of
 * a group it is one of its networks, of a client network that network. False if there is none.
 */
bool client_source(const char *key, const struct prefix_map *groups, struct source *ret_source);

#endif
