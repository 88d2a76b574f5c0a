/*
 * Lists of candidates, the loop that lets one method pick and fails over, the chain of methods, and
 * the choices among the servers of one controller and among the addresses of a family.
 */
#include "core/balance/choose.h"

#include <string.h>

static void candidates_in_state(const struct pool *pool, enum state state,
                                struct candidates *ret_candidates)
{
    ret_candidates->count = 0;
    for (size_t i = 0; i < pool->server_count; i++)
        if (virtual_server_state(&pool->servers[i]) == state)
            ret_candidates->servers[ret_candidates->count++] = &pool->servers[i];
}

static bool any_is_up(const struct availability *availability, const struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        if (availability_server_up(availability, candidates->servers[i]))
            return true;
    return false;
}

void candidates_for_new(const struct selection *selection, const struct availability *availability,
                        struct candidates *ret_candidates)
{
    struct candidates draining;
    candidates_in_state(selection->pool, STATE_ENABLED, ret_candidates);
    if (any_is_up(availability, ret_candidates))
        return;
    candidates_in_state(selection->pool, STATE_DRAINING, &draining);
    if (!any_is_up(availability, &draining))
        return;
    TRACE(selection->trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_DRAINING);
    *ret_candidates = draining;
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

/* Says whether a server may be picked: it is up and, where an address is chosen, so is its own. */
static bool is_up(const struct selection *selection, const struct availability *availability,
                  const struct virtual_server *server)
{
    return selection->family == FAMILY_NONE
               ? availability_server_up(availability, server)
               : availability_address_up(availability, server, selection->family);
}

/* The address that is chosen, for the trace; NULL where a server is. */
static const char *family_address(const struct selection *selection,
                                  const struct virtual_server *server)
{
    return selection->family == FAMILY_NONE ? NULL
                                            : virtual_server_address(server, selection->family);
}

/* How a step turned out about a server that is not up: it is held, or the `usual` outcome. */
static enum trace_outcome outcome_of_down(const struct availability *availability,
                                          const struct virtual_server *server,
                                          enum trace_outcome usual)
{
    int64_t since_s;
    return availability_server_held(availability, server, &since_s) ? OUTCOME_HELD : usual;
}

static void leave_out_down(const struct selection *selection,
                           const struct availability *availability, struct candidates *candidates)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct virtual_server *server = candidates->servers[i];
        if (is_up(selection, availability, server))
            candidates->servers[kept++] = server;
        else
            TRACE(selection->trace, .what = STEP_SERVER,
                  .outcome = outcome_of_down(availability, server, OUTCOME_LEFT_OUT),
                  .values = {TRACE_TEXT("controller", server->controller->name),
                             TRACE_INTEGER("position", server->position),
                             TRACE_TEXT("address", family_address(selection, server))});
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
        bool up = is_up(selection, availability, server);
        TRACE(trace, .what = STEP_SERVER,
              .outcome = !up            ? outcome_of_down(availability, server, OUTCOME_STRUCK)
                         : availability ? OUTCOME_TAKEN
                                        : OUTCOME_TAKEN_ANYWAY,
              .values = {TRACE_TEXT("controller", server->controller->name),
                         TRACE_INTEGER("position", server->position),
                         TRACE_INTEGER("server", index + 1),
                         TRACE_TEXT("address", family_address(selection, server))});
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

bool chooses_by_topology(const struct pool *pool)
{
    return pool->method == &method_topology || pool->alternate == &method_topology;
}

/* By that method; if it cannot decide, for example because all weights are 0, by modulus. */
static const struct virtual_server *choose_among(const struct method *method,
                                                 const struct selection *selection,
                                                 const struct availability *availability,
                                                 struct candidates *candidates)
{
    const struct virtual_server *server = choose_by(method, selection, availability, candidates);
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

/* Among the enabled ones; if none of these is up, among all. */
static const struct virtual_server *choose_enabled_first(const struct method *method,
                                                         const struct selection *selection,
                                                         const struct availability *availability,
                                                         struct candidates *candidates)
{
    struct candidates enabled = *candidates;
    keep_enabled(&enabled);
    const struct virtual_server *server = choose_among(method, selection, availability, &enabled);
    return server ? server : choose_among(method, selection, availability, candidates);
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
    candidates_for_new(selection, availability, &candidates);
    const struct virtual_server *server = choose(selection, availability, &candidates);
    if (server && server->controller == controller)
        return server;
    TRACE(selection->trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_ELSEWHERE,
          .values = {TRACE_TEXT("controller", controller->name)});
    candidates_of_controller(selection->pool, controller, &candidates);
    return choose_among(selection->pool->method->within, selection, availability, &candidates);
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
    return choose_enabled_first(selection->pool->method->within, selection, availability,
                                &candidates);
}

static void keep_with_address(struct candidates *candidates, enum address_family family)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++)
        if (virtual_server_address(candidates->servers[i], family))
            candidates->servers[kept++] = candidates->servers[i];
    candidates->count = kept;
}

/* The address of one of the candidates, of which each has one; NULL when none is up. */
static const char *choose_of_family(const struct method *method, const struct selection *selection,
                                    const struct availability *availability,
                                    enum address_family family, struct candidates *candidates)
{
    struct selection of_family = *selection;
    of_family.family = family;
    const struct virtual_server *choice =
        choose_enabled_first(method, &of_family, availability, candidates);
    return choice ? virtual_server_address(choice, family) : NULL;
}

const char *choose_address(const struct selection *selection,
                           const struct availability *availability,
                           const struct virtual_server *server, enum address_family family)
{
    const char *own = virtual_server_address(server, family);
    struct candidates candidates;
    if (own && availability_address_up(availability, server, family))
        return own;
    candidates_of_controller(selection->pool, server->controller, &candidates);
    keep_with_address(&candidates, family);
    if (candidates.count == 0)
        return NULL;
    TRACE(selection->trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_OTHER_FAMILY,
          .values = {TRACE_TEXT("controller", server->controller->name),
                     TRACE_TEXT("type", family_type(family)), TRACE_TEXT("down", own)});
    return choose_of_family(selection->pool->method->within, selection, availability, family,
                            &candidates);
}

static void candidates_with_address(const struct pool *pool, enum address_family family,
                                    struct candidates *ret_candidates)
{
    ret_candidates->count = 0;
    for (size_t i = 0; i < pool->server_count; i++)
        if (virtual_server_state(&pool->servers[i]) != STATE_DISABLED)
            ret_candidates->servers[ret_candidates->count++] = &pool->servers[i];
    keep_with_address(ret_candidates, family);
}

const char *choose_address_anywhere(const struct selection *selection,
                                    const struct availability *availability,
                                    enum address_family family)
{
    const struct method *method = selection->pool->method;
    struct candidates candidates;
    candidates_with_address(selection->pool, family, &candidates);
    TRACE(selection->trace, .what = STEP_CANDIDATES, .outcome = OUTCOME_ELSEWHERE_OF_FAMILY,
          .values = {TRACE_TEXT("type", family_type(family)),
                     TRACE_TEXT("pool", selection->pool->name)});
    return choose_of_family(method_metric(method, selection->pool) ? method->within : method,
                            selection, availability, family, &candidates);
}
