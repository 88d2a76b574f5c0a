/*
 * A tour is made of legs: for each pool the single keys that the filter means, and a walk through a
 * range of keys.
 */
#include "program/control/mapping_tour.h"

#include <stdlib.h>

/* How long changes are waited for at the end; a database may be locked for a while. */
#define SETTLE_MS 10000

/* So often a tour is made because others change mappings. */
#define TOURS_MAX 10

struct tour {
    const struct command_call *call;
    const struct mapping_filter *filter;
    const struct tour_guide *guide;
    struct decision_inputs inputs;
    const struct pool *asked, *pool; /* of the snapshot of the part; NULL: it is gone */
    int64_t asked_id, pool_id;
    bool begun;
    bool is_partial;
    struct error partial; /* why */
    int64_t read;
    struct error *error;
};

/* ---------------------------------------------------------------- parts */

static int begin_part(struct tour *tour)
{
    int code = responder_begin(tour->call->responder, &tour->inputs, tour->error);
    if (code != 0)
        return code;
    tour->begun = true;
    tour->asked = snapshot_pool(tour->inputs.snapshot, tour->asked_id);
    tour->pool = snapshot_pool(tour->inputs.snapshot, tour->pool_id);
    return 0;
}

static void end_part(struct tour *tour)
{
    if (tour->begun)
        responder_end(tour->call->responder);
    tour->begun = false;
}

static int pause_tour(struct tour *tour)
{
    end_part(tour);
    if (tour->guide->pause && !tour->guide->pause(tour->guide->context, tour->read))
        return TOUR_END;
    return begin_part(tour);
}

/* Visits a mapping if it is meant, as often as the guide wants to wait. */
static int visit(struct tour *tour, const char *key, const struct mapping *mapping)
{
    int code = TOUR_WAIT;
    while (code == TOUR_WAIT && tour->asked && tour->pool &&
           mapping_filter_matches(tour->filter, mapping, tour->inputs.now_s)) {
        const struct visited_mapping visited = {.inputs = &tour->inputs,
                                                .asked = tour->asked,
                                                .pool = tour->pool,
                                                .key = key,
                                                .mapping = mapping};
        code = tour->guide->visit(tour->guide->context, &visited, tour->error);
        if (code == TOUR_WAIT) {
            int paused = pause_tour(tour);
            code = paused == 0 ? TOUR_WAIT : paused;
        }
    }
    return code == TOUR_WAIT ? 0 : code;
}

/* ---------------------------------------------------------------- legs */

static int visit_key(struct tour *tour, const char *key)
{
    const struct mapping_table *mappings = tour->inputs.mappings;
    struct mapping mapping;
    int code = mappings->find(mappings->context, tour->pool_id, key, &mapping, tour->error);
    if (code != 0)
        return code == ERR_NOTFOUND ? 0 : code;
    tour->read++;
    return visit(tour, key, &mapping);
}

static int visit_keys(struct tour *tour)
{
    struct resolver_keys keys;
    int code = 0;
    if (!tour->filter->has_resolver || !tour->pool)
        return 0;
    resolver_word_keys(&tour->filter->resolver, tour->inputs.snapshot, tour->pool, &keys);
    for (size_t i = 0; code == 0 && i < keys.count; i++)
        code = visit_key(tour, keys.keys[i]);
    return code;
}

/* Between two texts there may be other keys, too. */
static bool lies_in_range(const struct mapping_filter *filter, const char *key)
{
    return !filter->has_resolver || resolver_word_covers(&filter->resolver, key);
}

static int visit_part(struct tour *tour, struct mapping_walk *walk, bool *ret_more)
{
    const struct mapping_row *rows;
    size_t count = 0;
    int code = store_walk_next(walk, &rows, &count, tour->error);
    if (code != 0)
        return code;
    *ret_more = count > 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        if (lies_in_range(tour->filter, rows[i].key))
            code = visit(tour, rows[i].key, &rows[i].mapping);
    tour->read += (int64_t)count;
    return code == 0 && *ret_more ? pause_tour(tour) : code;
}

static int visit_range(struct tour *tour)
{
    const struct mapping_filter *filter = tour->filter;
    char after[CLIENT_KEY_MAX] = WALK_START, before[CLIENT_KEY_MAX] = WALK_END;
    struct mapping_walk *walk;
    bool more = true;
    if (filter->has_resolver && !resolver_word_is_network(&filter->resolver))
        return 0;
    if (filter->has_resolver)
        resolver_word_range(&filter->resolver, after, before);
    int code = store_walk_new(responder_store(tour->call->responder), tour->pool_id, after, before,
                              &walk, tour->error);
    if (code != 0)
        return code;
    tour->is_partial |= store_walk_problem(walk, &tour->partial) != 0;
    while (code == 0 && more)
        code = visit_part(tour, walk, &more);
    store_walk_free(walk);
    return code;
}

static int visit_pool(struct tour *tour, int64_t pool_id)
{
    tour->asked_id = tour->pool_id = pool_id;
    int code = begin_part(tour);
    if (code != 0)
        return code;
    bool shares = tour->asked && tour->asked->persistence_pool != tour->asked;
    if (shares && tour->filter->pool_id != 0) {
        tour->pool = tour->asked->persistence_pool;
        tour->pool_id = tour->pool->id;
    }
    if (tour->asked && (!shares || tour->filter->pool_id != 0 || tour->filter->with_unused)) {
        code = visit_keys(tour);
        if (code == 0)
            code = visit_range(tour);
    }
    end_part(tour);
    return code;
}

/* ---------------------------------------------------------------- the tour */

/* The ids of all pools, since a snapshot does not last; the caller's. */
static int list_pools(const struct command_call *call, int64_t **ret_ids, size_t *ret_count,
                      struct error *error)
{
    struct decision_inputs inputs;
    int code = responder_begin(call->responder, &inputs, error);
    if (code != 0)
        return code;
    size_t count = inputs.snapshot->pool_count;
    int64_t *ids = calloc(count + 1, sizeof *ids);
    for (size_t i = 0; ids && i < count; i++)
        ids[i] = inputs.snapshot->pools[i].id;
    responder_end(call->responder);
    if (!ids)
        return error_set(error, ERR_NOMEM, "out of memory");
    *ret_ids = ids;
    *ret_count = count;
    return 0;
}

int mapping_tour(const struct command_call *call, const struct mapping_filter *filter,
                 const struct tour_guide *guide, struct error *error)
{
    struct tour tour = {.call = call, .filter = filter, .guide = guide, .error = error};
    int64_t *ids = NULL;
    size_t count = 0;
    int code = list_pools(call, &ids, &count, error);
    if (code != 0)
        return code;
    for (size_t i = 0; code == 0 && i < count; i++)
        if (filter->pool_id == 0 || filter->pool_id == ids[i])
            code = visit_pool(&tour, ids[i]);
    free(ids);
    if (code == 0 && tour.is_partial)
        return error_set(error, tour.partial.code, "%s", tour.partial.text);
    return code;
}

int mappings_revision_now(const struct command_call *call, int64_t *ret_revision,
                          struct error *error)
{
    struct decision_inputs inputs;
    int code = responder_begin(call->responder, &inputs, error);
    if (code != 0)
        return code;
    *ret_revision = store_mappings_revision(responder_store(call->responder));
    responder_end(call->responder);
    return 0;
}

int mappings_settle(const struct command_call *call, int64_t revision, bool *ret_same,
                    struct error *error)
{
    int64_t now;
    size_t waiting = store_unwritten(responder_store(call->responder), SETTLE_MS);
    int code = mappings_revision_now(call, &now, error);
    if (code != 0)
        return code;
    if (waiting > 0 && now == revision)
        command_failure(call, "note: %zu changes wait until the database can be written", waiting);
    *ret_same = now == revision;
    return 0;
}

int mapping_tour_of_changes(const struct command_call *call, const struct mapping_filter *filter,
                            const struct tour_guide *guide, void (*again)(void *context),
                            struct error *error)
{
    bool same = false;
    int code = 0;
    for (int i = 0; code == 0 && !same && i < TOURS_MAX; i++) {
        int64_t revision = 0;
        if (i > 0 && again)
            again(guide->context);
        code = mappings_revision_now(call, &revision, error);
        if (code == 0)
            code = mapping_tour(call, filter, guide, error);
        if (code < 0)
            return code;
        int settled = mappings_settle(call, revision, &same, error);
        code = settled != 0 ? settled : code;
    }
    if (code == 0 && !same)
        return error_set(error, ERR_BUSY, "others change mappings all the time; try again");
    return code;
}

enum mapping_state visited_state(const struct visited_mapping *visited, const struct pool *pool,
                                 const struct virtual_server **ret_server)
{
    const struct decision_inputs *inputs = visited->inputs;
    struct client client;
    client_of_key(visited->key, &client);
    const struct selection selection = {.pool = pool, .client = &client, .now_s = inputs->now_s};
    return mapping_evaluate(visited->mapping, &selection, inputs->snapshot, inputs->availability,
                            ret_server);
}
