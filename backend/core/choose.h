/*
 * Choosing a server: who stands for election, and failover to the next choice (claims 3 and 4).
 *
 * Nothing here knows of mappings or fallback; see assign.h for those. Pure and without allocation.
 */
#ifndef STICKY_CORE_CHOOSE_H
#define STICKY_CORE_CHOOSE_H

#include "core/method.h"
#include "core/metrics.h"

/* Servers that stand for election, in the order of their positions. */
struct candidates {
    const struct virtual_server *servers[POOL_SERVERS_MAX];
    size_t count;
};

/* Those that may get new clients: enabled, and their controllers too. */
void candidates_for_new(const struct pool *pool, struct candidates *ret_candidates);

/* Those of one controller that may keep a client they have: all that are not disabled. */
void candidates_of_controller(const struct pool *pool, const struct controller *controller,
                              struct candidates *ret_candidates);

/*
 * Lets the method pick; a picked server that is down is struck from the list and the method asked
 * again with one fewer, so only clients of a down server move (claim 4). NULL when nobody is left,
 * with `candidates` used up.
 */
const struct virtual_server *choose(const struct method *method, struct number client,
                                    const struct metrics *metrics, struct candidates *candidates,
                                    const struct trace *trace);

#endif
