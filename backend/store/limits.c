#include "store/limits.h"

#include <sys/statvfs.h>

#include "store/sqlite/lock_bytes.h"
#include "store/store_parts.h"

/* In a token. */
#define THOUSANDTHS 1000

/* How often the sizes of file, log and disk are looked at: also after so many new mappings. */
#define SIZE_LOOK_MS 1000
#define SIZE_LOOK_ROWS 128

/*
 * The log must always find room to be copied to the file, and some more for what sixteen
 * processes write between two looks.
 */
#define DISK_SPARE_BYTES (8LL * 1024 * 1024)

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
    store->limits.max_bytes = settings->max_megabytes * 1024 * 1024;
    store->limits.writes_per_second = settings->max_writes_per_second;
}

/*
 * The bytes of the file that are in use, without pages that wait to be used again; -1 on failure.
 */
static int64_t used_bytes(struct store *store)
{
    static const enum query queries[] = {QUERY_PAGE_COUNT, QUERY_FREE_PAGES, QUERY_PAGE_SIZE};
    int64_t values[3];
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *statement = database_statement(&store->database, queries[i]);
        bool found = sqlite3_step(statement) == SQLITE_ROW;
        values[i] = found ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_reset(statement);
        if (!found)
            return -1;
    }
    return (values[0] - values[1]) * values[2];
}

/* Says whether the disk has hardly more room than a checkpoint may take. */
static bool disk_is_short(const struct store *store)
{
    struct statvfs disk;
    if (statvfs(store->database.path, &disk) != 0)
        return false;
    return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize <
           database_log_file(&store->database).st_size + DISK_SPARE_BYTES;
}

static const char disk_full[] = "its disk is nearly full, new mappings are not kept";

const char *store_full(struct store *store)
{
    if (disk_is_short(store))
        return disk_full;
    if (used_bytes(store) > store->limits.max_bytes)
        return "holds more than max_megabytes, new mappings are not kept";
    return NULL;
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

int store_check_limits(struct store *store, bool adds_row, struct error *error)
{
    struct limits *limits = &store->limits;
    if (adds_row && (store->now_ms - limits->looked_ms >= SIZE_LOOK_MS || --limits->rows <= 0)) {
        limits->looked_ms = store->now_ms;
        limits->rows = SIZE_LOOK_ROWS;
        limits->full = store_full(store);
        limits->disk_short = limits->full == disk_full;
    }
    if (adds_row && limits->full)
        return error_set(error, ERR_LIMIT, "%s: %s", store->database.path, limits->full);
    if (rate_take(&limits->rate, limits->writes_per_second, store->now_ms))
        return 0;
    note_refusal(store);
    return error_set(error, ERR_LIMIT,
                     "%s: more mappings than max_writes_per_second, some are not kept",
                     store->database.path);
}
