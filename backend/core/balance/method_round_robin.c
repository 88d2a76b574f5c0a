/*
 * Each candidate in turn, whoever the client is.
 */
#include "core/balance/turns.h"

static size_t pick(const struct selection *selection)
{
    uint64_t turn;
    if (!turns_take(selection, &turn))
        return METHOD_UNDECIDED;
    size_t index = (size_t)(turn % selection->count);
    TRACE(selection->trace, .what = STEP_ROUND_ROBIN,
          .values = {TRACE_INTEGER("turn", turn), TRACE_INTEGER("candidates", selection->count),
                     TRACE_INTEGER("remainder", index), TRACE_INTEGER("server", index + 1)});
    return index;
}

const struct method method_round_robin = {
    .name = "round-robin", .takes_turns = true, .pick = pick, .within = &method_rendezvous};
