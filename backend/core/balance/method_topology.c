/*
 * The controller that the table `topology` prefers for the client's location. The longest network
 * that holds the client's and names a candidate decides; without one, the client's autonomous
 * system, country and continent according to a GeoIP database, in this order; then the default
 * rows. The lowest preference wins; among equals the choice depends only on the client
 * (rendezvous.h). Undecided if no row matches.
 */
#include "core/balance/location.h"
#include "core/balance/method.h"
#include "core/balance/rendezvous.h"
#include "core/balance/topology.h"

/* Higher than any preference. */
#define NOT_NAMED UINT32_MAX

/* Picks a server that a match names; METHOD_UNDECIDED when it names no candidate. */
static size_t pick_from_match(const struct selection *selection, const struct topology_match *match)
{
    uint32_t preferences[POOL_SERVERS_MAX], lowest = NOT_NAMED;
    bool eligible[POOL_SERVERS_MAX];
    char text[TOPOLOGY_TEXT_MAX];
    for (size_t i = 0; i < selection->count; i++) {
        const struct controller *controller = selection->servers[i]->controller;
        preferences[i] = NOT_NAMED;
        if (!topology_match_preference(match, controller->id, &preferences[i]))
            continue;
        TRACE(selection->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_FOUND,
              .values = {TRACE_TEXT("match", topology_match_format(match, text)),
                         TRACE_INTEGER("server", i + 1), TRACE_TEXT("controller", controller->name),
                         TRACE_INTEGER("preference", preferences[i])});
        if (preferences[i] < lowest)
            lowest = preferences[i];
    }
    if (lowest == NOT_NAMED) {
        TRACE(selection->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_NONE_LEFT,
              .values = {TRACE_TEXT("match", topology_match_format(match, text))});
        return METHOD_UNDECIDED;
    }
    for (size_t i = 0; i < selection->count; i++)
        eligible[i] = preferences[i] == lowest;
    return rendezvous_pick_any(selection, eligible);
}

static size_t pick_by_network(const struct selection *selection)
{
    struct topology_match match;
    size_t index = METHOD_UNDECIDED;
    const struct prefix *network = &selection->client->network;
    bool more = topology_match_network(selection->topology, network, &match);
    while (more && (index = pick_from_match(selection, &match)) == METHOD_UNDECIDED)
        more = topology_match_shorter(&match);
    return index;
}

static const char *known_text(const char *text)
{
    return *text ? text : NULL;
}

static void trace_location(const struct selection *selection, const struct location *location)
{
    TRACE(selection->trace, .what = STEP_LOCATION,
          .values = {TRACE_TEXT("country", known_text(location->country)),
                     TRACE_TEXT("continent", known_text(location->continent)),
                     TRACE_INTEGER(location->asn ? "asn" : NULL, location->asn)});
}

/* The locator, which reads files, is used only for clients that no network decided. */
static size_t pick_by_location(const struct selection *selection)
{
    static const enum topology_kind kinds[] = {TOPOLOGY_ASN, TOPOLOGY_COUNTRY, TOPOLOGY_CONTINENT};
    struct location location = {.asn = 0};
    struct topology_match match;
    size_t index = METHOD_UNDECIDED;
    if (!selection->locator || !topology_needs_location(selection->topology))
        return METHOD_UNDECIDED;
    selection->locator->locate(selection->locator->context, &selection->client->network.address,
                               &location);
    trace_location(selection, &location);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && index == METHOD_UNDECIDED; i++)
        if (topology_match_location(selection->topology, kinds[i], &location, &match))
            index = pick_from_match(selection, &match);
    return index;
}

static size_t pick_by_client(const struct selection *selection)
{
    if (selection->client->network.address.family == FAMILY_NONE) {
        TRACE(selection->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_NO_CLIENT);
        return METHOD_UNDECIDED;
    }
    size_t index = pick_by_network(selection);
    return index == METHOD_UNDECIDED ? pick_by_location(selection) : index;
}

static size_t pick_default(const struct selection *selection)
{
    struct topology_match match;
    return topology_match_default(selection->topology, &match) ? pick_from_match(selection, &match)
                                                               : METHOD_UNDECIDED;
}

static size_t pick(const struct selection *selection)
{
    if (!selection->topology) {
        TRACE(selection->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_NOT_LOADED);
        return METHOD_UNDECIDED;
    }
    size_t index = pick_by_client(selection);
    if (index == METHOD_UNDECIDED)
        index = pick_default(selection);
    if (index == METHOD_UNDECIDED)
        TRACE(selection->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_UNDECIDED);
    return index;
}

const struct method method_topology = {
    .name = "topology", .pick = pick, .within = &method_rendezvous};
