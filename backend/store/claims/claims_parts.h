/*
 * How the file of claims is laid out, for the files in this folder.
 *
 * A change of anything here is a change of CLAIMS_FORMAT, unless a size in the head tells it.
 */
#ifndef STICKY_STORE_CLAIMS_CLAIMS_PARTS_H
#define STICKY_STORE_CLAIMS_CLAIMS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "store/claims/claims.h"
#include "system/lock_file.h"
#include "system/machine.h"

#define CLAIMS_MAGIC UINT64_C(0x70646e73636c6d73) /* the order of bytes shows in it, too */
#define CLAIMS_FORMAT 7

/*
 * 16 thousand claims, 5 MiB. With some seven thousand, the first bucket is full by chance: so
 * many wait when a thousand new resolvers ask each second and somebody holds the database for
 * seven.
 */
#define CLAIMS_BUCKETS 1024
#define CLAIMS_SLOTS 16

/* A mapping without padding, so that a checksum covers all of it. */
struct stored_mapping {
    int64_t controller_id, timestamp_s, ttl_s, decided, origin, home_id;
    char method[40];
};

_Static_assert(METHOD_NAME_MAX <= sizeof((struct stored_mapping *)0)->method, "a method fits");

#define VALUE_MAPS 1U

struct stored_claim {
    uint64_t number; /* unique in the file, from 1 on */
    uint64_t flags;
    int64_t revision;
    struct stored_mapping wanted;
    uint64_t checksum; /* of the key and all of the above */
};

struct slot {
    int64_t pool_id;
    char key[CLAIMS_KEY_MAX];
    struct stored_claim values[2];
    /* 0: free; 1 or 2: that value counts. The one store that makes, replaces and frees a claim. */
    _Atomic uint32_t current;
    uint32_t unused;
};

/* The mutex of a bucket, in a cache line of its own. */
struct bucket_lock {
    _Alignas(64) pthread_mutex_t mutex;
    uint64_t guard; /* claims_guard(); with another one, the mutex is not touched */
};

/* Of zeros in a new file. */
struct bucket {
    /* Of the slots' keys, so that most are not looked at; 0, which no key has: the slot is free. */
    _Atomic uint32_t tags[CLAIMS_SLOTS];
    struct slot slots[CLAIMS_SLOTS];
};

/* For whom the file was made; all of it has to fit. */
struct claims_head {
    uint64_t magic;
    uint32_t format, bucket_bytes, bucket_count, slot_count, mutex_bytes, slot_bytes;
    uint64_t inode, device;             /* of this file: a copy is none */
    uint8_t start[MACHINE_START_BYTES]; /* of the machine, that its mutexes are of */
    int64_t database;                   /* the number of the database, table revision */
    uint64_t salt;                      /* random, so that nobody can aim at one bucket */
};

struct claims_map {
    struct claims_head head;
    _Alignas(64) _Atomic uint32_t made; /* claims so far; what the writer waits for */
    _Atomic uint32_t writer_waits;
    _Alignas(64) _Atomic uint64_t last_number;
    _Alignas(64) _Atomic int64_t alive_ms;
    _Atomic uint32_t bound;
    _Alignas(64) _Atomic uint64_t changed[CLAIMS_BUCKETS / 64]; /* buckets, a bit each */
    /*
     * claims_guard() where a bucket is empty, so that most looks need no mutex. It is replaced by
     * another number before a claim shows, and put back after the last claim is gone, both with the
     * mutex held. Where a process was killed before it put the guard back, looks take the mutex.
     */
    _Alignas(64) _Atomic uint64_t empty[CLAIMS_BUCKETS];
    /*
     * Together, so that whoever makes the file writes some twenty pages. On a disk that cannot keep
     * up, the system lets a process wait for seconds that writes a thousand.
     */
    struct bucket_lock locks[CLAIMS_BUCKETS];
    _Alignas(64) struct bucket buckets[CLAIMS_BUCKETS];
};

/* What stands in front of a bucket that nobody has overwritten, and marks an empty one. */
static inline uint64_t claims_guard(const struct claims_map *map, uint32_t bucket)
{
    return map->head.salt ^ bucket;
}

/* A bucket that was waited for in vain, and for how long that is remembered. */
struct held_bucket {
    _Atomic uint32_t number;
    _Atomic int64_t until_ms; /* monotonic */
};

struct claims {
    struct claims_map *map;
    char *path;
    struct stat file;
    uint8_t start[MACHINE_START_BYTES]; /* of the machine, when it was opened */
    const char *replaced; /* what the file was that this opening replaced; NULL: see misfits */
    unsigned losses;      /* of page_guard.h, when it was opened */
    struct lock_file *lock;
    struct held_bucket held;
};

#endif
