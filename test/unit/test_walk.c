/* Walks through mappings, and what operators change. */
#include <stdio.h>
#include <string.h>

#include "core/sharing/entry.h"
#include "fixture.h"
#include "store/store_parts.h"
#include "suites.h"
#include "system/clock.h"

#define NOW_S 1700000000

static struct store *new_store(const struct place *place)
{
    struct store *store = NULL;
    CHECK_INTEGER(store_new(place->path, &store), 0, "store_new");
    (void)store_mappings(store); /* so that it opens the file of claims */
    return store;
}

static void begin(struct store *store)
{
    struct revision revision;
    struct error error = {0};
    CHECK_INTEGER(store_begin(store, clock_monotonic_ms(), &revision, &error), 0, "%s", error.text);
}

/* Keys k00000, k00002 and so on to the first controller, as the writer makes them. */
static void insert_even(struct place *place, int64_t pool_id, int count)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
             " SELECT %d, printf('k%%05d', 2 * i), 1, 'modulus', %d, 60 FROM n",
             count - 1, (int)pool_id, NOW_S);
    place_run(place, sql);
}

/* ---------------------------------------------------------------- changes */

static const struct mapping to_fra = {2, "modulus", NOW_S + 9, 60, 0, 0, 0};

static enum mapping_fate send_to_fra(const void *context, const struct mapping *mapping,
                                     struct mapping *ret_wanted)
{
    (void)context, (void)mapping;
    *ret_wanted = to_fra;
    return MAPPING_BECOMES;
}

static enum mapping_fate extend(const void *context, const struct mapping *mapping,
                                struct mapping *ret_wanted)
{
    (void)context;
    *ret_wanted = *mapping;
    ret_wanted->timestamp_s++;
    ret_wanted->decided = ret_wanted->origin = 0;
    return MAPPING_BECOMES;
}

static enum mapping_fate leave(const void *context, const struct mapping *mapping,
                               struct mapping *ret_wanted)
{
    (void)context, (void)mapping, (void)ret_wanted;
    return MAPPING_STAYS;
}

static int change(struct store *store, const char *key,
                  enum mapping_fate (*judge)(const void *context, const struct mapping *mapping,
                                             struct mapping *ret_wanted))
{
    struct error error = {0};
    const struct mapping_judge judging = {judge, NULL};
    begin(store);
    int code = store_change(store, 1, key, &judging, 0, true, &error);
    CHECK(code == 0 || code == ERR_NOTFOUND, "%s: %s", key, error.text);
    store_rest(store);
    return code;
}

static int forget(struct store *store, const char *key)
{
    return change(store, key, store_forgets_any.judge);
}

static struct mapping find(struct store *store, const char *key)
{
    struct mapping mapping = {0};
    struct mapping_table table = store_mappings(store);
    begin(store);
    table.find(table.context, 1, key, &mapping, NULL);
    store_rest(store);
    return mapping;
}

static void a_change_holds_at_once_and_is_stored_later(void)
{
    struct place place;
    place_init_served(&place);
    insert_even(&place, 1, 3);
    struct store *one = new_store(&place), *two = new_store(&place);
    begin(two);
    place_run(&place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(change(one, "k00000", leave), ERR_NOTFOUND, "it stays");
    CHECK_INTEGER(change(one, "k00002", send_to_fra), 0, "it moves");
    CHECK_INTEGER(change(one, "k00001", send_to_fra), 0, "it is new");
    CHECK_INTEGER(forget(one, "k00004"), 0, "it goes");
    CHECK_INTEGER(forget(one, "k00005"), ERR_NOTFOUND, "it was not there");
    CHECK_INTEGER(find(two, "k00000").controller_id, 1, "as it was");
    CHECK_INTEGER(find(two, "k00002").controller_id, 2, "moved");
    CHECK_INTEGER(find(two, "k00001").timestamp_s, to_fra.timestamp_s, "new");
    CHECK_INTEGER(find(two, "k00004").controller_id, 0, "gone");
    place_run(&place, "ROLLBACK");
    CHECK_INTEGER((int64_t)store_unwritten(one, 10000), 0, "all are stored");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence"), 3, "rows");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence WHERE controller_id = 2"),
                  2, "rows");
    store_free(one);
    store_free(two);
    place_release(&place);
}

/* So it beats what peers know; a mapping that only lasts longer is the same decision. */
static void a_change_is_a_decision_of_this_server(void)
{
    struct place place;
    place_init_served(&place);
    place_run(&place, "UPDATE share SET node = 7");
    insert_even(&place, 1, 3);
    place_run(&place, "UPDATE persistence SET timestamp = timestamp + 1 WHERE ldns = 'k00000'");
    struct store *store = new_store(&place);
    const struct mapping before = find(store, "k00000");
    CHECK(before.decided > 1 && before.origin == 7, "the triggers have decided");
    CHECK_INTEGER(change(store, "k00000", extend), 0, "extended");
    CHECK_INTEGER(find(store, "k00000").decided, before.decided, "the same decision");
    CHECK_INTEGER(find(store, "k00000").timestamp_s, before.timestamp_s + 1, "lasts longer");
    CHECK_INTEGER(change(store, "k00000", send_to_fra), 0, "moved");
    const struct mapping moved = find(store, "k00000");
    CHECK(moved.decided > before.decided, "a later decision");
    CHECK_INTEGER(moved.origin, 7, "of this server");
    CHECK_INTEGER(forget(store, "k00002"), 0, "forgotten");
    store_unwritten(store, 10000);
    CHECK_INTEGER(place_number(&place, "SELECT decided FROM persistence WHERE ldns = 'k00000'"),
                  moved.decided, "stored");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM share_deleted"), 1, "a tombstone");
    CHECK_INTEGER(change(store, "k00002", send_to_fra), 0, "made again");
    store_unwritten(store, 10000);
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM share_deleted"), 0, "no tombstone");
    CHECK(place_number(&place, "SELECT count(*) FROM share_change") >= 3, "peers are told");
    store_free(store);
    place_release(&place);
}

/* ---------------------------------------------------------------- walks */

/* Walks and checks the order. How many rows, of these `ret_at_fra` to the second controller. */
static int64_t walk(struct store *store, int64_t pool_id, const char *after, const char *before,
                    int64_t *ret_at_fra)
{
    struct mapping_walk *walk = NULL;
    struct error error = {0};
    const struct mapping_row *rows;
    size_t count = 1;
    int64_t total = 0;
    char last[64] = "";
    *ret_at_fra = 0;
    CHECK_INTEGER(store_walk_new(store, pool_id, after, before, &walk, &error), 0, "%s",
                  error.text);
    while (count > 0) {
        begin(store);
        CHECK_INTEGER(store_walk_next(walk, &rows, &count, &error), 0, "%s", error.text);
        for (size_t i = 0; i < count; i++) {
            CHECK(strcmp(rows[i].key, last) > 0, "%s comes after %s", rows[i].key, last);
            snprintf(last, sizeof last, "%s", rows[i].key);
            *ret_at_fra += rows[i].mapping.controller_id == 2;
        }
        total += (int64_t)count;
        store_rest(store);
    }
    CHECK_INTEGER(store_walk_problem(walk, &error), 0, "%s", error.text);
    store_walk_free(walk);
    return total;
}

/* More rows than are read at once, and claims before, between, among and behind them. */
static void a_walk_has_what_is_stored_and_what_waits(void)
{
    struct place place;
    int64_t at_fra;
    place_init_served(&place);
    place_run(&place, "INSERT INTO pool (id, name) VALUES (2, 'api')");
    insert_even(&place, 1, 1200);
    insert_even(&place, 2, 2);
    struct store *store = new_store(&place);
    begin(store);
    place_run(&place, "BEGIN IMMEDIATE");
    change(store, "a", send_to_fra);
    change(store, "k00001", send_to_fra);
    change(store, "k00998", send_to_fra); /* the last one of the first part */
    change(store, "k01000", send_to_fra);
    change(store, "z", send_to_fra);
    forget(store, "k00000");
    forget(store, "k01500");
    CHECK_INTEGER(walk(store, 1, WALK_START, WALK_END, &at_fra), 1201, "all");
    CHECK_INTEGER(at_fra, 5, "those that wait in place of their rows");
    CHECK_INTEGER(walk(store, 1, "k00998", "k01004", &at_fra), 2, "a range");
    CHECK_INTEGER(at_fra, 1, "a range");
    CHECK_INTEGER(walk(store, 1, "b", "c", &at_fra), 0, "an empty range");
    CHECK_INTEGER(walk(store, 2, WALK_START, WALK_END, &at_fra), 2, "another pool");
    place_run(&place, "ROLLBACK");
    store_unwritten(store, 10000);
    CHECK_INTEGER(walk(store, 1, WALK_START, WALK_END, &at_fra), 1201, "all are stored");
    CHECK_INTEGER(at_fra, 5, "as before");
    store_free(store);
    place_release(&place);
}

/* They were dropped. */
static void a_walk_has_no_claims_of_before_a_change_by_others(void)
{
    struct place place;
    int64_t at_fra;
    place_init_served(&place);
    insert_even(&place, 1, 3);
    struct store *store = new_store(&place);
    begin(store);
    place_run(&place, "BEGIN IMMEDIATE");
    change(store, "k00002", send_to_fra);
    change(store, "k00003", send_to_fra);
    int64_t revision = store_mappings_revision(store);
    place_run(&place, "DELETE FROM persistence WHERE ldns = 'k00000'; COMMIT");
    CHECK_INTEGER(walk(store, 1, WALK_START, WALK_END, &at_fra), 2, "rows alone");
    CHECK_INTEGER(at_fra, 0, "no claim");
    CHECK(store_mappings_revision(store) != revision, "this is how it is told");
    store_free(store);
    place_release(&place);
}

/* ---------------------------------------------------------------- states */

static void states_are_set_together_or_not_at_all(void)
{
    static const struct state_target both[] = {{false, 1}, {true, 2}};
    struct place place;
    struct error error = {0};
    place_init_served(&place);
    struct store *store = new_store(&place);
    CHECK_INTEGER(store_set_state(store, both, 2, STATE_DRAINING, 1000, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER(place_number(&place, "SELECT group_concat(id) = '1' FROM controller"
                                       " WHERE state = 'draining'"),
                  1, "the controller");
    CHECK_INTEGER(place_number(&place, "SELECT group_concat(id) = '2' FROM virtual_server"
                                       " WHERE state = 'draining'"),
                  1, "the server");
    place_run(&place, "CREATE TRIGGER refuse BEFORE UPDATE ON virtual_server BEGIN"
                      " SELECT RAISE(ABORT, 'these words'); END");
    CHECK(store_set_state(store, both, 2, STATE_ENABLED, 1000, &error) != 0, "refused");
    CHECK(strstr(error.text, "these words") != NULL, "%s", error.text);
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM controller WHERE state = 'draining'"),
                  1, "nothing is changed");
    error = (struct error){0};
    place_run(&place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(store_set_state(store, both, 1, STATE_ENABLED, 1, &error), ERR_BUSY, "locked");
    place_run(&place, "ROLLBACK");
    store_free(store);
    place_release(&place);
}

static const CU_TestInfo tests[] = {
    {"a change holds at once and is stored later", a_change_holds_at_once_and_is_stored_later},
    {"a change is a decision of this server", a_change_is_a_decision_of_this_server},
    {"a walk has what is stored and what waits", a_walk_has_what_is_stored_and_what_waits},
    {"a walk has no claims of before a change by others",
     a_walk_has_no_claims_of_before_a_change_by_others},
    {"states are set together or not at all", states_are_set_together_or_not_at_all},
    CU_TEST_INFO_NULL,
};

const struct suite suite_walk = {"walk", tests};
