#include "program/answer/topology_loader.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/error.h"
#include "fixture.h"
#include "geo/locator.h"
#include "mmdb.h"
#include "suites.h"
#include "system/clock.h"

/* An loader of a database, and the store that tells how the database moves. */
struct map_room {
    struct place place;
    struct store *store;
    struct topology_loader *loader;
    struct log_queue log_queue;
    char file[PLACE_PATH_MAX];
};

static void map_room_init(struct map_room *room)
{
    *room = (struct map_room){.store = NULL};
    place_init(&room->place);
    place_name(&room->place, "places.mmdb", room->file);
    place_run(&room->place, "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra')");
    CHECK_INTEGER(store_new(room->place.path, &room->store), 0, "store_new");
    CHECK_INTEGER(topology_loader_new(room->place.path, &room->loader), 0, "topology_loader_new");
}

static void map_room_release(struct map_room *room)
{
    topology_loader_free(room->loader);
    store_free(room->store);
    place_release(&room->place);
}

/* As before a question, so many milliseconds from now. */
static void follow(struct map_room *room, int64_t later_ms)
{
    struct revision revision;
    struct error error = {0};
    int64_t now_ms = clock_monotonic_ms() + later_ms;
    if (CHECK_INTEGER(store_begin(room->store, now_ms, &revision, &error), 0, "%s", error.text))
        topology_loader_refresh(room->loader, &revision, now_ms, &room->log_queue);
    store_rest(room->store);
}

/* The same, and again until nothing is loaded any more: a busy machine may need longer than that.
 */
static void settle(struct map_room *room, int64_t later_ms)
{
    follow(room, later_ms);
    for (int i = 0; i < 2000 && topology_loader_is_loading(room->loader); i++) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        follow(room, later_ms);
    }
}

static void check_rows(const struct map_room *room, int64_t rows, const char *what)
{
    const struct topology *topology = topology_loader_topology(room->loader);
    CHECK_INTEGER(topology ? (int64_t)topology_row_count(topology) : -1, rows, "%s", what);
}

static void check_country(const struct map_room *room, const char *country, const char *what)
{
    const struct locator *locator = topology_loader_locator(room->loader);
    struct address address = address_of("192.0.2.1");
    struct location location = {.asn = 0};
    if (CHECK(locator != NULL, "%s", what))
        locator->locate(locator->context, &address, &location);
    CHECK_TEXT(location.country, country, "%s", what);
}

static void add_file(struct map_room *room)
{
    char sql[2 * PLACE_PATH_MAX];
    snprintf(sql, sizeof sql, "INSERT INTO geo_database VALUES ('%s')", room->file);
    place_run(&room->place, sql);
}

static void what_is_committed_counts_from_the_next_question_on(void)
{
    struct map_room room;
    map_room_init(&room);
    CHECK(!topology_loader_topology(room.loader) && !topology_loader_locator(room.loader),
          "nobody has asked");
    CHECK_TEXT(topology_loader_problem(room.loader, 0), NULL, "nobody has asked");
    settle(&room, 0);
    check_rows(&room, 0, "an empty table");
    for (int i = 1; i <= 20; i++) {
        char sql[128];
        snprintf(sql, sizeof sql,
                 "INSERT INTO topology (cidr, controller_id) VALUES ('192.0.%d.0/24', 1)", i);
        place_run(&room.place, sql);
        int64_t begun_ms = clock_monotonic_ms();
        follow(&room, TOPOLOGY_LOADER_PAUSE_MS * i); /* however long one of them took */
        /* It returns early only because all is loaded; on a busy machine it may not. */
        if (clock_monotonic_ms() - begun_ms < TOPOLOGY_LOADER_WAIT_MS)
            check_rows(&room, i, "at once");
        settle(&room, TOPOLOGY_LOADER_PAUSE_MS * i);
        check_rows(&room, i, "one more");
    }
    map_room_release(&room);
}

static void files_count_when_they_are_replaced(void)
{
    struct map_room room;
    map_room_init(&room);
    mmdb_write(room.file, "", "192.0.2.0/24 NL EU -\n");
    add_file(&room);
    settle(&room, 0);
    check_country(&room, "NL", "the first file");
    mmdb_write(room.file, "", "192.0.2.0/24 BE EU -\n");
    settle(&room, GEO_LOOK_MS);
    settle(&room, 3 * GEO_LOOK_MS);
    check_country(&room, "BE", "the second file");
    place_run(&room.place, "DELETE FROM geo_database");
    settle(&room, 6 * GEO_LOOK_MS);
    check_country(&room, "", "no file");
    map_room_release(&room);
}

static void what_is_wrong_is_told_until_it_is_mended(void)
{
    struct map_room room;
    char missing[2 * PLACE_PATH_MAX];
    map_room_init(&room);
    add_file(&room);
    place_run(&room.place, "INSERT INTO topology (id, cidr, controller_id)"
                           " VALUES (7, '1.2.3.400', 1), (8, '192.0.2.0/24', 1)");
    snprintf(missing, sizeof missing, "geo_database %s: No such file or directory", room.file);
    settle(&room, 0);
    check_rows(&room, 1, "the other row");
    CHECK_TEXT(topology_loader_problem(room.loader, 0),
               "topology 7: cidr is not an address or prefix", "row");
    CHECK_TEXT(topology_loader_problem(room.loader, 1), missing, "file");
    CHECK_TEXT(topology_loader_problem(room.loader, 2), NULL, "no more");
    CHECK_TEXT(log_queue_take(&room.log_queue), "topology 7: cidr is not an address or prefix",
               "log");
    CHECK_TEXT(log_queue_take(&room.log_queue), missing, "log");
    CHECK_TEXT(log_queue_take(&room.log_queue), NULL, "log");
    place_run(&room.place, "DELETE FROM topology WHERE id = 7");
    settle(&room, TOPOLOGY_LOADER_PAUSE_MS);
    CHECK_TEXT(topology_loader_problem(room.loader, 0), missing, "file");
    CHECK_TEXT(log_queue_take(&room.log_queue), NULL, "said already");
    mmdb_write(room.file, "", "192.0.2.0/24 NL EU -\n");
    settle(&room, 3 * TOPOLOGY_LOADER_PAUSE_MS);
    CHECK_TEXT(topology_loader_problem(room.loader, 0), NULL, "mended");
    check_country(&room, "NL", "mended");
    map_room_release(&room);
}

static void what_cannot_be_loaded_leaves_what_was(void)
{
    struct map_room room;
    map_room_init(&room);
    place_run(&room.place, "INSERT INTO topology (cidr, controller_id) VALUES ('192.0.2.0/24', 1)");
    settle(&room, 0);
    check_rows(&room, 1, "before");
    place_run(&room.place, "UPDATE revision SET topology = topology + 1;"
                           "ALTER TABLE geo_database RENAME TO somewhere_else");
    int64_t failed_ms = clock_monotonic_ms(); /* it fails now or later */
    settle(&room, TOPOLOGY_LOADER_PAUSE_MS);
    check_rows(&room, 1, "what was");
    CHECK(topology_loader_problem(room.loader, 0) != NULL &&
              topology_loader_problem(room.loader, 1) == NULL,
          "told");
    CHECK(log_queue_take(&room.log_queue) != NULL, "logged");
    place_run(&room.place, "ALTER TABLE somewhere_else RENAME TO geo_database;"
                           "INSERT INTO topology (cidr, controller_id) VALUES ('192.0.3.0/24', 1)");
    settle(&room, 0);
    if (clock_monotonic_ms() - failed_ms < TOPOLOGY_LOADER_PAUSE_MS)
        check_rows(&room, 1, "not tried again so soon");
    settle(&room, 3 * TOPOLOGY_LOADER_PAUSE_MS);
    check_rows(&room, 2, "mended");
    CHECK_TEXT(topology_loader_problem(room.loader, 0), NULL, "mended");
    map_room_release(&room);
}

/* Many rows at once, without the triggers that would count each. */
static void add_many(struct map_room *room)
{
    place_run(&room->place,
              "DROP TRIGGER topology_insert; DROP TRIGGER revision_topology_insert;"
              "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)"
              " INSERT INTO topology (cidr, controller_id)"
              " SELECT (1 + i / 65536) || '.' || (i / 256 % 256) || '.' || (i % 256) || '.0/24', 2"
              " FROM n;"
              "UPDATE revision SET topology = topology + 1");
}

static void many_rows_are_waited_for_the_first_time_alone(void)
{
    struct map_room room;
    map_room_init(&room);
    settle(&room, 0);
    add_many(&room);
    follow(&room, TOPOLOGY_LOADER_PAUSE_MS);
    check_rows(&room, 0, "the old one serves on");
    settle(&room, TOPOLOGY_LOADER_PAUSE_MS);
    check_rows(&room, 100000, "the new one is ready");
    place_run(&room.place, "DELETE FROM topology WHERE id = 1");
    follow(&room, 0);
    check_rows(&room, 100000, "not so soon again");
    topology_loader_free(room.loader);
    CHECK_INTEGER(topology_loader_new(room.place.path, &room.loader), 0, "topology_loader_new");
    settle(&room, 0);
    check_rows(&room, 99999, "waited for");
    map_room_release(&room);
}

static void a_loader_can_end_while_it_loads(void)
{
    struct map_room room;
    map_room_init(&room);
    settle(&room, 0);
    add_many(&room);
    follow(&room, TOPOLOGY_LOADER_PAUSE_MS);
    CHECK(topology_loader_is_loading(room.loader), "it loads");
    map_room_release(&room);
    topology_loader_free(NULL);
}

/* A new loader, of which the n-th allocation fails, and the same later. Says whether it failed. */
static bool follow_without(struct map_room *room, size_t n)
{
    struct revision revision;
    struct error error = {0};
    int64_t now_ms = clock_monotonic_ms();
    room->loader = NULL;
    CHECK_INTEGER(store_begin(room->store, now_ms, &revision, &error), 0, "%s", error.text);
    memory_fail_at(n);
    int code = topology_loader_new(room->place.path, &room->loader);
    if (code == 0)
        topology_loader_refresh(room->loader, &revision, now_ms, &room->log_queue);
    bool failed = memory_fail_end();
    CHECK_INTEGER(code, room->loader ? 0 : ERR_NOMEM, "allocation %zu", n);
    if (room->loader) {
        settle(room, 3 * TOPOLOGY_LOADER_PAUSE_MS);
        settle(room, 6 * TOPOLOGY_LOADER_PAUSE_MS);
        check_rows(room, 1, "later");
        check_country(room, "NL", "later");
    }
    topology_loader_free(room->loader);
    return failed;
}

static void without_memory_it_is_tried_again(void)
{
    struct map_room room;
    size_t n = 1;
    map_room_init(&room);
    topology_loader_free(room.loader);
    mmdb_write(room.file, "", "192.0.2.0/24 NL EU -\n");
    add_file(&room);
    place_run(&room.place, "INSERT INTO topology (cidr, controller_id) VALUES ('192.0.2.0/24', 1)");
    while (follow_without(&room, n))
        n++;
    CHECK(n > 10, "%zu allocations", n);
    room.loader = NULL;
    map_room_release(&room);
}

static const CU_TestInfo tests[] = {
    {"what is committed counts from the next question on",
     what_is_committed_counts_from_the_next_question_on},
    {"files count when they are replaced", files_count_when_they_are_replaced},
    {"what is wrong is told until it is mended", what_is_wrong_is_told_until_it_is_mended},
    {"what cannot be loaded leaves what was", what_cannot_be_loaded_leaves_what_was},
    {"many rows are waited for the first time alone",
     many_rows_are_waited_for_the_first_time_alone},
    {"a loader can end while it loads", a_loader_can_end_while_it_loads},
    {"without memory it is tried again", without_memory_it_is_tried_again},
    CU_TEST_INFO_NULL,
};

const struct suite suite_topology_loader = {"topology_loader", tests};
