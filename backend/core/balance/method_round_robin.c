/*
 * Each candidate in turn, whoever the client is. A choice that is not stored takes no turn and is
 * made by modulus, so that asking again changes nothing.
 */
#include "core/balance/turns.h"

static size_t pick(const struct selection *selection)
{
    uint64_t turn;
    if (!turns_take(selection, &turn))
        return method_modulus.pick(selection);
    size_t index = (size_t)(turn % selection->count);
    TRACE(selection->trace, .what = STEP_ROUND_ROBIN,
          .values = {TRACE_INTEGER("turn", turn), TRACE_INTEGER("candidates", selection->count),
                     TRACE_INTEGER("remainder", index), TRACE_INTEGER("server", index + 1)});
    return index;
}

const struct method method_round_robin = {
    .name = "round-robin", .takes_turns = true, .pick = pick, .within = &method_rendezvous};
