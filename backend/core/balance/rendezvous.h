/*
 * Weighted rendezvous hashing: every server has a score for a client, and the highest wins.
 *
 * When a server is removed, only its own clients move; when one is added, only those that it wins;
 * and each server gets clients in proportion to its weight. The score depends only on the client's
 * number and the server's id and weight. Pure.
 */
#ifndef STICKY_CORE_BALANCE_RENDEZVOUS_H
#define STICKY_CORE_BALANCE_RENDEZVOUS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/balance/method.h"

/* Above 0 and proportional to the weight; 0 for weight 0. */
double rendezvous_score(struct number client, int64_t server_id, uint32_t weight);

/*
 * The index of the winner among the candidates for which `eligible` is true (NULL: all).
 * METHOD_UNDECIDED when there is none, or all have weight 0.
 */
size_t rendezvous_pick(const struct selection *selection, const bool *eligible);

/*
 * The same, but if all have weight 0, they count as equal: for servers that another rule found
 * equally good. METHOD_UNDECIDED only when there is none.
 */
size_t rendezvous_pick_any(const struct selection *selection, const bool *eligible);

#endif
