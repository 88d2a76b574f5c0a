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
    pins_release(&snapshot->pins);
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

const struct controller *snapshot_controller_named(const struct snapshot *snapshot,
                                                   const char *name)
{
    for (size_t i = 0; i < snapshot->controller_count; i++)
        if (strcasecmp(snapshot->controllers[i].name, name) == 0)
            return &snapshot->controllers[i];
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

/* Says whether the entry at an index, if there is one, is the name with this key or below it. */
static bool is_within(const struct snapshot *snapshot, size_t index, const char *key,
                      size_t key_length)
{
    return index < snapshot->name_count &&
           name_key_within(snapshot->names[index].key, snapshot->names[index].key_length, key,
                           key_length);
}

const struct name_entry *snapshot_find(const struct snapshot *snapshot, const struct name *name,
                                       bool *ret_below)
{
    size_t next;
    const struct name_entry *entry = find_key(snapshot, name->key, name->key_length, &next);
    *ret_below = is_within(snapshot, next, name->key, name->key_length);
    return entry;
}

/* Removes the last label, and the NUL that ends it. */
static size_t parent_length(const char *key, size_t length)
{
    do
        length--;
    while (length > 0 && key[length - 1] != '\0');
    return length;
}

const struct name_entry *snapshot_find_answering(const struct snapshot *snapshot,
                                                 const struct name *name)
{
    static const char label[] = "*";
    char wildcard[NAME_TEXT_MAX + sizeof label];
    size_t length = name->key_length, next;
    const struct name_entry *entry;
    while (!(entry = find_key(snapshot, name->key, length, &next)) &&
           !is_within(snapshot, next, name->key, length)) {
        if (length == 0)
            return NULL;
        length = parent_length(name->key, length);
    }
    if (length == name->key_length)
        return entry;
    memcpy(wildcard, name->key, length);
    memcpy(wildcard + length, label, sizeof label);
    return find_key(snapshot, wildcard, length + sizeof label, &next);
}

const struct name_entry *snapshot_entry_above(const struct snapshot *snapshot,
                                              const struct name *name)
{
    size_t length = name->key_length, unused;
    for (;;) {
        const struct name_entry *entry = find_key(snapshot, name->key, length, &unused);
        if (entry)
            return entry;
        if (length == 0)
            return NULL;
        length = parent_length(name->key, length);
    }
}

const struct zone *snapshot_zone_of(const struct snapshot *snapshot, const struct name *name)
{
    const struct name_entry *entry = snapshot_entry_above(snapshot, name);
    return entry ? entry->zone : NULL;
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
