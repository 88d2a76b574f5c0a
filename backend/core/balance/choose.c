/*
 * Lists of candidates, the loop that lets one method pick and fails over, the chain of methods, and
 * the choice among the servers of one controller.
 */
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

static void leave_out_down(const struct selection *selection,
                           const struct availability *availability, struct candidates *candidates)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct virtual_server *server = candidates->servers[i];
        if (availability_server_up(availability, server))
            candidates->servers[kept++] = server;
        else
            TRACE(selection->trace, .what = STEP_SERVER, .outcome = OUTCOME_LEFT_OUT,
                  .values = {TRACE_TEXT("controller", server->controller->name),
                             TRACE_INTEGER("position", server->position)});
    }
    candidates->count = kept;
}

const struct virtual_server *choose_by(const struct method *method,
                                       const struct selection *selection,
                                       const struct availability *availability,
                                       struct candidates *candidates)
{
    struct trace *trace = selection->trace;
    if (!method->strikes_down)
        leave_out_down(selection, availability, candidates);
    while (candidates->count > 0) {
        struct selection shown = *selection;
        shown.servers = candidates->servers;
        shown.count = candidates->count;
        size_t index = method->pick(&shown);
        if (index == METHOD_UNDECIDED) {
            TRACE(trace, .what = STEP_METHOD, .outcome = OUTCOME_UNDECIDED,
                  .values = {TRACE_TEXT("method", method->name)});
            return NULL;
        }
        const struct virtual_server *server = candidates->servers[index];
        bool up = availability_server_up(availability, server);
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

/* Method, alternate method, modulus, and a NULL at the end. */
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

const struct virtual_server *choose(const struct selection *selection,
                                    const struct availability *availability,
                                    struct candidates *candidates)
{
    const struct method *chain[CHAIN_MAX];
    chain_of(selection->pool, chain);
    const struct virtual_server *server = choose_by(chain[0], selection, availability, candidates);
    for (size_t i = 1; !server && candidates->count > 0 && chain[i]; i++) {
        TRACE(selection->trace, .what = STEP_METHOD, .outcome = OUTCOME_NEXT,
              .values = {TRACE_TEXT("method", chain[i]->name)});
        server = choose_by(chain[i], selection, availability, candidates);
    }
    return server;
}

bool chooses_by_client(const struct pool *pool)
{
    return pool->method->by_client && (!pool->alternate || pool->alternate->by_client);
}

bool chooses_in_turn(const struct pool *pool)
{
    return pool->method->takes_turns || (pool->alternate && pool->alternate->takes_turns);
}

/* By the method's `within`; if that cannot decide, because all weights are 0, by modulus. */
static const struct virtual_server *choose_among(const struct selection *selection,
                                                 const struct availability *availability,
                                                 struct candidates *candidates)
{
    const struct virtual_server *server =
        choose_by(selection->pool->method->within, selection, availability, candidates);
    return server || candidates->count == 0
               ? server
               : choose_by(&method_modulus, selection, availability, candidates);
}

static void keep_enabled(struct candidates *candidates)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++)
        if (virtual_server_state(candidates->servers[i]) == STATE_ENABLED)
            candidates->servers[kept++] = candidates->servers[i];
    candidates->count = kept;
}

/*
 * Repeats the choice that made the mapping. If that leads to another controller, the choice is made
 * among all servers of this one, draining ones included.
 */
static const struct virtual_server *repeat_within(const struct selection *selection,
                                                  const struct availability *availability,
                                                  const struct controller *controller)
{
    struct candidates candidates;
    candidates_for_new(selection->pool, &candidates);
    const struct virtual_server *server = choose(selection, availability, &candidates);
    if (server && server->controller == controller)
        return server;
    TRACE(selection->trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_ELSEWHERE,
          .values = {TRACE_TEXT("controller", controller->name)});
    candidates_of_controller(selection->pool, controller, &candidates);
    return choose_among(selection, availability, &candidates);
}

const struct virtual_server *choose_within(const struct selection *selection,
                                           const struct availability *availability,
                                           const struct controller *controller)
{
    struct candidates candidates;
    candidates_of_controller(selection->pool, controller, &candidates);
    if (candidates.count == 1)
        return choose_by(&method_modulus, selection, availability, &candidates);
    if (chooses_by_client(selection->pool))
        return repeat_within(selection, availability, controller);
    TRACE(selection->trace, .what = STEP_CANDIDATES,
          .values = {TRACE_TEXT("controller", controller->name)});
    keep_enabled(&candidates);
    const struct virtual_server *server = choose_among(selection, availability, &candidates);
    if (server)
        return server;
    candidates_of_controller(selection->pool, controller, &candidates);
    return choose_among(selection, availability, &candidates);
}
