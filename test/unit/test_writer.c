#include "store/maintenance/writer.h"

#include <time.h>

#include "fixture.h"
#include "store/claims/claims_file.h"
#include "store/sqlite/database.h"
#include "suites.h"
#include "system/clock.h"

#define NOW_S 1700000000

/* For another thread to do what it has to; a test that waits so long has failed. */
#define WAIT_MS 60000

#define MAX_BYTES (1LL << 40)

/* A process that makes claims, and the lock file as another process holds it. */
struct office {
    struct place place;
    struct database database;
    struct claims *claims;
    struct lock_file other;
    int64_t revision;
};

static void office_init(struct office *office)
{
    struct error error = {0};
    struct generation generation;
    *office = (struct office){.other.descriptor = -1};
    place_init_served(&office->place);
    CHECK_INTEGER(database_init(&office->database, office->place.path, 40), 0, "database_init");
    CHECK_INTEGER(database_open(&office->database, 1, &error), 0, "%s", error.text);
    CHECK_INTEGER(database_read_generation(&office->database, &generation, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER(claims_open(office->place.path, &office->database.identity, generation.identity,
                              &office->database.lock, 0, &office->claims, &error),
                  0, "%s", error.text);
    CHECK_INTEGER(lock_file_open(&office->other, office->place.path, false, NULL), 0, "lock file");
    office->revision = generation.mappings;
}

static void office_release(struct office *office)
{
    claims_close(office->claims);
    lock_file_close(&office->other);
    database_release(&office->database);
    place_release(&office->place);
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

static void put(struct office *office, const char *key)
{
    const struct claim claim = {
        .maps = true, .wanted = MAPPING(1, "modulus", NOW_S, 60), .revision = office->revision};
    CHECK_INTEGER(claims_put(office->claims, 1, key, NULL, &claim, yes, NULL), 0, "%s", key);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void check_all_written(struct office *office, int64_t rows, const char *what)
{
    for (int i = 0; claims_count(office->claims) > 0 && i < WAIT_MS; i++)
        nap();
    CHECK_INTEGER((int64_t)claims_count(office->claims), 0, "%s", what);
    CHECK_INTEGER(place_number(&office->place, "SELECT count(*) FROM persistence"), rows, "%s",
                  what);
}

static void check_ends(const struct writer *writer, const char *what)
{
    for (int i = 0; !writer_has_ended(writer) && i < WAIT_MS; i++)
        nap();
    CHECK(writer_has_ended(writer), "%s", what);
}

static struct writer *start(struct office *office, enum writer_role role, bool is_monitor)
{
    struct writer *writer = NULL;
    CHECK_INTEGER(writer_start(office->place.path, role, is_monitor, MAX_BYTES, &writer), 0,
                  "writer_start");
    return writer;
}

static enum writer_role free_role(struct office *office, bool is_monitor)
{
    return writer_free_role(&office->database.lock, office->claims, is_monitor,
                            clock_monotonic_ms());
}

static void claims_become_rows_while_it_runs_and_at_its_end(void)
{
    struct office office;
    office_init(&office);
    put(&office, "before");
    struct writer *writer = start(&office, WRITER_MAIN, false);
    check_all_written(&office, 1, "what was there before");
    put(&office, "while");
    check_all_written(&office, 2, "what comes while it runs");
    CHECK(claims_alive_ms(office.claims) > 0, "a sign of life");
    place_run(&office.place, "BEGIN IMMEDIATE");
    put(&office, "locked");
    place_run(&office.place, "COMMIT");
    writer_stop(writer);
    check_all_written(&office, 3, "what is left at its end");
    office_release(&office);
}

static void one_process_is_the_writer_and_preferably_the_monitor(void)
{
    struct office office;
    office_init(&office);
    CHECK_INTEGER(free_role(&office, false), WRITER_MAIN, "nobody is");
    CHECK(lock_file_take(&office.other, LOCK_MONITOR), "pdns-stickyd runs");
    CHECK_INTEGER(free_role(&office, false), WRITER_NONE, "it is going to be");
    CHECK_INTEGER(free_role(&office, true), WRITER_MAIN, "in pdns-stickyd");
    CHECK(lock_file_take(&office.other, LOCK_WRITER), "another one is");
    CHECK_INTEGER(free_role(&office, true), WRITER_NONE, "one is enough");
    struct writer *late = start(&office, WRITER_MAIN, true);
    check_ends(late, "one that was too late");
    writer_stop(late);
    office_release(&office);
}

static void it_makes_room_for_the_monitor(void)
{
    struct office office;
    office_init(&office);
    put(&office, "a");
    struct writer *writer = start(&office, WRITER_MAIN, false);
    check_all_written(&office, 1, "the coprocess writes");
    CHECK(lock_file_take(&office.other, LOCK_MONITOR), "pdns-stickyd starts");
    check_ends(writer, "the coprocess's writer");
    writer_stop(writer);
    office_release(&office);
}

/* The lock is held by a process that is stopped. */
static void somebody_stands_in_for_one_that_is_silent(void)
{
    struct office office;
    office_init(&office);
    CHECK(lock_file_take(&office.other, LOCK_WRITER), "the one that is stopped");
    claims_set_alive(office.claims, clock_monotonic_ms());
    put(&office, "a");
    CHECK_INTEGER(free_role(&office, false), WRITER_NONE, "it was alive just now");
    claims_set_alive(office.claims, clock_monotonic_ms() - WAIT_MS);
    CHECK_INTEGER(free_role(&office, false), WRITER_STANDBY, "claims wait, and it is silent");
    struct writer *writer = start(&office, WRITER_STANDBY, false);
    check_all_written(&office, 1, "by the stand-in");
    CHECK_INTEGER(free_role(&office, false), WRITER_NONE, "no claims wait");
    claims_set_alive(office.claims, clock_monotonic_ms());
    check_ends(writer, "it is back");
    writer_stop(writer);
    office_release(&office);
}

static void what_it_cannot_do_is_told_once(void)
{
    struct office office;
    struct error error = {0};
    office_init(&office);
    place_run(&office.place, "BEGIN IMMEDIATE");
    put(&office, "a");
    struct writer *writer = start(&office, WRITER_MAIN, false);
    int code = 0;
    for (int i = 0; code == 0 && i < WAIT_MS; i++) {
        code = writer_problem(writer, &error);
        nap();
    }
    CHECK_INTEGER(code, ERR_BUSY, "%s", error.text);
    CHECK_INTEGER(writer_problem(writer, &error), 0, "once");
    place_run(&office.place, "COMMIT");
    check_all_written(&office, 1, "all the same");
    writer_stop(writer);
    office_release(&office);
}

static void a_table_that_is_full_is_told_to_those_who_claim(void)
{
    struct office office;
    office_init(&office);
    struct writer *writer = NULL;
    CHECK_INTEGER(writer_start(office.place.path, WRITER_MAIN, false, 1, &writer), 0,
                  "one byte at most");
    for (int i = 0; claims_bound(office.claims) == CLAIMS_FREE && i < WAIT_MS; i++)
        nap();
    CHECK_INTEGER(claims_bound(office.claims), CLAIMS_TABLE_FULL, "full");
    writer_limit(writer, MAX_BYTES);
    for (int i = 0; claims_bound(office.claims) != CLAIMS_FREE && i < WAIT_MS; i++)
        nap();
    CHECK_INTEGER(claims_bound(office.claims), CLAIMS_FREE, "the bound was raised");
    writer_stop(writer);
    office_release(&office);
}

static void without_memory_there_is_none(void)
{
    struct office office;
    office_init(&office);
    bool failed = true;
    for (size_t n = 1; failed && n < 100; n++) {
        struct writer *writer = NULL;
        memory_fail_at(n);
        int code = writer_start(office.place.path, WRITER_MAIN, false, MAX_BYTES, &writer);
        failed = memory_fail_end();
        CHECK((code == 0) == (writer != NULL), "allocation %zu", n);
        writer_stop(writer);
    }
    CHECK(!failed, "at last there is");
    office_release(&office);
}

static const CU_TestInfo tests[] = {
    {"claims become rows while it runs and at its end",
     claims_become_rows_while_it_runs_and_at_its_end},
    {"one process is the writer, and preferably the monitor",
     one_process_is_the_writer_and_preferably_the_monitor},
    {"it makes room for the monitor", it_makes_room_for_the_monitor},
    {"somebody stands in for one that is silent", somebody_stands_in_for_one_that_is_silent},
    {"what it cannot do is told once", what_it_cannot_do_is_told_once},
    {"a table that is full is told to those who claim",
     a_table_that_is_full_is_told_to_those_who_claim},
    {"without memory there is none", without_memory_there_is_none},
    CU_TEST_INFO_NULL,
};

const struct suite suite_writer = {"writer", tests};
