/*
 * Completes the pins of a snapshot, for snapshot_builder.c alone.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_PINS_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/configuration/snapshot.h"

/* A pin whose references to other rows are not resolved yet. */
struct pin_draft {
    struct pin pin;
    bool has_pool;
    int64_t pool_id, controller_id;
};

/*
 * Puts the pins in place; groups, pools and servers must be in theirs. What cannot match anybody is
 * left out, with a problem. 0 or ERR_NOMEM.
 */
int snapshot_place_pins(struct snapshot *snapshot, const struct pin_draft *drafts, size_t count);

#endif
