/*
 * The bounds that keep forged resolvers from filling the disk. Past them a choice is answered
 * without a row.
 */
#include "store/store_parts.h"

/* How often the size of the file is looked at. */
#define SIZE_LOOK_MS 1000

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

bool store_is_full(struct store *store)
{
    return used_bytes(store) > store->limits.max_bytes;
}

int store_check_limits(struct store *store, bool adds_row, struct error *error)
{
    struct limits *limits = &store->limits;
    if (adds_row && store->now_ms - limits->looked_ms >= SIZE_LOOK_MS) {
        limits->looked_ms = store->now_ms;
        limits->full = store_is_full(store);
    }
    if (adds_row && limits->full)
        return error_set(error, ERR_LIMIT,
                         "%s: holds more than max_megabytes, new mappings are not kept",
                         store->database.path);
    if (!rate_take(&limits->rate, limits->writes_per_second, store->now_ms))
        return error_set(error, ERR_LIMIT,
                         "%s: more mappings than max_writes_per_second, some are not kept",
                         store->database.path);
    return 0;
}
