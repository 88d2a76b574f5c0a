/*
 * A table from address prefixes to something, asked for the longest prefix that holds an address.
 *
 * A prefix table (prefix_table.h) whose numbers stand for pointers. Filled with prefix_map_add(),
 * then sorted once by prefix_map_seal(), then only read. Values are pointers the map does not own.
 * Of two equal prefixes the one added first counts.
 */
#ifndef STICKY_CORE_NETWORK_PREFIX_MAP_H
#define STICKY_CORE_NETWORK_PREFIX_MAP_H

#include <stddef.h>

#include "core/network/address.h"
#include "core/network/prefix_table.h"

struct prefix_map {
    struct prefix_table table; /* to places in `values` */
    const void **values;       /* in the order of addition */
    size_t count, capacity;
};

void prefix_map_release(struct prefix_map *map);

/* 0; ERR_NOMEM or, for a prefix without a family, ERR_INVAL, with nothing added. */
int prefix_map_add(struct prefix_map *map, const struct prefix *prefix, const void *value);

void prefix_map_seal(struct prefix_map *map);

/* The value of the longest prefix that holds the address, or NULL. */
const void *prefix_map_find(const struct prefix_map *map, const struct address *address);

#endif
