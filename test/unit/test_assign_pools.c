/*
 * Decisions that involve more than one pool or server of a site: fallback, shared mappings, groups.
 */
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

static void when_all_are_down_the_fallback_counts(void)
{
    static const struct {
        const char *what;
        enum fallback fallback;
        int64_t controller, age_s; /* of a mapping; 0: none */
        int64_t answer;
        bool failed;
    } rows[] = {
        {"any", FALLBACK_ANY, 0, 0, CHOICE, false},
        {"any, a live mapping", FALLBACK_ANY, 3, 1000, 13, false},
        {"any, a mapping that is over", FALLBACK_ANY, 3, 9000, CHOICE, false},
        {"any, a mapping to nowhere", FALLBACK_ANY, 99, 0, CHOICE, false},
        {"any, a mapping elsewhere", FALLBACK_ANY, 4, 0, CHOICE, false},
        {"none", FALLBACK_NONE, 0, 0, 0, false},
        {"none, a live mapping", FALLBACK_NONE, 3, 0, 0, false},
        {"servfail", FALLBACK_SERVFAIL, 0, 0, 0, true},
        {"servfail, a live mapping", FALLBACK_SERVFAIL, 3, 0, 0, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &three_sites);
        scene_set_web_down(&scene, true);
        scene_pool(&scene, "web")->fallback = rows[i].fallback;
        scene_pool(&scene, "web")->timer = TIMER_SLIDING;
        if (rows[i].controller)
            scene_put_mapping(&scene, WEB, rows[i].controller, rows[i].age_s);
        struct assignment assignment = scene_ask(&scene, "web", CLIENT);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, rows[i].answer, "%s",
                      rows[i].what);
        CHECK_INTEGER(assignment.failed, rows[i].failed, "%s", rows[i].what);
        scene_check_warned(&scene, 0, rows[i].what);
        CHECK_INTEGER((int64_t)scene.table.claims, 0, "%s", rows[i].what);
        scene_check_row(&scene, WEB, CLIENT, rows[i].controller, NOW - rows[i].age_s, rows[i].what);
        scene_release(&scene);
    }
}

static void without_candidates_any_finds_nobody(void)
{
    static const struct {
        enum fallback fallback;
        enum state state;
        bool failed;
    } rows[] = {
        {FALLBACK_ANY, STATE_DISABLED, false},
        {FALLBACK_NONE, STATE_DISABLED, false},
        {FALLBACK_SERVFAIL, STATE_DISABLED, true},
    };
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &three_sites);
        struct pool *pool = scene_pool(&scene, "web");
        pool->fallback = rows[i / 2].fallback;
        for (int64_t id = 11; id <= 13; id++)
            scene_server(&scene, id)->state = rows[i / 2].state;
        if (i % 2)
            pool->server_count = 0;
        struct assignment assignment = scene_ask(&scene, "web", CLIENT);
        CHECK(!assignment.server, "row %zu", i);
        CHECK_INTEGER(assignment.failed, rows[i / 2].failed, "row %zu", i);
        CHECK_INTEGER((int64_t)scene.table.claims, 0, "row %zu", i);
        scene_release(&scene);
    }
}

static void a_mapping_may_lack_an_up_server_only_with_fallback_any(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_put_mapping(&scene, WEB, 3, 10);
    scene_set_web_down(&scene, true);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "all down");
    scene_set_web_down(&scene, false);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "all up again");
    scene_set_controller_down(&scene, 3, true);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), CHOICE, "only this one down");
    scene_check_row(&scene, WEB, CLIENT, 2, NOW, "only this one down");
    scene_release(&scene);
}

static void a_fallback_pool_keeps_its_own_mappings(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
    scene_put_mapping(&scene, WEB, 3, 10);
    scene_set_web_down(&scene, true);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 21, "web is down");
    scene_check_row(&scene, SPARE, CLIENT, 4, NOW, "web is down");
    scene_check_row(&scene, WEB, CLIENT, 3, NOW - 10, "web is down");
    scene_set_web_down(&scene, false);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "web is back, the mapping binds");
    CHECK_INTEGER((int64_t)scene.table.writes, 1, "one row in all");
    scene_release(&scene);
}

static void the_last_pool_of_the_chain_decides(void)
{
    static const struct {
        enum fallback web, spare;
        int64_t answer;
        bool failed;
    } rows[] = {
        {FALLBACK_ANY, FALLBACK_NONE, 0, false},      {FALLBACK_ANY, FALLBACK_SERVFAIL, 0, true},
        {FALLBACK_NONE, FALLBACK_ANY, 21, false},     {FALLBACK_SERVFAIL, FALLBACK_ANY, 21, false},
        {FALLBACK_SERVFAIL, FALLBACK_NONE, 0, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        scene_init(&scene, &three_sites);
        scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
        scene_pool(&scene, "web")->fallback = rows[i].web;
        scene_pool(&scene, "spare")->fallback = rows[i].spare;
        scene_set_web_down(&scene, true);
        scene_set_server_down(&scene, 21, true);
        struct assignment assignment = scene_ask(&scene, "web", CLIENT);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, rows[i].answer, "row %zu", i);
        CHECK_INTEGER(assignment.failed, rows[i].failed, "row %zu", i);
        CHECK_INTEGER((int64_t)scene.table.claims, 0, "row %zu", i);
        scene_release(&scene);
    }
}

static void each_pool_of_a_chain_sees_the_client_its_own_way(void)
{
    struct scene scene;
    struct assignment assignment;
    scene_init(&scene, &three_sites);
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
    scene_pool(&scene, "spare")->client = CLIENT_ECS;
    scene_pool(&scene, "spare")->ipv4_prefix_bits = 16;
    struct source source = source_of(CLIENT, "198.51.100.0/24");
    assign(&scene.inputs, scene_pool(&scene, "web"), &source, &assignment);
    CHECK_INTEGER(assignment.scope_bits, 1, "web looks at the resolver");
    scene_set_web_down(&scene, true);
    assign(&scene.inputs, scene_pool(&scene, "web"), &source, &assignment);
    CHECK_INTEGER(assignment.scope_bits, 16, "spare looks at the subnet");
    scene_check_row(&scene, SPARE, "ecs:198.51.0.0/16", 4, NOW, "spare looks at the subnet");
    scene_release(&scene);
}

/* That the first one did not decide depends on the subnet, so the answer does. */
static void the_scope_is_that_of_all_pools_that_were_asked(void)
{
    struct scene scene;
    struct assignment assignment;
    scene_init(&scene, &three_sites);
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
    scene_pool(&scene, "web")->client = CLIENT_ECS;
    scene_set_web_down(&scene, true);
    struct source source = source_of(CLIENT, "198.51.100.0/24");
    assign(&scene.inputs, scene_pool(&scene, "web"), &source, &assignment);
    CHECK_INTEGER(assignment.server ? assignment.server->id : 0, 21, "spare");
    CHECK_INTEGER(assignment.scope_bits, 24, "web looks at the subnet");
    scene_release(&scene);
}

/* Its mapping would be live in the first pool as soon as the topology is there. */
static void a_fallback_pool_keeps_nothing_where_the_first_one_lacks_the_topology(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
    scene_pool(&scene, "web")->method = &method_topology;
    scene_pool(&scene, "spare")->persistence_pool = scene_pool(&scene, "web");
    scene_set_web_down(&scene, true);
    struct assignment assignment = scene_ask(&scene, "web", CLIENT);
    CHECK_INTEGER(assignment.server ? assignment.server->id : 0, 21, "spare");
    CHECK_INTEGER((int64_t)scene.table.count, 0, "no mapping");
    scene_release(&scene);
}

static void an_error_of_any_pool_of_a_chain_is_told(void)
{
    struct scene scene;
    scene_init(&scene, &three_sites);
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
    scene_set_web_down(&scene, true);
    scene.table.find_code = ERR_IO;
    struct assignment assignment = scene_ask(&scene, "web", CLIENT);
    CHECK_INTEGER(assignment.server ? assignment.server->id : 0, 21, "the table is lost");
    scene_check_warned(&scene, ERR_IO, "the table is lost");
    scene_release(&scene);
}

/* Two pools of the same sites in another order; "api" uses the mappings of "web". */
static const struct rows two_services = {
    .controllers =
        (const struct controller_row[]){
            CONTROLLER(1, "paris"), CONTROLLER(2, "lyon"), CONTROLLER(3, "nice"), {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), POOL(2, "api"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, 1, 2, 2, "192.0.2.2", NULL),
                                                   SERVER(13, 1, 3, 3, "192.0.2.3", NULL),
                                                   SERVER(21, 2, 3, 1, "192.0.2.4", NULL),
                                                   SERVER(22, 2, 1, 2, "192.0.2.5", NULL),
                                                   SERVER(23, 2, 1, 3, "192.0.2.6", NULL),
                                                   SERVER(24, 2, 2, 4, "192.0.2.7", NULL),
                                                   {.state = NULL}},
    .groups = (const struct group_row[]){{"192.0.2.0/26", "metro"},
                                         {"2001:db8:77::/48", "metro"},
                                         {.cidr = NULL}},
};

static void share(struct scene *scene)
{
    scene_init(scene, &two_services);
    prefix_map_release(&scene->snapshot->groups);
    scene_pool(scene, "api")->persistence_pool = scene_pool(scene, "web");
}

static void pools_that_share_mappings_send_to_one_site(void)
{
    struct scene scene;
    share(&scene);
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "web first");
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 24, "api follows to lyon");
    CHECK_INTEGER((int64_t)scene.table.count, 1, "one row");
    CHECK(strstr(scene_told(&scene), "pool api, method modulus, mappings of pool web\n"), "%s",
          scene_told(&scene));
    scene.table.count = 0;
    /* 3221225994 leaves 2 by 4: number 4 of api, lyon; then with lyon down 0 by 3: number 2. */
    scene_set_server_down(&scene, 24, true);
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 22, "api first");
    scene_check_row(&scene, WEB, CLIENT, 1, NOW, "api first");
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 11, "web follows to paris");
    scene_release(&scene);
}

static void shared_settings_are_the_keepers(void)
{
    struct scene scene;
    share(&scene);
    struct pool *web = scene_pool(&scene, "web"), *api = scene_pool(&scene, "api");
    web->ipv4_prefix_bits = 24;
    web->persistence_ttl_s = 60;
    web->timer = TIMER_SLIDING;
    api->ipv4_prefix_bits = 8;
    api->persistence_ttl_s = 0;
    api->client = CLIENT_ECS;
    scene_ask_client(&scene, "api");
    const struct mapping *mapping = memory_table_get(&scene.table, WEB, "192.0.2.0/24");
    CHECK_INTEGER(mapping ? mapping->ttl_s : -1, 60, "the persistence_pool's prefix and ttl");
    scene.inputs.now_s += 6;
    scene_ask_client(&scene, "api");
    CHECK_INTEGER(mapping ? mapping->timestamp_s : -1, NOW + 6, "the persistence_pool's timer");
    web->persistence_ttl_s = 0;
    size_t calls = scene.table.finds;
    scene_ask_client(&scene, "api");
    CHECK_INTEGER((int64_t)scene.table.finds, (int64_t)calls, "the persistence_pool keeps none");
    scene_release(&scene);
}

static size_t pick_first(const struct selection *selection)
{
    (void)selection;
    return 0;
}

static const struct method first = {.name = "first", .pick = pick_first};

static void a_shared_mapping_carries_the_keepers_method(void)
{
    struct scene scene;
    share(&scene);
    scene_pool(&scene, "api")->method = &first;
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 21, "the pool's own method chooses");
    const struct mapping *mapping = memory_table_get(&scene.table, WEB, CLIENT);
    CHECK_TEXT(mapping ? mapping->method : NULL, "modulus", "the row");
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 13, "it binds in the other pool");
    scene_pool(&scene, "api")->method = &method_modulus;
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 21, "only the persistence_pool's method counts");
    scene_pool(&scene, "web")->method = &first;
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 24, "the persistence_pool's method changed");
    CHECK_TEXT(mapping ? mapping->method : NULL, "first", "the row");
    scene_release(&scene);
}

static size_t pick_nobody(const struct selection *selection)
{
    (void)selection;
    return METHOD_UNDECIDED;
}

static const struct method undecided = {
    .name = "undecided", .pick = pick_nobody, .within = &method_modulus};

/* By the mapping that the fallback pool made, the next question ends in the pool before it. */
static void asking_again_changes_nothing_where_a_fallback_pool_shares_the_mappings(void)
{
    static const struct {
        const char *what;
        const struct method *method;
        enum state state; /* of the servers of web */
        bool down;
        int64_t answer;
        size_t rows;
    } rows[] = {
        {"undecided: a server of its own at the site chosen", &undecided, STATE_ENABLED, false, 12,
         1},
        {"draining and undecided: nobody new, and no mapping", &undecided, STATE_DRAINING, false,
         24, 0},
        {"draining and up: better than the fallback pool", &method_modulus, STATE_DRAINING, false,
         12, 1},
        {"down: the fallback pool's", &method_modulus, STATE_ENABLED, true, 24, 1},
        {"draining and down: the same", &method_modulus, STATE_DRAINING, true, 24, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        share(&scene);
        struct pool *web = scene_pool(&scene, "web");
        web->fallback_pool = scene_pool(&scene, "api");
        web->method = rows[i].method;
        for (size_t k = 0; k < web->server_count; k++) {
            scene_server(&scene, web->servers[k].id)->state = rows[i].state;
            scene_set_server_down(&scene, web->servers[k].id, rows[i].down);
        }
        for (int k = 0; k < 3; k++)
            CHECK_INTEGER(scene_ask_client(&scene, "web"), rows[i].answer, "%s, question %d",
                          rows[i].what, k);
        CHECK_INTEGER((int64_t)scene.table.count, (int64_t)rows[i].rows, "%s", rows[i].what);
        scene_release(&scene);
    }
}

/*
 * Pool web has the sites ams and fra, pool api fra and nyc, and api uses the mappings of web. The
 * servers are numbered by pool and site: 11, 12, 22, 23.
 */
static const struct rows sites_in_part = {
    .controllers =
        (const struct controller_row[]){
            CONTROLLER(1, "ams"), CONTROLLER(2, "fra"), CONTROLLER(3, "nyc"), {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), POOL(2, "api"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, 1, 2, 2, "192.0.2.2", NULL),
                                                   SERVER(22, 2, 2, 1, "192.0.2.3", NULL),
                                                   SERVER(23, 2, 3, 2, "192.0.2.4", NULL),
                                                   {.state = NULL}},
};

static void a_pool_without_a_server_at_the_site_leaves_the_mapping_alone(void)
{
    static const struct {
        const char *what, *down; /* last digits of the servers of api that are down */
        int64_t mapped, api, web;
        int64_t row; /* afterwards; the mapping was made 10 s ago if it is still the first */
    } steps[] = {
        {"no server at the site", "", 1, 23, 11, 1},
        {"no server at the site, another down", "3", 1, 22, 11, 1},
        {"a server at the site", "", 2, 22, 12, 2},
        {"that one is down, and the next has no server in web", "2", 2, 23, 12, 2},
        {"web has no server at the site", "", 3, 23, 12, 2},
        {"web has none, api's is down: both go to fra", "3", 3, 22, 12, 2},
    };
    static const struct method *const methods[] = {&method_modulus, &method_round_robin};
    for (size_t i = 0; i < 2 * COUNT(steps); i++) {
        const char *what = steps[i / 2].what;
        struct scene scene;
        scene_init(&scene, &sites_in_part);
        scene_pool(&scene, "api")->persistence_pool = scene_pool(&scene, "web");
        scene_pool(&scene, "api")->method = methods[i % 2];
        for (const char *c = steps[i / 2].down; *c; c++)
            scene_set_server_down(&scene, 20 + *c - '0', true);
        scene_put_mapping(&scene, WEB, steps[i / 2].mapped, 10);
        for (int again = 0; again < 3; again++) {
            CHECK_INTEGER(scene_ask_client(&scene, "api"), steps[i / 2].api, "%s", what);
            if (steps[i / 2].mapped != 3)
                CHECK_INTEGER(scene_ask_client(&scene, "web"), steps[i / 2].web, "%s", what);
        }
        CHECK_INTEGER(scene_ask_client(&scene, "web"), steps[i / 2].web, "%s", what);
        const struct mapping *mapping = memory_table_get(&scene.table, WEB, CLIENT);
        CHECK_INTEGER(mapping ? mapping->controller_id : 0, steps[i / 2].row, "%s", what);
        scene_release(&scene);
    }
}

static void where_both_pools_have_servers_both_move(void)
{
    struct scene scene;
    share(&scene);
    scene_put_mapping(&scene, WEB, 3, 10);
    scene_set_server_down(&scene, 21, true);
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 24, "nice is down in api");
    scene_check_row(&scene, WEB, CLIENT, 2, NOW, "nice is down in api");
    CHECK_INTEGER(scene_ask_client(&scene, "web"), 12, "web follows");
    scene_release(&scene);
}

/* Sites with a server for each family, as some write them. */
static const struct rows split = {
    .controllers =
        (const struct controller_row[]){CONTROLLER(1, "ams"), CONTROLLER(2, "fra"), {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, 1, 1, 2, NULL, "2001:db8::1"),
                                                   SERVER(13, 1, 2, 3, "192.0.2.2", NULL),
                                                   SERVER(14, 1, 2, 4, NULL, "2001:db8::2"),
                                                   SERVER(15, 1, 2, 5, NULL, "2001:db8::3"),
                                                   {.state = NULL}},
};

static struct assignment ask_as(struct scene *scene, int number)
{
    char client[ADDRESS_TEXT_MAX];
    snprintf(client, sizeof client, "203.0.113.%d", number);
    return scene_ask(scene, "web", client);
}

static void the_addresses_of_a_site_may_be_rows_of_their_own(void)
{
    size_t count, seen[4] = {0}; /* by the last digit of the IPv6 address */
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct scene scene;
        scene_init(&scene, &split);
        scene.inputs.trace = NULL;
        scene_pool(&scene, "web")->method = methods[i];
        for (int n = 1; n < 100; n++) {
            struct assignment answer = ask_as(&scene, n), again = ask_as(&scene, n);
            if (!CHECK(answer.offer.ipv4 && answer.offer.ipv6, "%s, %d", methods[i]->name, n))
                break;
            CHECK_TEXT(again.offer.ipv4, answer.offer.ipv4, "%s, %d", methods[i]->name, n);
            CHECK_TEXT(again.offer.ipv6, answer.offer.ipv6, "%s, %d", methods[i]->name, n);
            int site = answer.offer.ipv4[8] - '0', server = answer.offer.ipv6[10] - '0';
            CHECK(site == 1 ? server == 1 : server > 1, "%s and %s", answer.offer.ipv4,
                  answer.offer.ipv6);
            seen[server]++;
        }
        scene_release(&scene);
    }
    CHECK(seen[1] > 0 && seen[2] > 0 && seen[3] > 0, "%zu, %zu, %zu", seen[1], seen[2], seen[3]);
}

/* Two rows of a site are like one row with two addresses; what is down there is given elsewhere. */
static void an_address_of_a_server_that_is_down_is_not_given(void)
{
    struct scene scene;
    scene_init(&scene, &split);
    scene.inputs.trace = NULL;
    scene_set_server_down(&scene, 12, true);
    scene_set_server_down(&scene, 14, true);
    for (int n = 1; n < 100; n++) {
        CHECK_TEXT(ask_as(&scene, n).offer.ipv6, "2001:db8::3", "%d", n);
        CHECK(ask_as(&scene, n).offer.ipv4 != NULL, "%d", n);
    }
    scene_release(&scene);
}

static void of_a_controllers_servers_modulus_picks_one_that_is_up(void)
{
    struct scene scene;
    share(&scene);
    scene_put_mapping(&scene, WEB, 1, 0);
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 23, "even: the second");
    scene_set_server_down(&scene, 23, true);
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 22, "the first");
    scene_set_server_down(&scene, 23, false);
    CHECK_INTEGER(scene_ask_client(&scene, "api"), 23, "even: the second, on the same site");
    CHECK_INTEGER((int64_t)scene.table.claims, 0, "the mapping stays as it is");
    scene_release(&scene);
}

static void a_group_is_one_client(void)
{
    static const char *const members[] = {"192.0.2.1", "192.0.2.63", "2001:db8:77::1"};
    struct scene scene;
    scene_init(&scene, &two_services);
    int64_t answer = scene_ask_client(&scene, "web");
    for (size_t i = 0; i < COUNT(members); i++) {
        struct assignment assignment = scene_ask(&scene, "web", members[i]);
        CHECK_INTEGER(assignment.server ? assignment.server->id : 0, answer, "%s", members[i]);
    }
    CHECK_INTEGER((int64_t)scene.table.writes, 1, "one row");
    CHECK(memory_table_get(&scene.table, WEB, "group:metro") != NULL, "its key");
    scene_release(&scene);
}

static const CU_TestInfo tests[] = {
    {"when all are down the fallback counts", when_all_are_down_the_fallback_counts},
    {"without candidates even 'any' finds nobody", without_candidates_any_finds_nobody},
    {"a mapping may lack an up server only with fallback 'any'",
     a_mapping_may_lack_an_up_server_only_with_fallback_any},
    {"a fallback pool keeps its own mappings", a_fallback_pool_keeps_its_own_mappings},
    {"the last pool of a chain decides", the_last_pool_of_the_chain_decides},
    {"each pool of a chain sees the client its own way",
     each_pool_of_a_chain_sees_the_client_its_own_way},
    {"the scope is that of all pools that were asked",
     the_scope_is_that_of_all_pools_that_were_asked},
    {"a fallback pool keeps nothing where the first one lacks the topology",
     a_fallback_pool_keeps_nothing_where_the_first_one_lacks_the_topology},
    {"an error met by any pool of a chain is told", an_error_of_any_pool_of_a_chain_is_told},
    {"pools that share mappings send to one site", pools_that_share_mappings_send_to_one_site},
    {"shared settings are the persistence_pool's", shared_settings_are_the_keepers},
    {"a shared mapping carries the persistence_pool's method",
     a_shared_mapping_carries_the_keepers_method},
    {"asking again changes nothing where a fallback pool shares the mappings",
     asking_again_changes_nothing_where_a_fallback_pool_shares_the_mappings},
    {"a pool without a server at the site leaves the mapping alone",
     a_pool_without_a_server_at_the_site_leaves_the_mapping_alone},
    {"where both pools have servers both move", where_both_pools_have_servers_both_move},
    {"the addresses of a site may be rows of their own",
     the_addresses_of_a_site_may_be_rows_of_their_own},
    {"an address of a server that is down is not given",
     an_address_of_a_server_that_is_down_is_not_given},
    {"of a controller's servers modulus picks one that is up",
     of_a_controllers_servers_modulus_picks_one_that_is_up},
    {"a group is one client", a_group_is_one_client},
    CU_TEST_INFO_NULL,
};

const struct suite suite_assign_pools = {"assign_pools", tests};
