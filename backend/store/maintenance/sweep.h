/*
 * Deletes expired mappings, in batches that are small enough for others to write in between, and
 * looks for mappings that nobody can have.
 */
#ifndef STICKY_STORE_MAINTENANCE_SWEEP_H
#define STICKY_STORE_MAINTENANCE_SWEEP_H

#include <stdint.h>

#include "core/base/error.h"
#include "store/maintenance/key_check.h"
#include "store/sqlite/database.h"

/* Of a key that the program makes; SQL may put in longer ones. */
#define SWEEP_KEY_MAX 129

/* Behind which row to go on; it goes round and round through the table. */
struct sweep {
    int64_t pool_id;
    char key[SWEEP_KEY_MAX];
};

/*
 * Goes on through the table for a few milliseconds, so that ten million rows are gone through in
 * minutes, and moves `sweep`. `check` is of the rows before it. `batch` is in rows, `now_s` is Unix
 * time. While mappings are shared, a row stays for `grace_s` after its end. 0, or a code with
 * `error` set.
 */
int sweep_run(struct database *database, struct sweep *sweep, struct key_check *check,
              int64_t batch, int64_t grace_s, int64_t now_s, struct error *error);

#endif
