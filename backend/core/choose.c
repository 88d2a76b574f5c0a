#include "core/choose.h"

#include <string.h>

void candidates_for_new(const struct pool *pool, struct candidates *ret_candidates)
{
    ret_candidates->count = 0;
    for (size_t i = 0; i < pool->server_count; i++)
        if (virtual_server_state(&pool->servers[i]) == STATE_ENABLED)
            ret_candidates->servers[ret_candidates->count++] = &pool->servers[i];
}

void candidates_of_controller(const struct pool *pool, const struct controller *controller,
                              struct candidates *ret_candidates)
{
    ret_candidates->count = 0;
    for (size_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].controller == controller &&
            virtual_server_state(&pool->servers[i]) != STATE_DISABLED)
            ret_candidates->servers[ret_candidates->count++] = &pool->servers[i];
}

static void strike(struct candidates *candidates, size_t index)
{
    candidates->count--;
    memmove(&candidates->servers[index], &candidates->servers[index + 1],
            (candidates->count - index) * sizeof *candidates->servers);
}

const struct virtual_server *choose(const struct method *method, struct number client,
                                    const struct metrics *metrics, struct candidates *candidates,
                                    const struct trace *trace)
{
    while (candidates->count > 0) {
        struct election election = {.client = client,
                                    .servers = candidates->servers,
                                    .count = candidates->count,
                                    .trace = trace};
        size_t index = method->pick(&election);
        const struct virtual_server *server = candidates->servers[index];
        bool up = metrics_server_up(metrics, server);
        trace_say(trace, "server %zu is %s, position %lld: %s", index + 1, server->controller->name,
                  (long long)server->position, up ? "up, taken" : "down, struck from the list");
        if (up)
            return server;
        strike(candidates, index);
    }
    trace_say(trace, "no server is left");
    return NULL;
}
