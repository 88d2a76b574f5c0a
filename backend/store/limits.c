#include "store/limits.h"

#include "store/maintenance/room.h"
#include "store/sqlite/lock_bytes.h"
#include "store/store_parts.h"

/* In a token. */
#define THOUSANDTHS 1000

/* How often a process tells the others that it refuses mappings. */
#define REFUSED_NOTE_MS 1000

bool rate_take(struct rate *rate, int64_t per_second, int64_t now_ms)
{
    int64_t full = per_second * RATE_BURST_S * THOUSANDTHS;
    int64_t passed_ms = now_ms > rate->last_ms ? now_ms - rate->last_ms : 0;
    if (!rate->started || passed_ms >= RATE_BURST_S * 1000)
        rate->tokens = full;
    else /* a token has a thousand parts and a second a thousand milliseconds */
        rate->tokens += passed_ms * per_second;
    if (rate->tokens > full)
        rate->tokens = full;
    rate->started = true;
    rate->last_ms = now_ms;
    if (rate->tokens < THOUSANDTHS)
        return false;
    rate->tokens -= THOUSANDTHS;
    return true;
}

void store_limit(struct store *store, const struct settings *settings)
{
    store->limits.max_bytes = settings_max_bytes(settings);
    store->limits.writes_per_second = settings->max_writes_per_second;
}

const char *store_full(struct store *store)
{
    switch (room_of(&store->database, store->limits.max_bytes)) {
    case ROOM_TABLE_FULL:
        return "holds more than max_megabytes, new mappings are not kept";
    case ROOM_DISK_SHORT:
        return "its disk is nearly full, new mappings wait in memory";
    default:
        return NULL;
    }
}

/* Leaves word for `status` that the rate was passed. */
static void note_refusal(struct store *store)
{
    struct limits *limits = &store->limits;
    if (limits->refused_ms != 0 && store->now_ms - limits->refused_ms < REFUSED_NOTE_MS)
        return;
    limits->refused_ms = store->now_ms;
    lock_file_write(&store->database.lock, LOCK_BYTES_REFUSED, &limits->refused_ms,
                    sizeof limits->refused_ms);
}

int64_t store_refused_ago_ms(const struct store *store, int64_t now_ms)
{
    int64_t refused_ms;
    if (!lock_file_read(&store->database.lock, LOCK_BYTES_REFUSED, &refused_ms,
                        sizeof refused_ms) ||
        refused_ms <= 0 || refused_ms > now_ms)
        return -1;
    return now_ms - refused_ms;
}

int store_check_room(struct store *store, struct error *error)
{
    if (!store->claims || claims_bound(store->claims) != CLAIMS_TABLE_FULL)
        return 0;
    return error_set(error, ERR_FULL, "%s: holds more than max_megabytes, no mappings are added",
                     store->database.path);
}

int store_check_limits(struct store *store, bool adds_row, struct error *error)
{
    struct limits *limits = &store->limits;
    if (adds_row && claims_bound(store->claims) == CLAIMS_TABLE_FULL)
        return error_set(error, ERR_LIMIT,
                         "%s: holds more than max_megabytes, new mappings are not kept",
                         store->database.path);
    if (rate_take(&limits->rate, limits->writes_per_second, store->now_ms))
        return 0;
    note_refusal(store);
    return error_set(error, ERR_LIMIT,
                     "%s: more mappings than max_writes_per_second, some are not kept",
                     store->database.path);
}
