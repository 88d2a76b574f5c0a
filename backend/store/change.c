/*
 * Changes of mappings by operators: claims like those of new resolvers, but no more of them at a
 * time than leave room for these.
 */
#include "store/store_parts.h"
#include "system/clock.h"

/* How long who is patient waits for the writer to make room for another claim. */
#define PATIENCE_MS 2000

/*
 * So many claims may wait: two transactions of the writer. The first buckets are full, and new
 * resolvers get no mapping, with some seven thousand.
 */
#define WAITING_MAX (2 * CLAIMS_TAKEN_MAX)

/* They are counted once in so many changes. */
#define COUNT_STRIDE 64

static int64_t limit_ms(int64_t until_ms, bool patient)
{
    return patient ? clock_monotonic_ms() + PATIENCE_MS : until_ms;
}

/* If the writer cannot write, the buckets show soon that there is no room. */
static void leave_room(struct store *store, int64_t until_ms, bool patient)
{
    int64_t limit = limit_ms(until_ms, patient);
    if (store->changes++ % COUNT_STRIDE != 0)
        return;
    while (claims_count(store->claims) > WAITING_MAX && clock_monotonic_ms() < limit) {
        store_rest(store);
        store_let_write(store);
    }
}

int store_change(struct store *store, int64_t pool_id, const char *key,
                 const struct mapping_judge *judge, int64_t until_ms, bool patient,
                 struct error *error)
{
    struct error problem = {0};
    int code = store_check_open(store, error);
    if (code != 0)
        return code;
    leave_room(store, until_ms, patient);
    int64_t limit = limit_ms(until_ms, patient);
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
