/*
 * One batch of claims becomes rows: what the writer does, without its thread.
 */
#ifndef STICKY_STORE_MAINTENANCE_CLAIM_ROWS_H
#define STICKY_STORE_MAINTENANCE_CLAIM_ROWS_H

#include <stdbool.h>

#include "core/base/error.h"
#include "store/claims/claims.h"
#include "store/sqlite/database.h"

/* What became of a claim that was taken: the row that stands there now. */
struct claim_outcome {
    bool has_row;
    struct mapping row;
};

struct claim_batch {
    struct taken_claims taken;
    struct claim_outcome outcomes[CLAIMS_TAKEN_MAX];
};

/*
 * Takes claims (all of them, or those that are new) and brings them into the table in one
 * transaction, then takes them out of the file. The first row of a client stays: one that came into
 * the table by another way than a claim wins. A claim whose decision knew nothing of a DELETE since
 * is dropped, and so is one whose pool or controller is gone.
 *
 * `identity` is that of the database for which the claims were made; with another one in the table
 * `revision` they are dropped, all of them. 0, also with nothing to do; or a code with `error` set,
 * and then all claims are still there.
 */
int claim_rows_write(struct database *database, struct claims *claims, int64_t identity, bool all,
                     struct claim_batch *batch, struct error *error);

#endif
