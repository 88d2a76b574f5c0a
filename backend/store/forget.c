/*
 * Forgetting mappings: each is claimed not to exist, which holds for all processes at once, and the
 * writer deletes the row.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buffer.h"
#include "core/base/vector.h"
#include "store/sqlite/persistence_row.h"
#include "store/sqlite/table_reader.h"
#include "store/store_parts.h"
#include "system/clock.h"

/* How long who is patient waits for the writer to make room for another claim. */
#define PATIENCE_MS 2000

/* Keys that are read in one transaction: some milliseconds. */
#define KEYS_AT_ONCE 500

/* ---------------------------------------------------------------- a key in some pools */

/* The pools in which a key is to be forgotten, and then those in which it was. */
struct pool_ids {
    int64_t *ids; /* owned */
    size_t count, capacity;
};

static int add_pool_id(struct pool_ids *ids, int64_t pool_id, struct error *error)
{
    int64_t *id = VECTOR_ADD(ids->ids, ids->count, ids->capacity);
    if (!id)
        return error_set(error, ERR_NOMEM, "out of memory");
    *id = pool_id;
    return 0;
}

static int read_pool_ids(struct store *store, struct pool_ids *ids, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_POOL_IDS);
    int result, code = 0;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW)
        code = add_pool_id(ids, sqlite3_column_int64(statement, 0), error);
    if (code == 0 && result != SQLITE_DONE)
        code = database_error(&store->database, result, "pools cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/* Keeps the ids of those that are being forgotten. */
static int forget_all(struct store *store, struct pool_ids *ids, const char *key,
                      struct error *error)
{
    size_t kept = 0;
    int code = 0;
    for (size_t i = 0; i < ids->count && (code == 0 || code == ERR_NOTFOUND); i++) {
        code = store_claim_deletion(store, ids->ids[i], key, error);
        if (code == 0)
            ids->ids[kept++] = ids->ids[i];
    }
    ids->count = kept;
    return code == ERR_NOTFOUND ? 0 : code;
}

static bool are_written(struct store *store, const struct pool_ids *ids, const char *key)
{
    struct claim claim;
    for (size_t i = 0; i < ids->count; i++)
        if (claims_find(store->claims, ids->ids[i], key, &claim) != ERR_NOTFOUND)
            return false;
    return true;
}

/*
 * Waits until there is no claim of the key: then the rows are gone, or others that were decided
 * later have taken their place. With a writer that cannot write, they go later.
 */
static int forget_and_wait(struct store *store, struct pool_ids *ids, const char *key,
                           int64_t until_ms, struct error *error)
{
    int code = forget_all(store, ids, key, error);
    store_rest(store);
    while (code == 0 && !are_written(store, ids, key) && clock_monotonic_ms() < until_ms)
        store_let_write(store);
    return code == 0 ? store_renew(store, error) : code;
}

/* When others have changed the table meanwhile, the claims may have been dropped with the rest. */
static int forget_rows(struct store *store, struct pool_ids *ids, const char *key, int64_t until_ms,
                       int64_t *ret_count, struct error *error)
{
    int64_t revision = store->mappings_revision;
    int code = forget_and_wait(store, ids, key, until_ms, error);
    int64_t count = (int64_t)ids->count;
    while (code == 0 && ids->count > 0 && store->mappings_revision != revision &&
           clock_monotonic_ms() < until_ms) {
        revision = store->mappings_revision;
        code = forget_and_wait(store, ids, key, until_ms, error);
    }
    if (code == 0)
        *ret_count = count;
    return code;
}

int store_forget(struct store *store, const char *key, int64_t pool_id, int64_t until_ms,
                 int64_t *ret_count, struct error *error)
{
    struct pool_ids ids = {0};
    int code = store_check_writable(store, false, error);
    if (code == 0)
        code = pool_id == 0 ? read_pool_ids(store, &ids, error) : add_pool_id(&ids, pool_id, error);
    if (code == 0)
        code = forget_rows(store, &ids, key, until_ms, ret_count, error);
    free(ids.ids);
    return code;
}

/* ---------------------------------------------------------------- many keys of a pool */

struct forgetting {
    struct store *store;
    int64_t pool_id;
    const struct key_range *range;
    struct taken_claims *claims; /* room for some; owned */
    int64_t until_ms;
    bool patient;
    int64_t count;
};

static bool is_wanted(const struct key_range *range, const char *key)
{
    return strcmp(key, range->after) > 0 && strcmp(key, range->before) < 0 &&
           range->matches(range->context, key);
}

/* While there is no room for another claim, the writer is waited for. */
static int forget_key(struct forgetting *forgetting, const char *key, struct error *error)
{
    struct store *store = forgetting->store;
    struct error problem = {0};
    int64_t until_ms =
        forgetting->patient ? clock_monotonic_ms() + PATIENCE_MS : forgetting->until_ms;
    int code = store_claim_deletion(store, forgetting->pool_id, key, &problem);
    while (code == ERR_LIMIT && clock_monotonic_ms() < until_ms) {
        problem = (struct error){0};
        store_rest(store);
        store_let_write(store);
        code = store_claim_deletion(store, forgetting->pool_id, key, &problem);
    }
    forgetting->count += code == 0;
    return code == 0 || code == ERR_NOTFOUND ? 0 : error_set(error, code, "%s", problem.text);
}

/* Those that are not in the table yet. */
static int forget_claims(struct forgetting *forgetting, struct error *error)
{
    struct taken_claims *found = forgetting->claims;
    uint32_t bucket = 0;
    int code = 0;
    while (code == 0 && claims_look_through(forgetting->store->claims, &bucket, found)) {
        for (size_t i = 0; code == 0 && i < found->count; i++)
            if (found->claims[i].pool_id == forgetting->pool_id && found->claims[i].claim.maps &&
                is_wanted(forgetting->range, found->claims[i].key))
                code = forget_key(forgetting, found->claims[i].key, error);
        if (code == 0 && found->more)
            code = error_set(error, ERR_BUSY, "%s-claims: a process that is stopped holds a part",
                             forgetting->store->database.real_path);
    }
    return code;
}

/* Reads the keys after one, at most KEYS_AT_ONCE, into `texts`. */
static int read_keys(struct forgetting *forgetting, const char *after, struct arena *texts,
                     const char *keys[static KEYS_AT_ONCE], size_t *ret_count, struct error *error)
{
    struct database *database = &forgetting->store->database;
    int code = store_renew(forgetting->store, error), result = SQLITE_DONE;
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_KEYS);
    persistence_bind_key(statement, forgetting->pool_id, after);
    sqlite3_bind_text(statement, 3, forgetting->range->before, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 4, KEYS_AT_ONCE);
    *ret_count = 0;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *key = row_text(statement, 0);
        keys[*ret_count] = arena_copy(texts, key ? key : "", key ? strlen(key) : 0);
        if (keys[*ret_count])
            ++*ret_count;
        else
            code = error_set(error, ERR_NOMEM, "out of memory");
    }
    if (code == 0 && result != SQLITE_DONE)
        code = database_error(database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/* Reads some keys and forgets those that are wanted. `after` becomes the last one that was read. */
static int forget_some(struct forgetting *forgetting, struct buffer *after, bool *ret_more,
                       struct error *error)
{
    struct arena texts = {0};
    const char *keys[KEYS_AT_ONCE];
    size_t count;
    int code = read_keys(forgetting, buffer_text(after), &texts, keys, &count, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (is_wanted(forgetting->range, keys[i]))
            code = forget_key(forgetting, keys[i], error);
    *ret_more = code == 0 && count == KEYS_AT_ONCE;
    if (*ret_more) {
        buffer_truncate(after, 0);
        buffer_add_text(after, keys[count - 1]);
        if (after->failed)
            code = error_set(error, ERR_NOMEM, "out of memory");
    }
    arena_release(&texts);
    return code;
}

static int forget_table(struct forgetting *forgetting, struct error *error)
{
    struct buffer after = {0};
    bool more = true;
    int code = 0;
    buffer_add_text(&after, forgetting->range->after);
    if (after.failed)
        return error_set(error, ERR_NOMEM, "out of memory");
    while (code == 0 && more) {
        code = forget_some(forgetting, &after, &more, error);
        store_rest(forgetting->store);
    }
    buffer_release(&after);
    return code;
}

static int forget_once(struct forgetting *forgetting, struct error *error)
{
    forgetting->count = 0;
    int code = forget_claims(forgetting, error);
    if (code == 0)
        code = forget_table(forgetting, error);
    if (code != 0)
        return code;
    int64_t wait_ms = forgetting->until_ms - clock_monotonic_ms();
    store_unwritten(forgetting->store, wait_ms > 0 ? wait_ms : 0);
    return store_renew(forgetting->store, error);
}

/* When others have changed the table meanwhile, the claims may have been dropped with the rest. */
static int forget_until_done(struct forgetting *forgetting, struct error *error)
{
    struct store *store = forgetting->store;
    int64_t revision = store->mappings_revision;
    int code = forget_once(forgetting, error);
    int64_t count = forgetting->count;
    while (code == 0 && store->mappings_revision != revision &&
           clock_monotonic_ms() < forgetting->until_ms) {
        revision = store->mappings_revision;
        code = forget_once(forgetting, error);
    }
    forgetting->count = count;
    return code;
}

int store_forget_range(struct store *store, int64_t pool_id, const struct key_range *range,
                       int64_t until_ms, bool patient, int64_t *ret_count, struct error *error)
{
    struct forgetting forgetting = {.store = store,
                                    .pool_id = pool_id,
                                    .range = range,
                                    .until_ms = until_ms,
                                    .patient = patient};
    int code = store_check_writable(store, false, error);
    if (code != 0)
        return code;
    forgetting.claims = malloc(sizeof *forgetting.claims);
    if (!forgetting.claims)
        return error_set(error, ERR_NOMEM, "out of memory");
    code = forget_until_done(&forgetting, error);
    *ret_count = forgetting.count;
    free(forgetting.claims);
    return code;
}
