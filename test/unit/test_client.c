#include "core/balance/client.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "fixture.h"
#include "suites.h"

/* Settings of the pool, the question, and what the client is. */
struct client_row {
    const char *remote, *subnet;
    enum client_kind kind;
    uint8_t ipv4_bits, ipv6_bits;
    const char *key, *number; /* NULL: not known */
    unsigned scope_bits;
};

static void check_client(const struct client_row *row, const struct prefix_map *groups)
{
    struct pool pool = {.client = row->kind,
                        .ipv4_prefix_bits = row->ipv4_bits,
                        .ipv6_prefix_bits = row->ipv6_bits,
                        .persistence_pool = &pool};
    struct source source = source_of(row->remote, row->subnet);
    struct client client;
    char number[NUMBER_TEXT_MAX], network[PREFIX_TEXT_MAX];
    memset(&client, 0xff, sizeof client);
    client_identify(&source, &pool, groups, &client);
    CHECK_INTEGER(client.known, row->key != NULL, "%s %s", row->remote, row->subnet);
    CHECK_TEXT(client.key, row->key ? row->key : "", "%s %s", row->remote, row->subnet);
    CHECK_TEXT(number_format(client.number, number), row->number ? row->number : "0", "%s %s",
               row->remote, row->subnet);
    CHECK_INTEGER(client.scope_bits, row->scope_bits, "%s %s", row->remote, row->subnet);
    if (strncmp(client.key, "ecs:", 4) == 0)
        CHECK_TEXT(prefix_format(&client.network, network), client.key + 4, "its location");
    else if (client.known)
        CHECK(address_equal(&client.network.address, &source.remote), "%s: its location",
              row->remote);
}

static void check_all(const struct client_row *rows, size_t count)
{
    const struct prefix_map none = {0};
    for (size_t i = 0; i < count; i++)
        check_client(&rows[i], &none);
}

static void a_resolver_is_its_address_or_network(void)
{
    static const struct client_row rows[] = {
        {"192.0.2.10", NULL, CLIENT_LDNS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"192.0.2.10", NULL, CLIENT_LDNS, 24, 128, "192.0.2.0/24", "12582914", 1},
        {"192.0.2.10", NULL, CLIENT_LDNS, 25, 128, "192.0.2.0/25", "25165828", 1},
        {"192.0.2.10", NULL, CLIENT_LDNS, 0, 128, "0.0.0.0/0", "0", 1},
        {"192.0.2.10", NULL, CLIENT_LDNS, 1, 128, "128.0.0.0/1", "1", 1},
        {"192.0.2.10", NULL, CLIENT_LDNS, 31, 128, "192.0.2.10/31", "1610612997", 1},
        {"::ffff:192.0.2.10", NULL, CLIENT_LDNS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"::ffff:192.0.2.10", NULL, CLIENT_LDNS, 24, 56, "192.0.2.0/24", "12582914", 1},
        {"2001:db8::53", NULL, CLIENT_LDNS, 32, 128, "2001:db8::53",
         "42540766411282592856903984951653826643", 1},
        {"2001:db8:1:2::53", NULL, CLIENT_LDNS, 32, 56, "2001:db8:1::/56", "9008357687951616", 1},
        {"2001:db8:1:2::53", NULL, CLIENT_LDNS, 0, 128, "2001:db8:1:2::53",
         "42540766411283801819617087728247636051", 1},
        {"2001:db8:1:2::53", NULL, CLIENT_LDNS, 32, 64, "2001:db8:1:2::/64", "2306139568115613698",
         1},
        {"2001:db8::53", NULL, CLIENT_LDNS, 32, 0, "::/0", "0", 1},
        {"fe80::1%eth1", NULL, CLIENT_LDNS, 32, 128, "fe80::1",
         "338288524927261089654018896841347694593", 1},
        {"192.0.2.10", "198.51.100.0/24", CLIENT_LDNS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"192.0.2.10", "0.0.0.0/0", CLIENT_LDNS, 32, 128, "192.0.2.10", "3221225994", 1},
    };
    check_all(rows, COUNT(rows));
}

static void a_subnet_is_taken_where_the_pool_wants_it(void)
{
    static const struct client_row rows[] = {
        {"192.0.2.10", "198.51.100.0/24", CLIENT_ECS, 32, 128, "ecs:198.51.100.0/24", "12989284",
         24},
        {"192.0.2.10", "198.51.100.0/24", CLIENT_ECS, 24, 128, "ecs:198.51.100.0/24", "12989284",
         24},
        {"192.0.2.10", "198.51.100.0/24", CLIENT_ECS, 16, 128, "ecs:198.51.0.0/16", "50739", 16},
        {"192.0.2.10", "198.51.100.0/24", CLIENT_ECS, 0, 128, "ecs:0.0.0.0/0", "0", 1},
        {"192.0.2.10", "198.51.100.7/32", CLIENT_ECS, 32, 128, "ecs:198.51.100.7", "3325256711",
         32},
        {"192.0.2.10", "198.51.100.7/32", CLIENT_ECS, 24, 128, "ecs:198.51.100.0/24", "12989284",
         24},
        {"192.0.2.10", "128.0.0.0/1", CLIENT_ECS, 32, 128, "ecs:128.0.0.0/1", "1", 1},
        {"192.0.2.10", "2001:db8:7::/48", CLIENT_ECS, 32, 128, "ecs:2001:db8:7::/48",
         "35188897218567", 48},
        {"192.0.2.10", "2001:db8:7::/48", CLIENT_ECS, 32, 32, "ecs:2001:db8::/32", "536939960", 32},
        {"2001:db8::53", "198.51.100.0/24", CLIENT_ECS, 32, 128, "ecs:198.51.100.0/24", "12989284",
         24},
        {"2001:db8::53", "2001:db8::54/128", CLIENT_ECS, 32, 128, "ecs:2001:db8::54",
         "42540766411282592856903984951653826644", 128},
        {"192.0.2.10", "::ffff:198.51.100.0/120", CLIENT_ECS, 32, 128, "ecs:198.51.100.0/24",
         "12989284", 24},
        {NULL, "198.51.100.0/24", CLIENT_ECS, 32, 128, "ecs:198.51.100.0/24", "12989284", 24},
    };
    check_all(rows, COUNT(rows));
}

static void without_a_subnet_the_resolver_counts(void)
{
    static const struct client_row rows[] = {
        {"192.0.2.10", NULL, CLIENT_ECS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"192.0.2.10", "0.0.0.0/0", CLIENT_ECS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"192.0.2.10", "::/0", CLIENT_ECS, 24, 128, "192.0.2.0/24", "12582914", 1},
        {"192.0.2.10", "192.0.2.10/32", CLIENT_ECS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"192.0.2.10", "192.0.2.10/32", CLIENT_ECS, 24, 128, "192.0.2.0/24", "12582914", 1},
        {"192.0.2.10", "::ffff:192.0.2.10/128", CLIENT_ECS, 32, 128, "192.0.2.10", "3221225994", 1},
        {"2001:db8::53", "2001:db8::53/128", CLIENT_ECS, 32, 64, "2001:db8::/64",
         "2306139568115548160", 1},
        {"2001:db8::53", "::/0", CLIENT_ECS, 32, 128, "2001:db8::53",
         "42540766411282592856903984951653826643", 1},
    };
    check_all(rows, COUNT(rows));
}

static void nobody_may_ask(void)
{
    static const struct client_row rows[] = {
        {"0.0.0.0", NULL, CLIENT_LDNS, 32, 128, NULL, NULL, 1},
        {"0.0.0.0", "0.0.0.0/0", CLIENT_LDNS, 32, 128, NULL, NULL, 1},
        {"0.0.0.0", "0.0.0.0/0", CLIENT_ECS, 32, 128, NULL, NULL, 1},
        {"0.0.0.0", "198.51.100.0/24", CLIENT_ECS, 32, 128, NULL, NULL, 1},
        {"::", "::/0", CLIENT_ECS, 32, 128, NULL, NULL, 1},
        {"::ffff:0.0.0.0", NULL, CLIENT_LDNS, 32, 128, NULL, NULL, 1},
        {NULL, NULL, CLIENT_LDNS, 32, 128, NULL, NULL, 1},
        {NULL, "198.51.100.0/24", CLIENT_LDNS, 32, 128, NULL, NULL, 1},
        {NULL, "0.0.0.0/0", CLIENT_ECS, 32, 128, NULL, NULL, 1},
    };
    check_all(rows, COUNT(rows));
}

static void a_group_counts_by_its_name(void)
{
    static const struct client_row rows[] = {
        {"192.0.2.10", NULL, CLIENT_LDNS, 32, 128, "group:foobar", "9625390261332436968", 1},
        {"192.0.2.255", NULL, CLIENT_LDNS, 24, 128, "group:foobar", "9625390261332436968", 1},
        {"::ffff:192.0.2.10", NULL, CLIENT_LDNS, 0, 0, "group:foobar", "9625390261332436968", 1},
        {"192.0.2.77", NULL, CLIENT_LDNS, 32, 128, "group:a", "12638187200555641996", 1},
        {"192.0.3.0", NULL, CLIENT_LDNS, 32, 128, "192.0.3.0", "3221226240", 1},
        {"192.0.2.10", "0.0.0.0/0", CLIENT_ECS, 32, 128, "group:foobar", "9625390261332436968", 1},
        {"192.0.2.10", "198.51.100.0/24", CLIENT_ECS, 32, 128, "ecs:198.51.100.0/24", "12989284",
         24},
        {"192.0.3.1", "192.0.2.0/24", CLIENT_ECS, 32, 128, "ecs:192.0.2.0/24", "12582914", 24},
        {"2001:db8::53", NULL, CLIENT_LDNS, 32, 128, "group:foobar", "9625390261332436968", 1},
        {"0.0.0.0", NULL, CLIENT_LDNS, 32, 128, NULL, NULL, 1},
    };
    static const struct group_row groups[] = {{"192.0.2.0/24", "foobar"},
                                              {"192.0.2.77", "a"},
                                              {"2001:db8::/32", "foobar"},
                                              {"0.0.0.0", "nobody"},
                                              {.cidr = NULL}};
    struct snapshot *snapshot;
    if (!CHECK_INTEGER(rows_build(&(struct rows){.groups = groups}, &snapshot), 0, "groups"))
        return;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_client(&rows[i], &snapshot->groups);
    snapshot_free(snapshot);
}

static void the_longest_keys_fit(void)
{
    char name[GROUP_NAME_MAX];
    struct prefix_map groups = {0};
    struct prefix all = source_of(NULL, "0.0.0.0/0").subnet;
    struct pool pool = {.ipv4_prefix_bits = 32, .ipv6_prefix_bits = 128, .persistence_pool = &pool};
    struct source source = source_of("192.0.2.10", NULL);
    struct client client;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_INTEGER(prefix_map_add(&groups, &all, name), 0, "the group");
    prefix_map_seal(&groups);
    client_identify(&source, &pool, &groups, &client);
    CHECK_INTEGER((int64_t)strlen(client.key), 6 + GROUP_NAME_MAX - 1, "the longest group");
    CHECK_TEXT(client.key + 6, name, "the longest group");
    CHECK(client.number.high == 0 && client.number.low == text_hash(name), "its number");
    prefix_map_release(&groups);

    const char *longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127";
    source.subnet = source_of(NULL, longest).subnet;
    pool.client = CLIENT_ECS;
    client_identify(&source, &pool, &groups, &client);
    CHECK_TEXT(client.key, "ecs:ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", "the longest prefix");
}

static void the_settings_are_the_keepers(void)
{
    const struct prefix_map none = {0};
    struct pool persistence_pool = {.client = CLIENT_ECS,
                                    .ipv4_prefix_bits = 20,
                                    .ipv6_prefix_bits = 40,
                                    .persistence_pool = &persistence_pool};
    struct pool pool = {.client = CLIENT_LDNS,
                        .ipv4_prefix_bits = 32,
                        .ipv6_prefix_bits = 128,
                        .persistence_pool = &persistence_pool};
    struct source source = source_of("192.0.2.10", "198.51.100.0/24");
    struct client client;
    client_identify(&source, &pool, &none, &client);
    CHECK_TEXT(client.key, "ecs:198.51.96.0/20", "the persistence_pool wants the subnet");
    CHECK_INTEGER(client.scope_bits, 20, "the persistence_pool wants the subnet");
}

static void the_scope_is_never_zero_nor_wider_than_the_family(void)
{
    const struct prefix_map none = {0};
    for (unsigned i = 0; i < 33 * 33; i++) {
        struct pool pool = {.client = CLIENT_ECS,
                            .ipv4_prefix_bits = (uint8_t)(i / 33),
                            .ipv6_prefix_bits = (uint8_t)(i / 33 * 4),
                            .persistence_pool = &pool};
        struct client client;
        char subnet[PREFIX_TEXT_MAX];
        snprintf(subnet, sizeof subnet, "203.0.113.255/%u", i % 33);
        struct source source = source_of("192.0.2.10", subnet);
        client_identify(&source, &pool, &none, &client);
        CHECK(client.scope_bits >= 1 && client.scope_bits <= 32, "%s", subnet);
        snprintf(subnet, sizeof subnet, "2001:db8::ffff/%u", i % 33 * 4);
        source = source_of("192.0.2.10", subnet);
        client_identify(&source, &pool, &none, &client);
        CHECK(client.scope_bits >= 1 && client.scope_bits <= 128, "%s", subnet);
    }
}

static void a_key_that_no_client_has_is_told_from_others(void)
{
    static const struct {
        const char *key;
        enum client_kind kind;
        uint8_t ipv4_bits, ipv6_bits;
        bool matches;
    } rows[] = {
        {"192.0.2.1", CLIENT_LDNS, 32, 128, true},
        {"192.0.2.1", CLIENT_LDNS, 24, 128, false},
        {"192.0.2.0/24", CLIENT_LDNS, 24, 128, true},
        {"192.0.2.1/24", CLIENT_LDNS, 24, 128, false},
        {"192.0.2.0/24", CLIENT_LDNS, 32, 128, false},
        {"192.0.2.1/32", CLIENT_LDNS, 32, 128, false},
        {"2001:db8::53", CLIENT_LDNS, 32, 128, true},
        {"2001:DB8::53", CLIENT_LDNS, 32, 128, false},
        {"2001:db8:0:0::53", CLIENT_LDNS, 32, 128, false},
        {"2001:db8::/56", CLIENT_LDNS, 32, 56, true},
        {"garbage", CLIENT_LDNS, 32, 128, false},
        {"", CLIENT_LDNS, 32, 128, false},
        {"192.0.2.1", CLIENT_ECS, 32, 128, true},
        {"ecs:198.51.100.0/24", CLIENT_ECS, 32, 128, true},
        {"ecs:198.51.100.0/24", CLIENT_ECS, 16, 128, false},
        {"ecs:198.51.100.0/24", CLIENT_LDNS, 32, 128, false},
        {"ecs:198.51.100.7", CLIENT_ECS, 32, 128, true},
        {"ecs:198.51.100.7/24", CLIENT_ECS, 24, 128, false},
        {"group:metro", CLIENT_LDNS, 32, 128, true},
        {"group:Metro", CLIENT_LDNS, 32, 128, false},
        {"203.0.113.1", CLIENT_LDNS, 32, 128, false}, /* is of that group */
    };
    struct prefix_map groups = {0};
    struct prefix metro;
    prefix_parse("203.0.113.0/24", 14, &metro);
    CHECK_INTEGER(prefix_map_add(&groups, &metro, "metro"), 0, "prefix_map_add");
    prefix_map_seal(&groups);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool pool = {.client = rows[i].kind,
                            .ipv4_prefix_bits = rows[i].ipv4_bits,
                            .ipv6_prefix_bits = rows[i].ipv6_bits,
                            .persistence_pool = &pool};
        CHECK_INTEGER(client_key_can_match(rows[i].key, &pool, &groups), rows[i].matches,
                      "row %zu: %s", i, rows[i].key);
    }
    prefix_map_release(&groups);
}

static void add_group(struct prefix_map *groups, const char *text, const char *name)
{
    struct prefix prefix;
    prefix_parse(text, strlen(text), &prefix);
    CHECK_INTEGER(prefix_map_add(groups, &prefix, name), 0, "prefix_map_add %s", text);
}

/* The client of the source has the key again, wherever it can be the key of a client. */
static void a_source_is_found_for_every_key(void)
{
    static const struct {
        const char *key;
        enum client_kind kind;
        unsigned ipv4_bits, ipv6_bits;
    } rows[] = {
        {"192.0.2.53", CLIENT_LDNS, 32, 128},         {"192.0.2.0/24", CLIENT_LDNS, 24, 128},
        {"2001:db8::53", CLIENT_LDNS, 32, 128},       {"2001:db8::/48", CLIENT_LDNS, 32, 48},
        {"ecs:198.51.100.0/24", CLIENT_ECS, 24, 128}, {"ecs:198.51.100.7", CLIENT_ECS, 32, 128},
        {"ecs:2001:db8:5::/56", CLIENT_ECS, 32, 56},  {"group:metro", CLIENT_LDNS, 32, 128},
        {"group:hidden", CLIENT_LDNS, 32, 128},
    };
    struct prefix_map groups = {0};
    struct source source;
    add_group(&groups, "203.0.113.0/24", "metro");
    add_group(&groups, "203.0.113.0/25", "hidden"); /* and so are the first addresses of metro */
    add_group(&groups, "2001:db8:77::/48", "metro");
    prefix_map_seal(&groups);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool pool = {.client = rows[i].kind,
                            .ipv4_prefix_bits = (uint8_t)rows[i].ipv4_bits,
                            .ipv6_prefix_bits = (uint8_t)rows[i].ipv6_bits,
                            .persistence_pool = &pool};
        struct client client;
        if (!client_source(rows[i].key, &groups, &source)) {
            CHECK(false, "no source for %s", rows[i].key);
            continue;
        }
        client_identify(&source, &pool, &groups, &client);
        CHECK_TEXT(client.key, rows[i].key, "row %zu", i);
    }
    CHECK(!client_source("group:nobody", &groups, &source), "an unknown group");
    CHECK(!client_source("resolver", &groups, &source), "no address");
    prefix_map_release(&groups);
}

/* The number that methods calculate with is the one by which the client was identified. */
static void a_key_tells_the_number_of_its_client(void)
{
    static const struct {
        const char *remote, *subnet;
        uint8_t ipv4_bits;
        bool known;
    } rows[] = {
        {"192.0.2.77", NULL, 32, true},
        {"192.0.2.77", NULL, 24, true},
        {"2001:db8::53", NULL, 32, true},
        {"203.0.113.1", NULL, 32, true}, /* of the group */
        {"192.0.2.77", "198.51.100.0/24", 32, true},
        {NULL, NULL, 32, false},
    };
    struct prefix_map groups = {0};
    struct prefix metro;
    prefix_parse("203.0.113.0/24", 14, &metro);
    CHECK_INTEGER(prefix_map_add(&groups, &metro, "metro"), 0, "prefix_map_add");
    prefix_map_seal(&groups);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool pool = {.client = CLIENT_ECS,
                            .ipv4_prefix_bits = rows[i].ipv4_bits,
                            .ipv6_prefix_bits = 128,
                            .persistence_pool = &pool};
        struct source source = {0};
        struct client client, found;
        if (rows[i].remote)
            address_parse(rows[i].remote, strlen(rows[i].remote), &source.remote);
        if (rows[i].subnet)
            prefix_parse(rows[i].subnet, strlen(rows[i].subnet), &source.subnet);
        client_identify(&source, &pool, &groups, &client);
        client_of_key(rows[i].known ? client.key : "a word", &found);
        CHECK_INTEGER(found.known, rows[i].known, "row %zu", i);
        CHECK(memcmp(&found.number, &client.number, sizeof found.number) == 0, "row %zu", i);
        CHECK_TEXT(found.key, client.key, "row %zu", i);
    }
    prefix_map_release(&groups);
}

static const CU_TestInfo tests[] = {
    {"a source is found for every key", a_source_is_found_for_every_key},
    {"a key tells the number of its client", a_key_tells_the_number_of_its_client},
    {"a resolver is its address or its network", a_resolver_is_its_address_or_network},
    {"a client subnet is taken where the pool wants it", a_subnet_is_taken_where_the_pool_wants_it},
    {"without a subnet the resolver counts", without_a_subnet_the_resolver_counts},
    {"it may be that nobody asks", nobody_may_ask},
    {"a group counts by its name", a_group_counts_by_its_name},
    {"the longest keys fit", the_longest_keys_fit},
    {"the settings are the persistence_pool's", the_settings_are_the_keepers},
    {"a key that no client has is told from others", a_key_that_no_client_has_is_told_from_others},
    {"the scope is never 0 nor wider than the family",
     the_scope_is_never_zero_nor_wider_than_the_family},
    CU_TEST_INFO_NULL,
};

const struct suite suite_client = {"client", tests};
