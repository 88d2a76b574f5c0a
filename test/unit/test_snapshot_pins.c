#include "core/configuration/snapshot_builder.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define WEB 1
#define SPARE 2

static const struct group_row some_groups[] = {{"10.1.0.0/16", "office"}, {.cidr = NULL}};

static struct snapshot *build(const struct pin_row *pins)
{
    struct rows rows = three_sites;
    struct snapshot *snapshot = NULL;
    rows.groups = some_groups;
    rows.pins = pins;
    CHECK_INTEGER(rows_build(&rows, &snapshot), 0, "the snapshot");
    return snapshot;
}

static void all_columns_are_kept(void)
{
    const struct pin_row rows[] = {
        {7, "2001:DB8::/32", NULL, true, WEB, 2, true, 99, "why"},
        {8, NULL, "office", false, 0, 4, false, 0, NULL},
        {.controller_id = 0},
    };
    struct snapshot *snapshot = build(rows);
    CHECK_INTEGER((int64_t)snapshot->problems.count, 0, "problems");
    if (CHECK_INTEGER((int64_t)snapshot->pins.count, 2, "pins")) {
        /* Those of all pools come first. */
        const struct pin *office = &snapshot->pins.pins[0], *network = &snapshot->pins.pins[1];
        CHECK_INTEGER(network->id, 7, "id");
        const struct prefix expected = network_of("2001:db8::/32");
        CHECK(address_equal(&network->network.address, &expected.address), "network");
        CHECK_INTEGER(network->network.bits, expected.bits, "its length");
        CHECK(!network->group, "no group");
        CHECK(network->pool == snapshot_pool(snapshot, WEB), "pool");
        CHECK(network->controller == snapshot_controller(snapshot, 2), "controller");
        CHECK_INTEGER(network->until_s, 99, "until");
        CHECK_TEXT(network->comment, "why", "comment");
        CHECK_TEXT(office->group, "office", "group");
        CHECK_INTEGER(office->network.address.family, FAMILY_NONE, "no network");
        CHECK(!office->pool && !office->comment, "neither pool nor comment");
        CHECK_INTEGER(office->until_s, PIN_WITHOUT_END, "without end");
    }
    const struct pool *web = snapshot_pool(snapshot, WEB), *spare = snapshot_pool(snapshot, SPARE);
    CHECK(web->has_pins && web->longest_ipv4_pin_bits == 0 && web->longest_ipv6_pin_bits == 32,
          "web");
    CHECK(spare->has_pins && spare->longest_ipv6_pin_bits == 0, "spare: that of all pools");
    snapshot_free(snapshot);
}

static void pools_know_whether_they_have_any(void)
{
    static const struct {
        struct pin_row pins[2];
        bool web, spare;
    } rows[] = {
        {{{.controller_id = 0}}, false, false},
        {{PIN(1, "0.0.0.0/0", NULL, WEB, 1)}, true, false},
        {{PIN(1, "0.0.0.0/0", NULL, SPARE, 4)}, false, true},
        {{PIN(1, "0.0.0.0/0", NULL, 0, 1)}, true, false},
        {{PIN(1, "0.0.0.0/0", NULL, 0, 4)}, false, true},
        {{PIN(1, "0.0.0.0/0", NULL, SPARE, 1)}, false, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct snapshot *snapshot = build(rows[i].pins);
        CHECK_INTEGER(snapshot_pool(snapshot, WEB)->has_pins, rows[i].web, "row %zu", i);
        CHECK_INTEGER(snapshot_pool(snapshot, SPARE)->has_pins, rows[i].spare, "row %zu", i);
        CHECK_INTEGER(snapshot->has_pin_rows, i > 0, "row %zu", i);
        snapshot_free(snapshot);
    }
}

#define GROUP_65 "ggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"

static void pins_that_cannot_match_are_named_and_left_out(void)
{
    static const struct {
        struct pin_row pins[3];
        const char *problem;
        int64_t kept;
    } rows[] = {
        {{PIN(1, NULL, NULL, WEB, 1)}, "pin 1: needs a network or a group, and not both", 0},
        {{PIN(1, "192.0.2.0/24", "office", WEB, 1)},
         "pin 1: needs a network or a group, and not both",
         0},
        {{PIN(1, "192.0.2.0/33", NULL, WEB, 1)},
         "pin 1: 192.0.2.0/33 is not a network or an address",
         0},
        {{PIN(1, "", NULL, WEB, 1)}, "pin 1:  is not a network or an address", 0},
        {{PIN(1, "192.0.2.1/24", NULL, WEB, 1)},
         "pin 1: 192.0.2.1/24 has bits after its prefix, as 192.0.2.1/24 has",
         0},
        {{PIN(1, "2001:db8:1::/32", NULL, WEB, 1)},
         "pin 1: 2001:db8:1::/32 has bits after its prefix, as 192.0.2.1/24 has",
         0},
        {{PIN(1, "0.0.0.0", NULL, WEB, 1)}, "pin 1: 0.0.0.0 is not the address of any client", 0},
        {{PIN(1, "::/128", NULL, WEB, 1)}, "pin 1: ::/128 is not the address of any client", 0},
        {{PIN(1, NULL, "", WEB, 1)}, "pin 1: the group is empty or too long", 0},
        {{PIN(1, NULL, GROUP_65, WEB, 1)}, "pin 1: the group is empty or too long", 0},
        {{PIN(1, NULL, "home", WEB, 1)}, "pin 1 (group home): ldns_group has no such group", 0},
        {{PIN(1, "192.0.2.0/24", NULL, 9, 1)},
         "pin 1 (192.0.2.0/24): pool 9 does not exist or cannot be used",
         0},
        {{PIN(1, "192.0.2.0/24", NULL, WEB, 9)},
         "pin 1 (192.0.2.0/24): controller 9 does not exist or cannot be used",
         0},
        {{PIN(1, "192.0.2.0/24", NULL, WEB, 4)},
         "pin 1 (192.0.2.0/24): brest has no virtual server in pool web",
         0},
        {{PIN(2, "192.0.2.0/24", NULL, WEB, 1), PIN(1, "192.0.2.0/24", NULL, WEB, 2)},
         "pin 2 (192.0.2.0/24): pin 1 is for the same",
         1},
        {{PIN(1, "::ffff:192.0.2.1", NULL, 0, 1), PIN(2, "192.0.2.1/32", NULL, 0, 1)},
         "pin 2 (192.0.2.1): pin 1 is for the same",
         1},
        {{PIN(1, NULL, "office", WEB, 1), PIN(2, NULL, "office", WEB, 2)},
         "pin 2 (group office): pin 1 is for the same",
         1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct snapshot *snapshot = build(rows[i].pins);
        CHECK(snapshot_has_problem(snapshot, rows[i].problem), "%s, but: %s", rows[i].problem,
              snapshot->problems.count > 0 ? snapshot->problems.lines[0] : "nothing");
        CHECK_INTEGER((int64_t)snapshot->pins.count, rows[i].kept, "%s", rows[i].problem);
        if (rows[i].kept > 0)
            CHECK_INTEGER(snapshot->pins.pins[0].id, 1, "%s", rows[i].problem);
        snapshot_free(snapshot);
    }
}

static void a_site_without_any_server_is_named(void)
{
    static const struct pin_row pins[] = {PIN(1, "192.0.2.0/24", NULL, 0, 5), {.controller_id = 0}};
    struct rows rows = three_sites;
    struct snapshot *snapshot = NULL;
    rows.controllers = (const struct controller_row[]){CONTROLLER(5, "idle"), {.name = NULL}};
    rows.pins = pins;
    CHECK_INTEGER(rows_build(&rows, &snapshot), 0, "the snapshot");
    CHECK(snapshot_has_problem(snapshot,
                               "pin 1 (192.0.2.0/24): idle has no virtual server in any pool"),
          "the problem");
    snapshot_free(snapshot);
}

static void without_memory_there_is_no_snapshot(void)
{
    static const struct pin_row pins[] = {{1, "192.0.2.0/24", NULL, true, WEB, 1, false, 0, "why"},
                                          PIN(2, "192.0.2.0/24", NULL, WEB, 2),
                                          PIN(3, NULL, "office", 0, 1),
                                          PIN(4, NULL, "home", 0, 1),
                                          PIN(5, "2001:db8::/32", NULL, 0, 1),
                                          {.controller_id = 0}};
    struct rows rows = three_sites;
    rows.groups = some_groups;
    rows.pins = pins;
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct snapshot *snapshot = NULL;
        memory_fail_at(n);
        int code = rows_build(&rows, &snapshot);
        failing = memory_fail_end();
        CHECK_INTEGER(code, failing ? ERR_NOMEM : 0, "allocation %zu", n);
        if (snapshot)
            CHECK_INTEGER((int64_t)snapshot->problems.count, 2, "allocation %zu", n);
        snapshot_free(snapshot);
    }
}

static const CU_TestInfo tests[] = {
    {"all columns are kept", all_columns_are_kept},
    {"pools know whether they have any", pools_know_whether_they_have_any},
    {"pins that cannot match are named and left out",
     pins_that_cannot_match_are_named_and_left_out},
    {"a site without any server is named", a_site_without_any_server_is_named},
    {"without memory there is no snapshot", without_memory_there_is_no_snapshot},
    CU_TEST_INFO_NULL,
};

const struct suite suite_snapshot_pins = {"snapshot_pins", tests};
