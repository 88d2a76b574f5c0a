/*
 * Changes of mappings by operators: claims like those of new resolvers, but no more of them at a
 * time than leave room for these.
 */
#include "store/store_parts.h"
#include "system/clock.h"

/* How long who is patient waits for the writer to make room for another claim. */
#define PATIENCE_MS 2000

/* How long nothing may be stored before it counts as impossible: somebody may hold the database. */
#define STORED_MS 5000

/*
 * So many claims may wait: two transactions of the writer. The first buckets are full, and new
 * resolvers get no mapping, with some seven thousand.
 */
#define WAITING_MAX (2 * CLAIMS_TAKEN_MAX)

/* They are counted once in so many changes. */
#define COUNT_STRIDE 64

static int cannot_store(const struct store *store, struct error *error)
{
    return error_set(error, ERR_BUSY, "%s: mappings cannot be stored now, so no more are changed",
                     store->database.path);
}

/* Waits while many claims wait, as long as they become fewer. 0, or ERR_BUSY with `error` set. */
static int leave_room(struct store *store, struct error *error)
{
    size_t least = SIZE_MAX, waiting;
    int64_t until_ms = clock_monotonic_ms() + STORED_MS;
    if (store->changes++ % COUNT_STRIDE != 0)
        return 0;
    while ((waiting = claims_count(store->claims)) > WAITING_MAX) {
        if (waiting < least)
            until_ms = clock_monotonic_ms() + STORED_MS;
        else if (clock_monotonic_ms() >= until_ms)
            return cannot_store(store, error);
        least = waiting < least ? waiting : least;
        store_rest(store);
        store_let_write(store);
    }
    return 0;
}

int store_change(struct store *store, int64_t pool_id, const char *key,
                 const struct mapping_judge *judge, int64_t until_ms, bool patient,
                 struct error *error)
{
    struct error problem = {0};
    int code = store_check_open(store, error);
    if (code != 0)
        return code;
    if (patient && (code = leave_room(store, error)) != 0)
        return code;
    int64_t limit = patient ? clock_monotonic_ms() + PATIENCE_MS : until_ms;
    code = store_claim_change(store, pool_id, key, judge, &problem);
    while (code == ERR_LIMIT && clock_monotonic_ms() < limit) {
        problem = (struct error){0};
        store_rest(store);
        store_let_write(store);
        code = store_claim_change(store, pool_id, key, judge, &problem);
    }
    return code == 0 || code == ERR_NOTFOUND ? code : error_set(error, code, "%s", problem.text);
}

int64_t store_mappings_revision(const struct store *store)
{
    return store->mappings_revision;
}
