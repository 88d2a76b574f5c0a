/*
 * Weighted rendezvous hashing: every server gets a score for a client, and the highest wins.
 *
 * A server that goes takes only its own clients with it, one that comes takes only those it wins,
 * and of many clients each server gets the share that its weight is of all. The score hangs on the
 * client's number, the server's id and weight, and on nothing else. Pure.
 */
#ifndef STICKY_CORE_BALANCE_RENDEZVOUS_H
#define STICKY_CORE_BALANCE_RENDEZVOUS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/balance/method.h"

/* Above 0, and higher in proportion to the weight; 0 for weight 0. */
double rendezvous_score(struct number client, int64_t server_id, uint32_t weight);

/*
 * The index of the winner among the candidates of which `eligible` is true (NULL: all).
 * METHOD_UNDECIDED when none eligible or all that do have weight 0.
 */
size_t rendezvous_pick(const struct selection *selection, const bool *eligible);

/*
 * The same for servers among which another rule found no difference: if all have weight 0 they
 * count as equal. METHOD_UNDECIDED only when none eligible.
 */
size_t rendezvous_pick_any(const struct selection *selection, const bool *eligible);

#endif
