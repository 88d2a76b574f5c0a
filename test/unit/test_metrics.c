#include "core/balance/metrics.h"

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void all_are_up_until_somebody_says_otherwise(void)
{
    struct metrics *metrics = NULL;
    CHECK_INTEGER(metrics_new(3, 2, &metrics), 0, "new");
    for (size_t i = 0; i < 6; i++) {
        const struct controller controller = {.index = i % 2};
        const struct virtual_server server = {.controller = &controller, .index = i / 2};
        CHECK(metrics_controller_up(metrics, &controller), "controller %zu", i % 2);
        CHECK(metrics_server_up(metrics, &server), "server %zu", i / 2);
        CHECK(metrics_controller_up(NULL, &controller), "without metrics");
        CHECK(metrics_server_up(NULL, &server), "without metrics");
    }
    CHECK_INTEGER((int64_t)metrics->server_count, 3, "servers");
    CHECK_INTEGER((int64_t)metrics->controller_count, 2, "controllers");
    metrics_free(metrics);
}

static void a_server_is_up_with_its_controller(void)
{
    static const struct {
        bool server_down, controller_down, server_up, controller_up;
    } rows[] = {
        {false, false, true, true},
        {true, false, false, true},
        {false, true, false, false},
        {true, true, false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool server_down[] = {!rows[i].server_down, rows[i].server_down};
        bool controller_down[] = {!rows[i].controller_down, rows[i].controller_down};
        const struct metrics metrics = {server_down, controller_down, 2, 2};
        const struct controller controller = {.index = 1};
        const struct virtual_server server = {.controller = &controller, .index = 1};
        CHECK_INTEGER(metrics_server_up(&metrics, &server), rows[i].server_up, "row %zu", i);
        CHECK_INTEGER(metrics_controller_up(&metrics, &controller), rows[i].controller_up,
                      "row %zu", i);
    }
}

static void there_may_be_nothing_to_measure(void)
{
    struct metrics *metrics = NULL;
    CHECK_INTEGER(metrics_new(0, 0, &metrics), 0, "new");
    metrics_free(metrics);
    metrics_free(NULL);
}

static void without_memory_there_are_no_metrics(void)
{
    for (size_t n = 1; n <= 3; n++) {
        struct metrics *metrics = NULL;
        memory_fail_at(n);
        int code = metrics_new(10, 10, &metrics);
        CHECK(memory_fail_end(), "allocation %zu", n);
        CHECK_INTEGER(code, ERR_NOMEM, "allocation %zu", n);
        CHECK(!metrics, "allocation %zu", n);
    }
}

static const CU_TestInfo tests[] = {
    {"all are up until somebody says otherwise", all_are_up_until_somebody_says_otherwise},
    {"a server is up when its controller is up too", a_server_is_up_with_its_controller},
    {"there may be nothing to measure", there_may_be_nothing_to_measure},
    {"without memory there are no metrics", without_memory_there_are_no_metrics},
    CU_TEST_INFO_NULL,
};

const struct suite suite_metrics = {"metrics", tests};
