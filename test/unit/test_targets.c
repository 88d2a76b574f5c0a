#include "core/health/targets.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static const struct monitor tcp = {
    .id = 1, .name = "tcp", .interval_s = 10, .timeout_s = 3, .rise = 2, .fall = 3};
static const struct monitor web = {.id = 2,
                                   .name = "web",
                                   .type = CHECK_HTTP,
                                   .path = "/health",
                                   .host = "www.example.com",
                                   .interval_s = 10,
                                   .timeout_s = 3,
                                   .rise = 2,
                                   .fall = 3,
                                   .query = "A"};

static const struct monitor near = {
    .id = 3, .name = "near", .type = CHECK_ICMP, .source = {FAMILY_IPV4, {192, 0, 2, 9}}};

#define SERVER_ROW(id, address, monitor)                                                           \
    {{TARGET_SERVER, id, FAMILY_NONE}, "web", "ams", address, 443, monitor, 4, NULL}
#define NAMED_ROW(id, name, monitor)                                                               \
    {{TARGET_SERVER, id, FAMILY_NONE}, "web", "ams", NULL, 443, monitor, 4, name}
#define END_ROW {{TARGET_SERVER, 0, FAMILY_NONE}, NULL, NULL, NULL, 0, 0, 0, NULL}
#define CONTROLLER_ROW(id, address, monitor)                                                       \
    {{TARGET_CONTROLLER, id, FAMILY_NONE}, NULL, "ams", address, 0, monitor, 0, NULL}

/* A set of rows, of which the last has the id 0; or the code that came up. */
static int build(const struct target_row *rows, struct targets **ret_targets)
{
    struct targets *targets = NULL;
    int code = targets_new(&targets);
    if (code == 0)
        code = targets_add_monitor(targets, &tcp);
    if (code == 0)
        code = targets_add_monitor(targets, &web);
    if (code == 0)
        code = targets_add_monitor(targets, &near);
    for (; code == 0 && rows->key.id; rows++)
        code = targets_add(targets, rows);
    if (code != 0) {
        targets_release(targets);
        return code;
    }
    targets_finish(targets);
    *ret_targets = targets;
    return 0;
}

static void rows_become_targets_in_order(void)
{
    static const struct target_row rows[] = {
        SERVER_ROW(7, "192.0.2.80", 1),
        SERVER_ROW(3, "2001:db8::80", 2),
        CONTROLLER_ROW(9, "192.0.2.1", 3),
        CONTROLLER_ROW(2, "198.51.100.1", 2),
        END_ROW,
    };
    static const struct {
        enum target_kind kind;
        int64_t id;
        const char *monitor, *name;
        int port;
    } expected[] = {
        {TARGET_CONTROLLER, 2, "web", "controller ams, 198.51.100.1:80", 0},
        {TARGET_CONTROLLER, 9, "near", "controller ams, 192.0.2.1", 0},
        {TARGET_SERVER, 3, "web", "pool web, controller ams, [2001:db8::80]:443", 443},
        {TARGET_SERVER, 7, "tcp", "pool web, controller ams, 192.0.2.80:443", 443},
    };
    struct targets *targets = NULL;
    CHECK_INTEGER(build(rows, &targets), 0, "build");
    CHECK_INTEGER((int64_t)targets_count(targets), COUNT(expected), "targets");
    CHECK_INTEGER((int64_t)targets_monitor_count(targets), 3, "monitors");
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct target *target = targets_at(targets, i);
        CHECK_INTEGER(target->key.kind, expected[i].kind, "row %zu", i);
        CHECK_INTEGER(target->key.id, expected[i].id, "row %zu", i);
        CHECK_INTEGER(target->port, expected[i].port, "row %zu", i);
        CHECK_TEXT(target->monitor->name, expected[i].monitor, "row %zu", i);
        CHECK_TEXT(target->name, expected[i].name, "row %zu", i);
        CHECK_TEXT(strrchr(target->name, ' ') + 1, target->place, "row %zu", i);
        CHECK(targets_find(targets, &target->key) == target, "row %zu is found", i);
        bool is_server = target->key.kind == TARGET_SERVER;
        CHECK_TEXT(target->pool, is_server ? "web" : "", "row %zu", i);
        CHECK_TEXT(target->controller, "ams", "row %zu", i);
        CHECK_INTEGER(target->position, is_server ? 4 : 0, "row %zu", i);
    }
    CHECK(!targets_find(targets, &(struct target_key){.kind = TARGET_SERVER, .id = 9}),
          "no such target");
    CHECK_TEXT(targets_at(targets, 0)->monitor->path, "/health", "copied");
    CHECK(targets_at(targets, 0)->monitor->path != web.path, "copied");
    targets_release(targets);
}

static void families_have_words_and_an_order(void)
{
    enum address_family family = FAMILY_NONE;
    for (enum address_family f = FAMILY_NONE; f <= FAMILY_IPV6; f++) {
        CHECK(target_family_parse(target_family_word(f), &family), "%d", (int)f);
        CHECK_INTEGER(family, f, "%s", target_family_word(f));
    }
    CHECK(!target_family_parse("ipv5", &family) && !target_family_parse(NULL, &family), "others");
    const struct target_key whole = {TARGET_SERVER, 7, FAMILY_NONE},
                            ipv4 = {TARGET_SERVER, 7, FAMILY_IPV4},
                            next = {TARGET_SERVER, 8, FAMILY_NONE};
    CHECK(target_key_compare(&whole, &ipv4) < 0 && target_key_compare(&ipv4, &whole) > 0, "order");
    CHECK(target_key_compare(&ipv4, &next) < 0 && target_key_compare(&ipv4, &ipv4) == 0, "order");
}

static void what_cannot_be_checked_is_named(void)
{
    static const struct {
        struct target_row row;
        const char *sentence;
    } rows[] = {
        {CONTROLLER_ROW(1, "lb.example.com", 1), "controller ams, lb.example.com: not checked, "
                                                 "because monitor tcp needs a numeric address"},
        {CONTROLLER_ROW(1, NULL, 2),
         "controller ams, no address: not checked, because monitor web needs a numeric address"},
        {SERVER_ROW(1, "192.0.2", 2), "pool web, controller ams, 192.0.2:443: not checked, because "
                                      "monitor web needs a numeric address"},
        {SERVER_ROW(1, "2001:db8::80", 3),
         "pool web, controller ams, 2001:db8::80: not checked, because monitor near checks"
         " from 192.0.2.9, an address of the other family"},
        {CONTROLLER_ROW(1, "192.0.2.1", 1), "controller ams, 192.0.2.1: not checked, because"
                                            " neither it nor monitor tcp has a port"},
        {SERVER_ROW(1, "192.0.2.80", 5),
         "pool web, controller ams, 192.0.2.80: not checked, because its monitor cannot be used"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct target_row list[] = {rows[i].row, END_ROW};
        struct targets *targets = NULL;
        CHECK_INTEGER(build(list, &targets), 0, "row %zu", i);
        CHECK_INTEGER((int64_t)targets_count(targets), 0, "row %zu", i);
        const struct problems *problems = targets_problems(targets);
        if (CHECK_INTEGER((int64_t)problems->count, 1, "row %zu", i))
            CHECK_TEXT(problems->lines[0], rows[i].sentence, "row %zu", i);
        targets_release(targets);
    }
}

/* Two servers with the same address whose monitors differ in one column. */
static void any_column_makes_another_check(void)
{
    struct monitor others[27];
    for (size_t i = 0; i < COUNT(others); i++)
        others[i] = web;
    size_t n = 0;
    others[n++].type = CHECK_HTTPS;
    others[n++].port = 8080;
    others[n++].path = "/";
    others[n++].path = NULL;
    others[n++].host = NULL;
    others[n++].query = "AAAA";
    others[n++].status_min = 201;
    others[n++].status_max = 202;
    others[n++].body = "ok";
    others[n++].send = "PING";
    others[n++].expect = "PONG";
    others[n++].verify = true;
    others[n++].interval_s = 11;
    others[n++].timeout_s = 4;
    others[n++].rise = 3;
    others[n++].fall = 4;
    others[n++].http_method = METHOD_HEAD;
    others[n++].headers = "X-A: b";
    others[n++].proxy = PROXY_VERSION_1;
    others[n++].tls = true;
    others[n++].steps = "send x";
    others[n++].rcode = "REFUSED";
    others[n++].answer = "^192";
    others[n++].source.family = FAMILY_IPV6;
    others[n++].arguments = "-v";
    const size_t different = n;
    others[n++].id = 77;
    others[n++].name = "renamed";
    struct target first = {.monitor = &web}, second;
    CHECK_INTEGER((int64_t)n, COUNT(others), "columns");
    for (size_t i = 0; i < n; i++) {
        second = (struct target){.monitor = &others[i]};
        CHECK(target_equal(&first, &second) == (i >= different), "column %zu", i);
        CHECK(target_equal(&second, &first) == (i >= different), "column %zu", i);
    }
    second = (struct target){.monitor = &web, .port = 1};
    CHECK(!target_equal(&first, &second), "port");
    second = (struct target){.monitor = &web, .address = address_of("192.0.2.1")};
    CHECK(!target_equal(&first, &second), "address");
}

static void another_address_or_port_of_its_own_makes_another_target(void)
{
    const struct monitor own_port = {.type = CHECK_HTTP, .port = 8080}, ping = {.type = CHECK_ICMP};
    const struct address here = address_of("192.0.2.1"), there = address_of("192.0.2.2");
    const struct {
        const char *title;
        struct target before, after;
        bool is_elsewhere;
    } rows[] = {
        {"nothing", {.address = here, .port = 1}, {.address = here, .port = 1}, false},
        {"the address", {.address = here}, {.address = there}, true},
        {"the port", {.address = here, .port = 1}, {.address = here, .port = 2}, true},
        {"the usual port is written", {.address = here}, {.address = here, .port = 80}, false},
        {"a port that the monitor does not use",
         {.address = here, .port = 1},
         {.address = here, .port = 2, .monitor = &own_port},
         false},
        {"the port of what is pinged",
         {.address = here, .port = 1},
         {.address = here, .port = 2, .monitor = &ping},
         false},
        {"the monitor", {.address = here}, {.address = here, .monitor = &own_port}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct target before = rows[i].before, after = rows[i].after;
        before.monitor = before.monitor ? before.monitor : &web;
        after.monitor = after.monitor ? after.monitor : &web;
        CHECK(target_is_elsewhere(&before, &after) == rows[i].is_elsewhere, "%s", rows[i].title);
    }
}

/*
 * What is told, as text: =3 the same, !3 changed, /3 replaced, +3 added, -3 removed; controllers
 * with a c.
 */
static void tell(void *context, enum target_change change, const struct target *before,
                 const struct target *after)
{
    struct buffer *told = context;
    const struct target *target = after ? after : before;
    CHECK((change == TARGET_ADDED) == !before && (change == TARGET_REMOVED) == !after, "told");
    buffer_printf(told, " %c%s%lld", "=!+-/"[change],
                  target -> key.kind == TARGET_CONTROLLER ? "c" : "", (long long)target->key.id);
}

static void two_sets_are_compared(void)
{
    static const struct target_row end = END_ROW;
    static const struct target_row some[] = {
        CONTROLLER_ROW(3, "192.0.2.3", 3),   SERVER_ROW(1, "192.0.2.1", 1),
        SERVER_ROW(3, "192.0.2.3", 1),       SERVER_ROW(5, "192.0.2.5", 2),
        NAMED_ROW(7, "lb.cloud.example", 2), NAMED_ROW(8, "lb.cloud.example", 2),
        NAMED_ROW(9, "lb.cloud.example", 2), END_ROW};
    static const struct target_row others[] = {
        CONTROLLER_ROW(3, "192.0.2.3", 3),   CONTROLLER_ROW(9, "192.0.2.9", 3),
        SERVER_ROW(2, "192.0.2.2", 1),       SERVER_ROW(3, "192.0.2.33", 1),
        SERVER_ROW(5, "192.0.2.5", 1),       SERVER_ROW(6, "192.0.2.6", 1),
        NAMED_ROW(7, "lb.cloud.example", 2), NAMED_ROW(8, "lb-2.cloud.example", 2),
        SERVER_ROW(9, "192.0.2.9", 2),       END_ROW};
    const struct {
        const struct target_row *before, *after;
        const char *told;
    } rows[] = {
        {some, some, " =c3 =1 =3 =5 =7 =8 =9"},
        {NULL, some, " +c3 +1 +3 +5 +7 +8 +9"},
        {some, NULL, " -c3 -1 -3 -5 -7 -8 -9"},
        {some, &end, " -c3 -1 -3 -5 -7 -8 -9"},
        {some, others, " =c3 +c9 -1 +2 /3 !5 +6 =7 /8 /9"},
        {others, some, " =c3 -c9 +1 -2 /3 !5 -6 =7 /8 /9"},
        {NULL, NULL, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct targets *before = NULL, *after = NULL;
        struct buffer told = {0};
        if (rows[i].before)
            build(rows[i].before, &before);
        if (rows[i].after)
            build(rows[i].after, &after);
        targets_compare(before, after, tell, &told);
        CHECK_TEXT(buffer_text(&told), rows[i].told, "row %zu", i);
        buffer_release(&told);
        targets_release(before);
        targets_release(after);
    }
}

static void a_set_lives_as_long_as_it_is_used(void)
{
    static const struct target_row rows[] = {SERVER_ROW(1, "192.0.2.1", 2), END_ROW};
    struct targets *targets = NULL;
    CHECK_INTEGER(build(rows, &targets), 0, "build");
    struct targets *held = targets_retain(targets);
    targets_release(targets);
    CHECK_TEXT(targets_at(held, 0)->monitor->host, "www.example.com", "still there");
    targets_release(held);
    targets_release(NULL);
}

static void without_memory_there_is_no_set(void)
{
    static const struct target_row rows[] = {SERVER_ROW(1, "192.0.2.1", 2),
                                             SERVER_ROW(2, "nowhere", 2), END_ROW};
    bool failed = true;
    size_t n = 1;
    for (; failed && n < 100; n++) {
        struct targets *targets = NULL;
        memory_fail_at(n);
        int code = build(rows, &targets);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        targets_release(targets);
    }
    CHECK(n > 5 && n < 100, "%zu allocations", n);
}

static const CU_TestInfo tests[] = {
    {"families have words and an order", families_have_words_and_an_order},
    {"rows become targets, in the order of their keys", rows_become_targets_in_order},
    {"what cannot be checked is named", what_cannot_be_checked_is_named},
    {"any column makes another check, but not the monitor's name", any_column_makes_another_check},
    {"another address, or port of its own, makes another target",
     another_address_or_port_of_its_own_makes_another_target},
    {"two sets are compared", two_sets_are_compared},
    {"a set lives as long as it is used", a_set_lives_as_long_as_it_is_used},
    {"without memory there is no set", without_memory_there_is_no_set},
    CU_TEST_INFO_NULL,
};

const struct suite suite_targets = {"targets", tests};
