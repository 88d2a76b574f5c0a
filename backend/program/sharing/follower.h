/*
 * Following a primary (share.follow): its configuration is asked for each second, and taken over
 * when it is another one than ours.
 */
#ifndef STICKY_PROGRAM_SHARING_FOLLOWER_H
#define STICKY_PROGRAM_SHARING_FOLLOWER_H

#include <stdbool.h>

#include "program/sharing/copy_reader.h"

/*
 * One step of a reader of the primary; as far as it can without waiting for the network. True when
 * a configuration was taken over.
 */
bool follower_run(struct copy_reader *reader, const struct feed_turn *turn, struct error *error);

/* Writes what is to be seen of it, share_follow. Once a second. */
void follower_note(const struct copy_reader *reader, const struct feed_turn *turn,
                   struct error *error);

#endif
