#include <string.h>

#include "core/balance/location.h"
#include "core/balance/method.h"
#include "core/balance/topology.h"
#include "core/base/buffer.h"
#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

/* Four servers of the controllers 1 to 4, called c1 to c4; those that stand are picked by bits. */
#define SERVERS 4

static const struct controller controllers[SERVERS] = {{.id = 1, .name = "c1"},
                                                       {.id = 2, .name = "c2"},
                                                       {.id = 3, .name = "c3"},
                                                       {.id = 4, .name = "c4"}};

static const struct virtual_server servers[SERVERS] = {
    {.id = 11, .controller = &controllers[0], .position = 1, .weight = 1},
    {.id = 12, .controller = &controllers[1], .position = 2, .weight = 1},
    {.id = 13, .controller = &controllers[2], .position = 3, .weight = 1},
    {.id = 14, .controller = &controllers[3], .position = 4, .weight = 0},
};

static const struct topology_row example[] = {
    {.id = 1, .cidr = "10.0.0.0/8", .controller_id = 1, .preference = 10},
    {.id = 2, .cidr = "10.0.0.0/8", .controller_id = 2, .preference = 20},
    {.id = 3, .cidr = "10.1.0.0/16", .controller_id = 3, .preference = 10},
    {.id = 4, .cidr = "10.1.0.0/16", .controller_id = 9, .preference = 0},
    {.id = 5, .has_asn = true, .asn = 64500, .controller_id = 2, .preference = 10},
    {.id = 6, .country = "NL", .controller_id = 3, .preference = 10},
    {.id = 7, .continent = "EU", .controller_id = 1, .preference = 10},
    {.id = 8, .cidr = "192.0.2.0/24", .controller_id = 4, .preference = 10},
    {.id = 9, .cidr = "2001:db8::/32", .controller_id = 1, .preference = 10},
    {.id = 10, .cidr = "2001:db8::/32", .controller_id = 2, .preference = 10},
    {.id = 11, .cidr = "2001:db8::/32", .controller_id = 3, .preference = 11},
};

struct guide {
    struct location location;
    int asked;
};

static void locate(void *context, const struct address *address, struct location *ret_location)
{
    struct guide *guide = context;
    (void)address;
    guide->asked++;
    *ret_location = guide->location;
}

static struct topology *topology_of(const struct topology_row *rows, size_t count)
{
    struct topology_builder *builder = NULL;
    struct topology *topology = NULL;
    CHECK_INTEGER(topology_builder_new(&builder), 0, "new");
    for (size_t i = 0; i < count; i++)
        CHECK_INTEGER(topology_add(builder, &rows[i]), 0, "row %zu", i);
    CHECK_INTEGER(topology_builder_finish(builder, &topology), 0, "finish");
    topology_builder_free(builder);
    return topology;
}

/* Who stands: bit 0 for c1 and so on. Returns the name of the picked controller, or NULL. */
static const char *ask(const struct topology *topology, struct guide *guide, const char *remote,
                       unsigned standing, struct trace *trace)
{
    const struct virtual_server *stand[SERVERS];
    const struct pool pool = {.name = "web", .method = &method_topology};
    struct client client = {.known = remote != NULL, .network = network_of(remote)};
    const struct locator locator = {locate, guide};
    struct selection selection = {.pool = &pool,
                                  .client = &client,
                                  .servers = stand,
                                  .topology = topology,
                                  .locator = guide ? &locator : NULL,
                                  .trace = trace};
    client.number = prefix_number(&client.network);
    for (size_t i = 0; i < SERVERS; i++)
        if (standing >> i & 1)
            stand[selection.count++] = &servers[i];
    size_t index = method_topology.pick(&selection);
    if (index == METHOD_UNDECIDED)
        return NULL;
    CHECK(index < selection.count, "%s: %zu", remote, index);
    return index < selection.count ? stand[index]->controller->name : NULL;
}

#define ALL 15U
#define WITHOUT(n) (ALL & ~(1U << ((n) - 1)))

static void the_best_that_stands_is_picked(void)
{
    static const struct {
        const char *remote;
        unsigned standing;
        struct location location;
        const char *picked;
        int asked; /* how often the locator */
    } rows[] = {
        /* the longest network, whatever another prefers */
        {"10.1.2.3", ALL, {"NL", "EU", 64500}, "c3", 0},
        /* a subnet that does not lie in that one */
        {"10.0.0.0/15", ALL, {"NL", "EU", 64500}, "c1", 0},
        /* the next shorter one, by preference */
        {"10.1.2.3", WITHOUT(3), {"NL", "EU", 64500}, "c1", 0},
        {"10.2.2.3", ALL, {"NL", "EU", 64500}, "c1", 0},
        {"10.2.2.3", WITHOUT(1), {"NL", "EU", 64500}, "c2", 0},
        /* no network has any of those: autonomous system, country, continent */
        {"10.2.2.3", 12, {"NL", "EU", 64500}, "c3", 1},
        {"198.51.100.1", ALL, {"NL", "EU", 64500}, "c2", 1},
        {"198.51.100.1", WITHOUT(2), {"NL", "EU", 64500}, "c3", 1},
        {"198.51.100.1", 9, {"NL", "EU", 64500}, "c1", 1},
        {"198.51.100.1", 8, {"NL", "EU", 64500}, NULL, 1},
        {"198.51.100.1", ALL, {"NL", "EU", 0}, "c3", 1},
        {"198.51.100.1", ALL, {"DE", "EU", 64501}, "c1", 1},
        {"198.51.100.1", ALL, {"US", "NA", 64501}, NULL, 1},
        {"198.51.100.1", ALL, {"", "", 0}, NULL, 1},
        /* weight 0 and nobody else is named */
        {"192.0.2.7", ALL, {"", "", 0}, "c4", 0},
        {"192.0.2.7", WITHOUT(4), {"", "EU", 0}, "c1", 1},
        {NULL, ALL, {"NL", "EU", 64500}, NULL, 0},
    };
    struct topology *topology = topology_of(example, COUNT(example));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct guide guide = {rows[i].location, 0};
        CHECK_TEXT(ask(topology, &guide, rows[i].remote, rows[i].standing, NULL), rows[i].picked,
                   "row %zu", i);
        CHECK_INTEGER(guide.asked, rows[i].asked, "row %zu", i);
    }
    topology_free(topology);
}

static void without_what_it_goes_by_it_is_undecided(void)
{
    struct guide guide = {{"NL", "EU", 64500}, 0};
    struct topology *topology = topology_of(example, COUNT(example));
    struct topology *networks = topology_of(example, 4);
    CHECK_TEXT(ask(NULL, &guide, "10.1.2.3", ALL, NULL), NULL, "no topology");
    CHECK_TEXT(ask(topology, NULL, "198.51.100.1", ALL, NULL), NULL, "no locator");
    CHECK_TEXT(ask(topology, NULL, "10.1.2.3", ALL, NULL), "c3", "no locator needed");
    CHECK_TEXT(ask(networks, &guide, "198.51.100.1", ALL, NULL), NULL, "no countries");
    CHECK_INTEGER(guide.asked, 0, "the locator");
    topology_free(topology);
    topology_free(networks);
}

/* Among equals the client decides: about half each, and who had c1 keeps it when c2 goes. */
static void equal_preferences_share_the_clients(void)
{
    enum { CLIENTS = 4000 };
    struct topology *topology = topology_of(example, COUNT(example));
    int first = 0;
    for (int i = 0; i < CLIENTS; i++) {
        char remote[ADDRESS_TEXT_MAX];
        snprintf(remote, sizeof remote, "2001:db8:%x::53", i + 1);
        const char *picked = ask(topology, NULL, remote, ALL, NULL);
        CHECK(picked && strcmp(picked, "c3") != 0, "client %d", i);
        CHECK_TEXT(ask(topology, NULL, remote, ALL, NULL), picked, "client %d, again", i);
        if (!picked || strcmp(picked, "c1") != 0)
            continue;
        first++;
        CHECK_TEXT(ask(topology, NULL, remote, WITHOUT(2), NULL), "c1", "client %d", i);
        CHECK_TEXT(ask(topology, NULL, remote, WITHOUT(1), NULL), "c2", "client %d", i);
        CHECK_TEXT(ask(topology, NULL, remote, 12, NULL), "c3", "client %d", i);
    }
    CHECK(first > CLIENTS * 45 / 100 && first < CLIENTS * 55 / 100, "%d", first);
    topology_free(topology);
}

static void the_trace_tells_what_matched(void)
{
    static const struct {
        const char *remote;
        unsigned standing;
        const char *told;
    } rows[] = {
        {"10.1.2.3", WITHOUT(3),
         "network 10.1.0.0/16: names no candidate\n"
         "network 10.0.0.0/8: server 1, c1, preference 10\n"
         "network 10.0.0.0/8: server 2, c2, preference 20\n"
         "server 1, c1: weight 1, score "},
        {"198.51.100.1", 9,
         "location: country NL, continent EU, AS64500\n"
         "AS64500: names no candidate\n"
         "country NL: names no candidate\n"
         "continent EU: server 1, c1, preference 10\n"
         "server 1, c1: weight 1, score "},
        {"198.51.100.1", 8,
         "location: country NL, continent EU, AS64500\n"
         "AS64500: names no candidate\n"
         "country NL: names no candidate\n"
         "continent EU: names no candidate\n"
         "topology: no row decides for this client\n"},
        {NULL, ALL, "topology: no client, so no location\n"},
    };
    struct topology *topology = topology_of(example, COUNT(example));
    struct guide guide = {{"NL", "EU", 64500}, 0};
    struct buffer told = {0};
    struct trace trace = {.steps = NULL};
    for (size_t i = 0; i < COUNT(rows); i++) {
        trace_release(&trace);
        ask(topology, &guide, rows[i].remote, rows[i].standing, &trace);
        const char *text = steps_text(&trace, &told);
        CHECK(strncmp(text, rows[i].told, strlen(rows[i].told)) == 0, "row %zu: %s", i, text);
    }
    trace_release(&trace);
    ask(NULL, &guide, "10.1.2.3", ALL, &trace);
    CHECK_TEXT(steps_text(&trace, &told), "topology: not loaded\n", "no topology");
    trace_release(&trace);
    guide.location = (struct location){.asn = 0};
    ask(topology, &guide, "198.51.100.1", ALL, &trace);
    CHECK_TEXT(steps_text(&trace, &told),
               "location: country not known, continent not known, AS not known\n"
               "topology: no row decides for this client\n",
               "nowhere");
    trace_release(&trace);
    buffer_release(&told);
    topology_free(topology);
}

static void it_is_found_by_name(void)
{
    CHECK(method_find("topology") == &method_topology, "by name");
    CHECK(!method_topology.by_client && !method_topology.strikes_down, "what it is");
}

static void the_default_decides_what_nothing_else_does(void)
{
    static const struct topology_row rows[] = {
        {.id = 1, .country = "NL", .controller_id = 3, .preference = 10},
        {.id = 2, .controller_id = 1, .preference = 10},
        {.id = 3, .controller_id = 2, .preference = 20},
    };
    static const struct {
        const char *remote;
        unsigned standing;
        const char *country, *picked;
    } asked[] = {
        {"198.51.100.1", ALL, "NL", "c3"}, {"198.51.100.1", WITHOUT(3), "NL", "c1"},
        {"198.51.100.1", ALL, "DE", "c1"}, {"198.51.100.1", WITHOUT(1), "DE", "c2"},
        {"198.51.100.1", 12, "DE", NULL},  {NULL, ALL, "NL", "c1"},
        {NULL, WITHOUT(1), "NL", "c2"},
    };
    struct topology *topology = topology_of(rows, COUNT(rows));
    for (size_t i = 0; i < COUNT(asked); i++) {
        struct guide guide = {.asked = 0};
        strcpy(guide.location.country, asked[i].country);
        CHECK_TEXT(ask(topology, &guide, asked[i].remote, asked[i].standing, NULL), asked[i].picked,
                   "row %zu", i);
    }
    topology_free(topology);
}

static const CU_TestInfo tests[] = {
    {"it is found by name", it_is_found_by_name},
    {"the best that stands is picked", the_best_that_stands_is_picked},
    {"without what it goes by it is undecided", without_what_it_goes_by_it_is_undecided},
    {"equal preferences share the clients", equal_preferences_share_the_clients},
    {"the trace tells what matched", the_trace_tells_what_matched},
    {"the default decides what nothing else does", the_default_decides_what_nothing_else_does},
    CU_TEST_INFO_NULL,
};

const struct suite suite_method_topology = {"method_topology", tests};
