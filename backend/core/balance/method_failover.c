/*
 * Global availability: everybody goes to the first server that is up, in the order of positions.
 */
#include "core/balance/method.h"

static size_t pick(const struct election *election)
{
    TRACE(election->trace, .what = STEP_FAILOVER,
          .values = {TRACE_INTEGER("candidates", election->count),
                     TRACE_INTEGER("position", election->servers[0]->position)});
    return 0;
}

const struct method method_failover = {
    .name = "failover", .by_client = true, .pick = pick, .within = &method_failover};
