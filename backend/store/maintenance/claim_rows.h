/*
 * One batch of claims becomes rows: what the writer does, without its thread.
 */
#ifndef STICKY_STORE_MAINTENANCE_CLAIM_ROWS_H
#define STICKY_STORE_MAINTENANCE_CLAIM_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "store/claims/claims.h"
#include "store/sqlite/database.h"

/*
 * Takes claims (all of them, or those that are new), brings them into the table in one transaction,
 * and takes them out of the file. A claim of another revision than the table's is dropped, and so
 * is one whose pool or controller is gone. Where mappings are shared, so is one that does not come
 * after what stands in the table (core/sharing/entry.h); the others are noted for the peers, and
 * that there is no mapping becomes a row of `share_deleted`. The triggers of `database` must be off
 * (no_triggers), since they say that somebody else has written. `taken` is room for the claims;
 * afterwards it says whether there are more, and how many were dropped for their revision.
 *
 * `identity` is that of the database for which the claims were made; with another one in the table
 * `revision` they are dropped, all of them. 0, also with nothing to do; or a code with `error` set,
 * and then all claims are still there.
 */
int claim_rows_write(struct database *database, struct claims *claims, int64_t identity, bool all,
                     struct taken_claims *taken, struct error *error);

#endif
