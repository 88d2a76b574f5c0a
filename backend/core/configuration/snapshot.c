/*
 * Lookups in a snapshot: binary searches by id and by name key.
 */
#include "core/configuration/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    arena_release(&snapshot->arena);
    free(snapshot->zones);
    free(snapshot->controllers);
    free(snapshot->pools);
    free(snapshot->servers);
    free(snapshot->server_ids);
    free(snapshot->names);
    problems_release(&snapshot->problems);
    prefix_map_release(&snapshot->groups);
    free(snapshot);
}

static int compare_controller(const void *id, const void *controller)
{
    int64_t a = *(const int64_t *)id, b = ((const struct controller *)controller)->id;
    return (a > b) - (a < b);
}

static int compare_pool(const void *id, const void *pool)
{
    int64_t a = *(const int64_t *)id, b = ((const struct pool *)pool)->id;
    return (a > b) - (a < b);
}

static int compare_zone(const void *id, const void *zone)
{
    int64_t a = *(const int64_t *)id, b = ((const struct zone *)zone)->id;
    return (a > b) - (a < b);
}

static int compare_id_index(const void *id, const void *entry)
{
    int64_t a = *(const int64_t *)id, b = ((const struct id_index *)entry)->id;
    return (a > b) - (a < b);
}

/* bsearch() must not be given NULL, even for an empty array. */
static void *search(const int64_t *id, const void *array, size_t count, size_t size,
                    int (*compare)(const void *, const void *))
{
    return count ? bsearch(id, array, count, size, compare) : NULL;
}

const struct controller *snapshot_controller(const struct snapshot *snapshot, int64_t id)
{
    return search(&id, snapshot->controllers, snapshot->controller_count,
                  sizeof *snapshot->controllers, compare_controller);
}

const struct pool *snapshot_pool(const struct snapshot *snapshot, int64_t id)
{
    return search(&id, snapshot->pools, snapshot->pool_count, sizeof *snapshot->pools,
                  compare_pool);
}

const struct zone *snapshot_zone(const struct snapshot *snapshot, int64_t id)
{
    return search(&id, snapshot->zones, snapshot->zone_count, sizeof *snapshot->zones,
                  compare_zone);
}

const struct virtual_server *snapshot_server(const struct snapshot *snapshot, int64_t id)
{
    const struct id_index *entry = search(&id, snapshot->server_ids, snapshot->server_count,
                                          sizeof *snapshot->server_ids, compare_id_index);
    return entry ? &snapshot->servers[entry->index] : NULL;
}

const struct pool *snapshot_pool_named(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->pool_count; i++)
        if (strcasecmp(snapshot->pools[i].name, name) == 0)
            return &snapshot->pools[i];
    return NULL;
}

/* The first entry whose key is not less than the given one. */
static size_t lower_bound(const struct snapshot *snapshot, const char *key, size_t length)
{
    size_t low = 0, high = snapshot->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct name_entry *entry = &snapshot->names[middle];
        if (name_key_compare(entry->key, entry->key_length, key, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct name_entry *find_key(const struct snapshot *snapshot, const char *key,
                                         size_t length, size_t *ret_next)
{
    size_t place = lower_bound(snapshot, key, length);
    *ret_next = place;
    if (place == snapshot->name_count)
        return NULL;
    const struct name_entry *entry = &snapshot->names[place];
    if (name_key_compare(entry->key, entry->key_length, key, length) != 0)
        return NULL;
    *ret_next = place + 1;
    return entry;
}

const struct name_entry *snapshot_find(const struct snapshot *snapshot, const struct name *name,
                                       bool *ret_below)
{
    size_t next;
    const struct name_entry *entry = find_key(snapshot, name->key, name->key_length, &next);
    *ret_below = next < snapshot->name_count &&
                 name_key_within(snapshot->names[next].key, snapshot->names[next].key_length,
                                 name->key, name->key_length);
    return entry;
}

const struct zone *snapshot_zone_of(const struct snapshot *snapshot, const struct name *name)
{
    size_t length = name->key_length, unused;
    for (;;) {
        const struct name_entry *entry = find_key(snapshot, name->key, length, &unused);
        if (entry)
            return entry->zone;
        if (length == 0)
            return NULL;
        /* Remove the last label, and the NUL that ends it. */
        do
            length--;
        while (length > 0 && name->key[length - 1] != '\0');
    }
}

void snapshot_range(const struct snapshot *snapshot, const struct zone *zone,
                    const struct name_entry **ret_first, size_t *ret_count)
{
    size_t first = lower_bound(snapshot, zone->key, zone->key_length), end = first;
    while (end < snapshot->name_count &&
           name_key_within(snapshot->names[end].key, snapshot->names[end].key_length, zone->key,
                           zone->key_length))
        end++;
    *ret_first = snapshot->names + first;
    *ret_count = end - first;
}
