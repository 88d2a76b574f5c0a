#include "store/sqlite/database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

/* A database, a link to it in another directory, and two processes. */
struct linked {
    struct place place;
    struct place other; /* another database, and the directory of the link */
    char link[PLACE_PATH_MAX];
    struct database one, two;
};

static void linked_init(struct linked *linked)
{
    *linked = (struct linked){.one.path = NULL};
    place_init(&linked->place);
    place_init(&linked->other);
    place_name(&linked->other, "link", linked->link);
    CHECK(symlink(linked->place.path, linked->link) == 0, "ln -s");
}

static void linked_release(struct linked *linked)
{
    database_release(&linked->one);
    database_release(&linked->two);
    place_release(&linked->other);
    place_release(&linked->place);
}

static void open_as(struct database *database, const char *path)
{
    struct error error = {0};
    CHECK_INTEGER(database_init(database, path, 40), 0, "database_init");
    CHECK_INTEGER(database_open(database, 1, &error), 0, "%s", error.text);
}

static bool exists(const struct place *place, const char *name)
{
    char path[PLACE_PATH_MAX];
    place_name(place, name, path);
    return access(path, F_OK) == 0;
}

static void what_lies_beside_the_file_is_found_through_a_link(void)
{
    struct linked linked;
    linked_init(&linked);
    open_as(&linked.one, linked.link);
    open_as(&linked.two, linked.place.path);
    CHECK_TEXT(linked.one.real_path, linked.two.real_path, "one file");
    CHECK(exists(&linked.place, "sticky.sqlite-lock"), "its lock file is beside it");
    CHECK(!exists(&linked.other, "link-lock"), "and none beside the link");
    CHECK(lock_file_take(&linked.one.lock, LOCK_MONITOR), "by the link");
    CHECK(!lock_file_take(&linked.two.lock, LOCK_MONITOR), "by the path");
    CHECK(database_log_file(&linked.one).st_ino == database_log_file(&linked.two).st_ino &&
              database_log_file(&linked.one).st_ino != 0,
          "its log");
    linked_release(&linked);
}

static void damage_is_noticed_through_a_link(void)
{
    struct linked linked;
    struct error error = {0};
    char log[PLACE_PATH_MAX];
    linked_init(&linked);
    open_as(&linked.one, linked.link);
    CHECK_INTEGER(database_check(&linked.one, 0, 10, &error), 0, "as it was");
    place_name(&linked.place, "sticky.sqlite-wal", log);
    CHECK(unlink(log) == 0, "rm");
    CHECK_INTEGER(database_check(&linked.one, 0, 20, &error), ERR_IO, "deleted");
    CHECK(strstr(error.text, "deleted") && strstr(error.text, linked.link), "%s", error.text);
    CHECK(linked.one.connection == NULL, "and closed");
    linked_release(&linked);
}

static void a_link_that_leads_elsewhere_is_another_file(void)
{
    struct linked linked;
    struct error error = {0};
    linked_init(&linked);
    place_run(&linked.place, "INSERT INTO pool (id, name) VALUES (1, 'here')");
    place_run(&linked.other, "INSERT INTO pool (id, name) VALUES (1, 'there')");
    open_as(&linked.one, linked.link);
    CHECK(lock_file_take(&linked.one.lock, LOCK_MONITOR), "the only one");
    int64_t openings = linked.one.openings;
    CHECK_INTEGER(database_open(&linked.one, 2, &error), 0, "%s", error.text);
    CHECK_INTEGER(linked.one.openings, openings, "the same file");
    CHECK(unlink(linked.link) == 0 && symlink(linked.other.path, linked.link) == 0, "ln -sf");
    CHECK_INTEGER(database_open(&linked.one, 3, &error), 0, "%s", error.text);
    CHECK_INTEGER(linked.one.openings, openings + 1, "another file");
    open_as(&linked.two, linked.other.path);
    CHECK_TEXT(linked.one.real_path, linked.two.real_path, "the other one");
    CHECK(lock_file_take(&linked.two.lock, LOCK_MONITOR), "with a lock file of its own");
    CHECK(!lock_file_take(&linked.one.lock, LOCK_MONITOR), "which both have");
    CHECK(unlink(linked.link) == 0, "rm");
    CHECK_INTEGER(database_open(&linked.one, 4, &error), ERR_NOTFOUND, "to nowhere");
    linked_release(&linked);
}

static void a_directory_that_was_renamed_is_followed(void)
{
    struct linked linked;
    struct error error = {0};
    char path[PLACE_PATH_MAX], before[PLACE_PATH_MAX], after[PLACE_PATH_MAX];
    linked_init(&linked);
    place_name(&linked.other, "before", before);
    place_name(&linked.other, "after", after);
    CHECK(unlink(linked.link) == 0 && symlink(linked.place.directory, before) == 0, "ln -s");
    place_name(&linked.other, "before/sticky.sqlite", path);
    open_as(&linked.one, path);
    CHECK(rename(before, after) == 0, "mv");
    CHECK_INTEGER(database_open(&linked.one, 2, &error), ERR_NOTFOUND, "not by this path");
    CHECK(rename(after, before) == 0, "mv");
    error = (struct error){0};
    CHECK_INTEGER(database_open(&linked.one, 3, &error), 0, "%s", error.text);
    CHECK(unlink(before) == 0, "rm");
    linked_release(&linked);
}

static void a_foreign_file_gets_no_lock_file(void)
{
    struct place place;
    struct database database = {.path = NULL};
    struct error error = {0};
    place_init(&place);
    place_run(&place, "PRAGMA application_id = 1");
    CHECK_INTEGER(database_init(&database, place.path, 40), 0, "database_init");
    CHECK_INTEGER(database_open(&database, 1, &error), ERR_FOREIGN, "%s", error.text);
    CHECK(!exists(&place, "sticky.sqlite-lock"), "it is not ours");
    database_release(&database);
    place_release(&place);
}

static void a_database_without_a_log_gets_one(void)
{
    struct place place;
    struct database database;
    place_init(&place);
    place_run(&place, "PRAGMA journal_mode = DELETE; SELECT count(*) FROM pool");
    place_close_shell(&place);
    open_as(&database, place.path);
    CHECK(database.log && database.wal_index.headers, "a log and a wal-index");
    place_open_shell(&place);
    CHECK(place_number(&place, "SELECT count(*) FROM pragma_journal_mode"
                               " WHERE journal_mode = 'wal'") == 1,
          "for everybody");
    database_release(&database);
    place_release(&place);
}

static void while_others_use_it_without_a_log_it_is_served_as_well(void)
{
    struct place place;
    struct database database;
    struct error error = {0};
    place_init(&place);
    place_run(&place, "PRAGMA journal_mode = DELETE; BEGIN; SELECT count(*) FROM pool");
    open_as(&database, place.path);
    CHECK(!database.log && database.wal_index.headers == NULL, "it has no wal-index");
    CHECK(wal_index_moved(&database.wal_index), "so it counts as moved");
    CHECK_INTEGER(database_check(&database, 0, 10, &error), 0, "nothing to be looked after");
    CHECK(!exists(&place, "sticky.sqlite-shm"), "and none was made");
    place_run(&place, "COMMIT");
    CHECK_INTEGER(database_open(&database, 100, &error), 0, "%s", error.text);
    CHECK(!database.log, "not at once");
    CHECK_INTEGER(database_open(&database, 2000, &error), 0, "%s", error.text);
    CHECK(database.log, "but soon");
    database_release(&database);
    place_release(&place);
}

/* Leaves a lock file, so that the second one meets what the first one left. */
static void a_damaged_database_is_reported_and_tried_again(void)
{
    struct place place;
    struct database database;
    struct error error = {0};
    place_init(&place);
    open_as(&database, place.path);
    database_close(&database);
    place_run(&place, "PRAGMA wal_checkpoint(TRUNCATE)");
    place_close_shell(&place);
    place_write(&place, "sticky.sqlite", "this is no database at all");
    for (int i = 0; i < 3; i++) {
        CHECK_INTEGER(database_open(&database, 10 + i, &error), ERR_FOREIGN, "try %d", i);
        CHECK(strstr(error.text, "not a pdns-sticky database"), "%s", error.text);
        error = (struct error){0};
    }
    database_release(&database);
    place_release(&place);
}

static const CU_TestInfo tests[] = {
    {"what lies beside the file is found through a link",
     what_lies_beside_the_file_is_found_through_a_link},
    {"damage is noticed through a link", damage_is_noticed_through_a_link},
    {"a link that leads elsewhere is another file", a_link_that_leads_elsewhere_is_another_file},
    {"a directory that was renamed is followed", a_directory_that_was_renamed_is_followed},
    {"a foreign file gets no lock file", a_foreign_file_gets_no_lock_file},
    {"a database without a log gets one", a_database_without_a_log_gets_one},
    {"while others use it, without a log it is served as well",
     while_others_use_it_without_a_log_it_is_served_as_well},
    {"a damaged database is reported and tried again",
     a_damaged_database_is_reported_and_tried_again},
    CU_TEST_INFO_NULL,
};

const struct suite suite_database = {"database", tests};
