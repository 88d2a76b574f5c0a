#include "store/maintenance/claim_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/sharing/entry.h"
#include "fixture.h"
#include "store/claims/claims_file.h"
#include "suites.h"

#define NOW_S 1700000000
#define KEY "192.0.2.10"

/* Claims on a database with the pool 1 and the controllers 1 and 2, and what writes them. */
struct desk {
    struct place place;
    struct database database;
    struct claims *claims;
    struct generation generation;
    struct taken_claims taken;
};

static void desk_init(struct desk *desk)
{
    struct error error = {0};
    *desk = (struct desk){0};
    place_init_served(&desk->place);
    CHECK_INTEGER(database_init(&desk->database, desk->place.path, 40), 0, "database_init");
    desk->database.no_triggers = true;
    CHECK_INTEGER(database_open(&desk->database, 1, &error), 0, "%s", error.text);
    CHECK_INTEGER(database_read_generation(&desk->database, &desk->generation, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER(claims_open(desk->place.path, &desk->database.identity, desk->generation.identity,
                              &desk->database.lock, 0, &desk->claims, &error),
                  0, "%s", error.text);
}

static void desk_release(struct desk *desk)
{
    claims_close(desk->claims);
    database_release(&desk->database);
    place_release(&desk->place);
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

static struct claim claim_of(const struct desk *desk, int64_t controller_id)
{
    return (struct claim){.maps = true,
                          .wanted = MAPPING(controller_id, "modulus", NOW_S, 60),
                          .revision = desk->generation.mappings};
}

static void put_key(struct desk *desk, int64_t pool_id, const char *key, const struct claim *claim)
{
    CHECK_INTEGER(claims_put(desk->claims, pool_id, key, NULL, claim, yes, NULL), 0, "a claim");
}

static void put(struct desk *desk, int64_t pool_id, const struct claim *claim)
{
    put_key(desk, pool_id, KEY, claim);
}

static int write_all(struct desk *desk, int64_t identity)
{
    struct error error = {0};
    int code =
        claim_rows_write(&desk->database, desk->claims, identity, true, &desk->taken, &error);
    CHECK_INTEGER(error.code, code, "%s", error.text);
    return code;
}

static void check_written(struct desk *desk, int64_t controller_id, const char *what)
{
    CHECK_INTEGER(write_all(desk, desk->generation.identity), 0, "%s", what);
    CHECK_INTEGER((int64_t)claims_count(desk->claims), 0, "%s: no claim is left", what);
    CHECK_INTEGER(place_number(&desk->place, "SELECT ifnull(sum(controller_id), 0)"
                                             " FROM persistence WHERE ldns = '" KEY "'"),
                  controller_id, "%s", what);
}

static void the_newest_claim_is_the_row(void)
{
    struct desk desk;
    desk_init(&desk);
    struct claim one = claim_of(&desk, 1), two = claim_of(&desk, 2);
    put(&desk, 1, &one);
    check_written(&desk, 1, "where there was none");
    put(&desk, 1, &two);
    check_written(&desk, 2, "over another one");
    put(&desk, 1, &two);
    check_written(&desk, 2, "a second time");
    CHECK_INTEGER(place_number(&desk.place, "SELECT count(*) FROM persistence WHERE method ="
                                            " 'modulus' AND timestamp = 1700000000 AND ttl = 60"),
                  1, "all columns");
    check_written(&desk, 2, "nothing to do");
    desk_release(&desk);
}

/* The triggers are for others. */
static void what_is_written_does_not_change_the_revision(void)
{
    struct desk desk;
    struct generation after;
    struct error error = {0};
    desk_init(&desk);
    struct claim one = claim_of(&desk, 1), gone = {.revision = desk.generation.mappings};
    put(&desk, 1, &one);
    check_written(&desk, 1, "inserted");
    put(&desk, 1, &one);
    check_written(&desk, 1, "updated");
    put(&desk, 1, &gone);
    check_written(&desk, 0, "deleted");
    CHECK_INTEGER(database_read_generation(&desk.database, &after, &error), 0, "%s", error.text);
    CHECK_INTEGER(after.mappings, desk.generation.mappings, "revision");
    desk_release(&desk);
}

static void what_does_not_count_any_more_is_dropped(void)
{
    struct desk desk;
    desk_init(&desk);
    struct claim stale = claim_of(&desk, 1), gone = {0};
    stale.revision++;
    put(&desk, 1, &stale);
    check_written(&desk, 0, "of another revision");
    place_run(&desk.place,
              "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
              " VALUES (1, '" KEY "', 2, 'modulus', 0, 60)");
    CHECK_INTEGER(database_read_generation(&desk.database, &desk.generation, NULL), 0, "revision");
    gone.revision = desk.generation.mappings + 1;
    put(&desk, 1, &gone);
    check_written(&desk, 2, "also one that there is no mapping");
    gone.revision = desk.generation.mappings;
    put(&desk, 1, &gone);
    check_written(&desk, 0, "of this one");
    struct claim lost = claim_of(&desk, 99), one = claim_of(&desk, 1);
    put(&desk, 1, &lost);
    check_written(&desk, 0, "a controller that is gone");
    put(&desk, 99, &one);
    check_written(&desk, 0, "a pool that is gone");
    put(&desk, 1, &one);
    CHECK_INTEGER(write_all(&desk, desk.generation.identity + 1), 0, "another database");
    check_written(&desk, 0, "another database");
    desk_release(&desk);
}

static void what_cannot_be_written_stays_claimed(void)
{
    struct desk desk;
    desk_init(&desk);
    struct claim one = claim_of(&desk, 1);
    put(&desk, 1, &one);
    place_run(&desk.place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(write_all(&desk, desk.generation.identity), ERR_BUSY, "locked");
    CHECK_INTEGER((int64_t)claims_count(desk.claims), 1, "still there");
    place_run(&desk.place, "COMMIT");
    place_run(&desk.place, "CREATE TRIGGER no BEFORE INSERT ON persistence BEGIN"
                           " SELECT RAISE(ABORT, 'no'); END");
    check_written(&desk, 1, "triggers of others have no say");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- sharing */

#define NODE 7
#define ROW(decided, origin)                                                                       \
    "INSERT INTO persistence VALUES (1, '" KEY "', 2, 'modulus', 1700000000, 60, " decided         \
    ", " origin ", NULL, NULL)"
#define TOMBSTONE(decided, origin)                                                                 \
    "INSERT INTO share_deleted VALUES (1, '" KEY "', " decided ", " origin ", 1700000000, 60)"

/* What stands in the tables, as if a peer had decided it. */
static void share(struct desk *desk, const char *standing)
{
    if (standing)
        place_run(&desk->place, standing);
    place_run(&desk->place, "UPDATE share SET node = 7");
    CHECK_INTEGER(database_read_generation(&desk->database, &desk->generation, NULL), 0,
                  "revision");
}

static struct claim decision(const struct desk *desk, bool maps, int64_t decided, int64_t origin)
{
    struct claim claim = claim_of(desk, maps ? 1 : 0);
    claim.maps = maps;
    claim.wanted.decided = decided;
    claim.wanted.origin = origin;
    return claim;
}

static int64_t noted(struct desk *desk)
{
    return place_number(&desk->place, "SELECT count(*) FROM share_change WHERE pool_id = 1"
                                      " AND ldns = '" KEY "' AND noted_ms > 1700000000000");
}

static int64_t mapped_to(struct desk *desk)
{
    return place_number(&desk->place, "SELECT ifnull(sum(controller_id), 0) FROM persistence");
}

static int64_t tombstones(struct desk *desk)
{
    return place_number(&desk->place, "SELECT count(*) FROM share_deleted");
}

static void while_nothing_is_shared_nothing_is_noted(void)
{
    struct desk desk;
    desk_init(&desk);
    struct claim old = decision(&desk, true, 5, NODE), gone = decision(&desk, false, 0, 0);
    place_run(&desk.place, ROW("9", "7"));
    CHECK_INTEGER(database_read_generation(&desk.database, &desk.generation, NULL), 0, "revision");
    old.revision = gone.revision = desk.generation.mappings;
    put(&desk, 1, &old);
    check_written(&desk, 1, "whatever stands there");
    put(&desk, 1, &gone);
    check_written(&desk, 0, "deleted");
    CHECK_INTEGER(noted(&desk), 0, "no note");
    CHECK_INTEGER(tombstones(&desk), 0, "no tombstone");
    desk_release(&desk);
}

/* A claim of node 7, decided at 10, against what stands there; controller 2 is what stands. */
static const struct {
    const char *what, *standing;
    bool maps;
    int64_t decided, controller, noted, tombstones;
} merges[] = {
    {"where there is none", NULL, true, 10, 1, 1, 0},
    {"over an older one", ROW("9", "9"), true, 10, 1, 1, 0},
    {"over one of the time before sharing", ROW("0", "0"), true, 10, 1, 1, 0},
    {"over one of a lesser node at the same moment", ROW("10", "6"), true, 10, 1, 1, 0},
    {"not over one of a greater node", ROW("10", "8"), true, 10, 2, 0, 0},
    {"not over a newer one", ROW("11", "1"), true, 10, 2, 0, 0},
    {"not over one with the same place", ROW("10", "7"), true, 10, 2, 0, 0},
    {"of the time before sharing", NULL, true, 0, 1, 1, 0},
    {"over an older tombstone", TOMBSTONE("9", "9"), true, 10, 1, 1, 0},
    {"not over a newer tombstone", TOMBSTONE("11", "1"), true, 10, 0, 0, 1},
    {"not over a tombstone with the same place", TOMBSTONE("10", "7"), true, 10, 0, 0, 1},
    {"forgotten", ROW("9", "9"), false, 10, 0, 1, 1},
    {"forgotten before it was written", NULL, false, 10, 0, 1, 1},
    {"forgotten at the same place", ROW("10", "7"), false, 10, 0, 1, 1},
    {"not forgotten, it is newer", ROW("11", "1"), false, 10, 2, 0, 0},
    {"forgotten again", TOMBSTONE("9", "9"), false, 10, 0, 1, 1},
};

static void of_a_claim_and_what_stands_there_the_greater_stays(void)
{
    for (size_t i = 0; i < COUNT(merges); i++) {
        struct desk desk;
        desk_init(&desk);
        share(&desk, merges[i].standing);
        struct claim claim = decision(&desk, merges[i].maps, merges[i].decided, NODE);
        put(&desk, 1, &claim);
        check_written(&desk, merges[i].controller, merges[i].what);
        CHECK_INTEGER(noted(&desk), merges[i].noted, "%s: noted", merges[i].what);
        CHECK_INTEGER(tombstones(&desk), merges[i].tombstones, "%s: tombstones", merges[i].what);
        desk_release(&desk);
    }
}

#define KEYS 60
#define CLAIMS_OF_A_KEY 12

/* Names are not compared: those that were decided at one place are the same. */
static struct claim random_claim(const struct desk *desk, uint64_t *state)
{
    struct claim claim =
        decision(desk, random_below(state, 3) > 0, 1 + (int64_t)random_below(state, 3),
                 1 + (int64_t)random_below(state, 3));
    claim.wanted.timestamp_s += (int64_t)random_below(state, 3);
    claim.wanted.ttl_s += (int64_t)random_below(state, 3);
    claim.wanted.controller_id = claim.maps ? 1 + claim.wanted.origin % 2 : 0;
    claim.wanted.home_id = claim.maps ? claim.wanted.decided % 3 : 0;
    return claim;
}

static struct entry entry_of(const struct claim *claim)
{
    return (struct entry){.decided = claim->wanted.decided,
                          .origin = claim->wanted.origin,
                          .gone = !claim->maps,
                          .timestamp_s = claim->wanted.timestamp_s,
                          .ttl_s = claim->wanted.ttl_s};
}

/* All of the claim stands in one table, and nothing in the other one. */
static void check_stands(struct desk *desk, const char *key, const struct claim *claim)
{
    const struct mapping *wanted = &claim->wanted;
    char sql[512];
    snprintf(
        sql, sizeof sql,
        "SELECT total((gone, controller_id, decided, origin, timestamp, ttl,"
        " coalesce(home_id, 0)) = (%d, %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
        ", %" PRId64 ")) = 1"
        " AND count(*) = 1 FROM (SELECT 0 AS gone, * FROM persistence WHERE ldns = '%s'"
        " UNION ALL SELECT 1, pool_id, ldns, 0, '', timestamp, ttl, decided, origin, NULL, NULL"
        " FROM share_deleted WHERE ldns = '%s')",
        !claim->maps, wanted->controller_id, wanted->decided, wanted->origin, wanted->timestamp_s,
        wanted->ttl_s, wanted->home_id, key, key);
    CHECK_INTEGER(place_number(&desk->place, sql), 1, "%s", sql);
}

static int64_t noted_of(struct desk *desk, const char *key)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM share_change WHERE ldns = '%s'", key);
    return place_number(&desk->place, sql);
}

static void of_any_claims_the_greatest_stays(void)
{
    struct desk desk;
    uint64_t state = 23;
    desk_init(&desk);
    share(&desk, NULL);
    for (int i = 0; i < KEYS; i++) {
        char key[CLIENT_KEY_MAX];
        struct claim greatest = {0};
        int64_t changes = 0;
        snprintf(key, sizeof key, "192.0.2.%d", i);
        for (int j = 0; j < CLAIMS_OF_A_KEY; j++) {
            struct claim claim = random_claim(&desk, &state);
            struct entry told = entry_of(&claim), standing = entry_of(&greatest);
            put_key(&desk, 1, key, &claim);
            CHECK_INTEGER(write_all(&desk, desk.generation.identity), 0, "%s", key);
            if (changes == 0 || entry_compare(&told, &standing) > 0) {
                greatest = claim;
                changes++;
            }
            check_stands(&desk, key, &greatest);
        }
        CHECK_INTEGER(noted_of(&desk, key), changes, "%s: noted", key);
    }
    desk_release(&desk);
}

static void an_extension_keeps_its_place_and_is_noted(void)
{
    struct desk desk;
    desk_init(&desk);
    share(&desk, ROW("9", "9"));
    struct claim claim = decision(&desk, true, 9, 9);
    put(&desk, 1, &claim);
    check_written(&desk, 2, "no later: not written");
    claim.wanted.timestamp_s++;
    put(&desk, 1, &claim);
    check_written(&desk, 1, "later");
    CHECK_INTEGER(noted(&desk), 1, "noted once");
    put(&desk, 1, &claim);
    check_written(&desk, 1, "a second time");
    CHECK_INTEGER(noted(&desk), 1, "which is not noted");
    desk_release(&desk);
}

static void all_columns_of_a_shared_claim_are_written(void)
{
    struct desk desk;
    desk_init(&desk);
    share(&desk, NULL);
    struct claim claim = decision(&desk, true, 10, NODE);
    put(&desk, 1, &claim);
    check_written(&desk, 1, "a mapping");
    CHECK_INTEGER(place_number(&desk.place, "SELECT count(*) FROM persistence WHERE decided = 10"
                                            " AND origin = 7 AND timestamp = 1700000000"
                                            " AND ttl = 60 AND method = 'modulus'"),
                  1, "a mapping");
    claim = decision(&desk, false, 11, NODE);
    put(&desk, 1, &claim);
    check_written(&desk, 0, "a deletion");
    CHECK_INTEGER(place_number(&desk.place, "SELECT count(*) FROM share_deleted WHERE decided = 11"
                                            " AND origin = 7 AND timestamp = 1700000000"
                                            " AND ttl = 60 AND pool_id = 1"),
                  1, "a deletion");
    desk_release(&desk);
}

static void what_has_no_pool_or_controller_leaves_nothing(void)
{
    struct desk desk;
    desk_init(&desk);
    share(&desk, NULL);
    struct claim lost = decision(&desk, true, 10, NODE), gone = decision(&desk, false, 10, NODE);
    lost.wanted.controller_id = 99;
    put(&desk, 1, &lost);
    check_written(&desk, 0, "a controller that is gone");
    lost.wanted.controller_id = 1;
    put(&desk, 99, &lost);
    check_written(&desk, 0, "a pool that is gone");
    put(&desk, 99, &gone);
    check_written(&desk, 0, "forgotten in a pool that is gone");
    CHECK_INTEGER(mapped_to(&desk), 0, "no row");
    CHECK_INTEGER(tombstones(&desk), 0, "no tombstone");
    CHECK_INTEGER(place_number(&desk.place, "SELECT count(*) FROM share_change"), 0, "no note");
    desk_release(&desk);
}

static const CU_TestInfo tests[] = {
    {"the newest claim is the row", the_newest_claim_is_the_row},
    {"what is written does not change the revision", what_is_written_does_not_change_the_revision},
    {"what does not count any more is dropped", what_does_not_count_any_more_is_dropped},
    {"what cannot be written stays claimed", what_cannot_be_written_stays_claimed},
    {"while nothing is shared nothing is noted", while_nothing_is_shared_nothing_is_noted},
    {"of a claim and what stands there the greater stays",
     of_a_claim_and_what_stands_there_the_greater_stays},
    {"of any claims the greatest stays", of_any_claims_the_greatest_stays},
    {"an extension keeps its place and is noted", an_extension_keeps_its_place_and_is_noted},
    {"all columns of a shared claim are written", all_columns_of_a_shared_claim_are_written},
    {"what has no pool or controller leaves nothing",
     what_has_no_pool_or_controller_leaves_nothing},
    CU_TEST_INFO_NULL,
};

const struct suite suite_claim_rows = {"claim_rows", tests};
