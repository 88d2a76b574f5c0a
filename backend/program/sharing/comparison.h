/*
 * Where the configuration of a peer is another one, the first row in which it differs is looked
 * for, for people: its configuration is read as a follower does it. One peer at a time, and again
 * only when one of the two has changed.
 */
#ifndef STICKY_PROGRAM_SHARING_COMPARISON_H
#define STICKY_PROGRAM_SHARING_COMPARISON_H

#include <stddef.h>
#include <stdint.h>

#include "program/sharing/copy_reader.h"

/* Zeros at first. */
struct comparison {
    struct copy_reader *reader; /* of the peer that is compared; NULL: none is */
    int64_t begun_ms, next_ms;  /* monotonic */
    size_t next;                /* whose turn it is then */
};

/* One step, without waiting for the network. Those of `feeds` that are NULL are left out. */
void comparison_run(struct comparison *comparison, struct feed *const *feeds, size_t count,
                    const struct feed_turn *turn, struct error *error);

/* Leaves zeros. */
void comparison_end(struct comparison *comparison);

#endif
