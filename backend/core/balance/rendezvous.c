#include "core/balance/rendezvous.h"

#include <math.h>

#include "core/base/hash.h"

/* A number between 0 and 1, both excluded, so that its logarithm is negative. */
static double fraction(struct number client, int64_t server_id)
{
    uint64_t hash = hash_mix(hash_mix(hash_mix(0, client.high), client.low), (uint64_t)server_id);
    return ((double)(hash >> 12) + 0.5) * 0x1p-52;
}

double rendezvous_score(struct number client, int64_t server_id, uint32_t weight)
{
    return weight == 0 ? 0 : (double)weight / -log(fraction(client, server_id));
}

enum weights { OWN_WEIGHTS, EQUAL_WEIGHTS };

static size_t pick(const struct selection *selection, const bool *eligible, enum weights weights)
{
    size_t winner = METHOD_UNDECIDED;
    double highest = 0;
    for (size_t i = 0; i < selection->count; i++) {
        if (eligible && !eligible[i])
            continue;
        const struct virtual_server *server = selection->servers[i];
        uint32_t weight = weights == EQUAL_WEIGHTS ? 1 : server->weight;
        double score = rendezvous_score(selection->client->number, server->id, weight);
        TRACE(selection->trace, .what = STEP_RENDEZVOUS,
              .values = {TRACE_INTEGER("server", i + 1),
                         TRACE_TEXT("controller", server->controller->name),
                         TRACE_INTEGER("weight", weight), TRACE_REAL("score", score)});
        if (score > highest) {
            winner = i;
            highest = score;
        }
    }
    return winner;
}

size_t rendezvous_pick(const struct selection *selection, const bool *eligible)
{
    size_t winner = pick(selection, eligible, OWN_WEIGHTS);
    if (winner == METHOD_UNDECIDED)
        TRACE(selection->trace, .what = STEP_RENDEZVOUS, .outcome = OUTCOME_NO_WEIGHT);
    return winner;
}

size_t rendezvous_pick_any(const struct selection *selection, const bool *eligible)
{
    size_t winner = rendezvous_pick(selection, eligible);
    return winner == METHOD_UNDECIDED ? pick(selection, eligible, EQUAL_WEIGHTS) : winner;
}
