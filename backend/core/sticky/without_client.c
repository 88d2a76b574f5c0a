/*
 * Goes through everything that a client of a pool can be given, and keeps what is common to all.
 */
#include "core/sticky/without_client.h"

#include "core/sticky/addresses.h"

/* What is common to what was met so far. */
struct meeting {
    struct common_offer *common;
    bool met; /* anything yet */
};

static bool is_some(const struct offer *offer)
{
    return offer->ipv4 || offer->ipv6 || offer->name;
}

static void meet(struct meeting *meeting, struct offer given)
{
    struct common_offer *common = meeting->common;
    common->some_get_an_address |= is_some(&given);
    if (!meeting->met)
        common->offer = given;
    meeting->met = true;
    if (!given.ipv4)
        common->offer.ipv4 = NULL;
    if (!given.ipv6)
        common->offer.ipv6 = NULL;
    if (!given.name)
        common->offer.name = NULL;
}

static bool may_be_given(const struct virtual_server *server,
                         const struct availability *availability)
{
    return virtual_server_state(server) != STATE_DISABLED &&
           availability_server_up(availability, server);
}

/* The name of the site's first server that has one; NULL: none. */
static const char *name_of(const struct pool *pool, const struct availability *availability,
                           const struct controller *controller)
{
    for (size_t i = 0; i < pool->server_count; i++) {
        const struct virtual_server *server = &pool->servers[i];
        if (server->controller == controller && server->name && may_be_given(server, availability))
            return server->name;
    }
    return NULL;
}

/* What a client that is sent to a site is given: addresses of all servers there, or of others. */
static struct offer of_site(const struct pool *pool, const struct availability *availability,
                            const struct controller *controller)
{
    return (struct offer){addresses_some_of_family(pool, availability, controller, FAMILY_IPV4),
                          addresses_some_of_family(pool, availability, controller, FAMILY_IPV6),
                          name_of(pool, availability, controller)};
}

static bool keeps_mappings(const struct pool *pool)
{
    return pool->persistence_pool->persistence_ttl_s > 0;
}

/* A selection for a client of whom nothing is known. */
static struct selection selection_without_client(const struct decision_inputs *inputs,
                                                 const struct pool *pool)
{
    static const struct client unknown = {.known = false};
    const struct settings *settings = &inputs->snapshot->settings;
    return (struct selection){.pool = pool,
                              .client = &unknown,
                              .now_s = inputs->now_s,
                              .measured = inputs->measured,
                              .metric_max_age_s = settings->metric_max_age_s,
                              .path_metric_max_age_s = settings->path_metric_max_age_s,
                              .topology = inputs->topology,
                              .locator = inputs->locator};
}

/* Meets the sites of new clients; false when there are none. */
static bool meet_new(struct meeting *meeting, const struct selection *selection,
                     const struct availability *availability)
{
    struct candidates candidates;
    bool any = false;
    candidates_for_new(selection, availability, &candidates);
    for (size_t i = 0; i < candidates.count; i++) {
        const struct virtual_server *server = candidates.servers[i];
        if (!availability_server_up(availability, server))
            continue;
        meet(meeting, of_site(selection->pool, availability, server->controller));
        any = true;
    }
    return any;
}

/* Meets the sites to which a mapping can lead, those of new clients among them; else false. */
static bool meet_mapped(struct meeting *meeting, const struct pool *pool,
                        const struct availability *availability)
{
    bool any = false;
    for (size_t i = 0; i < pool->server_count; i++) {
        if (!may_be_given(&pool->servers[i], availability))
            continue;
        meet(meeting, of_site(pool, availability, pool->servers[i].controller));
        any = true;
    }
    return any;
}

static bool meet_sites(struct meeting *meeting, const struct selection *selection,
                       const struct availability *availability)
{
    return keeps_mappings(selection->pool) ? meet_mapped(meeting, selection->pool, availability)
                                           : meet_new(meeting, selection, availability);
}

static bool site_may_be_given(const struct pool *pool, const struct availability *availability,
                              const struct controller *controller)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if (pool->servers[i].controller == controller &&
            may_be_given(&pool->servers[i], availability))
            return true;
    return false;
}

/* Meets the sites of pins that name `named`: the selection's pool, or NULL for all pools. */
static void meet_pinned_of(struct meeting *meeting, const struct decision_inputs *inputs,
                           const struct pool *pool, const struct pool *named)
{
    const struct pin *pins;
    size_t count;
    pins_range(&inputs->snapshot->pins, named, &pins, &count);
    for (size_t i = 0; i < count; i++)
        if (!pin_is_over(&pins[i], inputs->now_s) && pin_is_of_pool(&pins[i], pool) &&
            site_may_be_given(pool, inputs->availability, pins[i].controller))
            meet(meeting, of_site(pool, inputs->availability, pins[i].controller));
}

/*
 * Meets the sites of pinned clients. A mapping leads to the same ones, but where none is kept, a
 * pin may lead to a site that drains.
 */
static void meet_pinned(struct meeting *meeting, const struct decision_inputs *inputs,
                        const struct pool *pool)
{
    if (!pool->has_pins || keeps_mappings(pool))
        return;
    meet_pinned_of(meeting, inputs, pool, pool);
    meet_pinned_of(meeting, inputs, pool, NULL);
}

/* Methods that decide for an unknown client decide for everyone (method.h). */
static bool decides_for_all(const struct selection *selection,
                            const struct availability *availability)
{
    struct candidates candidates;
    candidates_for_new(selection, availability, &candidates);
    return choose(selection, availability, &candidates) != NULL;
}

/* Clients for whom no pool of the chain decides; `selection` is that of the last one. */
static void meet_fallback(struct meeting *meeting, const struct selection *selection)
{
    enum fallback fallback = selection->pool->fallback;
    if (fallback == FALLBACK_ANY && meet_sites(meeting, selection, NULL))
        return;
    if (fallback == FALLBACK_SERVFAIL) {
        /* An error denies nothing. While everybody gets one, the types stay what they were. */
        if (!meeting->met)
            meet_sites(meeting, selection, NULL);
        return;
    }
    meeting->common->denying = selection->pool;
    meet(meeting, (struct offer){NULL, NULL, NULL});
}

void offer_common_to_all(const struct decision_inputs *inputs, const struct pool *pool,
                         struct common_offer *ret_common)
{
    struct meeting meeting = {.common = ret_common};
    *ret_common = (struct common_offer){.denying = NULL};
    for (;; pool = pool->fallback_pool) {
        const struct selection selection = selection_without_client(inputs, pool);
        meet_sites(&meeting, &selection, inputs->availability);
        meet_pinned(&meeting, inputs, pool);
        if (decides_for_all(&selection, inputs->availability))
            return;
        if (!pool->fallback_pool) {
            meet_fallback(&meeting, &selection);
            return;
        }
    }
}

/* The first server in a state that is up, or NULL. */
static const struct virtual_server *first_in(const struct pool *pool, enum state state,
                                             const struct availability *availability)
{
    for (size_t i = 0; i < pool->server_count; i++)
        if (virtual_server_state(&pool->servers[i]) == state &&
            availability_server_up(availability, &pool->servers[i]))
            return &pool->servers[i];
    return NULL;
}

static const struct virtual_server *first_of(const struct pool *pool,
                                             const struct availability *availability)
{
    const struct virtual_server *enabled = first_in(pool, STATE_ENABLED, availability);
    return enabled ? enabled : first_in(pool, STATE_DRAINING, availability);
}

struct offer offer_of_one_site(const struct decision_inputs *inputs, const struct pool *pool)
{
    const struct availability *availability = inputs->availability;
    const struct virtual_server *server;
    while (!(server = first_of(pool, availability)) && pool->fallback_pool)
        pool = pool->fallback_pool;
    if (!server && pool->fallback != FALLBACK_NONE) {
        availability = NULL;
        server = first_of(pool, NULL);
    }
    return server ? of_site(pool, availability, server->controller)
                  : (struct offer){NULL, NULL, NULL};
}
