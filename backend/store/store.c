#include "store/store_parts.h"

#include <stdlib.h>
#include <string.h>

#include "store/sqlite/kept_map.h"
#include "system/memory.h"
#include "system/page_guard.h"

/* Where questions come in, each of them has the files looked at. */
#define IDLE_FRESH_MS 100

/* A store that has begun to read so often goes on to do so; others read little of the file. */
#define FILL_AFTER 20

void store_prepare_process(void)
{
    memory_keep_freed();
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    page_guard_install();
}

int store_new(const char *path, struct store **ret_store)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return ERR_NOMEM;
    if (database_init(&store->database, path, STORE_BUSY_MS) != 0) {
        free(store);
        return ERR_NOMEM;
    }
    const struct settings settings = settings_default();
    store_limit(store, &settings);
    *ret_store = store;
    return 0;
}

void store_free(struct store *store)
{
    if (!store)
        return;
    store_finish_maintenance(store, NULL);
    database_release(&store->database);
    free(store);
}

/*
 * Begins to read. What was committed between the look at the wal-index and the first read is read,
 * but not in what was looked at; the index then counts as moved, and the next question begins anew.
 */
static int begin(struct store *store, int64_t now_ms, struct error *error)
{
    struct database *database = &store->database;
    wal_index_look(&database->wal_index);
    struct revision revision = {.opening = database->openings};
    int code = database_begin(database, &revision.configuration, &revision.metrics,
                              &revision.topology, error);
    if (code != 0)
        return code;
    store->revision = revision;
    if (++store->begun % FILL_AFTER == 0)
        kept_map_fill(database->connection);
    store->kept_until_ms = now_ms + STORE_KEPT_MS;
    return 0;
}

/* Nobody has committed since, and it was not long ago: the transaction is as good as a new one. */
static bool can_be_kept(const struct store *store, int64_t now_ms)
{
    return store->database.reading && now_ms < store->kept_until_ms && !store->database.stale &&
           !wal_index_moved(&store->database.wal_index);
}

int store_begin(struct store *store, int64_t now_ms, struct revision *ret_revision,
                struct error *error)
{
    int64_t openings = store->database.openings;
    int code = 0;
    store->now_ms = now_ms;
    if (!can_be_kept(store, now_ms)) {
        store_rest(store);
        code = database_check(&store->database, STORE_KEPT_MS, now_ms, error);
        if (code == 0)
            code = database_open(&store->database, now_ms, error);
        if (store->database.openings != openings)
            store->locked_out_ms = 0;
        if (code == 0)
            code = begin(store, now_ms, error);
    }
    if (code == 0)
        *ret_revision = store->revision;
    return code;
}

void store_rest(struct store *store)
{
    database_end(&store->database);
}

const char *store_read_only(const struct store *store)
{
    return store->database.read_only[0] ? store->database.read_only : NULL;
}

int store_maintain(struct store *store, const struct settings *settings, int64_t now_s,
                   int64_t now_ms, struct error *error)
{
    const struct occasion occasion = {.settings = *settings,
                                      .now_s = now_s,
                                      .now_ms = now_ms,
                                      .is_monitor = store->is_monitor,
                                      .disk_short = store->limits.disk_short};
    int code = database_check(&store->database, IDLE_FRESH_MS, now_ms, error);
    int before = maintenance_run(&store->maintenance, &store->database, &occasion, error);
    if (store->maintenance.round)
        store->limits.disk_short = false; /* until it is looked at again */
    return code != 0 ? code : before;
}

int store_finish_maintenance(struct store *store, struct error *error)
{
    return maintenance_finish(&store->maintenance, &store->database, error);
}

bool store_log_is_blocked(const struct store *store)
{
    return maintenance_is_blocked(&store->database.lock);
}
