/*
 * By turns in proportion to the weights: of as many turns as the weights add up to, each server has
 * exactly its weight, and they are spread: with weights 3 and 2 it is A B A B A.
 *
 * A server of weight w has its turns at the moments 1/2w, 3/2w, 5/2w... of a round that lasts from
 * 0 to 1. All moments together in order, and by position where they coincide, are the round. The
 * moment of the n-th turn is found by halving, so that nothing is kept but the counter.
 */
#include "core/balance/turns.h"

/* Moments are whole numbers, this many to a round. Far finer than weights up to 65535 need. */
#define ROUND (UINT64_C(1) << 40)

/*
 * How many turns a server has had with the end of `moment`: all k for which (2k + 1) ROUND / 2w,
 * rounded down, is not above it.
 */
static uint64_t turns_until(uint64_t moment, uint32_t weight)
{
    return ((moment + 1) * weight - 1 + ROUND / 2) / ROUND;
}

static uint64_t all_turns_until(const struct election *election, uint64_t moment)
{
    uint64_t turns = 0;
    for (size_t i = 0; i < election->count; i++)
        if (election->servers[i]->weight > 0)
            turns += turns_until(moment, election->servers[i]->weight);
    return turns;
}

/* The first moment until which more than `place` turns are over. */
static uint64_t moment_of(const struct election *election, uint64_t place)
{
    uint64_t low = 0, high = ROUND - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (all_turns_until(election, middle) > place)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/*
 * Whose turn it is at a moment, if `before` of those who have one then were served already; there
 * are more of them. No turn is at moment 0.
 */
static size_t server_at(const struct election *election, uint64_t moment, uint64_t before)
{
    for (size_t i = 0;; i++) {
        uint32_t weight = election->servers[i]->weight;
        if (weight == 0 || turns_until(moment, weight) == turns_until(moment - 1, weight))
            continue;
        if (before-- == 0)
            return i;
    }
}

static size_t pick(const struct election *election)
{
    uint64_t turn, round = 0;
    for (size_t i = 0; i < election->count; i++)
        round += election->servers[i]->weight;
    if (round == 0) {
        TRACE(election->trace, .what = STEP_RATIO, .outcome = OUTCOME_NO_WEIGHT);
        return METHOD_UNDECIDED;
    }
    if (!turns_take(election, &turn))
        return METHOD_UNDECIDED;
    uint64_t place = turn % round, moment = moment_of(election, place);
    uint64_t earlier = all_turns_until(election, moment - 1);
    size_t index = server_at(election, moment, place - earlier);
    TRACE(election->trace, .what = STEP_RATIO,
          .values = {TRACE_INTEGER("turn", turn), TRACE_INTEGER("place", place + 1),
                     TRACE_INTEGER("round", round), TRACE_INTEGER("server", index + 1)});
    return index;
}

const struct method method_ratio = {
    .name = "ratio",
    .takes_turns = true,
    .by_weight = true,
    .pick = pick,
    .within = &method_rendezvous,
};
