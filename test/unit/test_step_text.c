/*
 * That every step which a decision records has a sentence with all of its values, and how sentences
 * are written.
 */
#include "program/command/step_text.h"

#include <string.h>

#include "core/balance/choose.h"
#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define WEB 1
#define API 2

/* Paris has two servers in pool web, which falls back to pool api. */
static const struct rows two_pools = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"),
                                                   CONTROLLER(2, "lyon"),
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(WEB, "web"), POOL(API, "api"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, WEB, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, WEB, 2, 2, "192.0.2.2", NULL),
                                                   SERVER(13, WEB, 1, 3, "192.0.2.3", NULL),
                                                   SERVER(21, API, 1, 1, "192.0.2.4", NULL),
                                                   SERVER(22, API, 2, 2, "192.0.2.5", NULL),
                                                   {.state = NULL}},
};

static struct scene scene;

static void by_method(const struct method *method)
{
    scene_pool(&scene, "web")->method = method;
}

static void all_down(void)
{
    for (int64_t id = 1; id <= 2; id++)
        scene_set_controller_down(&scene, id, true);
}

static void as_it_is(void)
{
}

static void with_an_alternate_method(void)
{
    scene_pool(&scene, "web")->alternate = &method_failover;
}

static void with_the_mappings_of_another_pool(void)
{
    scene_pool(&scene, "web")->persistence_pool = scene_pool(&scene, "api");
}

static void without_persistence(void)
{
    scene_pool(&scene, "web")->persistence_ttl_s = 0;
}

static void with_a_mapping(void)
{
    scene_put_mapping(&scene, WEB, 1, 100);
}

/* As if they were rows. */
static void add_pin(const struct pin *pin)
{
    for (size_t i = 0; i < scene.snapshot->pool_count; i++)
        scene.snapshot->pools[i].has_pins = true;
    CHECK(pins_add(&scene.snapshot->pins, pin) == 0 && pins_seal(&scene.snapshot->pins) == 0,
          "a pin");
}

static void with_a_pin(void)
{
    add_pin(&(struct pin){.id = 7,
                          .network = network_of("192.0.2.0/24"),
                          .pool = scene_pool(&scene, "web"),
                          .controller = scene_controller(&scene, 2),
                          .until_s = SCENE_NOW_S + 60,
                          .comment = "ticket 4711"});
}

static void with_a_pin_of_all_pools(void)
{
    add_pin(&(struct pin){.id = 8,
                          .network = network_of("192.0.2.10"),
                          .controller = scene_controller(&scene, 2),
                          .until_s = PIN_WITHOUT_END});
}

static void with_a_pin_that_does_not_hold(void)
{
    with_a_pin();
    scene_set_controller_down(&scene, 2, true);
}

static void with_a_mapping_to_nowhere(void)
{
    scene_put_mapping(&scene, WEB, 99, 100);
}

static void with_an_unreadable_table(void)
{
    scene.table.find_code = ERR_IO;
}

static void with_a_rival(void)
{
    scene.table.rival = (struct mapping)MAPPING(1, "modulus", SCENE_NOW_S, 3600);
    scene.table.rivals = 1;
}

static void with_a_fallback_pool(void)
{
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "api");
    for (int64_t id = 11; id <= 13; id++)
        scene_set_server_down(&scene, id, true);
}

/* Both pools share mappings, and only the second decides where the first has no metric. */
static void with_a_fallback_that_shares(void)
{
    with_a_fallback_pool();
    for (int64_t id = 11; id <= 13; id++)
        scene_set_server_down(&scene, id, false);
    by_method(&method_rtt);
    scene_pool(&scene, "api")->persistence_pool = scene_pool(&scene, "web");
    scene_pool(&scene, "api")->method = &method_failover;
}

static void with_a_fallback_that_shares_and_drains(void)
{
    with_a_fallback_that_shares();
    scene_server(&scene, 12)->state = STATE_DRAINING;
}

static void with_a_mapping_that_only_another_pool_can_use(void)
{
    with_the_mappings_of_another_pool();
    scene_put_mapping(&scene, API, 1, 100);
    for (int64_t id = 11; id <= 13; id++)
        scene_server(&scene, id)->controller = scene_controller(&scene, 2);
}

static void with_only_a_draining_one_up(void)
{
    scene_server(&scene, 11)->state = STATE_DRAINING;
    scene_set_server_down(&scene, 12, true);
    scene_set_server_down(&scene, 13, true);
}

static void with_families_apart(void)
{
    by_method(&method_failover);
    scene_server(&scene, 13)->ipv4 = NULL;
    scene_server(&scene, 13)->ipv6 = "2001:db8::3";
}

static void by_failover(void)
{
    by_method(&method_failover);
}

static void by_failover_past_a_down_server(void)
{
    by_method(&method_failover);
    scene_set_server_down(&scene, 11, true);
}

/* A mapping to lyon, where failover alone would choose paris. */
static void by_failover_with_a_mapping(void)
{
    const struct mapping mapping = MAPPING(1, "failover", SCENE_NOW_S, 3600);
    by_method(&method_failover);
    scene_server(&scene, 11)->state = STATE_DRAINING;
    scene_server(&scene, 13)->state = STATE_DRAINING;
    memory_table_put(&scene.table, WEB, SCENE_CLIENT, &mapping);
}

static void past_a_down_server(void)
{
    scene_set_server_down(&scene, 13, true);
    scene_set_server_down(&scene, 12, true);
}

static void by_turns(void)
{
    by_method(&method_round_robin);
}

static void by_turns_that_cannot_be_kept(void)
{
    by_method(&method_round_robin);
    scene.table.claim_code = ERR_FULL;
}

static void by_ratio(void)
{
    by_method(&method_ratio);
    scene_server(&scene, 12)->weight = 3;
}

static void without_weights(void)
{
    for (int64_t id = 11; id <= 13; id++)
        scene_server(&scene, id)->weight = 0;
}

static void by_ratio_without_weights(void)
{
    by_method(&method_ratio);
    without_weights();
}

static void by_rendezvous(void)
{
    by_method(&method_rendezvous);
}

static void by_rendezvous_without_weights(void)
{
    by_method(&method_rendezvous);
    without_weights();
}

static void by_metric(void)
{
    by_method(&method_least);
    scene_pool(&scene, "web")->metric = "cpu";
    memory_metrics_put(&scene.measured, OF_SERVER, 11, "cpu", 12.5, 7);
    memory_metrics_put(&scene.measured, OF_CONTROLLER, 2, "cpu", 20, 8000);
}

static void by_old_metric(void)
{
    by_metric();
    scene.measured.count = 0;
}

static void by_unreadable_metric(void)
{
    by_metric();
    scene.measured.code = ERR_IO;
}

static void by_no_metric(void)
{
    by_method(&method_least);
}

static void by_no_topology(void)
{
    by_method(&method_topology);
}

/* A mapping to lyon, whose home is paris; web was made to let clients return. */
static void with_a_home(void)
{
    scene_put_mapping(&scene, WEB, 2, 100);
    memory_table_get(&scene.table, WEB, SCENE_CLIENT)->home_id = 1;
    scene_pool(&scene, "web")->failback = FAILBACK_RETURN;
}

/* Both of its servers. */
static void note_paris(int64_t up_since_s, int64_t held_since_s)
{
    const struct site_history history = {up_since_s, held_since_s};
    for (int64_t id = 11; id <= 13; id += 2)
        if (availability_set_site(scene.availability, scene_server(&scene, id), &history) != 0)
            CHECK(false, "no memory");
}

static void with_a_home_that_nobody_goes_back_to(void)
{
    with_a_home();
    scene_pool(&scene, "web")->failback = FAILBACK_STAY;
}

static void with_a_home_in_its_delay(void)
{
    with_a_home();
    scene_pool(&scene, "web")->failback = FAILBACK_DELAYED;
    note_paris(SCENE_NOW_S - 20, 0);
}

static void with_a_home_that_was_left_since(void)
{
    with_a_home();
    memory_table_get(&scene.table, WEB, SCENE_CLIENT)->decided = INT64_MAX;
}

static void with_a_home_that_is_gone(void)
{
    with_a_home();
    memory_table_get(&scene.table, WEB, SCENE_CLIENT)->home_id = 99;
}

static void with_a_home_that_is_disabled(void)
{
    with_a_home();
    scene_controller(&scene, 1)->state = STATE_DISABLED;
}

static void with_a_home_that_drains(void)
{
    with_a_home();
    scene_controller(&scene, 1)->state = STATE_DRAINING;
}

static void with_a_home_that_is_down(void)
{
    with_a_home();
    scene_set_controller_down(&scene, 1, true);
}

static void with_a_home_that_is_held(void)
{
    with_a_home();
    note_paris(SCENE_NOW_S, SCENE_NOW_S);
}

static void by_failover_past_a_held_server(void)
{
    by_method(&method_failover);
    note_paris(SCENE_NOW_S, SCENE_NOW_S);
}

static void past_a_held_server(void)
{
    note_paris(SCENE_NOW_S, SCENE_NOW_S);
    scene_set_server_down(&scene, 12, true);
}

static void every_step_of_a_decision_has_its_sentence(void)
{
    static const struct {
        void (*prepare)(void);
        const char *sentence;
    } rows[] = {
        {as_it_is, "pool web, method modulus\n"},
        {with_an_alternate_method, "pool web, method modulus, alternate failover\n"},
        {with_the_mappings_of_another_pool, "pool web, method modulus, mappings of pool api\n"},
        {as_it_is, "key 192.0.2.10, first value 3221225994\n"},
        {without_persistence,
         "key 192.0.2.10, first value 3221225994, the pool keeps no mappings\n"},
        {as_it_is, "mapping: none\n"},
        {with_a_mapping, "mapping: to paris, method modulus, 100 s old, 3500 s left\n"},
        {with_a_mapping, "the mapping is live\n"},
        {with_a_mapping_to_nowhere,
         "mapping: to a controller that is gone, method modulus, 100 s old, 3500 s left\n"},
        {with_a_mapping_to_nowhere, "the mapping is not live: controller gone\n"},
        {with_an_unreadable_table, "mapping: the table: input/output error\n"},
        {with_a_home,
         "home is paris, which is up: with failback return, the resolver goes back there\n"},
        {with_a_home_that_nobody_goes_back_to,
         "home is paris, which is up: with failback stay, nobody goes back\n"},
        {with_a_home_in_its_delay,
         "home is paris, which has been up for 20 s: nobody goes back before 300 s\n"},
        {with_a_home_that_was_left_since,
         "home is paris, which is up here since before the last decision: a name server that finds "
         "it down may have made that, so the resolver stays\n"},
        {with_a_home_that_is_gone, "home is a controller that is gone: it counts as none\n"},
        {with_a_home_that_is_disabled,
         "home is paris, which is disabled or has no server in pool web: it counts as none\n"},
        {with_a_home_that_drains, "home is paris, which is draining: nobody goes back\n"},
        {with_a_home_that_is_down, "home is paris, which is down in pool web\n"},
        {with_a_home_that_is_held,
         "home is paris, which is up, but held in pool web until it is resumed\n"},
        {by_failover_past_a_held_server, "paris, position 1: up, but held until it is resumed\n"},
        {past_a_held_server, "server 2 is paris, position 3: up, but held until it is resumed\n"},
        {with_a_rival, "another process made this mapping first\n"},
        {with_a_fallback_pool, "fallback: pool api\n"},
        {all_down, "fallback: any\n"},
        {all_down, "no server is left\n"},
        {with_a_pin, "pin 7: 192.0.2.0/24 to lyon in pool web, 60 s left: ticket 4711\n"},
        {with_a_pin, "the pin holds: no mapping is read or written\n"},
        {with_a_pin_of_all_pools, "pin 8: 192.0.2.10 to lyon in all pools\n"},
        {with_a_pin_that_does_not_hold, "the pin does not hold: server down\n"},
        {with_a_fallback_that_shares,
         "the mapping is live in pool web, with the server at position 3\n"},
        {with_a_fallback_that_shares_and_drains,
         "pool web shares the mappings and has a draining server: no mapping is made\n"},
        {with_a_mapping_that_only_another_pool_can_use,
         "the mapping is live in pool api, and is left as it is\n"},
        {with_only_a_draining_one_up, "no enabled server is up; among the draining ones:\n"},
        {with_families_apart, "for AAAA, among the other servers of paris:\n"},
        {as_it_is, "N = 3: 3221225994 mod 3 leaves 0, second value 1, server 2\n"},
        {as_it_is, "server 2 is lyon, position 2: up, taken\n"},
        {past_a_down_server, "server 2 is lyon, position 2: down, struck from the list\n"},
        {by_failover, "failover: the first of 3, at position 1\n"},
        {by_failover_past_a_down_server, "paris, position 1: down, left out\n"},
        {by_failover_with_a_mapping, "this is not a server of paris; among its own servers:\n"},
        {by_turns, "round-robin: turn 0 mod 3 leaves 0, server 1\n"},
        {by_turns, "among the servers of paris:\n"},
        {by_turns_that_cannot_be_kept, "no turn is taken, because the choice cannot be stored\n"},
        {by_ratio, "ratio: turn 0 is number 1 of 5 in a round, server 2\n"},
        {by_ratio_without_weights, "no server has a weight above 0\n"},
        {by_rendezvous, "server 1, paris: weight 1, score "},
        {by_rendezvous_without_weights, "no server has a weight above 0\n"},
        {by_metric, "paris, position 1: cpu of the server 12.5, 7 s old\n"},
        {by_metric, "lyon, position 2: cpu of the controller 20, 8000 s old, not trusted\n"},
        {by_metric, "lyon, position 2: no usable cpu\n"},
        {by_metric, "lowest cpu 12.5, values up to 15 count as equal\n"},
        {by_old_metric, "no server has a metric cpu newer than 60 s\n"},
        {by_old_metric, "method least cannot decide\n"},
        {by_old_metric, "next in the chain: method modulus\n"},
        {by_unreadable_metric,
         "paris, position 1: cpu of the server cannot be read: input/output error\n"},
        {by_no_metric, "the pool names no metric\n"},
        {by_no_topology, "topology: not loaded\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        scene_init(&scene, &two_pools);
        rows[i].prepare();
        scene_ask_client(&scene, "web");
        const char *told = scene_told(&scene);
        CHECK(strstr(told, rows[i].sentence) != NULL, "row %zu: %s not in:\n%s", i,
              rows[i].sentence, told);
        scene_release(&scene);
    }
}

static void sentences_leave_out_what_was_not_recorded(void)
{
    struct buffer text = {0};
    struct trace trace = {.steps = NULL};
    TRACE(&trace, .what = STEP_LOCATION,
          .values = {TRACE_TEXT("country", "NL"), TRACE_INTEGER("asn", 64500)});
    TRACE(&trace, .what = STEP_LOCATION, .values = {TRACE_TEXT("continent", "EU")});
    TRACE(&trace, .what = STEP_RENDEZVOUS,
          .values = {TRACE_INTEGER("server", 1), TRACE_TEXT("controller", "paris"),
                     TRACE_INTEGER("weight", 1), TRACE_REAL("score", 2.0 / 3)});
    CHECK_TEXT(steps_text(&trace, &text),
               "location: country NL, continent not known, AS64500\n"
               "location: country not known, continent EU, AS not known\n"
               "server 1, paris: weight 1, score 0.667\n",
               "alternatives and decimals");
    trace_release(&trace);
    buffer_release(&text);
}

static void a_step_without_a_sentence_is_told_by_its_values(void)
{
    struct buffer text = {0};
    struct trace trace = {.steps = NULL};
    TRACE(&trace, .what = STEP_CLAIM);
    TRACE(&trace, .what = STEP_CLAIM, .outcome = OUTCOME_FOUND,
          .values = {TRACE_TEXT("pool", "web"), TRACE_REAL("share", 0.5), TRACE_INTEGER("n", 3)});
    CHECK_TEXT(steps_text(&trace, &text), "claim\nclaim: pool web, share 0.5, n 3: found\n",
               "without and with values");
    trace_release(&trace);
    buffer_release(&text);
}

static void lines_are_indented_and_missing_steps_are_told_of(void)
{
    struct buffer text = {0};
    struct trace trace = {.incomplete = true};
    TRACE(&trace, .what = STEP_CLIENT, .outcome = OUTCOME_NO_CLIENT);
    step_text_print(&trace, "  ", &text);
    CHECK_TEXT(buffer_text(&text),
               "  no client: no mapping is read or written\n  out of memory: steps are missing\n",
               "two lines");
    trace_release(&trace);
    buffer_release(&text);
}

static const CU_TestInfo tests[] = {
    {"every step of a decision has its sentence", every_step_of_a_decision_has_its_sentence},
    {"sentences leave out what was not recorded", sentences_leave_out_what_was_not_recorded},
    {"a step without a sentence is told by its values",
     a_step_without_a_sentence_is_told_by_its_values},
    {"lines are indented, and missing steps are told of",
     lines_are_indented_and_missing_steps_are_told_of},
    CU_TEST_INFO_NULL,
};

const struct suite suite_step_text = {"step_text", tests};
