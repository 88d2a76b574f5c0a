/*
 * A ballot is an array of votes, sorted by target and then by state. So one vote is found by
 * bisection, and two ballots are compared vote by vote.
 */
#include "core/health/ballot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"

struct vote vote_on_target(const struct target *target, enum verdict_state state)
{
    struct vote vote = {.position = target->position, .state = state, .family = target->key.family};
    snprintf(vote.pool, sizeof vote.pool, "%s", target->pool);
    snprintf(vote.controller, sizeof vote.controller, "%s", target->controller);
    return vote;
}

struct ballot *ballot_new(void)
{
    return calloc(1, sizeof(struct ballot));
}

struct ballot *ballot_copy(const struct ballot *ballot)
{
    struct ballot *copy = ballot_new();
    if (!copy)
        return NULL;
    *copy = *ballot;
    copy->capacity = ballot->count;
    copy->votes = calloc(ballot->count + 1, sizeof *copy->votes);
    if (!copy->votes) {
        free(copy);
        return NULL;
    }
    if (ballot->count > 0)
        memcpy(copy->votes, ballot->votes, ballot->count * sizeof *copy->votes);
    return copy;
}

void ballot_free(struct ballot *ballot)
{
    if (!ballot)
        return;
    free(ballot->votes);
    free(ballot);
}

struct vote *ballot_add(struct ballot *ballot)
{
    if (ballot->count >= BALLOT_VOTES_MAX)
        return NULL;
    return VECTOR_ADD(ballot->votes, ballot->count, ballot->capacity);
}

static int compare_targets(const struct vote *left, const struct vote *right)
{
    int order = strcmp(left->pool, right->pool);
    if (order == 0)
        order = strcmp(left->controller, right->controller);
    if (order == 0)
        order = (left->position > right->position) - (left->position < right->position);
    return order != 0 ? order : (int)left->family - (int)right->family;
}

/* The state comes last, so that two votes on one target are in a certain order. */
static int compare_votes(const void *a, const void *b)
{
    const struct vote *left = a, *right = b;
    int order = compare_targets(left, right);
    return order != 0 ? order : (int)left->state - (int)right->state;
}

void ballot_sort(struct ballot *ballot)
{
    if (ballot->count > 0)
        qsort(ballot->votes, ballot->count, sizeof *ballot->votes, compare_votes);
}

enum verdict_state ballot_find(const struct ballot *ballot, const struct vote *target)
{
    size_t first = 0, end = ballot->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        const struct vote *vote = &ballot->votes[middle];
        int order = compare_targets(vote, target);
        if (order == 0)
            return vote->state;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return VERDICT_NONE;
}

bool ballot_equal(const struct ballot *a, const struct ballot *b)
{
    if (!a || !b)
        return a == b;
    if (a->brake != b->brake || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (compare_votes(&a->votes[i], &b->votes[i]) != 0)
            return false;
    return true;
}
