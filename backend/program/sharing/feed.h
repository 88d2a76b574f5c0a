/*
 * What comes from one peer: its log, its beats, and the walk over its table. For the sharer's
 * thread. Times are Unix milliseconds where they end in `unix_ms`, else monotonic.
 */
#ifndef STICKY_PROGRAM_SHARING_FEED_H
#define STICKY_PROGRAM_SHARING_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "program/sharing/ballot_box.h"
#include "share/transport.h"
#include "share/wire.h"
#include "store/sharing/sharing.h"

/* Two incarnations of one node that are heard within this time are two servers. */
#define FEED_COPY_MS 10000

struct feed;

/* What a turn of a feed needs. */
struct feed_turn {
    struct sharing *sharing;
    const struct share_setup *setup;
    int64_t now_ms, now_unix_ms;
    uint64_t configuration; /* sharing_configuration_digest() */
    struct ballot_box *box; /* for what peers say of their targets */
};

/* Begins to connect to a peer. 0, or a code with `error` set. */
int feed_open(const struct share_peer *peer, const struct share_setup *setup,
              struct feed **ret_feed, struct error *error);

/* Takes NULL. */
void feed_close(struct feed *feed);

/* The peer that it is of. */
const struct share_peer *feed_peer(const struct feed *feed);

/* Begins to connect to the nats-server of a peer, as feed_open() does. */
int feed_connect(const struct share_peer *peer, const struct share_setup *setup,
                 struct transport **ret_transport, struct error *error);

/*
 * One turn of a feed: feed_listen(), then feed_receive() and feed_settle() some times, then
 * feed_ask(). What of several peers is received at one time is written at one time.
 */

/* Takes in what the peer says of itself, and looks where its log has to be read. */
void feed_listen(struct feed *feed, const struct feed_turn *turn, struct error *error);

/*
 * Reads what has come of its log, as much as share_rows_per_second allows. False if there is
 * nothing to write; else `ret_delivery` is what is to be written, and it stays until feed_settle().
 */
bool feed_receive(struct feed *feed, const struct feed_turn *turn,
                  struct share_delivery *ret_delivery);

/* What was written counts as read; what could not be written is given again by feed_receive(). */
void feed_settle(struct feed *feed, const struct feed_turn *turn,
                 const struct share_delivery *delivery);

/*
 * Goes on with what the peer is asked for: its round trip times, and the walk. True when there is
 * more to do at once.
 */
bool feed_ask(struct feed *feed, const struct feed_turn *turn, struct error *error);

/*
 * The tables are compared in a few seconds: entries of ours count less now (sharing_sweep()), so
 * what the peer told may be greater; or there are pools of other names, whose rows the peer has; or
 * the peer has what another one told before it lost it (feed_take_replaced()).
 */
void feed_compare_soon(struct feed *feed, int64_t now_ms);

/* Says whether the peer was heard in the last ten seconds. */
bool feed_is_heard(const struct feed *feed, const struct feed_turn *turn);

/* Says whether the clock of a peer that was heard is ahead of ours by more than share_skew. */
bool feed_is_ahead(const struct feed *feed, const struct feed_turn *turn);

/* Says whether the peer's database was replaced by another one since the last call. */
bool feed_take_replaced(struct feed *feed);

/*
 * Says whether the peer's configuration is another one than ours, and in what was not noted since
 * one of the two has changed.
 */
bool feed_differs_anew(const struct feed *feed, const struct feed_turn *turn);

/* Notes in what they differ, for feed_state(). */
void feed_note_difference(struct feed *feed, const struct feed_turn *turn, const char *text);

/* Fills in what is to be seen of the peer. */
void feed_state(const struct feed *feed, const struct feed_turn *turn,
                struct share_peer_state *ret_state);

#endif
