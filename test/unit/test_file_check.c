#include "store/sqlite/file_check.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

#define NOW_MS 1000000

/* Files as SQLite keeps them; their content matters to nobody here. */
#define LOG_BYTES 8000
#define INDEX_BYTES 32768

/* What two processes have of one database. */
struct pair {
    struct place place;
    struct stat database;
    char log[PLACE_PATH_MAX], index[PLACE_PATH_MAX];
    struct watcher {
        struct file_check check;
        struct lock_file lock;
    } one, two;
};

static void make_file(const char *path, off_t bytes)
{
    FILE *file = fopen(path, "w");
    if (CHECK(file != NULL, "%s", path))
        fclose(file);
    CHECK(truncate(path, bytes) == 0, "%s", path);
}

/* The files lie beside a name that no database has, so that SQLite has nothing to do with them. */
static void pair_init(struct pair *pair)
{
    *pair = (struct pair){.one.lock.descriptor = -1, .two.lock.descriptor = -1};
    place_init(&pair->place);
    place_run(&pair->place, "PRAGMA wal_checkpoint(TRUNCATE)"); /* its wal-index asks for no log */
    CHECK(stat(pair->place.path, &pair->database) == 0, "%s", pair->place.path);
    place_name(&pair->place, "other", pair->place.path);
    place_name(&pair->place, "other-wal", pair->log);
    place_name(&pair->place, "other-shm", pair->index);
    make_file(pair->log, LOG_BYTES);
    make_file(pair->index, INDEX_BYTES);
    CHECK_INTEGER(lock_file_open(&pair->one.lock, pair->place.path, true, &pair->database), 0,
                  "one");
    CHECK_INTEGER(lock_file_open(&pair->two.lock, pair->place.path, false, NULL), 0, "two");
}

static void pair_release(struct pair *pair)
{
    lock_file_close(&pair->one.lock);
    lock_file_close(&pair->two.lock);
    place_release(&pair->place);
}

/* Opens the database; says whether that could be done. */
static bool opens(struct pair *pair, struct watcher *watcher, int64_t now_ms)
{
    struct error error = {0};
    int code =
        file_check_join(&watcher->check, &watcher->lock, pair->place.path, 0, now_ms, &error);
    if (code == 0)
        code = file_check_begin(&watcher->check, &watcher->lock, pair->place.path, &pair->database,
                                pair->place.shell, now_ms, &error);
    if (code == 0)
        return true;
    CHECK_INTEGER(code, ERR_IO, "%s", error.text);
    CHECK(strstr(error.text, "-wal"), "%s", error.text);
    file_check_leave(&watcher->check, &watcher->lock);
    return false;
}

static void closes(struct watcher *watcher)
{
    file_check_leave(&watcher->check, &watcher->lock);
}

static bool passes(struct pair *pair, struct watcher *watcher, int64_t now_ms)
{
    return file_check_passes(&watcher->check, &watcher->lock, pair->place.path, 0, now_ms);
}

/* ---------------------------------------------------------------- what is damage */

static void replace(const char *path)
{
    char aside[PLACE_PATH_MAX + 8];
    struct stat status;
    CHECK(stat(path, &status) == 0, "%s", path);
    snprintf(aside, sizeof aside, "%s.new", path);
    make_file(aside, status.st_size);
    CHECK(rename(aside, path) == 0, "%s", path);
}

static void delete(const char *path)
{
    CHECK(unlink(path) == 0, "%s", path);
}

static void empty(const char *path)
{
    CHECK(truncate(path, 0) == 0, "%s", path);
}

static void shorten(const char *path)
{
    CHECK(truncate(path, 4000) == 0, "%s", path);
}

static void lengthen(const char *path)
{
    CHECK(truncate(path, 100000) == 0, "%s", path);
}

static void rewrite(const char *path)
{
    FILE *file = fopen(path, "r+");
    if (CHECK(file != NULL, "%s", path)) {
        fputs("as SQLite does", file);
        fclose(file);
    }
}

static void files_that_were_deleted_replaced_or_truncated_do_not_pass(void)
{
    static const struct {
        void (*change)(const char *path);
        const char *what;
        bool passes;
    } rows[] = {{delete, "deleted", false}, {replace, "replaced", false},
                {empty, "emptied", false},  {shorten, "shortened", false},
                {lengthen, "longer", true}, {rewrite, "written to", true}};
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        struct pair pair;
        pair_init(&pair);
        CHECK(opens(&pair, &pair.one, NOW_MS), "opened");
        CHECK(passes(&pair, &pair.one, NOW_MS), "as it was");
        rows[i / 2].change(i % 2 ? pair.log : pair.index);
        CHECK(passes(&pair, &pair.one, NOW_MS) == rows[i / 2].passes, "%s %s",
              i % 2 ? "log" : "index", rows[i / 2].what);
        pair_release(&pair);
    }
}

static void the_files_are_looked_at_now_and_then_or_when_it_matters(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "opened");
    CHECK(passes(&pair, &pair.one, NOW_MS), "as it was");
    delete (pair.log);
    struct watcher *one = &pair.one;
    CHECK(file_check_passes(&one->check, &one->lock, pair.place.path, 5, NOW_MS + 4),
          "that was four milliseconds ago");
    CHECK(!file_check_passes(&one->check, &one->lock, pair.place.path, 5, NOW_MS + 5), "and five");
    pair_release(&pair);
}

static void a_checkpoint_that_empties_the_log_is_no_damage(void)
{
    bool tested = wal_index_is_tested(sqlite3_libversion_number());
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "opened");
    file_check_announce(&pair.two.lock);
    empty(pair.log);
    CHECK(passes(&pair, &pair.one, NOW_MS), "one of ours, announced");
    make_file(pair.log, LOG_BYTES);
    CHECK(passes(&pair, &pair.one, NOW_MS), "it grows");
    place_run(&pair.place, "CREATE TABLE filler (id INTEGER);"
                           "PRAGMA wal_checkpoint(TRUNCATE)"); /* the wal-index changes */
    empty(pair.log);
    CHECK(passes(&pair, &pair.one, NOW_MS) == tested, "one of a shell, told by the wal-index");
    pair_release(&pair);
}

/* Commits change the wal-index all the time, so a change alone does not tell of a checkpoint. */
static void a_log_that_is_shorter_than_the_wal_index_says_does_not_pass(void)
{
    bool tested = wal_index_is_tested(sqlite3_libversion_number());
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "opened");
    place_run(&pair.place, "CREATE TABLE filler (id INTEGER)");
    empty(pair.log);
    CHECK(passes(&pair, &pair.one, NOW_MS) != tested, "a commit, and then it was emptied");
    pair_release(&pair);
}

static void another_lock_file_does_not_pass(void)
{
    struct pair pair;
    char name[PLACE_PATH_MAX];
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "opened");
    place_name(&pair.place, "other-lock", name);
    CHECK(passes(&pair, &pair.one, NOW_MS), "as it was");
    replace(name);
    CHECK(!passes(&pair, &pair.one, NOW_MS + 1000), "it keeps nobody apart any more");
    pair_release(&pair);
}

/* ---------------------------------------------------------------- all together */

static void it_is_opened_again_when_all_have_closed_it(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS) && opens(&pair, &pair.two, NOW_MS), "opened by two");
    replace(pair.log);
    CHECK(!passes(&pair, &pair.one, NOW_MS), "one sees it");
    closes(&pair.one);
    CHECK(!opens(&pair, &pair.one, NOW_MS + 1), "the other one has it open");
    make_file(pair.log, LOG_BYTES);
    CHECK(!passes(&pair, &pair.two, NOW_MS + 2), "the other one is told");
    CHECK(!opens(&pair, &pair.one, NOW_MS + 3), "it has it open still");
    closes(&pair.two);
    CHECK(opens(&pair, &pair.two, NOW_MS + 4), "nobody has");
    CHECK(opens(&pair, &pair.one, NOW_MS + 5), "so all may");
    CHECK(passes(&pair, &pair.one, NOW_MS + 6) && passes(&pair, &pair.two, NOW_MS + 6), "at rest");
    pair_release(&pair);
}

static void who_finds_the_same_damage_does_not_start_it_again(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS) && opens(&pair, &pair.two, NOW_MS), "opened by two");
    delete (pair.index);
    CHECK(!passes(&pair, &pair.one, NOW_MS) && !passes(&pair, &pair.two, NOW_MS), "both see it");
    closes(&pair.one);
    closes(&pair.two);
    make_file(pair.index, INDEX_BYTES);
    CHECK(opens(&pair, &pair.one, NOW_MS + 1), "one");
    CHECK(opens(&pair, &pair.two, NOW_MS + 1), "two");
    CHECK(passes(&pair, &pair.one, NOW_MS + 10), "once was enough");
    pair_release(&pair);
}

static void one_that_is_stopped_is_waited_for_only_so_long(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS) && opens(&pair, &pair.two, NOW_MS), "opened by two");
    replace(pair.log);
    CHECK(!passes(&pair, &pair.one, NOW_MS), "one sees it");
    closes(&pair.one);
    CHECK(!opens(&pair, &pair.one, NOW_MS + FILE_CHECK_WAIT_MS - 1), "it waits");
    CHECK(opens(&pair, &pair.one, NOW_MS + FILE_CHECK_WAIT_MS), "long enough");
    CHECK(!passes(&pair, &pair.two, NOW_MS + 60000), "when it goes on, it has to open it again");
    closes(&pair.two);
    CHECK(opens(&pair, &pair.two, NOW_MS + 60000), "as the others did");
    pair_release(&pair);
}

/* They have looked at the clock, and then waited for a processor. */
static void who_has_an_older_time_than_the_others_waits_for_them_too(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS) && opens(&pair, &pair.two, NOW_MS), "opened by two");
    replace(pair.index);
    CHECK(!passes(&pair, &pair.one, NOW_MS + 5), "one sees it");
    closes(&pair.one);
    CHECK(!opens(&pair, &pair.one, NOW_MS + 4), "the other one has it open");
    CHECK(!passes(&pair, &pair.two, NOW_MS + 3), "the other one is told");
    closes(&pair.two);
    CHECK(opens(&pair, &pair.one, NOW_MS + 2) && opens(&pair, &pair.two, NOW_MS + 1), "again");
    file_check_suspect(&pair.one.check);
    CHECK(!passes(&pair, &pair.one, NOW_MS + 20), "damage is found");
    closes(&pair.one);
    closes(&pair.two);
    CHECK(opens(&pair, &pair.one, NOW_MS + 19), "once more");
    file_check_suspect(&pair.one.check);
    CHECK(passes(&pair, &pair.one, NOW_MS + 19), "it was tried already");
    pair_release(&pair);
}

static void a_time_of_an_earlier_start_of_the_machine_counts_as_long_ago(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS) && opens(&pair, &pair.two, NOW_MS), "opened by two");
    replace(pair.log);
    CHECK(!passes(&pair, &pair.one, NOW_MS), "one sees it");
    closes(&pair.one);
    CHECK(opens(&pair, &pair.one, NOW_MS - FILE_CHECK_WAIT_MS), "nobody waits");
    pair_release(&pair);
}

static void a_newcomer_with_other_files_tells_the_others(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "one");
    replace(pair.index); /* one has not looked since */
    CHECK(!opens(&pair, &pair.two, NOW_MS + 1), "the newcomer has another file");
    CHECK(!passes(&pair, &pair.one, NOW_MS + 2), "one is told");
    closes(&pair.one);
    CHECK(opens(&pair, &pair.two, NOW_MS + 3), "opened");
    pair_release(&pair);
}

static void files_of_another_database_are_no_damage(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "one");
    replace(pair.index);
    replace(pair.log);
    pair.database.st_ino++; /* it was replaced, with what lies beside it */
    CHECK(opens(&pair, &pair.two, NOW_MS + 1), "two has the new one");
    CHECK(passes(&pair, &pair.two, NOW_MS + 2), "and is at rest");
    pair_release(&pair);
}

static void a_process_without_a_lock_file_waits_for_a_while(void)
{
    struct pair pair;
    pair_init(&pair);
    lock_file_close(&pair.one.lock);
    CHECK(opens(&pair, &pair.one, NOW_MS), "one");
    replace(pair.log);
    CHECK(!passes(&pair, &pair.one, NOW_MS), "it sees it");
    closes(&pair.one);
    CHECK(!opens(&pair, &pair.one, NOW_MS + FILE_CHECK_BLIND_MS - 1), "it waits");
    CHECK(opens(&pair, &pair.one, NOW_MS + FILE_CHECK_BLIND_MS), "long enough");
    pair_release(&pair);
}

static void a_lock_file_that_was_emptied_is_written_anew(void)
{
    struct pair pair;
    char name[PLACE_PATH_MAX];
    pair_init(&pair);
    place_name(&pair.place, "other-lock", name);
    CHECK(opens(&pair, &pair.one, NOW_MS), "one");
    empty(name);
    CHECK(passes(&pair, &pair.one, NOW_MS + 1), "nothing was called for");
    CHECK(opens(&pair, &pair.two, NOW_MS + 2), "two");
    CHECK(passes(&pair, &pair.two, NOW_MS + 3), "at rest");
    pair_release(&pair);
}

/* ---------------------------------------------------------------- suspicion */

static void suspicion_counts_once_in_a_while(void)
{
    struct pair pair;
    pair_init(&pair);
    CHECK(opens(&pair, &pair.one, NOW_MS), "one");
    file_check_suspect(&pair.one.check);
    CHECK(!passes(&pair, &pair.one, NOW_MS), "it read something that cannot be");
    closes(&pair.one);
    CHECK(opens(&pair, &pair.one, NOW_MS + 1) && opens(&pair, &pair.two, NOW_MS + 1), "again");
    file_check_suspect(&pair.two.check);
    CHECK(passes(&pair, &pair.two, NOW_MS + 2), "once more: it is the database, then");
    file_check_suspect(&pair.two.check);
    CHECK(!passes(&pair, &pair.two, NOW_MS + FILE_CHECK_SUSPICION_MS), "long after");
    pair_release(&pair);
}

static const CU_TestInfo tests[] = {
    {"files that were deleted, replaced or truncated do not pass",
     files_that_were_deleted_replaced_or_truncated_do_not_pass},
    {"the files are looked at now and then, or when it matters",
     the_files_are_looked_at_now_and_then_or_when_it_matters},
    {"a checkpoint that empties the log is no damage",
     a_checkpoint_that_empties_the_log_is_no_damage},
    {"a log that is shorter than the wal-index says does not pass",
     a_log_that_is_shorter_than_the_wal_index_says_does_not_pass},
    {"another lock file does not pass", another_lock_file_does_not_pass},
    {"it is opened again when all have closed it", it_is_opened_again_when_all_have_closed_it},
    {"who finds the same damage does not start it again",
     who_finds_the_same_damage_does_not_start_it_again},
    {"one that is stopped is waited for only so long",
     one_that_is_stopped_is_waited_for_only_so_long},
    {"who has an older time than the others waits for them too",
     who_has_an_older_time_than_the_others_waits_for_them_too},
    {"a time of an earlier start of the machine counts as long ago",
     a_time_of_an_earlier_start_of_the_machine_counts_as_long_ago},
    {"a newcomer with other files tells the others", a_newcomer_with_other_files_tells_the_others},
    {"files of another database are no damage", files_of_another_database_are_no_damage},
    {"a process without a lock file waits for a while",
     a_process_without_a_lock_file_waits_for_a_while},
    {"a lock file that was emptied is written anew", a_lock_file_that_was_emptied_is_written_anew},
    {"suspicion counts once in a while", suspicion_counts_once_in_a_while},
    CU_TEST_INFO_NULL,
};

const struct suite suite_file_check = {"file_check", tests};
