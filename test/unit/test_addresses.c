/*
 * What clients are given where a site has lost one family of addresses: the rule of the header, row
 * by row, for clients with and without a mapping.
 */
#include "core/sticky/addresses.h"

#include <stdio.h>
#include <string.h>

#include "core/sticky/without_client.h"
#include "fixture.h"
#include "suites.h"

#define CLIENT SCENE_CLIENT
#define WEB 1

/* Three sites with a server each, one without IPv6, and a pool to fall back on. */
static const struct rows dual = {
    .controllers = (const struct controller_row[]){CONTROLLER(1, "ams"),
                                                   CONTROLLER(2, "fra"),
                                                   CONTROLLER(3, "nyc"),
                                                   CONTROLLER(4, "sorry"),
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"), POOL(2, "spare"), {.name = NULL}},
    .servers =
        (const struct virtual_server_row[]){SERVER(11, 1, 1, 1, "192.0.2.1", "2001:db8::1"),
                                            SERVER(12, 1, 2, 2, "192.0.2.2", "2001:db8::2"),
                                            SERVER(13, 1, 3, 3, "192.0.2.3", NULL),
                                            SERVER(21, 2, 4, 1, "192.0.2.21", "2001:db8::21"),
                                            {.state = NULL}},
};

/* Servers by their last digit: "14 16 2": addresses 4 and 6 of server 11, and server 12 as a whole.
 */
static void take_down(struct scene *scene, const char *down)
{
    for (; *down; down += strcspn(down, " "), down += strspn(down, " ")) {
        int64_t id = *down == 's' ? 21 : 10 + (*down - '0');
        if (down[1] == '4' || down[1] == '6')
            scene_set_address_down(scene, id, down[1] == '4' ? FAMILY_IPV4 : FAMILY_IPV6);
        else
            scene_set_server_down(scene, id, true);
    }
}

static const struct {
    const char *what;
    int64_t mapped; /* to this controller; 0: a new client, whom modulus sends to fra */
    const char *down;
    enum fallback fallback;
    bool spare; /* there is a fallback pool */
    const char *ipv4, *ipv6;
    bool ipv4_fails, ipv6_fails;
    int64_t controller; /* of the mapping afterwards */
} rows[] = {
    {"all up", 1, "", FALLBACK_NONE, false, "192.0.2.1", "2001:db8::1", false, false, 1},
    {"IPv6 is down", 1, "16", FALLBACK_NONE, false, "192.0.2.1", "2001:db8::2", false, false, 1},
    {"IPv4 is down, one other site has it", 1, "14 3", FALLBACK_NONE, false, "192.0.2.2",
     "2001:db8::1", false, false, 1},
    {"a new client", 0, "24 1", FALLBACK_NONE, false, "192.0.2.3", "2001:db8::2", false, false, 2},
    {"a new client, IPv6", 0, "26", FALLBACK_NONE, false, "192.0.2.2", "2001:db8::1", false, false,
     2},
    {"both down: the site is", 1, "14 16", FALLBACK_NONE, false, "192.0.2.2", "2001:db8::2", false,
     false, 2},
    {"a site that never had IPv6", 3, "", FALLBACK_NONE, false, "192.0.2.3", NULL, false, false, 3},
    {"it is down", 3, "34", FALLBACK_NONE, false, "192.0.2.2", "2001:db8::2", false, false, 2},
    {"no IPv4 anywhere, any", 1, "14 24 3", FALLBACK_ANY, false, "192.0.2.1", "2001:db8::1", false,
     false, 1},
    {"no IPv4 anywhere, none", 1, "14 24 3", FALLBACK_NONE, false, NULL, "2001:db8::1", false,
     false, 1},
    {"no IPv4 anywhere, servfail", 1, "14 24 3", FALLBACK_SERVFAIL, false, NULL, "2001:db8::1",
     true, false, 1},
    {"no IPv4 anywhere, a pool", 1, "14 24 3", FALLBACK_NONE, true, "192.0.2.21", "2001:db8::1",
     false, false, 1},
    {"no IPv4 there either: its fallback", 1, "14 24 3 s4", FALLBACK_SERVFAIL, true, "192.0.2.1",
     "2001:db8::1", false, false, 1},
    {"no IPv6 anywhere, none", 1, "16 26", FALLBACK_NONE, false, "192.0.2.1", NULL, false, false,
     1},
    {"no IPv6 anywhere, servfail", 0, "16 26", FALLBACK_SERVFAIL, false, "192.0.2.2", NULL, false,
     true, 2},
    {"everything down, any", 1, "1 2 3", FALLBACK_ANY, false, "192.0.2.1", "2001:db8::1", false,
     false, 1},
};

static void prepare(struct scene *scene, size_t row)
{
    scene_init(scene, &dual);
    scene_pool(scene, "web")->fallback = rows[row].fallback;
    if (rows[row].spare)
        scene_pool(scene, "web")->fallback_pool = scene_pool(scene, "spare");
    if (rows[row].mapped)
        scene_put_mapping(scene, WEB, rows[row].mapped, 10);
    take_down(scene, rows[row].down);
}

static void each_family_is_answered_by_the_rule(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        prepare(&scene, i);
        for (int again = 0; again < 2; again++) {
            struct assignment answer = scene_ask(&scene, "web", CLIENT);
            CHECK_TEXT(answer.offer.ipv4, rows[i].ipv4, "%s, A", rows[i].what);
            CHECK_TEXT(answer.offer.ipv6, rows[i].ipv6, "%s, AAAA", rows[i].what);
            CHECK_INTEGER(answer.ipv4_failed, rows[i].ipv4_fails, "%s, A", rows[i].what);
            CHECK_INTEGER(answer.ipv6_failed, rows[i].ipv6_fails, "%s, AAAA", rows[i].what);
        }
        const struct mapping *mapping = memory_table_get(&scene.table, WEB, CLIENT);
        CHECK_INTEGER(mapping ? mapping->controller_id : 0, rows[i].controller, "%s", rows[i].what);
        CHECK(scene.table.writes <= 1, "%s: it moves at most once", rows[i].what);
        CHECK(rows[i].controller != rows[i].mapped || scene.table.writes == 0, "%s: it stays",
              rows[i].what);
        scene_release(&scene);
    }
}

/* nyc has no IPv6, so AAAA is promised nowhere; without it, what one gets is promised to all. */
static void a_type_is_promised_if_every_site_gives_it(void)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene scene;
        struct common_offer common;
        prepare(&scene, i);
        scene_server(&scene, 13)->state = STATE_DISABLED;
        offer_common_to_all(&scene.inputs, scene_pool(&scene, "web"), &common);
        struct assignment answer = scene_ask(&scene, "web", CLIENT);
        CHECK_INTEGER(common.offer.ipv4 != NULL, answer.offer.ipv4 != NULL, "%s, A", rows[i].what);
        CHECK_INTEGER(common.offer.ipv6 != NULL, answer.offer.ipv6 != NULL, "%s, AAAA",
                      rows[i].what);
        scene_release(&scene);
    }
}

/* Clients of the site that lost IPv4 share out among the others; nobody else notices. */
static void the_others_take_its_clients_by_their_weights(void)
{
    size_t count, given[4];
    const struct method *const *methods = method_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct scene scene;
        char client[ADDRESS_TEXT_MAX];
        scene_init(&scene, &dual);
        scene.inputs.trace = NULL;
        scene_pool(&scene, "web")->method = methods[i];
        scene_server(&scene, 13)->weight = 0;
        scene_set_address_down(&scene, 11, FAMILY_IPV4);
        memset(given, 0, sizeof given);
        for (int n = 1; n < 100; n++) {
            struct mapping mapping = MAPPING(1, "", SCENE_NOW_S, 3600);
            strcpy(mapping.method, methods[i]->name);
            snprintf(client, sizeof client, "203.0.113.%d", n);
            memory_table_put(&scene.table, WEB, client, &mapping);
            struct assignment answer = scene_ask(&scene, "web", client);
            CHECK_TEXT(answer.offer.ipv6, "2001:db8::1", "%s, %s", methods[i]->name, client);
            if (CHECK(answer.offer.ipv4 != NULL, "%s, %s", methods[i]->name, client))
                given[answer.offer.ipv4[8] - '0']++;
        }
        CHECK_INTEGER((int64_t)given[1], 0, "%s: it is down", methods[i]->name);
        CHECK(given[2] > 0, "%s: fra", methods[i]->name);
        if (methods[i]->within == &method_rendezvous && methods[i]->by_weight)
            CHECK_INTEGER((int64_t)given[3], 0, "%s: nyc has no weight", methods[i]->name);
        CHECK_INTEGER((int64_t)scene.table.writes, 0, "%s: nobody's mapping", methods[i]->name);
        scene_release(&scene);
    }
}

/* While one site after another loses a family, only clients of its address move, in that family. */
static void only_clients_of_the_address_move(void)
{
    struct scene scene;
    struct assignment before[100];
    char client[ADDRESS_TEXT_MAX];
    scene_init(&scene, &dual);
    scene.inputs.trace = NULL;
    for (int n = 1; n < 100; n++) {
        snprintf(client, sizeof client, "203.0.113.%d", n);
        before[n] = scene_ask(&scene, "web", client);
    }
    scene_set_address_down(&scene, 12, FAMILY_IPV4);
    for (int n = 1; n < 100; n++) {
        snprintf(client, sizeof client, "203.0.113.%d", n);
        struct assignment after = scene_ask(&scene, "web", client);
        CHECK(after.server == before[n].server, "%s", client);
        CHECK_TEXT(after.offer.ipv6, before[n].offer.ipv6, "%s", client);
        if (before[n].server->id == 12)
            CHECK(strcmp(after.offer.ipv4, "192.0.2.2") != 0, "%s", client);
        else
            CHECK_TEXT(after.offer.ipv4, before[n].offer.ipv4, "%s", client);
    }
    scene_release(&scene);
}

static void another_server_of_the_site_comes_first(void)
{
    struct scene scene;
    scene_init(&scene, &dual);
    scene_server(&scene, 12)->controller = scene_controller(&scene, 1);
    scene_put_mapping(&scene, WEB, 1, 10);
    scene_set_address_down(&scene, 11, FAMILY_IPV4);
    scene_set_address_down(&scene, 12, FAMILY_IPV6);
    struct assignment answer = scene_ask(&scene, "web", CLIENT);
    CHECK_TEXT(answer.offer.ipv4, "192.0.2.2", "its other server has it");
    CHECK_TEXT(answer.offer.ipv6, "2001:db8::1", "and this one the other");
    scene_set_server_down(&scene, 12, true);
    answer = scene_ask(&scene, "web", CLIENT);
    CHECK_TEXT(answer.offer.ipv4, "192.0.2.3", "another site, when that is down");
    scene_release(&scene);
}

static void an_enabled_site_comes_before_one_that_drains(void)
{
    struct scene scene;
    scene_init(&scene, &dual);
    scene_put_mapping(&scene, WEB, 1, 10);
    scene_set_address_down(&scene, 11, FAMILY_IPV4);
    scene_server(&scene, 12)->state = STATE_DRAINING;
    CHECK_TEXT(scene_ask(&scene, "web", CLIENT).offer.ipv4, "192.0.2.3", "enabled");
    scene_server(&scene, 13)->state = STATE_DISABLED;
    CHECK_TEXT(scene_ask(&scene, "web", CLIENT).offer.ipv4, "192.0.2.2", "the only one, it drains");
    scene_release(&scene);
}

static void explain_names_the_address_and_why(void)
{
    struct scene scene;
    scene_init(&scene, &dual);
    scene_put_mapping(&scene, WEB, 1, 10);
    take_down(&scene, "14 2 34");
    scene_server(&scene, 13)->ipv6 = "2001:db8::3";
    scene_pool(&scene, "web")->fallback_pool = scene_pool(&scene, "spare");
    scene_ask(&scene, "web", CLIENT);
    const char *told = scene_told(&scene);
    CHECK(strstr(told, "192.0.2.1 is down; for A, among the servers of ams:\n") != NULL, "%s",
          told);
    CHECK(strstr(told, "is ams, position 1: 192.0.2.1 is down, struck from the list\n") != NULL,
          "%s", told);
    CHECK(strstr(told, "for A, among all servers of pool web:\n") != NULL, "%s", told);
    CHECK(strstr(told, "fallback for A: pool spare\n"
                       "for A, among all servers of pool spare:\n") != NULL,
          "%s", told);
    CHECK(strstr(told, "AAAA") == NULL, "%s", told);
    scene_release(&scene);
}

static const CU_TestInfo tests[] = {
    {"each family is answered by the rule", each_family_is_answered_by_the_rule},
    {"a type is promised if every site gives it", a_type_is_promised_if_every_site_gives_it},
    {"the other sites take its clients by their weights",
     the_others_take_its_clients_by_their_weights},
    {"only clients of the address move", only_clients_of_the_address_move},
    {"another server of the site comes first", another_server_of_the_site_comes_first},
    {"an enabled site comes before one that drains", an_enabled_site_comes_before_one_that_drains},
    {"explain names the address and why", explain_names_the_address_and_why},
    CU_TEST_INFO_NULL,
};

const struct suite suite_addresses = {"addresses", tests};
