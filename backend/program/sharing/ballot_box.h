/*
 * Where the two threads of pdns-stickyd give each other ballots: the main thread, which checks
 * targets, those of this server, and the sharer's thread those of the peers.
 *
 * A ballot belongs to one thread at a time. One that was not taken before the next one of the same
 * server arrives is freed. Nobody waits for longer than a pointer takes to move.
 */
#ifndef STICKY_PROGRAM_SHARING_BALLOT_BOX_H
#define STICKY_PROGRAM_SHARING_BALLOT_BOX_H

#include "core/health/ballot.h"

struct ballot_box;

/* NULL without memory. */
struct ballot_box *ballot_box_new(void);

/* Takes NULL. */
void ballot_box_free(struct ballot_box *box);

/* ---------------------------------------------------------------- the main thread */

/* Says how many peers are set up; -1: not known yet. */
int ballot_box_peers(struct ballot_box *box);

/* Gives ours. The box owns it. */
void ballot_box_give(struct ballot_box *box, struct ballot *ours);

/* Takes the newest one of a peer, which is the caller's then; NULL: there is no new one. */
struct ballot *ballot_box_take(struct ballot_box *box);

/* ---------------------------------------------------------------- the sharer's thread */

void ballot_box_set_peers(struct ballot_box *box, int count);

/* Takes ours, which is the caller's then; NULL: there is no new one. */
struct ballot *ballot_box_take_ours(struct ballot_box *box);

/* Gives one of a peer. The box owns it. */
void ballot_box_hand_in(struct ballot_box *box, struct ballot *ballot);

#endif
