#include "core/balance/choose.h"

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

static void leave_out_down(const struct election *election, const struct metrics *metrics,
                           struct candidates *candidates)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct virtual_server *server = candidates->servers[i];
        if (metrics_server_up(metrics, server))
            candidates->servers[kept++] = server;
        else
            TRACE(election->trace, .what = STEP_SERVER, .outcome = OUTCOME_LEFT_OUT,
                  .values = {TRACE_TEXT("controller", server->controller->name),
                             TRACE_INTEGER("position", server->position)});
    }
    candidates->count = kept;
}

const struct virtual_server *choose_by(const struct method *method, const struct election *election,
                                       const struct metrics *metrics, struct candidates *candidates)
{
    struct trace *trace = election->trace;
    if (!method->strikes_down)
        leave_out_down(election, metrics, candidates);
    while (candidates->count > 0) {
        struct election shown = *election;
        shown.servers = candidates->servers;
        shown.count = candidates->count;
        size_t index = method->pick(&shown);
        if (index == METHOD_UNDECIDED) {
            TRACE(trace, .what = STEP_METHOD, .outcome = OUTCOME_UNDECIDED,
                  .values = {TRACE_TEXT("method", method->name)});
            return NULL;
        }
        const struct virtual_server *server = candidates->servers[index];
        bool up = metrics_server_up(metrics, server);
        TRACE(trace, .what = STEP_SERVER, .outcome = up ? OUTCOME_TAKEN : OUTCOME_STRUCK,
              .values = {TRACE_TEXT("controller", server->controller->name),
                         TRACE_INTEGER("position", server->position),
                         TRACE_INTEGER("server", index + 1)});
        if (up)
            return server;
        strike(candidates, index);
    }
    TRACE(trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_NONE_LEFT);
    return NULL;
}

/* The longest chain, with NULL at its end. */
#define CHAIN_MAX 4

static void chain_of(const struct pool *pool, const struct method *ret_chain[CHAIN_MAX])
{
    size_t count = 0;
    ret_chain[count++] = pool->method;
    if (pool->alternate)
        ret_chain[count++] = pool->alternate;
    if (!pool->fallback_pool && pool->fallback == FALLBACK_ANY)
        ret_chain[count++] = &method_modulus;
    ret_chain[count] = NULL;
}

const struct virtual_server *choose(const struct election *election, const struct metrics *metrics,
                                    struct candidates *candidates)
{
    const struct method *chain[CHAIN_MAX];
    chain_of(election->pool, chain);
    const struct virtual_server *server = choose_by(chain[0], election, metrics, candidates);
    for (size_t i = 1; !server && candidates->count > 0 && chain[i]; i++) {
        TRACE(election->trace, .what = STEP_METHOD, .outcome = OUTCOME_NEXT,
              .values = {TRACE_TEXT("method", chain[i]->name)});
        server = choose_by(chain[i], election, metrics, candidates);
    }
    return server;
}

bool chooses_by_client(const struct pool *pool)
{
    return pool->method->by_client && (!pool->alternate || pool->alternate->by_client);
}

bool chooses_by_turns(const struct pool *pool)
{
    return pool->method->takes_turns || (pool->alternate && pool->alternate->takes_turns);
}

/* By the method for that, and if it finds no difference (weights of 0) by modulus. */
static const struct virtual_server *choose_among(const struct election *election,
                                                 const struct metrics *metrics,
                                                 struct candidates *candidates)
{
    const struct virtual_server *server =
        choose_by(election->pool->method->within, election, metrics, candidates);
    return server || candidates->count == 0
               ? server
               : choose_by(&method_modulus, election, metrics, candidates);
}

static void keep_enabled(struct candidates *candidates)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++)
        if (virtual_server_state(candidates->servers[i]) == STATE_ENABLED)
            candidates->servers[kept++] = candidates->servers[i];
    candidates->count = kept;
}

/* What made the mapping chooses again. Where that leads elsewhere, draining servers count too. */
static const struct virtual_server *repeat_within(const struct election *election,
                                                  const struct metrics *metrics,
                                                  const struct controller *controller)
{
    struct candidates candidates;
    candidates_for_new(election->pool, &candidates);
    const struct virtual_server *server = choose(election, metrics, &candidates);
    if (server && server->controller == controller)
        return server;
    TRACE(election->trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_ELSEWHERE,
          .values = {TRACE_TEXT("controller", controller->name)});
    candidates_of_controller(election->pool, controller, &candidates);
    return choose_among(election, metrics, &candidates);
}

const struct virtual_server *choose_within(const struct election *election,
                                           const struct metrics *metrics,
                                           const struct controller *controller)
{
    struct candidates candidates;
    candidates_of_controller(election->pool, controller, &candidates);
    if (candidates.count == 1)
        return choose_by(&method_modulus, election, metrics, &candidates);
    if (chooses_by_client(election->pool))
        return repeat_within(election, metrics, controller);
    TRACE(election->trace, .what = STEP_CANDIDATES,
          .values = {TRACE_TEXT("controller", controller->name)});
    keep_enabled(&candidates);
    const struct virtual_server *server = choose_among(election, metrics, &candidates);
    if (server)
        return server;
    candidates_of_controller(election->pool, controller, &candidates);
    return choose_among(election, metrics, &candidates);
}
