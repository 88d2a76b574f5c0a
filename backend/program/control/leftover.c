#include "program/control/leftover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "program/control/mapping_tour.h"
#include "program/control/progress.h"

struct counting {
    const struct state_target *targets;
    size_t target_count;
    bool disabled;
    struct progress progress;
    struct leftover_pool *row; /* that is being filled */
};

static bool is_target(const struct counting *counting, const struct virtual_server *server)
{
    for (size_t i = 0; i < counting->target_count; i++) {
        const struct state_target *target = &counting->targets[i];
        if (target->id == (target->is_server ? server->id : server->controller->id))
            return true;
    }
    return false;
}

/* Says whether the pool has a server of the targets; of a certain controller, unless that is 0. */
static bool has_target(const struct counting *counting, const struct pool *pool,
                       int64_t controller_id)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if ((controller_id == 0 || pool->servers[i].controller->id == controller_id) &&
            is_target(counting, &pool->servers[i]))
            return true;
    return false;
}

/* A disabled server is no reason for a mapping to end while its site has another one. */
static bool is_meant(const struct counting *counting, const struct visited_mapping *visited)
{
    const struct virtual_server *server;
    enum mapping_state state = visited_state(visited, visited->asked, &server);
    if (counting->disabled)
        return (state == MAPPING_CONTROLLER_DISABLED || state == MAPPING_NO_SERVER) &&
               has_target(counting, visited->asked, visited->mapping->controller_id);
    return state == MAPPING_LIVE && is_target(counting, server);
}

static int count_one(void *context, const struct visited_mapping *visited, struct error *error)
{
    struct counting *counting = context;
    struct leftover_pool *row = counting->row;
    (void)error;
    if (!is_meant(counting, visited))
        return 0;
    int64_t left_s = mapping_left_s(visited->mapping, visited->inputs->now_s);
    row->mappings++;
    if (left_s > row->last_ends_in_s)
        row->last_ends_in_s = left_s;
    return 0;
}

static bool show_progress(void *context, int64_t read)
{
    struct counting *counting = context;
    if (progress_is_due(&counting->progress))
        progress_show(&counting->progress, "pool %s: %" PRId64 " mappings read",
                      counting->row->name, read);
    return true;
}

static int64_t count_pins(const struct counting *counting, const struct pool *pool,
                          const struct decision_inputs *inputs)
{
    const struct pins *pins = &inputs->snapshot->pins;
    int64_t count = 0;
    for (size_t i = 0; pool->has_pins && i < pins->count; i++)
        count += pin_is_of_pool(&pins->pins[i], pool) &&
                 !pin_is_over(&pins->pins[i], inputs->now_s) &&
                 has_target(counting, pool, pins->pins[i].controller->id);
    return count;
}

/* The pools that have a server of the targets. */
static int list_pools(const struct command_call *call, const struct counting *counting,
                      struct leftover *leftover, struct error *error)
{
    struct decision_inputs inputs;
    int code = responder_begin(call->responder, &inputs, error);
    if (code != 0)
        return code;
    leftover->pools = calloc(inputs.snapshot->pool_count + 1, sizeof *leftover->pools);
    if (!leftover->pools)
        code = error_set(error, ERR_NOMEM, "out of memory");
    for (size_t i = 0; code == 0 && i < inputs.snapshot->pool_count; i++) {
        const struct pool *pool = &inputs.snapshot->pools[i];
        if (!has_target(counting, pool, 0))
            continue;
        struct leftover_pool *row = &leftover->pools[leftover->count++];
        row->id = pool->id;
        row->is_sliding = pool->persistence_pool->timer == TIMER_SLIDING;
        row->pins = count_pins(counting, pool, &inputs);
        for (size_t j = 0; j < pool->server_count; j++)
            row->has_server |= virtual_server_state(&pool->servers[j]) != STATE_DISABLED;
        snprintf(row->name, sizeof row->name, "%s", pool->name);
    }
    responder_end(call->responder);
    return code;
}

int leftover_count(const struct command_call *call, const struct state_target *targets,
                   size_t target_count, bool disabled, struct leftover *ret_leftover,
                   struct error *error)
{
    struct counting counting = {
        .targets = targets, .target_count = target_count, .disabled = disabled};
    const struct tour_guide guide = {
        .visit = count_one, .pause = show_progress, .context = &counting};
    *ret_leftover = (struct leftover){0};
    progress_begin(&counting.progress);
    int code = list_pools(call, &counting, ret_leftover, error);
    for (size_t i = 0; code == 0 && i < ret_leftover->count; i++) {
        struct leftover_pool *row = counting.row = &ret_leftover->pools[i];
        const struct mapping_filter filter = {.pool_id = row->id, .expiring_s = -1};
        code = mapping_tour(call, &filter, &guide, error);
        ret_leftover->mappings += row->mappings;
        if (row->last_ends_in_s > ret_leftover->last_ends_in_s)
            ret_leftover->last_ends_in_s = row->last_ends_in_s;
    }
    progress_clear(&counting.progress);
    return code;
}

void leftover_release(struct leftover *leftover)
{
    free(leftover->pools);
    *leftover = (struct leftover){0};
}
