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
        const struct availability availability = {server_down, controller_down, 2, 2, NULL, NULL};
        const struct controller controller = {.index = 1};
        const struct virtual_server server = {.controller = &controller, .index = 1};
        CHECK_INTEGER(availability_server_up(&availability, &server), rows[i].server_up, "row %zu",
                      i);
        CHECK_INTEGER(availability_controller_up(&availability, &controller), rows[i].controller_up,
                      "row %zu", i);
    }
}

static void an_address_may_be_down_alone(void)
{
    static const struct {
        const char *ipv4, *ipv6;
        bool ipv4_down, ipv6_down, controller_down;
        bool up, ipv4_up, ipv6_up; /* what is told */
    } rows[] = {
        {"192.0.2.1", "2001:db8::1", false, false, false, true, true, true},
        {"192.0.2.1", "2001:db8::1", true, false, false, true, false, true},
        {"192.0.2.1", "2001:db8::1", false, true, false, true, true, false},
        {"192.0.2.1", "2001:db8::1", true, true, false, false, false, false},
        {"192.0.2.1", "2001:db8::1", false, true, true, false, false, false},
        {"192.0.2.1", NULL, true, false, false, false, false, false},
        {NULL, "2001:db8::1", false, true, false, false, false, false},
        {NULL, "2001:db8::1", true, false, false, true, false, true},
        {NULL, NULL, true, true, false, true, false, false}, /* it has a name */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct availability *availability = NULL;
        const struct controller controller = {.index = 1};
        const struct virtual_server server = {
            .controller = &controller, .index = 2, .ipv4 = rows[i].ipv4, .ipv6 = rows[i].ipv6};
        const struct virtual_server other = {.controller = &controller, .index = 1};
        CHECK_INTEGER(availability_new(3, 2, &availability), 0, "new");
        availability->controller_down[1] = rows[i].controller_down;
        if (rows[i].ipv4_down)
            CHECK_INTEGER(availability_set_address_down(availability, &server, FAMILY_IPV4), 0,
                          "row %zu", i);
        if (rows[i].ipv6_down)
            CHECK_INTEGER(availability_set_address_down(availability, &server, FAMILY_IPV6), 0,
                          "row %zu", i);
        CHECK_INTEGER(availability_server_up(availability, &server), rows[i].up, "row %zu", i);
        CHECK_INTEGER(availability_address_up(availability, &server, FAMILY_IPV4), rows[i].ipv4_up,
                      "row %zu", i);
        CHECK_INTEGER(availability_address_up(availability, &server, FAMILY_IPV6), rows[i].ipv6_up,
                      "row %zu", i);
        CHECK(availability_address_up(NULL, &server, FAMILY_IPV4), "without availability");
        CHECK_INTEGER(availability_server_up(availability, &other), !rows[i].controller_down,
                      "row %zu, another server", i);
        availability_free(availability);
    }
}

/* An address may come or go while the snapshot is patched. */
static void a_server_is_down_by_the_addresses_that_it_has_now(void)
{
    struct availability *availability = NULL;
    const struct controller controller = {.index = 0};
    struct virtual_server server = {.controller = &controller, .ipv4 = "192.0.2.1"};
    CHECK_INTEGER(availability_new(1, 1, &availability), 0, "new");
    CHECK_INTEGER(availability_set_address_down(availability, &server, FAMILY_IPV4), 0, "set");
    CHECK(!availability_server_up(availability, &server), "its only address is down");
    server.ipv6 = "2001:db8::1";
    CHECK(availability_server_up(availability, &server), "another one was added");
    server.ipv6 = NULL;
    CHECK(!availability_server_up(availability, &server), "and removed");
    availability_free(availability);
}

static void without_memory_no_address_is_down(void)
{
    struct availability *availability = NULL;
    const struct controller controller = {.index = 0};
    const struct virtual_server server = {.controller = &controller, .ipv4 = "192.0.2.1"};
    CHECK_INTEGER(availability_new(1, 1, &availability), 0, "new");
    memory_fail_at(1);
    CHECK_INTEGER(availability_set_address_down(availability, &server, FAMILY_IPV4), ERR_NOMEM,
                  "no memory");
    CHECK(memory_fail_end(), "it was wanted");
    CHECK(availability_server_up(availability, &server), "nothing is noted");
    availability_free(availability);
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

/* What a site's history does to a server. */
static void a_server_of_a_held_site_is_not_up(void)
{
    static const struct {
        bool is_down;
        struct site_history history;
        bool up, held;
        int64_t up_since_s;
    } rows[] = {
        {false, {0, 0}, true, false, 0}, {true, {0, 0}, false, false, 0},
        {false, {7, 0}, true, false, 7}, {false, {7, 5}, false, true, 7},
        {true, {0, 5}, false, false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct availability *availability = NULL;
        const struct controller controller = {.index = 0};
        const struct virtual_server server = {.controller = &controller, .index = 1};
        const struct virtual_server other = {.controller = &controller, .index = 0};
        int64_t since_s = 0;
        if (!CHECK_INTEGER(availability_new(2, 1, &availability), 0, "row %zu", i))
            return;
        CHECK_INTEGER(availability_set_site(availability, &server, &rows[i].history), 0, "noted");
        availability->server_down[1] = rows[i].is_down;
        CHECK_INTEGER(availability_server_up(availability, &server), rows[i].up, "row %zu", i);
        CHECK_INTEGER(availability_server_held(availability, &server, &since_s), rows[i].held,
                      "row %zu", i);
        CHECK_INTEGER(since_s, rows[i].held ? 5 : 0, "row %zu", i);
        CHECK_INTEGER(availability_up_since_s(availability, &server), rows[i].up_since_s, "row %zu",
                      i);
        CHECK(availability_server_up(availability, &other), "row %zu: another site", i);
        availability_free(availability);
    }
    const struct virtual_server server = {.index = 1};
    int64_t since_s;
    CHECK(!availability_server_held(NULL, &server, &since_s), "nothing is known");
    CHECK_INTEGER(availability_up_since_s(NULL, &server), 0, "nothing is known");
}

static void a_history_needs_memory(void)
{
    struct availability *availability = NULL;
    const struct controller controller = {.index = 0};
    const struct virtual_server server = {.controller = &controller, .index = 1};
    if (!CHECK_INTEGER(availability_new(2, 1, &availability), 0, "new"))
        return;
    memory_fail_at(1);
    CHECK_INTEGER(availability_set_site(availability, &server, &(struct site_history){1, 2}),
                  ERR_NOMEM, "none");
    CHECK(memory_fail_end(), "it failed");
    CHECK(availability_server_up(availability, &server), "nothing is noted");
    availability_free(availability);
}

static const CU_TestInfo tests[] = {
    {"a server of a held site is not up", a_server_of_a_held_site_is_not_up},
    {"a history needs memory", a_history_needs_memory},
    {"a server is down by the addresses that it has now",
     a_server_is_down_by_the_addresses_that_it_has_now},
    {"all are up until somebody says otherwise", all_are_up_until_somebody_says_otherwise},
    {"a server is up when its controller is up too", a_server_is_up_with_its_controller},
    {"an address may be down alone, and the last one takes the server down",
     an_address_may_be_down_alone},
    {"without memory no address is down", without_memory_no_address_is_down},
    {"there may be nothing to measure", there_may_be_nothing_to_measure},
    {"without memory there are no availability", without_memory_there_are_no_metrics},
    CU_TEST_INFO_NULL,
};

const struct suite suite_availability = {"availability", tests};
