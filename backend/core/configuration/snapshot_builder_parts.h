/*
 * What a snapshot builder is made of, for snapshot_builder.c and snapshot_patch.c.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_BUILDER_PARTS_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_BUILDER_PARTS_H

#include "core/configuration/snapshot_builder.h"
#include "core/configuration/snapshot_names.h"
#include "core/configuration/snapshot_pins.h"

/* A pool whose references to other rows are not resolved yet. */
struct pool_draft {
    struct pool pool;
    bool has_persistence_pool, has_fallback;
    int64_t persistence_pool_id, fallback_id;
};

struct server_draft {
    struct virtual_server server;
    int64_t pool_id, controller_id;
    struct pool *pool;                   /* once the pools are in place; NULL: none */
    const struct virtual_server *placed; /* NULL: left out */
};

struct snapshot_builder {
    struct snapshot *snapshot;
    struct arena *arena; /* for texts: that of the snapshot, or of one that will be patched */
    size_t patch_rows;   /* so many rows have to be usable for a patch */
    struct pool_draft *pools;
    size_t pool_count, pool_capacity;
    struct server_draft *servers;
    size_t server_count, server_capacity;
    struct name_draft *names;
    size_t name_count, name_capacity;
    struct pin_draft *pins;
    size_t pin_count, pin_capacity;
    size_t zone_capacity, controller_capacity;
};

/*
 * Adds a problem for a pool whose servers are in place, if a method cannot work with them. 0 or
 * ERR_NOMEM.
 */
int snapshot_check_pool(struct problems *problems, const struct pool *pool);

#endif
