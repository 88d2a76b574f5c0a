/*
 * A counter for each pool, for methods that choose servers in turn.
 *
 * Each process has its own counters, which begin at random, so that processes started together do
 * not all send their first client to the first server. The turns of every process have the right
 * proportions, so their sum has too. A new configuration takes over the counters of pools with the
 * same id. Belongs to one thread; to be freed with turns_free().
 */
#ifndef STICKY_CORE_BALANCE_TURNS_H
#define STICKY_CORE_BALANCE_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/method.h"

struct turn {
    int64_t pool_id;
    uint64_t next;
};

struct turns {
    struct turn *pools; /* by pool id */
    size_t count;
    bool peek;          /* turns are read without being used up */
    struct turn *taken; /* the counter that the choice took a turn from; NULL: none */
};

/*
 * A counter for each of `count` pools, which are sorted by id: the one of `before` (may be NULL),
 * else one that begins at a number derived from `random`. 0 or ERR_NOMEM.
 */
int turns_new(const struct pool *pools, size_t count, const struct turns *before, uint64_t random,
              struct turns **ret_turns);

/* Takes NULL. */
void turns_free(struct turns *turns);

/*
 * The same counters, read without using turns up, for explain. Valid as long as `turns`; not to be
 * freed.
 */
struct turns turns_peek(const struct turns *turns);

/*
 * The same counters for one choice, which may turn out not to be used. Valid as long as `turns`;
 * not to be freed. Takes NULL, for no counters.
 */
struct turns turns_for_choice(const struct turns *turns);

/* Gives back the turn of a choice that is not used, so that the next one takes it. */
void turns_give_back(struct turns *turns);

/*
 * Takes the next turn of the selection's pool. False, recorded in the trace, if the selection has
 * no turns.
 */
bool turns_take(const struct selection *selection, uint64_t *ret_turn);

#endif
