/*
 * Weighted rendezvous hashing: each server gets clients in proportion to its weight; when a server
 * is added, removed or gets another weight, only the clients move that have to.
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
