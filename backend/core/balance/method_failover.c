/*
 * Global availability: all clients get the first server that is up, by position.
 */
#include "core/balance/method.h"

static size_t pick(const struct selection *selection)
{
    TRACE(selection->trace, .what = STEP_FAILOVER,
          .values = {TRACE_INTEGER("candidates", selection->count),
                     TRACE_INTEGER("position", selection->servers[0]->position)});
    return 0;
}

const struct method method_failover = {
    .name = "failover", .by_client = true, .pick = pick, .within = &method_failover};
