/*
 * Sorts the drafts of zones, balanced names and records by name key, and walks over them once. The
 * walk keeps a stack of the zones that contain the present name, which gives every name its zone
 * and shows where delegations are.
 */
#include "core/configuration/snapshot_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

/* A name has at most 127 labels, so at most 128 zones contain it, the root included. */
#define ZONES_NESTED_MAX 128

/*
 * A zone that contains the present name, and the delegation that the name is at or below, or NULL.
 */
struct level {
    const struct zone *zone;        /* NULL at the bottom: no zone of this database */
    const struct zone *without_soa; /* a deeper one; NULL: none */
    const struct name_entry *cut;
};

/* The state of the walk over the sorted names. */
struct walk {
    struct snapshot *snapshot;
    struct record *records; /* room for all records; the first `record_count` are used */
    size_t record_count;
    struct level levels[ZONES_NESTED_MAX + 1];
    size_t depth; /* index of the innermost level */
};

static int compare_drafts(const void *left, const void *right)
{
    const struct name_draft *a = left, *b = right;
    int order = name_key_compare(a->key, a->key_length, b->key, b->key_length);
    if (order != 0)
        return order;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->row_id > b->row_id) - (a->row_id < b->row_id);
}

static bool same_name(const struct name_draft *a, const struct name_draft *b)
{
    return name_key_compare(a->key, a->key_length, b->key, b->key_length) == 0;
}

static bool within(const struct name_draft *draft, const char *key, size_t key_length)
{
    return name_key_within(draft->key, draft->key_length, key, key_length);
}

static bool is_soa_of(const struct name_draft *draft, const struct name_draft *zone)
{
    return draft->kind == NAME_RECORD && draft->has_reference &&
           draft->refers_to == zone->refers_to && strcmp(draft->record.type, "SOA") == 0;
}

/*
 * The zone with this name that PowerDNS finds: the first one with an SOA. A row of table `zone`
 * without one is no zone yet, and takes no names away from the zone above.
 */
static const struct zone *find_zone(const struct walk *walk, const struct name_draft *drafts,
                                    size_t count)
{
    for (size_t i = 0; i < count && drafts[i].kind == NAME_ZONE; i++)
        for (size_t k = i + 1; k < count; k++)
            if (is_soa_of(&drafts[k], &drafts[i]))
                return snapshot_zone(walk->snapshot, drafts[i].refers_to);
    return NULL;
}

/*
 * Leaves the zones and the delegation that do not contain the name; enters its zone, if it has one.
 */
static void enter(struct walk *walk, const struct name_draft *draft, const struct zone *zone)
{
    struct level *level = &walk->levels[walk->depth];
    while (level->zone && !within(draft, level->zone->key, level->zone->key_length))
        level = &walk->levels[--walk->depth];
    if (level->cut && !within(draft, level->cut->key, level->cut->key_length))
        level->cut = NULL;
    if (level->without_soa &&
        !within(draft, level->without_soa->key, level->without_soa->key_length))
        level->without_soa = NULL;
    if (zone)
        walk->levels[++walk->depth] = (struct level){.zone = zone};
    else if (draft->kind == NAME_ZONE)
        level->without_soa = snapshot_zone(walk->snapshot, draft->refers_to);
}

static bool is_address_like(const char *type)
{
    return strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0 || strcmp(type, "CNAME") == 0;
}

/* Finds the zone of a record, and returns what is wrong with it, or NULL. */
static const char *record_problem(const struct walk *walk, const struct name_draft *draft,
                                  const struct name_entry *entry, const struct zone **ret_zone)
{
    *ret_zone = NULL;
    if (draft->has_reference) {
        *ret_zone = snapshot_zone(walk->snapshot, draft->refers_to);
        if (!*ret_zone)
            return "its zone does not exist or cannot be used";
        if (!within(draft, (*ret_zone)->key, (*ret_zone)->key_length))
            return "is outside its zone";
    } else if (!entry->balanced)
        return "has no zone, and its name is not balanced";
    else if (entry->zone)
        return "has no zone, but its name is in a zone of this database";
    if (entry->balanced && is_address_like(draft->record.type))
        return "belongs to a balanced name, whose addresses come from its pool";
    if (entry->pool && pool_has_names(entry->pool))
        return "belongs to a balanced name, whose pool answers every type with a CNAME";
    return NULL;
}

static int place_record(struct walk *walk, const struct name_draft *draft, struct name_entry *entry)
{
    struct record record = draft->record;
    const char *problem = record_problem(walk, draft, entry, &record.zone);
    if (problem)
        return problems_add(&walk->snapshot->problems, "record %" PRId64 " (%s %s): %s",
                            draft->row_id, draft->text, record.type, problem);
    walk->records[walk->record_count++] = record;
    entry->record_count++;
    if (entry->zone && record.zone == entry->zone && entry->zone->key_length < entry->key_length &&
        strcmp(record.type, "NS") == 0)
        entry->cut = true;
    return 0;
}

static bool is_apex(const struct name_entry *entry)
{
    return entry->zone && entry->zone->key_length == entry->key_length;
}

static int place_balanced(struct walk *walk, const struct name_draft *draft,
                          struct name_entry *entry)
{
    struct problems *problems = &walk->snapshot->problems;
    if (entry->balanced)
        return problems_add(problems, "balanced_name %s: exists twice", draft->text);
    entry->balanced = true;
    const struct pool *pool = snapshot_pool(walk->snapshot, draft->refers_to);
    if (!pool)
        return problems_add(problems,
                            "balanced_name %s: pool %" PRId64 " does not exist or cannot be used",
                            draft->text, draft->refers_to);
    if (pool_has_names(pool) && is_apex(entry))
        return problems_add(problems,
                            "balanced_name %s: is the apex of a zone, which cannot be a CNAME to"
                            " the names of pool %s",
                            draft->text, pool->name);
    if (pool->server_count > 0 || pool->fallback_pool)
        entry->pool = pool;
    return 0;
}

/* Zones come first among the drafts of a name. */
static int place_draft(struct walk *walk, const struct name_draft *draft, bool is_first,
                       struct name_entry *entry)
{
    switch (draft->kind) {
    case NAME_ZONE:
        return is_first
                   ? 0
                   : problems_add(&walk->snapshot->problems, "zone %s: exists twice", draft->text);
    case NAME_BALANCED:
        return place_balanced(walk, draft, entry);
    case NAME_RECORD:
        return place_record(walk, draft, entry);
    }
    return ERR_INTERNAL;
}

/* Makes the entry of a name from its `count` drafts. */
static int place_name(struct walk *walk, const struct name_draft *drafts, size_t count)
{
    struct snapshot *snapshot = walk->snapshot;
    struct name_entry *entry = &snapshot->names[snapshot->name_count++];
    enter(walk, &drafts[0], find_zone(walk, drafts, count));
    *entry = (struct name_entry){.key = drafts[0].key,
                                 .key_length = drafts[0].key_length,
                                 .text = drafts[0].text,
                                 .zone = walk->levels[walk->depth].zone,
                                 .without_soa = walk->levels[walk->depth].without_soa,
                                 .records = walk->records + walk->record_count};
    for (size_t i = 0; i < count; i++) {
        int code = place_draft(walk, &drafts[i], i == 0, entry);
        if (code != 0)
            return code;
    }
    struct level *level = &walk->levels[walk->depth];
    if (entry->cut && !level->cut)
        level->cut = entry;
    entry->delegated = level->cut != NULL;
    return 0;
}

static int check_soa(const struct walk *walk, const struct zone *zone)
{
    const struct name_entry *entry;
    size_t count;
    snapshot_range(walk->snapshot, zone, &entry, &count);
    for (size_t i = 0; i < entry->record_count; i++)
        if (entry->records[i].zone == zone && strcmp(entry->records[i].type, "SOA") == 0)
            return 0;
    return problems_add(&walk->snapshot->problems,
                        "zone %s: has no usable SOA record, so PowerDNS will not find it",
                        zone->name);
}

int snapshot_place_names(struct snapshot *snapshot, struct name_draft *drafts, size_t count)
{
    struct walk walk = {.snapshot = snapshot};
    snapshot->names = calloc(count + 1, sizeof *snapshot->names);
    walk.records = arena_alloc(&snapshot->arena, (count + 1) * sizeof *walk.records);
    if (!snapshot->names || !walk.records)
        return ERR_NOMEM;
    if (count > 1)
        qsort(drafts, count, sizeof *drafts, compare_drafts);
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && same_name(&drafts[first], &drafts[end]);)
            end++;
        int code = place_name(&walk, &drafts[first], end - first);
        if (code != 0)
            return code;
    }
    for (size_t i = 0; i < snapshot->zone_count; i++) {
        int code = check_soa(&walk, &snapshot->zones[i]);
        if (code != 0)
            return code;
    }
    return 0;
}
