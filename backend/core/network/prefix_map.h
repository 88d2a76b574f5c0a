/*
 * Maps address prefixes to pointers; the longest prefix that contains an address is found.
 *
 * A prefix table (prefix_table.h) whose numbers are indexes of pointers. Fill it with
 * prefix_map_add(), sort it once with prefix_map_seal(), then only read it. The map does not own
 * the pointers. Of two equal prefixes the one added first counts.
 */
#ifndef STICKY_CORE_NETWORK_PREFIX_MAP_H
#define STICKY_CORE_NETWORK_PREFIX_MAP_H

#include <stddef.h>

#include "core/network/address.h"
#include "core/network/prefix_table.h"

struct prefix_map {
    struct prefix_table table; /* to indexes in `values` */
    const void **values;       /* in the order of addition */
    size_t count, capacity;
};

void prefix_map_release(struct prefix_map *map);

/* 0, or with nothing added ERR_NOMEM, or ERR_INVAL for a prefix without a family. */
int prefix_map_add(struct prefix_map *map, const struct prefix *prefix, const void *value);

void prefix_map_seal(struct prefix_map *map);

/* The pointer of the longest prefix that contains the address, or NULL. */
const void *prefix_map_find(const struct prefix_map *map, const struct address *address);

#endif
