/*
 * What a pin does to a decision, and what it leaves alone: the mapping of the client, all other
 * clients, and caches.
 */
#include <stdio.h>
#include <string.h>

#include "core/base/error.h"
#include "core/sticky/assign.h"
#include "fixture.h"
#include "suites.h"

#define NOW SCENE_NOW_S
#define WEB 1
#define SPARE 2

#define CLIENT SCENE_CLIENT
#define CHOICE SCENE_CHOICE
#define OTHER "192.0.3.11"

/* The sites with these pins. */
static void scene_with(struct scene *scene, const struct pin_row *pins)
{
    struct rows rows = three_sites;
    rows.groups = (const struct group_row[]){{"10.1.0.0/16", "office"}, {.cidr = NULL}};
    rows.pins = pins;
    scene_init(scene, &rows);
    CHECK_INTEGER((int64_t)scene->snapshot->problems.count, 0, "pins that can be used");
}

/* To nice, which the method would not choose. */
static const struct pin_row to_nice[] = {
    {1, "192.0.2.0/24", NULL, true, WEB, 3, true, NOW + 100, "why"}, {.controller_id = 0}};

static int64_t ask(struct scene *scene, const char *pool, const char *remote, const char *subnet,
                   unsigned *ret_scope)
{
    struct assignment assignment;
    struct source source = source_of(remote, subnet);
    assign(&scene->inputs, scene_pool(scene, pool), &source, &assignment);
    if (ret_scope)
        *ret_scope = assignment.scope_bits;
    return assignment.server ? assignment.server->id : 0;
}

static void a_pin_comes_before_mapping_and_method(void)
{
    struct scene scene;
    scene_with(&scene, to_nice);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "without a mapping");
    scene_put_mapping(&scene, WEB, 1, 100);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "with one");
    CHECK_INTEGER((int64_t)(scene.table.finds + scene.table.claims), 0, "none is looked at");
    scene_check_row(&scene, WEB, CLIENT, 1, NOW - 100, "the row is as it was");
    CHECK_INTEGER(ask(&scene, "web", OTHER, NULL, NULL), ask(&scene, "web", OTHER, NULL, NULL),
                  "another client");
    CHECK(scene.table.finds > 0, "which has a mapping");
    scene_release(&scene);
}

/* The site goes down and returns: the client leaves and returns, and is like others meanwhile. */
static void while_its_site_is_down_the_client_is_like_others(void)
{
    struct scene scene;
    scene_with(&scene, to_nice);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "up");
    scene_set_server_down(&scene, 13, true);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "down: the method chooses");
    scene_check_row(&scene, WEB, CLIENT, 2, NOW, "and it is remembered");
    scene.inputs.now_s = NOW + 50;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "by the mapping");
    size_t finds = scene.table.finds;
    scene_set_server_down(&scene, 13, false);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "up again");
    CHECK_INTEGER((int64_t)scene.table.finds, (int64_t)finds, "the mapping is not looked at");
    scene_check_row(&scene, WEB, CLIENT, 2, NOW, "nor touched");
    scene.inputs.now_s = NOW + 100;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "the pin is over: by the mapping");
    scene_release(&scene);
}

static void where_a_pin_holds(void)
{
    static const struct {
        const char *what;
        enum state controller, server;
        bool controller_down, server_down;
        bool holds;
        const char *told;
    } rows[] = {
        {"enabled", STATE_ENABLED, STATE_ENABLED, false, false, true,
         "the pin holds: no mapping is read or written\n"},
        {"the site drains", STATE_DRAINING, STATE_ENABLED, false, false, true, "the pin holds"},
        {"the server drains", STATE_ENABLED, STATE_DRAINING, false, false, true, "the pin holds"},
        {"the site is disabled", STATE_DISABLED, STATE_ENABLED, false, false, false,
         "the pin does not hold: controller disabled\n"},
        {"the server is disabled", STATE_ENABLED, STATE_DISABLED, false, false, false,
         "the pin does not hold: no enabled server of the controller in the pool\n"},
        {"the site is down", STATE_ENABLED, STATE_ENABLED, true, false, false,
         "the pin does not hold: server down\n"},
        {"the server is down", STATE_ENABLED, STATE_ENABLED, false, true, false,
         "the pin does not hold: server down\n"},
        {"it drains and is down", STATE_DRAINING, STATE_ENABLED, false, true, false,
         "the pin does not hold: server down\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        for (uint32_t persistence_s = 0; persistence_s <= 3600; persistence_s += 3600) {
            struct scene scene;
            scene_with(&scene, to_nice);
            scene_pool(&scene, "web")->persistence_ttl_s = persistence_s;
            scene_controller(&scene, 3)->state = rows[i].controller;
            scene_server(&scene, 13)->state = rows[i].server;
            scene_set_controller_down(&scene, 3, rows[i].controller_down);
            scene_set_server_down(&scene, 13, rows[i].server_down);
            int64_t given = scene_ask_client(&scene, "web");
            CHECK_INTEGER(given == 13, rows[i].holds, "%s", rows[i].what);
            CHECK_INTEGER((int64_t)scene.table.writes, !rows[i].holds && persistence_s > 0, "%s",
                          rows[i].what);
            CHECK(strstr(scene_told(&scene), rows[i].told), "%s: %s", rows[i].what,
                  scene_told(&scene));
            CHECK(strstr(scene_told(&scene),
                         "pin 1: 192.0.2.0/24 to nice in pool web, 100 s left: why\n"),
                  "%s: %s", rows[i].what, scene_told(&scene));
            scene_release(&scene);
        }
}

static void a_sliding_mapping_is_not_extended(void)
{
    struct scene scene;
    scene_with(&scene, to_nice);
    scene_pool(&scene, "web")->timer = TIMER_SLIDING;
    scene_put_mapping(&scene, WEB, 3, 3000);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "pinned to where it is mapped to");
    scene_check_row(&scene, WEB, CLIENT, 3, NOW - 3000, "the row is as it was");
    scene_release(&scene);
}

static void what_the_table_does_is_no_matter(void)
{
    struct scene scene;
    scene_with(&scene, to_nice);
    scene.table.find_code = ERR_IO;
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "the table is lost");
    scene_check_warned(&scene, 0, "which is not noticed");
    scene_release(&scene);
}

static void pins_count_in_each_pool_of_the_chain(void)
{
    static const struct pin_row pins[] = {PIN(1, "192.0.2.0/24", NULL, WEB, 3),
                                          PIN(2, "192.0.3.0/24", NULL, SPARE, 4),
                                          {.controller_id = 0}};
    struct scene scene;
    scene_with(&scene, pins);
    struct pool *web = scene_pool(&scene, "web"), *spare = scene_pool(&scene, "spare");
    web->fallback_pool = spare;
    spare->fallback = FALLBACK_NONE;
    CHECK_INTEGER(ask(&scene, "web", OTHER, NULL, NULL) < 20, 1, "not before it is its turn");
    scene_check_row(&scene, SPARE, OTHER, 0, 0, "no row of spare");
    scene_set_web_down(&scene, true);
    CHECK_INTEGER(ask(&scene, "web", OTHER, NULL, NULL), 21, "all are down: by the pin of spare");
    scene_check_row(&scene, SPARE, OTHER, 0, 0, "which makes no mapping");
    CHECK_INTEGER(ask(&scene, "web", CLIENT, NULL, NULL), 21, "not pinned there");
    scene_check_row(&scene, SPARE, CLIENT, 4, NOW, "so it has a mapping");
    scene_set_controller_down(&scene, 4, true);
    CHECK_INTEGER(ask(&scene, "web", CLIENT, NULL, NULL), 0, "all of them, none");
    spare->fallback = FALLBACK_ANY;
    CHECK_INTEGER(ask(&scene, "web", OTHER, NULL, NULL), 21, "all of them, any");
    web->fallback_pool = NULL;
    CHECK_INTEGER(ask(&scene, "web", CLIENT, NULL, NULL), CHOICE,
                  "all are down and count as up: like any other");
    scene_release(&scene);
}

static void pins_are_those_of_the_pool_that_is_asked(void)
{
    static const struct pin_row pins[] = {PIN(1, "192.0.2.0/24", NULL, WEB, 3),
                                          {.controller_id = 0}};
    static const struct virtual_server_row servers[] = {SERVER(11, WEB, 1, 1, "192.0.2.1", NULL),
                                                        SERVER(12, WEB, 2, 2, "192.0.2.2", NULL),
                                                        SERVER(13, WEB, 3, 3, "192.0.2.3", NULL),
                                                        SERVER(21, SPARE, 1, 1, "192.0.2.4", NULL),
                                                        SERVER(22, SPARE, 2, 2, "192.0.2.5", NULL),
                                                        SERVER(23, SPARE, 3, 3, "192.0.2.6", NULL),
                                                        {.state = NULL}};
    struct rows rows = three_sites;
    struct scene scene;
    rows.servers = servers;
    rows.pins = pins;
    scene_init(&scene, &rows);
    scene_pool(&scene, "spare")->persistence_pool = scene_pool(&scene, "web");
    scene_put_mapping(&scene, WEB, 1, 100);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "pinned in web");
    CHECK_INTEGER(scene_ask_client(&scene, "spare"), 21,
                  "by the mapping in the pool that shares it");
    scene_pool(&scene, "web")->persistence_pool = scene_pool(&scene, "spare");
    scene_pool(&scene, "spare")->persistence_pool = scene_pool(&scene, "spare");
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "whoever keeps the mappings");
    scene_release(&scene);
}

static void of_several_servers_the_client_keeps_one(void)
{
    static const struct pin_row pins[] = {PIN(1, NULL, "office", 0, 1), {.controller_id = 0}};
    size_t count;
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct scene scene;
        scene_with(&scene, pins);
        scene_pool(&scene, "web")->method = methods[i];
        scene_server(&scene, 12)->controller = scene_controller(&scene, 1);
        int64_t first = ask(&scene, "web", "10.1.2.3", NULL, NULL);
        CHECK(first == 11 || first == 12, "%s: %d", methods[i]->name, (int)first);
        for (int again = 0; again < 3; again++)
            CHECK_INTEGER(ask(&scene, "web", "10.1.77.7", NULL, NULL), first,
                          "%s: the group is one client", methods[i]->name);
        scene_set_server_down(&scene, first, true);
        CHECK_INTEGER(ask(&scene, "web", "10.1.2.3", NULL, NULL), 23 - first, "%s: the other one",
                      methods[i]->name);
        scene_release(&scene);
    }
}

static void a_site_without_a_family_gives_none(void)
{
    struct scene scene;
    scene_with(&scene, to_nice);
    struct assignment assignment = scene_ask(&scene, "web", CLIENT);
    CHECK_TEXT(assignment.offer.ipv4, "198.51.100.3", "its own address");
    CHECK_TEXT(assignment.offer.ipv6, NULL, "no other site's");
    scene_server(&scene, 13)->ipv6 = "2001:db8:3::1";
    scene_set_address_down(&scene, 13, FAMILY_IPV6);
    assignment = scene_ask(&scene, "web", CLIENT);
    CHECK_INTEGER(assignment.server->id, 13, "one address is up");
    CHECK_TEXT(assignment.offer.ipv4, "198.51.100.3", "its own address");
    CHECK(assignment.offer.ipv6 && strcmp(assignment.offer.ipv6, "2001:db8:3::1") != 0,
          "another site's in place of the one that is down");
    scene_release(&scene);
}

static void a_site_with_a_name_gives_it(void)
{
    struct scene scene;
    scene_with(&scene, to_nice);
    for (int64_t id = 11; id <= 13; id++) {
        scene_server(&scene, id)->ipv4 = scene_server(&scene, id)->ipv6 = NULL;
        scene_server(&scene, id)->name = id == 13 ? "lb.nice.example" : "lb.example";
    }
    CHECK_TEXT(scene_ask(&scene, "web", CLIENT).offer.name, "lb.nice.example", "the name");
    scene_release(&scene);
}

/* ---------------------------------------------------------------- client networks */

static void a_reported_network_is_pinned(void)
{
    static const struct pin_row pins[] = {PIN(1, "203.0.113.0/24", NULL, WEB, 3),
                                          {.controller_id = 0}};
    static const struct {
        const char *subnet;
        bool pinned;
        unsigned scope;
    } rows[] = {
        {"203.0.113.0/24", true, 24},  {"203.0.113.128/25", true, 24},
        {"203.0.112.0/24", false, 24}, {"203.0.112.0/22", false, 22},
        {"203.0.112.0/14", false, 14}, {"2001:db8::/48", false, 48},
    };
    struct scene scene;
    scene_with(&scene, pins);
    struct pool *web = scene_pool(&scene, "web");
    web->client = CLIENT_ECS;
    web->ipv4_prefix_bits = 16;
    scene_server(&scene, 13)->weight = 0; /* so that nobody is there by chance */
    web->method = &method_rendezvous;
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned scope;
        int64_t given = ask(&scene, "web", CLIENT, rows[i].subnet, &scope);
        CHECK_INTEGER(given == 13, rows[i].pinned, "%s", rows[i].subnet);
        CHECK_INTEGER(scope, rows[i].scope, "%s", rows[i].subnet);
    }
    CHECK_INTEGER(memory_table_get(&scene.table, WEB, "ecs:203.0.0.0/16") != NULL, 1,
                  "the others of the network have a mapping");
    scene_release(&scene);
}

/*
 * A resolver gives an answer to all clients whose networks are equal in as many bits as its scope
 * says. Then they have the same pin. All report equally many bits, as those of one resolver do.
 */
static void no_answer_is_given_to_others_than_it_is_for(void)
{
    enum { CASES = 300, CLIENTS = 40 };
    uint64_t seed = 3;
    size_t shared = 0;
    for (size_t i = 0; i < CASES; i++) {
        struct pin_row pins[4] = {{.controller_id = 0}};
        char networks[3][PREFIX_TEXT_MAX];
        struct scene scene;
        for (size_t k = 0; k < COUNT(networks); k++) {
            struct address address = address_of("10.0.0.0");
            address.bytes[1] = (uint8_t)random_below(&seed, 2);
            address.bytes[2] = (uint8_t)random_below(&seed, 4);
            struct prefix prefix = prefix_of(&address, 8 + (unsigned)random_below(&seed, 17));
            prefix_format(&prefix, networks[k]);
            pins[k] = (struct pin_row)PIN((int64_t)k + 1, networks[k], NULL, 0, (int64_t)k + 1);
        }
        struct rows rows = three_sites;
        rows.pins = pins;
        scene_init(&scene, &rows);
        scene.inputs.trace = NULL;
        struct pool *web = scene_pool(&scene, "web");
        web->client = CLIENT_ECS;
        web->method = &method_failover;
        web->ipv4_prefix_bits = (uint8_t)random_below(&seed, 33);
        unsigned bits = 8 + (unsigned)random_below(&seed, 25);
        struct prefix clients[CLIENTS];
        unsigned scopes[CLIENTS];
        int64_t given[CLIENTS];
        for (size_t k = 0; k < CLIENTS; k++) {
            char subnet[PREFIX_TEXT_MAX];
            struct address address = address_of("10.0.0.1");
            address.bytes[1] = (uint8_t)random_below(&seed, 2);
            address.bytes[2] = (uint8_t)random_below(&seed, 4);
            clients[k] = prefix_of(&address, bits);
            given[k] = ask(&scene, "web", CLIENT, prefix_format(&clients[k], subnet), &scopes[k]);
            CHECK(scopes[k] > 0 && scopes[k] <= bits, "case %zu: scope %u", i, scopes[k]);
        }
        scene_release(&scene);
        for (size_t a = 0; a < CLIENTS; a++)
            for (size_t b = 0; b < CLIENTS; b++) {
                const struct prefix covered = prefix_of(&clients[a].address, scopes[a]);
                if (!prefix_contains(&covered, &clients[b].address))
                    continue;
                shared++;
                CHECK_INTEGER(given[b], given[a], "case %zu, %zu and %zu, scope %u", i, a, b,
                              scopes[a]);
            }
    }
    CHECK(shared > CASES * CLIENTS * 2, "%zu", shared);
}

/* ---------------------------------------------------------------- everybody else */

/* Who has no pin is answered, and remembered, as if there were none at all. */
static void other_clients_do_not_notice(void)
{
    static const struct pin_row pins[] = {
        PIN(1, "198.18.0.0/16", NULL, 0, 3), PIN(2, NULL, "office", WEB, 2), {.controller_id = 0}};
    enum { QUESTIONS = 500 };
    struct scene with, without;
    uint64_t seed = 9;
    scene_with(&with, pins);
    scene_with(&without, NULL);
    with.inputs.trace = without.inputs.trace = NULL;
    for (size_t i = 0; i < QUESTIONS; i++) {
        char remote[ADDRESS_TEXT_MAX];
        bool is_pinned = random_below(&seed, 2);
        int64_t down = 11 + (int64_t)random_below(&seed, 3);
        bool is_down = random_below(&seed, 2);
        snprintf(remote, sizeof remote, "%s.%zu", is_pinned ? "198.18.7" : "192.0.2",
                 random_below(&seed, 100));
        scene_set_server_down(&with, down, is_down);
        scene_set_server_down(&without, down, is_down);
        unsigned scopes[2];
        int64_t given = ask(&with, "web", remote, NULL, &scopes[0]);
        if (is_pinned)
            continue;
        CHECK_INTEGER(given, ask(&without, "web", remote, NULL, &scopes[1]), "question %zu", i);
        CHECK_INTEGER(scopes[0], scopes[1], "question %zu", i);
    }
    for (size_t i = 0; i < without.table.count; i++) {
        const struct memory_row *row = &without.table.rows[i];
        const struct mapping *same = memory_table_get(&with.table, row->pool_id, row->key);
        CHECK(same && mapping_equal(same, &row->mapping), "%s", row->key);
    }
    scene_release(&with);
    scene_release(&without);
}

static const CU_TestInfo tests[] = {
    {"a pin comes before mapping and method", a_pin_comes_before_mapping_and_method},
    {"while its site is down the client is like others",
     while_its_site_is_down_the_client_is_like_others},
    {"where a pin holds", where_a_pin_holds},
    {"a sliding mapping is not extended", a_sliding_mapping_is_not_extended},
    {"what the table does is no matter", what_the_table_does_is_no_matter},
    {"pins count in each pool of the chain", pins_count_in_each_pool_of_the_chain},
    {"pins are those of the pool that is asked", pins_are_those_of_the_pool_that_is_asked},
    {"of several servers the client keeps one", of_several_servers_the_client_keeps_one},
    {"a site without a family gives none", a_site_without_a_family_gives_none},
    {"a site with a name gives it", a_site_with_a_name_gives_it},
    {"a reported network is pinned", a_reported_network_is_pinned},
    {"no answer is given to others than it is for", no_answer_is_given_to_others_than_it_is_for},
    {"other clients do not notice", other_clients_do_not_notice},
    CU_TEST_INFO_NULL,
};

const struct suite suite_assign_pins = {"assign_pins", tests};
