#include "program/command/status.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "store/monitoring.h"
#include "suites.h"
#include "system/clock.h"

/* The example, where fra drains in pool web and the monitor has found a controller down. */
static const char rows[] =
    "UPDATE virtual_server SET state = 'draining' WHERE id = 2;"
    "UPDATE pool SET alternate_method = 'rtt' WHERE name = 'api';"
    "UPDATE setting SET value = 77 WHERE name = 'max_megabytes';"
    "UPDATE setting SET value = 7 WHERE name = 'sweep_interval';"
    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES"
    " (1, '192.0.2.1', 2, 'modulus', unixepoch(), 1000),"
    " (1, '192.0.2.2', 2, 'modulus', unixepoch() - 900, 3000),"
    " (1, '192.0.2.3', 1, 'modulus', unixepoch(), 3600),"
    " (1, '192.0.2.4', 2, 'modulus', unixepoch() - 4000, 3600);"
    "INSERT INTO monitor (id, name, type) VALUES (1, 'site', 'icmp');"
    "UPDATE controller SET monitor_id = 1, address = '192.0.2.200' WHERE id IN (1, 3);"
    "INSERT INTO controller_metric (controller_id, name, value) VALUES (3, 'availability', 0);"
    "INSERT INTO controller_verdict (controller_id, state, reason, since, checked_at, flaps)"
    " VALUES (1, 'up', 'ok', unixepoch() - 5000, unixepoch() - 300, 0),"
    "  (3, 'down', 'timeout', unixepoch() - 1000, unixepoch() - 400, 3);"
    "INSERT INTO virtual_server_verdict"
    " (virtual_server_id, state, reason, since, checked_at, flaps)"
    " VALUES (5, 'down', 'refused', unixepoch() - 20, unixepoch() - 10, 1);";

struct bench {
    struct place place;
    struct responder *responder;
    struct decision_inputs inputs;
    struct status status;
};

static void bench_begin(struct bench *bench, const char *sql)
{
    struct error error = {0};
    place_init(&bench->place);
    place_run_file(&bench->place, TEST_SCHEMA_DIR "/demo.sql");
    place_run(&bench->place, sql);
    CHECK_INTEGER(responder_new(bench->place.path, &bench->responder), 0, "responder_new");
    CHECK_INTEGER(responder_begin(bench->responder, &bench->inputs, &error), 0, "%s", error.text);
    CHECK_INTEGER(status_gather(bench->responder, &bench->inputs, bench->place.path, 0,
                                &bench->status, &error),
                  0, "%s", error.text);
}

static void bench_end(struct bench *bench)
{
    status_release(&bench->status);
    responder_end(bench->responder);
    responder_free(bench->responder);
    place_release(&bench->place);
}

/* A number of seconds; the test may have taken some since the rows were written. */
static void check_seconds(int64_t actual, int64_t expected, const char *what)
{
    CHECK(actual >= expected - 30 && actual <= expected + 30, "%s: %lld, not %lld", what,
          (long long)actual, (long long)expected);
}

static void database_and_counts_are_facts(void)
{
    struct bench bench;
    bench_begin(&bench, rows);
    const struct status *status = &bench.status;
    CHECK_TEXT(status->database.path, bench.place.path, "path");
    CHECK(!status->database.read_only, "nothing hinders writing");
    CHECK_INTEGER(status->database.revision.configuration,
                  responder_revision(bench.responder).configuration, "revision");
    CHECK_INTEGER((int64_t)status->counts.zones, 1, "zones");
    CHECK_INTEGER((int64_t)status->counts.pools, 2, "pools");
    CHECK_INTEGER((int64_t)status->counts.servers, 5, "servers");
    CHECK_INTEGER(status->counts.mappings_read, 4, "mappings");
    CHECK_INTEGER(status->counts.live_mappings, 3, "live mappings");
    CHECK(!status->counts.mappings_partial, "all were counted");
    CHECK_INTEGER(status->limits.max_megabytes, 77, "max_megabytes");
    CHECK_INTEGER(status->limits.refused_ago_ms, -1, "refused");
    CHECK(!status->limits.full, "room for mappings");
    CHECK_INTEGER(status->maintenance.sweep_interval_s, 7, "sweep_interval");
    CHECK(!status->maintenance.log_is_blocked, "the log can be checkpointed");
    CHECK(!status->topology.needed, "no pool goes by topology");
    bench_end(&bench);
}

static void servers_have_state_and_mappings(void)
{
    struct bench bench;
    bench_begin(&bench, rows);
    const struct status_pool *web = &bench.status.pools[0], *api = &bench.status.pools[1];
    CHECK_TEXT(web->pool->name, "web", "the first pool");
    CHECK(!web->metric, "modulus measures nothing");
    CHECK_TEXT(api->metric, "rtt", "the alternate method's");
    CHECK(web->servers[0].state == STATE_ENABLED && web->servers[0].up, "ams is up");
    CHECK_INTEGER(web->servers[0].live_mappings, 1, "ams");
    check_seconds(web->servers[0].last_ends_in_s, 3600, "ams");
    CHECK(web->servers[1].state == STATE_DRAINING, "fra drains");
    CHECK_INTEGER(web->servers[1].live_mappings, 2, "fra");
    check_seconds(web->servers[1].last_ends_in_s, 2100, "fra, of the longest");
    CHECK(!web->servers[2].up, "nyc is down");
    CHECK_INTEGER(web->servers[2].last_ends_in_s, 0, "nyc has no mappings");
    CHECK_INTEGER(api->servers[0].live_mappings, 0, "another pool, other mappings");
    bench_end(&bench);
}

/* The row of a pool for a controller, or NULL. */
static const struct status_server *row_of(const struct status_pool *pool, const char *controller)
{
    for (size_t i = 0; i < pool->pool->server_count; i++)
        if (strcmp(pool->servers[i].server->controller->name, controller) == 0)
            return &pool->servers[i];
    return NULL;
}

static int64_t live_at(const struct status_pool *pool, const char *controller)
{
    const struct status_server *row = row_of(pool, controller);
    return row ? row->live_mappings : -1;
}

/* Pool api uses the mappings of web: 2 live ones to ams, 1 to fra, where only web is, 1 to nyc. */
static const char shared_rows[] =
    "UPDATE pool SET persistence_pool_id = 1, method = 'round-robin' WHERE name = 'api';"
    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES"
    " (1, '192.0.2.1', 1, 'modulus', unixepoch(), 1000),"
    " (1, '192.0.2.2', 1, 'modulus', unixepoch() - 900, 3000),"
    " (1, '192.0.2.3', 1, 'modulus', unixepoch() - 4000, 3600),"
    " (1, '192.0.2.4', 1, 'rendezvous', unixepoch(), 3600),"
    " (1, '192.0.2.5', 2, 'modulus', unixepoch(), 3600),"
    " (1, '192.0.2.6', 3, 'modulus', unixepoch(), 3600);";

#define SERVER_DOWN(id)                                                                            \
    "INSERT INTO virtual_server_metric (virtual_server_id, name, value)"                           \
    " VALUES (" #id ", 'availability', 0);"

/* Of pool web and ams, 1 is the id of the server, of pool api and ams, 4. */
static void mappings_count_in_each_pool_in_which_they_are_live(void)
{
    static const struct {
        const char *sql;
        int64_t web, api; /* live at ams; -1: no server there */
        int64_t all;      /* live at any site in any pool */
    } cases[] = {
        {"", 2, 2, 4},
        {SERVER_DOWN(1), 0, 2, 4},
        {SERVER_DOWN(4), 2, 0, 4},
        {SERVER_DOWN(1) SERVER_DOWN(4), 0, 0, 2},
        {"UPDATE virtual_server SET state = 'disabled' WHERE id = 1;", 0, 2, 4},
        {"UPDATE virtual_server SET state = 'disabled' WHERE id = 4;", 2, 0, 4},
        {"DELETE FROM virtual_server WHERE id = 1;", -1, 2, 4},
        {"DELETE FROM virtual_server WHERE id = 4;", 2, -1, 4},
        {"DELETE FROM virtual_server WHERE id IN (1, 4);", -1, -1, 2},
        {"DELETE FROM virtual_server WHERE pool_id = 1;", -1, 2, 3},
        {"UPDATE virtual_server SET state = 'draining' WHERE id IN (1, 4);", 2, 2, 4},
        {"UPDATE controller SET state = 'disabled' WHERE name = 'ams';", 0, 0, 2},
        {"INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'availability', 0)",
         0, 0, 2},
        /* A second server at the site counts the same mappings. */
        {"INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
         " VALUES (2, 1, 9, '192.0.2.9');" SERVER_DOWN(4),
         2, 2, 4},
        /* Mappings bear the method of the pool that keeps them. */
        {"UPDATE pool SET method = 'failover' WHERE name = 'api';", 2, 2, 4},
        {"UPDATE pool SET method = 'rendezvous' WHERE name = 'web';", 1, 1, 1},
        /* Mappings of its own, and those from a time when it had some. */
        {"UPDATE pool SET persistence_pool_id = NULL WHERE name = 'api';", 2, 0, 4},
        {"INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES"
         " (2, '192.0.2.0/24', 1, 'modulus', unixepoch(), 60);",
         2, 2, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        char sql[2048];
        snprintf(sql, sizeof sql, "%s%s", shared_rows, cases[i].sql);
        bench_begin(&bench, sql);
        const struct status_pool *pools = bench.status.pools;
        CHECK_INTEGER(live_at(&pools[0], "ams"), cases[i].web, "case %zu, web", i);
        CHECK_INTEGER(live_at(&pools[1], "ams"), cases[i].api, "case %zu, api", i);
        CHECK_INTEGER(bench.status.counts.live_mappings, cases[i].all, "case %zu, all", i);
        bench_end(&bench);
    }
}

static void a_site_is_drained_for_the_pool_that_sends_nobody_there(void)
{
    struct bench bench;
    char sql[2048];
    snprintf(sql, sizeof sql, "%s%s", shared_rows,
             SERVER_DOWN(1) "UPDATE controller SET state = 'draining' WHERE name = 'ams';");
    bench_begin(&bench, sql);
    const struct status_server *web = row_of(&bench.status.pools[0], "ams"),
                               *api = row_of(&bench.status.pools[1], "ams");
    CHECK(web->state == STATE_DRAINING && api->state == STATE_DRAINING, "both drain");
    CHECK_INTEGER(web->live_mappings, 0, "web");
    CHECK_INTEGER(web->last_ends_in_s, 0, "web");
    CHECK_INTEGER(api->live_mappings, 2, "api");
    check_seconds(api->last_ends_in_s, 2100, "api, of the longest");
    bench_end(&bench);
}

static void targets_that_are_down_say_since_when_and_why(void)
{
    struct bench bench;
    bench_begin(&bench, rows);
    const struct status_monitor *monitor = &bench.status.monitor;
    CHECK(monitor->state == MONITOR_ABSENT, "no monitor runs");
    CHECK_INTEGER(monitor->reported_ago_ms, -1, "and none ever did");
    CHECK_INTEGER((int64_t)monitor->up, 1, "up");
    CHECK_INTEGER((int64_t)monitor->down, 2, "down");
    check_seconds(monitor->checked_ago_s, 10, "the last check");
    CHECK_INTEGER((int64_t)monitor->target_count, 2, "targets");
    const struct status_target *site = &monitor->targets[0], *server = &monitor->targets[1];
    CHECK_TEXT(site->controller->name, "nyc", "the controller");
    CHECK(!site->server && !site->pool, "is no server");
    CHECK_TEXT(site->place, "192.0.2.200", "what is checked of it");
    CHECK(site->reason == REASON_TIMEOUT, "%s", reason_word(site->reason));
    check_seconds(site->down_s, 1000, "since when");
    check_seconds(site->checked_ago_s, 400, "its last check");
    CHECK_INTEGER(site->flaps, 3, "flaps");
    CHECK_TEXT(server->pool->name, "api", "the server's pool");
    CHECK_TEXT(server->place, "203.0.113.81", "its address, as it is no longer checked");
    CHECK_INTEGER(server->server->id, 5, "the server");
    CHECK(server->controller == server->server->controller, "and its controller");
    bench_end(&bench);
}

static bool has_problem(const struct status *status, const char *words)
{
    for (size_t i = 0; i < status->problems.count; i++)
        if (strstr(status->problems.lines[i], words))
            return true;
    return false;
}

static void problems_of_all_kinds_are_in_one_list(void)
{
    static const char *const words[] = {
        "no server has a metric rtt newer than 60 s",
        "pool empty: has no virtual servers",
        "pdns-stickyd does not run",
    };
    struct bench bench;
    bench_begin(&bench, "UPDATE pool SET method = 'rtt' WHERE name = 'web';"
                        "INSERT INTO pool (name) VALUES ('empty');"
                        "INSERT INTO monitor (id, name, type) VALUES (1, 'web', 'http');"
                        "UPDATE pool SET monitor_id = 1 WHERE name = 'web';");
    for (size_t i = 0; i < COUNT(words); i++)
        CHECK(has_problem(&bench.status, words[i]), "%s", words[i]);
    bench_end(&bench);
}

/* In the example, ns1.example.com is a name server and every site has both addresses. */
/* Two pools whose servers have names. */
#define NAMES                                                                                      \
    "INSERT INTO pool (id, name) VALUES (8, 'lb'), (9, 'app');"                                    \
    "INSERT INTO balanced_name VALUES ('lb.example.com', 8), ('app.example.com', 9);"

static void what_will_not_do_what_it_says_is_a_problem(void)
{
    static const struct {
        const char *sql, *words; /* NULL: nothing is wrong */
    } cases[] = {
        {"INSERT INTO record (zone_id, name, type, content)"
         " VALUES (1, 'cut.example.com', 'NS', 'ns1.example.com');"
         "INSERT INTO balanced_name VALUES ('www.cut.example.com', 1);",
         "balanced name www.cut.example.com is at or below a delegation"},
        {"INSERT INTO record (zone_id, name, type, content) VALUES"
         " (1, 'alias.example.com', 'CNAME', 'www.example.com'),"
         " (1, 'alias.example.com', 'TXT', '\"x\"');",
         "name alias.example.com has a CNAME beside other records"},
        {"INSERT INTO record (zone_id, name, type, content) VALUES"
         " (1, 'alias.example.com', 'CNAME', 'www.example.com'),"
         " (1, 'alias.example.com', 'CNAME', 'mail.example.com');",
         "name alias.example.com has a CNAME beside other records"},
        {"INSERT INTO record (zone_id, name, type, content, disabled) VALUES"
         " (1, 'alias.example.com', 'CNAME', 'www.example.com', 0),"
         " (1, 'alias.example.com', 'TXT', '\"x\"', 1);",
         NULL},
        {"INSERT INTO balanced_name VALUES ('www.example.net', 1);",
         "balanced name www.example.net is in none of the zones"},
        {"INSERT INTO balanced_name VALUES ('www.example.net', 1), ('a.example.net', 1);",
         "2 balanced names, the first is a.example.net: each is in none of the zones"},
        {"DELETE FROM record; DELETE FROM balanced_name; DELETE FROM zone;"
         "INSERT INTO balanced_name VALUES ('www.example.net', 1);",
         NULL},
        {"DELETE FROM record; DELETE FROM balanced_name; DELETE FROM zone;"
         "INSERT INTO balanced_name VALUES ('www.example.net', 1);"
         "UPDATE virtual_server SET ipv4 = NULL WHERE id = 1;"
         "UPDATE virtual_server SET ipv6 = NULL WHERE id = 2;",
         "pool web: in a signed zone, validating resolvers may find no address, because its sites"
         " have neither"},
        {"UPDATE virtual_server SET ipv4 = NULL WHERE id = 1;"
         "UPDATE virtual_server SET ipv6 = NULL WHERE id = 2;",
         NULL},
        {"INSERT INTO balanced_name VALUES ('www.example.net', 1);"
         "UPDATE pool SET method = 'topology', fallback = 'none' WHERE id = 1;",
         "because pool web has fallback none and cannot decide for everybody"},
        {"INSERT INTO record (zone_id, name, type, content)"
         " VALUES (1, 'www.example.com', 'HTTPS', '1 . alpn=h2 ipv4hint=198.51.100.80');",
         "record www.example.com HTTPS: its hint leads everybody to fra"},
        {"INSERT INTO record (zone_id, name, type, content)"
         " VALUES (1, 'example.com', 'HTTPS', '1 www.example.com ipv6hint=2001:DB8:1:0::80');",
         "record example.com HTTPS: its hint leads everybody to ams"},
        {"INSERT INTO record (zone_id, name, type, content)"
         " VALUES (1, 'www.example.com', 'HTTPS', '1 . ipv4hint=auto'),"
         " (1, 'mail.example.com', 'HTTPS', '1 . ipv4hint=192.0.2.25');",
         NULL},
        {"INSERT INTO pool (id, name) VALUES (9, 'cloud');"
         "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
         " VALUES (9, 1, 1, 'lb.cloud.example');"
         "INSERT INTO balanced_name VALUES ('app.example.com', 9);"
         "INSERT INTO record (zone_id, name, type, content)"
         " VALUES (1, 'example.com', 'HTTPS', '1 app.example.com ipv4hint=auto');",
         "record example.com HTTPS: has no hints, because pool cloud has names in place of"},
        {NAMES "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
               " VALUES (8, 1, 1, 'app.example.com'), (9, 1, 1, 'LB.example.com');",
         "pool lb: the name of a server leads back to this pool, from CNAME to CNAME"},
        {NAMES "INSERT INTO balanced_name VALUES ('*.apps.example.com', 9);"
               "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
               " VALUES (8, 1, 1, 'a.cloud.example'), (9, 1, 1, 'x.y.apps.example.com');",
         "pool app: the name of a server leads back to this pool, from CNAME to CNAME"},
        {NAMES
         "INSERT INTO balanced_name VALUES ('*.apps.example.com', 9), ('a.apps.example.com', 1);"
         "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
         " VALUES (8, 1, 1, 'app.example.com'), (9, 1, 1, 'a.apps.example.com'),"
         "  (9, 2, 2, 'x.example.org');",
         NULL},
        {NAMES "INSERT INTO record (zone_id, name, type, content) VALUES"
               " (1, 'cn.example.com', 'CNAME', 'app.example.com');"
               "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
               " VALUES (8, 1, 1, 'a.cloud.example'), (9, 1, 1, 'cn.example.com');",
         "pool app: the name of a server leads back to this pool, from CNAME to CNAME"},
        {NAMES "UPDATE pool SET fallback_pool_id = 9 WHERE id = 8;"
               "INSERT INTO virtual_server (pool_id, controller_id, position, name)"
               " VALUES (9, 1, 1, 'lb.example.com');",
         "pool lb: the name of a server leads back to this pool, from CNAME to CNAME"},
        {NAMES
         "INSERT INTO virtual_server (pool_id, controller_id, position, name, state)"
         " VALUES (8, 1, 1, 'a.cloud.example', 'enabled'),"
         "  (9, 1, 1, 'app.example.com', 'disabled'), (9, 2, 2, 'b.cloud.example', 'enabled');",
         NULL},
        {"UPDATE pool SET persistence_pool_id = 1 WHERE name = 'api';"
         "DELETE FROM virtual_server WHERE id = 1;",
         "pool api uses the mappings of pool web, but only pool api has a server at ams"},
        {"INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES"
         " (1, '2001:DB8::53', 1, 'modulus', unixepoch(), 60),"
         " (1, 'garbage', 1, 'modulus', unixepoch(), 60);",
         "2 mappings can never be found, by the pool's prefixes and kind of client; the first is"
         " 2001:DB8::53 in pool web"},
        {"INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES"
         " (1, 'garbage', 1, 'modulus', unixepoch() - 61, 60),"
         " (2, '192.0.2.0/24', 1, 'modulus', unixepoch(), 60);",
         NULL},
        {"UPDATE virtual_server SET position = 7 WHERE pool_id = 1;",
         "pool web: virtual servers 2 and 3 are both at position 7"},
        {"UPDATE pool SET persistence_pool_id = 1 WHERE name = 'api';",
         "pool api uses the mappings of pool web, but only pool web has a server at fra"},
        {"INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
         " VALUES (2, 2, 9, '192.0.2.9');"
         "UPDATE pool SET persistence_pool_id = 1 WHERE name = 'api';",
         NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        bench_begin(&bench, cases[i].sql);
        const struct problems *problems = &bench.status.problems;
        const char *first = problems->count > 0 ? problems->lines[0] : NULL;
        if (cases[i].words)
            CHECK(has_problem(&bench.status, cases[i].words), "case %zu: %s", i, first);
        else
            CHECK_TEXT(first, NULL, "case %zu", i);
        bench_end(&bench);
    }
}

static void a_report_is_what_the_monitor_says(void)
{
    static const struct {
        int64_t ago_ms;
        enum monitor_state state;
        const char *words;
    } cases[] = {
        {500, MONITOR_REPORTING, "the brake is on"},
        {60000, MONITOR_SILENT, "s ago: pdns-stickyd has not reported for 6"}, /* or some more */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench bench;
        struct store *monitor = NULL;
        struct revision revision;
        struct error error = {0};
        int64_t now_ms = clock_monotonic_ms();
        bench_begin(&bench, rows);
        CHECK_INTEGER(store_new(bench.place.path, &monitor), 0, "store_new");
        CHECK_INTEGER(store_begin(monitor, now_ms, &revision, &error), 0, "%s", error.text);
        CHECK_INTEGER(store_be_monitor(monitor, &error), 0, "%s", error.text);
        store_report(monitor, now_ms - cases[i].ago_ms, "the brake is on\nanother sentence\n");
        status_release(&bench.status);
        CHECK_INTEGER(status_gather(bench.responder, &bench.inputs, bench.place.path, 0,
                                    &bench.status, &error),
                      0, "%s", error.text);
        CHECK_INTEGER(bench.status.monitor.state, cases[i].state, "case %zu", i);
        CHECK(has_problem(&bench.status, cases[i].words), "case %zu", i);
        CHECK(bench.status.monitor.reported_ago_ms >= cases[i].ago_ms, "case %zu", i);
        store_free(monitor);
        bench_end(&bench);
    }
}

/* Site fra drains in pool web, and pool api has no server there. */
static const char pins[] =
    "UPDATE virtual_server SET state = 'draining' WHERE id = 2;"
    "INSERT INTO pin (id, network, pool_id, controller_id) VALUES (1, '192.0.2.0/24', 1, 2),"
    " (2, '192.0.3.0/24', 1, 1), (3, '192.0.2.0/24', 2, 3);"
    "INSERT INTO pin (id, network, controller_id, until) VALUES"
    " (4, '192.0.2.0/25', 2, unixepoch() + 1000), (5, '192.0.2.0/26', 1, 4102444800),"
    " (6, '192.0.2.0/27', 1, 4102444800), (7, '192.0.2.0/28', 1, 4102444800);"
    "INSERT INTO pin (id, ldns_group, controller_id) VALUES (8, 'office', 1);";

static void pins_are_counted_where_they_count(void)
{
    struct bench bench;
    char sql[2048];
    snprintf(sql, sizeof sql, "%s%s", pins,
             "UPDATE pin SET until = unixepoch() - 1 WHERE id IN (6, 7);"
             "DELETE FROM ldns_group");
    bench_begin(&bench, sql);
    const struct status_pool *web = &bench.status.pools[0], *api = &bench.status.pools[1];
    CHECK_INTEGER((int64_t)bench.status.counts.pins, 5, "in all");
    CHECK_INTEGER((int64_t)bench.status.counts.pins_over, 2, "over");
    CHECK_INTEGER((int64_t)web->pins, 4, "web");
    CHECK_INTEGER((int64_t)api->pins, 2, "api");
    CHECK_INTEGER((int64_t)row_of(web, "fra")->pins, 2, "fra in web");
    CHECK_INTEGER((int64_t)row_of(web, "ams")->pins, 2, "ams in web");
    CHECK_INTEGER((int64_t)row_of(web, "nyc")->pins, 0, "nyc in web");
    CHECK_INTEGER((int64_t)row_of(api, "ams")->pins, 1, "ams in api");
    CHECK_INTEGER((int64_t)row_of(api, "nyc")->pins, 1, "nyc in api");
    CHECK(has_problem(&bench.status, "2 pins are over, the first is pin 6 (192.0.2.0/27)"), "over");
    CHECK(has_problem(&bench.status, "pin 8 (group office): ldns_group has no such group"),
          "without effect");
    bench_end(&bench);
}

static void pins_are_counted_or_there_is_no_memory(void)
{
    struct bench bench;
    bool failed = true;
    bench_begin(&bench, pins);
    CHECK_INTEGER((int64_t)bench.status.counts.pins, 8, "in all");
    for (size_t n = 1; failed; n++) {
        struct error error = {0};
        status_release(&bench.status);
        memory_fail_at(n);
        int code = status_gather(bench.responder, &bench.inputs, bench.place.path, 0, &bench.status,
                                 &error);
        failed = memory_fail_end();
        CHECK(code == 0 || (code == ERR_NOMEM && failed), "allocation %zu: %d", n, code);
    }
    bench_end(&bench);
}

static void nothing_to_check_needs_no_monitor(void)
{
    struct bench bench;
    bench_begin(&bench, "");
    CHECK_INTEGER(bench.status.monitor.state, MONITOR_UNUSED, "state");
    CHECK_INTEGER((int64_t)bench.status.problems.count, 0, "problems");
    bench_end(&bench);
}

static void mappings_that_cannot_be_stored_are_a_problem(void)
{
    struct bench bench;
    struct error error = {0};
    bench_begin(&bench, "");
    status_release(&bench.status);
    CHECK_INTEGER(
        status_gather(bench.responder, &bench.inputs, bench.place.path, 3, &bench.status, &error),
        0, "%s", error.text);
    CHECK(has_problem(&bench.status, "3 mappings in "), "problem");
    bench_end(&bench);
}

static void without_memory_it_fails_and_leaves_nothing(void)
{
    struct bench bench;
    bool failed = true;
    bench_begin(&bench, rows);
    for (size_t n = 1; failed; n++) {
        struct error error = {0};
        status_release(&bench.status);
        memory_fail_at(n);
        int code = status_gather(bench.responder, &bench.inputs, bench.place.path, 0, &bench.status,
                                 &error);
        failed = memory_fail_end();
        CHECK(code == 0 || (code == ERR_NOMEM && failed), "allocation %zu: %d", n, code);
        CHECK(code == error.code, "allocation %zu: %s", n, error.text);
    }
    bench_end(&bench);
}

static const CU_TestInfo tests[] = {
    {"database and counts are facts", database_and_counts_are_facts},
    {"servers have their state and their mappings", servers_have_state_and_mappings},
    {"mappings count in each pool in which they are live",
     mappings_count_in_each_pool_in_which_they_are_live},
    {"a site is drained for the pool that sends nobody there",
     a_site_is_drained_for_the_pool_that_sends_nobody_there},
    {"targets that are down say since when and why", targets_that_are_down_say_since_when_and_why},
    {"problems of all kinds are in one list", problems_of_all_kinds_are_in_one_list},
    {"what will not do what it says is a problem", what_will_not_do_what_it_says_is_a_problem},
    {"a report is what the monitor says", a_report_is_what_the_monitor_says},
    {"pins are counted where they count", pins_are_counted_where_they_count},
    {"pins are counted, or there is no memory", pins_are_counted_or_there_is_no_memory},
    {"nothing to check needs no monitor", nothing_to_check_needs_no_monitor},
    {"mappings that cannot be stored are a problem", mappings_that_cannot_be_stored_are_a_problem},
    {"without memory it fails and leaves nothing", without_memory_it_fails_and_leaves_nothing},
    CU_TEST_INFO_NULL,
};

const struct suite suite_status = {"status", tests};
