/*
 * Checks each pool, then each name. Sentences about pools and hints are added at once; other faults
 * of names are counted, and each kind is reported in one sentence at the end. The search for a way
 * back follows CNAME records from pool to pool, and remembers the pools that it has reached.
 */
#include "core/sticky/contradictions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/dns/svcb.h"
#include "core/sticky/resolve.h"

/* ---------------------------------------------------------------- pools */

/* Servers that an UPDATE left at one place; they count by their ids. 0 or ERR_NOMEM. */
static int add_places(const struct pool *pool, struct problems *problems)
{
    for (size_t i = 1; i < pool->server_count; i++) {
        const struct virtual_server *before = &pool->servers[i - 1], *server = &pool->servers[i];
        if (server->position == before->position &&
            problems_add(problems,
                         "pool %s: virtual servers %" PRId64 " and %" PRId64
                         " are both at position %" PRId64,
                         pool->name, before->id, server->id, server->position) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* The first controller that has a server in `pool`, not disabled, and none in `other`, or NULL. */
static const struct controller *only_in(const struct pool *pool, const struct pool *other)
{
    for (size_t i = 0; i < pool->server_count; i++) {
        struct candidates there;
        if (virtual_server_state(&pool->servers[i]) == STATE_DISABLED)
            continue;
        candidates_of_controller(other, pool->servers[i].controller, &there);
        if (there.count == 0)
            return pool->servers[i].controller;
    }
    return NULL;
}

/*
 * Names a site that only one of the two pools has: a resolver that is mapped to it gets another one
 * from the other pool. 0 or ERR_NOMEM.
 */
static int add_shared(const struct pool *pool, struct problems *problems)
{
    const struct pool *pools[] = {pool, pool->persistence_pool};
    for (size_t i = 0; i < 2; i++) {
        const struct controller *controller = only_in(pools[i], pools[1 - i]);
        if (controller && problems_add(problems,
                                       "pool %s uses the mappings of pool %s, but only pool %s has"
                                       " a server at %s",
                                       pool->name, pool->persistence_pool->name, pools[i]->name,
                                       controller->name) != 0)
            return ERR_NOMEM;
    }
    return 0;
}

/* So many CNAME records in a row are followed. */
#define CNAMES_MAX 10

/* Looks for a way back to a pool of names, from CNAME to CNAME. */
struct circle {
    const struct snapshot *snapshot;
    const struct pool *pool;
    bool *seen; /* of every pool: nothing more has to be looked for from there */
};

/*
 * The pool that decides what a name of a server leads to, perhaps by CNAME records; NULL: it is not
 * ours.
 */
static const struct pool *pool_of_target(const struct snapshot *snapshot, const char *target)
{
    for (int i = 0; target && i < CNAMES_MAX; i++) {
        struct name name;
        const struct name_entry *entry = name_parse(target, strlen(target), &name) == 0
                                             ? snapshot_find_answering(snapshot, &name)
                                             : NULL;
        if (!entry || entry->pool)
            return entry ? entry->pool : NULL;
        target = NULL;
        for (size_t j = 0; j < entry->record_count; j++)
            if (strcmp(entry->records[j].type, "CNAME") == 0)
                target = entry->records[j].content;
    }
    return NULL;
}

static bool leads_back(const struct circle *circle, const struct pool *from)
{
    for (; from; from = from->fallback_pool)
        for (size_t i = 0; i < from->server_count; i++) {
            const struct virtual_server *server = &from->servers[i];
            const struct pool *next = virtual_server_state(server) == STATE_DISABLED
                                          ? NULL
                                          : pool_of_target(circle->snapshot, server->name);
            if (!next || circle->seen[next - circle->snapshot->pools])
                continue;
            circle->seen[next - circle->snapshot->pools] = true;
            if (next == circle->pool || leads_back(circle, next))
                return true;
        }
    return false;
}

/* 0 or ERR_NOMEM. */
static int add_circle(const struct snapshot *snapshot, const struct pool *pool,
                      struct problems *problems)
{
    struct circle circle = {.snapshot = snapshot, .pool = pool};
    if (!pool_has_names(pool))
        return 0;
    circle.seen = calloc(snapshot->pool_count, sizeof *circle.seen);
    if (!circle.seen)
        return ERR_NOMEM;
    bool leads = leads_back(&circle, pool);
    free(circle.seen);
    if (!leads)
        return 0;
    return problems_add(problems,
                        "pool %s: the name of a server leads back to this pool, from CNAME to"
                        " CNAME, so who is sent there gets no address",
                        pool->name);
}

/* 0 or ERR_NOMEM. */
static int add_of_pools(const struct snapshot *snapshot, struct problems *problems)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < snapshot->pool_count; i++) {
        const struct pool *pool = &snapshot->pools[i];
        code = add_places(pool, problems);
        if (code == 0 && pool->persistence_pool != pool && pool->server_count > 0)
            code = add_shared(pool, problems);
        if (code == 0)
            code = add_circle(snapshot, pool, problems);
    }
    return code;
}

/* ---------------------------------------------------------------- names */

/* The names of one kind: how many, and the first. */
struct names {
    const struct name_entry *first;
    size_t count;
};

static void names_add(struct names *names, const struct name_entry *entry)
{
    if (names->count++ == 0)
        names->first = entry;
}

/* `kind`: "balanced name". 0 or ERR_NOMEM. */
static int add_names(const struct names *names, const char *kind, const char *what,
                     struct problems *problems)
{
    if (names->count == 0)
        return 0;
    if (names->count == 1)
        return problems_add(problems, "%s %s %s", kind, names->first->text, what);
    return problems_add(problems, "%zu %ss, the first is %s: each %s", names->count, kind,
                        names->first->text, what);
}

static bool may_stand_beside_cname(const char *type)
{
    return strcmp(type, "RRSIG") == 0 || strcmp(type, "NSEC") == 0;
}

bool contradictions_hide_records(const struct name_entry *entry)
{
    size_t cnames = 0, others = 0;
    for (size_t i = 0; i < entry->record_count; i++)
        if (strcmp(entry->records[i].type, "CNAME") == 0)
            cnames++;
        else if (!may_stand_beside_cname(entry->records[i].type))
            others++;
    return cnames > 1 || (cnames == 1 && others > 0);
}

/* The server of a pool at which a record's hints point, or NULL. */
static const struct virtual_server *hinted_server(const struct pool *pool,
                                                  const struct record *record)
{
    for (size_t i = 0; pool && i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if ((server->ipv4 && svcb_hints_at(record->content, server->ipv4)) ||
            (server->ipv6 && svcb_hints_at(record->content, server->ipv6)))
            return server;
    }
    return NULL;
}

/* 0 or ERR_NOMEM. */
static int add_hint(const struct snapshot *snapshot, const struct name_entry *entry,
                    const struct record *record, struct problems *problems)
{
    const struct name_entry *target = resolve_hint_target(snapshot, entry, record);
    const struct pool *pool = target ? target->pool : NULL;
    const struct virtual_server *server = hinted_server(pool, record);
    if (record->has_auto_hints && pool && pool_has_names(pool))
        return problems_add(problems,
                            "record %s %s: has no hints, because pool %s has names in place of"
                            " addresses",
                            entry->text, record->type, pool->name);
    if (server && pool->server_count > 1)
        return problems_add(problems,
                            "record %s %s: its hint leads everybody to %s, whatever pool %s"
                            " chooses; write ipv4hint=auto or ipv6hint=auto",
                            entry->text, record->type, server->controller->name, pool->name);
    return 0;
}

/* Hints that there are none of, and those that send everybody to one site. 0 or ERR_NOMEM. */
static int add_hints(const struct snapshot *snapshot, const struct name_entry *entry,
                     struct problems *problems)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < entry->record_count; i++)
        if (svcb_is_type(entry->records[i].type))
            code = add_hint(snapshot, entry, &entry->records[i], problems);
    return code;
}

/* 0 or ERR_NOMEM. */
static int add_of_names(const struct snapshot *snapshot, struct problems *problems)
{
    struct names delegated = {0}, outside = {0}, torn = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < snapshot->name_count; i++) {
        const struct name_entry *entry = &snapshot->names[i];
        code = add_hints(snapshot, entry, problems);
        if (contradictions_hide_records(entry))
            names_add(&torn, entry);
        if (!entry->pool)
            continue;
        if (entry->delegated)
            names_add(&delegated, entry);
        else if (!entry->zone && snapshot->zone_count > 0)
            names_add(&outside, entry);
    }
    if (code == 0)
        code = add_names(&torn, "name",
                         "has a CNAME beside other records, of which resolvers then may find none",
                         problems);
    if (code == 0)
        code = add_names(&delegated, "balanced name",
                         "is at or below a delegation, so PowerDNS refers to other name servers",
                         problems);
    if (code == 0)
        code = add_names(&outside, "balanced name",
                         "is in none of the zones of table zone, so PowerDNS refuses it unless"
                         " another backend serves its zone",
                         problems);
    return code;
}

int contradictions_add(const struct snapshot *snapshot, struct problems *problems)
{
    int code = add_of_pools(snapshot, problems);
    return code == 0 ? add_of_names(snapshot, problems) : code;
}
