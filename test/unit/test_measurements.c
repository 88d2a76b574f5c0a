#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "store/store.h"
#include "suites.h"

/* A database with two controllers and a server each, and a store that reads it. */
struct bench {
    struct place place;
    struct store *store;
    struct metric_table table;
};

static void bench_init(struct bench *bench)
{
    place_init(&bench->place);
    place_run(&bench->place,
              "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
              "INSERT INTO pool (id, name) VALUES (1, 'web');"
              "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
              " VALUES (11, 1, 1, 1, '192.0.2.1'), (12, 1, 2, 2, '192.0.2.2')");
    CHECK_INTEGER(store_new(bench->place.path, &bench->store), 0, "store_new");
    bench->table = store_measurements(bench->store);
}

static void bench_release(struct bench *bench)
{
    store_free(bench->store);
    place_release(&bench->place);
}

/* What is committed by now can be read. */
static void begin(struct bench *bench)
{
    struct revision revision;
    struct error error = {0};
    store_rest(bench->store);
    CHECK_INTEGER(store_begin(bench->store, 1, &revision, &error), 0, "%s", error.text);
}

static void a_value_counts_as_soon_as_it_is_committed(void)
{
    static const struct {
        const char *sql;
        int server_code, controller_code;
        double server, controller;
    } rows[] = {
        {"", ERR_NOTFOUND, ERR_NOTFOUND, 0, 0},
        {"INSERT INTO virtual_server_metric VALUES (11, 'cpu', 0.5, 1000)", 0, ERR_NOTFOUND, 0.5,
         0},
        {"INSERT INTO controller_metric VALUES (1, 'cpu', -7, 1000), (2, 'cpu', 3, 1000)", 0, 0,
         0.5, -7},
        {"UPDATE virtual_server_metric SET value = 1e300", 0, 0, 1e300, -7},
        {"BEGIN; DELETE FROM controller_metric; ROLLBACK", 0, 0, 1e300, -7},
        {"DELETE FROM virtual_server_metric", ERR_NOTFOUND, 0, 0, -7},
        {"DELETE FROM controller_metric WHERE controller_id = 1", ERR_NOTFOUND, ERR_NOTFOUND, 0, 0},
    };
    struct bench bench;
    bench_init(&bench);
    place_run(&bench.place, "INSERT INTO virtual_server_metric VALUES (12, 'cpu', 9, 1000),"
                            " (11, 'memory', 9, 1000)");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct metric server = {0}, controller = {0};
        place_run(&bench.place, rows[i].sql);
        begin(&bench);
        CHECK_INTEGER(bench.table.server(bench.table.context, 11, "cpu", &server),
                      rows[i].server_code, "row %zu, server", i);
        CHECK_INTEGER(bench.table.controller(bench.table.context, 1, "cpu", &controller),
                      rows[i].controller_code, "row %zu, controller", i);
        CHECK(server.value == rows[i].server, "row %zu: %g", i, server.value);
        CHECK(controller.value == rows[i].controller, "row %zu: %g", i, controller.value);
        CHECK_INTEGER(server.measured_at_s, rows[i].server_code ? 0 : 1000, "row %zu", i);
    }
    bench_release(&bench);
}

static void of_the_networks_around_a_client_the_longest_counts(void)
{
    static const struct {
        const char *client;
        int64_t controller_id;
        int rtt; /* 0: none */
    } rows[] = {
        {"192.0.2.1", 1, 32},
        {"192.0.2.2", 1, 24},
        {"192.0.3.1", 1, 8},
        {"193.0.2.1", 1, 99},
        {"192.0.2.1", 2, 24},
        {"192.0.3.1", 2, 0},
        {"192.0.2.1", 3, 0},
        {"2001:db8::1", 1, 128},
        {"2001:db8::2", 1, 48},
        {"2001:db8:1::", 1, 3},
        {"3fff::1", 1, 3},
        {"4000::1", 1, 0},
        {"2001:db8::2", 2, 64},
        {"2001:db8:0:1::2", 2, 0},
        {"2001:db8:aaaa:bb00::1", 1, 56},
        /* a network that is larger than a measured one does not lie in it */
        {"192.0.2.0/24", 1, 24},
        {"192.0.2.0/23", 1, 8},
        {"2001:db8::/63", 2, 0},
    };
    struct bench bench;
    bench_init(&bench);
    place_run(&bench.place,
              "INSERT INTO path_metric (network, controller_id, rtt, measured_at) VALUES"
              " ('192.0.2.1/32', 1, 32, 1000), ('192.0.2.0/24', 1, 24, 1000),"
              " ('192.0.0.0/8', 1, 8, 1000), ('0.0.0.0/0', 1, 99, 1000),"
              " ('192.0.2.0/24', 2, 24, 1000), ('2001:db8::1/128', 1, 128, 1000),"
              " ('2001:db8::/48', 1, 48, 1000), ('2000::/3', 1, 3, 1000),"
              " ('2001:db8::/64', 2, 64, 1000), ('2001:db8:aaaa:bb00::/56', 1, 56, 1000)");
    begin(&bench);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct prefix client = network_of(rows[i].client);
        struct metric metric = {0};
        CHECK_INTEGER(
            bench.table.path(bench.table.context, &client, rows[i].controller_id, &metric),
            rows[i].rtt ? 0 : ERR_NOTFOUND, "row %zu", i);
        CHECK_INTEGER((int64_t)metric.value, rows[i].rtt, "row %zu", i);
        CHECK_INTEGER(metric.measured_at_s, rows[i].rtt ? 1000 : 0, "row %zu", i);
    }
    bench_release(&bench);
}

/* Every network that the program could look for can be written, for random addresses. */
static void what_is_looked_for_is_what_the_schema_takes(void)
{
    uint64_t seed = 21;
    struct bench bench;
    bench_init(&bench);
    for (size_t i = 0; i < 300; i++) {
        struct address client = {.family = i % 2 ? FAMILY_IPV4 : FAMILY_IPV6};
        unsigned width = family_bits(client.family),
                 bits = (unsigned)random_below(&seed, width + 1);
        char sql[256], text[ADDRESS_TEXT_MAX];
        struct metric metric = {0};
        for (size_t k = 0; k < width / 8; k++)
            client.bytes[k] = random_below(&seed, 3) ? (uint8_t)random_next(&seed) : 0;
        if (client.family == FAMILY_IPV6)
            client.bytes[0] |= 0x20; /* no mapped address */
        struct prefix network = prefix_of(&client, bits);
        snprintf(sql, sizeof sql,
                 "DELETE FROM path_metric; INSERT INTO path_metric (network, controller_id, rtt)"
                 " VALUES ('%s/%u', 1, 7)",
                 address_format(&network.address, text), bits);
        place_run(&bench.place, sql);
        begin(&bench);
        struct prefix whole = prefix_of(&client, width);
        CHECK_INTEGER(bench.table.path(bench.table.context, &whole, 1, &metric), 0, "%s", sql);
    }
    bench_release(&bench);
}

static void without_a_database_nothing_is_measured(void)
{
    struct bench bench;
    struct metric metric;
    struct prefix client = network_of("192.0.2.1");
    bench_init(&bench);
    CHECK_INTEGER(bench.table.server(bench.table.context, 11, "cpu", &metric), ERR_IO, "server");
    CHECK_INTEGER(bench.table.controller(bench.table.context, 1, "cpu", &metric), ERR_IO,
                  "controller");
    CHECK_INTEGER(bench.table.path(bench.table.context, &client, 1, &metric), ERR_IO, "path");
    CHECK(!store_has_path_metrics(bench.store), "any path");
    bench_release(&bench);
}

static void it_is_known_whether_any_path_was_measured(void)
{
    static const char *const networks[] = {"192.0.2.0/24", "2001:db8::/48"};
    struct bench bench;
    char sql[128];
    bench_init(&bench);
    begin(&bench);
    CHECK(!store_has_path_metrics(bench.store), "none");
    for (size_t i = 0; i < COUNT(networks); i++) {
        snprintf(sql, sizeof sql,
                 "DELETE FROM path_metric; INSERT INTO path_metric (network, controller_id, rtt)"
                 " VALUES ('%s', 1, 7)",
                 networks[i]);
        place_run(&bench.place, sql);
        begin(&bench);
        CHECK(store_has_path_metrics(bench.store), "%s", networks[i]);
    }
    bench_release(&bench);
}

static const CU_TestInfo tests[] = {
    {"a value counts as soon as it is committed", a_value_counts_as_soon_as_it_is_committed},
    {"of the networks around a client the longest counts",
     of_the_networks_around_a_client_the_longest_counts},
    {"what is looked for is what the schema takes", what_is_looked_for_is_what_the_schema_takes},
    {"without a database nothing is measured", without_a_database_nothing_is_measured},
    {"it is known whether any path was measured", it_is_known_whether_any_path_was_measured},
    CU_TEST_INFO_NULL,
};

const struct suite suite_measurements = {"measurements", tests};
