#include "system/lock_file.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

/* Two processes' views of one lock file. */
struct locks {
    struct place place;
    struct lock_file one, two;
};

static void locks_begin(struct locks *locks)
{
    struct stat status;
    *locks = (struct locks){.one = {.descriptor = -1}, .two = {.descriptor = -1}};
    place_init(&locks->place);
    CHECK(stat(locks->place.path, &status) == 0, "stat");
    CHECK_INTEGER(lock_file_open(&locks->one, locks->place.path, true, &status), 0, "one");
    CHECK_INTEGER(lock_file_open(&locks->two, locks->place.path, false, NULL), 0, "two");
}

static void locks_end(struct locks *locks)
{
    lock_file_close(&locks->one);
    lock_file_close(&locks->two);
    place_release(&locks->place);
}

static void a_lock_is_held_by_one_who_leaves_bytes_to_the_next(void)
{
    struct locks locks;
    char bytes[4] = "";
    locks_begin(&locks);
    CHECK(lock_file_take(&locks.one, LOCK_MAINTENANCE), "free");
    CHECK(!lock_file_take(&locks.two, LOCK_MAINTENANCE), "held");
    CHECK(!lock_file_read(&locks.one, 8, bytes, sizeof bytes), "nobody wrote yet");
    lock_file_write(&locks.one, 8, "abc", sizeof bytes);
    lock_file_give(&locks.one, LOCK_MAINTENANCE);
    CHECK(lock_file_take(&locks.two, LOCK_MAINTENANCE), "free again");
    CHECK(lock_file_read(&locks.two, 8, bytes, sizeof bytes), "all of them");
    CHECK_TEXT(bytes, "abc", "what the other one wrote");
    lock_file_close(&locks.two);
    CHECK(lock_file_take(&locks.one, LOCK_MAINTENANCE), "closing gives it back");
    lock_file_close(&locks.one);
    locks_end(&locks);
}

static void a_shared_lock_keeps_out_who_wants_it_alone(void)
{
    struct locks locks;
    struct lock_file three = {.descriptor = -1};
    locks_begin(&locks);
    CHECK_INTEGER(lock_file_open(&three, locks.place.path, false, NULL), 0, "three");
    CHECK(lock_file_take(&locks.one, LOCK_OPEN), "alone");
    CHECK(!lock_file_take_shared(&locks.two, LOCK_OPEN), "not beside that");
    CHECK(lock_file_take_shared(&locks.one, LOCK_OPEN), "shared from now on");
    CHECK(lock_file_take_shared(&locks.two, LOCK_OPEN), "with another one");
    CHECK(!lock_file_take(&three, LOCK_OPEN), "two have it");
    lock_file_give(&locks.one, LOCK_OPEN);
    CHECK(!lock_file_take(&three, LOCK_OPEN), "one has it");
    lock_file_close(&locks.two);
    CHECK(lock_file_take(&three, LOCK_OPEN), "nobody has it");
    lock_file_close(&three);
    locks_end(&locks);
}

static void a_file_is_made_only_where_that_is_wanted(void)
{
    struct place place;
    struct stat status;
    struct lock_file lock = {.descriptor = -1};
    char name[PLACE_PATH_MAX];
    place_init(&place);
    place_name(&place, "sticky.sqlite-lock", name);
    CHECK(stat(place.path, &status) == 0, "stat");
    CHECK(!lock_file_is_in_place(&lock, place.path), "not open");
    CHECK_INTEGER(lock_file_open(&lock, place.path, false, NULL), ERR_IO, "there is none");
    CHECK(access(name, F_OK) != 0, "and none was made");
    CHECK_INTEGER(lock_file_open(&lock, place.path, true, &status), 0, "made");
    CHECK(lock_file_is_in_place(&lock, place.path), "it is that one");
    CHECK(unlink(name) == 0, "rm");
    CHECK(!lock_file_is_in_place(&lock, place.path), "deleted");
    place_write(&place, "sticky.sqlite-lock", "");
    CHECK(!lock_file_is_in_place(&lock, place.path), "another one");
    lock_file_close(&lock);
    place_release(&place);
}

static void it_has_the_mode_of_the_database_whatever_the_umask(void)
{
    struct locks locks;
    struct stat status;
    char name[PLACE_PATH_MAX];
    mode_t before = umask(077);
    locks_begin(&locks);
    place_name(&locks.place, "sticky.sqlite-lock", name);
    lock_file_close(&locks.one);
    CHECK(unlink(name) == 0 && chmod(locks.place.path, 0660) == 0, "another mode");
    CHECK(stat(locks.place.path, &status) == 0, "stat");
    CHECK_INTEGER(lock_file_open(&locks.one, locks.place.path, true, &status), 0, "made");
    CHECK(stat(name, &status) == 0, "stat");
    CHECK_INTEGER(status.st_mode & 0777, 0660, "the mode");
    locks_end(&locks);
    umask(before);
}

static const CU_TestInfo tests[] = {
    {"a lock is held by one, who leaves bytes to the next",
     a_lock_is_held_by_one_who_leaves_bytes_to_the_next},
    {"a shared lock keeps out who wants it alone", a_shared_lock_keeps_out_who_wants_it_alone},
    {"a file is made only where that is wanted", a_file_is_made_only_where_that_is_wanted},
    {"it has the mode of the database, whatever the umask",
     it_has_the_mode_of_the_database_whatever_the_umask},
    CU_TEST_INFO_NULL,
};

const struct suite suite_lock_file = {"lock_file", tests};
