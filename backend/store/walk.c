/*
 * Walks through the mappings of a pool. The claims that wait are copied first and merged into the
 * rows: whatever is taken out of the claims after that was committed before it, so it is in a
 * transaction that begins later.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/vector.h"
#include "store/maintenance/sweep.h"
#include "store/sqlite/persistence_row.h"
#include "store/sqlite/table_reader.h"
#include "store/store_parts.h"

/* Rows of the table that are read in one transaction: some milliseconds. */
#define ROWS_AT_ONCE 500

struct mapping_walk {
    struct store *store;
    int64_t pool_id;
    char after[SWEEP_KEY_MAX];
    char *before;                /* owned */
    struct taken_claim *waiting; /* by key; owned */
    size_t waiting_count, waiting_capacity;
    size_t next; /* of those that wait */
    bool is_partial, has_ended;
    struct arena keys; /* of the rows */
    struct mapping_row *rows;
    size_t count, capacity;
};

static int out_of_memory(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

/* ---------------------------------------------------------------- claims */

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct taken_claim *)a)->key, ((const struct taken_claim *)b)->key);
}

static int keep_claims(struct mapping_walk *walk, const struct taken_claims *found,
                       struct error *error)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct taken_claim *claim = &found->claims[i];
        if (claim->pool_id != walk->pool_id || strcmp(claim->key, walk->after) <= 0 ||
            strcmp(claim->key, walk->before) >= 0)
            continue;
        struct taken_claim *kept =
            VECTOR_ADD(walk->waiting, walk->waiting_count, walk->waiting_capacity);
        if (!kept)
            return out_of_memory(error);
        *kept = *claim;
    }
    return 0;
}

static int find_claims(struct mapping_walk *walk, struct error *error)
{
    struct taken_claims *found;
    uint32_t bucket = 0;
    int code = 0;
    if (!walk->store->claims || claims_count(walk->store->claims) == 0)
        return 0;
    found = malloc(sizeof *found);
    if (!found)
        return out_of_memory(error);
    while (code == 0 && claims_look_through(walk->store->claims, &bucket, found)) {
        code = keep_claims(walk, found, error);
        walk->is_partial |= found->more;
    }
    free(found);
    if (walk->waiting_count > 0)
        qsort(walk->waiting, walk->waiting_count, sizeof *walk->waiting, compare_keys);
    return code;
}

/* ---------------------------------------------------------------- rows */

static int add_row(struct mapping_walk *walk, const char *key, const struct mapping *mapping,
                   struct error *error)
{
    struct mapping_row *row = VECTOR_ADD(walk->rows, walk->count, walk->capacity);
    if (!row)
        return out_of_memory(error);
    *row =
        (struct mapping_row){.key = arena_copy(&walk->keys, key, strlen(key)), .mapping = *mapping};
    return row->key ? 0 : out_of_memory(error);
}

/* One of another revision was dropped when others changed the table. */
static int add_waiting(struct mapping_walk *walk, struct error *error)
{
    const struct taken_claim *waiting = &walk->waiting[walk->next++];
    if (!waiting->claim.maps || waiting->claim.revision != walk->store->mappings_revision)
        return 0;
    return add_row(walk, waiting->key, &waiting->claim.wanted, error);
}

/* Adds those that wait with keys before `key`, or NULL: all. */
static int add_waiting_before(struct mapping_walk *walk, const char *key, struct error *error)
{
    int code = 0;
    while (code == 0 && walk->next < walk->waiting_count &&
           (!key || strcmp(walk->waiting[walk->next].key, key) < 0))
        code = add_waiting(walk, error);
    return code;
}

/* What waits for the same key takes the place of the row. */
static bool is_replaced(const struct mapping_walk *walk, const char *key)
{
    return walk->next < walk->waiting_count && strcmp(walk->waiting[walk->next].key, key) == 0 &&
           walk->waiting[walk->next].claim.revision == walk->store->mappings_revision;
}

static int merge_row(struct mapping_walk *walk, sqlite3_stmt *statement, struct error *error)
{
    struct mapping mapping;
    const char *text = row_text(statement, 7), *key = text ? text : "";
    int code = add_waiting_before(walk, key, error);
    if (code != 0)
        return code;
    if (is_replaced(walk, key))
        return add_waiting(walk, error);
    persistence_read_mapping(statement, &mapping);
    return add_row(walk, key, &mapping, error);
}

static int read_rows(struct mapping_walk *walk, struct error *error)
{
    struct database *database = &walk->store->database;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_RANGE);
    persistence_bind_key(statement, walk->pool_id, walk->after);
    sqlite3_bind_text(statement, 3, walk->before, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 4, ROWS_AT_ONCE);
    int result = SQLITE_DONE, code = 0, read = 0;
    char place[SWEEP_KEY_MAX];
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        code = merge_row(walk, statement, error);
        if (++read == ROWS_AT_ONCE)
            persistence_place_behind(statement, 7, place, sizeof place);
    }
    if (code == 0 && result != SQLITE_DONE)
        code = database_error(database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    walk->has_ended = read < ROWS_AT_ONCE;
    if (code == 0 && !walk->has_ended)
        memcpy(walk->after, place, sizeof place);
    return code;
}

int store_walk_next(struct mapping_walk *walk, const struct mapping_row **ret_rows,
                    size_t *ret_count, struct error *error)
{
    walk->count = 0;
    arena_reset(&walk->keys);
    while (walk->count == 0 && !walk->has_ended) {
        int code = store_renew(walk->store, error);
        if (code == 0)
            code = read_rows(walk, error);
        if (code == 0 && walk->has_ended)
            code = add_waiting_before(walk, NULL, error);
        if (code != 0)
            return code;
    }
    *ret_rows = walk->rows;
    *ret_count = walk->count;
    return 0;
}

/* ---------------------------------------------------------------- the walk */

int store_walk_new(struct store *store, int64_t pool_id, const char *after, const char *before,
                   struct mapping_walk **ret_walk, struct error *error)
{
    struct mapping_walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return out_of_memory(error);
    walk->store = store;
    walk->pool_id = pool_id;
    strncpy(walk->after, after, sizeof walk->after - 1);
    walk->before = strdup(before);
    int code = walk->before ? find_claims(walk, error) : out_of_memory(error);
    if (code == 0)
        *ret_walk = walk;
    else
        store_walk_free(walk);
    return code;
}

int store_walk_problem(const struct mapping_walk *walk, struct error *error)
{
    if (!walk->is_partial)
        return 0;
    return error_set(error, ERR_BUSY, "%s-claims: a process that is stopped holds a part",
                     walk->store->database.real_path);
}

void store_walk_free(struct mapping_walk *walk)
{
    if (!walk)
        return;
    arena_release(&walk->keys);
    free(walk->rows);
    free(walk->waiting);
    free(walk->before);
    free(walk);
}
