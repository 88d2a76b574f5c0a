#include "core/sticky/assign.h"

#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define NOW SCENE_NOW_S
#define WEB 1
#define SPARE 2

#define CLIENT SCENE_CLIENT
#define CHOICE SCENE_CHOICE

static void a_new_client_gets_a_row(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "first question");
    CHECK_INTEGER((int64_t)scene.table.writes, 1, "first question");
    const struct mapping *mapping = memory_table_get(&scene.table, WEB, CLIENT);
    const struct mapping wanted = MAPPING(2, "modulus", NOW, 3600);
    CHECK(mapping && mapping_equal(mapping, &wanted), "the row");
    scene.inputs.now_s = NOW + 3599;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "again");
    CHECK_INTEGER((int64_t)scene.table.writes, 1, "asking again changes nothing");
    scene_release(&scene);
}

/* A mapping to controller 3, and what was done to it and its server. */
struct binding_row {
    const char *what;
    struct mapping mapping;
    enum state controller, server;
    bool controller_down, server_down;
    int64_t answer;
    size_t writes;
};

static void check_binding(const struct binding_row *row)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    struct mapping mapping = row->mapping;
    mapping.decided = 5;
    mapping.origin = 7;
    memory_table_put(&scene.table, WEB, CLIENT, &mapping);
    scene_controller(&scene, 3)->state = row->controller;
    scene_server(&scene, 13)->state = row->server;
    scene_set_controller_down(&scene, 3, row->controller_down);
    scene_set_server_down(&scene, 13, row->server_down);
    for (int again = 0; again < 2; again++) {
        CHECK_INTEGER(scene_ask_client(&scene, "web"), row->answer, "%s", row->what);
        CHECK_INTEGER((int64_t)scene.table.writes, (int64_t)row->writes, "%s", row->what);
    }
    scene_check_row(&scene, WEB, CLIENT, row->writes ? 2 : row->mapping.controller_id,
                    row->writes ? NOW : row->mapping.timestamp_s, row->what);
    const struct mapping *now = memory_table_get(&scene.table, WEB, CLIENT);
    CHECK_INTEGER(now->decided, row->writes ? 0 : 5, "%s: a new decision has no place yet",
                  row->what);
    CHECK_INTEGER(now->origin, row->writes ? 0 : 7, "%s: likewise", row->what);
    scene_release(&scene);
}

static const struct binding_row bindings[] = {
    {"live", MAPPING(3, "modulus", NOW - 10, 3600), .answer = 13},
    {"in its last second", MAPPING(3, "modulus", NOW - 3599, 3600), .answer = 13},
    {"over", MAPPING(3, "modulus", NOW - 3600, 3600), .answer = CHOICE, .writes = 1},
    {"long over", MAPPING(3, "modulus", 0, 3600), .answer = CHOICE, .writes = 1},
    {"without any time", MAPPING(3, "modulus", NOW, 0), .answer = CHOICE, .writes = 1},
    {"with negative time", MAPPING(3, "modulus", NOW, -5), .answer = CHOICE, .writes = 1},
    {"the clock went back", MAPPING(3, "modulus", NOW + 100000, 3600), .answer = 13},
    {"the end of time", MAPPING(3, "modulus", INT64_MAX, 3600), .answer = 13},
    {"the end of time twice", MAPPING(3, "modulus", INT64_MAX, INT64_MAX), .answer = 13},
    {"for ever", MAPPING(3, "modulus", 0, INT64_MAX), .answer = 13},
    {"before time", MAPPING(3, "modulus", INT64_MIN, 3600), .answer = CHOICE, .writes = 1},
    {"before time, for ever", MAPPING(3, "modulus", INT64_MIN, INT64_MAX), .answer = CHOICE,
     .writes = 1},
    {"before time twice", MAPPING(3, "modulus", INT64_MIN, INT64_MIN), .answer = CHOICE,
     .writes = 1},
    {"another method", MAPPING(3, "weighted", NOW, 3600), .answer = CHOICE, .writes = 1},
    {"no method", MAPPING(3, "", NOW, 3600), .answer = CHOICE, .writes = 1},
    {"the method in capitals", MAPPING(3, "Modulus", NOW, 3600), .answer = CHOICE, .writes = 1},
    {"controller gone", MAPPING(99, "modulus", NOW, 3600), .answer = CHOICE, .writes = 1},
    {"controller of another pool", MAPPING(4, "modulus", NOW, 3600), .answer = CHOICE, .writes = 1},
    {"controller draining", MAPPING(3, "modulus", NOW, 3600), STATE_DRAINING, .answer = 13},
    {"server draining", MAPPING(3, "modulus", NOW, 3600), .server = STATE_DRAINING, .answer = 13},
    {"controller disabled", MAPPING(3, "modulus", NOW, 3600), STATE_DISABLED, .answer = 12,
     .writes = 1},
    {"server disabled", MAPPING(3, "modulus", NOW, 3600), .server = STATE_DISABLED, .answer = 12,
     .writes = 1},
    {"controller down", MAPPING(3, "modulus", NOW, 3600), .controller_down = true, .answer = CHOICE,
     .writes = 1},
    {"server down", MAPPING(3, "modulus", NOW, 3600), .server_down = true, .answer = CHOICE,
     .writes = 1},
    {"draining and down", MAPPING(3, "modulus", NOW, 3600), STATE_DRAINING, .server_down = true,
     .answer = 12, .writes = 1},
};

static void mappings_bind_as_long_as_they_are_live(void)
{
    for (size_t i = 0; i < COUNT(bindings); i++)
        check_binding(&bindings[i]);
}

static void timestamps_move_when_sliding(void)
{
    static const struct {
        enum persistence_timer timer;
        int64_t age_s, ttl_s;
        bool moves;
    } rows[] = {
        {TIMER_FIXED, 0, 3600, false},          {TIMER_FIXED, 360, 3600, false},
        {TIMER_FIXED, 3599, 3600, false},       {TIMER_SLIDING, 0, 3600, false},
        {TIMER_SLIDING, 1, 3600, false},        {TIMER_SLIDING, 359, 3600, false},
        {TIMER_SLIDING, 360, 3600, true},       {TIMER_SLIDING, 3599, 3600, true},
        {TIMER_SLIDING, -1, 3600, false},       {TIMER_SLIDING, -90000, 3600, false},
        {TIMER_SLIDING, 0, 5, false},           {TIMER_SLIDING, 1, 5, true},
        {TIMER_SLIDING, 9, 100, false},         {TIMER_SLIDING, 10, 100, true},
        {TIMER_SLIDING, NOW, INT64_MAX, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        struct mapping mapping = MAPPING(3, "modulus", NOW - rows[i].age_s, rows[i].ttl_s);
        mapping.decided = 5;
        mapping.origin = 7;
        scene_init(&scene, &three_sites);
        scene_pool(&scene, "web")->timer = rows[i].timer;
        memory_table_put(&scene.table, WEB, CLIENT, &mapping);
        CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "row %zu", i);
        const struct mapping *row = memory_table_get(&scene.table, WEB, CLIENT);
        CHECK_INTEGER(row->timestamp_s, rows[i].moves ? NOW : mapping.timestamp_s, "row %zu", i);
        CHECK_INTEGER(row->ttl_s, rows[i].moves ? 3600 : mapping.ttl_s, "row %zu", i);
        CHECK(row->decided == 5 && row->origin == 7, "row %zu: it is no new decision", i);
        CHECK_INTEGER((int64_t)scene.table.writes, rows[i].moves, "row %zu", i);
        scene_release(&scene);
    }
}

static void a_sliding_timer_writes_ten_times_in_a_ttl(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_pool(&scene, "web")->timer = TIMER_SLIDING;
    for (int64_t second = 0; second <= 3600; second++) {
        scene.inputs.now_s = NOW + second;
        CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "second %lld", (long long)second);
    }
    CHECK_INTEGER((int64_t)scene.table.writes, 11, "the first and ten moves");
    scene_release(&scene);
}

static void a_slide_that_fails_keeps_the_answer(void)
{
    static const struct {
        int claim_code, code;
        size_t rivals;
    } rows[] = {{ERR_BUSY, ERR_BUSY, 0}, {ERR_READONLY, ERR_READONLY, 0}, {0, 0, 1}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &three_sites);
        scene_pool(&scene, "web")->timer = TIMER_SLIDING;
        scene_put_mapping(&scene, WEB, 3, 1000);
        scene.table.claim_code = rows[i].claim_code;
        scene.table.rivals = rows[i].rivals;
        scene.table.rival = (struct mapping)MAPPING(3, "modulus", NOW - 5, 3600);
        struct assignment assignment = scene_ask(&scene, "web", CLIENT);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, 13, "row %zu", i);
        scene_check_warned(&scene, rows[i].code, "a slide");
        CHECK_INTEGER((int64_t)scene.table.claims, 1, "row %zu", i);
        scene_release(&scene);
    }
}

static void a_lost_claim_is_answered_by_the_winners_row(void)
{
    static const struct {
        const char *what;
        struct mapping rival;
        size_t rivals;
        int64_t answer, controller, timestamp_s;
    } rows[] = {
        {"a row that binds", MAPPING(1, "modulus", NOW - 1, 3600), 1, 11, 1, NOW},
        {"the same choice", MAPPING(2, "modulus", NOW - 1, 3600), 1, CHOICE, 2, NOW},
        {"a row that is over", MAPPING(1, "modulus", NOW - 9000, 3600), 1, CHOICE, 2, NOW},
        {"a row of another method", MAPPING(1, "other", NOW - 1, 3600), 2, CHOICE, 2, NOW},
        {"rows to nowhere", MAPPING(99, "modulus", NOW - 100, 3600), 3, CHOICE, 2, NOW},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &three_sites);
        scene.table.rival = rows[i].rival;
        scene.table.rivals = rows[i].rivals;
        struct assignment assignment = scene_ask(&scene, "web", CLIENT);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, rows[i].answer, "%s",
                      rows[i].what);
        scene_check_warned(&scene, 0, rows[i].what);
        scene_check_row(&scene, WEB, CLIENT, rows[i].controller, rows[i].timestamp_s, rows[i].what);
        scene_release(&scene);
    }
}

static void a_claim_is_not_tried_for_ever(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene.table.rival = (struct mapping)MAPPING(99, "modulus", NOW - 1000, 3600);
    scene.table.rivals = SIZE_MAX;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "always lost");
    CHECK(scene.table.claims >= 2 && scene.table.claims <= 10, "%zu claims", scene.table.claims);
    CHECK(strstr(buffer_text(&scene.warned), "pool web, " CLIENT ": other processes"), "%s",
          buffer_text(&scene.warned));
    scene_release(&scene);
}

static void a_table_that_fails_costs_no_answer(void)
{
    static const int codes[] = {ERR_NOMEM,   ERR_BUSY,    ERR_READONLY, ERR_FULL,    ERR_IO,
                                ERR_CORRUPT, ERR_FOREIGN, ERR_LIMIT,    ERR_INTERNAL};
    for (size_t i = 0; i < 2 * COUNT(codes); i++) {
        struct scene scene;
        int code = codes[i / 2];
        scene_init(&scene, &three_sites);
        *(i % 2 ? &scene.table.claim_code : &scene.table.find_code) = code;
        struct assignment assignment = scene_ask(&scene, "web", CLIENT);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, CHOICE, "code %d", code);
        scene_check_warned(&scene, code, "a table that fails");
        CHECK_INTEGER(assignment.failed, false, "code %d", code);
        CHECK_INTEGER((int64_t)scene.table.claims, i % 2, "code %d", code);
        scene_release(&scene);
    }
}

static void nothing_is_written_without_a_claim_function(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene.mappings.claim = NULL;
    struct assignment assignment = scene_ask(&scene, "web", CLIENT);
    CHECK_INTEGER(assignment.server ? assignment.server->id : 0, CHOICE, "explain");
    scene_check_warned(&scene, 0, "explain");
    CHECK_INTEGER((int64_t)scene.table.count, 0, "explain");
    scene_pool(&scene, "web")->timer = TIMER_SLIDING;
    scene_put_mapping(&scene, WEB, 3, 1000);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "explain a mapping");
    scene_check_row(&scene, WEB, CLIENT, 3, NOW - 1000, "explain a mapping");
    scene_release(&scene);
}

static void a_server_that_returns_pulls_nobody_back(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "at first");
    scene_set_server_down(&scene, CHOICE, true);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "while it is down");
    scene_set_server_down(&scene, CHOICE, false);
    scene.inputs.now_s = NOW + 3599;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "when it is back");
    scene_check_row(&scene, WEB, CLIENT, 3, NOW, "when it is back");
    scene.inputs.now_s = NOW + 3600;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "when the mapping is over");
    scene_check_row(&scene, WEB, CLIENT, 2, NOW + 3600, "when the mapping is over");
    scene_release(&scene);
}

static void a_configuration_that_grows_moves_nobody(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_put_mapping(&scene, WEB, 1, 0);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "three servers");
    scene_server(&scene, 12)->state = STATE_DISABLED;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "two servers");
    scene_server(&scene, 13)->state = STATE_DRAINING;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "one server");
    CHECK_INTEGER((int64_t)scene.table.writes, 0, "nothing to write");
    scene_release(&scene);
}

static void nobody_reads_or_writes_where_no_mappings_are_kept(void)
{
    static const struct {
        const char *what, *remote, *subnet;
        uint32_t persistence_ttl_s;
        enum client_kind client;
        bool all_down;
        int64_t answer;
    } rows[] = {
        {"ttl 0", CLIENT, NULL, 0, CLIENT_LDNS, false, CHOICE},
        {"ttl 0, all down", CLIENT, NULL, 0, CLIENT_LDNS, true, CHOICE},
        {"no client", "0.0.0.0", "0.0.0.0/0", 3600, CLIENT_LDNS, false, 12},
        {"no client, all down", "0.0.0.0", "0.0.0.0/0", 3600, CLIENT_LDNS, true, 12},
        {"no client of IPv6", "::", "::/0", 3600, CLIENT_LDNS, false, 12},
        {"no client, ecs", "0.0.0.0", "0.0.0.0/0", 3600, CLIENT_ECS, false, 12},
        {"no address", NULL, NULL, 3600, CLIENT_LDNS, false, 12},
        {"no address, ecs", NULL, "0.0.0.0/0", 3600, CLIENT_ECS, false, 12},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        struct assignment assignment;
        scene_init(&scene, &three_sites);
        scene_pool(&scene, "web")->persistence_ttl_s = rows[i].persistence_ttl_s;
        scene_pool(&scene, "web")->client = rows[i].client;
        scene_set_web_down(&scene, rows[i].all_down);
        struct source source = source_of(rows[i].remote, rows[i].subnet);
        assign(&scene.inputs, scene_pool(&scene, "web"), &source, &assignment);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, rows[i].answer, "%s",
                      rows[i].what);
        CHECK_INTEGER((int64_t)(scene.table.finds + scene.table.claims), 0, "%s", rows[i].what);
        CHECK(assignment.scope_bits > 0, "%s", rows[i].what);
        scene_release(&scene);
    }
}

static size_t pick_first(const struct selection *selection)
{
    (void)selection;
    return 0;
}

static const struct method first = {.name = "first", .pick = pick_first};

static void changing_the_method_lets_everybody_go_once(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "modulus");
    scene_pool(&scene, "web")->method = &first;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "another method");
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "another method, again");
    CHECK_INTEGER((int64_t)scene.table.writes, 2, "one row per method");
    scene_release(&scene);
}

static void without_metrics_all_are_up(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_set_web_down(&scene, true);
    scene.inputs.availability = NULL;
    scene_pool(&scene, "web")->timer = TIMER_SLIDING;
    scene_put_mapping(&scene, WEB, 3, 1000);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "no metrics");
    scene_check_row(&scene, WEB, CLIENT, 3, NOW, "no metrics, and time slides");
    scene_release(&scene);
}

static void the_trace_tells_why(void)
{
    static const struct {
        struct mapping mapping;
        const char *found, *why;
    } rows[] = {
        {MAPPING(3, "modulus", NOW - 10, 3600), "mapping: to nice, method modulus,",
         "the mapping is live\n"},
        {MAPPING(3, "modulus", NOW - 10, 3600), " 3590 s left\n",
         "server 1 is nice, position 30: up"},
        {MAPPING(3, "modulus", NOW - 3600, 3600), " 0 s left\n",
         "the mapping is not live: expired\n"},
        {MAPPING(3, "other", NOW, 3600), "method other,",
         "the mapping is not live: method changed\n"},
        {MAPPING(99, "modulus", NOW, 3600), "to a controller that is gone,",
         "is not live: controller gone\n"},
        {MAPPING(4, "modulus", NOW, 3600), "to brest,",
         "no enabled server of the controller in the pool\n"},
        {MAPPING(3, "modulus", INT64_MIN, INT64_MAX), " 0 s left\n", "expired\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &three_sites);
        memory_table_put(&scene.table, WEB, CLIENT, &rows[i].mapping);
        scene_ask_client(&scene, "web");
        CHECK(strstr(scene_told(&scene), rows[i].found) != NULL, "row %zu: %s", i,
              scene_told(&scene));
        CHECK(strstr(scene_told(&scene), rows[i].why) != NULL, "row %zu: %s", i,
              scene_told(&scene));
        CHECK(strstr(scene_told(&scene), "key " CLIENT ", first value 3221225994\n") != NULL,
              "row %zu: %s", i, scene_told(&scene));
        scene_release(&scene);
    }
}

static void the_answer_does_not_depend_on_the_trace(void)
{
    struct scene told, silent;
    scene_init(&told, &three_sites);
    scene_init(&silent, &three_sites);
    silent.inputs.trace = NULL;
    for (int i = 1; i < 255; i++) {
        char remote[32];
        snprintf(remote, sizeof remote, "192.0.2.%d", i);
        struct assignment a = scene_ask(&told, "web", remote);
        struct assignment b = scene_ask(&silent, "web", remote);
        CHECK_INTEGER(a.server->id, b.server->id, "%s", remote);
    }
    scene_release(&told);
    scene_release(&silent);
}

static const CU_TestInfo tests[] = {
    {"a new client gets a row, and asking again changes nothing", a_new_client_gets_a_row},
    {"mappings bind as long as they are live", mappings_bind_as_long_as_they_are_live},
    {"timestamps move when the timer slides", timestamps_move_when_sliding},
    {"a sliding timer writes ten times in a ttl", a_sliding_timer_writes_ten_times_in_a_ttl},
    {"a slide that fails keeps the answer", a_slide_that_fails_keeps_the_answer},
    {"a lost claim is answered by the winner's row", a_lost_claim_is_answered_by_the_winners_row},
    {"a claim is not tried for ever", a_claim_is_not_tried_for_ever},
    {"a table that fails costs no answer", a_table_that_fails_costs_no_answer},
    {"nothing is written without a claim function", nothing_is_written_without_a_claim_function},
    {"a server that returns pulls nobody back", a_server_that_returns_pulls_nobody_back},
    {"a changed configuration moves nobody who need not", a_configuration_that_grows_moves_nobody},
    {"nothing is read or written where no mappings are kept",
     nobody_reads_or_writes_where_no_mappings_are_kept},
    {"changing the method lets everybody go once", changing_the_method_lets_everybody_go_once},
    {"without metrics all are up", without_metrics_all_are_up},
    {"the trace tells why", the_trace_tells_why},
    {"the answer does not depend on the trace", the_answer_does_not_depend_on_the_trace},
    CU_TEST_INFO_NULL,
};

const struct suite suite_assign = {"assign", tests};
