/*
 * Choosing a server: who the candidates are, the chain of methods, and failover to the next
 * choice (claims 3, 4 and 12).
 *
 * Nothing here knows of mappings or fallback; see assign.h for those. Without allocation. Functions
 * that take a selection fill in the candidates; the rest of it is the caller's.
 */
#ifndef STICKY_CORE_BALANCE_CHOOSE_H
#define STICKY_CORE_BALANCE_CHOOSE_H

#include "core/balance/method.h"
#include "core/balance/availability.h"

/* Servers that may be chosen, in the order of their positions. */
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
 * Lets one method pick. From one that strikes down (method.h) a picked server that is down is
 * struck from the list and the method asked again with one fewer, so only clients of a down server
 * move (claim 4); the others see those alone that are up. NULL when nobody is left, with
 * `candidates` used up, or when the method is undecided.
 */
const struct virtual_server *choose_by(const struct method *method,
                                       const struct selection *selection,
                                       const struct availability *availability,
                                       struct candidates *candidates);

/*
 * Asks the methods of the selection's pool one after the other: its method, its alternate method,
 * and, where nothing but a server of its own is left to answer with (fallback 'any' and no fallback
 * pool), modulus. NULL when nobody is left or none decides.
 */
const struct virtual_server *choose(const struct selection *selection,
                                    const struct availability *availability,
                                    struct candidates *candidates);

/*
 * Says whether the methods of a pool go by the client alone, so that its choice can be repeated.
 */
bool chooses_by_client(const struct pool *pool);

/* Says whether a method of the pool takes turns. */
bool chooses_in_turn(const struct pool *pool);

/*
 * Which of one controller's servers a client of that controller gets, NULL when none is up. It goes
 * by the client alone, so asking again changes nothing: what the pool's methods choose if they go
 * by the client too and it is among them, else by the method's `within`. Draining servers count
 * when no other is left, or beside them if the methods go by the client.
 */
const struct virtual_server *choose_within(const struct selection *selection,
                                           const struct availability *availability,
                                           const struct controller *controller);

#endif
