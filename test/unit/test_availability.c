#include "core/balance/availability.h"

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void all_are_up_until_somebody_says_otherwise(void)
{
    struct availability *availability = NULL;
    CHECK_INTEGER(availability_new(3, 2, &availability), 0, "new");
    for (size_t i = 0; i < 6; i++) {
        const struct controller controller = {.index = i % 2};
        const struct virtual_server server = {.controller = &controller, .index = i / 2};
        CHECK(availability_controller_up(availability, &controller), "controller %zu", i % 2);
        CHECK(availability_server_up(availability, &server), "server %zu", i / 2);
        CHECK(availability_controller_up(NULL, &controller), "without availability");
        CHECK(availability_server_up(NULL, &server), "without availability");
    }
    CHECK_INTEGER((int64_t)availability->server_count, 3, "servers");
    CHECK_INTEGER((int64_t)availability->controller_count, 2, "controllers");
    availability_free(availability);
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
        const struct availability availability = {server_down, controller_down, 2, 2};
        const struct controller controller = {.index = 1};
        const struct virtual_server server = {.controller = &controller, .index = 1};
        CHECK_INTEGER(availability_server_up(&availability, &server), rows[i].server_up, "row %zu",
                      i);
        CHECK_INTEGER(availability_controller_up(&availability, &controller), rows[i].controller_up,
                      "row %zu", i);
    }
}

static void there_may_be_nothing_to_measure(void)
{
    struct availability *availability = NULL;
    CHECK_INTEGER(availability_new(0, 0, &availability), 0, "new");
    availability_free(availability);
    availability_free(NULL);
}

static void without_memory_there_are_no_metrics(void)
{
    for (size_t n = 1; n <= 3; n++) {
        struct availability *availability = NULL;
        memory_fail_at(n);
        int code = availability_new(10, 10, &availability);
        CHECK(memory_fail_end(), "allocation %zu", n);
        CHECK_INTEGER(code, ERR_NOMEM, "allocation %zu", n);
        CHECK(!availability, "allocation %zu", n);
    }
}

static const CU_TestInfo tests[] = {
    {"all are up until somebody says otherwise", all_are_up_until_somebody_says_otherwise},
    {"a server is up when its controller is up too", a_server_is_up_with_its_controller},
    {"there may be nothing to measure", there_may_be_nothing_to_measure},
    {"without memory there are no availability", without_memory_there_are_no_metrics},
    CU_TEST_INFO_NULL,
};

const struct suite suite_availability = {"availability", tests};
