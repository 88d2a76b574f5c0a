#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "core/sharing/entry.h"
#include "fixture.h"
#include "store/sqlite/database.h"
#include "store/sqlite/queries.h"
#include "store/store_parts.h"
#include "suites.h"
#include "system/clock.h"

#define NOW_S 1700000000

static struct store *new_store(const struct place *place)
{
    struct store *store = NULL;
    CHECK_INTEGER(store_new(place->path, &store), 0, "store_new");
    return store;
}

/* Begins and ends a read; the code. */
static int begin(struct store *store, int64_t now_ms, struct revision *ret_revision)
{
    struct error error = {0};
    int code = store_begin(store, now_ms, ret_revision, &error);
    CHECK_INTEGER(error.code, code, "%s", error.text);
    CHECK((code == 0) == (error.text[0] == '\0'), "a sentence for each error");
    store_rest(store);
    return code;
}

static void touch(struct store *store)
{
    struct revision revision;
    CHECK_INTEGER(begin(store, 1, &revision), 0, "store_begin");
}

static void every_query_fits_the_schema(void)
{
    struct place place;
    place_init_served(&place);
    for (int i = 0; i < QUERY_COUNT; i++) {
        sqlite3_stmt *statement = NULL;
        if (!CHECK(query_texts[i] != NULL, "query %d", i))
            continue;
        int result = sqlite3_prepare_v2(place.shell, query_texts[i], -1, &statement, NULL);
        CHECK(result == SQLITE_OK && statement, "%s: %s", query_texts[i],
              sqlite3_errmsg(place.shell));
        if (strncmp(query_texts[i], "CREATE TEMP TABLE", 17) == 0)
            sqlite3_step(statement); /* others read what it makes */
        sqlite3_finalize(statement);
    }
    place_release(&place);
}

static void the_schema_has_our_header(void)
{
    struct place place;
    place_init_served(&place);
    CHECK_INTEGER(place_number(&place, "PRAGMA application_id"), DATABASE_APPLICATION_ID, "id");
    CHECK_INTEGER(place_number(&place, "PRAGMA user_version"), DATABASE_VERSION, "version");
    place_release(&place);
}

static void the_revision_moves_with_what_is_committed(void)
{
    struct place place;
    struct revision first, second;
    place_init_served(&place);
    struct store *store = new_store(&place);
    CHECK_INTEGER(begin(store, 1, &first), 0, "first");
    CHECK_INTEGER(begin(store, 1, &second), 0, "unchanged");
    CHECK(memcmp(&first, &second, sizeof first) == 0, "unchanged");
    place_run(&place, "UPDATE pool SET ttl = 31");
    CHECK_INTEGER(begin(store, 1, &second), 0, "configuration");
    CHECK(second.configuration != first.configuration && second.metrics == first.metrics,
          "configuration");
    first = second;
    place_run(&place, "INSERT INTO controller_metric (controller_id, name, value)"
                      " VALUES (1, 'availability', 0)");
    CHECK_INTEGER(begin(store, 1, &second), 0, "metrics");
    CHECK(second.configuration == first.configuration && second.metrics != first.metrics,
          "metrics");
    first = second;
    place_run(&place,
              "INSERT INTO controller_metric (controller_id, name, value)"
              " VALUES (1, 'rtt', 10);"
              "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
              " VALUES (1, 'x', 1, 'modulus', 0, 0);"
              "BEGIN; UPDATE pool SET ttl = 32; ROLLBACK");
    CHECK_INTEGER(begin(store, 1, &second), 0, "nothing that counts");
    CHECK(memcmp(&first, &second, sizeof first) == 0, "nothing that counts");
    store_free(store);
    place_release(&place);
}

static void what_is_loaded_is_what_is_in_the_tables(void)
{
    struct place place;
    struct revision revision;
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct availability *availability = NULL;
    place_init_served(&place);
    place_run(&place, "INSERT INTO controller_metric (controller_id, name, value)"
                      " VALUES (2, 'availability', 0), (1, 'rtt', 0)");
    struct store *store = new_store(&place);
    CHECK_INTEGER(store_begin(store, 1, &revision, &error), 0, "%s", error.text);
    CHECK_INTEGER(store_load(store, &snapshot, &error), 0, "%s", error.text);
    CHECK_INTEGER(store_load_availability(store, snapshot, &availability, &error), 0, "%s",
                  error.text);
    store_rest(store);
    const struct pool *pool = snapshot_pool_named(snapshot, "web");
    if (CHECK(pool != NULL, "the pool")) {
        CHECK_INTEGER((int64_t)pool->server_count, 2, "servers");
        CHECK(availability_server_up(availability, &pool->servers[0]), "ams is up");
        CHECK(!availability_server_up(availability, &pool->servers[1]), "fra is down");
    }
    availability_free(availability);
    snapshot_free(snapshot);
    store_free(store);
    place_release(&place);
}

static void a_load_without_memory_is_an_error_and_the_next_one_works(void)
{
    struct place place;
    struct revision revision;
    place_init_served(&place);
    struct store *store = new_store(&place);
    touch(store);
    bool failed = true;
    size_t n = 1;
    for (; failed && n < 1000; n++) {
        struct error error = {0};
        struct snapshot *snapshot = NULL;
        CHECK_INTEGER(store_begin(store, 1, &revision, &error), 0, "%s", error.text);
        memory_fail_at(n);
        int code = store_load(store, &snapshot, &error);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK((snapshot == NULL) == failed, "allocation %zu", n);
        snapshot_free(snapshot);
        store_rest(store);
    }
    CHECK(n > 5 && n < 1000, "%zu allocations", n);
    store_free(store);
    place_release(&place);
}

static struct mapping mapping_of(int64_t controller_id, int64_t timestamp_s, int64_t ttl_s)
{
    return (struct mapping){.controller_id = controller_id,
                            .method = "modulus",
                            .timestamp_s = timestamp_s,
                            .ttl_s = ttl_s};
}

static int64_t rows_of(struct place *place)
{
    return place_number(place, "SELECT count(*) FROM persistence");
}

static void check_row(struct mapping_table *table, const char *key, const struct mapping *expected,
                      const char *when)
{
    struct mapping found = {0};
    int code = table->find(table->context, 1, key, &found, NULL);
    CHECK_INTEGER(code, expected ? 0 : ERR_NOTFOUND, "%s", when);
    if (code == 0 && expected)
        CHECK(mapping_equal(&found, expected), "%s", when);
}

static void a_claim_writes_only_what_is_still_as_it_was_seen(void)
{
    struct place place;
    const struct mapping first = mapping_of(1, NOW_S, 60), second = mapping_of(2, NOW_S + 1, 60);
    place_init_served(&place);
    struct store *store = new_store(&place);
    struct mapping_table table = store_mappings(store);
    touch(store);
    check_row(&table, "192.0.2.10", NULL, "before");
    CHECK_INTEGER(table.claim(table.context, 1, "192.0.2.10", NULL, &first, NULL), 0, "absent");
    check_row(&table, "192.0.2.10", &first, "written");
    CHECK_INTEGER(table.claim(table.context, 1, "192.0.2.10", NULL, &second, NULL), ERR_NOTFOUND,
                  "not absent any more");
    check_row(&table, "192.0.2.10", &first, "untouched");
    for (int field = 0; field < 7; field++) {
        struct mapping other = first;
        other.controller_id += field == 0;
        other.timestamp_s += field == 1;
        other.ttl_s += field == 2;
        other.decided += field == 4;
        other.origin += field == 5;
        other.home_id += field == 6;
        strcpy(other.method, field == 3 ? "other" : "modulus");
        CHECK_INTEGER(table.claim(table.context, 1, "192.0.2.10", &other, &second, NULL),
                      ERR_NOTFOUND, "field %d is not as seen", field);
        check_row(&table, "192.0.2.10", &first, "untouched");
    }
    CHECK_INTEGER(table.claim(table.context, 1, "192.0.2.10", &first, &second, NULL), 0, "as seen");
    check_row(&table, "192.0.2.10", &second, "replaced");
    store_free(store);
    CHECK_INTEGER(rows_of(&place), 1, "one row");
    place_release(&place);
}

static void of_two_processes_the_first_claim_holds(void)
{
    struct place place;
    const struct mapping first = mapping_of(1, NOW_S, 60), second = mapping_of(2, NOW_S, 60);
    struct revision revision;
    struct error error = {0};
    place_init_served(&place);
    struct store *one = new_store(&place), *two = new_store(&place);
    struct mapping_table mine = store_mappings(one), other = store_mappings(two);
    touch(one);
    CHECK_INTEGER(store_begin(two, 1, &revision, &error), 0, "%s", error.text);
    check_row(&other, "192.0.2.10", NULL, "read before the first claim");
    CHECK_INTEGER(mine.claim(mine.context, 1, "192.0.2.10", NULL, &first, NULL), 0, "the first");
    CHECK_INTEGER(other.claim(other.context, 1, "192.0.2.10", NULL, &second, NULL), ERR_NOTFOUND,
                  "the second, from within its read transaction");
    check_row(&other, "192.0.2.10", &first, "and now it sees the first");
    store_rest(two);
    store_free(one);
    store_free(two);
    place_release(&place);
}

/* Whether anybody has committed is not always known, or it happens all the time. */
static void usual(struct store *store)
{
    CHECK(store->database.wal_index.headers != NULL, "this version of SQLite is tested");
}

static void without_wal_index(struct store *store)
{
    wal_index_detach(&store->database.wal_index);
}

static void after_many_commits(struct store *store)
{
    store->lost = 100;
}

#define INSERT_ROW                                                                                 \
    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES (1, "

/* What is committed between the look at the table and the claim. The writer fires no triggers. */
static const struct {
    const char *sql; /* NULL: nothing */
    bool is_writer, sees_row;
    int code_usual, code; /* when it is told by the wal-index; when the row is read again */
} commits[] = {
    {NULL, false, false, 0, 0},
    {NULL, false, true, 0, 0},
    {"UPDATE pool SET ttl = 7", false, false, ERR_NOTFOUND, ERR_NOTFOUND},
    {"UPDATE pool SET ttl = 7", false, true, ERR_NOTFOUND, ERR_NOTFOUND},
    {"INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'availability', 0)",
     false, false, ERR_NOTFOUND, ERR_NOTFOUND},
    {INSERT_ROW "'x', 2, 'modulus', 1700000000, 60)", true, false, ERR_NOTFOUND, 0},
    {INSERT_ROW "'x', 2, 'modulus', 1700000000, 60)", true, true, ERR_NOTFOUND, 0},
    {INSERT_ROW "'192.0.2.10', 2, 'modulus', 1700000000, 60)", true, false, ERR_NOTFOUND,
     ERR_NOTFOUND},
    {"UPDATE persistence SET timestamp = timestamp + 1", true, true, ERR_NOTFOUND, ERR_NOTFOUND},
    {"DELETE FROM persistence", true, true, ERR_NOTFOUND, ERR_NOTFOUND},
    {INSERT_ROW "'x', 2, 'modulus', 1700000000, 60)", false, false, ERR_NOTFOUND, ERR_NOTFOUND},
    {"UPDATE persistence SET ttl = ttl", false, true, ERR_NOTFOUND, ERR_NOTFOUND},
};

static void check_commit(size_t i, void (*prepare)(struct store *store), int expected)
{
    struct place place;
    const struct mapping row = mapping_of(2, NOW_S, 60), wanted = mapping_of(1, NOW_S + 9, 60);
    const struct mapping *seen = commits[i].sees_row ? &row : NULL;
    struct revision revision;
    place_init_served(&place);
    if (seen)
        place_run(&place, INSERT_ROW "'192.0.2.10', 2, 'modulus', 1700000000, 60)");
    sqlite3_db_config(place.shell, SQLITE_DBCONFIG_ENABLE_TRIGGER, !commits[i].is_writer, NULL);
    struct store *one = new_store(&place), *two = new_store(&place);
    struct mapping_table mine = store_mappings(one), others = store_mappings(two);
    touch(one);
    touch(two);
    prepare(one);
    CHECK_INTEGER(store_begin(one, 2, &revision, NULL), 0, "commit %zu", i);
    check_row(&mine, "192.0.2.10", seen, "before the commit");
    if (commits[i].sql)
        place_run(&place, commits[i].sql);
    int code = mine.claim(mine.context, 1, "192.0.2.10", seen, &wanted, NULL);
    CHECK_INTEGER(code, expected, "commit %zu", i);
    touch(two);
    code = others.claim(others.context, 1, "192.0.2.10", seen, &row, NULL);
    if (expected == 0)
        CHECK_INTEGER(code, ERR_NOTFOUND, "commit %zu: another process comes too late", i);
    if (expected == 0)
        check_row(&others, "192.0.2.10", &wanted, "and follows the first");
    store_free(one);
    store_free(two);
    place_release(&place);
}

static void a_claim_holds_if_the_row_is_as_it_was_however_that_is_found(void)
{
    for (size_t i = 0; i < COUNT(commits); i++) {
        check_commit(i, usual, commits[i].code_usual);
        check_commit(i, without_wal_index, commits[i].code);
        check_commit(i, after_many_commits, commits[i].code);
    }
}

/* A configuration that has changed since is no reason to keep what shall be forgotten. */
static void a_mapping_is_forgotten_whatever_has_changed(void)
{
    static void (*const prepares[])(struct store *store) = {usual, without_wal_index,
                                                            after_many_commits};
    for (size_t i = 0; i < COUNT(prepares); i++) {
        struct place place;
        struct revision revision;
        struct error error = {0};
        place_init_served(&place);
        place_run(&place, INSERT_ROW "'192.0.2.10', 2, 'modulus', 1700000000, 60)");
        struct store *store = new_store(&place);
        struct mapping_table table = store_mappings(store);
        touch(store);
        prepares[i](store);
        CHECK_INTEGER(store_begin(store, 2, &revision, NULL), 0, "case %zu", i);
        check_row(&table, "192.0.2.10", &(struct mapping){2, "modulus", NOW_S, 60, 0, 0, 0},
                  "before");
        place_run(&place, "UPDATE pool SET ttl = 7");
        CHECK_INTEGER(store_claim_deletion(store, 1, "192.0.2.10", &error), 0, "case %zu: %s", i,
                      error.text);
        check_row(&table, "192.0.2.10", NULL, "after");
        store_free(store);
        CHECK_INTEGER(rows_of(&place), 0, "case %zu", i);
        place_release(&place);
    }
}

/* The shell's transaction stands for anything that keeps the database locked. */
static void a_claim_needs_no_lock_of_the_database(void)
{
    struct place place;
    const struct mapping first = mapping_of(1, NOW_S, 60), second = mapping_of(2, NOW_S, 60);
    place_init_served(&place);
    struct store *store = new_store(&place), *other = new_store(&place);
    struct mapping_table table = store_mappings(store), others = store_mappings(other);
    touch(store);
    touch(other);
    place_run(&place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(table.claim(table.context, 1, "192.0.2.10", NULL, &first, NULL), 0, "claimed");
    check_row(&others, "192.0.2.10", &first, "another process knows it");
    CHECK_INTEGER(others.claim(others.context, 1, "192.0.2.10", NULL, &second, NULL), ERR_NOTFOUND,
                  "and cannot claim it");
    place_run(&place, "COMMIT");
    store_free(store);
    CHECK_INTEGER(rows_of(&place), 1, "written now");
    store_free(other);
    place_release(&place);
}

/* What others change in the table is known to claims that are not written yet. */
static void claims_give_way_to_what_is_changed_in_the_table(void)
{
    static const struct {
        const char *sql, *key;
        int64_t controller_id; /* 0: no row */
    } rows[] = {
        {"DELETE FROM persistence", "192.0.2.10", 0},
        {"DELETE FROM persistence WHERE ldns = 'old'", "192.0.2.10", 0},
        {"UPDATE persistence SET controller_id = 2", "192.0.2.10", 0},
        {"INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
         " VALUES (1, '192.0.2.10', 2, 'modulus', 1700000000, 60)",
         "192.0.2.10", 2},
        {"UPDATE pool SET ttl = 7", "192.0.2.10", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct place place;
        const struct mapping wanted = mapping_of(1, NOW_S, 60),
                             expected = mapping_of(rows[i].controller_id, NOW_S, 60);
        place_init_served(&place);
        place_run(&place,
                  "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                  " VALUES (1, 'old', 2, 'modulus', 1700000000, 60)");
        struct store *store = new_store(&place);
        struct mapping_table table = store_mappings(store);
        touch(store);
        CHECK_INTEGER(table.claim(table.context, 1, rows[i].key, NULL, &wanted, NULL), 0, "claim");
        place_run(&place, rows[i].sql);
        touch(store);
        check_row(&table, rows[i].key, rows[i].controller_id ? &expected : NULL, rows[i].sql);
        store_free(store);
        CHECK_INTEGER(place_number(&place, "SELECT ifnull(sum(controller_id), 0) FROM persistence"
                                           " WHERE ldns = '192.0.2.10'"),
                      rows[i].controller_id, "%s", rows[i].sql);
        place_release(&place);
    }
}

static void before_it_was_opened_the_table_cannot_be_read(void)
{
    struct place place;
    struct mapping mapping = mapping_of(1, NOW_S, 60);
    place_init_served(&place);
    struct store *store = new_store(&place);
    struct mapping_table table = store_mappings(store);
    int code = table.find(table.context, 1, "192.0.2.10", &mapping, NULL);
    CHECK(code != 0 && code != ERR_NOTFOUND, "find: %d", code);
    code = table.claim(table.context, 1, "192.0.2.10", NULL, &mapping, NULL);
    CHECK(code != 0 && code != ERR_NOTFOUND, "claim: %d", code);
    store_free(store);
    place_release(&place);
}

static void insert_mappings(struct place *place, int pool, int count, const char *key, int64_t at_s)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
             " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
             " FROM n WHERE i < %d) SELECT %d, '%s' || i, 1, 'modulus', %lld, 60 FROM n",
             count, pool, key, (long long)at_s);
    place_run(place, sql);
}

/* ---------------------------------------------------------------- sharing */

#define CLIENT "192.0.2.10"

/* A store on a database that is shared as node 7, with what stands in it. */
static struct store *share(struct place *place, const char *standing)
{
    place_init_served(place);
    if (standing)
        place_run(place, standing);
    place_run(place, "UPDATE share SET node = 7");
    struct store *store = new_store(place);
    store_mappings(store);
    touch(store);
    return store;
}

/* Claims controller 2, and gives what is found then. */
static struct mapping claim_two(struct store *store, const struct mapping *seen)
{
    struct mapping_table table = store_mappings(store);
    struct mapping wanted = mapping_of(2, NOW_S, 60);
    CHECK_INTEGER(table.claim(table.context, 1, CLIENT, seen, &wanted, NULL), 0, "a claim");
    CHECK_INTEGER(table.find(table.context, 1, CLIENT, &wanted, NULL), 0, "found");
    return wanted;
}

static bool is_of_now(int64_t decided)
{
    int64_t ago_ms = clock_unix_ms() - decided / ENTRY_TICKS;
    return ago_ms >= 0 && ago_ms < 60000;
}

static void a_shared_decision_says_where_and_when(void)
{
    struct place place;
    struct store *store = share(&place, NULL);
    struct mapping first = claim_two(store, NULL);
    CHECK(is_of_now(first.decided), "decided %lld", (long long)first.decided);
    CHECK_INTEGER(first.origin, 7, "origin");
    struct mapping second = claim_two(store, &first);
    CHECK(second.decided > first.decided, "a second decision is later");
    store_free(store);
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM share_change"), 1, "noted");
    place_release(&place);
}

static void an_extension_is_no_decision(void)
{
    static const struct {
        const char *place;
        int64_t decided, origin;
    } rows[] = {{"5, 9", 5, 9}, {"0, 0", 1, 7}}; /* of a peer; of the time before sharing */
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct place place;
        char sql[256];
        snprintf(sql, sizeof sql,
                 "INSERT INTO persistence VALUES (1, '" CLIENT
                 "', 1, 'modulus', 1700000000, 60, %s, NULL, 2)",
                 rows[i].place);
        struct store *store = share(&place, sql);
        struct mapping_table table = store_mappings(store);
        struct mapping row, moved;
        CHECK_INTEGER(table.find(table.context, 1, CLIENT, &row, NULL), 0, "the row");
        moved = row;
        moved.timestamp_s += 59;
        CHECK_INTEGER(table.claim(table.context, 1, CLIENT, &row, &moved, NULL), 0, "extended");
        moved.decided = rows[i].decided;
        moved.origin = rows[i].origin;
        check_row(&table, CLIENT, &moved, rows[i].place);
        store_free(store);
        place_release(&place);
    }
}

static void what_is_over_is_decided_anew(void)
{
    struct place place;
    struct store *store = share(&place, "INSERT INTO persistence VALUES (1, '" CLIENT
                                        "', 2, 'modulus', 1699999940, 60, 0, 0, NULL, NULL)");
    const struct mapping over = mapping_of(2, NOW_S - 60, 60);
    struct mapping made = claim_two(store, &over);
    CHECK(is_of_now(made.decided), "decided %lld", (long long)made.decided);
    store_free(store);
    place_release(&place);
}

/* What was decided before, on a server whose clock is ahead: 2^62. */
static void a_decision_is_later_than_what_it_knew(void)
{
    static const char *const standing[] = {
        "INSERT INTO persistence VALUES"
        " (1, '" CLIENT "', 1, 'modulus', 1700000000, 60, 4611686018427387904, 9, 5, NULL)",
        "INSERT INTO share_deleted VALUES"
        " (1, '" CLIENT "', 4611686018427387904, 9, 1700000000, 60)",
    };
    for (size_t i = 0; i < COUNT(standing); i++) {
        struct place place;
        struct mapping row;
        struct store *store = share(&place, standing[i]);
        struct mapping_table table = store_mappings(store);
        int found = table.find(table.context, 1, CLIENT, &row, NULL);
        struct mapping made = claim_two(store, found == 0 ? &row : NULL);
        CHECK_INTEGER(made.decided, 4611686018427387905, "row %zu", i);
        store_free(store);
        CHECK_INTEGER(rows_of(&place), 1, "row %zu: written", i);
        CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM share_deleted"), 0, "row %zu", i);
        place_release(&place);
    }
}

static bool is_even(const void *context, const char *key)
{
    (void)context;
    return (key[strlen(key) - 1] - '0') % 2 == 0;
}

static int64_t forget_even(struct store *store, const char *after, const char *before)
{
    const struct key_range range = {.after = after, .before = before, .matches = is_even};
    struct error error = {0};
    int64_t count = -1;
    CHECK_INTEGER(
        store_forget_range(store, 2, &range, clock_monotonic_ms() + 2000, true, &count, &error), 0,
        "%s", error.text);
    return count;
}

/* More of them than are read in one transaction. */
static void a_range_of_keys_is_forgotten_in_one_pool(void)
{
    struct place place;
    place_init_served(&place);
    place_run(&place, "INSERT INTO pool (id, name) VALUES (2, 'api')");
    insert_mappings(&place, 1, 1200, "a", NOW_S);
    insert_mappings(&place, 2, 1200, "a", NOW_S);
    insert_mappings(&place, 2, 4, "b", NOW_S);
    struct store *store = new_store(&place);
    (void)store_mappings(store);
    touch(store);
    CHECK_INTEGER(forget_even(store, "a", "b"), 600, "half of those that begin with a");
    CHECK_INTEGER(forget_even(store, "a", "b"), 0, "gone already");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence WHERE pool_id = 1"), 1200,
                  "another pool's stay");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence WHERE pool_id = 2"), 604,
                  "all others stay");
    CHECK_INTEGER(forget_even(store, "a", "c"), 2, "those that begin with b");
    store_free(store);
    place_release(&place);
}

/* The writer cannot write while somebody holds the database, so it is all in the claims. */
static void what_waits_to_be_stored_is_forgotten_with_a_range(void)
{
    struct place place;
    struct mapping found, wanted = {.controller_id = 1, .method = "modulus"};
    place_init_served(&place);
    struct store *store = new_store(&place);
    struct mapping_table table = store_mappings(store);
    place_run(&place, "INSERT INTO pool (id, name) VALUES (2, 'api')");
    touch(store);
    place_run(&place, "BEGIN IMMEDIATE");
    for (int i = 0; i < 2000; i++) {
        char key[16];
        snprintf(key, sizeof key, "c%d", i);
        CHECK_INTEGER(table.claim(table.context, 2, key, NULL, &wanted, NULL), 0, "%s", key);
    }
    CHECK_INTEGER(forget_even(store, "c", "d"), 1000, "half of them");
    CHECK_INTEGER(table.find(table.context, 2, "c0", &found, NULL), ERR_NOTFOUND, "forgotten");
    CHECK_INTEGER(table.find(table.context, 2, "c1", &found, NULL), 0, "not forgotten");
    place_run(&place, "ROLLBACK");
    store_free(store);
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence"), 1000, "stored");
    place_release(&place);
}

static void what_is_forgotten_leaves_a_tombstone(void)
{
    struct place place;
    int64_t count = 0;
    struct error error = {0};
    struct store *store = share(&place, "INSERT INTO persistence VALUES (1, '" CLIENT
                                        "', 1, 'modulus', 1700000000, 77, 5, 9, 3, NULL)");
    CHECK_INTEGER(store_forget(store, CLIENT, 1, clock_monotonic_ms() + 2000, &count, &error), 0,
                  "%s", error.text);
    CHECK_INTEGER(count, 1, "forgotten");
    store_free(store);
    CHECK_INTEGER(rows_of(&place), 0, "no row");
    CHECK(is_of_now(place_number(&place, "SELECT decided FROM share_deleted WHERE origin = 7"
                                         " AND ttl = 77 AND abs(timestamp - unixepoch()) < 60")),
          "a tombstone of now");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM share_change"), 1, "noted");
    place_release(&place);
}

static void forgetting_is_for_one_pool_or_for_all(void)
{
    struct place place;
    struct error error = {0};
    int64_t count = -1;
    place_init_served(&place);
    place_run(&place, "INSERT INTO pool (id, name) VALUES (2, 'api')");
    insert_mappings(&place, 1, 2, "a", NOW_S);
    insert_mappings(&place, 2, 2, "a", NOW_S);
    struct store *store = new_store(&place);
    (void)store_mappings(store);
    touch(store);
    CHECK_INTEGER(store_forget(store, "a1", 2, clock_monotonic_ms() + 2000, &count, &error), 0,
                  "%s", error.text);
    CHECK_INTEGER(count, 1, "of one pool");
    CHECK_INTEGER(store_forget(store, "a1", 2, clock_monotonic_ms() + 2000, &count, &error), 0,
                  "%s", error.text);
    CHECK_INTEGER(count, 0, "gone already");
    CHECK_INTEGER(store_forget(store, "a2", 0, clock_monotonic_ms() + 2000, &count, &error), 0,
                  "%s", error.text);
    CHECK_INTEGER(count, 2, "of all pools");
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence"), 1, "what is left");
    store_free(store);
    place_release(&place);
}

struct walk {
    char keys[64];
    int left; /* calls until it wants no more */
};

static bool walk_on(void *context, int64_t pool_id, const char *key, const struct mapping *mapping)
{
    struct walk *walk = context;
    size_t length = strlen(walk->keys);
    snprintf(walk->keys + length, sizeof walk->keys - length, "%lld:%s@%lld ", (long long)pool_id,
             key, (long long)mapping->timestamp_s);
    return --walk->left > 0;
}

static void mappings_are_walked_in_order_until_it_is_enough(void)
{
    struct place place;
    struct error error = {0};
    struct walk all = {.left = 100}, two = {.left = 2};
    place_init_served(&place);
    place_run(&place, "INSERT INTO pool (id, name) VALUES (2, 'api')");
    insert_mappings(&place, 2, 1, "a", 5);
    insert_mappings(&place, 1, 2, "b", 7);
    struct store *store = new_store(&place);
    touch(store);
    CHECK_INTEGER(store_each_mapping(store, walk_on, &all, &error), 0, "%s", error.text);
    CHECK_TEXT(all.keys, "1:b1@7 1:b2@7 2:a1@5 ", "all");
    CHECK_INTEGER(store_each_mapping(store, walk_on, &two, &error), 0, "%s", error.text);
    CHECK_TEXT(two.keys, "1:b1@7 1:b2@7 ", "two");
    store_free(store);
    place_release(&place);
}

static void a_file_that_is_replaced_is_opened_anew(void)
{
    struct place place;
    struct revision before, after;
    char aside[PLACE_PATH_MAX];
    place_init_served(&place);
    struct store *store = new_store(&place);
    CHECK_INTEGER(begin(store, 1, &before), 0, "the first file");
    place_close_shell(&place);
    place_name(&place, "aside", aside);
    CHECK(rename(place.path, aside) == 0, "mv");
    CHECK_INTEGER(begin(store, 1, &after), ERR_NOTFOUND, "no file");
    CHECK(rename(aside, place.path) == 0, "mv");
    CHECK_INTEGER(begin(store, 1, &after), 0, "the file is back");
    CHECK(after.opening != before.opening, "another opening, so everything is read anew");
    CHECK_INTEGER(after.configuration, before.configuration, "with the same count");
    place_open_shell(&place);
    store_free(store);
    place_release(&place);
}

static void what_is_no_database_of_ours_is_named(void)
{
    static const struct {
        const char *sql; /* NULL: another content */
        const char *content;
        int code;
        const char *words;
    } rows[] = {
        {NULL, "", ERR_FOREIGN, "is empty"},
        {NULL,
         "this is no database at all, but long enough to be looked at as one ............"
         "......................................................................",
         ERR_FOREIGN, "not a pdns-sticky database"},
        {"PRAGMA application_id = 1", NULL, ERR_FOREIGN, "not a pdns-sticky database"},
        {"PRAGMA user_version = 0", NULL, ERR_FOREIGN, "migrate"},
        {"DROP TABLE revision", NULL, ERR_INTERNAL, "has not the tables it should have"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct place place;
        struct revision revision;
        struct error error = {0};
        place_init_served(&place);
        if (rows[i].sql)
            place_run(&place, rows[i].sql);
        else {
            place_close_shell(&place);
            place_write(&place, "sticky.sqlite", rows[i].content);
        }
        struct store *store = new_store(&place);
        CHECK_INTEGER(store_begin(store, 1, &revision, &error), rows[i].code, "row %zu: %s", i,
                      error.text);
        CHECK(strstr(error.text, rows[i].words) && strstr(error.text, place.path), "row %zu: %s", i,
              error.text);
        store_free(store);
        place_release(&place);
    }
}

static void a_table_that_is_missing_is_named(void)
{
    struct place place;
    struct snapshot *snapshot = NULL;
    struct error error = {0};
    place_init_served(&place);
    place_run(&place, "DROP TABLE setting");
    struct store *store = new_store(&place);
    touch(store);
    CHECK_INTEGER(store_load(store, &snapshot, &error), ERR_INTERNAL, "%s", error.text);
    CHECK(strstr(error.text, "no such table: setting") != NULL, "%s", error.text);
    store_free(store);
    place_release(&place);
}

static void a_newer_version_is_read_and_not_written(void)
{
    struct place place;
    const struct mapping wanted = mapping_of(1, NOW_S, 60);
    struct settings settings = settings_default();
    struct error error = {0};
    int64_t count;
    place_init_served(&place);
    insert_mappings(&place, 1, 1, "old", NOW_S - 60);
    place_run(&place, "PRAGMA user_version = 2; ALTER TABLE pool ADD COLUMN motto TEXT");
    struct store *store = new_store(&place);
    struct mapping_table table = store_mappings(store);
    touch(store);
    CHECK(store_read_only(store) && strstr(store_read_only(store), "newer"), "it says so");
    CHECK_INTEGER(table.claim(table.context, 1, "192.0.2.10", NULL, &wanted, NULL), ERR_READONLY,
                  "no claim");
    check_row(&table, "old1", &(struct mapping)MAPPING(1, "modulus", NOW_S - 60, 60), "but a find");
    CHECK_INTEGER(store_forget(store, "old1", 0, clock_monotonic_ms() + 2000, &count, &error),
                  ERR_READONLY, "no forget");
    CHECK_INTEGER(store_maintain(store, &settings, NOW_S, 1000000, &error), 0, "%s", error.text);
    CHECK_INTEGER(store_finish_maintenance(store, &error), 0, "%s", error.text);
    CHECK_INTEGER(place_number(&place, "SELECT count(*) FROM persistence"), 1, "no sweep");
    store_free(store);
    place_release(&place);
}

static void a_store_without_memory_is_none(void)
{
    struct store *store = NULL;
    bool failed = true;
    for (size_t n = 1; failed && n < 10; n++) {
        memory_fail_at(n);
        int code = store_new("/nonexistent", &store);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK((store == NULL) == failed, "allocation %zu", n);
    }
    store_free(store);
    store_free(NULL);
}

static const CU_TestInfo tests[] = {
    {"every query fits the schema", every_query_fits_the_schema},
    {"the schema has our header", the_schema_has_our_header},
    {"the revision moves with what is committed", the_revision_moves_with_what_is_committed},
    {"what is loaded is what is in the tables", what_is_loaded_is_what_is_in_the_tables},
    {"a load without memory is an error, and the next one works",
     a_load_without_memory_is_an_error_and_the_next_one_works},
    {"a claim writes only what is still as it was seen",
     a_claim_writes_only_what_is_still_as_it_was_seen},
    {"of two processes the first claim holds", of_two_processes_the_first_claim_holds},
    {"a claim holds if the row is as it was, however that is found",
     a_claim_holds_if_the_row_is_as_it_was_however_that_is_found},
    {"a mapping is forgotten whatever has changed", a_mapping_is_forgotten_whatever_has_changed},
    {"a claim needs no lock of the database", a_claim_needs_no_lock_of_the_database},
    {"claims give way to what is changed in the table",
     claims_give_way_to_what_is_changed_in_the_table},
    {"before it was opened the table cannot be read",
     before_it_was_opened_the_table_cannot_be_read},
    {"a shared decision says where and when", a_shared_decision_says_where_and_when},
    {"an extension is no decision", an_extension_is_no_decision},
    {"what is over is decided anew", what_is_over_is_decided_anew},
    {"a decision is later than what it knew", a_decision_is_later_than_what_it_knew},
    {"what is forgotten leaves a tombstone", what_is_forgotten_leaves_a_tombstone},
    {"forgetting is for one pool or for all", forgetting_is_for_one_pool_or_for_all},
    {"a range of keys is forgotten in one pool", a_range_of_keys_is_forgotten_in_one_pool},
    {"what waits to be stored is forgotten with a range",
     what_waits_to_be_stored_is_forgotten_with_a_range},
    {"mappings are walked in order until it is enough",
     mappings_are_walked_in_order_until_it_is_enough},
    {"a file that is replaced is opened anew", a_file_that_is_replaced_is_opened_anew},
    {"what is no database of ours is named", what_is_no_database_of_ours_is_named},
    {"a table that is missing is named", a_table_that_is_missing_is_named},
    {"a newer version is read and not written", a_newer_version_is_read_and_not_written},
    {"a store without memory is none", a_store_without_memory_is_none},
    CU_TEST_INFO_NULL,
};

const struct suite suite_store = {"store", tests};
