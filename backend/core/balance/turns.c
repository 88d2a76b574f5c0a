#include "core/balance/turns.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/hash.h"

static int compare_turn(const void *id, const void *turn)
{
    int64_t a = *(const int64_t *)id, b = ((const struct turn *)turn)->pool_id;
    return (a > b) - (a < b);
}

static struct turn *find(const struct turns *turns, int64_t pool_id)
{
    if (!turns || turns->count == 0)
        return NULL;
    return bsearch(&pool_id, turns->pools, turns->count, sizeof *turns->pools, compare_turn);
}

int turns_new(const struct pool *pools, size_t count, const struct turns *before, uint64_t random,
              struct turns **ret_turns)
{
    struct turns *turns = calloc(1, sizeof *turns);
    struct turn *counters = calloc(count + 1, sizeof *counters);
    if (!turns || !counters) {
        free(turns);
        free(counters);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        const struct turn *old = find(before, pools[i].id);
        uint64_t next = old ? old->next : hash_mix(random, (uint64_t)pools[i].id) >> 32;
        counters[i] = (struct turn){pools[i].id, next};
    }
    *turns = (struct turns){.pools = counters, .count = count};
    *ret_turns = turns;
    return 0;
}

void turns_free(struct turns *turns)
{
    if (!turns)
        return;
    free(turns->pools);
    free(turns);
}

struct turns turns_peek(const struct turns *turns)
{
    struct turns peek = *turns;
    peek.peek = true;
    return peek;
}

struct turns turns_for_choice(const struct turns *turns)
{
    struct turns choice = {0};
    if (turns)
        choice = *turns;
    choice.taken = NULL;
    return choice;
}

void turns_give_back(struct turns *turns)
{
    if (turns->taken)
        turns->taken->next--;
    turns->taken = NULL;
}

bool turns_take(const struct selection *selection, uint64_t *ret_turn)
{
    struct turn *turn = find(selection->turns, selection->pool->id);
    if (!turn) {
        TRACE(selection->trace, .what = STEP_TURN, .outcome = OUTCOME_NOT_KEPT);
        return false;
    }
    *ret_turn = turn->next;
    if (selection->turns->peek)
        return true;
    turn->next++;
    selection->turns->taken = turn;
    return true;
}
