/*
 * Who asks: from the addresses of a question to the key of a mapping and the first value of the
 * arithmetic (claims 2, 5 and 10).
 *
 * Usually the client is the LDNS whose packet PowerDNS got. A pool can take the EDNS Client Subnet
 * (RFC 7871) instead, and resolvers can be put into groups that count as one client. Pure.
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
    bool known;               /* false: nobody asks, as in PowerDNS's own SOA and NSEC lookups */
    char key[CLIENT_KEY_MAX]; /* persistence.ldns; "" when not known */
    struct number number;     /* the first value; 0 when not known */
    struct address address;   /* where it is: the subnet if that identifies it, else the LDNS */
    unsigned scope_bits;      /* of the answer: at least 1, so that no cache shares it */
};

/*
 * Says who asks as far as a pool cares: by the settings of `pool->persistence_pool`. `groups` maps
 * prefixes to group names (NUL-terminated, shorter than GROUP_NAME_MAX); a group's number is the
 * hash of its name (hash.h). Cannot fail.
 */
void client_identify(const struct source *source, const struct pool *pool,
                     const struct prefix_map *groups, struct client *ret_client);

#endif
