#include "program/daemon/monitor_database.h"

#include <string.h>

#include "fixture.h"
#include "store/monitoring.h"
#include "suites.h"
#include "system/clock.h"

/* A database on a database of one server with a monitor, and an engine that checks nothing. */
struct desk {
    struct place place;
    struct monitor_database *database;
    struct watch *watch;
    int news;
};

static int start_nothing(void *context, const struct check *check,
                         void (*done)(void *context, const struct check_result *result),
                         void *done_context, struct probe **ret_probe)
{
    (void)context, (void)check, (void)done, (void)done_context, (void)ret_probe;
    return ERR_NOMEM;
}

static const char *refuse_nothing(void *context, const struct monitor *monitor,
                                  struct error *ret_error)
{
    (void)context, (void)monitor, (void)ret_error;
    return NULL;
}

static int write_rows(void *context, const struct verdict_row *rows, size_t count,
                      const struct target_key *ended, size_t ended_count)
{
    struct desk *desk = context;
    struct error error = {0};
    return monitor_database_write(desk->database, rows, count, ended, ended_count, &error);
}

static void count_news(void *context)
{
    struct desk *desk = context;
    desk->news++;
}

static void say_nothing(void *context, bool alarm, const char *text)
{
    (void)context, (void)alarm, (void)text;
}

static void desk_begin(struct desk *desk)
{
    const struct watch_callbacks callbacks = {.monotonic_ms = clock_monotonic_ms,
                                              .unix_s = clock_unix_s,
                                              .start = start_nothing,
                                              .refusal = refuse_nothing,
                                              .write = write_rows,
                                              .urgent = count_news,
                                              .log = say_nothing,
                                              .context = desk};
    *desk = (struct desk){.news = 0};
    place_init(&desk->place);
    place_run(&desk->place,
              "INSERT INTO monitor (id, name, type) VALUES (1, 'tcp', 'tcp');"
              "INSERT INTO controller (id, name) VALUES (1, 'ams');"
              "INSERT INTO pool (id, name, monitor_id) VALUES (1, 'web', 1);"
              "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, port)"
              " VALUES (1, 1, 1, 1, '192.0.2.1', 80), (2, 1, 1, 2, '192.0.2.2', 80);"
              "INSERT INTO virtual_server_verdict"
              " (virtual_server_id, state, reason, since, checked_at) VALUES"
              " (1, 'down', 'timeout', 1000, 2000), (2, 'up', 'ok', 1000, 2000)");
    CHECK_INTEGER(watch_new(&callbacks, &desk->watch), 0, "watch_new");
    CHECK_INTEGER(monitor_database_new(desk->place.path, &desk->database), 0,
                  "monitor_database_new");
    monitor_database_attach(desk->database, desk->watch);
}

static void desk_end(struct desk *desk)
{
    watch_free(desk->watch);
    monitor_database_free(desk->database);
    place_release(&desk->place);
}

static int follow(struct desk *desk)
{
    struct error error = {0};
    int code = monitor_database_refresh(desk->database, &error);
    CHECK((code == 0) == (error.code == 0), "%s", error.text);
    return code;
}

static void check_counts(struct desk *desk, size_t targets, size_t up, size_t down,
                         const char *when)
{
    struct watch_counts counts = watch_count(desk->watch);
    CHECK(counts.targets == targets && counts.up == up && counts.down == down,
          "%s: %zu targets, %zu up, %zu down", when, counts.targets, counts.up, counts.down);
}

static void the_engine_gets_targets_and_verdicts(void)
{
    struct desk desk;
    desk_begin(&desk);
    CHECK_INTEGER(follow(&desk), 0, "first");
    check_counts(&desk, 2, 1, 1, "as stored");
    CHECK(!watch_has_pending(desk.watch), "nothing is new");
    place_run(&desk.place, "UPDATE virtual_server SET monitor_id = 1 WHERE id = 1;"
                           "UPDATE pool SET monitor_id = NULL");
    CHECK_INTEGER(follow(&desk), 0, "changed");
    check_counts(&desk, 1, 0, 1, "one is gone");
    CHECK(desk.news > 0 && watch_has_urgent(desk.watch), "its end is to be written");
    CHECK_INTEGER(watch_flush(desk.watch, false), 0, "flush");
    CHECK_INTEGER(place_number(&desk.place, "SELECT sum(virtual_server_id)"
                                            " FROM virtual_server_verdict"),
                  1, "it was");
    desk_end(&desk);
}

static void another_file_gets_the_verdicts_that_are_known(void)
{
    struct desk desk;
    struct place other;
    desk_begin(&desk);
    CHECK_INTEGER(follow(&desk), 0, "first");
    place_close_shell(&desk.place);
    place_open_shell(&desk.place);
    place_run(&desk.place, "DELETE FROM virtual_server_verdict");
    place_init(&other);
    place_close_shell(&other);
    place_run(&desk.place, "PRAGMA wal_checkpoint(TRUNCATE)");
    char copy[PLACE_PATH_MAX], sql[PLACE_PATH_MAX + 32];
    place_name(&desk.place, "copy", copy);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", copy);
    place_run(&desk.place, sql);
    place_close_shell(&desk.place);
    CHECK(rename(copy, desk.place.path) == 0, "another file");
    int code = ERR_IO;
    for (int64_t end_ms = clock_monotonic_ms() + 5000;
         code != 0 && clock_monotonic_ms() < end_ms;) {
        struct error error = {0};
        code = monitor_database_refresh(desk.database, &error);
    }
    CHECK_INTEGER(code, 0, "it is opened");
    CHECK(watch_has_urgent(desk.watch), "all is written again");
    CHECK_INTEGER(watch_flush(desk.watch, false), 0, "flush");
    place_open_shell(&desk.place);
    CHECK_INTEGER(place_number(&desk.place, "SELECT count(*) FROM virtual_server_verdict"), 2,
                  "verdicts");
    place_release(&other);
    desk_end(&desk);
}

static void a_second_database_is_refused(void)
{
    struct desk first, second;
    desk_begin(&first);
    desk_begin(&second);
    monitor_database_free(second.database);
    CHECK_INTEGER(monitor_database_new(first.place.path, &second.database), 0,
                  "monitor_database_new");
    monitor_database_attach(second.database, second.watch);
    CHECK_INTEGER(follow(&first), 0, "first");
    CHECK_INTEGER(follow(&second), ERR_BUSY, "second");
    check_counts(&second, 0, 0, 0, "second");
    desk_end(&first);
    desk_end(&second);
}

static void a_missing_file_is_no_end(void)
{
    struct desk desk;
    char path[PLACE_PATH_MAX];
    desk_begin(&desk);
    place_close_shell(&desk.place);
    place_name(&desk.place, "away", path);
    CHECK(rename(desk.place.path, path) == 0, "away");
    CHECK_INTEGER(follow(&desk), ERR_NOTFOUND, "missing");
    monitor_database_report(desk.database);
    CHECK(rename(path, desk.place.path) == 0, "back");
    CHECK_INTEGER(follow(&desk), 0, "there");
    check_counts(&desk, 2, 1, 1, "there");
    desk_end(&desk);
}

static void without_memory_it_is_tried_again(void)
{
    bool failed = true;
    size_t n = 1;
    for (; failed && n < 200; n++) {
        struct desk desk;
        struct error error = {0};
        desk_begin(&desk);
        memory_fail_at(n);
        int code = monitor_database_refresh(desk.database, &error);
        failed = memory_fail_end();
        CHECK(failed || code == 0, "allocation %zu: %s", n, error.text);
        desk_end(&desk);
    }
    CHECK(n > 10 && n < 200, "%zu allocations", n);
    for (n = 1; n <= 3; n++) {
        struct monitor_database *database = NULL;
        memory_fail_at(n);
        CHECK_INTEGER(monitor_database_new("/nonexistent", &database), ERR_NOMEM, "allocation %zu",
                      n);
        CHECK(memory_fail_end() && !database, "allocation %zu", n);
    }
    monitor_database_free(NULL);
}

static const CU_TestInfo tests[] = {
    {"the engine gets targets and verdicts", the_engine_gets_targets_and_verdicts},
    {"another file gets the verdicts that are known",
     another_file_gets_the_verdicts_that_are_known},
    {"a second database is refused", a_second_database_is_refused},
    {"a missing file is no end", a_missing_file_is_no_end},
    {"without memory it is tried again", without_memory_it_is_tried_again},
    CU_TEST_INFO_NULL,
};

const struct suite suite_monitor_database = {"monitor_database", tests};
