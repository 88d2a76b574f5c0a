/*
 * Counts pins: in all, in each pool, and those that lead to each server. A pin of all pools counts
 * in each pool where its controller has a server, so these are first counted by controller.
 */
#include <stdlib.h>

#include "core/base/error.h"
#include "program/command/status_parts.h"

static void count_pin(const struct pin *pin, int64_t now_s, struct status_counts *counts)
{
    if (!pin_is_over(pin, now_s))
        counts->pins++;
    else if (counts->pins_over++ == 0)
        counts->first_over = pin;
}

/* The servers of one controller in a pool. */
static void add_to_servers(struct status_pool *row, const struct controller *controller,
                           size_t count)
{
    for (size_t i = 0; i < row->pool->server_count; i++)
        if (row->pool->servers[i].controller == controller)
            row->servers[i].pins += count;
}

static bool is_first_of_controller(const struct pool *pool, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (pool->servers[i].controller == pool->servers[index].controller)
            return false;
    return true;
}

static void count_in_pool(const struct decision_inputs *inputs, const size_t *of_all_pools,
                          struct status_pool *row)
{
    const struct pool *pool = row->pool;
    const struct pin *pins;
    size_t count;
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct controller *controller = pool->servers[i].controller;
        if (of_all_pools[controller->index] == 0 || !is_first_of_controller(pool, i))
            continue;
        row->pins += of_all_pools[controller->index];
        add_to_servers(row, controller, of_all_pools[controller->index]);
    }
    pins_range(&inputs->snapshot->pins, pool, &pins, &count);
    for (size_t i = 0; i < count; i++) {
        if (pin_is_over(&pins[i], inputs->now_s))
            continue;
        row->pins++;
        add_to_servers(row, pins[i].controller, 1);
    }
}

int status_gather_pins(const struct decision_inputs *inputs, struct status *status)
{
    const struct snapshot *snapshot = inputs->snapshot;
    size_t *of_all_pools = calloc(snapshot->controller_count + 1, sizeof *of_all_pools);
    if (!of_all_pools)
        return ERR_NOMEM;
    for (size_t i = 0; i < snapshot->pins.count; i++) {
        const struct pin *pin = &snapshot->pins.pins[i];
        count_pin(pin, inputs->now_s, &status->counts);
        if (!pin->pool && !pin_is_over(pin, inputs->now_s))
            of_all_pools[pin->controller->index]++;
    }
    for (size_t i = 0; i < snapshot->pool_count; i++)
        if (snapshot->pools[i].has_pins)
            count_in_pool(inputs, of_all_pools, &status->pools[i]);
    free(of_all_pools);
    return 0;
}
