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
    TRACE(election->trace, .what = STEP_ROUND_ROBIN,
          .values = {TRACE_INTEGER("turn", turn), TRACE_INTEGER("candidates", election->count),
                     TRACE_INTEGER("remainder", index), TRACE_INTEGER("server", index + 1)});
    return index;
}

const struct method method_round_robin = {
    .name = "round-robin", .takes_turns = true, .pick = pick, .within = &method_rendezvous};
