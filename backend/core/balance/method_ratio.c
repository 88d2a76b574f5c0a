/*
 * Turns in proportion to the weights. In a round, which has as many turns as the weights add up to,
 * each server gets as many turns as its weight, evenly spread: with weights 3 and 2, A B A B A.
 *
 * If a round lasts from 0 to 1, a server of weight w has its turns at the moments 1/2w, 3/2w,
 * 5/2w... The turns of all servers are taken in the order of their moments, equal ones by position.
 * The moment of the n-th turn is found by binary search, so that only the counter has to be kept.
 *
 * A choice that is not stored takes no turn and is made by rendezvous, which has the same
 * proportions, so that asking again changes nothing.
 */
#include "core/balance/rendezvous.h"
#include "core/balance/turns.h"

/* Moments are integers; this is the length of a round, far finer than weights up to 65535 need. */
#define ROUND (UINT64_C(1) << 40)

/*
 * The number of turns that a server has had by the end of `moment`: the number of k for which (2k +
 * 1) ROUND / 2w, rounded down, is at most `moment`.
 */
static uint64_t turns_until(uint64_t moment, uint32_t weight)
{
    return ((moment + 1) * weight - 1 + ROUND / 2) / ROUND;
}

static uint64_t all_turns_until(const struct selection *selection, uint64_t moment)
{
    uint64_t turns = 0;
    for (size_t i = 0; i < selection->count; i++)
        if (selection->servers[i]->weight > 0)
            turns += turns_until(moment, selection->servers[i]->weight);
    return turns;
}

/* The first moment by whose end more than `place` turns have been taken. */
static uint64_t moment_of(const struct selection *selection, uint64_t place)
{
    uint64_t low = 0, high = ROUND - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (all_turns_until(selection, middle) > place)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/*
 * The server whose turn it is at a moment, when `before` of the servers with a turn at this moment
 * have had it. There is at least one more, and no turn is at moment 0.
 */
static size_t server_at(const struct selection *selection, uint64_t moment, uint64_t before)
{
    for (size_t i = 0;; i++) {
        uint32_t weight = selection->servers[i]->weight;
        if (weight == 0 || turns_until(moment, weight) == turns_until(moment - 1, weight))
            continue;
        if (before-- == 0)
            return i;
    }
}

static size_t pick(const struct selection *selection)
{
    uint64_t turn, round = 0;
    for (size_t i = 0; i < selection->count; i++)
        round += selection->servers[i]->weight;
    if (round == 0) {
        TRACE(selection->trace, .what = STEP_RATIO, .outcome = OUTCOME_NO_WEIGHT);
        return METHOD_UNDECIDED;
    }
    if (!turns_take(selection, &turn))
        return rendezvous_pick(selection, NULL);
    uint64_t place = turn % round, moment = moment_of(selection, place);
    uint64_t earlier = all_turns_until(selection, moment - 1);
    size_t index = server_at(selection, moment, place - earlier);
    TRACE(selection->trace, .what = STEP_RATIO,
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
