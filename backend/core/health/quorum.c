#include "core/health/quorum.h"

#include <stdlib.h>

#include "core/base/vector.h"

void quorum_release(struct quorum *quorum)
{
    for (size_t i = 0; i < quorum->count; i++)
        ballot_free(quorum->ballots[i]);
    free(quorum->ballots);
    *quorum = (struct quorum){0};
}

static struct ballot **find(struct quorum *quorum, int64_t node)
{
    for (size_t i = 0; i < quorum->count; i++)
        if (quorum->ballots[i]->node == node)
            return &quorum->ballots[i];
    return NULL;
}

bool quorum_hear(struct quorum *quorum, struct ballot *ballot)
{
    struct ballot **place = find(quorum, ballot->node), *before = place ? *place : NULL;
    if (!place && quorum->count < QUORUM_PEERS_MAX)
        place = VECTOR_ADD(quorum->ballots, quorum->count, quorum->capacity);
    if (!place) {
        ballot_free(ballot);
        return false;
    }
    bool changes = !ballot_equal(before, ballot);
    ballot_free(before);
    *place = ballot;
    return changes;
}

bool quorum_forget(struct quorum *quorum, int64_t now_ms)
{
    size_t kept = 0, before = quorum->count;
    for (size_t i = 0; i < before; i++) {
        struct ballot *ballot = quorum->ballots[i];
        if (now_ms - ballot->heard_ms < QUORUM_HEARD_MS)
            quorum->ballots[kept++] = ballot;
        else
            ballot_free(ballot);
    }
    quorum->count = kept;
    return kept < before;
}

bool quorum_is_complete(const struct quorum *quorum, int64_t now_ms)
{
    return quorum->needed == 0 || quorum->count >= quorum->peers ||
           now_ms - quorum->began_ms >= QUORUM_HEARD_MS;
}

void quorum_add(struct quorum_votes *votes, enum verdict_state state)
{
    votes->up += state == VERDICT_UP;
    votes->down += state == VERDICT_DOWN;
}

enum verdict_state quorum_state(const struct quorum_votes *votes, int64_t needed,
                                enum verdict_state own)
{
    int64_t all = (int64_t)(votes->up + votes->down);
    if (needed == 0 || all == 0)
        return own;
    return (int64_t)votes->down >= (needed < all ? needed : all) ? VERDICT_DOWN : VERDICT_UP;
}

enum verdict_state quorum_decide(const struct quorum *quorum, const struct vote *own, bool brake)
{
    struct quorum_votes votes = {0};
    if (!brake)
        quorum_add(&votes, own->state);
    for (size_t i = 0; quorum->needed > 0 && i < quorum->count; i++)
        if (!quorum->ballots[i]->brake)
            quorum_add(&votes, ballot_find(quorum->ballots[i], own));
    return quorum_state(&votes, quorum->needed, own->state);
}
