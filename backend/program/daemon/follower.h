/*
 * Following a primary (share.follow): its configuration is asked for each second, and taken over
 * when it is another one than ours. And the other side: what a primary answers.
 *
 * It has a connection of its own to the nats-server of the primary. So a large configuration does
 * not wait behind rows, nor rows behind it, and only the owner of that server can answer.
 *
 * A server that follows another one is not followed: what would go round between two that follow
 * each other would never come to rest.
 */
#ifndef STICKY_PROGRAM_DAEMON_FOLLOWER_H
#define STICKY_PROGRAM_DAEMON_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "program/daemon/feed.h"

struct follower;

/* Begins to connect. 0, or a code with `error` set. */
int follower_open(const struct share_peer *primary, const struct share_setup *setup,
                  struct follower **ret_follower, struct error *error);

/* Takes NULL. */
void follower_close(struct follower *follower);

/* Says whether it follows this peer, with this url. */
bool follower_is_of(const struct follower *follower, const struct share_peer *primary);

/*
 * Asks, collects parts, takes over; as far as it can without waiting for the network. True when a
 * configuration was taken over.
 */
bool follower_run(struct follower *follower, const struct feed_turn *turn, struct error *error);

/* Writes what is to be seen of it, share_follow. Once a second. */
void follower_note(struct follower *follower, const struct feed_turn *turn, struct error *error);

/*
 * Answers the question of a server that follows us: appends a part to `out`, or nothing when it is
 * no such question.
 */
void follower_answer(struct sharing *sharing, const struct share_setup *setup,
                     const struct transport_message *question, struct buffer *out,
                     struct error *error);

#endif
