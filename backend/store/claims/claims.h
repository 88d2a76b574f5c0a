/*
 * Decisions that all processes know and the table `persistence` does not have yet.
 *
 * A claim says where a client of a pool is sent. It stands in a file that every process maps
 * (claims_file.h), so that two processes agree without a lock of SQLite and no answer waits for a
 * disk. One process, the writer, brings claims into the table and takes them out of here
 * (store/maintenance/writer.h). Both halves of the promise, a client gets one answer and each
 * answer becomes a row, rest on four rules, which test/model/claims.pml checks:
 *
 *   1. Whoever looks for a mapping looks here first and in the table afterwards, in a transaction
 *      that began after the first look. A claim is taken out only after its row was committed, so
 *      it is in one of the two. That a bucket is empty shows without its mutex.
 *   2. A claim is made under the mutex of its bucket, and only if the claim that the decision found
 *      is still there, or if nobody has committed anything since it read the table: `is_current`
 *      says so under that mutex.
 *   3. The writer reads claims only while it holds SQLite's lock to write, so what it finds is
 *      newer than any row: it replaces whatever stands there. It may do so twice. Where mappings
 *      are shared, rows of peers come as well, and it replaces only what is older.
 *   4. The writer takes a claim out only by number: one that was replaced meanwhile stays.
 *
 * What others write to the table changes a number in table `revision`. A claim carries the number
 * that its decision has read; with another number in the table it does not count any more. To
 * forget a mapping is to claim that there is none.
 *
 * Nothing is lost when a process is killed: each change shows by one store of one word, so a bucket
 * whose owner died is whole. What a stranger has written over the file is found by a checksum over
 * each claim and is no claim.
 *
 * A struct claims may be used by several threads at a time, but for opening and closing.
 */
#ifndef STICKY_STORE_CLAIMS_CLAIMS_H
#define STICKY_STORE_CLAIMS_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/sticky/mapping.h"

struct claims; /* an open file; see claims_file.h */

struct claim {
    bool maps; /* `wanted` is to be the row; else there is to be none */
    /* Without `maps` it says, if mappings are shared, who decided that and when, and the TTL. */
    struct mapping wanted;
    int64_t revision; /* column `mappings` of table `revision`, as the decision has read it */
};

/*
 * Looks for a claim. 0 with `ret_claim` set; ERR_NOTFOUND; ERR_BUSY when its bucket was held for
 * CLAIMS_WAIT_MS; ERR_IO when the file is not what it was.
 */
int claims_find(struct claims *claims, int64_t pool_id, const char *key, struct claim *ret_claim);

/*
 * Makes a claim, or replaces the one that is there. `known` is the mapping that the decision found
 * (NULL: none). A claim of the same revision that is there must want just that. With none there, or
 * one of another revision, `is_current` has to say that the table is as it was read; it is called
 * with the bucket's mutex held and should be quick. 0; ERR_NOTFOUND when neither is so; ERR_LIMIT
 * when the bucket is full; ERR_BUSY or ERR_IO as above. Wakes the writer.
 *
 * A new decision (`decided` is not 0, and not that of `known`) that is no later than the claim that
 * it replaces is made later, by one.
 */
int claims_put(struct claims *claims, int64_t pool_id, const char *key, const struct mapping *known,
               const struct claim *claim, bool (*is_current)(void *context), void *context);

/* So many claims are taken at once at most: one transaction of the writer. */
#define CLAIMS_TAKEN_MAX 1024

/* The longest client key, with NUL (core/balance/client.h), in whole words. */
#define CLAIMS_KEY_MAX 72

/* A copy of a claim on its way into the table. */
struct taken_claim {
    struct claim claim;
    int64_t pool_id;
    char key[CLAIMS_KEY_MAX];
    uint64_t number; /* of this claim, unique in the file */
    uint32_t bucket, slot;
};

struct taken_claims {
    struct taken_claim claims[CLAIMS_TAKEN_MAX];
    size_t count;
    bool more;       /* not all fitted */
    size_t outdated; /* of another revision than the table: whoever writes them counts these */
};

/*
 * Copies claims; they stay where they are. A bucket that is held is left for the next time. Without
 * `all`, of buckets that were changed since they were last taken from; with it, of every bucket, as
 * after a failure, or when a process was killed that had no time to tell of its claim.
 */
void claims_take(struct claims *claims, bool all, struct taken_claims *ret_taken);

/*
 * Copies claims for somebody who looks through all of them: those of the buckets from `*bucket` on
 * for which there is room, and sets `*bucket` to the next one. False when there is no bucket left.
 * 0 at first. ret_taken->more: a bucket that was held was left out.
 */
bool claims_look_through(struct claims *claims, uint32_t *bucket, struct taken_claims *ret_taken);

/* Takes a claim out, now that its row is committed, unless it was replaced meanwhile. */
void claims_settle(struct claims *claims, const struct taken_claim *taken);

/*
 * Waits until a claim is made after `seen` was read, or for `wait_ms`. Of the writer alone.
 * claims_made() is the number of claims made so far, modulo 2^32.
 */
uint32_t claims_made(const struct claims *claims);
void claims_wait(struct claims *claims, uint32_t seen, int64_t wait_ms);

/* Ends claims_wait() of all who wait, from another thread or process. */
void claims_wake(struct claims *claims);

/* Says whether claims_take() would look at any bucket: one was changed since. */
bool claims_have_changed(const struct claims *claims);

/* How many claims there are, counted now; without locks, so it may be off by those that change. */
size_t claims_count(const struct claims *claims);

/* Says whether a bucket has no room for another claim; without locks, likewise. */
bool claims_are_full(const struct claims *claims);

/* The number of the claim that was made last, and how many are left of those up to a number. */
uint64_t claims_last_number(const struct claims *claims);
size_t claims_count_until(const struct claims *claims, uint64_t number);

/*
 * Signs of life of the writer, a monotonic time in milliseconds that all processes share; 0: none
 * yet.
 */
void claims_set_alive(struct claims *claims, int64_t now_ms);
int64_t claims_alive_ms(const struct claims *claims);

/*
 * Why the writer takes no new rows, for those who would make claims of them. What it says holds
 * until it says otherwise.
 */
enum claims_bound { CLAIMS_FREE, CLAIMS_TABLE_FULL };
void claims_set_bound(struct claims *claims, enum claims_bound bound);
enum claims_bound claims_bound(const struct claims *claims);

/*
 * A bucket is held for some hundred nanoseconds, but its owner may have to wait for a processor, or
 * be stopped. PowerDNS waits for 2000 ms. After that the bucket is waited for no longer than a
 * millisecond, for some seconds. The time is waited for in short parts: where the whole machine
 * stood still, its owner may run before anybody gives up.
 */
#define CLAIMS_WAIT_MS 1000

#endif
