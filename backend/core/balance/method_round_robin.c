/*
 * One after the other, whoever asks.
 */
#include "core/balance/turns.h"

static size_t pick(const struct election *election)
{
    uint64_t turn;
    if (!turns_take(election, &turn))
        return METHOD_UNDECIDED;
    size_t index = (size_t)(turn % election->count);
    trace_say(election->trace, "round-robin: turn %llu mod %zu leaves %zu, server %zu",
              (unsigned long long)turn, election->count, index, index + 1);
    return index;
}

const struct method method_round_robin = {
    .name = "round-robin", .takes_turns = true, .pick = pick, .within = &method_rendezvous};
