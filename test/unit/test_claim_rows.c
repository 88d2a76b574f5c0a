#include "store/maintenance/claim_rows.h"

#include <string.h>

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
                              &desk->database.lock, &desk->claims, &error),
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

static void put(struct desk *desk, int64_t pool_id, const struct claim *claim)
{
    CHECK_INTEGER(claims_put(desk->claims, pool_id, KEY, NULL, claim, yes, NULL), 0, "a claim");
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

static const CU_TestInfo tests[] = {
    {"the newest claim is the row", the_newest_claim_is_the_row},
    {"what is written does not change the revision", what_is_written_does_not_change_the_revision},
    {"what does not count any more is dropped", what_does_not_count_any_more_is_dropped},
    {"what cannot be written stays claimed", what_cannot_be_written_stays_claimed},
    CU_TEST_INFO_NULL,
};

const struct suite suite_claim_rows = {"claim_rows", tests};
