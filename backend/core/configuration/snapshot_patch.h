/*
 * Changes single rows of a snapshot, so that a small change of a large configuration does not take
 * the time of building all of it.
 *
 * Only what stays in its place can be patched: a controller, pool or virtual server that the
 * snapshot has, and whose name, position and references to other pools are the same; a server with
 * addresses must not become one with a name. The snapshot is then equal to one that is built of all
 * rows, its problems included; where that is not certain, nothing is patched, and the caller builds
 * another snapshot.
 */
#ifndef STICKY_CORE_CONFIGURATION_SNAPSHOT_PATCH_H
#define STICKY_CORE_CONFIGURATION_SNAPSHOT_PATCH_H

#include <stdbool.h>

#include "core/configuration/snapshot_builder.h"

/*
 * The texts of rows that were replaced stay in memory as long as the snapshot. After so many rows,
 * which usually take less than a megabyte, another snapshot has to be built.
 */
#define SNAPSHOT_PATCHED_ROWS_MAX 10000

/*
 * A builder for `count` rows that will be patched into the snapshot: controllers, pools and virtual
 * servers, each the present row of an id, and no id twice. 0, ERR_LIMIT after too many rows, or
 * ERR_NOMEM.
 */
int snapshot_patch_begin(struct snapshot *snapshot, size_t count,
                         struct snapshot_builder **ret_builder);

/*
 * Puts the rows that were added to the builder into the same snapshot. No other rows may have been
 * changed, added or deleted since it was built. False, with all rows as they were, if it cannot be
 * patched or there is no memory. The builder has to be freed all the same.
 *
 * What points to a row of the snapshot or is numbered by its index stays valid.
 */
bool snapshot_patch_finish(struct snapshot *snapshot, struct snapshot_builder *builder);

#endif
