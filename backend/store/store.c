/*
 * Making and freeing a store; then its claims file, which is opened anew when the database is
 * another file, its transactions and its maintenance. What is read and written in a transaction is
 * in the other files of this folder.
 */
#include "store/store_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buffer.h"
#include "store/maintenance/writer.h"
#include "store/sqlite/configuration.h"
#include "store/sqlite/kept_map.h"
#include "system/clock.h"
#include "system/memory.h"
#include "system/page_guard.h"

/* Where questions come in, each of them has the files looked at. */
#define IDLE_FRESH_MS 100

/* How long a process that ends waits until its mappings are stored. Else the next one does it. */
#define END_WAIT_MS 1000

/* Until SQLite, which takes 0.9 s to give up and then 0.3 s, is asked again. Meanwhile nothing can
 * be read. */
#define STUCK_RETRY_MS 1000

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
    if (store->has_claimed) /* the writer may be ending as well, and not have seen the last ones */
        store_unwritten(store, END_WAIT_MS);
    claims_close(store->claims);
    database_release(&store->database);
    free(store);
}

/* ---------------------------------------------------------------- claims */

/* How often it is looked whether the file of claims is the one that is open. */
#define CLAIMS_LOOK_MS STORE_KEPT_MS

/*
 * Until it is opened, no mapping is kept. So another process that is making the file, on a slow
 * disk, is waited for once; PowerDNS waits for 2000 ms. Then it is tried again without waiting:
 * soon, or where something is wrong with it, later.
 */
#define CLAIMS_WAIT_ONCE_MS 1000
#define CLAIMS_BUSY_MS 20
#define CLAIMS_RETRY_MS 1000

static void close_claims(struct store *store)
{
    claims_close(store->claims);
    store->claims = NULL;
}

/*
 * A database that can only be read now keeps those of other processes; they wait until it can be
 * written again. Why a newcomer gets none is not said: the log tells that nothing can be written.
 */
static void use_claims(struct store *store)
{
    struct database *database = &store->database;
    struct generation generation;
    if (!database->is_newer && database->lock.descriptor >= 0 &&
        database_read_generation(database, &generation, NULL) == 0)
        claims_open(database->real_path, &database->identity, generation.identity, &database->lock,
                    CLAIMS_ONLY_USE, &store->claims, NULL);
}

static void open_claims(struct store *store, int64_t now_ms)
{
    struct database *database = &store->database;
    struct error *error = &store->claims_error;
    struct generation generation;
    int wait_ms = store->has_waited ? 0 : CLAIMS_WAIT_ONCE_MS;
    *error = (struct error){0};
    store->claims_opening = database->openings;
    store->claims_look_ms = now_ms + CLAIMS_RETRY_MS;
    database_open_lock(database);
    if (database->read_only[0]) {
        use_claims(store);
        return;
    }
    if (database->lock.descriptor < 0)
        error_set(error, ERR_IO, "%s-lock cannot be opened; no mappings are kept",
                  database->real_path);
    else if (database_read_generation(database, &generation, error) == 0 &&
             claims_open(database->real_path, &database->identity, generation.identity,
                         &database->lock, wait_ms, &store->claims, error) == 0) {
        store->claims_look_ms = now_ms + CLAIMS_LOOK_MS;
        store->has_waited = false;
        claims_replaced(store->claims, &store->claims_loss);
    } else if (error->code == ERR_BUSY) {
        store->claims_look_ms = now_ms + CLAIMS_BUSY_MS;
        store->has_waited = true;
    }
}

/* The database can only be read now; claims wait until it can be written again. */
static bool can_wait(struct store *store)
{
    struct database *database = &store->database;
    struct generation generation;
    return database->read_only[0] && !database->is_newer &&
           database_read_generation(database, &generation, NULL) == 0 &&
           claims_are_of(store->claims, generation.identity);
}

/* Follows the database to another file, and the claims to a new one. */
static void follow_claims(struct store *store, int64_t now_ms)
{
    bool same_database = store->claims_opening == store->database.openings;
    if (!store->uses_claims || (same_database && now_ms < store->claims_look_ms))
        return;
    store->claims_look_ms = now_ms + CLAIMS_LOOK_MS;
    bool lost = store->claims && !claims_are_current(store->claims);
    if (lost && same_database)
        error_set(
            &store->claims_loss, ERR_IO,
            "%s-claims: somebody deleted, replaced, truncated or overwrote it; mappings of the"
            " last moments may be lost",
            store->database.real_path);
    if (lost || (store->claims && !same_database && !can_wait(store)))
        close_claims(store);
    if (!store->claims)
        open_claims(store, now_ms);
}

void store_write_claims(struct store *store)
{
    const struct lock_file *lock = &store->database.lock;
    if (store->claims && claims_count(store->claims) > 0 && !lock_file_is_taken(lock, LOCK_WRITER))
        writer_write_here(store->database.real_path, store->is_monitor, store->limits.max_bytes);
}

/* ---------------------------------------------------------------- transactions */

/*
 * Begins to read. What was committed between the look at the wal-index and the first read is read,
 * but not in what was looked at; the index then counts as moved, and the next question begins anew.
 */
static int begin(struct store *store, int64_t now_ms, struct error *error)
{
    struct database *database = &store->database;
    struct revision_row row;
    if (now_ms < store->stuck_until_ms)
        return error_set(error, ERR_BUSY, "%s: " DATABASE_STUCK, database->path);
    wal_index_look(&database->wal_index);
    kept_map_be_brief(store->stuck_until_ms != 0);
    int code = database_begin(database, &row, error);
    if (code != 0) {
        if (sqlite3_errcode(database->connection) == SQLITE_PROTOCOL)
            store->stuck_until_ms = clock_monotonic_ms() + STUCK_RETRY_MS;
        return code;
    }
    store->stuck_until_ms = 0;
    store->revision = (struct revision){.opening = database->openings,
                                        .configuration = row.configuration,
                                        .metrics = row.metrics,
                                        .topology = row.topology};
    store->mappings_revision = row.mappings;
    store->node = row.node;
    if (++store->begun % FILL_AFTER == 0)
        kept_map_fill(database->connection);
    store->kept_until_ms = now_ms + STORE_KEPT_MS;
    return 0;
}

/* Nobody has committed since it began: the transaction is as good as a new one. */
static bool is_new(const struct store *store)
{
    return store->database.in_transaction && !store->database.stale &&
           !wal_index_moved(&store->database.wal_index);
}

int store_renew(struct store *store, struct error *error)
{
    if (is_new(store))
        return 0;
    store_rest(store);
    return begin(store, store->now_ms, error);
}

int store_begin(struct store *store, int64_t now_ms, struct revision *ret_revision,
                struct error *error)
{
    int code = 0;
    store->now_ms = now_ms;
    store->outdated = false;
    if (!is_new(store) || now_ms >= store->kept_until_ms) {
        store_rest(store);
        code = database_check(&store->database, STORE_KEPT_MS, now_ms, error);
        if (code == 0)
            code = database_open(&store->database, now_ms, error);
        if (code == 0)
            code = begin(store, now_ms, error);
        if (code == 0)
            follow_claims(store, now_ms);
    }
    if (code == 0)
        *ret_revision = store->given = store->revision;
    return code;
}

bool store_is_outdated(const struct store *store)
{
    return store->outdated;
}

int store_load(struct store *store, struct snapshot **ret_snapshot, struct error *error)
{
    return database_load_configuration(&store->database, ret_snapshot, error);
}

bool store_patch(struct store *store, int64_t since, struct snapshot *snapshot)
{
    return database_patch_configuration(&store->database, store->revision.configuration, since,
                                        snapshot);
}

void store_rest(struct store *store)
{
    database_end(&store->database);
}

bool store_is_locked(const struct store *store, int wait_ms, int64_t now_ms)
{
    struct database database;
    bool locked = false;
    if (store->database.read_only[0] ||
        database_init(&database, store->database.path, wait_ms) != 0)
        return false;
    if (database_open(&database, now_ms, NULL) == 0 && !database.read_only[0]) {
        locked = database_run(&database, database_statement(&database, QUERY_BEGIN), "", NULL) ==
                 ERR_BUSY;
        if (!locked)
            database_run(&database, database_statement(&database, QUERY_ROLLBACK), "", NULL);
    }
    database_release(&database);
    return locked;
}

const char *store_without_log(const struct store *store)
{
    const struct database *database = &store->database;
    return database->log || database->immutable || database->read_only[0] ? NULL : DATABASE_NO_LOG;
}

const char *store_read_only(const struct store *store)
{
    return store->database.read_only[0] ? store->database.read_only : NULL;
}

uid_t store_owner_wanted(const struct store *store)
{
    const struct database *database = &store->database;
    struct buffer folder = {0};
    struct stat status;
    const char *end = database->real_path ? strrchr(database->real_path, '/') : NULL;
    if (!end || database->identity.st_uid != 0)
        return 0;
    buffer_add(&folder, database->real_path, (size_t)(end - database->real_path) + 1);
    bool found = !folder.failed && stat(buffer_text(&folder), &status) == 0;
    buffer_release(&folder);
    return found ? status.st_uid : 0;
}

int store_maintain(struct store *store, const struct settings *settings, int64_t now_s,
                   int64_t now_ms, struct error *error)
{
    const struct occasion occasion = {.settings = *settings,
                                      .now_s = now_s,
                                      .now_ms = now_ms,
                                      .is_monitor = store->is_monitor,
                                      .claims = store->claims};
    int code = database_check(&store->database, IDLE_FRESH_MS, now_ms, error);
    int before = maintenance_run(&store->maintenance, &store->database, &occasion, error);
    if (code != 0 || before != 0)
        return code != 0 ? code : before;
    return store_claims_loss(store, error);
}

int store_claims_loss(struct store *store, struct error *error)
{
    struct error loss = store->claims_loss;
    store->claims_loss = (struct error){0};
    return loss.code != 0 ? error_set(error, loss.code, "%s", loss.text) : 0;
}

int store_finish_maintenance(struct store *store, struct error *error)
{
    return maintenance_finish(&store->maintenance, error);
}

bool store_log_is_blocked(const struct store *store)
{
    return maintenance_is_blocked(&store->database.lock);
}
