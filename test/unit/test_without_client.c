/*
 * What is promised to nobody in particular, against what every client is given: on random
 * configurations, and on the few that caused trouble.
 */
#include "core/sticky/without_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/balance/topology.h"
#include "fixture.h"
#include "suites.h"

#define POOLS 3
#define CONTROLLERS 4
#define SERVERS_OF_POOL 3
#define NEW_CLIENTS 10 /* of each kind */

/* Three pools of three servers each; all else is made up by make_up(). */
static const struct rows rows = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "ams"),
                                                   CONTROLLER(2, "fra"),
                                                   CONTROLLER(3, "nyc"),
                                                   CONTROLLER(4, "sin"),
                                                   {.name = NULL}},
    .pools =
        (const struct pool_row[]){
            POOL(1, "web"), POOL(2, "spare"), POOL(3, "sorry"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "192.0.2.11", NULL),
                                                   SERVER(12, 1, 2, 2, "192.0.2.12", NULL),
                                                   SERVER(13, 1, 3, 3, "192.0.2.13", NULL),
                                                   SERVER(21, 2, 1, 1, "192.0.2.21", NULL),
                                                   SERVER(22, 2, 2, 2, "192.0.2.22", NULL),
                                                   SERVER(23, 2, 3, 3, "192.0.2.23", NULL),
                                                   SERVER(31, 3, 1, 1, "192.0.2.31", NULL),
                                                   SERVER(32, 3, 2, 2, "192.0.2.32", NULL),
                                                   SERVER(33, 3, 3, 3, "192.0.2.33", NULL),
                                                   {.state = NULL}},
    .pins = (const struct pin_row[]){PIN(1, "198.51.100.0/24", NULL, 1, 1),
                                     PIN(2, "198.51.100.4/30", NULL, 0, 1),
                                     PIN(3, "2001:db8:1::/112", NULL, 0, 2),
                                     PIN(4, "2001:db8:1::/125", NULL, 1, 3),
                                     PIN(5, "198.51.100.0/29", NULL, 2, 1),
                                     PIN(6, "2001:db8:1::4/126", NULL, 3, 1),
                                     {.controller_id = 0}},
};

static const char *const pool_names[POOLS] = {"web", "spare", "sorry"};

/*
 * New clients, by how their addresses begin; each ends with a number from 1 on. The networks hold
 * some of the first two kinds. Nothing more is known of the other two than of nobody in particular,
 * nor of SCENE_CLIENT.
 */
static const char *const client_kinds[] = {"198.51.100.", "2001:db8:1::", "203.0.113.",
                                           "2001:db8:2::"};
static const char *const networks[] = {"198.51.100.0/24",  "198.51.100.0/29",  "198.51.100.4/30",
                                       "2001:db8:1::/112", "2001:db8:1::/125", "2001:db8:1::4/126"};

static enum state random_state(uint64_t *seed)
{
    size_t dice = random_below(seed, 6);
    return dice == 0 ? STATE_DISABLED : dice == 1 ? STATE_DRAINING : STATE_ENABLED;
}

/* With names, all servers have one in place of addresses. */
static void make_up_server(struct scene *scene, int64_t id, size_t chances, bool names,
                           uint64_t *seed)
{
    struct virtual_server *server = scene_server(scene, id);
    size_t families = names ? 0 : 1 + random_below(seed, 3);
    server->name = names ? "lb.cloud.example" : NULL;
    server->ipv4 = families & 1 ? "192.0.2.1" : NULL;
    server->ipv6 = families & 2 ? "2001:db8::1" : NULL;
    server->state = random_state(seed);
    server->weight = (uint32_t)random_below(seed, 3);
    server->controller = scene_controller(scene, 1 + (int64_t)random_below(seed, CONTROLLERS));
    scene_set_server_down(scene, id, random_below(seed, 10) < chances);
    for (enum address_family family = FAMILY_IPV4; family <= FAMILY_IPV6; family++)
        if (virtual_server_address(server, family) && random_below(seed, 10) < chances)
            scene_set_address_down(scene, id, family);
    if (random_below(seed, 3) == 0)
        memory_metrics_put(&scene->measured, OF_SERVER, id, "rtt", (double)id, 0);
    if (random_below(seed, 3) == 0)
        memory_metrics_put(&scene->measured, OF_SERVER, id, "cpu", (double)id, 0);
}

/* More often one that can be undecided for some clients only. */
static const struct method *random_method(uint64_t *seed)
{
    size_t count;
    const struct method *const *methods = method_all(&count);
    if (random_below(seed, 3))
        return methods[random_below(seed, count)];
    return random_below(seed, 2) ? &method_topology : &method_rtt;
}

/* One pool uses the mappings of another. */
static void share(struct scene *scene, uint64_t *seed)
{
    size_t i = random_below(seed, POOLS), k = random_below(seed, POOLS);
    scene_pool(scene, pool_names[i])->persistence_pool = scene_pool(scene, pool_names[k]);
}

/* `chances` out of ten servers, and out of thirty controllers, are down. */
static void make_up(struct scene *scene, size_t chances, uint64_t *seed)
{
    bool names = random_below(seed, 4) == 0;
    scene_init(scene, &rows);
    scene->inputs.trace = NULL;
    for (int64_t id = 1; id <= CONTROLLERS; id++) {
        scene_controller(scene, id)->state =
            random_below(seed, 4) ? STATE_ENABLED : random_state(seed);
        scene_set_controller_down(scene, id, random_below(seed, 30) < chances);
    }
    for (size_t i = 0; i < POOLS; i++) {
        struct pool *pool = scene_pool(scene, pool_names[i]);
        for (int64_t k = 0; k < SERVERS_OF_POOL; k++)
            make_up_server(scene, 10 * ((int64_t)i + 1) + k + 1, chances, names, seed);
        pool->method = random_method(seed);
        pool->alternate = random_below(seed, 2) ? random_method(seed) : NULL;
        pool->metric = "cpu";
        pool->fallback = (enum fallback)random_below(seed, 3);
        pool->fallback_pool =
            i + 1 < POOLS && random_below(seed, 2) ? scene_pool(scene, pool_names[i + 1]) : NULL;
        pool->persistence_ttl_s = random_below(seed, 3) ? 3600 : 0;
    }
    if (random_below(seed, 6) == 0)
        share(scene, seed);
}

/* Most are over, or of pools that are made not to look at them. */
static void make_up_pins(struct scene *scene, uint64_t *seed)
{
    struct pins *pins = &scene->snapshot->pins;
    for (size_t i = 0; i < pins->count; i++) {
        pins->pins[i].controller =
            scene_controller(scene, 1 + (int64_t)random_below(seed, CONTROLLERS));
        pins->pins[i].until_s = SCENE_NOW_S + (random_below(seed, 2) ? 1 : 0);
    }
    for (size_t i = 0; i < POOLS; i++)
        scene_pool(scene, pool_names[i])->has_pins = random_below(seed, 3) == 0;
}

static void add_random_row(struct topology_builder *builder, const char *network, uint64_t *seed)
{
    const struct topology_row row = {.cidr = network,
                                     .controller_id = 1 + (int64_t)random_below(seed, CONTROLLERS),
                                     .preference = (int64_t)random_below(seed, 3)};
    if (topology_add(builder, &row) != 0)
        abort();
}

/* NULL: none is loaded. Else no, one or two rows for each network, and perhaps a default row. */
static struct topology *random_topology(uint64_t *seed)
{
    struct topology_builder *builder;
    struct topology *topology;
    if (random_below(seed, 8) == 0)
        return NULL;
    if (topology_builder_new(&builder) != 0)
        abort();
    for (size_t i = 0; i < COUNT(networks); i++)
        for (size_t rows_left = random_below(seed, 3); rows_left > 0; rows_left--)
            add_random_row(builder, networks[i], seed);
    if (random_below(seed, 3) == 0)
        add_random_row(builder, NULL, seed);
    if (topology_builder_finish(builder, &topology) != 0)
        abort();
    topology_builder_free(builder);
    return topology;
}

/* Between some controllers and one of the networks each. */
static void measure_paths(struct scene *scene, uint64_t *seed)
{
    for (int64_t id = 1; id <= CONTROLLERS; id++)
        if (random_below(seed, 3) == 0)
            memory_metrics_put_path(&scene->measured, networks[random_below(seed, COUNT(networks))],
                                    id, (double)random_below(seed, 50));
}

/* What clients were given, all together. */
struct given {
    bool all_ipv4, all_ipv6, all_names, any, none;
    size_t clients;          /* that were given an answer, not an error */
    bool decided, undecided; /* pool web decided for some of the new clients; not for some */
};

/* Returns the server, NULL for none. */
static const struct virtual_server *ask(struct scene *scene, const char *remote,
                                        struct given *given)
{
    struct assignment assignment = scene_ask(scene, "web", remote);
    if (assignment.failed)
        return NULL;
    given->clients++;
    given->all_ipv4 &= assignment.offer.ipv4 != NULL;
    given->all_ipv6 &= assignment.offer.ipv6 != NULL;
    given->all_names &= assignment.offer.name != NULL;
    bool some = assignment.offer.ipv4 || assignment.offer.ipv6 || assignment.offer.name;
    given->any |= some;
    given->none |= !some;
    return assignment.server;
}

static void ask_for_new(struct scene *scene, const char *kind, struct given *given)
{
    char client[ADDRESS_TEXT_MAX];
    for (size_t i = 1; i <= NEW_CLIENTS; i++) {
        snprintf(client, sizeof client, "%s%zu", kind, i);
        const struct virtual_server *server = ask(scene, client, given);
        bool of_web = server && server->id < 20;
        given->decided |= of_web;
        given->undecided |= !of_web;
    }
}

/* A client with a mapping to each controller in a pool. */
static void ask_for_mapped(struct scene *scene, const struct pool *pool,
                           const struct method *method, struct given *given)
{
    for (int64_t id = 1; id <= CONTROLLERS; id++) {
        struct mapping mapping = MAPPING(id, "", SCENE_NOW_S, 3600);
        strcpy(mapping.method, method->name);
        scene->table.count = 0;
        memory_table_put(&scene->table, pool->id, SCENE_CLIENT, &mapping);
        ask(scene, SCENE_CLIENT, given);
    }
}

/* New clients, and those with mappings of every pool, by its method and those of the others. */
static struct given ask_for_all(struct scene *scene)
{
    struct given given = {.all_ipv4 = true, .all_ipv6 = true, .all_names = true};
    for (size_t i = 0; i < COUNT(client_kinds); i++)
        ask_for_new(scene, client_kinds[i], &given);
    for (size_t i = 0; i < POOLS; i++)
        for (size_t k = 0; k < POOLS; k++)
            ask_for_mapped(scene, scene_pool(scene, pool_names[i]),
                           scene_pool(scene, pool_names[k])->method, &given);
    return given;
}

static bool all_keep_their_own_mappings(struct scene *scene)
{
    for (size_t i = 0; i < POOLS; i++) {
        const struct pool *pool = scene_pool(scene, pool_names[i]);
        if (pool->persistence_pool != pool || pool->persistence_ttl_s == 0)
            return false;
    }
    return true;
}

/* How many configurations there were of each kind. */
struct kinds {
    size_t promised, denied, named, failing;
    size_t divided, divided_without_mappings; /* pool web decides for some clients, not for all */
};

/*
 * A promise is kept to every client. What is not promised is denied to somebody; only of pools
 * without mappings of their own is less promised than could be.
 */
static void check_promises(struct scene *scene, size_t i, struct kinds *kinds)
{
    const struct pool *web = scene_pool(scene, "web");
    struct common_offer common;
    offer_common_to_all(&scene->inputs, web, &common);
    const struct given given = ask_for_all(scene);
    bool divided = given.decided && given.undecided;
    CHECK(!common.offer.ipv4 || given.all_ipv4, "case %zu: A was promised", i);
    CHECK(!common.offer.ipv6 || given.all_ipv6, "case %zu: AAAA was promised", i);
    CHECK(!common.offer.name || given.all_names, "case %zu: CNAME was promised", i);
    CHECK(common.denying || !given.none, "case %zu: nobody should be without address", i);
    CHECK(common.some_get_an_address || !given.any, "case %zu: somebody gets one", i);
    kinds->failing += given.clients == 0;
    kinds->divided_without_mappings += divided && web->persistence_pool->persistence_ttl_s == 0;
    if (given.clients == 0 || !all_keep_their_own_mappings(scene))
        return;
    CHECK_INTEGER(common.offer.ipv4 != NULL, given.all_ipv4, "case %zu: A", i);
    CHECK_INTEGER(common.offer.ipv6 != NULL, given.all_ipv6, "case %zu: AAAA", i);
    CHECK_INTEGER(common.offer.name != NULL, given.all_names, "case %zu: CNAME", i);
    CHECK_INTEGER(common.denying != NULL, given.none, "case %zu: none", i);
    kinds->promised += given.all_ipv4 || given.all_ipv6;
    kinds->named += given.all_names;
    kinds->denied += !given.all_ipv4 && !given.all_ipv6 && !given.all_names;
    kinds->divided += divided;
}

static void what_is_promised_is_given_to_every_client(void)
{
    enum { CASES = 4000 };
    uint64_t seed = 17;
    struct kinds kinds = {0};
    for (size_t i = 0; i < CASES; i++) {
        struct scene scene;
        make_up(&scene, random_below(&seed, 10), &seed);
        make_up_pins(&scene, &seed);
        measure_paths(&scene, &seed);
        struct topology *topology = random_topology(&seed);
        scene.inputs.topology = topology;
        check_promises(&scene, i, &kinds);
        scene_release(&scene);
        topology_free(topology);
    }
    CHECK(kinds.promised > CASES / 25 && kinds.denied > CASES / 25 && kinds.named > CASES / 25 &&
              kinds.failing > CASES / 100,
          "%zu, %zu, %zu, %zu", kinds.promised, kinds.denied, kinds.named, kinds.failing);
    CHECK(kinds.divided > CASES / 100 && kinds.divided_without_mappings > CASES / 100, "%zu, %zu",
          kinds.divided, kinds.divided_without_mappings);
}

/* Sites of pool web: families (4, 6, b(oth)), and e(nabled), g: draining or x: disabled. */
static const struct {
    const char *what, *families, *states, *down; /* numbers of the servers that are down */
    const struct method *method;
    enum fallback fallback;
    const char *spare; /* families of the fallback pool's servers; NULL: there is none */
    const char *promised;
    bool denies; /* somebody gets no address */
} cases[] = {
    {"all alike", "bbb", "eee", "", &method_modulus, FALLBACK_NONE, NULL, "46", false},
    {"all draining", "bbb", "ggg", "", &method_modulus, FALLBACK_NONE, NULL, "46", false},
    {"the last one up drains", "bbb", "eeg", "12", &method_modulus, FALLBACK_NONE, NULL, "46",
     false},
    {"all drain, and the fallback pool is IPv4", "bbb", "ggg", "", &method_modulus, FALLBACK_ANY,
     "444", "46", false},
    {"all down, and the fallback pool is IPv4", "bbb", "eee", "123", &method_modulus, FALLBACK_ANY,
     "444", "4", false},
    {"one site each", "46x", "eex", "", &method_modulus, FALLBACK_ANY, NULL, "", false},
    {"no decision", "bbb", "eee", "", &method_topology, FALLBACK_NONE, NULL, "", true},
    {"no decision, any", "bbb", "eee", "", &method_topology, FALLBACK_ANY, NULL, "46", false},
    {"no decision, an error", "bbb", "eee", "", &method_topology, FALLBACK_SERVFAIL, NULL, "46",
     false},
    {"no decision, the fallback pool is IPv6", "bbb", "eee", "", &method_topology, FALLBACK_ANY,
     "666", "6", false},
    {"all down, an error", "4bb", "eee", "123", &method_modulus, FALLBACK_SERVFAIL, NULL, "4",
     false},
    {"all disabled, an error", "bbb", "xxx", "", &method_modulus, FALLBACK_SERVFAIL, NULL, "",
     false},
    {"all down, none", "bbb", "eee", "123", &method_modulus, FALLBACK_NONE, NULL, "", true},
};

static void set_families(struct scene *scene, int64_t first_id, const char *families)
{
    for (int64_t i = 0; i < SERVERS_OF_POOL; i++) {
        struct virtual_server *server = scene_server(scene, first_id + i);
        server->ipv4 = families[i] == '6' ? NULL : "192.0.2.1";
        server->ipv6 = families[i] == '4' ? NULL : "2001:db8::1";
    }
}

static void the_cases_that_caused_trouble(void)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct common_offer common;
        char promised[3] = "";
        scene_init(&scene, &rows);
        struct pool *pool = scene_pool(&scene, "web");
        pool->method = cases[i].method;
        pool->fallback = cases[i].fallback;
        set_families(&scene, 11, cases[i].families);
        for (int64_t k = 0; k < SERVERS_OF_POOL; k++)
            scene_server(&scene, 11 + k)->state = cases[i].states[k] == 'e'   ? STATE_ENABLED
                                                  : cases[i].states[k] == 'g' ? STATE_DRAINING
                                                                              : STATE_DISABLED;
        for (const char *c = cases[i].down; *c; c++)
            scene_set_server_down(&scene, 10 + *c - '0', true);
        if (cases[i].spare) {
            pool->fallback_pool = scene_pool(&scene, "spare");
            set_families(&scene, 21, cases[i].spare);
        }
        offer_common_to_all(&scene.inputs, pool, &common);
        if (common.offer.ipv4)
            strcat(promised, "4");
        if (common.offer.ipv6)
            strcat(promised, "6");
        CHECK_TEXT(promised, cases[i].promised, "%s", cases[i].what);
        CHECK_INTEGER(common.denying != NULL, cases[i].denies, "%s", cases[i].what);
        CHECK_TEXT(scene_told(&scene), "", "%s: nothing is traced", cases[i].what);
        CHECK_INTEGER((int64_t)(scene.table.finds + scene.table.claims), 0, "%s", cases[i].what);
        scene_release(&scene);
    }
}

/* Nobody is sent to a site that drains and keeps no mappings, but by a pin. */
static void a_pin_may_lead_where_nobody_else_is_sent(void)
{
    static const struct {
        const char *what;
        uint32_t persistence_s;
        enum state state; /* of the site, which has IPv4 alone */
        int64_t until_s;
        bool is_down, promises_ipv6;
    } rows_of_pins[] = {
        {"it drains", 0, STATE_DRAINING, SCENE_NOW_S + 1, false, false},
        {"the pin is over", 0, STATE_DRAINING, SCENE_NOW_S, false, true},
        {"it is disabled", 0, STATE_DISABLED, SCENE_NOW_S + 1, false, true},
        {"it is down", 0, STATE_DRAINING, SCENE_NOW_S + 1, true, true},
        {"with mappings", 3600, STATE_DRAINING, SCENE_NOW_S, false, false},
    };
    for (size_t i = 0; i < COUNT(rows_of_pins); i++) {
        struct scene scene;
        struct common_offer common;
        scene_init(&scene, &rows);
        struct pool *pool = scene_pool(&scene, "web");
        pool->persistence_ttl_s = rows_of_pins[i].persistence_s;
        set_families(&scene, 11, "4bb");
        scene_server(&scene, 11)->state = rows_of_pins[i].state;
        scene_set_server_down(&scene, 11, rows_of_pins[i].is_down);
        for (size_t k = 0; k < scene.snapshot->pins.count; k++)
            scene.snapshot->pins.pins[k].until_s = rows_of_pins[i].until_s;
        offer_common_to_all(&scene.inputs, pool, &common);
        CHECK(common.offer.ipv4, "%s", rows_of_pins[i].what);
        CHECK_INTEGER(common.offer.ipv6 != NULL, rows_of_pins[i].promises_ipv6, "%s",
                      rows_of_pins[i].what);
        scene_release(&scene);
    }
}

static void a_transfer_has_the_offer_of_one_site(void)
{
    static const struct {
        const char *states, *down;
        enum fallback fallback;
        const char *ipv4, *ipv6;
    } transfers[] = {
        {"eee", "", FALLBACK_NONE, "192.0.2.1", "2001:db8::3"},
        {"gee", "", FALLBACK_NONE, "192.0.2.2", NULL},
        {"eee", "1", FALLBACK_NONE, "192.0.2.2", NULL},
        {"eeg", "12", FALLBACK_NONE, NULL, "2001:db8::3"},
        {"eee", "123", FALLBACK_NONE, NULL, NULL},
        {"eee", "123", FALLBACK_ANY, "192.0.2.1", "2001:db8::3"},
        {"xxe", "123", FALLBACK_SERVFAIL, NULL, "2001:db8::3"},
    };
    for (size_t i = 0; i < COUNT(transfers); i++) {
        struct scene scene;
        scene_init(&scene, &rows);
        scene_pool(&scene, "web")->fallback = transfers[i].fallback;
        scene_server(&scene, 11)->ipv4 = "192.0.2.1";
        scene_server(&scene, 12)->ipv4 = "192.0.2.2";
        scene_server(&scene, 13)->ipv4 = NULL;
        scene_server(&scene, 13)->ipv6 = "2001:db8::3";
        scene_server(&scene, 13)->controller = scene_controller(&scene, 1);
        for (int64_t k = 0; k < SERVERS_OF_POOL; k++)
            scene_server(&scene, 11 + k)->state = transfers[i].states[k] == 'e'   ? STATE_ENABLED
                                                  : transfers[i].states[k] == 'g' ? STATE_DRAINING
                                                                                  : STATE_DISABLED;
        for (const char *c = transfers[i].down; *c; c++)
            scene_set_server_down(&scene, 10 + *c - '0', true);
        struct offer site = offer_of_one_site(&scene.inputs, scene_pool(&scene, "web"));
        CHECK_TEXT(site.ipv4, transfers[i].ipv4, "row %zu", i);
        CHECK_TEXT(site.ipv6, transfers[i].ipv6, "row %zu", i);
        scene_release(&scene);
    }
}

static const CU_TestInfo tests[] = {
    {"what is promised is given to every client", what_is_promised_is_given_to_every_client},
    {"the cases that caused trouble", the_cases_that_caused_trouble},
    {"a pin may lead where nobody else is sent", a_pin_may_lead_where_nobody_else_is_sent},
    {"a transfer has the addresses of one site", a_transfer_has_the_offer_of_one_site},
    CU_TEST_INFO_NULL,
};

const struct suite suite_without_client = {"without_client", tests};
