#include "store/monitoring.h"

#include <string.h>

#include <stdio.h>

#include "fixture.h"
#include "store/sqlite/database.h"
#include "store/sqlite/lock_bytes.h"
#include "store/store_parts.h"
#include "suites.h"
#include "system/lock_file.h"

#define NOW_S 1700000000
#define WAIT_MS 5

/* A database with two controllers and three servers, and a store that has begun to read it. */
struct bench {
    struct place place;
    struct store *store;
};

static void begin(struct bench *bench)
{
    struct revision revision;
    struct error error = {0};
    store_rest(bench->store);
    CHECK_INTEGER(store_begin(bench->store, 1, &revision, &error), 0, "%s", error.text);
}

static void bench_begin(struct bench *bench)
{
    place_init(&bench->place);
    place_run(
        &bench->place,
        "INSERT INTO monitor (id, name, type, port, path, body, interval, timeout, rise, fall)"
        " VALUES (1, 'web', 'http', 8080, '/health', 'ok', 5, 2, 3, 4);"
        "INSERT INTO monitor (id, name, type) VALUES (2, 'site', 'icmp');"
        "INSERT INTO controller (id, name, address, monitor_id)"
        " VALUES (1, 'ams', '192.0.2.1', 2), (2, 'fra', NULL, NULL);"
        "INSERT INTO pool (id, name, monitor_id) VALUES (1, 'web', 1), (2, 'api', NULL);"
        "INSERT INTO virtual_server"
        " (id, pool_id, controller_id, position, ipv4, ipv6, port, monitor_id, check_address)"
        " VALUES (11, 1, 1, 1, '192.0.2.80', '2001:db8::80', 443, NULL, NULL),"
        "        (12, 1, 2, 2, NULL, '2001:db8::81', NULL, 2, NULL),"
        "        (13, 1, 2, 3, '192.0.2.82', NULL, NULL, NULL, '10.0.0.82'),"
        "        (21, 2, 1, 1, '192.0.2.90', NULL, NULL, NULL, NULL),"
        "        (22, 2, 2, 2, '192.0.2.91', NULL, NULL, 1, NULL);"
        "UPDATE setting SET value = 7 WHERE name = 'max_checks'");
    CHECK_INTEGER(store_new(bench->place.path, &bench->store), 0, "store_new");
    begin(bench);
}

static void bench_end(struct bench *bench)
{
    store_free(bench->store);
    place_release(&bench->place);
}

static void what_has_a_monitor_is_a_target(void)
{
    static const struct {
        enum target_kind kind;
        int64_t id;
        const char *monitor, *name, *address;
        int port;
    } expected[] = {
        {TARGET_CONTROLLER, 1, "site", "controller ams, 192.0.2.1", "192.0.2.1", 0},
        {TARGET_SERVER, 11, "web", "pool web, controller ams, 192.0.2.80:8080", "192.0.2.80", 443},
        {TARGET_SERVER, 12, "site", "pool web, controller fra, 2001:db8::81", "2001:db8::81", 0},
        {TARGET_SERVER, 13, "web", "pool web, controller fra, 10.0.0.82:8080", "10.0.0.82", 0},
        {TARGET_SERVER, 22, "web", "pool api, controller fra, 192.0.2.91:8080", "192.0.2.91", 0},
    };
    struct bench bench;
    struct targets *targets = NULL;
    struct settings settings;
    struct error error = {0};
    bench_begin(&bench);
    CHECK_INTEGER(store_load_targets(bench.store, &targets, &settings, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER((int64_t)targets_count(targets), COUNT(expected), "targets");
    for (size_t i = 0; i < COUNT(expected) && i < targets_count(targets); i++) {
        char address[ADDRESS_TEXT_MAX];
        const struct target *target = targets_at(targets, i);
        CHECK_INTEGER(target->key.kind, expected[i].kind, "row %zu", i);
        CHECK_INTEGER(target->key.id, expected[i].id, "row %zu", i);
        CHECK_INTEGER(target->port, expected[i].port, "row %zu", i);
        CHECK_TEXT(target->monitor->name, expected[i].monitor, "row %zu", i);
        CHECK_TEXT(target->name, expected[i].name, "row %zu", i);
        CHECK_TEXT(address_format(&target->address, address), expected[i].address, "row %zu", i);
    }
    CHECK_INTEGER(settings.max_checks, 7, "settings come along");
    targets_release(targets);
    bench_end(&bench);
}

/* Server 11 has both addresses; 12 has one, and 13 is checked at another one. */
static void each_address_may_be_a_target(void)
{
    static const struct {
        int64_t id;
        enum address_family family;
        const char *name;
    } expected[] = {
        {11, FAMILY_IPV4, "pool web, controller ams, 192.0.2.80:8080"},
        {11, FAMILY_IPV6, "pool web, controller ams, [2001:db8::80]:8080"},
        {12, FAMILY_NONE, "pool web, controller fra, 2001:db8::81"},
        {13, FAMILY_NONE, "pool web, controller fra, 10.0.0.82:8080"},
        {22, FAMILY_NONE, "pool api, controller fra, 192.0.2.91:8080"},
    };
    struct bench bench;
    struct targets *targets = NULL;
    struct settings settings;
    struct error error = {0};
    bench_begin(&bench);
    place_run(&bench.place, "UPDATE monitor SET each_family = 1");
    begin(&bench);
    CHECK_INTEGER(store_load_targets(bench.store, &targets, &settings, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER((int64_t)targets_count(targets), 1 + COUNT(expected), "with the controller");
    for (size_t i = 0; i < COUNT(expected) && i + 1 < targets_count(targets); i++) {
        const struct target *target = targets_at(targets, i + 1);
        CHECK_INTEGER(target->key.id, expected[i].id, "row %zu", i);
        CHECK_INTEGER(target->key.family, expected[i].family, "row %zu", i);
        CHECK_TEXT(target->name, expected[i].name, "row %zu", i);
        CHECK_INTEGER(target->port, expected[i].id == 11 ? 443 : 0, "row %zu", i);
    }
    targets_release(targets);
    bench_end(&bench);
}

static void a_monitor_has_all_its_columns(void)
{
    struct bench bench;
    struct targets *targets = NULL;
    struct settings settings;
    struct error error = {0};
    bench_begin(&bench);
    place_run(
        &bench.place,
        "INSERT INTO monitor (id, name, type, host, query) VALUES (3, 'n', 'dns', 'x', 'TXT');"
        "INSERT INTO monitor (id, name, type, send, expect) VALUES (4, 't', 'tcp', 'a', 'b');"
        "INSERT INTO monitor (id, name, type, status_min, status_max, verify)"
        " VALUES (5, 's', 'https', 201, 299, 0)");
    begin(&bench);
    CHECK_INTEGER(store_load_targets(bench.store, &targets, &settings, &error), 0, "%s",
                  error.text);
    CHECK_INTEGER((int64_t)targets_monitor_count(targets), 5, "monitors");
    const struct monitor *web = targets_monitor_at(targets, 0);
    CHECK(web->type == CHECK_HTTP && web->port == 8080 && web->interval_s == 5 &&
              web->timeout_s == 2 && web->rise == 3 && web->fall == 4 && web->verify &&
              web->status_min == 200 && web->status_max == 399,
          "numbers of http");
    CHECK_TEXT(web->path, "/health", "path");
    CHECK_TEXT(web->body, "ok", "body");
    CHECK_TEXT(web->host, NULL, "host");
    CHECK_TEXT(targets_monitor_at(targets, 2)->host, "x", "host");
    CHECK_TEXT(targets_monitor_at(targets, 2)->query, "TXT", "query");
    CHECK_TEXT(targets_monitor_at(targets, 3)->send, "a", "send");
    CHECK_TEXT(targets_monitor_at(targets, 3)->expect, "b", "expect");
    const struct monitor *tls = targets_monitor_at(targets, 4);
    CHECK(tls->status_min == 201 && tls->status_max == 299 && !tls->verify, "https");
    targets_release(targets);
    bench_end(&bench);
}

static void targets_without_memory_are_an_error(void)
{
    struct bench bench;
    bool failed = true;
    size_t n = 1;
    bench_begin(&bench);
    for (; failed && n < 200; n++) {
        struct targets *targets = NULL;
        struct settings settings;
        struct error error = {0};
        begin(&bench);
        memory_fail_at(n);
        int code = store_load_targets(bench.store, &targets, &settings, &error);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK((error.text[0] != '\0') == failed, "allocation %zu", n);
        targets_release(targets);
    }
    CHECK(n > 5 && n < 200, "%zu allocations", n);
    bench_end(&bench);
}

static struct verdict_row row_of(enum target_kind kind, int64_t id, enum verdict_state state)
{
    return (struct verdict_row){.key = {kind, id, FAMILY_NONE},
                                .verdict = {.state = state,
                                            .reason = state == VERDICT_UP ? REASON_OK : REASON_TLS,
                                            .since_s = NOW_S - 100,
                                            .checked_s = NOW_S,
                                            .flaps = 3,
                                            .has_rtt = true,
                                            .rtt_ms = 12.5},
                                .measured = state == VERDICT_UP};
}

static int write_rows(struct bench *bench, const struct verdict_row *rows, size_t count,
                      const struct target_key *ended, size_t ended_count)
{
    struct error error = {0};
    begin(bench);
    int code = store_write_verdicts(bench->store, rows, count, ended, ended_count, WAIT_MS, &error);
    CHECK((code != 0) == (error.text[0] != '\0'), "%s", error.text);
    return code;
}

static int64_t metrics_revision(struct bench *bench)
{
    return place_number(&bench->place, "SELECT metrics FROM revision");
}

static void verdicts_are_written_with_their_metrics(void)
{
    static const struct {
        const char *sql;
        int64_t number;
    } rows[] = {
        {"SELECT count(*) FROM virtual_server_verdict", 2},
        {"SELECT count(*) FROM virtual_server_verdict WHERE virtual_server_id = 11"
         " AND state = 'up' AND reason = 'ok' AND since = 1699999900 AND checked_at = 1700000000"
         " AND flaps = 3",
         1},
        {"SELECT count(*) FROM virtual_server_verdict WHERE virtual_server_id = 12"
         " AND state = 'down' AND reason = 'tls'",
         1},
        {"SELECT count(*) FROM controller_verdict WHERE controller_id = 1 AND state = 'up'", 1},
        {"SELECT value FROM virtual_server_metric WHERE virtual_server_id = 11"
         " AND name = 'availability' AND measured_at = 1700000000",
         1},
        {"SELECT value * 10 FROM virtual_server_metric WHERE virtual_server_id = 11"
         " AND name = 'rtt' AND measured_at = 1700000000",
         125},
        {"SELECT value FROM virtual_server_metric WHERE virtual_server_id = 12", 0},
        {"SELECT count(*) FROM virtual_server_metric", 3},
        {"SELECT value FROM controller_metric WHERE name = 'availability'", 1},
        {"SELECT count(*) FROM controller_metric", 2},
    };
    const struct verdict_row written[] = {
        row_of(TARGET_SERVER, 11, VERDICT_UP), row_of(TARGET_SERVER, 12, VERDICT_DOWN),
        row_of(TARGET_CONTROLLER, 1, VERDICT_UP), row_of(TARGET_SERVER, 99, VERDICT_UP),
        row_of(TARGET_CONTROLLER, 99, VERDICT_DOWN)};
    struct bench bench;
    bench_begin(&bench);
    CHECK_INTEGER(write_rows(&bench, written, COUNT(written), NULL, 0), 0, "write");
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(place_number(&bench.place, rows[i].sql), rows[i].number, "%s", rows[i].sql);
    bench_end(&bench);
}

static void the_revision_moves_with_the_state_alone(void)
{
    struct verdict_row row = row_of(TARGET_SERVER, 11, VERDICT_UP);
    struct bench bench;
    bench_begin(&bench);
    CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), 0, "first");
    int64_t before = metrics_revision(&bench);
    row.verdict.checked_s++;
    row.verdict.rtt_ms = 99;
    CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), 0, "checked again");
    CHECK_INTEGER(metrics_revision(&bench), before, "the same state");
    row.verdict.state = VERDICT_DOWN;
    CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), 0, "down");
    CHECK(metrics_revision(&bench) != before, "another state");
    bench_end(&bench);
}

static int take(void *context, const struct verdict_row *row)
{
    struct buffer *told = context;
    buffer_printf(told, " %s%lld:%s,%s,%lld,%lld,%lld,%s%.1f",
                  row->key.kind == TARGET_CONTROLLER ? "c" : "", (long long)row->key.id,
                  verdict_state_word(row->verdict.state), reason_word(row->verdict.reason),
                  (long long)(NOW_S - row->verdict.since_s),
                  (long long)(NOW_S - row->verdict.checked_s), (long long)row->verdict.flaps,
                  row->verdict.has_rtt ? "" : "no ", row->verdict.rtt_ms);
    return told->length > 200 ? ERR_LIMIT : 0;
}

static void what_was_written_is_read_again(void)
{
    const struct verdict_row written[] = {row_of(TARGET_SERVER, 11, VERDICT_UP),
                                          row_of(TARGET_SERVER, 12, VERDICT_DOWN),
                                          row_of(TARGET_CONTROLLER, 1, VERDICT_UP)};
    struct bench bench;
    struct buffer told = {0};
    struct error error = {0};
    bench_begin(&bench);
    CHECK_INTEGER(write_rows(&bench, written, COUNT(written), NULL, 0), 0, "write");
    place_run(&bench.place,
              "DROP TRIGGER virtual_server_verdict_allowed_insert;" /* a newer version's word */
              "INSERT INTO virtual_server_verdict (virtual_server_id, state, reason, since,"
              " checked_at) VALUES (13, 'up', 'whatever', 1, 1)");
    begin(&bench);
    CHECK_INTEGER(store_each_verdict(bench.store, take, &told, &error), 0, "%s", error.text);
    CHECK_TEXT(buffer_text(&told),
               " c1:up,ok,100,0,3,12.5 11:up,ok,100,0,3,12.5 12:down,tls,100,0,3,no 0.0", "rows");
    for (int i = 0; i < 10; i++)
        if (store_each_verdict(bench.store, take, &told, &error) == ERR_LIMIT)
            break;
    CHECK(told.length < 300, "it ends when it is told to");
    buffer_release(&told);
    bench_end(&bench);
}

static void only_what_is_the_monitors_is_ended(void)
{
    const struct verdict_row written[] = {row_of(TARGET_SERVER, 11, VERDICT_UP),
                                          row_of(TARGET_SERVER, 12, VERDICT_DOWN),
                                          row_of(TARGET_CONTROLLER, 1, VERDICT_UP)};
    const struct target_key ended[] = {{TARGET_SERVER, 11, FAMILY_NONE},
                                       {TARGET_SERVER, 21, FAMILY_NONE},
                                       {TARGET_CONTROLLER, 1, FAMILY_NONE},
                                       {TARGET_SERVER, 99, FAMILY_NONE}};
    struct bench bench;
    bench_begin(&bench);
    place_run(&bench.place, "INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
                            " VALUES (21, 'availability', 0), (21, 'rtt', 5), (11, 'cpu', 9)");
    CHECK_INTEGER(write_rows(&bench, written, COUNT(written), NULL, 0), 0, "write");
    CHECK_INTEGER(write_rows(&bench, NULL, 0, ended, COUNT(ended)), 0, "end");
    CHECK_INTEGER(place_number(&bench.place, "SELECT sum(virtual_server_id)"
                                             " FROM virtual_server_verdict"),
                  12, "server 12 is left");
    CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM controller_verdict"), 0, "none");
    CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM controller_metric"), 0, "none");
    CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM virtual_server_metric"
                                             " WHERE virtual_server_id = 21"),
                  2, "somebody else's");
    CHECK_INTEGER(place_number(&bench.place, "SELECT value FROM virtual_server_metric"
                                             " WHERE virtual_server_id = 11"),
                  9, "another metric");
    bench_end(&bench);
}

static struct verdict_row row_of_address(enum address_family family, enum verdict_state state,
                                         double rtt_ms)
{
    struct verdict_row row = row_of(TARGET_SERVER, 11, state);
    row.key.family = family;
    row.verdict.rtt_ms = rtt_ms;
    return row;
}

static int64_t metric_of_11(struct bench *bench, const char *name)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT value FROM virtual_server_metric WHERE virtual_server_id = 11 AND name = '%s'",
             name);
    return place_number(&bench->place, sql);
}

/* A digit for each: those of the server, of IPv4, of IPv6; -: there is none. */
static void check_metrics(struct bench *bench, const char *availability, const char *rtt,
                          const char *what)
{
    static const char *const suffixes[] = {"", "-ipv4", "-ipv6"};
    char name[40];
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        snprintf(name, sizeof name, "availability%s", suffixes[i]);
        CHECK_INTEGER(metric_of_11(bench, name),
                      availability[i] == '-' ? -1 : availability[i] - '0', "%s: %s", what, name);
        snprintf(name, sizeof name, "rtt%s", suffixes[i]);
        CHECK_INTEGER(metric_of_11(bench, name), rtt[i] == '-' ? -1 : rtt[i] - '0', "%s: %s", what,
                      name);
    }
}

static void metrics_of_a_server_follow_from_its_addresses(void)
{
    static const struct {
        const char *what;
        enum address_family family;
        enum verdict_state state;
        double rtt_ms;
        const char *availability, *rtt;
    } rows[] = {
        {"IPv6 is down, IPv4 not known yet", FAMILY_IPV6, VERDICT_DOWN, 3, "1-0", "---"},
        {"IPv4 is up", FAMILY_IPV4, VERDICT_UP, 5, "110", "55-"},
        {"IPv6 comes up, and is faster", FAMILY_IPV6, VERDICT_UP, 2, "111", "252"},
        {"IPv4 is slower than before", FAMILY_IPV4, VERDICT_UP, 9, "111", "292"},
        {"IPv6 goes down", FAMILY_IPV6, VERDICT_DOWN, 2, "110", "992"},
        {"IPv4 too", FAMILY_IPV4, VERDICT_DOWN, 9, "000", "992"},
        {"IPv6 returns", FAMILY_IPV6, VERDICT_UP, 4, "101", "494"},
    };
    struct bench bench;
    bench_begin(&bench);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct verdict_row row = row_of_address(rows[i].family, rows[i].state, rows[i].rtt_ms);
        CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), 0, "%s", rows[i].what);
        check_metrics(&bench, rows[i].availability, rows[i].rtt, rows[i].what);
    }
    CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM virtual_server_verdict"), 2,
                  "a verdict each");
    const struct target_key keys[] = {{TARGET_SERVER, 11, FAMILY_IPV4},
                                      {TARGET_SERVER, 11, FAMILY_IPV6}};
    CHECK_INTEGER(write_rows(&bench, NULL, 0, keys, 1), 0, "IPv4 ends");
    check_metrics(&bench, "1-1", "4-4", "IPv4 ends");
    struct verdict_row whole = row_of(TARGET_SERVER, 11, VERDICT_UP);
    whole.verdict.rtt_ms = 7;
    CHECK_INTEGER(write_rows(&bench, &whole, 1, keys + 1, 1), 0, "the server in their place");
    check_metrics(&bench, "1--", "7--", "the server in their place");
    CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM virtual_server_verdict"
                                             " WHERE family = ''"),
                  1, "the server in their place");
    bench_end(&bench);
}

static int count_addresses(void *context, const struct verdict_row *row)
{
    int *seen = context;
    seen[row->key.family] +=
        row->key.id == 11 && row->counts == row->verdict.state && row->verdict.has_rtt
            ? (int)row->verdict.rtt_ms
            : 100;
    return 0;
}

static void verdicts_of_addresses_are_read_with_their_metrics(void)
{
    const struct verdict_row written[] = {row_of_address(FAMILY_IPV4, VERDICT_UP, 5),
                                          row_of_address(FAMILY_IPV6, VERDICT_UP, 3)};
    int seen[3] = {0};
    struct bench bench;
    struct error error = {0};
    bench_begin(&bench);
    CHECK_INTEGER(write_rows(&bench, written, COUNT(written), NULL, 0), 0, "write");
    begin(&bench);
    CHECK_INTEGER(store_each_verdict(bench.store, count_addresses, seen, &error), 0, "%s",
                  error.text);
    CHECK(seen[FAMILY_NONE] == 0 && seen[FAMILY_IPV4] == 5 && seen[FAMILY_IPV6] == 3, "%d, %d, %d",
          seen[0], seen[1], seen[2]);
    bench_end(&bench);
}

static void under_a_lock_nothing_is_written_and_later_all(void)
{
    const struct verdict_row row = row_of(TARGET_SERVER, 11, VERDICT_UP);
    struct bench bench;
    bench_begin(&bench);
    place_run(&bench.place, "BEGIN IMMEDIATE");
    CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), ERR_BUSY, "locked");
    place_run(&bench.place, "ROLLBACK");
    CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), 0, "later");
    place_run(&bench.place, "CREATE TRIGGER stop BEFORE INSERT ON virtual_server_metric"
                            " WHEN NEW.virtual_server_id = 12 BEGIN"
                            " SELECT RAISE(ABORT, 'stop'); END");
    const struct verdict_row two[] = {row_of(TARGET_SERVER, 13, VERDICT_UP),
                                      row_of(TARGET_SERVER, 12, VERDICT_UP)};
    CHECK(write_rows(&bench, two, 2, NULL, 0) != 0, "a row that cannot be");
    CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM virtual_server_verdict"), 1,
                  "all or nothing");
    CHECK_INTEGER(write_rows(&bench, two, 1, NULL, 0), 0, "and nothing is left begun");
    bench_end(&bench);
}

static void what_can_only_be_read_is_said(void)
{
    const struct verdict_row row = row_of(TARGET_SERVER, 11, VERDICT_UP);
    struct bench bench;
    struct error error = {0};
    bench_begin(&bench);
    store_free(bench.store);
    place_run(&bench.place, "PRAGMA user_version = 99");
    CHECK_INTEGER(store_new(bench.place.path, &bench.store), 0, "store_new");
    CHECK_INTEGER(store_write_verdicts(bench.store, &row, 1, NULL, 0, WAIT_MS, &error), ERR_IO,
                  "not open");
    CHECK_INTEGER(write_rows(&bench, &row, 1, NULL, 0), ERR_READONLY, "a newer version");
    bench_end(&bench);
}

static void there_is_one_monitor(void)
{
    struct bench bench;
    struct store *other = NULL;
    struct revision revision;
    struct error error = {0};
    bench_begin(&bench);
    CHECK_INTEGER(store_new(bench.place.path, &other), 0, "another process");
    CHECK_INTEGER(store_begin(other, 1, &revision, &error), 0, "%s", error.text);
    CHECK(!store_has_monitor(other), "nobody yet");
    CHECK_INTEGER(store_be_monitor(bench.store, &error), 0, "%s", error.text);
    CHECK_INTEGER(store_be_monitor(bench.store, &error), 0, "once more");
    CHECK(store_has_monitor(other) && store_has_monitor(bench.store), "there is one");
    CHECK_INTEGER(store_be_monitor(other, &error), ERR_BUSY, "a second");
    CHECK(strstr(error.text, "another pdns-stickyd"), "%s", error.text);
    store_free(bench.store);
    CHECK(!store_has_monitor(other), "gone");
    bench.store = other;
    error = (struct error){0};
    CHECK_INTEGER(store_be_monitor(other, &error), 0, "%s", error.text);
    bench_end(&bench);
}

static void a_report_is_read_by_others(void)
{
    struct bench bench;
    char problems[STORE_REPORT_MAX], many[2 * STORE_REPORT_MAX];
    int64_t ago_ms = -1;
    bench_begin(&bench);
    CHECK(!store_read_report(bench.store, 5000, &ago_ms, problems), "none yet");
    store_report(bench.store, 5000, "one\ntwo\n");
    CHECK(store_read_report(bench.store, 7500, &ago_ms, problems), "read");
    CHECK_INTEGER(ago_ms, 2500, "ago");
    CHECK_TEXT(problems, "one\ntwo\n", "problems");
    CHECK(!store_read_report(bench.store, 4999, &ago_ms, problems), "before the machine's start");
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    store_report(bench.store, 8000, many);
    CHECK(store_read_report(bench.store, 8000, &ago_ms, problems), "read");
    CHECK_INTEGER((int64_t)strlen(problems), STORE_REPORT_MAX - 1, "cut");
    lock_file_write(&bench.store->database.lock, LOCK_BYTES_REPORT + 20, "torn", 4);
    CHECK(!store_read_report(bench.store, 8000, &ago_ms, problems), "half of another");
    bench_end(&bench);
}

/* For one that hangs somebody stands in when claims wait; expired rows can wait. */
static void maintenance_is_left_to_the_monitor(void)
{
    static const struct {
        bool monitor;
        int64_t passed_ms, left;
    } rows[] = {{false, 1000, 0}, {true, 1000, 1}, {true, 60000, 1}};
    const struct settings settings = settings_default();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench bench;
        struct store *other = NULL;
        struct error error = {0};
        bench_begin(&bench);
        store_maintain(bench.store, &settings, NOW_S, 100000, &error);
        store_finish_maintenance(bench.store, &error);
        CHECK_INTEGER(store_new(bench.place.path, &other), 0, "the monitor");
        struct revision revision;
        CHECK_INTEGER(store_begin(other, 1, &revision, &error), 0, "%s", error.text);
        if (rows[i].monitor)
            CHECK_INTEGER(store_be_monitor(other, &error), 0, "%s", error.text);
        place_run(&bench.place,
                  "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                  " VALUES (1, 'x', 1, 'modulus', 1, 1)");
        begin(&bench);
        store_rest(bench.store);
        store_maintain(bench.store, &settings, NOW_S, 100000 + rows[i].passed_ms, &error);
        store_finish_maintenance(bench.store, &error);
        CHECK_INTEGER(error.code, 0, "%s", error.text);
        CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM persistence"), rows[i].left,
                      "row %zu", i);
        store_rest(other);
        store_maintain(other, &settings, NOW_S, 200000, &error);
        store_finish_maintenance(other, &error);
        CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM persistence"), 0,
                      "row %zu, the monitor itself", i);
        store_free(other);
        bench_end(&bench);
    }
}

static const CU_TestInfo tests[] = {
    {"each address may be a target", each_address_may_be_a_target},
    {"metrics of a server follow from its addresses",
     metrics_of_a_server_follow_from_its_addresses},
    {"verdicts of addresses are read with their metrics",
     verdicts_of_addresses_are_read_with_their_metrics},
    {"what has a monitor is a target", what_has_a_monitor_is_a_target},
    {"a monitor has all its columns", a_monitor_has_all_its_columns},
    {"targets without memory are an error", targets_without_memory_are_an_error},
    {"verdicts are written with their metrics, if their targets are there",
     verdicts_are_written_with_their_metrics},
    {"the revision moves with the state alone", the_revision_moves_with_the_state_alone},
    {"what was written is read again", what_was_written_is_read_again},
    {"only what is the monitor's is ended", only_what_is_the_monitors_is_ended},
    {"under a lock nothing is written, and later all",
     under_a_lock_nothing_is_written_and_later_all},
    {"what can only be read is said", what_can_only_be_read_is_said},
    {"there is one monitor", there_is_one_monitor},
    {"a report is read by others", a_report_is_read_by_others},
    {"maintenance is left to the monitor", maintenance_is_left_to_the_monitor},
    CU_TEST_INFO_NULL,
};

const struct suite suite_monitoring = {"monitoring", tests};
