/*
 * What one name server has found out about its targets: the verdicts that it tells its peers each
 * second.
 *
 * Servers have different ids for the same target, so a vote names its target. Where the addresses
 * of a virtual server are targets, there is a vote on each, and one on the server, which is up
 * while one of them is: for peers that check it as a whole. Fill a ballot with ballot_add(), then
 * call ballot_sort(); from then on it can be searched and compared.
 */
#ifndef STICKY_CORE_HEALTH_BALLOT_H
#define STICKY_CORE_HEALTH_BALLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/pool.h"
#include "core/health/targets.h"
#include "core/health/verdict.h"

/*
 * Votes of a ballot. It is sent each second, and 2000 votes are about 60 kilobytes. What does not
 * fit is not voted on.
 */
#define BALLOT_VOTES_MAX 2000

struct vote {
    char pool[ROW_NAME_MAX]; /* "": the target is the controller itself */
    char controller[ROW_NAME_MAX];
    int64_t position;           /* of the virtual server in its pool; 0 for a controller */
    enum verdict_state state;   /* VERDICT_UP or VERDICT_DOWN */
    enum address_family family; /* as in struct target_key */
};

/* A vote on a target. Names that are too long are truncated. */
struct vote vote_on_target(const struct target *target, enum verdict_state state);

struct ballot {
    int64_t node;     /* of the server that votes */
    int64_t heard_ms; /* monotonic: when it was received */
    bool brake;       /* its brake is on: its votes do not count */
    struct vote *votes;
    size_t count, capacity;
};

/* NULL without memory. */
struct ballot *ballot_new(void);
struct ballot *ballot_copy(const struct ballot *ballot);

/* Takes NULL. */
void ballot_free(struct ballot *ballot);

/* Returns a vote to fill in; NULL when there are BALLOT_VOTES_MAX already, or without memory. */
struct vote *ballot_add(struct ballot *ballot);

void ballot_sort(struct ballot *ballot);

/*
 * What it says of the target that a vote names, whatever the vote says; VERDICT_NONE when it says
 * nothing.
 */
enum verdict_state ballot_find(const struct ballot *ballot, const struct vote *target);

/* Says whether both say the same, whenever they came. A NULL says nothing. */
bool ballot_equal(const struct ballot *a, const struct ballot *b);

#endif
