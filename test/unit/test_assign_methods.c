/*
 * What holds for every method of the registry, whichever it is: who may be chosen, what a mapping
 * keeps, what a chain does with methods that cannot decide.
 */
#include <stdio.h>
#include <string.h>

#include "core/balance/method.h"
#include "core/balance/topology.h"
#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define FIRST_SERVER 11
#define SERVERS 7
#define CONTROLLERS 5

/* Seven servers at four of five sites; paris has three of them and lyon two. */
static const struct rows sites = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"),
                                                   CONTROLLER(2, "lyon"),
                                                   CONTROLLER(3, "nice"),
                                                   CONTROLLER(4, "brest"),
                                                   CONTROLLER(5, "lille"),
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), POOL(2, "spare"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, 1, 2, 2, "192.0.2.2", NULL),
                                                   SERVER(13, 1, 1, 3, "192.0.2.3", NULL),
                                                   SERVER(14, 1, 3, 4, "192.0.2.4", NULL),
                                                   SERVER(15, 1, 4, 5, "192.0.2.5", NULL),
                                                   SERVER(16, 1, 2, 6, "192.0.2.6", NULL),
                                                   SERVER(17, 1, 1, 7, "192.0.2.7", NULL),
                                                   SERVER(21, 2, 5, 1, "192.0.2.9", NULL),
                                                   {.state = NULL}},
};

static struct scene scene;

/* One that is loaded and has no rows; made once. */
static const struct topology *empty_topology(void)
{
    static struct topology *topology;
    struct topology_builder *builder = NULL;
    if (!topology && CHECK_INTEGER(topology_builder_new(&builder), 0, "a topology"))
        CHECK_INTEGER(topology_builder_finish(builder, &topology), 0, "a topology");
    topology_builder_free(builder);
    return topology;
}

/* Without a trace, which these many questions would fill. */
static struct pool *begin(const struct method *method)
{
    scene_init(&scene, &sites);
    scene.inputs.trace = NULL;
    scene.inputs.topology = empty_topology();
    struct pool *pool = scene_pool(&scene, "web");
    pool->method = method;
    pool->metric = "cpu";
    return pool;
}

static void measure(uint64_t *seed)
{
    for (int64_t id = FIRST_SERVER; id < FIRST_SERVER + SERVERS; id++) {
        memory_metrics_put(&scene.measured, OF_SERVER, id, "rtt", (double)random_below(seed, 100),
                           0);
        memory_metrics_put(&scene.measured, OF_SERVER, id, "cpu", (double)random_below(seed, 100),
                           0);
    }
}

static enum state random_state(uint64_t *seed)
{
    size_t dice = random_below(seed, 6);
    return dice == 0 ? STATE_DISABLED : dice == 1 ? STATE_DRAINING : STATE_ENABLED;
}

static void shake(uint64_t *seed)
{
    for (int64_t id = FIRST_SERVER; id < FIRST_SERVER + SERVERS; id++) {
        scene_server(&scene, id)->state = random_state(seed);
        scene_server(&scene, id)->weight = (uint32_t)random_below(seed, 4);
        scene_set_server_down(&scene, id, random_below(seed, 3) == 0);
    }
    for (int64_t id = 1; id <= CONTROLLERS; id++) {
        scene_controller(&scene, id)->state =
            random_below(seed, 3) ? STATE_ENABLED : random_state(seed);
        scene_set_controller_down(&scene, id, random_below(seed, 6) == 0);
    }
}

static bool any_is_up_in(enum state state)
{
    for (int64_t id = FIRST_SERVER; id < FIRST_SERVER + SERVERS; id++)
        if (virtual_server_state(scene_server(&scene, id)) == state &&
            availability_server_up(scene.availability, scene_server(&scene, id)))
            return true;
    return false;
}

static bool may_be_chosen(const struct virtual_server *server)
{
    enum state state = any_is_up_in(STATE_ENABLED) ? STATE_ENABLED : STATE_DRAINING;
    return virtual_server_state(server) == state &&
           availability_server_up(scene.availability, server);
}

static bool anybody_may_be_chosen(void)
{
    return any_is_up_in(STATE_ENABLED) || any_is_up_in(STATE_DRAINING);
}

static int64_t ask(const char *remote)
{
    struct assignment assignment = scene_ask(&scene, "web", remote);
    return assignment.server ? assignment.server->id : 0;
}

/* The controller of the server that a client gets, 0 for none. */
static int64_t ask_site(const char *remote)
{
    struct assignment assignment = scene_ask(&scene, "web", remote);
    return assignment.server ? assignment.server->controller->id : 0;
}

static const char *client_text(size_t number, char text[static ADDRESS_TEXT_MAX])
{
    snprintf(text, ADDRESS_TEXT_MAX, "203.0.%zu.%zu", number / 250, number % 250 + 1);
    return text;
}

/* Who may be chosen, on so many random states of the pool. */
static void try_states(const struct method *method, const struct method *alternate, bool measured)
{
    uint64_t seed = 5;
    char client[ADDRESS_TEXT_MAX];
    struct pool *pool = begin(method);
    pool->alternate = alternate;
    for (size_t i = 0; i < 600; i++) {
        shake(&seed);
        if (measured)
            measure(&seed);
        pool->fallback = random_below(&seed, 2) ? FALLBACK_NONE : FALLBACK_ANY;
        pool->persistence_ttl_s = random_below(&seed, 2) ? 3600 : 0;
        scene.table.count = 0;
        struct assignment assignment = scene_ask(&scene, "web", client_text(i, client));
        if (!anybody_may_be_chosen())
            CHECK(pool->fallback == FALLBACK_ANY || !assignment.server, "%s, case %zu: fallback",
                  method->name, i);
        else if (pool->fallback == FALLBACK_ANY)
            CHECK(assignment.server && may_be_chosen(assignment.server), "%s, case %zu",
                  method->name, i);
        else
            CHECK(!assignment.server || may_be_chosen(assignment.server), "%s, case %zu",
                  method->name, i);
    }
    scene_release(&scene);
}

static void nobody_is_chosen_who_is_not_up(void)
{
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k <= count; k++)
            try_states(methods[i], k < count ? methods[k] : NULL, k % 2 == 0);
}

/* Everything that a method could go by changes, but nothing that ends a mapping. */
static void a_live_mapping_stays_whatever_the_method_says(void)
{
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        uint64_t seed = 9;
        char client[ADDRESS_TEXT_MAX];
        begin(methods[i]);
        measure(&seed);
        for (size_t n = 0; n < 100; n++) {
            scene.table.count = 0;
            int64_t first = ask(client_text(n, client));
            measure(&seed);
            scene.turns->pools[0].next += random_below(&seed, 100);
            size_t reads = scene.measured.reads;
            CHECK(first > 0, "%s", methods[i]->name);
            CHECK_INTEGER(ask(client), first, "%s, client %zu", methods[i]->name, n);
            scene.measured.code = ERR_IO;
            CHECK_INTEGER(ask(client), first, "%s, client %zu", methods[i]->name, n);
            scene.measured.code = 0;
            CHECK_INTEGER((int64_t)scene.measured.reads, (int64_t)reads,
                          "%s: a mapping that binds needs no metric", methods[i]->name);
        }
        scene_release(&scene);
    }
}

/* The row cannot be written, or the table not be read, or all are down: nothing is remembered. */
static void a_choice_that_is_not_remembered_is_repeated(void)
{
    static const struct {
        const char *what;
        int find_code, claim_code;
        bool down;
    } rows[] = {
        {"full", 0, ERR_FULL, false},
        {"locked", 0, ERR_BUSY, false},
        {"broken", ERR_IO, ERR_IO, false},
        {"all down", 0, 0, true},
    };
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count * COUNT(rows); i++) {
        const struct method *method = methods[i / COUNT(rows)];
        const char *what = rows[i % COUNT(rows)].what;
        uint64_t seed = 13;
        begin(method);
        measure(&seed);
        scene.table.find_code = rows[i % COUNT(rows)].find_code;
        scene.table.claim_code = rows[i % COUNT(rows)].claim_code;
        for (int64_t id = 1; id <= CONTROLLERS; id++)
            scene_set_controller_down(&scene, id, rows[i % COUNT(rows)].down);
        int64_t first = ask(SCENE_CLIENT);
        CHECK(first > 0, "%s, %s", method->name, what);
        for (int again = 0; again < 5; again++)
            CHECK_INTEGER(ask(SCENE_CLIENT), first, "%s, %s", method->name, what);
        scene_release(&scene);
    }
}

static void an_alternate_method_takes_no_turn_either_for_nothing(void)
{
    static const struct method *const alternates[] = {&method_round_robin, &method_rendezvous};
    for (size_t i = 0; i < COUNT(alternates); i++) {
        struct pool *pool = begin(&method_rtt);
        pool->alternate = alternates[i];
        scene.table.claim_code = ERR_FULL;
        int64_t first = ask(SCENE_CLIENT);
        for (int again = 0; again < 5; again++)
            CHECK_INTEGER(ask(SCENE_CLIENT), first, "again, %s", alternates[i]->name);
        scene.table.claim_code = 0;
        ask(SCENE_CLIENT);
        CHECK(memory_table_get(&scene.table, 1, SCENE_CLIENT) != NULL, "kept when it can be");
        scene_release(&scene);
    }
}

/* A rival's row counts, whatever was chosen here. */
static void a_row_that_was_written_first_counts(void)
{
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        begin(methods[i]);
        scene.table.rival = (struct mapping)MAPPING(4, "", SCENE_NOW_S, 3600);
        strcpy(scene.table.rival.method, methods[i]->name);
        scene.table.rivals = 1;
        CHECK_INTEGER(ask(SCENE_CLIENT), 15, "%s", methods[i]->name);
        scene_release(&scene);
    }
}

/* A choice that is not stored takes no turn, so that the turns that are taken share out evenly. */
static void a_choice_that_is_not_used_gives_its_turn_back(void)
{
    static const struct {
        const char *what, *row_method;
        size_t rivals;
        int claim_code;
        uint64_t taken;
    } rows[] = {{"claimed", "", 0, 0, 1},
                {"lost to a row that counts", "round-robin", 1, 0, 0},
                {"lost to a row that does not, then claimed", "another", 1, 0, 1},
                {"lost three times, then claimed", "another", 3, 0, 1},
                {"always lost", "another", SIZE_MAX, 0, 0},
                {"not stored", "", 0, ERR_FULL, 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin(&method_round_robin);
        scene.turns->pools[0].next = 100;
        scene.table.rival = (struct mapping)MAPPING(4, "", SCENE_NOW_S, 3600);
        strcpy(scene.table.rival.method, rows[i].row_method);
        scene.table.rivals = rows[i].rivals;
        scene.table.claim_code = rows[i].claim_code;
        CHECK(ask(SCENE_CLIENT) > 0, "%s", rows[i].what);
        CHECK_INTEGER((int64_t)scene.turns->pools[0].next, 100 + (int64_t)rows[i].taken, "%s",
                      rows[i].what);
        scene_release(&scene);
    }
}

static void a_mapping_carries_the_pools_method_whichever_decided(void)
{
    struct pool *pool = begin(&method_least);
    pool->alternate = &method_failover;
    CHECK_INTEGER(ask_site(SCENE_CLIENT), 1, "the alternate method decides");
    const struct mapping *mapping = memory_table_get(&scene.table, 1, SCENE_CLIENT);
    CHECK_TEXT(mapping ? mapping->method : NULL, "least", "the pool's method");
    CHECK_TEXT(buffer_text(&scene.warned), "pool web: no server has a metric cpu newer than 60 s\n",
               "the operator is told");
    memory_metrics_put(&scene.measured, OF_SERVER, 14, "cpu", 1, 0);
    CHECK_INTEGER(ask_site(SCENE_CLIENT), 1, "when the metric is back nobody moves");
    CHECK_INTEGER(ask("192.0.2.11"), 14, "a new client goes by it");
    pool->method = &method_rtt;
    memory_metrics_put(&scene.measured, OF_SERVER, 15, "rtt", 1, 0);
    CHECK_INTEGER(ask(SCENE_CLIENT), 15, "another method lets everybody go");
    scene_release(&scene);
}

/* What is answered meanwhile would send the client to a wrong site for days. */
static void while_the_topology_is_not_loaded_no_mapping_is_made(void)
{
    for (int as_alternate = 0; as_alternate < 2; as_alternate++) {
        struct pool *pool = begin(as_alternate ? &method_least : &method_topology);
        pool->alternate = as_alternate ? &method_topology : &method_round_robin;
        scene.inputs.topology = NULL;
        int64_t first = ask(SCENE_CLIENT);
        CHECK(first > 0, "there is an answer");
        CHECK_INTEGER(ask(SCENE_CLIENT), first, "the same again");
        CHECK(!memory_table_get(&scene.table, 1, SCENE_CLIENT), "none is made");
        scene.inputs.topology = empty_topology();
        ask(SCENE_CLIENT);
        CHECK(memory_table_get(&scene.table, 1, SCENE_CLIENT), "one is made");
        scene_release(&scene);
    }
}

static void the_next_in_the_chain_is_asked(void)
{
    static const struct {
        const struct method *method, *alternate;
        enum fallback fallback;
        bool has_fallback_pool;
        int64_t site; /* 0: none */
        bool failed;
    } rows[] = {
        {&method_rtt, &method_failover, FALLBACK_ANY, false, 1, false},
        {&method_rtt, &method_failover, FALLBACK_NONE, false, 1, false},
        {&method_rtt, &method_failover, FALLBACK_NONE, true, 1, false},
        {&method_failover, &method_rtt, FALLBACK_NONE, true, 1, false},
        {&method_rtt, &method_least, FALLBACK_ANY, false, 4, false}, /* modulus: 10 leaves 3 */
        {&method_rtt, NULL, FALLBACK_ANY, false, 4, false},
        {&method_rtt, &method_least, FALLBACK_ANY, true, 5, false},
        {&method_rtt, NULL, FALLBACK_NONE, true, 5, false},
        {&method_rtt, NULL, FALLBACK_NONE, false, 0, false},
        {&method_rtt, &method_least, FALLBACK_SERVFAIL, false, 0, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool *pool = begin(rows[i].method);
        pool->alternate = rows[i].alternate;
        pool->fallback = rows[i].fallback;
        pool->fallback_pool = rows[i].has_fallback_pool ? scene_pool(&scene, "spare") : NULL;
        struct assignment assignment = scene_ask(&scene, "web", "0.0.0.10");
        CHECK_INTEGER(assignment.server ? assignment.server->controller->id : 0, rows[i].site,
                      "row %zu", i);
        CHECK_INTEGER(assignment.failed, rows[i].failed, "row %zu", i);
        scene_release(&scene);
    }
}

/* Who moves when one server goes down, and who when it returns. */
static void methods_by_client_move_only_those_who_must(void)
{
    enum { CLIENTS = 1000 };
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        int64_t before[CLIENTS];
        char client[ADDRESS_TEXT_MAX];
        if (!methods[i]->by_client)
            continue;
        begin(methods[i])->persistence_ttl_s = 0;
        for (size_t n = 0; n < CLIENTS; n++)
            before[n] = ask(client_text(n, client));
        for (int64_t down = FIRST_SERVER; down < FIRST_SERVER + SERVERS; down++) {
            scene_set_server_down(&scene, down, true);
            for (size_t n = 0; n < CLIENTS; n++) {
                int64_t now = ask(client_text(n, client));
                CHECK(now != down && (before[n] == down || now == before[n]), "%s, client %zu",
                      methods[i]->name, n);
            }
            scene_set_server_down(&scene, down, false);
        }
        for (size_t n = 0; n < CLIENTS; n++)
            CHECK_INTEGER(ask(client_text(n, client)), before[n], "%s, client %zu",
                          methods[i]->name, n);
        scene_release(&scene);
    }
}

static void without_mappings_turns_are_taken_with_each_question(void)
{
    int64_t asked[FIRST_SERVER + SERVERS] = {0};
    struct pool *pool = begin(&method_round_robin);
    pool->persistence_ttl_s = 0;
    scene_server(&scene, 12)->state = STATE_DISABLED; /* so that lyon has one server, like nice */
    for (int i = 0; i < 60; i++)
        asked[ask(SCENE_CLIENT)]++;
    CHECK_INTEGER(asked[14], 10, "nice");
    CHECK_INTEGER(asked[15], 10, "brest");
    CHECK_INTEGER(asked[16], 10, "lyon");
    CHECK_INTEGER(asked[11] + asked[13] + asked[17], 30, "paris");
    scene_release(&scene);
}

/* A method that does not go by the client chooses paris; which of its servers is the client's. */
static void of_several_servers_of_a_site_the_client_keeps_one(void)
{
    static const struct {
        enum state states[3]; /* of 11, 13 and 17 */
        bool down[3];
        const char *servers; /* last digits of those that clients of paris get */
    } rows[] = {
        {{STATE_ENABLED, STATE_ENABLED, STATE_ENABLED}, {false, false, false}, "137"},
        {{STATE_ENABLED, STATE_ENABLED, STATE_ENABLED}, {false, true, false}, "17"},
        {{STATE_ENABLED, STATE_DRAINING, STATE_ENABLED}, {false, false, false}, "17"},
        {{STATE_ENABLED, STATE_DRAINING, STATE_DISABLED}, {true, false, false}, "3"},
        {{STATE_DRAINING, STATE_DRAINING, STATE_DRAINING}, {false, false, true}, "13"},
        {{STATE_DISABLED, STATE_DISABLED, STATE_ENABLED}, {false, false, false}, "7"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        static const int64_t ids[] = {11, 13, 17};
        bool met[10] = {false};
        char text[11] = "", client[ADDRESS_TEXT_MAX];
        size_t length = 0;
        begin(&method_rtt);
        for (size_t k = 0; k < COUNT(ids); k++) {
            scene_server(&scene, ids[k])->state = rows[i].states[k];
            scene_set_server_down(&scene, ids[k], rows[i].down[k]);
        }
        for (size_t n = 0; n < 60; n++) {
            const struct mapping mapping = MAPPING(1, "rtt", SCENE_NOW_S, 3600);
            scene.table.count = 0;
            memory_table_put(&scene.table, 1, client_text(n, client), &mapping);
            met[ask(client) % 10] = true;
        }
        for (int digit = 0; digit < 10; digit++)
            if (met[digit])
                text[length++] = (char)('0' + digit);
        CHECK_TEXT(text, rows[i].servers, "row %zu", i);
        scene_release(&scene);
    }
}

static const CU_TestInfo tests[] = {
    {"nobody is chosen who is not up, or drains beside others", nobody_is_chosen_who_is_not_up},
    {"a live mapping stays whatever the method says",
     a_live_mapping_stays_whatever_the_method_says},
    {"a choice that is not remembered is repeated", a_choice_that_is_not_remembered_is_repeated},
    {"an alternate method takes no turn either for nothing",
     an_alternate_method_takes_no_turn_either_for_nothing},
    {"a row that was written first counts", a_row_that_was_written_first_counts},
    {"a mapping carries the pool's method, whichever decided",
     a_mapping_carries_the_pools_method_whichever_decided},
    {"while the topology is not loaded no mapping is made",
     while_the_topology_is_not_loaded_no_mapping_is_made},
    {"the next in the chain is asked", the_next_in_the_chain_is_asked},
    {"methods by client move only those who must", methods_by_client_move_only_those_who_must},
    {"a choice that is not used gives its turn back",
     a_choice_that_is_not_used_gives_its_turn_back},
    {"without mappings turns are taken with each question",
     without_mappings_turns_are_taken_with_each_question},
    {"of several servers of a site the client keeps one",
     of_several_servers_of_a_site_the_client_keeps_one},
    CU_TEST_INFO_NULL,
};

const struct suite suite_assign_methods = {"assign_methods", tests};
