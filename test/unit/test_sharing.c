#include "store/sharing/sharing.h"
#include "store/sharing/sharing_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "store/sharing_view.h"
#include "suites.h"

#define NOW_S INT64_C(1700000000)
#define NOW_MS (NOW_S * 1000)

/* The n-th decision of some that were made a second ago. */
#define DECIDED(n) ((NOW_MS - 1000) * ENTRY_TICKS + (n))

#define ROOM 700

/* A database with the pools "mail" and "web" and the controllers "ams" and "fra". */
struct desk {
    struct place place;
    struct sharing *sharing;
    struct shared_rows rows;
};

static void load(struct desk *desk, struct share_setup *ret_setup)
{
    struct error error = {0};
    CHECK_INTEGER(sharing_load(desk->sharing, ret_setup, &error), 0, "%s", error.text);
}

/* Another order of the pools gives other ids. */
static void desk_init(struct desk *desk, const char *first_pool, const char *second_pool)
{
    char sql[256];
    struct share_setup setup;
    place_init(&desk->place);
    snprintf(sql, sizeof sql,
             "INSERT INTO pool (name) VALUES ('%s'), ('%s');"
             "INSERT INTO controller (name) VALUES ('ams'), ('fra');"
             "INSERT INTO peer VALUES (2, 'ns2', 'nats://192.0.2.2:4222');",
             first_pool, second_pool);
    place_run(&desk->place, sql);
    CHECK_INTEGER(sharing_new(desk->place.path, &desk->sharing), 0, "sharing_new");
    desk->rows =
        (struct shared_rows){.rows = calloc(ROOM, sizeof *desk->rows.rows), .capacity = ROOM};
    load(desk, &setup);
}

static void desk_release(struct desk *desk)
{
    sharing_free(desk->sharing);
    free(desk->rows.rows);
    place_release(&desk->place);
}

static int64_t count_rows(struct desk *desk, const char *table, const char *condition)
{
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE %s", table, condition);
    return place_number(&desk->place, sql);
}

/* A mapping that was made now and lasts an hour; without a controller, that it was deleted. */
static struct shared_row row_of(const char *pool, const char *key, int64_t decided,
                                const char *controller)
{
    struct shared_row row = {.entry = {.decided = decided,
                                       .origin = 2,
                                       .gone = !controller,
                                       .timestamp_s = NOW_S,
                                       .ttl_s = 3600}};
    snprintf(row.pool, sizeof row.pool, "%s", pool);
    snprintf(row.key, sizeof row.key, "%s", key);
    snprintf(row.entry.controller, sizeof row.entry.controller, "%s", controller ? controller : "");
    snprintf(row.entry.method, sizeof row.entry.method, "%s", controller ? "modulus" : "");
    return row;
}

static int apply(struct desk *desk, struct shared_row *rows, size_t count,
                 const struct share_cursor *cursor, struct share_counts *counts)
{
    struct error error = {0};
    struct share_delivery told = {.rows = rows, .count = count, .cursor = cursor, .counts = counts};
    int code = sharing_apply(desk->sharing, &told, 1, NOW_MS, &error);
    CHECK_INTEGER(error.code, code, "%s", error.text);
    CHECK(told.written == (code == 0), "code %d", code);
    return code;
}

static struct share_counts apply_one(struct desk *desk, struct shared_row row)
{
    struct share_counts counts = {0};
    CHECK_INTEGER(apply(desk, &row, 1, NULL, &counts), 0, "%s %s", row.pool, row.key);
    return counts;
}

/* ---------------------------------------------------------------- what is set up */

static void what_is_set_up_is_read(void)
{
    struct desk desk;
    struct share_setup setup;
    desk_init(&desk, "mail", "web");
    load(&desk, &setup);
    CHECK_INTEGER(setup.node, 0, "nothing is shared");
    CHECK_TEXT(setup.ca, "", "NULL");
    place_run(&desk.place, "UPDATE share SET node = 7, name = 'ns7', url = 'tls://a:1', ca = '/b',"
                           " certificate = '/c', key = '/d', incarnation = 8, batch = 9;"
                           "INSERT INTO peer VALUES (1, 'ns1', 'tls://e:1');"
                           "UPDATE setting SET value = 55 WHERE name = 'share_skew'");
    load(&desk, &setup);
    CHECK_INTEGER(setup.node, 7, "node");
    CHECK_TEXT(setup.name, "ns7", "name");
    CHECK_TEXT(setup.url, "tls://a:1", "url");
    CHECK_TEXT(setup.ca, "/b", "ca");
    CHECK_TEXT(setup.certificate, "/c", "certificate");
    CHECK_TEXT(setup.key, "/d", "key");
    CHECK_INTEGER(setup.settings.share_skew_s, 55, "setting");
    CHECK_INTEGER((int64_t)setup.peer_count, 2, "peers");
    CHECK_INTEGER(setup.peers[0].node, 1, "peer.node");
    CHECK_TEXT(setup.peers[0].name, "ns1", "peer.name");
    CHECK_TEXT(setup.peers[0].url, "tls://e:1", "peer.url");
    CHECK_TEXT(setup.peers[1].name, "ns2", "the other peer");
    desk_release(&desk);
}

static void another_file_gets_another_incarnation(void)
{
    struct desk desk;
    struct share_setup first, again, copy;
    struct error error = {0};
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "UPDATE share SET node = 1, incarnation = 8, batch = 9");
    load(&desk, &first);
    CHECK(first.incarnation != 8 && first.batch == 0, "the first time");
    CHECK_INTEGER(sharing_forget_changes(desk.sharing, 0, 4, &error), 0, "%s", error.text);
    load(&desk, &again);
    CHECK_INTEGER(again.incarnation, first.incarnation, "the same file");
    CHECK_INTEGER(again.batch, 4, "the batch is remembered");
    place_run(&desk.place, "UPDATE share SET place = 'elsewhere'");
    load(&desk, &copy);
    CHECK(copy.incarnation != first.incarnation && copy.batch == 0, "a copy");
    desk_release(&desk);
}

static void a_change_by_others_is_seen(void)
{
    struct desk desk;
    struct error error = {0};
    desk_init(&desk, "mail", "web");
    CHECK(sharing_has_changed(desk.sharing), "the first time");
    CHECK(!sharing_has_changed(desk.sharing), "nothing happens");
    CHECK_INTEGER(sharing_forget_changes(desk.sharing, 0, 1, &error), 0, "%s", error.text);
    CHECK(!sharing_has_changed(desk.sharing), "what it writes itself");
    place_run(&desk.place, "UPDATE pool SET ttl = 60");
    CHECK(sharing_has_changed(desk.sharing), "by somebody else");
    CHECK(!sharing_has_changed(desk.sharing), "once");
    desk_release(&desk);
}

static void a_database_that_cannot_be_read_is_told(void)
{
    struct sharing *sharing = NULL;
    struct share_setup setup;
    struct error error = {0};
    CHECK_INTEGER(sharing_new("/nonexistent/sticky.sqlite", &sharing), 0, "sharing_new");
    CHECK_INTEGER(sharing_load(sharing, &setup, &error), ERR_NOTFOUND, "%s", error.text);
    CHECK(sharing_has_changed(sharing), "not known");
    sharing_free(sharing);
    sharing_free(NULL);
}

/* ---------------------------------------------------------------- what was changed here */

static int64_t read_changes(struct desk *desk)
{
    struct error error = {0};
    int64_t stamp = -1;
    bool more;
    CHECK_INTEGER(sharing_read_changes(desk->sharing, &desk->rows, &stamp, &more, &error), 0, "%s",
                  error.text);
    bool may_be_more = place_number(&desk->place, "SELECT count(*) FROM share_change") >=
                       (int64_t)desk->rows.capacity;
    CHECK_INTEGER(more, may_be_more, "more");
    return stamp;
}

static void forget(struct desk *desk, int64_t stamp)
{
    struct error error = {0};
    CHECK_INTEGER(sharing_forget_changes(desk->sharing, stamp, 1, &error), 0, "%s", error.text);
}

static void check_waiting(struct desk *desk, int64_t expected, const char *what)
{
    struct error error = {0};
    int64_t count = -1, oldest_ms = -1;
    CHECK_INTEGER(sharing_count_changes(desk->sharing, &count, &oldest_ms, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER(count, expected, "%s", what);
    CHECK((oldest_ms > 0) == (expected > 0), "%s: the oldest", what);
}

#define INSERT_MAPPING                                                                             \
    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES "

static void a_change_is_read_until_it_is_forgotten(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "UPDATE share SET node = 5");
    CHECK_INTEGER(read_changes(&desk), 0, "no changes");
    CHECK_INTEGER((int64_t)desk.rows.count, 0, "no rows");
    check_waiting(&desk, 0, "none");
    place_run(&desk.place, INSERT_MAPPING "(2, 'a', 1, 'modulus', unixepoch(), 60);" INSERT_MAPPING
                                          "(1, 'b', 2, 'rtt', unixepoch(), 70);"
                                          "UPDATE persistence SET controller_id = 2 WHERE ldns ="
                                          " 'a'; DELETE FROM persistence WHERE ldns = 'b'");
    check_waiting(&desk, 4, "four changes");
    CHECK_INTEGER(read_changes(&desk), 4, "the stamp");
    if (CHECK_INTEGER((int64_t)desk.rows.count, 2, "each key once")) {
        const struct shared_row *gone = &desk.rows.rows[0], *moved = &desk.rows.rows[1];
        CHECK_TEXT(gone->pool, "mail", "pool");
        CHECK_TEXT(gone->key, "b", "key");
        CHECK(gone->entry.gone && !gone->entry.controller[0] && !gone->entry.method[0], "gone");
        CHECK_INTEGER(gone->entry.ttl_s, 70, "ttl");
        CHECK_TEXT(moved->pool, "web", "pool");
        CHECK_TEXT(moved->entry.controller, "fra", "the row as it is now");
        CHECK_TEXT(moved->entry.method, "modulus", "method");
        CHECK_INTEGER(moved->entry.origin, 5, "origin");
        CHECK(moved->entry.decided > 0 && !moved->entry.gone, "decided");
    }
    place_run(&desk.place, "UPDATE persistence SET ttl = 90");
    forget(&desk, 4);
    check_waiting(&desk, 1, "what came afterwards");
    CHECK_INTEGER(read_changes(&desk), 5, "the stamp");
    CHECK_INTEGER(desk.rows.rows[0].entry.ttl_s, 90, "the change afterwards");
    forget(&desk, 5);
    CHECK_INTEGER(read_changes(&desk), 0, "none is left");
    desk_release(&desk);
}

static void changes_are_read_in_parts(void)
{
    struct desk desk;
    int64_t stamp, rows = 0, reads = 0;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "UPDATE share SET node = 5;" INSERT_MAPPING
                           "(1, 'a', 1, 'rtt', unixepoch(), 60), (1, 'b', 1, 'rtt', unixepoch(),"
                           " 60), (1, 'c', 1, 'rtt', unixepoch(), 60)");
    desk.rows.capacity = 2;
    for (; (stamp = read_changes(&desk)) > 0; reads++) {
        rows += (int64_t)desk.rows.count;
        forget(&desk, stamp);
    }
    CHECK_INTEGER(rows, 3, "rows");
    CHECK_INTEGER(reads, 2, "reads");
    desk_release(&desk);
}

/* JSON has no way to say them. */
static void what_cannot_be_told_is_left_out(void)
{
    static const struct {
        const char *key; /* in SQL */
        bool told;
    } rows[] = {
        {"'192.0.2.1'", true},
        {"CAST(x'67726f75703ac3a9' AS TEXT)", true}, /* e with an acute */
        {"CAST(x'67f09f8080' AS TEXT)", true},       /* U+1F000 */
        {"printf('%.70c', 'x')", true},
        {"printf('%.71c', 'x')", false},
        {"CAST(x'61ff' AS TEXT)", false},
        {"CAST(x'61c3' AS TEXT)", false},
        {"CAST(x'c0af' AS TEXT)", false},
        {"CAST(x'e08080' AS TEXT)", false},
        {"CAST(x'eda080' AS TEXT)", false},
        {"CAST(x'f4908080' AS TEXT)", false},
        {"CAST(x'c328' AS TEXT)", false},
        {"'a' || char(9)", false},
        {"'a' || char(0) || 'b'", false},
        {"char(127)", false},
    };
    struct desk desk;
    char sql[512];
    uint64_t digest;
    int64_t count;
    struct error error = {0};
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "UPDATE share SET node = 5");
    for (size_t i = 0; i < COUNT(rows); i++) {
        snprintf(sql, sizeof sql,
                 "DELETE FROM persistence; DELETE FROM share_deleted; DELETE FROM "
                 "share_change;" INSERT_MAPPING "(1, %s, 1, 'rtt', unixepoch(), 60)",
                 rows[i].key);
        place_run(&desk.place, sql);
        CHECK_INTEGER(read_changes(&desk), 1, "%s: stamp", rows[i].key);
        CHECK_INTEGER((int64_t)desk.rows.count, rows[i].told, "%s: changes", rows[i].key);
        CHECK_INTEGER(sharing_digest(desk.sharing, &(struct shared_place){0}, NULL, INT64_MAX,
                                     NOW_MS, &digest, &count, &error),
                      0, "%s", error.text);
        CHECK_INTEGER(count, rows[i].told, "%s: all rows", rows[i].key);
    }
    desk_release(&desk);
}

/* ---------------------------------------------------------------- what comes from others */

static void the_greater_entry_stays(void)
{
    enum { NEWER, KNOWN, OLDER, FUTURE };
    static const struct {
        int64_t decided;
        const char *controller;
        int fate, moved;
        const char *what;
    } steps[] = {
        {DECIDED(10), "ams", NEWER, 0, "the first"},
        {DECIDED(10), "ams", KNOWN, 0, "the same"},
        {DECIDED(9), "fra", OLDER, 0, "an earlier one"},
        {DECIDED(11), "fra", NEWER, 1, "a move"},
        {DECIDED(12), "fra", NEWER, 0, "no move"},
        {(NOW_MS + 11000) * ENTRY_TICKS, "ams", FUTURE, 0, "decided in 11 seconds"},
        {(NOW_MS + 9000) * ENTRY_TICKS, NULL, NEWER, 0, "deleted in 9 seconds"},
        {DECIDED(13), "ams", OLDER, 0, "before it was deleted"},
        {(NOW_MS + 9000) * ENTRY_TICKS, NULL, KNOWN, 0, "deleted once more"},
        {(NOW_MS + 9500) * ENTRY_TICKS, "ams", NEWER, 0, "made again"},
    };
    struct desk desk;
    desk_init(&desk, "mail", "web");
    for (size_t i = 0; i < COUNT(steps); i++) {
        struct share_counts counts =
            apply_one(&desk, row_of("web", "a", steps[i].decided, steps[i].controller));
        CHECK_INTEGER(counts.newer, steps[i].fate == NEWER, "%s: newer", steps[i].what);
        CHECK_INTEGER(counts.known, steps[i].fate == KNOWN, "%s: known", steps[i].what);
        CHECK_INTEGER(counts.older, steps[i].fate == OLDER, "%s: older", steps[i].what);
        CHECK_INTEGER(counts.future, steps[i].fate == FUTURE, "%s: future", steps[i].what);
        CHECK_INTEGER(counts.moved, steps[i].moved, "%s: moved", steps[i].what);
        CHECK_INTEGER(place_number(&desk.place, "SELECT (SELECT count(*) FROM persistence) +"
                                                " (SELECT count(*) FROM share_deleted)"),
                      1, "%s: it is in one table", steps[i].what);
    }
    desk_release(&desk);
}

static void an_entry_is_written_column_by_column(void)
{
    struct desk desk;
    struct shared_row row = row_of("web", "192.0.2.3", 44, "fra");
    desk_init(&desk, "mail", "web");
    row.entry.origin = 45;
    row.entry.timestamp_s = NOW_S - 46;
    row.entry.ttl_s = 47;
    strcpy(row.entry.home, "ams");
    apply_one(&desk, row);
    CHECK_INTEGER(count_rows(&desk, "persistence",
                             "pool_id = 2 AND ldns = '192.0.2.3' AND controller_id = 2 AND method ="
                             " 'modulus' AND timestamp = 1699999954 AND ttl = 47 AND decided = 44"
                             " AND origin = 45 AND home_id = 1"),
                  1, "persistence");
    row = row_of("web", "192.0.2.3", 48, NULL);
    row.entry.origin = 49;
    row.entry.timestamp_s = NOW_S - 50;
    row.entry.ttl_s = 51;
    apply_one(&desk, row);
    CHECK_INTEGER(count_rows(&desk, "share_deleted",
                             "pool_id = 2 AND ldns = '192.0.2.3' AND timestamp = 1699999950 AND ttl"
                             " = 51 AND decided = 48 AND origin = 49"),
                  1, "share_deleted");
    desk_release(&desk);
}

static void what_comes_from_others_is_not_noted(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "UPDATE share SET node = 1");
    int64_t revision = place_number(&desk.place, "SELECT mappings FROM revision");
    apply_one(&desk, row_of("web", "a", DECIDED(1), "ams"));
    apply_one(&desk, row_of("web", "a", DECIDED(2), "fra"));
    apply_one(&desk, row_of("web", "a", DECIDED(3), NULL));
    CHECK_INTEGER(count_rows(&desk, "share_change", "1"), 0, "share_change");
    CHECK_INTEGER(place_number(&desk.place, "SELECT mappings FROM revision"), revision, "revision");
    desk_release(&desk);
}

static void unknown_names_are_told(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    struct share_counts counts = apply_one(&desk, row_of("shop", "a", DECIDED(1), "ams"));
    CHECK_INTEGER(counts.unknown, 1, "pool");
    CHECK_TEXT(counts.unknown_name, "pool shop", "pool");
    counts = apply_one(&desk, row_of("web", "a", DECIDED(1), "Ams"));
    CHECK_INTEGER(counts.unknown, 1, "controller");
    CHECK_TEXT(counts.unknown_name, "controller Ams", "controller");
    counts = apply_one(&desk, row_of("web", "a", DECIDED(1), NULL));
    CHECK_INTEGER(counts.newer, 1, "a tombstone has no controller");
    place_run(&desk.place, "INSERT INTO pool (name) VALUES ('shop')");
    counts = apply_one(&desk, row_of("shop", "a", DECIDED(1), "ams"));
    CHECK_INTEGER(counts.newer, 1, "once there is one");
    desk_release(&desk);
}

static void an_entry_that_is_over_is_not_listened_to(void)
{
    struct desk desk;
    struct shared_row row = row_of("web", "a", DECIDED(1), "ams");
    desk_init(&desk, "mail", "web");
    row.entry.timestamp_s = NOW_S - 3600 - 60;
    CHECK_INTEGER(apply_one(&desk, row).older, 1, "a grace after its end");
    row.entry.timestamp_s++;
    CHECK_INTEGER(apply_one(&desk, row).newer, 1, "within it");
    place_run(&desk.place, "UPDATE persistence SET timestamp = 1");
    CHECK_INTEGER(apply_one(&desk, row_of("web", "a", DECIDED(0), NULL)).newer, 1,
                  "what stands here is over");
    CHECK_INTEGER(count_rows(&desk, "persistence", "1"), 0, "it is replaced");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- transactions */

static const struct share_cursor cursor_of_two = {
    .node = 2, .created = 61, .sequence = 62, .incarnation = 63, .batch = 64};

static void check_cursor(struct desk *desk, const struct share_cursor *expected, const char *what)
{
    struct share_cursor cursor;
    struct error error = {0};
    CHECK_INTEGER(sharing_cursor(desk->sharing, expected->node, &cursor, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER(cursor.node, expected->node, "%s: node", what);
    CHECK_INTEGER(cursor.created, expected->created, "%s: created", what);
    CHECK_INTEGER(cursor.sequence, expected->sequence, "%s: sequence", what);
    CHECK_INTEGER(cursor.incarnation, expected->incarnation, "%s: incarnation", what);
    CHECK_INTEGER(cursor.batch, expected->batch, "%s: batch", what);
}

static void fill(struct desk *desk, size_t count)
{
    char key[CLIENT_KEY_MAX];
    for (size_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "k%06zu", i);
        desk->rows.rows[i] = row_of("web", key, DECIDED((int64_t)i), "ams");
    }
}

static void the_cursor_moves_with_the_last_rows(void)
{
    struct desk desk;
    struct share_counts counts = {0};
    desk_init(&desk, "mail", "web");
    check_cursor(&desk, &(struct share_cursor){.node = 2}, "none yet");
    CHECK_INTEGER(apply(&desk, NULL, 0, &cursor_of_two, &counts), 0, "no rows");
    check_cursor(&desk, &cursor_of_two, "no rows");
    place_run(&desk.place, "DELETE FROM share_cursor");
    fill(&desk, 600);
    desk.rows.rows[599].entry.ttl_s = -1; /* which the schema rejects */
    CHECK(apply(&desk, desk.rows.rows, 600, &cursor_of_two, &counts) != 0, "one is rejected");
    CHECK_INTEGER(count_rows(&desk, "persistence", "1"), 500, "the transactions before");
    CHECK_INTEGER(counts.newer, 500, "counted as it was written");
    check_cursor(&desk, &(struct share_cursor){.node = 2}, "it did not move");
    desk.rows.rows[599].entry.ttl_s = 60;
    CHECK_INTEGER(apply(&desk, desk.rows.rows, 600, &cursor_of_two, &counts), 0, "again");
    CHECK_INTEGER(counts.newer, 600, "the rest");
    CHECK_INTEGER(counts.known, 500, "those that were there");
    check_cursor(&desk, &cursor_of_two, "with the last");
    desk_release(&desk);
}

/* A number that another connection's commits change, by one each. */
static int64_t data_version(struct desk *desk)
{
    return place_number(&desk->place, "SELECT data_version FROM pragma_data_version");
}

static void small_deliveries_are_written_together(void)
{
    struct desk desk;
    struct error error = {0};
    struct share_counts counts[3] = {0};
    struct share_cursor cursors[3];
    struct share_delivery told[3];
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "INSERT OR IGNORE INTO peer VALUES (2, 'ns2', 'tls://b:1'),"
                           " (3, 'ns3', 'tls://c:1'), (4, 'ns4', 'tls://d:1')");
    fill(&desk, 3);
    for (size_t i = 0; i < COUNT(told); i++) {
        cursors[i] = cursor_of_two;
        cursors[i].node = 2 + (int64_t)i;
        told[i] = (struct share_delivery){
            .rows = &desk.rows.rows[i], .count = 1, .cursor = &cursors[i], .counts = &counts[i]};
    }
    int64_t before = data_version(&desk);
    CHECK_INTEGER(sharing_apply(desk.sharing, told, 3, NOW_MS, &error), 0, "%s", error.text);
    CHECK_INTEGER(data_version(&desk) - before, 1, "commits");
    for (size_t i = 0; i < COUNT(told); i++) {
        CHECK(told[i].written, "delivery %zu", i);
        CHECK_INTEGER(counts[i].newer, 1, "delivery %zu", i);
        check_cursor(&desk, &cursors[i], "each has its own");
    }
    CHECK_INTEGER(count_rows(&desk, "persistence", "1"), 3, "rows");
    desk_release(&desk);
}

/* The schema rejects a row of the second, which is a peer's fault, not the others'. */
static void a_delivery_that_fails_keeps_no_other_out(void)
{
    struct desk desk;
    struct error error = {0};
    struct share_counts counts[3] = {0};
    struct share_delivery told[3];
    desk_init(&desk, "mail", "web");
    fill(&desk, 3);
    desk.rows.rows[1].entry.ttl_s = -1;
    for (size_t i = 0; i < COUNT(told); i++)
        told[i] =
            (struct share_delivery){.rows = &desk.rows.rows[i], .count = 1, .counts = &counts[i]};
    CHECK(sharing_apply(desk.sharing, told, 3, NOW_MS, &error) != 0, "one is rejected");
    CHECK(error.code != 0 && error.text[0], "it says why");
    for (size_t i = 0; i < COUNT(told); i++) {
        CHECK(told[i].written == (i != 1), "delivery %zu", i);
        CHECK_INTEGER(counts[i].newer, i != 1, "delivery %zu", i);
    }
    CHECK_INTEGER(count_rows(&desk, "persistence", "1"), 2, "rows");
    desk_release(&desk);
}

static void while_another_one_writes_all_deliveries_wait(void)
{
    struct desk desk;
    struct error error = {0};
    struct share_counts counts[2] = {0};
    struct share_delivery told[2];
    desk_init(&desk, "mail", "web");
    fill(&desk, 2);
    for (size_t i = 0; i < COUNT(told); i++)
        told[i] = (struct share_delivery){
            .rows = &desk.rows.rows[i], .count = 1, .counts = &counts[i], .written = true};
    place_run(&desk.place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(sharing_apply(desk.sharing, told, 2, NOW_MS, &error), ERR_BUSY, "%s", error.text);
    CHECK(!told[0].written && !told[1].written, "neither");
    place_run(&desk.place, "ROLLBACK");
    CHECK_INTEGER(sharing_apply(desk.sharing, told, 2, NOW_MS, &error), 0, "again");
    CHECK(told[0].written && told[1].written && counts[1].newer == 1, "both");
    desk_release(&desk);
}

static void nothing_is_written_while_another_one_writes(void)
{
    struct desk desk;
    struct share_counts counts = {0};
    struct shared_row row = row_of("web", "a", DECIDED(1), "ams");
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(apply(&desk, &row, 1, &cursor_of_two, &counts), ERR_BUSY, "locked");
    CHECK_INTEGER(desk.sharing->database.lock_wait_ms, 0, "one wait is enough for a turn");
    CHECK_INTEGER(apply(&desk, &row, 1, &cursor_of_two, &counts), ERR_BUSY, "still locked");
    sharing_begin_turn(desk.sharing);
    CHECK(desk.sharing->database.lock_wait_ms > 0, "another turn");
    place_run(&desk.place, "COMMIT");
    CHECK_INTEGER(counts.newer, 0, "not counted");
    CHECK_INTEGER(apply(&desk, &row, 1, &cursor_of_two, &counts), 0, "afterwards");
    CHECK_INTEGER(counts.newer, 1, "counted");
    desk_release(&desk);
}

static void a_full_table_takes_no_more_keys(void)
{
    struct desk desk;
    struct share_setup setup;
    desk_init(&desk, "mail", "web");
    apply_one(&desk, row_of("web", "a", DECIDED(1), "ams"));
    place_run(&desk.place, "UPDATE setting SET value = 1 WHERE name = 'max_megabytes';"
                           "CREATE TABLE filler AS SELECT zeroblob(2000000)");
    load(&desk, &setup);
    struct share_counts counts = apply_one(&desk, row_of("web", "b", DECIDED(2), "ams"));
    CHECK_INTEGER(counts.no_room, 1, "another key");
    CHECK_INTEGER(counts.newer, 0, "not written");
    CHECK_INTEGER(apply_one(&desk, row_of("web", "a", DECIDED(2), "fra")).newer, 1, "a row");
    CHECK_INTEGER(apply_one(&desk, row_of("web", "a", DECIDED(3), NULL)).newer, 1, "a tombstone");
    place_run(&desk.place, "DROP TABLE filler");
    CHECK_INTEGER(apply_one(&desk, row_of("web", "b", DECIDED(2), "ams")).newer, 1, "room again");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- all rows, in order */

static bool page(struct desk *desk, const struct shared_place *after)
{
    struct error error = {0};
    bool last = false;
    CHECK_INTEGER(sharing_page(desk->sharing, after, NOW_MS, &desk->rows, &last, &error), 0, "%s",
                  error.text);
    return last;
}

static uint64_t digest(struct desk *desk, const struct shared_place *after,
                       const struct shared_place *to, int64_t *ret_count)
{
    struct error error = {0};
    uint64_t sum = 0;
    CHECK_INTEGER(
        sharing_digest(desk->sharing, after, to, INT64_MAX, NOW_MS, &sum, ret_count, &error), 0,
        "%s", error.text);
    return sum;
}

static void check_keys(const struct desk *desk, const char *expected, const char *what)
{
    struct buffer keys = {0};
    for (size_t i = 0; i < desk->rows.count; i++) {
        const struct shared_row *row = &desk->rows.rows[i];
        buffer_printf(&keys, "%s%s %s%s", i ? ", " : "", row->pool, row->key,
                      row->entry.gone ? " gone" : "");
    }
    CHECK_TEXT(buffer_text(&keys), expected, "%s", what);
    buffer_release(&keys);
}

/* In "web", whose id is the lower one here, and in "mail", whose name is. */
static void put_some(struct desk *desk)
{
    static const struct {
        const char *pool, *key, *controller;
    } rows[] = {
        {"web", "b", "ams"}, {"web", "c", NULL},  {"mail", "z", "fra"},
        {"web", "a", NULL},  {"web", "B", "ams"}, {"web", "\xc3\xa9", "fra"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        apply_one(desk, row_of(rows[i].pool, rows[i].key, DECIDED(1), rows[i].controller));
}

#define ALL_KEYS "mail z, web B, web a gone, web b, web c gone, web \xc3\xa9"

static void rows_come_in_the_order_of_names(void)
{
    struct desk desk;
    desk_init(&desk, "web", "mail");
    CHECK(page(&desk, &(struct shared_place){0}), "empty: the last");
    check_keys(&desk, "", "empty");
    put_some(&desk);
    CHECK(page(&desk, &(struct shared_place){0}), "the last");
    check_keys(&desk, ALL_KEYS, "all");
    CHECK(page(&desk, &(struct shared_place){"web", "b"}), "the last");
    check_keys(&desk, "web c gone, web \xc3\xa9", "after a row");
    page(&desk, &(struct shared_place){"web", "aa"});
    check_keys(&desk, "web b, web c gone, web \xc3\xa9", "between rows");
    page(&desk, &(struct shared_place){"n", "zzz"});
    CHECK_INTEGER((int64_t)desk.rows.count, 5, "after a pool that is not here");
    CHECK(page(&desk, &(struct shared_place){"x", ""}), "after all");
    check_keys(&desk, "", "after all");
    desk_release(&desk);
}

static void pages_follow_one_another(void)
{
    struct desk desk;
    desk_init(&desk, "web", "mail");
    put_some(&desk);
    for (size_t capacity = 1; capacity <= 7; capacity++) {
        struct shared_place after = {0};
        int64_t rows = 0;
        uint64_t sum = 0;
        bool last = false;
        desk.rows.capacity = capacity;
        while (!last && CHECK(rows <= 6, "it ends")) {
            last = page(&desk, &after);
            struct shared_place to = {0};
            if (desk.rows.count > 0) {
                strcpy(to.pool, desk.rows.rows[desk.rows.count - 1].pool);
                strcpy(to.key, desk.rows.rows[desk.rows.count - 1].key);
            }
            int64_t count = 0;
            uint64_t part = digest(&desk, &after, last ? NULL : &to, &count);
            CHECK_INTEGER(count, (int64_t)desk.rows.count, "the digest is of this page");
            for (size_t i = 0; i < desk.rows.count; i++)
                part -= shared_row_digest(&desk.rows.rows[i]);
            CHECK(part == 0, "it is the sum of its rows");
            sum += digest(&desk, &after, last ? NULL : &to, &count);
            rows += count;
            after = to;
        }
        int64_t all = 0;
        CHECK(sum == digest(&desk, &(struct shared_place){0}, NULL, &all), "%zu: sum", capacity);
        CHECK_INTEGER(rows, all, "%zu: rows", capacity);
    }
    desk_release(&desk);
}

static void what_is_over_is_left_out(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    put_some(&desk);
    place_run(&desk.place, "UPDATE persistence SET timestamp = 1700000000 - 3600 - 60"
                           " WHERE ldns = 'b';"
                           "UPDATE persistence SET timestamp = 1700000000 - 3600 - 59"
                           " WHERE ldns = 'B';"
                           "UPDATE share_deleted SET timestamp = 1700000000 - 3600 - 86400 - 60"
                           " WHERE ldns = 'a';"
                           "UPDATE share_deleted SET timestamp = 1700000000 - 3600 - 86400 - 59"
                           " WHERE ldns = 'c'");
    page(&desk, &(struct shared_place){0});
    check_keys(&desk, "mail z, web B, web c gone, web \xc3\xa9", "a grace after the end");
    desk_release(&desk);
}

/* The triggers and the writer prevent it; a database may have been edited without them. */
static void of_a_row_and_a_tombstone_the_greater_counts(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    put_some(&desk);
    place_run(&desk.place,
              "INSERT INTO share_deleted SELECT pool_id, ldns, decided + 1, 2, timestamp, ttl"
              " FROM persistence WHERE ldns = 'b';"
              "INSERT INTO share_deleted SELECT pool_id, ldns, decided - 1, 2, timestamp, ttl"
              " FROM persistence WHERE ldns = 'B'");
    page(&desk, &(struct shared_place){0});
    check_keys(&desk, "mail z, web B, web a gone, web b gone, web c gone, web \xc3\xa9", "page");
    CHECK_INTEGER(apply_one(&desk, row_of("web", "b", DECIDED(1), "fra")).older, 1, "tombstone");
    CHECK_INTEGER(apply_one(&desk, row_of("web", "b", DECIDED(3), "fra")).newer, 1, "newer");
    CHECK_INTEGER(count_rows(&desk, "share_deleted", "ldns = 'b'"), 0, "one is left");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- merging in any order */

#define MERGED 400
#define GRACE_S 60 /* of share_grace */

static struct shared_row random_row(uint64_t *state)
{
    static const char *const pools[] = {"mail", "web"};
    static const char *const controllers[] = {"ams", "fra", NULL};
    char key[CLIENT_KEY_MAX];
    snprintf(key, sizeof key, "192.0.2.%zu", random_below(state, 40));
    struct shared_row row =
        row_of(pools[random_below(state, 2)], key, DECIDED((int64_t)random_below(state, 4)),
               controllers[random_below(state, 3)]);
    row.entry.origin = 1 + (int64_t)random_below(state, 3);
    row.entry.timestamp_s -= (int64_t)random_below(state, 3) * 1800;
    row.entry.ttl_s -= (int64_t)random_below(state, 2) * 1800;
    if (!row.entry.gone && random_below(state, 2) > 0)
        strcpy(row.entry.method, "rtt");
    if (!row.entry.gone && random_below(state, 3) == 0)
        strcpy(row.entry.home, controllers[random_below(state, 2)]);
    return row;
}

/* The greatest entry of each key, by the rule alone. */
struct greatest {
    struct shared_row rows[MERGED];
    size_t count;
};

static void keep_greatest(struct greatest *greatest, const struct shared_row *row)
{
    struct shared_row *kept = greatest->rows, *end = kept + greatest->count;
    if (entry_is_over(&row->entry, NOW_MS, GRACE_S))
        return;
    while (kept < end && (strcmp(kept->pool, row->pool) != 0 || strcmp(kept->key, row->key) != 0))
        kept++;
    if (kept == end)
        greatest->count++;
    if (kept == end || entry_compare(&row->entry, &kept->entry) > 0)
        *kept = *row;
}

/* The row of a key has all the columns of an entry. */
static void check_is_left(struct desk *desk, const struct shared_row *row)
{
    const struct entry *entry = &row->entry;
    char condition[512];
    int length = snprintf(
        condition, sizeof condition,
        "p.name = '%s' AND ldns = '%s' AND decided = %" PRId64 " AND origin = %" PRId64
        " AND timestamp = %" PRId64 " AND m.ttl = %" PRId64,
        row->pool, row->key, entry->decided, entry->origin, entry->timestamp_s, entry->ttl_s);
    if (!entry->gone)
        snprintf(condition + length, sizeof condition - (size_t)length,
                 " AND c.name = '%s' AND m.method = '%s' AND coalesce(h.name, '') = '%s'",
                 entry->controller, entry->method, entry->home);
    const char *table = entry->gone ? "share_deleted AS m JOIN pool AS p ON p.id = pool_id"
                                    : "persistence AS m JOIN pool AS p ON p.id = pool_id"
                                      " JOIN controller AS c ON c.id = controller_id"
                                      " LEFT JOIN controller AS h ON h.id = home_id";
    CHECK_INTEGER(count_rows(desk, table, condition), 1, "%s", condition);
}

static void check_greatest(struct desk *desk, const struct greatest *greatest)
{
    CHECK_INTEGER(count_rows(desk, "persistence", "1") + count_rows(desk, "share_deleted", "1"),
                  (int64_t)greatest->count, "one row of each key");
    for (size_t i = 0; i < greatest->count; i++)
        check_is_left(desk, &greatest->rows[i]);
}

static void shuffle(struct shared_row *rows, size_t count, uint64_t *state)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(state, i);
        struct shared_row row = rows[other];
        rows[other] = rows[i - 1];
        rows[i - 1] = row;
    }
}

static void the_greatest_is_left_whatever_the_order(void)
{
    struct desk one, other;
    struct greatest greatest = {.count = 0};
    uint64_t state = 17;
    int64_t one_count, other_count;
    desk_init(&one, "mail", "web");
    desk_init(&other, "web", "mail");
    for (int round = 0; round < 5; round++) {
        struct share_counts counts = {0};
        for (size_t i = 0; i < MERGED; i++) {
            one.rows.rows[i] = random_row(&state);
            keep_greatest(&greatest, &one.rows.rows[i]);
        }
        memcpy(other.rows.rows, one.rows.rows, MERGED * sizeof *one.rows.rows);
        shuffle(other.rows.rows, MERGED, &state);
        CHECK_INTEGER(apply(&one, one.rows.rows, MERGED, NULL, &counts), 0, "one");
        CHECK_INTEGER(apply(&other, other.rows.rows, MERGED, NULL, &counts), 0, "the other");
        CHECK_INTEGER(apply(&other, other.rows.rows, MERGED / 2, NULL, &counts), 0, "once more");
        check_greatest(&one, &greatest);
        check_greatest(&other, &greatest);
        uint64_t first = digest(&one, &(struct shared_place){0}, NULL, &one_count);
        CHECK(first == digest(&other, &(struct shared_place){0}, NULL, &other_count), "digests");
        CHECK_INTEGER(one_count, other_count, "counts");
        CHECK(one_count > 10, "there are some");
    }
    desk_release(&one);
    desk_release(&other);
}

/* ---------------------------------------------------------------- sweeping */

static struct share_swept sweep_by(struct desk *desk, const struct share_sweep *sweep)
{
    struct error error = {0};
    struct share_swept swept = {.dropped = -1};
    CHECK_INTEGER(sharing_sweep(desk->sharing, sweep, &swept, &error), 0, "%s", error.text);
    return swept;
}

#define SWEPT_BATCH 77

static struct share_swept sweep_all(struct desk *desk, int64_t now_ms)
{
    const struct share_sweep sweep = {now_ms, SWEPT_BATCH, true};
    return sweep_by(desk, &sweep);
}

/* How many changes it has dropped. */
static int64_t sweep(struct desk *desk, int64_t now_ms)
{
    return sweep_all(desk, now_ms).dropped;
}

static void tombstones_end(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    apply_one(&desk, row_of("web", "a", DECIDED(1), NULL));
    int64_t end_ms = NOW_MS + (3600 + TOMBSTONE_KEPT_S + 60) * 1000;
    CHECK_INTEGER(sweep(&desk, end_ms - 1000), 0, "no changes");
    CHECK_INTEGER(count_rows(&desk, "share_deleted", "1"), 1, "before");
    sweep(&desk, end_ms);
    CHECK_INTEGER(count_rows(&desk, "share_deleted", "1"), 0, "a grace after its end");
    desk_release(&desk);
}

static void all_tombstones_are_swept(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place,
              "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 11999)"
              " INSERT INTO share_deleted SELECT 1 + i % 2, printf('%.100c-%d', 'x', i), 1, 2,"
              " 1000, 60 + (i % 3 = 0) * 2000000000 FROM n");
    for (int i = 0; i < 3; i++)
        sweep(&desk, NOW_MS);
    CHECK_INTEGER(count_rows(&desk, "share_deleted", "1"), 4000, "those that last longer");
    CHECK_INTEGER(count_rows(&desk, "share_deleted", "ttl = 60"), 0, "those that have ended");
    desk_release(&desk);
}

static void the_oldest_changes_are_dropped(void)
{
    struct desk desk;
    struct share_setup setup;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place,
              "UPDATE setting SET value = 10 WHERE name = 'share_outbox_rows';"
              "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 13)"
              " INSERT INTO share_change (pool_id, ldns, noted_ms) SELECT 1, 'k' || i, i FROM n");
    load(&desk, &setup);
    CHECK_INTEGER(sweep(&desk, NOW_MS), 3, "above the limit");
    CHECK_INTEGER(place_number(&desk.place, "SELECT min(noted_ms) FROM share_change"), 4,
                  "the oldest");
    CHECK_INTEGER(place_number(&desk.place, "SELECT batch FROM share"), SWEPT_BATCH,
                  "peers see that something is missing");
    CHECK_INTEGER(sweep(&desk, NOW_MS), 0, "no more");
    desk_release(&desk);
}

/* They were decided here, by a clock that was an hour ahead. */
static void what_is_from_the_future_is_taken_back(void)
{
    struct desk desk;
    struct share_setup setup;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place, "UPDATE share SET node = 1; UPDATE setting SET value = 3600 WHERE name ="
                           " 'share_skew'");
    load(&desk, &setup);
    fill(&desk, 121);
    for (size_t i = 0; i < 120; i++)
        desk.rows.rows[i].entry.decided = (NOW_MS + 3600000 - (int64_t)i) * ENTRY_TICKS;
    for (size_t i = 60; i < 120; i++)
        desk.rows.rows[i].entry.timestamp_s = NOW_S + 3600;
    desk.rows.rows[0] = row_of("web", "k000000", desk.rows.rows[0].entry.decided, NULL);
    struct share_counts counts = {0};
    CHECK_INTEGER(apply(&desk, desk.rows.rows, 121, NULL, &counts), 0, "apply");
    sweep(&desk, NOW_MS);
    CHECK_INTEGER(count_rows(&desk, "share_change", "1"), 0, "within the skew");
    place_run(&desk.place, "UPDATE setting SET value = 10 WHERE name = 'share_skew'");
    load(&desk, &setup);
    int64_t taken_back = 0;
    const struct share_sweep unsure = {NOW_MS, SWEPT_BATCH, false};
    for (int i = 0; i < 4; i++)
        taken_back += sweep_by(&desk, &unsure).taken_back;
    CHECK_INTEGER(taken_back, 0, "not while our clock may be wrong");
    CHECK_INTEGER(count_rows(&desk, "persistence", "decided = 1"), 0, "nor written");
    for (int i = 0; i < 4; i++)
        taken_back += sweep_all(&desk, NOW_MS).taken_back;
    CHECK_INTEGER(taken_back, 120, "told");
    CHECK_INTEGER(count_rows(&desk, "persistence", "decided = 1"), 119, "mappings");
    CHECK_INTEGER(count_rows(&desk, "persistence", "timestamp > 1700000000"), 0, "timestamps");
    CHECK_INTEGER(count_rows(&desk, "persistence", "decided > 1"), 1, "the one that is not");
    CHECK_INTEGER(count_rows(&desk, "share_deleted", "decided = 1"), 1, "a tombstone");
    CHECK_INTEGER(count_rows(&desk, "share_change", "noted_ms = 1700000000000"), 120, "noted");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- configuration */

static uint64_t configuration(struct desk *desk)
{
    struct error error = {0};
    uint64_t sum = 0;
    CHECK_INTEGER(sharing_configuration_digest(desk->sharing, &sum, &error), 0, "%s", error.text);
    return sum;
}

static const char configured[] =
    "INSERT INTO zone (name) VALUES ('example.org');"
    "INSERT INTO record (zone_id, name, type, content)"
    " SELECT id, 'a.example.org', 'A', '192.0.2.9' FROM zone;"
    "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
    " SELECT p.id, c.id, 1, '192.0.2.1' FROM pool AS p, controller AS c"
    " WHERE p.name = 'web' AND c.name = 'fra';"
    "INSERT INTO balanced_name SELECT 'www.example.org', id FROM pool WHERE name = 'web';"
    "INSERT INTO ldns_group VALUES ('192.0.2.0/24', 'office');"
    "INSERT INTO pin (ldns_group, pool_id, controller_id)"
    " SELECT 'office', p.id, c.id FROM pool AS p, controller AS c"
    " WHERE p.name = 'web' AND c.name = 'fra';"
    "INSERT INTO topology (cidr, controller_id)"
    " SELECT '198.51.100.0/24', id FROM controller WHERE name = 'ams';";

static void the_configuration_is_the_same_by_names(void)
{
    static const char *const changes[] = {
        "INSERT INTO zone (name) VALUES ('example.net')",
        "UPDATE record SET ttl = 7",
        "UPDATE record SET disabled = 1",
        "UPDATE controller SET state = 'draining' WHERE name = 'ams'",
        "UPDATE pool SET ttl = 7 WHERE name = 'web'",
        "UPDATE pool SET fallback_pool_id = (SELECT min(id) FROM pool) WHERE name = 'web'",
        "UPDATE pool SET metric = 'cpu'",
        "UPDATE virtual_server SET weight = 3",
        "UPDATE virtual_server SET controller_id = (SELECT id FROM controller WHERE name = 'ams')",
        "UPDATE pin SET controller_id = (SELECT id FROM controller WHERE name = 'ams')",
        "UPDATE balanced_name SET pool_id = (SELECT id FROM pool WHERE name = 'mail')",
        "UPDATE pin SET until = 4102444800",
        "UPDATE pin SET pool_id = NULL",
        "UPDATE pin SET ldns_group = NULL, network = '192.0.2.0/24'",
        "UPDATE ldns_group SET name = 'home'",
        "UPDATE topology SET preference = 3",
        "DELETE FROM topology",
    };
    static const char *const others[] = {
        "UPDATE zone SET name = 'EXAMPLE.org'",
        "UPDATE setting SET value = 7 WHERE name = 'share_skew'",
        "UPDATE controller SET address = '192.0.2.77'",
        "UPDATE pin SET comment = 'why'",
        "INSERT INTO monitor (name, type) VALUES ('ping', 'icmp')",
        "UPDATE pool SET monitor_id = (SELECT id FROM monitor)",
    };
    struct desk one, other;
    desk_init(&one, "mail", "web");
    desk_init(&other, "web", "mail");
    place_run(&one.place, configured);
    place_run(&other.place, configured);
    uint64_t before = configuration(&one);
    CHECK(configuration(&one) == before, "once more");
    CHECK(configuration(&other) == before, "with other ids");
    for (size_t i = 0; i < COUNT(others); i++) {
        place_run(&one.place, others[i]);
        CHECK(configuration(&one) == before, "%s", others[i]);
    }
    for (size_t i = 0; i < COUNT(changes); i++) {
        place_run(&one.place, changes[i]);
        uint64_t after = configuration(&one);
        CHECK(after != before, "%s", changes[i]);
        before = after;
    }
    desk_release(&one);
    desk_release(&other);
}

/* ---------------------------------------------------------------- what explain shows */

static void what_is_moved_is_remembered_for_a_while(void)
{
    struct desk desk;
    enum { KEPT = 4096, MORE = 300, PART = 300 };
    static struct shared_row rows[PART];
    struct share_counts counts = {0};
    desk_init(&desk, "mail", "web");
    for (int done = 0; done < KEPT + MORE; done += PART)
        for (int turn = 0; turn < 2; turn++) {
            for (int i = 0; i < PART; i++) {
                char key[16];
                snprintf(key, sizeof key, "%d", done + i);
                rows[i] = row_of("web", key, DECIDED(turn + 1), turn ? "fra" : "ams");
            }
            apply(&desk, rows, PART, NULL, &counts);
        }
    CHECK(counts.moved > KEPT, "%d", (int)counts.moved);
    CHECK_INTEGER(count_rows(&desk, "share_moved", "1"), KEPT, "the last ones");
    CHECK_INTEGER(count_rows(&desk, "share_moved", "ldns = '1'"), 0, "an early one");
    char condition[200];
    snprintf(condition, sizeof condition,
             "ldns = '%d' AND decided = %lld AND controller_id = 1 AND origin = 2 AND pool_id = 2",
             KEPT + MORE - 10, (long long)DECIDED(2));
    CHECK_INTEGER(count_rows(&desk, "share_moved", condition), 1, "a late one");
    CHECK_INTEGER(count_rows(&desk, "persistence", "lag_ms <> 1000 OR lag_ms IS NULL"), 0, "lag");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- round trip times */

static struct shared_path path_of(const char *network, const char *controller, double rtt_ms,
                                  int64_t measured_at_s)
{
    struct shared_path path = {.rtt_ms = rtt_ms, .measured_at_s = measured_at_s};
    snprintf(path.network, sizeof path.network, "%s", network);
    snprintf(path.controller, sizeof path.controller, "%s", controller);
    return path;
}

static struct share_counts apply_paths(struct desk *desk, const struct shared_path *paths,
                                       size_t count, int64_t *kept)
{
    struct share_counts counts = {0};
    struct error error = {0};
    CHECK_INTEGER(
        sharing_apply_paths(desk->sharing, 2, paths, count, NOW_MS, kept, &counts, &error), 0, "%s",
        error.text);
    return counts;
}

static struct share_counts apply_path(struct desk *desk, struct shared_path path)
{
    int64_t kept = -1;
    return apply_paths(desk, &path, 1, &kept);
}

static void of_two_round_trip_times_the_later_one_stays(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place,
              "UPDATE share SET node = 1;"
              "INSERT INTO path_metric (network, controller_id, rtt, measured_at)"
              " VALUES ('192.0.2.0/24', 1, 5, 1699999900), ('10.0.0.0/8', 1, 5, 1700009999)");
    CHECK_INTEGER(apply_path(&desk, path_of("192.0.2.0/24", "ams", 1, NOW_S - 101)).older, 1,
                  "older");
    CHECK_INTEGER(apply_path(&desk, path_of("192.0.2.0/24", "ams", 1, NOW_S - 100)).known, 1,
                  "of the same second");
    CHECK_INTEGER(apply_path(&desk, path_of("192.0.2.0/24", "ams", 1, NOW_S + 11)).future, 1,
                  "future");
    CHECK_INTEGER(apply_path(&desk, path_of("192.0.2.0/24", "ams", 1, NOW_S - 86401)).older, 1,
                  "too old");
    struct share_counts unknown = apply_path(&desk, path_of("192.0.2.0/24", "lon", 1, NOW_S));
    CHECK_INTEGER(unknown.unknown, 1, "unknown");
    CHECK_TEXT(unknown.unknown_name, "controller lon", "its name");
    CHECK_INTEGER(count_rows(&desk, "path_metric", "rtt = 5 AND origin = 0 AND changed > 0"), 2,
                  "nothing was replaced");
    struct share_counts newer = apply_path(&desk, path_of("192.0.2.0/24", "ams", 1.25, NOW_S - 99));
    CHECK(newer.newer == 1 && newer.paths == 1, "newer");
    CHECK_INTEGER(count_rows(&desk, "path_metric",
                             "rtt = 1.25 AND origin = 2 AND changed = 0"
                             " AND measured_at = 1699999901 AND controller_id = 1"),
                  1, "it is the peer's");
    CHECK_INTEGER(apply_path(&desk, path_of("10.0.0.0/8", "ams", 3, NOW_S)).newer, 1,
                  "what stood there is from the future");
    CHECK_INTEGER(apply_path(&desk, path_of("::/0", "fra", 3, NOW_S + 10)).newer, 1, "new");
    place_run(&desk.place, "UPDATE path_metric SET rtt = 7 WHERE network = '::/0'");
    CHECK_INTEGER(count_rows(&desk, "path_metric", "rtt = 7 AND origin = 0 AND changed > 0"), 1,
                  "measured here again");
    desk_release(&desk);
}

/* What the schema takes of any network that a peer can tell. */
static void any_network_that_is_told_is_written(void)
{
    struct desk desk;
    uint64_t state = 1;
    desk_init(&desk, "mail", "web");
    for (size_t i = 0; i < 500; i++) {
        char text[ADDRESS_TEXT_MAX];
        struct address address = {.family = random_below(&state, 2) ? FAMILY_IPV4 : FAMILY_IPV6};
        for (size_t b = 0; b < (address.family == FAMILY_IPV4 ? 4 : 16); b++)
            address.bytes[b] = random_below(&state, 3) ? (uint8_t)random_next(&state) : 0;
        struct prefix prefix =
            prefix_of(&address, (unsigned)random_below(&state, family_bits(address.family) + 1));
        struct shared_path path = path_of("", "ams", 1, NOW_S);
        snprintf(path.network, sizeof path.network, "%s/%d", address_format(&prefix.address, text),
                 prefix.bits);
        if (shared_path_problem(&path)) /* such as a mapped IPv4 address */
            continue;
        struct share_counts counts = apply_path(&desk, path);
        CHECK(counts.newer == 1 || counts.known == 1, "%s", path.network);
        char condition[80];
        snprintf(condition, sizeof condition, "network = '%s'", path.network);
        CHECK_INTEGER(count_rows(&desk, "path_metric", condition), 1, "%s", path.network);
    }
    desk_release(&desk);
}

static void a_peer_has_no_more_than_so_many_round_trip_times(void)
{
    struct desk desk;
    int64_t kept = SHARE_PATHS_MAX - 1;
    desk_init(&desk, "mail", "web");
    const struct shared_path paths[] = {path_of("10.0.0.0/8", "ams", 1, NOW_S),
                                        path_of("11.0.0.0/8", "ams", 1, NOW_S),
                                        path_of("10.0.0.0/8", "ams", 2, NOW_S + 1)};
    struct share_counts counts = apply_paths(&desk, paths, COUNT(paths), &kept);
    CHECK(counts.newer == 2 && counts.no_room == 1, "%d, %d", (int)counts.newer,
          (int)counts.no_room);
    CHECK_INTEGER(kept, SHARE_PATHS_MAX, "kept");
    kept = -1;
    apply_paths(&desk, paths, COUNT(paths), &kept);
    CHECK_INTEGER(kept, 2, "counted");
    desk_release(&desk);
}

static void what_was_measured_here_is_told_in_the_order_of_changes(void)
{
    struct desk desk;
    struct shared_path paths[3];
    size_t count;
    int64_t to = 0, place = 0;
    bool last = false;
    struct error error = {0};
    desk_init(&desk, "mail", "web");
    place_run(&desk.place,
              "INSERT INTO path_metric (network, controller_id, rtt, measured_at, origin) VALUES"
              " ('10.0.0.0/8', 1, 1, 1700000000, 0), ('11.0.0.0/8', 2, 2.5, 1700000001, 0),"
              " ('12.0.0.0/8', 2, 3, 1, 0), ('13.0.0.0/8', 2, 3, 1700000000, 2);"
              "UPDATE share SET node = 1;"
              "UPDATE path_metric SET rtt = 4 WHERE network = '10.0.0.0/8'");
    CHECK_INTEGER(sharing_last_path(desk.sharing, &place, &error), 0, "%s", error.text);
    CHECK_INTEGER(sharing_read_paths(desk.sharing, 0, NOW_MS, paths, COUNT(paths), &count, &to,
                                     &last, &error),
                  0, "%s", error.text);
    CHECK(count == 2 && to == place && !last, "%zu", count); /* one is too old, one a peer's */
    CHECK_TEXT(paths[0].network, "11.0.0.0/8", "the first");
    CHECK_TEXT(paths[0].controller, "fra", "its controller");
    CHECK(paths[0].rtt_ms == 2.5 && paths[0].measured_at_s == 1700000001, "its numbers");
    CHECK_TEXT(paths[1].network, "10.0.0.0/8", "the one that has changed");
    CHECK_INTEGER(sharing_read_paths(desk.sharing, to, NOW_MS, paths, COUNT(paths), &count, &to,
                                     &last, &error),
                  0, "%s", error.text);
    CHECK(count == 0 && last && to == place, "no more");
    desk_release(&desk);
}

static void round_trip_times_of_peers_that_are_too_old_are_swept(void)
{
    struct desk desk;
    desk_init(&desk, "mail", "web");
    place_run(&desk.place,
              "INSERT INTO path_metric (network, controller_id, rtt, measured_at, origin) VALUES"
              " ('10.0.0.0/8', 1, 1, 1699913599, 0), ('11.0.0.0/8', 1, 1, 1699913599, 2),"
              " ('12.0.0.0/8', 1, 1, 1699913600, 2), ('13.0.0.0/8', 1, 1, 0, 65535)");
    for (int i = 0; i < 4; i++)
        sweep_all(&desk, NOW_MS);
    CHECK_INTEGER(count_rows(&desk, "path_metric", "1"), 2, "our own, and one that is not too old");
    CHECK_INTEGER(count_rows(&desk, "path_metric", "network IN ('10.0.0.0/8', '12.0.0.0/8')"), 2,
                  "these");
    desk_release(&desk);
}

/* ---------------------------------------------------------------- what is to be seen */

/* What is written into it before that is known would look as if it were of today. */
static void into_a_restored_backup_nothing_is_written_before_it_is_known(void)
{
    struct desk desk;
    struct error error = {0};
    struct share_setup setup;
    const struct share_state state = {.connected = true};
    struct share_counts counts = {0};
    struct shared_row row = row_of("web", "a", DECIDED(1), "ams");
    desk_init(&desk, "mail", "web");
    CHECK_INTEGER(sharing_write_state(desk.sharing, &state, NULL, 0, NOW_MS, &error), 0, "%s",
                  error.text);
    place_run(&desk.place, "UPDATE share_state SET written_at = written_at - 5");
    CHECK_INTEGER(sharing_write_state(desk.sharing, &state, NULL, 0, NOW_MS + 1000, &error),
                  ERR_BUSY, "a state");
    CHECK_INTEGER(apply(&desk, &row, 1, &cursor_of_two, &counts), ERR_BUSY, "a row");
    load(&desk, &setup);
    CHECK(setup.restored, "it is known");
    CHECK_INTEGER(apply(&desk, &row, 1, &cursor_of_two, &counts), 0, "a row");
    CHECK_INTEGER(sharing_write_state(desk.sharing, &state, NULL, 0, NOW_MS + 1000, &error), 0,
                  "a state");
    load(&desk, &setup);
    CHECK(!setup.restored, "once");
    desk_release(&desk);
}

static void the_state_is_written_column_by_column(void)
{
    struct desk desk;
    struct error error = {0};
    const struct share_state state = {true, 71, 72000, 73, false, "why", "and"};
    const struct share_peer_state peers[] = {
        {.node = 2,
         .connected = true,
         .heard_ms = 81000,
         .clock_offset_ms = -82,
         .lag_ms = 83,
         .counts = {84, 85, 86, 87, 88, 89, 90, "pool x", 93},
         .refused = 91,
         .equal_ms = 92000,
         .walking = false,
         .differs = true,
         .difference = "only here: x",
         .problem = "who"},
        {.node = 3},
    };
    desk_init(&desk, "mail", "web");
    for (int i = 0; i < 2; i++)
        CHECK_INTEGER(
            sharing_write_state(desk.sharing, &state, peers, COUNT(peers), NOW_MS, &error), 0, "%s",
            error.text);
    CHECK_INTEGER(count_rows(&desk, "share_state",
                             "written_at = 1700000000 AND connected = 1 AND waiting = 71 AND"
                             " oldest_at = 72 AND dropped = 73 AND copied = 0 AND problem = 'why'"),
                  1, "share_state");
    CHECK_INTEGER(
        count_rows(&desk, "peer_state",
                   "node = 2 AND written_at = 1700000000 AND connected = 1 AND heard_at = 81 AND"
                   " clock_offset_ms = -82 AND lag_ms = 83 AND newer = 84 AND known = 85 AND older"
                   " = 86 AND future = 87 AND moved = 88 AND unknown = 89 AND no_room = 90 AND"
                   " unknown_name = 'pool x' AND paths = 93 AND refused = 91 AND equal_at = 92 AND "
                   "walking = 0 AND"
                   " differs = 1 AND difference = 'only here: x' AND problem = 'who'"),
        1, "peer_state");
    CHECK_INTEGER(count_rows(&desk, "peer_state", "node = 3"), 0, "no peer any more");
    place_run(&desk.place, "DELETE FROM peer");
    CHECK_INTEGER(count_rows(&desk, "peer_state", "1"), 0, "goes with its peer");
    desk_release(&desk);
}

static void write_ballot(struct desk *desk, const struct ballot *ballot, int64_t now_ms)
{
    struct error error = {0};
    CHECK_INTEGER(sharing_write_ballot(desk->sharing, ballot, now_ms, &error), 0, "%s", error.text);
}

static void what_a_peer_finds_out_is_written_as_it_changes(void)
{
    struct desk desk;
    struct ballot *ballot = ballot_new();
    desk_init(&desk, "mail", "web");
    ballot->node = 2;
    *ballot_add(ballot) = (struct vote){"", "ams", 0, VERDICT_UP, FAMILY_NONE};
    *ballot_add(ballot) = (struct vote){"web", "ams", 3, VERDICT_DOWN, FAMILY_IPV6};
    write_ballot(&desk, ballot, 1000);
    CHECK_INTEGER(count_rows(&desk, "peer_verdict", "node = 2 AND heard_at = 1"), 2, "both");
    CHECK_INTEGER(count_rows(&desk, "peer_verdict",
                             "pool = 'web' AND controller = 'ams' AND position = 3"
                             " AND family = 'ipv6' AND state = 'down'"),
                  1, "the server");
    ballot->votes[0].state = VERDICT_DOWN;
    write_ballot(&desk, ballot, 2000);
    CHECK_INTEGER(count_rows(&desk, "peer_verdict",
                             "pool = '' AND state = 'down'"
                             " AND position = 0 AND heard_at = 2"),
                  1, "another state");
    CHECK_INTEGER(count_rows(&desk, "peer_verdict", "pool = 'web' AND heard_at = 1"), 1,
                  "the same state");
    ballot->count = 1;
    write_ballot(&desk, ballot, 3000);
    CHECK_INTEGER(count_rows(&desk, "peer_verdict", "1"), 1, "one is not told any more");
    ballot->node = 3;
    write_ballot(&desk, ballot, 3000);
    CHECK_INTEGER(count_rows(&desk, "peer_verdict", "1"), 1, "no peer");
    place_run(&desk.place, "DELETE FROM peer");
    CHECK_INTEGER(count_rows(&desk, "peer_verdict", "1"), 0, "goes with its peer");
    ballot_free(ballot);
    desk_release(&desk);
}

static void check_view(const struct share_view *view)
{
    CHECK_INTEGER(view->node, 7, "node");
    CHECK_TEXT(view->name, "ns7", "name");
    CHECK_INTEGER(view->written_s, NOW_S, "written_at");
    CHECK(view->state.connected && !view->state.copied, "connected, copied");
    CHECK_INTEGER(view->state.waiting, 71, "waiting");
    CHECK_INTEGER(view->state.oldest_ms, 72000, "oldest_at");
    CHECK_INTEGER(view->state.dropped, 73, "dropped");
    CHECK_TEXT(view->state.problem, "why", "problem");
    CHECK_INTEGER(view->follow.node, 3, "follow");
    CHECK_TEXT(view->follow.name, "ns3", "the name of the primary");
    CHECK_TEXT(view->follow.revision, "00000000000000ab", "revision");
    CHECK_INTEGER(view->follow.taken_s, 74, "taken_at");
    CHECK_INTEGER(view->follow.heard_s, 75, "share_follow.heard_at");
    CHECK_TEXT(view->follow.problem, "not", "share_follow.problem");
    if (!CHECK_INTEGER((int64_t)view->peer_count, 2, "peers"))
        return;
    const struct share_peer_view *peer = &view->peers[0];
    const struct share_counts *counts = &peer->state.counts;
    CHECK(peer->written && !view->peers[1].written, "the second was not written");
    CHECK_TEXT(peer->name, "ns2", "peer.name");
    CHECK_INTEGER(peer->state.node, 2, "peer.node");
    CHECK(peer->state.connected && !peer->state.walking && peer->state.differs, "what is 0 or 1");
    CHECK_TEXT(peer->state.difference, "only", "difference");
    CHECK_INTEGER(peer->state.heard_ms, 81000, "heard_at");
    CHECK_INTEGER(peer->state.clock_offset_ms, -82, "clock_offset_ms");
    CHECK_INTEGER(peer->state.lag_ms, 83, "lag_ms");
    CHECK(counts->newer == 84 && counts->known == 85 && counts->older == 86, "newer to older");
    CHECK(counts->future == 87 && counts->moved == 88 && counts->unknown == 89, "to unknown");
    CHECK_INTEGER(counts->no_room, 90, "no_room");
    CHECK_INTEGER(counts->paths, 93, "paths");
    CHECK_TEXT(counts->unknown_name, "pool x", "unknown_name");
    CHECK_INTEGER(peer->state.refused, 91, "refused");
    CHECK_INTEGER(peer->state.equal_ms, 92000, "equal_at");
    CHECK_TEXT(peer->state.problem, "who", "problem");
}

static void the_state_is_read_column_by_column(void)
{
    struct desk desk;
    struct store *store = NULL;
    struct revision revision;
    struct share_view view;
    struct error error = {0};
    desk_init(&desk, "mail", "web");
    place_run(
        &desk.place,
        "UPDATE share SET node = 7, name = 'ns7';"
        "INSERT INTO peer VALUES (3, 'ns3', 'nats://192.0.2.3:4222');"
        "UPDATE share SET follow = 3;"
        "INSERT INTO share_follow VALUES (1, 3, '00000000000000ab', 74, 75, 'not');"
        "INSERT INTO share_state VALUES (1, 1700000000, 1, 71, 72, 73, 0, 'why', 'and');"
        "INSERT INTO peer_state VALUES (2, 1700000000, 1, 81, -82, 83, 84, 85, 86, 87, 88, 89,"
        " 'pool x', 90, 93, 91, 92, 0, 1, 'only', 'who')");
    CHECK_INTEGER(store_new(desk.place.path, &store), 0, "store_new");
    CHECK_INTEGER(store_begin(store, 1, &revision, &error), 0, "%s", error.text);
    if (CHECK_INTEGER(store_read_sharing(store, &view, &error), 0, "%s", error.text)) {
        check_view(&view);
        share_view_release(&view);
    }
    store_free(store);
    desk_release(&desk);
}

static const CU_TestInfo tests[] = {
    {"what a peer finds out is written as it changes",
     what_a_peer_finds_out_is_written_as_it_changes},
    {"what is set up is read", what_is_set_up_is_read},
    {"another file gets another incarnation", another_file_gets_another_incarnation},
    {"a change by others is seen", a_change_by_others_is_seen},
    {"a database that cannot be read is told", a_database_that_cannot_be_read_is_told},
    {"a change is read until it is forgotten", a_change_is_read_until_it_is_forgotten},
    {"changes are read in parts", changes_are_read_in_parts},
    {"what cannot be told is left out", what_cannot_be_told_is_left_out},
    {"the greater entry stays", the_greater_entry_stays},
    {"an entry is written column by column", an_entry_is_written_column_by_column},
    {"what comes from others is not noted", what_comes_from_others_is_not_noted},
    {"unknown names are told", unknown_names_are_told},
    {"an entry that is over is not listened to", an_entry_that_is_over_is_not_listened_to},
    {"the cursor moves with the last rows", the_cursor_moves_with_the_last_rows},
    {"small deliveries are written together", small_deliveries_are_written_together},
    {"a delivery that fails keeps no other out", a_delivery_that_fails_keeps_no_other_out},
    {"while another one writes all deliveries wait", while_another_one_writes_all_deliveries_wait},
    {"nothing is written while another one writes", nothing_is_written_while_another_one_writes},
    {"a full table takes no more keys", a_full_table_takes_no_more_keys},
    {"rows come in the order of names", rows_come_in_the_order_of_names},
    {"pages follow one another", pages_follow_one_another},
    {"what is over is left out", what_is_over_is_left_out},
    {"of a row and a tombstone the greater counts", of_a_row_and_a_tombstone_the_greater_counts},
    {"the greatest is left whatever the order", the_greatest_is_left_whatever_the_order},
    {"tombstones end", tombstones_end},
    {"all tombstones are swept", all_tombstones_are_swept},
    {"the oldest changes are dropped", the_oldest_changes_are_dropped},
    {"what is from the future is taken back", what_is_from_the_future_is_taken_back},
    {"into a restored backup nothing is written before it is known",
     into_a_restored_backup_nothing_is_written_before_it_is_known},
    {"the configuration is the same by names", the_configuration_is_the_same_by_names},
    {"what is moved is remembered for a while", what_is_moved_is_remembered_for_a_while},
    {"of two round trip times the later one stays", of_two_round_trip_times_the_later_one_stays},
    {"any network that is told is written", any_network_that_is_told_is_written},
    {"a peer has no more than so many round trip times",
     a_peer_has_no_more_than_so_many_round_trip_times},
    {"what was measured here is told in the order of changes",
     what_was_measured_here_is_told_in_the_order_of_changes},
    {"round trip times of peers that are too old are swept",
     round_trip_times_of_peers_that_are_too_old_are_swept},
    {"the state is written column by column", the_state_is_written_column_by_column},
    {"the state is read column by column", the_state_is_read_column_by_column},
    CU_TEST_INFO_NULL,
};

const struct suite suite_sharing = {"sharing", tests};
