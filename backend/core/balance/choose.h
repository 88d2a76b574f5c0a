/*
 * Choosing a server: who the candidates are, the chain of methods, and failover to the next choice
 * (claims 3, 4 and 12).
 *
 * Nothing here knows about mappings or fallback; see assign.h for those. Nothing is allocated.
 * Functions that take a selection fill in the candidates; the caller fills in the rest.
 */
#ifndef STICKY_CORE_BALANCE_CHOOSE_H
#define STICKY_CORE_BALANCE_CHOOSE_H

#include "core/balance/method.h"
#include "core/balance/availability.h"

/* Servers that may be chosen, by position. */
struct candidates {
    const struct virtual_server *servers[POOL_SERVERS_MAX];
    size_t count;
};

/*
 * Those of the selection's pool that may get new clients: the server and its controller are
 * enabled. If none of these is up, but a draining one is, the draining ones: a site that drains is
 * better than one that is down.
 */
void candidates_for_new(const struct selection *selection, const struct availability *availability,
                        struct candidates *ret_candidates);

/* Those of one controller that may keep a client: all that are not disabled. */
void candidates_of_controller(const struct pool *pool, const struct controller *controller,
                              struct candidates *ret_candidates);

/*
 * Lets one method pick. If the method has `strikes_down` (method.h) and picks a server that is
 * down, the server is struck from the list and the method picks again from the rest, so only
 * clients of a down server move (claim 4). Other methods are shown only servers that are up. NULL
 * when no candidate is left, with `candidates` empty, or when the method is undecided.
 */
const struct virtual_server *choose_by(const struct method *method,
                                       const struct selection *selection,
                                       const struct availability *availability,
                                       struct candidates *candidates);

/*
 * Lets the methods of the selection's pool pick in turn until one decides: its method, its
 * alternate method and, if the pool has to answer with one of its own servers (fallback 'any' and
 * no fallback pool), modulus. NULL when no candidate is left or no method decides.
 */
const struct virtual_server *choose(const struct selection *selection,
                                    const struct availability *availability,
                                    struct candidates *candidates);

/*
 * Says whether the choice of a pool's methods depends only on the client, so that it can be
 * repeated.
 */
bool chooses_by_client(const struct pool *pool);

/* Says whether a method of the pool takes turns. */
bool chooses_in_turn(const struct pool *pool);

/* Says whether a method of the pool goes by the topology. */
bool chooses_by_topology(const struct pool *pool);

/*
 * Chooses among the servers of the controller that a client is mapped to; NULL when none is up. The
 * choice depends only on the client, so asking again changes nothing. If the pool's methods depend
 * only on the client too, their choice is repeated, and used if it is a server of this controller;
 * otherwise the method's `within` chooses. Draining servers are candidates when no other is left;
 * if the methods depend only on the client, also beside others.
 */
const struct virtual_server *choose_within(const struct selection *selection,
                                           const struct availability *availability,
                                           const struct controller *controller);

/*
 * The address of a family for a client that was given `server`, which is one of the selection's
 * pool: the server's own; if it has none that is up, that of another server of its controller,
 * chosen as in choose_within(). NULL when the controller has none that is up; see addresses.h for
 * what follows then.
 */
const char *choose_address(const struct selection *selection,
                           const struct availability *availability,
                           const struct virtual_server *server, enum address_family family);

/*
 * An address of a family of any server of the selection's pool that is not disabled; of an enabled
 * one if there is one that is up. The pool's method chooses or, if it goes by measured values, its
 * `within`; without turns, so that asking again gives the same address. NULL when none is up.
 */
const char *choose_address_anywhere(const struct selection *selection,
                                    const struct availability *availability,
                                    enum address_family family);

#endif
