/*
 * Sums and products that do not fit in 64 bits become the nearest value that does, so no entry,
 * however odd, causes an overflow. A field that is added to struct entry must also be added to
 * entry_compare() and shared_row_digest().
 */
#include "core/sharing/entry.h"

#include <string.h>

#include "core/base/hash.h"

#define MS_PER_S 1000

/* a + b, or the nearest value that fits. */
static int64_t sum(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return result;
}

/* a * b, with b above 0, or the nearest value that fits. */
static int64_t product(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return a > 0 ? INT64_MAX : INT64_MIN;
    return result;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int entry_compare(const struct entry *a, const struct entry *b)
{
    int order = compare(a->decided, b->decided);
    if (order == 0)
        order = compare(a->origin, b->origin);
    if (order == 0)
        order = compare(a->gone, b->gone);
    if (order == 0)
        order = compare(a->timestamp_s, b->timestamp_s);
    if (order == 0)
        order = compare(a->ttl_s, b->ttl_s);
    if (order == 0)
        order = strcmp(a->controller, b->controller);
    if (order == 0)
        order = strcmp(a->method, b->method);
    if (order == 0)
        order = strcmp(a->home, b->home);
    return order;
}

int64_t entry_decide(int64_t now_ms, int64_t known)
{
    int64_t clock = product(now_ms, ENTRY_TICKS);
    int64_t later = sum(known < 0 ? 0 : known, 1);
    return clock > later ? clock : later;
}

void entry_refresh(struct entry *entry, int64_t node, int64_t now_s)
{
    if (now_s > entry->timestamp_s)
        entry->timestamp_s = now_s;
    if (entry->decided != 0)
        return;
    entry->decided = 1;
    entry->origin = node;
}

enum entry_fate entry_judge(const struct entry *told, const struct entry *standing, int64_t now_ms,
                            int64_t skew_ms)
{
    int order = standing ? entry_compare(told, standing) : 1;
    if (order == 0)
        return ENTRY_KNOWN;
    if (order < 0)
        return ENTRY_OLDER;
    return entry_is_future(told, now_ms, skew_ms) ? ENTRY_FUTURE : ENTRY_NEWER;
}

static bool decision_is_future(const struct entry *entry, int64_t latest_ms)
{
    return entry->decided / ENTRY_TICKS > latest_ms;
}

static bool timestamp_is_future(const struct entry *entry, int64_t latest_ms)
{
    return product(entry->timestamp_s, MS_PER_S) > latest_ms;
}

bool entry_is_future(const struct entry *entry, int64_t now_ms, int64_t skew_ms)
{
    int64_t latest_ms = sum(now_ms, skew_ms);
    return decision_is_future(entry, latest_ms) || timestamp_is_future(entry, latest_ms);
}

void entry_take_back(struct entry *entry, int64_t now_ms, int64_t skew_ms)
{
    int64_t latest_ms = sum(now_ms, skew_ms);
    if (decision_is_future(entry, latest_ms))
        entry->decided = 1;
    if (timestamp_is_future(entry, latest_ms))
        entry->timestamp_s = now_ms / MS_PER_S;
}

int64_t entry_end_s(const struct entry *entry)
{
    int64_t end_s = sum(entry->timestamp_s, entry->ttl_s);
    return entry->gone ? sum(end_s, TOMBSTONE_KEPT_S) : end_s;
}

bool entry_is_over(const struct entry *entry, int64_t now_ms, int64_t grace_s)
{
    return sum(entry_end_s(entry), grace_s) <= now_ms / MS_PER_S;
}

uint64_t shared_row_digest(const struct shared_row *row)
{
    const struct entry *entry = &row->entry;
    uint64_t hash = hash_mix(text_hash(row->pool), text_hash(row->key));
    hash = hash_mix(hash, (uint64_t)entry->decided);
    hash = hash_mix(hash, (uint64_t)entry->origin);
    hash = hash_mix(hash, entry->gone);
    hash = hash_mix(hash, (uint64_t)entry->timestamp_s);
    hash = hash_mix(hash, (uint64_t)entry->ttl_s);
    hash = hash_mix(hash, text_hash(entry->controller));
    hash = hash_mix(hash, text_hash(entry->method));
    return entry->home[0] ? hash_mix(hash, text_hash(entry->home)) : hash;
}
