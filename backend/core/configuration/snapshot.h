/*
 * The configuration in memory, as it was when it was loaded.
 *
 * A snapshot builder (snapshot_builder.h) makes it; from then on it is only read, through a const
 * pointer. snapshot_free() frees it with everything it points to. A changed configuration becomes
 * another snapshot, unless it differs in some rows alone that can be patched (snapshot_patch.h).
 *
 * The names are an array sorted by key (name.h): all names below a name follow it directly.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/pin.h"
#include "core/balance/pool.h"
#include "core/base/arena.h"
#include "core/base/problems.h"
#include "core/configuration/settings.h"
#include "core/dns/name.h"
#include "core/network/prefix_map.h"

/* A zone that this backend answers alone. */
struct zone {
    int32_t id;
    const char *name; /* canonical */
    const char *key;
    uint16_t key_length;
};

struct record {
    const struct zone *zone; /* NULL: extra record of a balanced name, zone in another backend */
    const char *type;
    const char *content; /* accepted by rdata_check() */
    uint32_t ttl_s;
    bool has_auto_hints; /* see svcb.h */
};

struct name_entry {
    const char *key;
    uint16_t key_length;
    const char *text;
    /* The deepest zone of this database that contains the name and has an SOA; NULL: none does. */
    const struct zone *zone;
    /*
     * A deeper one without an SOA, or NULL. PowerDNS may remember an SOA that it had, and ask for
     * this zone.
     */
    const struct zone *without_soa;
    const struct pool *pool; /* NULL: not balanced, or the pool cannot be used */
    const struct record *records;
    size_t record_count;
    bool balanced;  /* in balanced_name, whether or not the pool can be used */
    bool delegated; /* at or below NS records that are not at the zone's apex */
    bool cut;       /* those NS records belong to this name */
};

struct id_index {
    int64_t id;
    size_t index;
};

struct snapshot {
    struct arena arena;
    struct zone *zones; /* these three are sorted by id */
    struct controller *controllers;
    struct pool *pools;
    size_t zone_count, controller_count, pool_count;
    struct virtual_server *servers; /* by pool and position; those of a pool are contiguous */
    struct id_index *server_ids;    /* by id */
    size_t server_count;
    struct name_entry *names; /* by key */
    size_t name_count;
    struct prefix_map groups; /* to group names */
    struct pins pins;
    bool has_pin_rows; /* whether or not they can be used */
    struct settings settings;
    struct problems problems; /* a sentence for each row that cannot be used */
    size_t patched_rows;      /* so many, see snapshot_patch.h */
};

/* Takes NULL. */
void snapshot_free(struct snapshot *snapshot);

/* The row with that id, or NULL. */
const struct controller *snapshot_controller(const struct snapshot *snapshot, int64_t id);
const struct pool *snapshot_pool(const struct snapshot *snapshot, int64_t id);
const struct zone *snapshot_zone(const struct snapshot *snapshot, int64_t id);
const struct virtual_server *snapshot_server(const struct snapshot *snapshot, int64_t id);

/* The pool or controller of that name, whatever the case, or NULL. */
const struct pool *snapshot_pool_named(const struct snapshot *snapshot, const char *name);
const struct controller *snapshot_controller_named(const struct snapshot *snapshot,
                                                   const char *name);

/*
 * The entry of a name, or NULL. `ret_below` says whether there are names below it; then the name
 * exists even without an entry, as an empty non-terminal (RFC 8020).
 */
const struct name_entry *snapshot_find(const struct snapshot *snapshot, const struct name *name,
                                       bool *ret_below);

/*
 * The entry that PowerDNS answers a name from: its own, or the wildcard of the closest name above
 * it that exists (RFC 4592); or NULL.
 */
const struct name_entry *snapshot_find_answering(const struct snapshot *snapshot,
                                                 const struct name *name);

/* The longest name that a row has and that contains the name, or NULL. */
const struct name_entry *snapshot_entry_above(const struct snapshot *snapshot,
                                              const struct name *name);

/* The deepest zone of this database that contains the name and has an SOA, or NULL. */
const struct zone *snapshot_zone_of(const struct snapshot *snapshot, const struct name *name);

/* The entries at and below a zone's apex, as a range of `names`. */
void snapshot_range(const struct snapshot *snapshot, const struct zone *zone,
                    const struct name_entry **ret_first, size_t *ret_count);

#endif
