/*
 * Decides each mapping and each client of the sample twice, as it is and as it is supposed, with
 * the functions that answer PowerDNS; nothing is written.
 */
#include "program/control/what_if.h"

#include <stdlib.h>
#include <string.h>

#include "core/balance/turns.h"
#include "core/base/hash.h"
#include "core/base/vector.h"

/* Clients of the sample, fewer where there are many pools: each pool decides all of them. */
#define SAMPLE_MAX 10000
#define SAMPLE_MIN 100
#define SAMPLE_DECISIONS 2000000
/* From fewer mappings than this no sample is taken: a few resolvers tell nothing of others. */
#define SAMPLE_MAPPINGS_MIN 1000

/* A table with one mapping, or none. */
struct one_mapping {
    int64_t pool_id;
    const char *key; /* NULL: there is none */
    struct mapping mapping;
};

/* One of the two states, and its own turns, so that clients without a mapping take turns. */
struct world {
    struct decision_inputs inputs;
    struct mapping_table table;
    struct turns *turns;
};

struct gathering {
    struct what_if *result;
    struct world now, then;
    struct one_mapping mapping;
    struct source *sample;
    size_t sample_size;  /* wanted */
    uint64_t candidates; /* for the sample, so far */
    uint64_t random;
    struct error *error;
};

static int find_one(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                    struct error *error)
{
    const struct one_mapping *one = context;
    (void)error;
    if (!one->key || pool_id != one->pool_id || strcmp(key, one->key) != 0)
        return ERR_NOTFOUND;
    *ret_mapping = one->mapping;
    return 0;
}

static int world_init(struct world *world, const struct decision_inputs *inputs,
                      struct one_mapping *mapping)
{
    world->inputs = *inputs;
    world->inputs.trace = NULL;
    world->inputs.warnings = NULL;
    world->table = (struct mapping_table){.find = find_one, .context = mapping};
    world->inputs.mappings = &world->table;
    int code = turns_new(inputs->snapshot->pools, inputs->snapshot->pool_count, inputs->turns, 0,
                         &world->turns);
    world->inputs.turns = world->turns;
    return code;
}

/* The site that a client gets, as an index of the supposed snapshot. */
static size_t site_of(const struct gathering *gathering, const struct world *world,
                      const struct pool *pool, const struct source *source)
{
    const struct snapshot *snapshot = gathering->result->snapshot;
    struct assignment assignment;
    assign(&world->inputs, pool, source, &assignment);
    const struct controller *controller =
        assignment.server ? snapshot_controller(snapshot, assignment.server->controller->id) : NULL;
    return controller ? controller->index : snapshot->controller_count;
}

static int add_move(struct what_if_pool *pool, size_t from, size_t to)
{
    for (size_t i = 0; i < pool->move_count; i++)
        if (pool->moves[i].from == from && pool->moves[i].to == to) {
            pool->moves[i].count++;
            return 0;
        }
    struct site_move *move = VECTOR_ADD(pool->moves, pool->move_count, pool->move_capacity);
    if (!move)
        return ERR_NOMEM;
    *move = (struct site_move){.from = from, .to = to, .count = 1};
    return 0;
}

/* ---------------------------------------------------------------- mappings */

/* Whether it is live, and so not yet a new client. */
static bool is_live(const struct world *world, const struct pool *pool,
                    const struct mapping *mapping)
{
    const struct decision_inputs *inputs = &world->inputs;
    return mapping_state_in(mapping, pool, inputs->snapshot, inputs->availability, inputs->now_s) ==
           MAPPING_LIVE;
}

/* Keeps each candidate with the same probability (Vitter, Random Sampling with a Reservoir, 1985).
 */
static void add_to_sample(struct gathering *gathering, const struct source *source)
{
    struct what_if *result = gathering->result;
    uint64_t number = gathering->candidates++;
    if (number < gathering->sample_size) {
        gathering->sample[result->sample_count++] = *source;
        return;
    }
    gathering->random = hash_mix(gathering->random, number);
    uint64_t place = gathering->random % (number + 1);
    if (place < gathering->sample_size)
        gathering->sample[place] = *source;
}

/* 0 or ERR_NOMEM. */
static int add_mapping(struct gathering *gathering, struct what_if_pool *result,
                       const struct mapping_row *row)
{
    const struct snapshot *now = gathering->now.inputs.snapshot;
    const struct pool *pool = snapshot_pool(now, result->pool->id);
    struct source source;
    if (!is_live(&gathering->now, pool, &row->mapping))
        return 0;
    if (!client_key_can_match(row->key, pool, &now->groups) ||
        !client_source(row->key, &now->groups, &source)) {
        gathering->result->unmatched++;
        return 0;
    }
    add_to_sample(gathering, &source);
    gathering->mapping = (struct one_mapping){pool->id, row->key, row->mapping};
    size_t from = site_of(gathering, &gathering->now, pool, &source);
    size_t to = site_of(gathering, &gathering->then, result->pool, &source);
    result->mapped++;
    result->sites[from].mapped_now++;
    result->sites[to].mapped_then++;
    if (from == to)
        return 0;
    result->moved++;
    return add_move(result, from, to);
}

static int walk_through(struct gathering *gathering, struct what_if_pool *pool,
                        struct mapping_walk *walk)
{
    const struct mapping_row *rows;
    size_t count = 1;
    int code = 0;
    while (code == 0 && count > 0) {
        code = store_walk_next(walk, &rows, &count, gathering->error);
        for (size_t i = 0; code == 0 && i < count; i++)
            code = add_mapping(gathering, pool, &rows[i]);
    }
    return code;
}

/* In parts, so that no transaction is long; mappings that are not stored yet are among them. */
static int add_mappings(struct gathering *gathering, struct what_if_pool *pool, struct store *store)
{
    struct mapping_walk *walk = NULL;
    int code = store_walk_new(store, pool->pool->id, WALK_START, WALK_END, &walk, gathering->error);
    if (code == 0)
        code = walk_through(gathering, pool, walk);
    store_walk_free(walk);
    return code;
}

/* ---------------------------------------------------------------- new clients */

/* Addresses all over IPv4, the same in each run. */
static void fill_sample(struct gathering *gathering)
{
    struct what_if *result = gathering->result;
    result->sample_is_random = true;
    for (result->sample_count = 0; result->sample_count < gathering->sample_size;
         result->sample_count++) {
        uint64_t random = hash_mix(1, result->sample_count);
        struct source source = {.remote.family = FAMILY_IPV4};
        for (size_t i = 0; i < 4; i++)
            source.remote.bytes[i] = (uint8_t)(random >> (8 * i));
        source.remote.bytes[0] = (uint8_t)(1 + source.remote.bytes[0] % 223); /* unicast */
        gathering->sample[result->sample_count] = source;
    }
}

static void decide_sample(struct gathering *gathering, struct what_if_pool *result)
{
    const struct pool *pool = snapshot_pool(gathering->now.inputs.snapshot, result->pool->id);
    gathering->mapping.key = NULL;
    for (size_t i = 0; i < gathering->result->sample_count; i++) {
        const struct source *source = &gathering->sample[i];
        size_t from = site_of(gathering, &gathering->now, pool, source);
        size_t to = site_of(gathering, &gathering->then, result->pool, source);
        result->new_count++;
        result->new_moved += from != to;
        result->sites[from].new_now++;
        result->sites[to].new_then++;
    }
}

/* ---------------------------------------------------------------- all of it */

static int make_pools(struct gathering *gathering)
{
    struct what_if *result = gathering->result;
    const struct snapshot *now = gathering->now.inputs.snapshot, *then = result->snapshot;
    result->pools = calloc(then->pool_count + 1, sizeof *result->pools);
    if (!result->pools)
        return ERR_NOMEM;
    for (size_t i = 0; i < then->pool_count; i++) {
        if (!snapshot_pool(now, then->pools[i].id))
            continue;
        struct what_if_pool *pool = &result->pools[result->pool_count++];
        pool->pool = &then->pools[i];
        pool->sites = calloc(then->controller_count + 1, sizeof *pool->sites);
        if (!pool->sites)
            return ERR_NOMEM;
    }
    return 0;
}

static int make_sample(struct gathering *gathering)
{
    size_t pools = gathering->result->pool_count;
    size_t size = pools > 0 ? SAMPLE_DECISIONS / pools : SAMPLE_MAX;
    gathering->sample_size = size > SAMPLE_MAX ? SAMPLE_MAX : size < SAMPLE_MIN ? SAMPLE_MIN : size;
    gathering->sample = calloc(gathering->sample_size, sizeof *gathering->sample);
    return gathering->sample ? 0 : ERR_NOMEM;
}

static int gather(struct gathering *gathering, const struct decision_inputs *before,
                  const struct supposition *supposition, struct store *store)
{
    struct decision_inputs after = *before;
    after.snapshot = supposition->snapshot;
    after.availability = supposition->availability;
    int code = world_init(&gathering->now, before, &gathering->mapping);
    if (code == 0)
        code = world_init(&gathering->then, &after, &gathering->mapping);
    if (code == 0)
        code = make_pools(gathering);
    if (code == 0)
        code = make_sample(gathering);
    for (size_t i = 0; code == 0 && i < gathering->result->pool_count; i++)
        code = add_mappings(gathering, &gathering->result->pools[i], store);
    if (code != 0)
        return code;
    if (gathering->candidates < SAMPLE_MAPPINGS_MIN)
        fill_sample(gathering);
    for (size_t i = 0; i < gathering->result->pool_count; i++)
        decide_sample(gathering, &gathering->result->pools[i]);
    return 0;
}

int what_if_gather(const struct decision_inputs *before, const struct supposition *supposition,
                   struct store *store, struct what_if *ret_what_if, struct error *error)
{
    struct what_if result = {.snapshot = supposition->snapshot};
    struct gathering gathering = {.result = &result, .error = error};
    int code = gather(&gathering, before, supposition, store);
    turns_free(gathering.now.turns);
    turns_free(gathering.then.turns);
    free(gathering.sample);
    if (code == 0) {
        *ret_what_if = result;
        return 0;
    }
    what_if_release(&result);
    return error_set(error, code, "%s", error_text(code));
}

void what_if_release(struct what_if *what_if)
{
    for (size_t i = 0; i < what_if->pool_count; i++) {
        free(what_if->pools[i].sites);
        free(what_if->pools[i].moves);
    }
    free(what_if->pools);
}

const char *what_if_site(const struct what_if *what_if, size_t index)
{
    return index < what_if->snapshot->controller_count ? what_if->snapshot->controllers[index].name
                                                       : "none";
}
