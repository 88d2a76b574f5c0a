/*
 * The rule by which name servers that share their mappings come to one table (claim 17).
 *
 * What a server knows of a key (a pool and a client) is an entry: a mapping, or word that one was
 * deleted. Servers tell each other entries, in any order and as often as they like, and keep the
 * greatest in the order of entry_compare(). Whoever has heard the same has the same: the greatest
 * of some entries depends neither on their order nor on repetitions. No clock is read for it.
 *
 * The clock only gives a decision its place in that order. A decision counts for more than what it
 * knew, whatever the clock says, see entry_decide(). And it keeps two kinds of entries out: what is
 * of the future, and what was over long ago.
 */
#ifndef STICKY_CORE_SHARING_ENTRY_H
#define STICKY_CORE_SHARING_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/balance/client.h"
#include "core/balance/method.h"
#include "core/balance/pool.h"

/* Nodes are 1 to 65535; 0 stands for a mapping that was made while nothing was shared. */
#define NODE_MAX 65535

struct entry {
    int64_t decided; /* milliseconds of Unix time * ENTRY_TICKS, and a counter; 0: not shared yet */
    int64_t origin;  /* node that decided */
    bool gone;       /* deleted; then controller, method and home are "" */
    int64_t timestamp_s; /* Unix time; of a deleted one, when that was */
    int64_t ttl_s;
    char controller[ROW_NAME_MAX];
    char method[METHOD_NAME_MAX];
    char home[ROW_NAME_MAX]; /* the controller from which a failure moved the client; "": none */
};

/* So many decisions that know each other fit in a millisecond. */
#define ENTRY_TICKS 4096

/*
 * The order: decided, origin, gone, timestamp, ttl, name of the controller, method, home, each by
 * value or by octets. Negative, 0 or positive; 0 only for the same entry. The home decides where
 * one server does not know the other's: it keeps the mapping without it, and takes it over once it
 * knows that controller.
 */
int entry_compare(const struct entry *a, const struct entry *b);

/*
 * The place of a decision that is made now and that knew one with `known` (0: none): later than the
 * known one (unless that is INT64_MAX), and no earlier than the clock. At least 1.
 */
int64_t entry_decide(int64_t now_ms, int64_t known);

/*
 * A refresh of a sliding mapping on `node`: moves the timestamp, never back, and is no decision. An
 * entry that was not shared yet becomes the node's: else two of them, each refreshed on its server,
 * would beat each other in turn. Not for a server that shares nothing.
 */
void entry_refresh(struct entry *entry, int64_t node, int64_t now_s);

/* What becomes of an entry that was told. */
enum entry_fate {
    ENTRY_NEWER,  /* it replaces what stands there */
    ENTRY_KNOWN,  /* it is what stands there */
    ENTRY_OLDER,  /* what stands there is greater */
    ENTRY_FUTURE, /* newer, but entry_is_future(): a clock is wrong. Kept out for now. */
};

/* `standing` may be NULL: nothing is known of the key. */
enum entry_fate entry_judge(const struct entry *told, const struct entry *standing, int64_t now_ms,
                            int64_t skew_ms);

/*
 * Says whether an entry was decided, or its timestamp set, more than `skew_ms` after now. Both
 * count: a mapping that was refreshed by a clock a year ahead would never end.
 */
bool entry_is_future(const struct entry *entry, int64_t now_ms, int64_t skew_ms);

/*
 * Makes a future entry of our own table a present one, after our clock was set back: a future
 * decision counts less than all others, a future timestamp becomes now. What is not future stays.
 */
void entry_take_back(struct entry *entry, int64_t now_ms, int64_t skew_ms);

/* Until when an entry counts, in Unix seconds; no 64-bit value overflows. */
#define TOMBSTONE_KEPT_S 86400
int64_t entry_end_s(const struct entry *entry);

/*
 * Says whether an entry ended `grace_s` ago or earlier. Then it may be deleted, and counts as
 * deleted already: it is neither told nor listened to, and does not stand in the way of others. So
 * it does not matter when each server sweeps. One that ended less long ago counts like others.
 */
bool entry_is_over(const struct entry *entry, int64_t now_ms, int64_t grace_s);

/* An entry and its key. */
struct shared_row {
    char pool[ROW_NAME_MAX];  /* the name of the pool that keeps the mapping */
    char key[CLIENT_KEY_MAX]; /* persistence.ldns */
    struct entry entry;
};

/* A place between rows, in the order of the octets of pool and key. {"", ""}: before all. */
struct shared_place {
    char pool[ROW_NAME_MAX];
    char key[CLIENT_KEY_MAX];
};

/*
 * A number for a row with its whole entry. Sums of them, modulo 2^64, tell whether two servers have
 * the same rows in a range. It is no secret and no signature.
 */
uint64_t shared_row_digest(const struct shared_row *row);

#endif
