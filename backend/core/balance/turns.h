/*
 * Whose turn it is: a counter for each pool, for methods that go round.
 *
 * Each process counts for itself and begins at a place of its own, so that processes which start
 * together do not all send their first client to the first server. What each hands out is in the
 * right shares, hence the sum is. Counters are kept by the pool's id from one configuration to the
 * next. Belongs to one thread; free with turns_free().
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
    bool peek; /* turns are shown and not used up */
};

/*
 * A counter for each of `count` pools, which stand in the order of their ids: that of `before` (may
 * be NULL), else one that begins at a place made of `random`. 0 or ERR_NOMEM.
 */
int turns_new(const struct pool *pools, size_t count, const struct turns *before, uint64_t random,
              struct turns **ret_turns);

/* Takes NULL. */
void turns_free(struct turns *turns);

/* The same counters to look at, for explain: valid as long as `turns`, not to be freed. */
struct turns turns_peek(const struct turns *turns);

/* The turn of a selection's pool, used up by this. False, with the reason in the trace, if it has
 * none. */
bool turns_take(const struct selection *selection, uint64_t *ret_turn);

#endif
