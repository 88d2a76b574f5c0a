/*
 * The buckets of the file: looking, claiming, taking out. Opening it is claims_file.c.
 */
#include "store/claims/claims.h"

#include <errno.h>
#include <string.h>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "store/claims/claims_parts.h"
#include "system/clock.h"
#include "system/futex.h"
#include "system/page_guard.h"
#include "system/shared_mutex.h"

/* For so long after a wait that was in vain, the same bucket is waited for this short time only. */
#define HELD_MS 10000
#define HELD_WAIT_MS 1

/* The parts of CLAIMS_WAIT_MS. */
#define WAIT_PART_MS 20

/* A key as it stands in a slot, and where it belongs. */
struct place {
    int64_t pool_id;
    char key[CLAIMS_KEY_MAX]; /* zeros behind its end */
    uint32_t tag;
    uint32_t bucket;
};

/* Keys are at most CLIENT_KEY_MAX long, NUL included; a longer one is none of ours. */
static int find_place(const struct claims *claims, int64_t pool_id, const char *key,
                      struct place *ret_place)
{
    size_t length = strnlen(key, CLAIMS_KEY_MAX);
    if (length == CLAIMS_KEY_MAX)
        return ERR_INVAL;
    uint64_t hash = hash_mix(claims->map->head.salt ^ text_hash(key), (uint64_t)pool_id);
    *ret_place = (struct place){.pool_id = pool_id,
                                .tag = (uint32_t)(hash >> 32) | 1,
                                .bucket = (uint32_t)hash % CLAIMS_BUCKETS};
    memcpy(ret_place->key, key, length);
    return 0;
}

static void store_mapping(const struct mapping *mapping, struct stored_mapping *ret_stored)
{
    *ret_stored = (struct stored_mapping){.controller_id = mapping->controller_id,
                                          .timestamp_s = mapping->timestamp_s,
                                          .ttl_s = mapping->ttl_s,
                                          .decided = mapping->decided,
                                          .origin = mapping->origin,
                                          .home_id = mapping->home_id};
    memcpy(ret_stored->method, mapping->method, strnlen(mapping->method, METHOD_NAME_MAX - 1));
}

static struct mapping load_mapping(const struct stored_mapping *stored)
{
    struct mapping mapping = {.controller_id = stored->controller_id,
                              .timestamp_s = stored->timestamp_s,
                              .ttl_s = stored->ttl_s,
                              .decided = stored->decided,
                              .origin = stored->origin,
                              .home_id = stored->home_id};
    memcpy(mapping.method, stored->method, METHOD_NAME_MAX - 1);
    return mapping;
}

static uint64_t mix_words(uint64_t hash, const void *bytes, size_t count)
{
    uint64_t word;
    for (size_t at = 0; at + sizeof word <= count; at += sizeof word) {
        memcpy(&word, (const char *)bytes + at, sizeof word);
        hash = hash_mix(hash, word);
    }
    return hash;
}

static uint64_t checksum(const struct slot *slot, const struct stored_claim *value)
{
    uint64_t hash = hash_mix(CLAIMS_MAGIC, (uint64_t)slot->pool_id);
    hash = mix_words(hash, slot->key, sizeof slot->key);
    return mix_words(hash, value, offsetof(struct stored_claim, checksum));
}

/* The value of a slot that counts, or NULL where there is none, or a stranger wrote it. */
static const struct stored_claim *value_of(const struct slot *slot)
{
    uint32_t current = atomic_load_explicit(&slot->current, memory_order_acquire);
    if (current != 1 && current != 2)
        return NULL;
    const struct stored_claim *value = &slot->values[current - 1];
    return value->checksum == checksum(slot, value) ? value : NULL;
}

static void load_claim(const struct stored_claim *value, struct claim *ret_claim)
{
    *ret_claim = (struct claim){.maps = value->flags & VALUE_MAPS,
                                .wanted = load_mapping(&value->wanted),
                                .revision = value->revision};
}

/* Somebody has overwritten a part of the file, so that all have to go over to a new one. ERR_IO. */
static int give_up(struct claims_map *map)
{
    map->head.magic = 0;
    return ERR_IO;
}

/*
 * The writer holds SQLite's lock while it takes claims, so it waits only for an owner that runs. A
 * bucket that it had to leave is looked at in its next turn.
 */
#define WRITER_WAIT_MS 1

/*
 * One whose owner is stopped is waited for only once in a while, or a busy server would do nothing
 * else.
 */
static int wait_for_bucket(struct claims *claims, uint32_t number)
{
    struct held_bucket *held = &claims->held;
    pthread_mutex_t *mutex = &claims->map->locks[number].mutex;
    if (atomic_load(&held->number) == number && clock_monotonic_ms() < atomic_load(&held->until_ms))
        return shared_mutex_lock(mutex, HELD_WAIT_MS);
    int problem = ETIMEDOUT;
    for (int i = 0; i < CLAIMS_WAIT_MS / WAIT_PART_MS && problem == ETIMEDOUT; i++)
        problem = shared_mutex_lock(mutex, WAIT_PART_MS);
    if (problem == ETIMEDOUT) {
        atomic_store(&held->until_ms, clock_monotonic_ms() + HELD_MS);
        atomic_store(&held->number, number);
    }
    return problem;
}

/* Says whether the file is what it was when it was opened, as far as that shows by itself. */
static bool is_whole(const struct claims *claims)
{
    return claims->map->head.magic == CLAIMS_MAGIC && page_guard_losses() == claims->losses;
}

/* 0 with the bucket's mutex held, or ERR_BUSY or ERR_IO. */
static int lock_bucket(struct claims *claims, uint32_t number, bool is_writer,
                       struct bucket **ret_bucket)
{
    struct claims_map *map = claims->map;
    struct bucket_lock *lock = &map->locks[number];
    if (!is_whole(claims))
        return ERR_IO;
    if (lock->guard != claims_guard(map, number))
        return give_up(map);
    int problem = shared_mutex_lock(&lock->mutex, 0);
    if (problem == ETIMEDOUT)
        problem = is_writer ? shared_mutex_lock(&lock->mutex, WRITER_WAIT_MS)
                            : wait_for_bucket(claims, number);
    if (problem == ETIMEDOUT)
        return ERR_BUSY;
    if (problem != 0)
        return give_up(map);
    *ret_bucket = &map->buckets[number];
    return 0;
}

static void unlock_bucket(struct claims *claims, uint32_t number)
{
    shared_mutex_unlock(&claims->map->locks[number].mutex);
}

/* Says that no claim is in a bucket, without its mutex: most questions find none. */
static bool is_empty(const struct claims *claims, uint32_t number)
{
    return atomic_load(&claims->map->empty[number]) == claims_guard(claims->map, number) &&
           is_whole(claims);
}

/* With the bucket's mutex held. */
static void mark_if_empty(struct claims_map *map, uint32_t number)
{
    for (int i = 0; i < CLAIMS_SLOTS; i++)
        if (atomic_load_explicit(&map->buckets[number].tags[i], memory_order_relaxed) != 0)
            return;
    atomic_store(&map->empty[number], claims_guard(map, number));
}

static void mark_used(struct claims_map *map, uint32_t number)
{
    atomic_store(&map->empty[number], ~claims_guard(map, number));
}

/* The slot that has a claim of this key, with the value that counts, or NULL. */
static struct slot *find_slot(struct bucket *bucket, const struct place *place,
                              const struct stored_claim **ret_value)
{
    for (int i = 0; i < CLAIMS_SLOTS; i++) {
        struct slot *slot = &bucket->slots[i];
        if (atomic_load_explicit(&bucket->tags[i], memory_order_relaxed) == place->tag &&
            slot->pool_id == place->pool_id &&
            memcmp(slot->key, place->key, sizeof place->key) == 0 && (*ret_value = value_of(slot)))
            return slot;
    }
    return NULL;
}

/* A slot without a claim, with the key in it; NULL when all are used. */
static struct slot *begin_slot(struct bucket *bucket, const struct place *place)
{
    for (int i = 0; i < CLAIMS_SLOTS; i++) {
        struct slot *slot = &bucket->slots[i];
        if (value_of(slot))
            continue;
        atomic_store_explicit(&slot->current, 0, memory_order_release);
        slot->pool_id = place->pool_id;
        memcpy(slot->key, place->key, sizeof slot->key);
        atomic_store_explicit(&bucket->tags[i], place->tag, memory_order_relaxed);
        return slot;
    }
    return NULL;
}

/* Writes the value that does not count, then lets it count. */
static void set_value(struct slot *slot, const struct stored_claim *value)
{
    uint32_t current = atomic_load_explicit(&slot->current, memory_order_relaxed);
    uint32_t next = current == 1 ? 2 : 1;
    struct stored_claim *place = &slot->values[next - 1];
    *place = *value;
    place->checksum = checksum(slot, place);
    atomic_store_explicit(&slot->current, next, memory_order_release);
}

int claims_find(struct claims *claims, int64_t pool_id, const char *key, struct claim *ret_claim)
{
    struct place place;
    struct bucket *bucket;
    if (find_place(claims, pool_id, key, &place) != 0 || is_empty(claims, place.bucket))
        return ERR_NOTFOUND;
    int code = lock_bucket(claims, place.bucket, false, &bucket);
    if (code != 0)
        return code;
    const struct stored_claim *value;
    const struct slot *slot = find_slot(bucket, &place, &value);
    if (slot)
        load_claim(value, ret_claim);
    bool is_lost = !is_whole(claims); /* a page of the bucket was not there */
    unlock_bucket(claims, place.bucket);
    if (is_lost)
        return ERR_IO;
    return slot ? 0 : ERR_NOTFOUND;
}

/* Says whether a claim wants what a decision found. */
static bool wants(const struct stored_claim *value, const struct mapping *known)
{
    struct mapping wanted = load_mapping(&value->wanted);
    bool maps = value->flags & VALUE_MAPS;
    return known ? maps && mapping_equal(&wanted, known) : !maps;
}

static struct stored_claim new_value(struct claims *claims, const struct claim *claim)
{
    struct stored_claim value = {.revision = claim->revision};
    value.number = atomic_fetch_add(&claims->map->last_number, 1) + 1;
    value.flags = claim->maps ? VALUE_MAPS : 0;
    store_mapping(&claim->wanted, &value.wanted);
    return value;
}

/*
 * A decision has not always seen the claim that it replaces: that a mapping is forgotten looks to
 * it as if there had been none. If that was in the same millisecond, the order of the two is told
 * by this number only.
 */
static void decide_after(struct stored_claim *value, const struct stored_claim *old,
                         const struct mapping *known)
{
    int64_t decided = value->wanted.decided;
    bool extends = known && decided == known->decided;
    if (old && decided != 0 && !extends && decided <= old->wanted.decided)
        value->wanted.decided = old->wanted.decided + 1;
}

/*
 * Where the revisions differ, one of the two decisions knew nothing of what others wrote. It is the
 * old one if nobody has committed since the new one read the table.
 */
static bool may_put(const struct stored_claim *old, const struct mapping *known,
                    const struct claim *claim, bool (*is_current)(void *context), void *context)
{
    if (old && old->revision == claim->revision)
        return wants(old, known);
    return is_current(context);
}

static int put(struct claims *claims, struct bucket *bucket, const struct place *place,
               const struct mapping *known, const struct claim *claim,
               bool (*is_current)(void *context), void *context)
{
    const struct stored_claim *old = NULL;
    struct slot *slot = find_slot(bucket, place, &old);
    if (!may_put(old, known, claim, is_current, context))
        return ERR_NOTFOUND;
    if (!slot)
        slot = begin_slot(bucket, place);
    if (!slot)
        return ERR_LIMIT;
    struct stored_claim value = new_value(claims, claim);
    decide_after(&value, old, known);
    mark_used(claims->map, place->bucket);
    set_value(slot, &value);
    return 0;
}

static void mark_changed(struct claims_map *map, uint32_t bucket)
{
    atomic_fetch_or(&map->changed[bucket / 64], UINT64_C(1) << bucket % 64);
}

/* The writer sets `writer_waits` before it looks at `made` for the last time. */
static void wake_writer(struct claims_map *map)
{
    atomic_fetch_add(&map->made, 1);
    if (atomic_load(&map->writer_waits) && atomic_exchange(&map->writer_waits, 0))
        futex_wake(&map->made);
}

int claims_put(struct claims *claims, int64_t pool_id, const char *key, const struct mapping *known,
               const struct claim *claim, bool (*is_current)(void *context), void *context)
{
    struct place place;
    struct bucket *bucket;
    int code = find_place(claims, pool_id, key, &place);
    if (code == 0)
        code = lock_bucket(claims, place.bucket, false, &bucket);
    if (code != 0)
        return code;
    code = put(claims, bucket, &place, known, claim, is_current, context);
    if (code == 0 && !is_whole(claims)) /* it stands in a page that nobody else has */
        code = ERR_IO;
    if (code == 0)
        mark_changed(claims->map, place.bucket);
    unlock_bucket(claims, place.bucket);
    if (code == 0)
        wake_writer(claims->map);
    return code;
}

/*
 * Copies the claims of a bucket; false when not all have room. With `all` every slot is looked at,
 * not only those with a tag.
 */
static bool take_bucket(struct bucket *bucket, uint32_t number, bool all,
                        struct taken_claims *taken)
{
    for (uint32_t i = 0; i < CLAIMS_SLOTS; i++) {
        const struct slot *slot = &bucket->slots[i];
        if (!all && atomic_load_explicit(&bucket->tags[i], memory_order_relaxed) == 0)
            continue;
        const struct stored_claim *value = value_of(slot);
        if (!value)
            continue;
        if (taken->count == CLAIMS_TAKEN_MAX)
            return false;
        struct taken_claim *copy = &taken->claims[taken->count++];
        *copy = (struct taken_claim){
            .pool_id = slot->pool_id, .number = value->number, .bucket = number, .slot = i};
        memcpy(copy->key, slot->key, sizeof copy->key - 1);
        load_claim(value, &copy->claim);
    }
    return true;
}

/* What could not be taken, or not all of it, is marked again. */
static void take_marked(struct claims *claims, uint32_t number, bool all,
                        struct taken_claims *taken)
{
    struct bucket *bucket;
    bool is_held = lock_bucket(claims, number, true, &bucket) != 0, fitted = true;
    if (!is_held) {
        fitted = take_bucket(bucket, number, all, taken);
        unlock_bucket(claims, number);
    }
    if (is_held || !fitted)
        mark_changed(claims->map, number);
    taken->more |= !fitted;
}

void claims_take(struct claims *claims, bool all, struct taken_claims *ret_taken)
{
    ret_taken->count = 0;
    ret_taken->more = false;
    for (uint32_t word = 0; word < CLAIMS_BUCKETS / 64; word++) {
        uint64_t marked = atomic_exchange(&claims->map->changed[word], 0);
        if (all)
            marked = UINT64_MAX;
        for (; marked != 0; marked &= marked - 1)
            take_marked(claims, word * 64 + (uint32_t)__builtin_ctzll(marked), all, ret_taken);
    }
}

bool claims_look_through(struct claims *claims, uint32_t *bucket, struct taken_claims *ret_taken)
{
    ret_taken->count = 0;
    ret_taken->more = false;
    if (*bucket >= CLAIMS_BUCKETS)
        return false;
    for (; *bucket < CLAIMS_BUCKETS && ret_taken->count + CLAIMS_SLOTS <= CLAIMS_TAKEN_MAX;
         ++*bucket) {
        struct bucket *place;
        if (is_empty(claims, *bucket))
            continue;
        if (lock_bucket(claims, *bucket, false, &place) != 0) {
            ret_taken->more = true;
            continue;
        }
        take_bucket(place, *bucket, true, ret_taken);
        unlock_bucket(claims, *bucket);
    }
    return true;
}

void claims_settle(struct claims *claims, const struct taken_claim *taken)
{
    struct bucket *bucket;
    if (lock_bucket(claims, taken->bucket, true, &bucket) != 0) {
        mark_changed(claims->map, taken->bucket); /* it is taken, and settled, once more */
        return;
    }
    struct slot *slot = &bucket->slots[taken->slot];
    const struct stored_claim *value = value_of(slot);
    if (value && value->number == taken->number) {
        atomic_store_explicit(&slot->current, 0, memory_order_release);
        atomic_store_explicit(&bucket->tags[taken->slot], 0, memory_order_relaxed);
        mark_if_empty(claims->map, taken->bucket);
    }
    unlock_bucket(claims, taken->bucket);
}

uint32_t claims_made(const struct claims *claims)
{
    return atomic_load(&claims->map->made);
}

void claims_wait(struct claims *claims, uint32_t seen, int64_t wait_ms)
{
    struct claims_map *map = claims->map;
    atomic_store(&map->writer_waits, 1);
    futex_wait(&map->made, seen, wait_ms);
    atomic_store(&map->writer_waits, 0);
}

void claims_wake(struct claims *claims)
{
    atomic_fetch_add(&claims->map->made, 1);
    futex_wake_all(&claims->map->made);
}

bool claims_have_changed(const struct claims *claims)
{
    for (int i = 0; i < CLAIMS_BUCKETS / 64; i++)
        if (atomic_load(&claims->map->changed[i]) != 0)
            return true;
    return false;
}

size_t claims_count(const struct claims *claims)
{
    return claims_count_until(claims, UINT64_MAX);
}

bool claims_are_full(const struct claims *claims)
{
    for (int i = 0; i < CLAIMS_BUCKETS; i++) {
        int used = 0;
        for (int j = 0; j < CLAIMS_SLOTS; j++)
            used += value_of(&claims->map->buckets[i].slots[j]) != NULL;
        if (used == CLAIMS_SLOTS)
            return true;
    }
    return false;
}

uint64_t claims_last_number(const struct claims *claims)
{
    return atomic_load(&claims->map->last_number);
}

size_t claims_count_until(const struct claims *claims, uint64_t number)
{
    size_t count = 0;
    for (int i = 0; i < CLAIMS_BUCKETS; i++)
        for (int j = 0; j < CLAIMS_SLOTS; j++) {
            const struct stored_claim *value = value_of(&claims->map->buckets[i].slots[j]);
            count += value && value->number <= number;
        }
    return count;
}

void claims_set_alive(struct claims *claims, int64_t now_ms)
{
    atomic_store(&claims->map->alive_ms, now_ms);
}

int64_t claims_alive_ms(const struct claims *claims)
{
    return atomic_load(&claims->map->alive_ms);
}

void claims_set_bound(struct claims *claims, enum claims_bound bound)
{
    atomic_store(&claims->map->bound, bound);
}

enum claims_bound claims_bound(const struct claims *claims)
{
    uint32_t bound = atomic_load(&claims->map->bound);
    return bound <= CLAIMS_TABLE_FULL ? (enum claims_bound)bound : CLAIMS_FREE;
}
