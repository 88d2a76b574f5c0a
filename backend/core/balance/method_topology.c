/*
 * Topology: the controller that the table `topology` prefers for where the client is. The longest
 * network that names a standing server counts, then the next shorter ones, then the client's
 * autonomous system, country and continent as a GeoIP database tells them. There the lowest
 * preference wins, and among equals the client decides (rendezvous.h). Nothing matches: undecided.
 */
#include "core/balance/location.h"
#include "core/balance/method.h"
#include "core/balance/rendezvous.h"
#include "core/balance/topology.h"

/* Above every preference. */
#define NOT_NAMED UINT32_MAX

/* The server of what matched; METHOD_UNDECIDED when it names none that stands. */
static size_t pick_of(const struct election *election, const struct topology_match *match)
{
    uint32_t preferences[POOL_SERVERS_MAX], lowest = NOT_NAMED;
    bool stands[POOL_SERVERS_MAX];
    char text[TOPOLOGY_TEXT_MAX];
    for (size_t i = 0; i < election->count; i++) {
        const struct controller *controller = election->servers[i]->controller;
        preferences[i] = NOT_NAMED;
        if (!topology_match_preference(match, controller->id, &preferences[i]))
            continue;
        TRACE(election->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_FOUND,
              .values = {TRACE_TEXT("match", topology_match_format(match, text)),
                         TRACE_INTEGER("server", i + 1), TRACE_TEXT("controller", controller->name),
                         TRACE_INTEGER("preference", preferences[i])});
        if (preferences[i] < lowest)
            lowest = preferences[i];
    }
    if (lowest == NOT_NAMED) {
        TRACE(election->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_NONE_LEFT,
              .values = {TRACE_TEXT("match", topology_match_format(match, text))});
        return METHOD_UNDECIDED;
    }
    for (size_t i = 0; i < election->count; i++)
        stands[i] = preferences[i] == lowest;
    return rendezvous_pick_any(election, stands);
}

static size_t pick_by_network(const struct election *election)
{
    struct topology_match match;
    size_t index = METHOD_UNDECIDED;
    bool more = topology_match_network(election->topology, &election->client->address, &match);
    while (more && (index = pick_of(election, &match)) == METHOD_UNDECIDED)
        more = topology_match_shorter(&match);
    return index;
}

static const char *known_text(const char *text)
{
    return *text ? text : NULL;
}

static void say_location(const struct election *election, const struct location *location)
{
    TRACE(election->trace, .what = STEP_LOCATION,
          .values = {TRACE_TEXT("country", known_text(location->country)),
                     TRACE_TEXT("continent", known_text(location->continent)),
                     TRACE_INTEGER(location->asn ? "asn" : NULL, location->asn)});
}

/* Asks the locator, which looks into files, only for those that no network decided. */
static size_t pick_by_location(const struct election *election)
{
    static const enum topology_kind kinds[] = {TOPOLOGY_ASN, TOPOLOGY_COUNTRY, TOPOLOGY_CONTINENT};
    struct location location = {.asn = 0};
    struct topology_match match;
    size_t index = METHOD_UNDECIDED;
    if (!election->locator || !topology_needs_location(election->topology))
        return METHOD_UNDECIDED;
    election->locator->locate(election->locator->context, &election->client->address, &location);
    say_location(election, &location);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && index == METHOD_UNDECIDED; i++)
        if (topology_match_location(election->topology, kinds[i], &location, &match))
            index = pick_of(election, &match);
    return index;
}

static size_t pick(const struct election *election)
{
    if (!election->topology) {
        TRACE(election->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_NOT_LOADED);
        return METHOD_UNDECIDED;
    }
    if (election->client->address.family == FAMILY_NONE) {
        TRACE(election->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_NO_CLIENT);
        return METHOD_UNDECIDED;
    }
    size_t index = pick_by_network(election);
    if (index == METHOD_UNDECIDED)
        index = pick_by_location(election);
    if (index == METHOD_UNDECIDED)
        TRACE(election->trace, .what = STEP_TOPOLOGY, .outcome = OUTCOME_UNDECIDED);
    return index;
}

const struct method method_topology = {
    .name = "topology", .pick = pick, .within = &method_rendezvous};
