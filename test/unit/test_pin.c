/*
 * Which pin a client has: in a few plain cases, and on random pins against the rules, written down
 * a second time as a search through all rows.
 */
#include "core/balance/pin.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

#define NOW SCENE_NOW_S
#define WEB 1
#define API 2

/* Pool web has all three sites, pool api the first two. */
static const struct rows sites = {
    .controllers =
        (const struct controller_row[]){
            CONTROLLER(1, "ams"), CONTROLLER(2, "fra"), CONTROLLER(3, "nyc"), {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(WEB, "web"), POOL(API, "api"), {.name = NULL}},
    .servers = (const struct virtual_server_row[]){SERVER(11, WEB, 1, 1, "192.0.2.1", NULL),
                                                   SERVER(12, WEB, 2, 2, "192.0.2.2", NULL),
                                                   SERVER(13, WEB, 3, 3, "192.0.2.3", NULL),
                                                   SERVER(21, API, 1, 1, "192.0.2.4", NULL),
                                                   SERVER(22, API, 2, 2, "192.0.2.5", NULL),
                                                   {.state = NULL}},
    .groups = (const struct group_row[]){{"10.1.0.0/16", "office"},
                                         {"10.1.5.0/24", "lab"},
                                         {"2001:db8:ff::/48", "office"},
                                         {.cidr = NULL}},
};

static struct snapshot *build_pins(const struct pin_row *pins)
{
    struct rows rows = sites;
    struct snapshot *snapshot = NULL;
    rows.pins = pins;
    CHECK_INTEGER(rows_build(&rows, &snapshot), 0, "the snapshot");
    return snapshot;
}

static struct pool *pool_of(struct snapshot *snapshot, int64_t id)
{
    return &snapshot->pools[snapshot_pool(snapshot, id) - snapshot->pools];
}

/* The id of the pin, 0 for none. */
static int64_t find(const struct snapshot *snapshot, int64_t pool_id, const struct source *source,
                    int64_t now_s)
{
    struct client client;
    const struct pool *pool = snapshot_pool(snapshot, pool_id);
    client_identify(source, pool, &snapshot->groups, &client);
    const struct pin *pin = pins_find(&snapshot->pins, pool, &client, &snapshot->groups, now_s);
    return pin ? pin->id : 0;
}

static int64_t find_of(const struct snapshot *snapshot, int64_t pool_id, const char *remote,
                       const char *subnet)
{
    const struct source source = source_of(remote, subnet);
    return find(snapshot, pool_id, &source, NOW);
}

static const struct pin_row plain[] = {
    PIN(1, "192.0.2.0/24", NULL, WEB, 1),
    PIN(2, "192.0.2.64/26", NULL, WEB, 2),
    PIN(3, "192.0.2.0/24", NULL, 0, 2),
    PIN(4, "192.0.2.96/27", NULL, 0, 3), /* which has no server in api */
    PIN(5, "2001:db8::/32", NULL, API, 1),
    PIN(6, NULL, "office", WEB, 1),
    PIN(7, "10.1.0.0/16", NULL, 0, 2),
    PIN(8, "10.0.0.0/8", NULL, 0, 1),
    PIN(9, NULL, "lab", 0, 2),
    PIN(10, "10.1.5.64/26", NULL, WEB, 3),
    PIN(11, "203.0.113.53", NULL, WEB, 3),
    {12, "203.0.113.0/24", NULL, true, WEB, 1, true, NOW + 1, NULL},
    {13, "203.0.113.0/26", NULL, true, WEB, 2, true, NOW, NULL},
    {14, "198.51.100.0/24", NULL, true, WEB, 2, true, NOW - 5, NULL},
    PIN(15, "198.51.100.0/24", NULL, 0, 1),
    {.controller_id = 0},
};

static void the_longest_network_wins(void)
{
    static const struct {
        const char *what;
        int64_t pool;
        const char *remote, *subnet;
        int64_t pin;
    } rows[] = {
        {"a network", WEB, "192.0.2.1", NULL, 1},
        {"of the pool that is asked", API, "192.0.2.1", NULL, 3},
        {"a longer one", WEB, "192.0.2.65", NULL, 2},
        {"the longest, of all pools", WEB, "192.0.2.97", NULL, 4},
        {"not where its site has no server", API, "192.0.2.97", NULL, 3},
        {"none", WEB, "192.0.3.1", NULL, 0},
        {"of the other pool alone", WEB, "2001:db8::1", NULL, 0},
        {"IPv6", API, "2001:db8::1", NULL, 5},
        {"a mapped address is IPv4", WEB, "::ffff:192.0.2.1", NULL, 1},
        {"a group, where it is all", WEB, "2001:db8:ff::1", NULL, 6},
        {"a network before a group that is as long", WEB, "10.1.7.1", NULL, 7},
        {"a network that is shorter than the group's", API, "10.1.5.1", NULL, 9},
        {"the group of the longest row alone", WEB, "10.1.5.1", NULL, 9},
        {"a network that is longer than the group's", WEB, "10.1.5.65", NULL, 10},
        {"outside of the group", WEB, "10.2.0.1", NULL, 8},
        {"an address", WEB, "203.0.113.53", NULL, 11},
        {"one that will be over", WEB, "203.0.113.99", NULL, 12},
        {"beside a longer one that is over", WEB, "203.0.113.3", NULL, 12},
        {"over in the pool, not in all pools", WEB, "198.51.100.1", NULL, 15},
        {"no client", WEB, NULL, NULL, 0},
        {"no client, as PowerDNS puts it", WEB, "0.0.0.0", NULL, 0},
        {"a subnet that is not asked for", WEB, "192.0.2.1", "203.0.113.53/32", 1},
    };
    struct snapshot *snapshot = build_pins(plain);
    CHECK_INTEGER((int64_t)snapshot->problems.count, 0, "problems");
    CHECK_INTEGER((int64_t)snapshot->pins.count, 15, "pins");
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(find_of(snapshot, rows[i].pool, rows[i].remote, rows[i].subnet), rows[i].pin,
                      "%s", rows[i].what);
    snapshot_free(snapshot);
}

static void a_subnet_is_pinned_as_a_whole(void)
{
    static const struct {
        const char *what, *remote, *subnet;
        int64_t pin;
    } rows[] = {
        {"as long as the pin", "192.0.2.1", "203.0.113.0/24", 12},
        {"longer", "192.0.2.1", "203.0.113.128/25", 12},
        {"one address", "192.0.2.1", "203.0.113.53/32", 11},
        {"shorter: only a part is pinned", "192.0.2.1", "203.0.112.0/23", 0},
        {"part of it is pinned elsewhere", "192.0.2.1", "192.0.2.0/24", 1},
        {"none is reported: the resolver", "203.0.113.53", NULL, 11},
        {"of 0 bits: the resolver", "203.0.113.53", "0.0.0.0/0", 11},
        {"the resolver's group does not count", "10.1.5.1", "198.18.0.0/24", 0},
        {"a subnet of the group's network is not the group", "192.0.2.1", "10.1.5.0/24", 7},
    };
    struct snapshot *snapshot = build_pins(plain);
    pool_of(snapshot, WEB)->client = CLIENT_ECS;
    for (unsigned bits = 0; bits <= 32; bits += 8) {
        pool_of(snapshot, WEB)->ipv4_prefix_bits = (uint8_t)bits;
        for (size_t i = 0; i < COUNT(rows); i++)
            CHECK_INTEGER(find_of(snapshot, WEB, rows[i].remote, rows[i].subnet), rows[i].pin,
                          "%s, whatever the prefix: %u", rows[i].what, bits);
    }
    snapshot_free(snapshot);
}

static void the_scope_reaches_to_the_longest_pin(void)
{
    static const struct {
        const char *what, *remote, *subnet;
        unsigned prefix, scope;
    } rows[] = {
        {"no subnet", "198.18.0.1", NULL, 16, 1},
        {"the prefix of the pool is longer", "198.18.0.1", "198.18.7.0/24", 24, 24},
        {"a neighbour may be pinned", "198.18.0.1", "198.18.7.0/24", 16, 24},
        {"no more than was reported", "198.18.0.1", "198.18.7.0/28", 16, 28},
        {"no more than the longest pin", "198.18.0.1", "198.18.7.5/32", 16, 32},
        {"IPv6 apart", "198.18.0.1", "2001:db8:7::/56", 48, 48},
    };
    struct snapshot *snapshot = build_pins(plain);
    struct pool *pool = pool_of(snapshot, WEB);
    pool->client = CLIENT_ECS;
    CHECK_INTEGER(pool->longest_ipv4_pin_bits, 32, "IPv4");
    CHECK_INTEGER(pool->longest_ipv6_pin_bits, 0, "IPv6");
    CHECK_INTEGER(pool_of(snapshot, API)->longest_ipv4_pin_bits, 24, "IPv4 in api");
    CHECK_INTEGER(pool_of(snapshot, API)->longest_ipv6_pin_bits, 32, "IPv6 in api");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct client client;
        const struct source source = source_of(rows[i].remote, rows[i].subnet);
        pool->ipv4_prefix_bits = (uint8_t)(rows[i].prefix > 32 ? 32 : rows[i].prefix);
        pool->ipv6_prefix_bits = (uint8_t)rows[i].prefix;
        client_identify(&source, pool, &snapshot->groups, &client);
        CHECK_INTEGER(pins_scope_bits(pool, &client), rows[i].scope, "%s", rows[i].what);
    }
    pool->has_pins = false;
    const struct source source = source_of("198.18.0.1", "198.18.7.0/24");
    struct client client;
    pool->ipv4_prefix_bits = 16;
    client_identify(&source, pool, &snapshot->groups, &client);
    CHECK_INTEGER(pins_scope_bits(pool, &client), 16, "a pool without pins");
    snapshot_free(snapshot);
}

/* ---------------------------------------------------------------- at random */

static const char *const networks[] = {
    "10.0.0.0/8",    "10.1.0.0/16",      "10.1.5.0/24",        "10.1.5.64/26",     "10.1.5.66",
    "0.0.0.0/0",     "192.0.2.0/24",     "192.0.2.128/25",     "192.0.2.129/32",   "::/0",
    "2001:db8::/32", "2001:db8:ff::/48", "2001:db8:ff:1::/64", "2001:db8:ff:1::53"};
static const char *const clients[] = {
    "10.1.5.66/32",       "10.1.5.65/32",     "10.1.5.1/32",  "10.1.9.1/32",  "10.9.9.9/32",
    "192.0.2.129/32",     "192.0.2.130",      "192.0.2.1/32", "198.51.100.1", "2001:db8:ff:1::53",
    "2001:db8:ff:1::1",   "2001:db8:ff::1",   "2001:db8::1",  "fe80::1",      "10.1.5.64/26",
    "10.1.5.0/24",        "10.1.0.0/16",      "10.0.0.0/8",   "192.0.2.0/24", "192.0.2.128/25",
    "2001:db8:ff:1::/64", "2001:db8:ff::/56", "2001:db8::/32"};
static const char *const groups[] = {"office", "lab"};

#define PINS 40

static void make_up(struct pin_row *pins, uint64_t *seed)
{
    size_t count = random_below(seed, PINS);
    for (size_t i = 0; i < count; i++) {
        bool is_group = random_below(seed, 5) == 0;
        int64_t pool = (int64_t)random_below(seed, 3), site = 1 + (int64_t)random_below(seed, 3);
        pins[i] = (struct pin_row)PIN((int64_t)i + 1, NULL, NULL, pool, site);
        if (is_group)
            pins[i].group = groups[random_below(seed, COUNT(groups))];
        else
            pins[i].network = networks[random_below(seed, COUNT(networks))];
        pins[i].has_until = random_below(seed, 2);
        pins[i].until_s = NOW - 1 + (int64_t)random_below(seed, 4);
    }
    pins[count].controller_id = 0;
}

/* As the schema and the builder have it: api has no server of controller 3. */
static bool is_usable(const struct pin_row *pins, size_t index)
{
    const struct pin_row *pin = &pins[index];
    if (pin->pool_id == API && pin->controller_id == 3)
        return false;
    for (size_t i = 0; i < index; i++) {
        const struct pin_row *before = &pins[i];
        bool is_same = before->pool_id == pin->pool_id && !before->group == !pin->group &&
                       (pin->group ? strcmp(before->group, pin->group) == 0
                                   : strcmp(before->network, pin->network) == 0);
        if (is_same && is_usable(pins, i))
            return false;
    }
    return true;
}

/* How far a pin is for a client: a number that is greater for the one that comes first; 0: not. */
static unsigned rank(const struct pin_row *pin, const struct prefix *client, const char *group,
                     unsigned group_bits)
{
    struct prefix network = {.bits = 0};
    if (!pin->group)
        network = network_of(pin->network);
    if (pin->group ? !group || strcmp(group, pin->group) != 0
                   : network.bits > client->bits || !prefix_contains(&network, &client->address))
        return 0;
    unsigned bits = pin->group ? group_bits : network.bits;
    return 1 + 4 * bits + (pin->group ? 0 : 2) + (pin->has_pool ? 1 : 0);
}

static int64_t find_slowly(const struct pin_row *pins, int64_t pool, const struct prefix *client,
                           bool is_subnet, int64_t now_s)
{
    const char *group = NULL;
    unsigned best = 0, group_bits = 0;
    int64_t found = 0;
    for (const struct group_row *row = sites.groups; !is_subnet && row->cidr; row++) {
        const struct prefix network = network_of(row->cidr);
        if (prefix_contains(&network, &client->address) && (!group || network.bits > group_bits)) {
            group = row->name;
            group_bits = network.bits;
        }
    }
    for (size_t i = 0; pins[i].controller_id; i++) {
        const struct pin_row *pin = &pins[i];
        unsigned here = rank(pin, client, group, group_bits);
        if (here <= best || !is_usable(pins, i) || (pin->has_until && pin->until_s <= now_s) ||
            (pin->has_pool && pin->pool_id != pool) || (pool == API && pin->controller_id == 3))
            continue;
        best = here;
        found = pin->id;
    }
    return found;
}

static void any_pins_are_found_by_these_rules(void)
{
    enum { CASES = 3000 };
    uint64_t seed = 5;
    size_t found = 0, none = 0;
    for (size_t i = 0; i < CASES; i++) {
        struct pin_row pins[PINS + 1];
        make_up(pins, &seed);
        struct snapshot *snapshot = build_pins(pins);
        bool is_ecs = random_below(&seed, 2);
        for (int64_t id = WEB; id <= API; id++) {
            pool_of(snapshot, id)->client = is_ecs ? CLIENT_ECS : CLIENT_LDNS;
            pool_of(snapshot, id)->ipv4_prefix_bits = (uint8_t)random_below(&seed, 33);
        }
        for (size_t k = 0; k < COUNT(clients); k++) {
            const struct prefix client = network_of(clients[k]);
            int64_t pool = 1 + (int64_t)random_below(&seed, 2), now_s = NOW + (int64_t)(k % 3);
            if (!is_ecs && client.bits < family_bits(client.address.family))
                continue;
            const struct source source = {
                .remote = is_ecs ? address_of("198.18.0.1") : client.address, .subnet = client};
            int64_t expected = find_slowly(pins, pool, &client, is_ecs, now_s);
            CHECK_INTEGER(find(snapshot, pool, &source, now_s), expected, "case %zu, %s in %d", i,
                          clients[k], (int)pool);
            *(expected ? &found : &none) += 1;
        }
        snapshot_free(snapshot);
    }
    CHECK(found > CASES * 3 && none > CASES * 3, "%zu, %zu", found, none);
}

static void pins_have_a_text(void)
{
    char text[PIN_TEXT_MAX], longest[GROUP_NAME_MAX];
    memset(longest, 'x', GROUP_NAME_MAX - 1);
    longest[GROUP_NAME_MAX - 1] = '\0';
    CHECK_TEXT(pin_format(&(struct pin){.network = network_of("2001:db8::/32")}, text),
               "2001:db8::/32", "a network");
    CHECK_TEXT(pin_format(&(struct pin){.network = network_of("192.0.2.1/32")}, text), "192.0.2.1",
               "an address");
    CHECK_TEXT(pin_format(&(struct pin){.group = longest}, text) + 6, longest, "a group");
}

static const CU_TestInfo tests[] = {
    {"the longest network wins", the_longest_network_wins},
    {"a subnet is pinned as a whole", a_subnet_is_pinned_as_a_whole},
    {"the scope reaches to the longest pin", the_scope_reaches_to_the_longest_pin},
    {"any pins are found by these rules", any_pins_are_found_by_these_rules},
    {"pins have a text", pins_have_a_text},
    CU_TEST_INFO_NULL,
};

const struct suite suite_pin = {"pin", tests};
