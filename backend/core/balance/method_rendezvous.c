/*
 * Weighted rendezvous hashing: each server gets the share of the clients that its weight is of all,
 * and when servers come, go or change their weight only the clients move that have to.
 */
#include "core/balance/rendezvous.h"

static size_t pick(const struct selection *selection)
{
    return rendezvous_pick(selection, NULL);
}

const struct method method_rendezvous = {
    .name = "rendezvous",
    .by_client = true,
    .by_weight = true,
    .pick = pick,
    .within = &method_rendezvous,
};
