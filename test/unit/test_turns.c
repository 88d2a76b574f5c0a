#include "core/balance/turns.h"

#include <stdlib.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static const struct pool web = {.id = 1}, spare = {.id = 2}, unknown = {.id = 3};

/* The turn that a pool gets, -1 when it has none. Turns of these tests are small. */
static int64_t take(struct turns *turns, const struct pool *pool)
{
    const struct selection selection = {.pool = pool, .turns = turns};
    uint64_t turn;
    return turns_take(&selection, &turn) ? (int64_t)turn : -1;
}

static void each_pool_counts_for_itself(void)
{
    struct turn pools[] = {{1, 5}, {2, 70}};
    struct turns turns = {.pools = pools, .count = 2};
    CHECK_INTEGER(take(&turns, &web), 5, "web");
    CHECK_INTEGER(take(&turns, &web), 6, "web again");
    CHECK_INTEGER(take(&turns, &spare), 70, "spare");
    CHECK_INTEGER(take(&turns, &web), 7, "web, a third time");
    CHECK_INTEGER(take(&turns, &unknown), -1, "a pool that is not there");
    CHECK_INTEGER(take(NULL, &web), -1, "no turns at all");
    CHECK_INTEGER(take(&(struct turns){.count = 0}, &web), -1, "turns of no pool");
}

static void looking_uses_no_turn_up(void)
{
    struct turn pools[] = {{1, 5}};
    struct turns turns = {.pools = pools, .count = 1};
    struct turns held = turns_peek(&turns);
    CHECK_INTEGER(take(&held, &web), 5, "looked at");
    CHECK_INTEGER(take(&held, &web), 5, "looked at again");
    CHECK_INTEGER(take(&turns, &web), 5, "taken");
    CHECK_INTEGER(take(&held, &web), 6, "looked at behind it");
}

static void turns_outlive_a_configuration_by_the_pools_id(void)
{
    struct snapshot *snapshot;
    struct turns *first, *second;
    struct turn old[] = {{2, 42}, {9, 1}};
    const struct turns before = {.pools = old, .count = 2};
    CHECK_INTEGER(rows_build(&three_sites, &snapshot), 0, "rows_build");
    CHECK_INTEGER(turns_new(snapshot->pools, snapshot->pool_count, &before, 1, &first), 0,
                  "turns_new");
    CHECK_INTEGER(turns_new(snapshot->pools, snapshot->pool_count, first, 2, &second), 0,
                  "turns_new again");
    CHECK_INTEGER(take(first, &spare), 42, "known before");
    CHECK_INTEGER(take(second, &spare), 42, "known in both");
    CHECK(first->pools[0].next == second->pools[0].next, "a new one begins once");
    CHECK_INTEGER(take(first, &(struct pool){.id = 9}), -1, "a pool that is gone");
    turns_free(first);
    turns_free(second);
    snapshot_free(snapshot);
}

static void each_process_and_pool_begins_elsewhere(void)
{
    struct snapshot *snapshot;
    struct turns *one, *other;
    CHECK_INTEGER(rows_build(&three_sites, &snapshot), 0, "rows_build");
    CHECK_INTEGER(turns_new(snapshot->pools, snapshot->pool_count, NULL, 1, &one), 0, "one");
    CHECK_INTEGER(turns_new(snapshot->pools, snapshot->pool_count, NULL, 2, &other), 0, "other");
    CHECK(one->pools[0].next != other->pools[0].next, "processes");
    CHECK(one->pools[0].next != one->pools[1].next, "pools");
    turns_free(one);
    turns_free(other);
    snapshot_free(snapshot);
    turns_free(NULL);
}

static void without_memory_there_are_no_turns(void)
{
    struct snapshot *snapshot;
    CHECK_INTEGER(rows_build(&three_sites, &snapshot), 0, "rows_build");
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct turns *turns = NULL;
        memory_fail_at(n);
        int code = turns_new(snapshot->pools, snapshot->pool_count, NULL, 1, &turns);
        failing = memory_fail_end();
        CHECK_INTEGER(code, failing ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK((turns != NULL) == !failing, "allocation %zu", n);
        turns_free(turns);
    }
    snapshot_free(snapshot);
}

static const CU_TestInfo tests[] = {
    {"each pool counts for itself", each_pool_counts_for_itself},
    {"looking uses no turn up", looking_uses_no_turn_up},
    {"turns outlive a configuration, by the pool's id",
     turns_outlive_a_configuration_by_the_pools_id},
    {"each process and each pool begins elsewhere", each_process_and_pool_begins_elsewhere},
    {"without memory there are no turns", without_memory_there_are_no_turns},
    CU_TEST_INFO_NULL,
};

const struct suite suite_turns = {"turns", tests};
