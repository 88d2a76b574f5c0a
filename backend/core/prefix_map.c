#include "core/prefix_map.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/vector.h"

void prefix_map_release(struct prefix_map *map)
{
    free(map->entries);
    *map = (struct prefix_map){0};
}

int prefix_map_add(struct prefix_map *map, const struct prefix *prefix, const void *value)
{
    struct prefix_map_entry *entry = VECTOR_ADD(map->entries, map->count, map->capacity);
    if (!entry)
        return ERR_NOMEM;
    *entry = (struct prefix_map_entry){.prefix = *prefix, .order = map->count, .value = value};
    return 0;
}

static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family ? -1 : 1;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    return memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
}

static int compare_entries(const void *left, const void *right)
{
    const struct prefix_map_entry *a = left, *b = right;
    int order = compare_prefixes(&a->prefix, &b->prefix);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

void prefix_map_seal(struct prefix_map *map)
{
    if (map->count > 1)
        qsort(map->entries, map->count, sizeof *map->entries, compare_entries);
}

/* The first entry that does not stand before `prefix`. */
static size_t lower_bound(const struct prefix_map *map, const struct prefix *prefix)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_prefixes(&map->entries[middle].prefix, prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const void *prefix_map_find(const struct prefix_map *map, const struct address *address)
{
    struct prefix wanted = prefix_of(address, family_bits(address->family));
    for (;;) {
        size_t place = lower_bound(map, &wanted);
        if (place == map->count)
            return NULL;
        const struct prefix *found = &map->entries[place].prefix;
        if (compare_prefixes(found, &wanted) == 0)
            return map->entries[place].value;
        if (found->address.family != address->family)
            return NULL;
        /* No prefix of this length: go on with the next length that occurs. */
        if (found->bits < wanted.bits)
            wanted = prefix_of(address, found->bits);
        else if (wanted.bits == 0)
            return NULL;
        else
            wanted = prefix_of(address, wanted.bits - 1U);
    }
}
