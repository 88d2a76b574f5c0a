/*
 * Rows of the configuration tables become a snapshot, or patch one.
 */
#ifndef STICKY_STORE_SQLITE_CONFIGURATION_H
#define STICKY_STORE_SQLITE_CONFIGURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/configuration/snapshot.h"
#include "store/sqlite/database.h"

/* Reads all of it. The snapshot is the caller's. 0, or a code with `error` set. */
int database_load_configuration(struct database *database, struct snapshot **ret_snapshot,
                                struct error *error);

/*
 * Makes a snapshot of revision `since` one of `revision`, which is that of the transaction, by
 * reading only the rows that have changed. False, with the rows of the snapshot as they were, if
 * these are not known, too many, or of a kind that is not patched.
 */
bool database_patch_configuration(struct database *database, int64_t revision, int64_t since,
                                  struct snapshot *snapshot);

#endif
