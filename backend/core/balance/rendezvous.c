#include "core/balance/rendezvous.h"

#include <math.h>

#include "core/base/hash.h"

/* A number between 0 and 1, never one of them, so that its logarithm is below 0. */
static double fraction(struct number client, int64_t server_id)
{
    uint64_t hash = hash_mix(hash_mix(hash_mix(0, client.high), client.low), (uint64_t)server_id);
    return ((double)(hash >> 12) + 0.5) * 0x1p-52;
}

double rendezvous_score(struct number client, int64_t server_id, uint32_t weight)
{
    return weight == 0 ? 0 : (double)weight / -log(fraction(client, server_id));
}

/* `equal`: every weight counts as 1. */
static size_t pick(const struct election *election, const bool *stands, bool equal)
{
    size_t winner = METHOD_UNDECIDED;
    double highest = 0;
    for (size_t i = 0; i < election->count; i++) {
        if (stands && !stands[i])
            continue;
        const struct virtual_server *server = election->servers[i];
        uint32_t weight = equal ? 1 : server->weight;
        double score = rendezvous_score(election->client->number, server->id, weight);
        trace_say(election->trace, "server %zu, %s: weight %u%s, score %.3f", i + 1,
                  server->controller->name, weight, equal ? " like all" : "", score);
        if (score > highest) {
            winner = i;
            highest = score;
        }
    }
    return winner;
}

size_t rendezvous_pick(const struct election *election, const bool *stands)
{
    size_t winner = pick(election, stands, false);
    if (winner == METHOD_UNDECIDED)
        trace_say(election->trace, "nobody has a weight above 0");
    return winner;
}

size_t rendezvous_pick_any(const struct election *election, const bool *stands)
{
    size_t winner = pick(election, stands, false);
    return winner == METHOD_UNDECIDED ? pick(election, stands, true) : winner;
}
