#include "core/sticky/addresses.h"

static bool site_has_family(const struct pool *pool, const struct controller *controller,
                            enum address_family family)
{
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if (server->controller == controller && virtual_server_state(server) != STATE_DISABLED &&
            virtual_server_address(server, family))
            return true;
    }
    return false;
}

static void trace_fallback(const struct selection *selection, enum address_family family)
{
    const struct pool *pool = selection->pool, *next = pool->fallback_pool;
    TRACE(selection->trace, .what = STEP_FALLBACK, .outcome = OUTCOME_OTHER_FAMILY,
          .values = {TRACE_TEXT("type", family_type(family)),
                     TRACE_TEXT("pool", next ? next->name : NULL),
                     TRACE_TEXT("fallback", next ? NULL : fallback_word(pool->fallback))});
}

/* Of the selection's pool, then of its fallback pools; leaves the selection at the last one. */
static const char *choose_elsewhere(struct selection *selection,
                                    const struct availability *availability,
                                    enum address_family family)
{
    const char *address;
    while (!(address = choose_address_anywhere(selection, availability, family))) {
        trace_fallback(selection, family);
        if (!selection->pool->fallback_pool)
            return NULL;
        selection->pool = selection->pool->fallback_pool;
    }
    return address;
}

struct family_answer addresses_of_family(const struct selection *selection,
                                         const struct availability *availability,
                                         const struct virtual_server *server,
                                         enum address_family family)
{
    struct family_answer answer = {.address =
                                       choose_address(selection, availability, server, family)};
    if (answer.address || !site_has_family(selection->pool, server->controller, family))
        return answer;
    struct selection elsewhere = *selection;
    elsewhere.turns = NULL;
    answer.address = choose_elsewhere(&elsewhere, availability, family);
    if (answer.address)
        return answer;
    if (elsewhere.pool->fallback == FALLBACK_ANY)
        answer.address = choose_address(selection, NULL, server, family);
    answer.failed = elsewhere.pool->fallback == FALLBACK_SERVFAIL;
    return answer;
}

/* The first that is up, of a site or (NULL) of any. */
static const char *first_address(const struct pool *pool, const struct availability *availability,
                                 const struct controller *controller, enum address_family family)
{
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        const char *address = virtual_server_address(server, family);
        if ((!controller || server->controller == controller) && address &&
            virtual_server_state(server) != STATE_DISABLED &&
            availability_address_up(availability, server, family))
            return address;
    }
    return NULL;
}

const char *addresses_some_of_family(const struct pool *pool,
                                     const struct availability *availability,
                                     const struct controller *controller,
                                     enum address_family family)
{
    const struct pool *last = pool;
    const char *address = first_address(pool, availability, controller, family);
    if (address || !site_has_family(pool, controller, family))
        return address;
    while (!(address = first_address(last, availability, NULL, family)) && last->fallback_pool)
        last = last->fallback_pool;
    if (address || last->fallback != FALLBACK_ANY)
        return address;
    return first_address(pool, NULL, controller, family);
}
