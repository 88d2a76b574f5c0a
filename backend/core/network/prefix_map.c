#include "core/network/prefix_map.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/vector.h"

void prefix_map_release(struct prefix_map *map)
{
    prefix_table_release(&map->table);
    free(map->values);
    *map = (struct prefix_map){0};
}

int prefix_map_add(struct prefix_map *map, const struct prefix *prefix, const void *value)
{
    const void **place = VECTOR_ADD(map->values, map->count, map->capacity);
    if (!place)
        return ERR_NOMEM;
    *place = value;
    int code = prefix_table_add(&map->table, prefix, (uint32_t)(map->count - 1));
    if (code != 0)
        map->count--;
    return code;
}

void prefix_map_seal(struct prefix_map *map)
{
    prefix_table_seal(&map->table);
}

const void *prefix_map_find(const struct prefix_map *map, const struct address *address)
{
    struct prefix_match match;
    return prefix_table_match(&map->table, address, &match)
               ? map->values[prefix_match_value(&match, 0)]
               : NULL;
}
