#include "core/balance/fresh_metric.h"

#include <math.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define MAX_AGE_S 60
#define PATH_MAX_AGE_S 1000

static void a_value_is_fresh_within_its_age_and_finite(void)
{
    static const struct {
        double value;
        int64_t measured_at_s, now_s;
        bool fresh;
    } rows[] = {
        {1, 1000, 1000, true},          {1, 940, 1000, true},
        {1, 939, 1000, false},          {1, 1060, 1000, true},
        {1, 1061, 1000, false},         {-1, 1000, 1000, true},
        {0, 1000, 1000, true},          {INFINITY, 1000, 1000, false},
        {-INFINITY, 1000, 1000, false}, {NAN, 1000, 1000, false},
        {1, INT64_MIN, 1000, false},    {1, INT64_MAX, 1000, false},
        {1, INT64_MAX, -5, false},      {1, INT64_MIN, INT64_MAX, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct metric metric = {rows[i].value, rows[i].measured_at_s};
        CHECK_INTEGER(metric_is_fresh(&metric, rows[i].now_s, MAX_AGE_S), rows[i].fresh, "row %zu",
                      i);
    }
}

struct bench {
    struct controller controller;
    struct virtual_server server;
    struct pool pool;
    struct client client;
    struct memory_metrics metrics;
    struct metric_table table;
    struct buffer warned;
    struct warnings warnings;
    struct selection selection;
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){.controller = {.id = 1, .name = "one"},
                            .server = {.id = 11, .controller = &bench->controller},
                            .pool = {.name = "web"},
                            .client = {.network = network_of("192.0.2.1")},
                            .warnings = warnings_into(&bench->warned)};
    bench->table = memory_metrics_table(&bench->metrics);
    bench->selection = (struct selection){.pool = &bench->pool,
                                          .client = &bench->client,
                                          .now_s = SCENE_NOW_S,
                                          .measured = &bench->table,
                                          .metric_max_age_s = MAX_AGE_S,
                                          .path_metric_max_age_s = PATH_MAX_AGE_S,
                                          .warnings = &bench->warnings};
}

#define NONE (-1)

/* Ages of the values 10 of the server and 20 of the controller; NONE: there is none. */
static void the_servers_own_value_goes_before_its_controllers(void)
{
    static const struct {
        int64_t server_age_s, controller_age_s, value;
    } rows[] = {{0, 0, 10},     {60, 0, 10},  {61, 0, 20},   {NONE, 0, 20},
                {NONE, 61, -1}, {61, 61, -1}, {5, NONE, 10}, {NONE, NONE, -1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench bench;
        struct fresh_metric reading = {.value = -1};
        bench_init(&bench);
        if (rows[i].server_age_s != NONE)
            memory_metrics_put(&bench.metrics, OF_SERVER, 11, "cpu", 10, rows[i].server_age_s);
        if (rows[i].controller_age_s != NONE)
            memory_metrics_put(&bench.metrics, OF_CONTROLLER, 1, "cpu", 20,
                               rows[i].controller_age_s);
        memory_metrics_put(&bench.metrics, OF_SERVER, 11, "memory", 30, 0);
        bool known = fresh_metric_of_server(&bench.selection, &bench.server, "cpu", &reading);
        CHECK_INTEGER(known, rows[i].value != -1, "row %zu", i);
        CHECK_INTEGER((int64_t)reading.value, rows[i].value, "row %zu", i);
        CHECK_TEXT(buffer_text(&bench.warned), "", "row %zu", i);
    }
}

static void a_path_has_an_age_of_its_own_and_needs_an_address(void)
{
    static const struct {
        const char *client;
        int64_t age_s;
        bool known;
    } rows[] = {{"192.0.2.1", 0, true},
                {"2001:db8::1", 1000, true},
                {"192.0.2.1", 1001, false},
                {"192.0.2.1", NONE, false},
                {NULL, 0, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct bench bench;
        struct fresh_metric reading;
        bench_init(&bench);
        bench.client.network = network_of(rows[i].client);
        if (rows[i].age_s != NONE)
            memory_metrics_put(&bench.metrics, OF_PATH, 1, "rtt", 7, rows[i].age_s);
        CHECK_INTEGER(fresh_metric_of_path(&bench.selection, &bench.server, &reading),
                      rows[i].known, "row %zu", i);
    }
}

static void what_cannot_be_read_is_warned_of(void)
{
    struct bench bench;
    struct fresh_metric reading;
    bench_init(&bench);
    bench.metrics.code = ERR_IO;
    CHECK(!fresh_metric_of_server(&bench.selection, &bench.server, "cpu", &reading), "server");
    CHECK(!fresh_metric_of_path(&bench.selection, &bench.server, &reading), "path");
    CHECK_TEXT(buffer_text(&bench.warned),
               "pool web: metric cpu cannot be read: input/output error\n"
               "pool web: metric cpu cannot be read: input/output error\n"
               "pool web: metric rtt cannot be read: input/output error\n",
               "warnings");
    buffer_release(&bench.warned);
    bench.selection.measured = NULL;
    CHECK(!fresh_metric_of_server(&bench.selection, &bench.server, "cpu", &reading),
          "nothing measured");
    CHECK(!fresh_metric_of_path(&bench.selection, &bench.server, &reading), "no path measured");
}

static const CU_TestInfo tests[] = {
    {"a value is fresh within its age, and finite", a_value_is_fresh_within_its_age_and_finite},
    {"the server's own value goes before its controller's",
     the_servers_own_value_goes_before_its_controllers},
    {"a path has an age of its own and needs an address",
     a_path_has_an_age_of_its_own_and_needs_an_address},
    {"what cannot be read is warned of", what_cannot_be_read_is_warned_of},
    CU_TEST_INFO_NULL,
};

const struct suite suite_fresh_metric = {"fresh_metric", tests};
