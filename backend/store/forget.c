/*
 * Forgetting mappings: each is claimed not to exist, which holds for all processes at once, and the
 * writer deletes the row.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"
#include "store/store_parts.h"
#include "system/clock.h"

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
    int64_t until_ms;
    bool patient;
    int64_t count;
};

static int forget_row(struct forgetting *forgetting, const char *key, struct error *error)
{
    int code = store_change(forgetting->store, forgetting->pool_id, key, &store_forgets_any,
                            forgetting->until_ms, forgetting->patient, error);
    forgetting->count += code == 0;
    return code == ERR_NOTFOUND ? 0 : code;
}

/* The next part of the walk. */
static int forget_some(struct forgetting *forgetting, struct mapping_walk *walk, bool *ret_more,
                       struct error *error)
{
    const struct key_range *range = forgetting->range;
    const struct mapping_row *rows;
    size_t count;
    int code = store_walk_next(walk, &rows, &count, error);
    if (code != 0)
        return code;
    for (size_t i = 0; code == 0 && i < count; i++)
        if (range->matches(range->context, rows[i].key))
            code = forget_row(forgetting, rows[i].key, error);
    *ret_more = count > 0;
    store_rest(forgetting->store);
    return code;
}

static int forget_once(struct forgetting *forgetting, struct error *error)
{
    struct mapping_walk *walk;
    bool more = true;
    forgetting->count = 0;
    int code = store_walk_new(forgetting->store, forgetting->pool_id, forgetting->range->after,
                              forgetting->range->before, &walk, error);
    if (code != 0)
        return code;
    code = store_walk_problem(walk, error);
    while (code == 0 && more)
        code = forget_some(forgetting, walk, &more, error);
    store_walk_free(walk);
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
    code = forget_until_done(&forgetting, error);
    *ret_count = forgetting.count;
    return code;
}
