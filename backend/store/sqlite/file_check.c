#include "store/store_parts.h"
#include "system/clock.h"
#include "system/page_guard.h"

/*
 * Longer than it takes an idle process to look (program/server/serve.c): then all have let go of
 * the old files, and SQLite makes new ones.
 */
#define SHUT_MS 1500

/* How often is looked whether they are the same. */
#define LOOK_MS STORE_KEPT_MS

/* What somebody else's transaction keeps from being copied back is waited for so long. */
#define RESCUE_MS 10000

static void let_go(struct store *store, int64_t now_ms)
{
    database_close(&store->database);
    store->check = (struct file_check){.shut_until_ms = now_ms + SHUT_MS, .awaits_round = true};
}

/*
 * Copies back what only a log has that lost its name. Says whether all of it is: another process
 * may be copying, or read what was there before.
 */
static bool rescue(struct database *database)
{
    int pages = 0, copied = 0;
    int result = sqlite3_wal_checkpoint_v2(database->connection, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                           &pages, &copied);
    return result == SQLITE_OK ? copied == pages : (result & 0xff) != SQLITE_BUSY;
}

static bool round_runs(const struct store *store)
{
    return store->housekeeper || lock_file_is_taken(&store->lock, LOCK_HOUSEKEEPING);
}

/* A round has the old files open for as long as the disk takes. */
static void wait_for_round(struct store *store, int64_t now_ms)
{
    if (round_runs(store))
        store->check.shut_until_ms = now_ms + SHUT_MS;
    else
        store->check.awaits_round = false;
}

static enum sidecars_state look(struct store *store)
{
    const struct database *database = &store->database;
    const struct wal_index *index = &database->wal_index;
    enum sidecars_state state = sidecars_check(&store->check.sidecars, database->path);
    if (state != SIDECARS_SAME)
        return state;
    if (!wal_index_finds_frames(index))
        return SIDECARS_INDEX_GONE;
    return wal_index_fits_log(index, database->connection) ? SIDECARS_SAME : SIDECARS_LOG_SPOILT;
}

/*
 * What is left of an index that was cut would mislead a program that has it open still, and when
 * that is the last one to close the database, it copies back what it finds and deletes the log.
 */
static void spoil_index(const struct database *database)
{
    if (!database->read_only[0])
        wal_index_invalidate(&database->wal_index);
}

void file_check_run(struct store *store, int64_t now_ms)
{
    struct database *database = &store->database;
    struct file_check *check = &store->check;
    if (check->awaits_round)
        wait_for_round(store, now_ms);
    if (!database->connection)
        return;
    if (database->losses != page_guard_losses()) {
        let_go(store, now_ms);
        return;
    }
    if (!database->wal_index.header || (!database->stale && now_ms < check->look_ms))
        return;
    check->look_ms = now_ms + LOOK_MS;
    enum sidecars_state state = look(store);
    if (state == SIDECARS_SAME)
        return;
    if (check->rescue_until_ms == 0)
        check->rescue_until_ms = now_ms + RESCUE_MS;
    database_end(database); /* a transaction of our own would be in the way */
    if (state == SIDECARS_INDEX_GONE)
        spoil_index(database);
    if (state != SIDECARS_LOG_GONE || rescue(database) || now_ms >= check->rescue_until_ms)
        let_go(store, now_ms);
}

int file_check_opening(struct store *store, int64_t now_ms, struct error *error)
{
    if (now_ms >= store->check.shut_until_ms)
        return 0;
    return error_set(error, ERR_IO,
                     "%s: somebody deleted, cut or overwrote its -wal or -shm; it is opened anew in"
                     " a moment, until then no mappings are kept",
                     store->database.path);
}

int file_check_begin(struct store *store, int64_t now_ms, struct error *error)
{
    struct database *database = &store->database;
    wal_index_attach(&database->wal_index, database->connection);
    sidecars_look(&store->check.sidecars, database->path);
    store->check.look_ms = store->check.rescue_until_ms = 0;
    file_check_run(store, now_ms);
    return file_check_opening(store, now_ms, error);
}
