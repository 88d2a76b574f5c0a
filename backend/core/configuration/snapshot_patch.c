/*
 * Prepares all rows, exchanges them with those of the snapshot, and checks the pools that they
 * belong to. If a pool does not pass, the rows are exchanged back.
 */
#include "core/configuration/snapshot_patch.h"

#include <string.h>

#include "core/base/error.h"
#include "core/configuration/snapshot_builder_parts.h"

#define EXCHANGE(type, a, b)                                                                       \
    do {                                                                                           \
        type kept_ = (a);                                                                          \
        (a) = (b);                                                                                 \
        (b) = kept_;                                                                               \
    } while (0)

/* Says whether there are problems of this pool, which a change of its rows may end. */
static bool has_problem(const struct snapshot *snapshot, const struct pool *pool)
{
    static const char table[] = "pool ";
    const size_t table_length = sizeof table - 1, name_length = strlen(pool->name);
    for (size_t i = 0; i < snapshot->problems.count; i++) {
        const char *line = snapshot->problems.lines[i];
        if (strncmp(line, table, table_length) == 0 &&
            strncmp(line + table_length, pool->name, name_length) == 0 &&
            line[table_length + name_length] == ':')
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- preparing */

static bool prepare_controller(const struct snapshot *snapshot, struct controller *draft)
{
    const struct controller *old = snapshot_controller(snapshot, draft->id);
    if (!old || strcmp(old->name, draft->name) != 0)
        return false;
    draft->index = old->index;
    return true;
}

static bool refers_to(const struct pool *pool, bool has_id, int64_t id)
{
    return pool ? has_id && pool->id == id : !has_id;
}

static bool same_references(const struct pool *old, const struct pool_draft *draft)
{
    const struct pool *persistence_pool =
        old->persistence_pool == old ? NULL : old->persistence_pool;
    return refers_to(persistence_pool, draft->has_persistence_pool, draft->persistence_pool_id) &&
           refers_to(old->fallback_pool, draft->has_fallback, draft->fallback_id);
}

static bool prepare_pool(const struct snapshot *snapshot, struct pool_draft *draft)
{
    struct pool *pool = &draft->pool;
    const struct pool *old = snapshot_pool(snapshot, pool->id);
    if (!old || strcmp(old->name, pool->name) != 0 || has_problem(snapshot, old) ||
        !same_references(old, draft))
        return false;
    pool->fallback_pool = old->fallback_pool;
    pool->persistence_pool = old->persistence_pool;
    pool->first_sharing = old->first_sharing;
    pool->next_sharing = old->next_sharing;
    pool->servers = old->servers;
    pool->server_count = old->server_count;
    pool->has_pins = old->has_pins;
    pool->longest_ipv4_pin_bits = old->longest_ipv4_pin_bits;
    pool->longest_ipv6_pin_bits = old->longest_ipv6_pin_bits;
    return true;
}

static bool is_in_pool(const struct pool *pool, const struct virtual_server *server)
{
    return server >= pool->servers && server < pool->servers + pool->server_count;
}

static bool prepare_server(const struct snapshot *snapshot, struct server_draft *draft)
{
    struct virtual_server *server = &draft->server;
    const struct virtual_server *old = snapshot_server(snapshot, server->id);
    const struct pool *pool = snapshot_pool(snapshot, draft->pool_id);
    server->controller = snapshot_controller(snapshot, draft->controller_id);
    if (!old || !pool || !is_in_pool(pool, old) || old->position != server->position ||
        !server->controller || has_problem(snapshot, pool) || !old->name != !server->name)
        return false;
    if (snapshot->has_pin_rows && server->controller != old->controller)
        return false; /* a pin may begin or end to lead to this pool */
    server->index = old->index;
    return true;
}

static bool prepare(const struct snapshot *snapshot, struct snapshot_builder *builder)
{
    struct snapshot *drafts = builder->snapshot;
    for (size_t i = 0; i < drafts->controller_count; i++)
        if (!prepare_controller(snapshot, &drafts->controllers[i]))
            return false;
    for (size_t i = 0; i < builder->pool_count; i++)
        if (!prepare_pool(snapshot, &builder->pools[i]))
            return false;
    for (size_t i = 0; i < builder->server_count; i++)
        if (!prepare_server(snapshot, &builder->servers[i]))
            return false;
    return true;
}

/* ---------------------------------------------------------------- exchanging */

static struct pool *place_of_pool(struct snapshot *snapshot, int64_t id)
{
    return &snapshot->pools[snapshot_pool(snapshot, id) - snapshot->pools];
}

/* Doing it twice leaves everything as it was. */
static void exchange(struct snapshot *snapshot, struct snapshot_builder *builder)
{
    struct snapshot *drafts = builder->snapshot;
    for (size_t i = 0; i < drafts->controller_count; i++) {
        struct controller *draft = &drafts->controllers[i];
        EXCHANGE(struct controller, *draft, snapshot->controllers[draft->index]);
    }
    for (size_t i = 0; i < builder->pool_count; i++) {
        struct pool *draft = &builder->pools[i].pool;
        EXCHANGE(struct pool, *draft, *place_of_pool(snapshot, draft->id));
    }
    for (size_t i = 0; i < builder->server_count; i++) {
        struct virtual_server *draft = &builder->servers[i].server;
        EXCHANGE(struct virtual_server, *draft, snapshot->servers[draft->index]);
    }
}

/* Says whether a builder would find nothing wrong with the pools of the new rows. */
static bool passes(struct snapshot *snapshot, struct snapshot_builder *builder)
{
    struct problems *problems = &builder->snapshot->problems;
    int code = 0;
    for (size_t i = 0; code == 0 && i < builder->pool_count; i++)
        code = snapshot_check_pool(problems, place_of_pool(snapshot, builder->pools[i].pool.id));
    for (size_t i = 0; code == 0 && i < builder->server_count; i++)
        code = snapshot_check_pool(problems, place_of_pool(snapshot, builder->servers[i].pool_id));
    return code == 0 && problems->count == 0;
}

int snapshot_patch_begin(struct snapshot *snapshot, size_t count,
                         struct snapshot_builder **ret_builder)
{
    if (count > SNAPSHOT_PATCHED_ROWS_MAX - snapshot->patched_rows)
        return ERR_LIMIT;
    int code = snapshot_builder_new(ret_builder);
    if (code != 0)
        return code;
    (*ret_builder)->arena = &snapshot->arena;
    (*ret_builder)->patch_rows = count;
    snapshot->patched_rows += count;
    return 0;
}

bool snapshot_patch_finish(struct snapshot *snapshot, struct snapshot_builder *builder)
{
    const struct snapshot *drafts = builder->snapshot;
    size_t usable = drafts->controller_count + builder->pool_count + builder->server_count;
    if (usable != builder->patch_rows || drafts->problems.count > 0 || !prepare(snapshot, builder))
        return false;
    exchange(snapshot, builder);
    if (passes(snapshot, builder))
        return true;
    exchange(snapshot, builder);
    return false;
}
