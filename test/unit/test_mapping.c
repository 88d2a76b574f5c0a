#include "core/sticky/mapping.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

#define NOW SCENE_NOW_S

static void time_left_is_counted_for_any_numbers(void)
{
    static const struct {
        int64_t timestamp_s, ttl_s, now_s, left_s;
    } rows[] = {
        {NOW, 3600, NOW, 3600},
        {NOW, 3600, NOW + 1, 3599},
        {NOW, 3600, NOW + 3599, 1},
        {NOW, 3600, NOW + 3600, 0},
        {NOW, 3600, NOW + 3601, 0},
        {NOW, 3600, NOW - 100, 3700},
        {NOW, 0, NOW, 0},
        {NOW, -1, NOW - 5, 4},
        {NOW, -10, NOW - 5, 0},
        {0, 0, 0, 0},
        {0, 1, 0, 1},
        {-10, 5, -8, 3},
        {INT64_MAX, 1, NOW, INT64_MAX - NOW},
        {INT64_MAX, INT64_MAX, NOW, INT64_MAX - NOW},
        {NOW, INT64_MAX, NOW, INT64_MAX - NOW},
        {NOW, INT64_MAX, INT64_MAX, 0},
        {INT64_MAX, INT64_MAX, INT64_MAX, 0},
        {INT64_MIN, INT64_MAX, NOW, 0},
        {INT64_MIN, INT64_MIN, NOW, 0},
        {INT64_MIN, -1, INT64_MIN, 0},
        {INT64_MIN, 5, INT64_MIN, 5},
        {INT64_MAX, 1, 0, INT64_MAX},
        {INT64_MAX, 1, -1, INT64_MAX},
        {INT64_MAX, 0, INT64_MIN, INT64_MAX},
        {0, INT64_MAX, INT64_MIN, INT64_MAX},
        {0, 0, INT64_MIN, INT64_MAX},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct mapping mapping = MAPPING(1, "modulus", rows[i].timestamp_s, rows[i].ttl_s);
        CHECK_INTEGER(mapping_left_s(&mapping, rows[i].now_s), rows[i].left_s, "row %zu", i);
    }
}

static void the_age_is_counted_for_any_numbers(void)
{
    static const struct {
        int64_t timestamp_s, now_s, age_s;
    } rows[] = {
        {NOW, NOW, 0},
        {NOW, NOW + 60, 60},
        {NOW, NOW - 60, -60},
        {0, INT64_MAX, INT64_MAX},
        {-1, INT64_MAX, INT64_MAX},
        {INT64_MIN, INT64_MAX, INT64_MAX},
        {INT64_MIN, 0, INT64_MAX},
        {0, INT64_MIN, INT64_MIN},
        {1, INT64_MIN, INT64_MIN},
        {INT64_MAX, INT64_MIN, INT64_MIN},
        {INT64_MAX, -2, INT64_MIN},
        {INT64_MAX, 0, -INT64_MAX},
        {INT64_MAX, INT64_MAX, 0},
        {INT64_MIN, INT64_MIN, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct mapping mapping = MAPPING(1, "modulus", rows[i].timestamp_s, 60);
        CHECK_INTEGER(mapping_age_s(&mapping, rows[i].now_s), rows[i].age_s, "row %zu", i);
    }
}

static void a_mapping_is_due_after_a_tenth(void)
{
    static const struct {
        enum persistence_timer timer;
        int64_t timestamp_s, ttl_s, now_s;
        bool due;
    } rows[] = {
        {TIMER_FIXED, NOW, 100, NOW + 50, false},
        {TIMER_SLIDING, NOW, 100, NOW, false},
        {TIMER_SLIDING, NOW, 100, NOW + 9, false},
        {TIMER_SLIDING, NOW, 100, NOW + 10, true},
        {TIMER_SLIDING, NOW, 100, NOW + 99, true},
        {TIMER_SLIDING, NOW, 100, NOW - 50, false},
        {TIMER_SLIDING, NOW, 9, NOW, false},
        {TIMER_SLIDING, NOW, 9, NOW + 1, true},
        {TIMER_SLIDING, NOW, 109, NOW + 10, true},
        {TIMER_SLIDING, 0, INT64_MAX, NOW, false},
        {TIMER_SLIDING, 0, INT64_MAX, INT64_MAX - 1, true},
        {TIMER_SLIDING, INT64_MAX, 10, NOW, false},
        {TIMER_SLIDING, INT64_MAX, INT64_MAX, INT64_MAX, false},
        {TIMER_SLIDING, -100, 200, 0, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct mapping mapping = MAPPING(1, "modulus", rows[i].timestamp_s, rows[i].ttl_s);
        const struct pool persistence_pool = {.timer = rows[i].timer};
        CHECK_INTEGER(mapping_is_due(&mapping, &persistence_pool, rows[i].now_s), rows[i].due,
                      "row %zu", i);
    }
}

static void states_have_words(void)
{
    static const struct {
        enum mapping_state state;
        const char *text;
    } rows[] = {
        {MAPPING_LIVE, "live"},
        {MAPPING_EXPIRED, "expired"},
        {MAPPING_METHOD_CHANGED, "method changed"},
        {MAPPING_CONTROLLER_GONE, "controller gone"},
        {MAPPING_CONTROLLER_DISABLED, "controller disabled"},
        {MAPPING_NO_SERVER, "no enabled server of the controller in the pool"},
        {MAPPING_SERVERS_DOWN, "server down"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(mapping_state_text(rows[i].state), rows[i].text, "row %zu", i);
}

/* What was done to controller 3 and its server 13 before a mapping to it is judged. */
struct judge_row {
    struct mapping mapping;
    enum state controller, server;
    bool down;
    enum mapping_state state, without_metrics;
};

static enum mapping_state judge_for(struct scene *scene, struct number number,
                                    const struct mapping *mapping, bool with_metrics,
                                    const struct virtual_server **ret_server)
{
    const struct client client = {.known = true, .number = number};
    const struct selection selection = {
        .pool = scene_pool(scene, "web"), .client = &client, .now_s = NOW};
    return mapping_evaluate(mapping, &selection, scene->snapshot,
                            with_metrics ? scene->availability : NULL, ret_server);
}

static enum mapping_state judge(struct scene *scene, const struct mapping *mapping,
                                bool with_metrics, const struct virtual_server **ret_server)
{
    return judge_for(scene, (struct number){0, 0}, mapping, with_metrics, ret_server);
}

static const struct judge_row judgements[] = {
    {MAPPING(3, "modulus", NOW, 60), 0, 0, false, MAPPING_LIVE, MAPPING_LIVE},
    {MAPPING(3, "modulus", NOW - 60, 60), 0, 0, false, MAPPING_EXPIRED, MAPPING_EXPIRED},
    {MAPPING(3, "m", NOW - 60, 60), 0, 0, false, MAPPING_EXPIRED, MAPPING_EXPIRED},
    {MAPPING(3, "m", NOW, 60), 0, 0, false, MAPPING_METHOD_CHANGED, MAPPING_METHOD_CHANGED},
    {MAPPING(99, "modulus", NOW, 60), 0, 0, false, MAPPING_CONTROLLER_GONE,
     MAPPING_CONTROLLER_GONE},
    {MAPPING(INT64_MIN, "modulus", NOW, 60), 0, 0, false, MAPPING_CONTROLLER_GONE,
     MAPPING_CONTROLLER_GONE},
    {MAPPING(3, "modulus", NOW, 60), STATE_DISABLED, 0, false, MAPPING_CONTROLLER_DISABLED,
     MAPPING_CONTROLLER_DISABLED},
    {MAPPING(3, "modulus", NOW, 60), STATE_DRAINING, 0, false, MAPPING_LIVE, MAPPING_LIVE},
    {MAPPING(3, "modulus", NOW, 60), 0, STATE_DRAINING, false, MAPPING_LIVE, MAPPING_LIVE},
    {MAPPING(3, "modulus", NOW, 60), 0, STATE_DISABLED, false, MAPPING_NO_SERVER,
     MAPPING_NO_SERVER},
    {MAPPING(4, "modulus", NOW, 60), 0, 0, false, MAPPING_NO_SERVER, MAPPING_NO_SERVER},
    {MAPPING(3, "modulus", NOW, 60), 0, 0, true, MAPPING_SERVERS_DOWN, MAPPING_LIVE},
    {MAPPING(3, "modulus", NOW, 60), STATE_DRAINING, 0, true, MAPPING_SERVERS_DOWN, MAPPING_LIVE},
};

static void each_reason_not_to_bind_has_its_state(void)
{
    for (size_t i = 0; i < COUNT(judgements); i++) {
        struct scene scene;
        const struct virtual_server *server = NULL;
        scene_init(&scene, &three_sites);
        scene_controller(&scene, 3)->state = judgements[i].controller;
        scene_server(&scene, 13)->state = judgements[i].server;
        scene_set_server_down(&scene, 13, judgements[i].down);
        CHECK_INTEGER(judge(&scene, &judgements[i].mapping, true, &server), judgements[i].state,
                      "row %zu", i);
        CHECK_INTEGER(server != NULL, judgements[i].state == MAPPING_LIVE, "row %zu", i);
        server = NULL;
        CHECK_INTEGER(judge(&scene, &judgements[i].mapping, false, &server),
                      judgements[i].without_metrics, "row %zu without availability", i);
        CHECK_INTEGER(server ? server->id : 0,
                      judgements[i].without_metrics == MAPPING_LIVE ? 13 : 0,
                      "row %zu without availability", i);
        scene_release(&scene);
    }
}

/* Two servers of one site and one of another; of three in order client 1 gets 13, client 2 11. */
static const struct rows two_of_one = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"),
                                                   CONTROLLER(2, "lyon"),
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "198.51.100.1", NULL),
                                                   SERVER(12, 1, 1, 2, "198.51.100.2", NULL),
                                                   SERVER(13, 1, 2, 3, "198.51.100.3", NULL),
                                                   {.state = NULL}},
};

static void of_several_servers_of_a_site_the_choice_decides_then_modulus(void)
{
    static const struct {
        uint64_t client;
        enum state paris, lyon;
        bool lyon_down, down[2]; /* server 11, server 12 */
        int64_t server;          /* 0: none binds */
    } rows[] = {
        {2, STATE_ENABLED, STATE_ENABLED, false, {false, false}, 11},
        {2, STATE_ENABLED, STATE_ENABLED, false, {true, false}, 12},
        {1, STATE_ENABLED, STATE_ENABLED, false, {false, false}, 11},
        {1, STATE_ENABLED, STATE_ENABLED, false, {true, false}, 12},
        {2, STATE_DRAINING, STATE_ENABLED, false, {false, false}, 12},
        {2, STATE_DRAINING, STATE_ENABLED, true, {false, false}, 12},
        {2, STATE_DRAINING, STATE_DISABLED, false, {false, false}, 12},
        {2, STATE_DRAINING, STATE_DISABLED, false, {false, true}, 11},
        {2, STATE_DRAINING, STATE_DISABLED, false, {true, true}, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        const struct mapping mapping = MAPPING(1, "modulus", NOW, 60);
        const struct virtual_server *server = NULL;
        scene_init(&scene, &two_of_one);
        scene_controller(&scene, 1)->state = rows[i].paris;
        scene_controller(&scene, 2)->state = rows[i].lyon;
        scene_set_controller_down(&scene, 2, rows[i].lyon_down);
        scene_set_server_down(&scene, 11, rows[i].down[0]);
        scene_set_server_down(&scene, 12, rows[i].down[1]);
        judge_for(&scene, (struct number){0, rows[i].client}, &mapping, true, &server);
        CHECK_INTEGER(server ? server->id : 0, rows[i].server, "row %zu", i);
        scene_release(&scene);
    }
}

static const CU_TestInfo tests[] = {
    {"the time left is counted for any numbers", time_left_is_counted_for_any_numbers},
    {"the age is counted for any numbers", the_age_is_counted_for_any_numbers},
    {"a sliding mapping is due after a tenth of its ttl", a_mapping_is_due_after_a_tenth},
    {"states have words", states_have_words},
    {"each reason not to bind has its state", each_reason_not_to_bind_has_its_state},
    {"of several servers of a site the choice decides, then modulus",
     of_several_servers_of_a_site_the_choice_decides_then_modulus},
    CU_TEST_INFO_NULL,
};

const struct suite suite_mapping = {"mapping", tests};
