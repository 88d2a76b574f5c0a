/*
 * What a store is made of, for the files in this folder.
 */
#ifndef STICKY_STORE_STORE_PARTS_H
#define STICKY_STORE_STORE_PARTS_H

#include "core/client.h"
#include "store/database.h"
#include "store/lock_file.h"
#include "store/store.h"

/* Where the sweep for expired mappings stands; it goes round and round. */
struct sweep {
    int64_t pool_id;
    char key[CLIENT_KEY_MAX * 4]; /* rows that people insert may have longer keys; those are cut */
};

/* By what one sees whether the write-ahead log was written to. */
struct log_mark {
    int64_t bytes, written_s, written_ns;
};

/*
 * When housekeeping was last done by any process, on the monotonic clock that they all share. Kept
 * in the lock file; read and written under LOCK_HOUSEKEEPING.
 */
struct rounds {
    int64_t sweep_ms, checkpoint_ms;
    struct log_mark log; /* after the last checkpoint: equal means that nothing was written since */
};

struct store {
    struct database database;
    struct lock_file lock;
    struct error mapping_error;
    int64_t now_ms;           /* monotonic, of the last store_begin() */
    struct revision revision; /* of the transaction that is begun */
    int64_t kept_until_ms;    /* monotonic: then it is begun anew */
    int64_t locked_out_ms;    /* monotonic: until then a lock is hardly waited for */
    struct sweep sweep;
    struct rounds rounds; /* as this process last saw them */
};

#endif
