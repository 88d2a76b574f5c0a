/*
 * Whether a target counts as up or down when several name servers check it.
 *
 * Each server has one vote on a target that it has a verdict on. Its vote counts while the server
 * is heard, and its brake is off: a server whose own network has failed finds others down. A target
 * counts as down when at least `needed` votes say so; when there are fewer votes, all of them have
 * to. With `needed` 0, and without any vote, each server believes itself.
 *
 * So two servers that see opposite things do not send a resolver back and forth: with needed = 2,
 * what only one of them finds down stays in use on both.
 *
 * After a start the peers were not heard yet, and what counted before goes on to count, until all
 * of them have been heard or QUORUM_HEARD_MS has passed.
 *
 * No I/O; times are of a monotonic clock.
 */
#ifndef STICKY_CORE_HEALTH_QUORUM_H
#define STICKY_CORE_HEALTH_QUORUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/health/ballot.h"

/* A peer that was not heard for so long has no vote. */
#define QUORUM_HEARD_MS 10000

/* The most peers, as in the schema. */
#define QUORUM_PEERS_MAX 64

struct quorum {
    int64_t needed;          /* setting share_quorum */
    int64_t began_ms;        /* when the peers were first listened to */
    size_t peers;            /* that are set up */
    struct ballot **ballots; /* the last one of each peer that is heard */
    size_t count, capacity;
};

/* Frees the ballots and leaves zeros; takes zeros. */
void quorum_release(struct quorum *quorum);

/*
 * Takes a peer's ballot in place of its last one, and owns it, also on failure. Says whether it
 * changes anything.
 */
bool quorum_hear(struct quorum *quorum, struct ballot *ballot);

/* Forgets the peers that are not heard any more; says whether there were any. */
bool quorum_forget(struct quorum *quorum, int64_t now_ms);

/* Says whether the votes are complete, so that they may change what counts. */
bool quorum_is_complete(const struct quorum *quorum, int64_t now_ms);

/* The votes on one target. */
struct quorum_votes {
    size_t up, down;
};

/* Adds a vote; VERDICT_NONE is none. */
void quorum_add(struct quorum_votes *votes, enum verdict_state state);

/* The rule. `own` is the verdict of this server. */
enum verdict_state quorum_state(const struct quorum_votes *votes, int64_t needed,
                                enum verdict_state own);

/*
 * What a target counts as, by the votes of the peers and by our own vote, which names the target;
 * `brake`: ours is on.
 */
enum verdict_state quorum_decide(const struct quorum *quorum, const struct vote *own, bool brake);

#endif
