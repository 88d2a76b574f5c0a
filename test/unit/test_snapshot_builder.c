#include "core/configuration/snapshot_builder.h"

#include <stdio.h>
#include <string.h>

#include "core/balance/method.h"
#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

#define SOA "ns.example.com hostmaster.example.com 1 2 3 4 5"
#define APEX RECORD(1, 1, "example.com", "SOA", SOA)
#define EXAMPLE_ZONE                                                                               \
    (const struct zone_row[])                                                                      \
    {                                                                                              \
        {1, "example.com"},                                                                        \
        {                                                                                          \
            .name = NULL                                                                           \
        }                                                                                          \
    }

static struct snapshot *build(const struct rows *rows)
{
    struct snapshot *snapshot = NULL;
    CHECK_INTEGER(rows_build(rows, &snapshot), 0, "the snapshot");
    return snapshot;
}

static void check_problem(const struct snapshot *snapshot, const char *sentence)
{
    const struct problems *problems = &snapshot->problems;
    CHECK(snapshot_has_problem(snapshot, sentence), "%s; the first of %zu is: %s", sentence,
          problems->count, problems->count ? problems->lines[0] : "");
}

/* Rows, the one sentence about them, and how many of a kind are left. */
struct problem_row {
    struct rows rows;
    const char *sentence;
    size_t left;
};

static void good_rows_bring_no_problem(void)
{
    const struct rows rows = {
        .zones = EXAMPLE_ZONE,
        .records = (const struct record_row[]){APEX,
                                               RECORD(2, 0, "shop.example.net", "MX", "1 ."),
                                               RECORD(3, 1, "www.example.com", "TXT", "\"x\""),
                                               {.name = NULL}},
        .controllers = (const struct controller_row[]){CONTROLLER(1, "paris"), {.name = NULL}},
        .pools = (const struct pool_row[]){POOL(1, "web"), {.name = NULL}},
        .servers =
            (const struct virtual_server_row[]){
                SERVER(1, 1, 1, 1, "::ffff:192.0.2.1", "2001:DB8:0::1"), {.state = NULL}},
        .balanced = (const struct balanced_name_row[]){{"www.example.com", 1},
                                                       {"shop.example.net", 1},
                                                       {.name = NULL}},
        .groups = (const struct group_row[]){{"192.0.2.0/24", "metro"}, {.cidr = NULL}},
        .settings = (const struct setting_row[]){{"sweep_batch", 77}, {.name = NULL}},
    };
    struct snapshot *snapshot = build(&rows);
    CHECK_INTEGER((int64_t)snapshot->problems.count, 0, "problems");
    CHECK_INTEGER(snapshot->settings.sweep_batch, 77, "the setting");
    CHECK_TEXT(snapshot->servers[0].ipv6, "2001:DB8:0::1", "the address as it was written");
    CHECK_TEXT(snapshot->servers[0].ipv4, "192.0.2.1", "the address that was mapped");
    CHECK(snapshot->pools[0].persistence_pool == &snapshot->pools[0], "its own persistence_pool");
    CHECK(snapshot->pools[0].method == &method_modulus, "the method");
    snapshot_free(snapshot);
}

static void zones_that_cannot_be_used(void)
{
    const struct problem_row rows[] = {
        {{.zones = (const struct zone_row[]){{0, "example.com"}, {.name = NULL}}},
         "zone example.com: id 0 is not 1..2147483647",
         0},
        {{.zones = (const struct zone_row[]){{2147483648, "example.com"}, {.name = NULL}}},
         "zone example.com: id 2147483648 is not 1..2147483647",
         0},
        {{.zones = (const struct zone_row[]){{1, "example..com"}, {.name = NULL}}},
         "zone example..com: not a domain name",
         0},
        {{.zones = (const struct zone_row[]){{1, ""}, {.name = NULL}}},
         "zone : not a domain name",
         0},
        {{.zones =
              (const struct zone_row[]){{1, "example.com"}, {2, "EXAMPLE.com."}, {.name = NULL}}},
         "zone example.com: exists twice",
         2},
        {{.zones = EXAMPLE_ZONE},
         "zone example.com: has no usable SOA record, so PowerDNS will not find it",
         1},
        {{.zones = EXAMPLE_ZONE,
          .records = (const struct record_row[]){RECORD(1, 1, "www.example.com", "SOA", SOA),
                                                 {.name = NULL}}},
         "zone example.com: has no usable SOA record, so PowerDNS will not find it",
         1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct snapshot *snapshot = build(&rows[i].rows);
        check_problem(snapshot, rows[i].sentence);
        CHECK_INTEGER((int64_t)snapshot->zone_count, (int64_t)rows[i].left, "row %zu", i);
        snapshot_free(snapshot);
    }
}

static void zone_ids_reach_from_1_to_what_powerdns_holds(void)
{
    const struct zone_row zones[] = {
        {1, "example.com"}, {INT32_MAX, "example.net"}, {.name = NULL}};
    struct snapshot *snapshot = build(&(struct rows){.zones = zones});
    CHECK_INTEGER((int64_t)snapshot->zone_count, 2, "both");
    snapshot_free(snapshot);
}

static const struct {
    struct record_row row;
    const char *sentence;
} bad_records[] = {
    {RECORD(9, 1, "www..com", "A", "192.0.2.1"), "record 9: www..com is not a domain name"},
    {RECORD(9, 1, "a.example.com", "A", "x"),
     "record 9 (a.example.com A): A: field 1 should be the IPv4 address"},
    {{9, true, 1, "a.example.com", "A", "192.0.2.1", -1},
     "record 9 (a.example.com A): ttl -1 is out of range"},
    {{9, true, 1, "a.example.com", "A", "192.0.2.1", 2147483648},
     "record 9 (a.example.com A): ttl 2147483648 is out of range"},
    {RECORD(9, 5, "a.example.com", "A", "192.0.2.1"),
     "record 9 (a.example.com A): its zone does not exist or cannot be used"},
    {RECORD(9, 1, "a.example.net", "A", "192.0.2.1"),
     "record 9 (a.example.net A): is outside its zone"},
    {RECORD(9, 1, "com", "A", "192.0.2.1"), "record 9 (com A): is outside its zone"},
    {RECORD(9, 1, "badexample.com", "A", "192.0.2.1"),
     "record 9 (badexample.com A): is outside its zone"},
    {RECORD(9, 0, "a.example.net", "A", "192.0.2.1"),
     "record 9 (a.example.net A): has no zone, and its name is not balanced"},
    {RECORD(9, 0, "www.example.com", "MX", "1 ."),
     "record 9 (www.example.com MX): has no zone, but its name is in a zone of this database"},
    {RECORD(9, 1, "www.example.com", "A", "192.0.2.1"),
     "record 9 (www.example.com A): belongs to a balanced name, whose addresses come from its "
     "pool"},
    {RECORD(9, 1, "www.example.com", "AAAA", "::1"),
     "record 9 (www.example.com AAAA): belongs to a balanced name, whose addresses come from "
     "its "
     "pool"},
    {RECORD(9, 1, "www.example.com", "CNAME", "x"),
     "record 9 (www.example.com CNAME): belongs to a balanced name, whose addresses come from "
     "its pool"},
};

static void records_that_cannot_be_used(void)
{
    for (size_t i = 0; i < COUNT(bad_records); i++) {
        const struct record_row records[] = {APEX, bad_records[i].row, {.name = NULL}};
        struct rows all = three_sites;
        all.zones = EXAMPLE_ZONE;
        all.records = records;
        all.balanced = (const struct balanced_name_row[]){{"www.example.com", 1}, {.name = NULL}};
        struct snapshot *snapshot = build(&all);
        check_problem(snapshot, bad_records[i].sentence);
        CHECK_INTEGER((int64_t)snapshot->problems.count, 1, "row %zu", i);
        size_t left = 0;
        for (size_t k = 0; k < snapshot->name_count; k++)
            left += snapshot->names[k].record_count;
        CHECK_INTEGER((int64_t)left, 1, "row %zu", i);
        snapshot_free(snapshot);
    }
}

static void ttls_reach_from_0_to_what_the_wire_holds(void)
{
    static const int64_t ttls[] = {0, 1, INT32_MAX};
    for (size_t i = 0; i < COUNT(ttls); i++) {
        const struct record_row records[] = {
            APEX, {2, true, 1, "a.example.com", "A", "192.0.2.1", ttls[i]}, {.name = NULL}};
        struct snapshot *snapshot =
            build(&(struct rows){.zones = EXAMPLE_ZONE, .records = records});
        CHECK_INTEGER((int64_t)snapshot->problems.count, 0, "ttl %lld", (long long)ttls[i]);
        CHECK_INTEGER(snapshot->names[1].records[0].ttl_s, ttls[i], "ttl %lld", (long long)ttls[i]);
        snapshot_free(snapshot);
    }
}

static void contents_lose_the_spaces_around_them(void)
{
    const struct record_row records[] = {
        APEX, RECORD(2, 1, "example.com", "MX", "  10  a.b  "), {.name = NULL}};
    struct snapshot *snapshot = build(&(struct rows){.zones = EXAMPLE_ZONE, .records = records});
    CHECK_TEXT(snapshot->names[0].records[1].content, "10  a.b", "an MX");
    snapshot_free(snapshot);
}

static const struct {
    struct pool_row row;
    const char *sentence;
} bad_pools[] = {
    {{5, "p", "magic", 30, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL, 20,
      "stay", 300},
     "pool p: unknown method magic"},
    {{5, "p", "modulus", -1, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: ttl cannot be used"},
    {{5, "p", "modulus", 2147483648, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL,
      NULL, 20, "stay", 300},
     "pool p: ttl cannot be used"},
    {{5, "p", "modulus", 30, -1, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: persistence_ttl cannot be used"},
    {{5, "p", "modulus", 30, INT64_MAX, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL,
      NULL, 20, "stay", 300},
     "pool p: persistence_ttl cannot be used"},
    {{5, "p", "modulus", 30, 60, "never", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: persistence_timer cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "user", 32, 128, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: client cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 33, 128, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: ipv4_prefix cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", -1, 128, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: ipv4_prefix cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 129, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: ipv6_prefix cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 256, "any", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: ipv6_prefix cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, -1, "any", false, 0, NULL, NULL, 20,
      "stay", 300},
     "pool p: ipv6_prefix cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 128, "all", false, 0, NULL, NULL,
      20, "stay", 300},
     "pool p: fallback cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      -1, "stay", 300},
     "pool p: tolerance cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      1001, "stay", 300},
     "pool p: tolerance cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      20, "Stay", 300},
     "pool p: failback cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      20, "delayed", -1},
     "pool p: failback_delay cannot be used"},
    {{5, "p", "modulus", 30, 60, "fixed", false, 0, "ldns", 32, 128, "any", false, 0, NULL, NULL,
      20, "delayed", INT64_C(1) << 31},
     "pool p: failback_delay cannot be used"},
};

static void pools_that_cannot_be_used(void)
{
    for (size_t i = 0; i < COUNT(bad_pools); i++) {
        const struct pool_row pools[] = {bad_pools[i].row, POOL(1, "web"), {.name = NULL}};
        struct rows all = three_sites;
        all.pools = pools;
        all.servers = (const struct virtual_server_row[]){SERVER(1, 1, 1, 1, "192.0.2.1", NULL),
                                                          {.state = NULL}};
        all.balanced = (const struct balanced_name_row[]){
            {"good.example.net", 1}, {"bad.example.net", 5}, {.name = NULL}};
        struct snapshot *snapshot = build(&all);
        check_problem(snapshot, bad_pools[i].sentence);
        check_problem(snapshot,
                      "balanced_name bad.example.net: pool 5 does not exist or cannot be used");
        CHECK_INTEGER((int64_t)snapshot->problems.count, 2, "row %zu", i);
        CHECK_INTEGER((int64_t)snapshot->pool_count, 1, "row %zu", i);
        CHECK(!snapshot->names[0].pool && snapshot->names[0].balanced, "row %zu", i);
        CHECK(snapshot->names[1].pool == snapshot->pools, "row %zu", i);
        snapshot_free(snapshot);
    }
}

#define LONG_NAME "a-name-that-is-longer-than-32-bytes"

/* The pool stays, with what can be used of its chain. */
static void chains_that_cannot_be_used_whole(void)
{
    static const struct {
        const char *method, *alternate, *metric, *sentence, *kept_alternate, *kept_metric;
    } rows[] = {
        {"modulus", NULL, NULL, NULL, NULL, NULL},
        {"modulus", "rendezvous", NULL, NULL, "rendezvous", NULL},
        {"least", "rtt", "cpu", NULL, "rtt", "cpu"},
        {"rtt", "least", "cpu", NULL, "least", "cpu"},
        {"modulus", "magic", NULL, "pool p: unknown alternate_method magic", NULL, NULL},
        {"modulus", "", "cpu", "pool p: unknown alternate_method ", NULL, "cpu"},
        {"rtt", "least", NULL, "pool p: alternate_method least needs a metric", "least", NULL},
        {"least", NULL, NULL, "pool p: method least needs a metric", NULL, NULL},
        {"least", "rtt", LONG_NAME, "pool p: method least needs a metric", "rtt", NULL},
        {"modulus", NULL, LONG_NAME, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool_row pool = POOL(1, "p");
        pool.method = rows[i].method;
        pool.alternate_method = rows[i].alternate;
        pool.metric = rows[i].metric;
        struct rows all = three_sites;
        all.pools = (const struct pool_row[]){pool, POOL(2, "spare"), {.name = NULL}};
        struct snapshot *snapshot = build(&all);
        if (rows[i].sentence)
            check_problem(snapshot, rows[i].sentence);
        CHECK_INTEGER((int64_t)snapshot->problems.count, rows[i].sentence != NULL, "row %zu", i);
        const struct pool *made = snapshot_pool(snapshot, 1);
        CHECK_TEXT(made->method->name, rows[i].method, "row %zu", i);
        CHECK_TEXT(made->metric, rows[i].kept_metric, "row %zu", i);
        CHECK_TEXT(made->alternate ? made->alternate->name : NULL, rows[i].kept_alternate,
                   "row %zu", i);
        snapshot_free(snapshot);
    }
}

static void methods_by_weight_want_a_weight(void)
{
    static const struct {
        const char *method, *alternate;
        int64_t weights[2];
        const char *sentence;
    } rows[] = {
        {"ratio", NULL, {0, 1}, NULL},
        {"ratio", NULL, {0, 0}, "method ratio"},
        {"rendezvous", NULL, {0, 0}, "method rendezvous"},
        {"failover", "ratio", {0, 0}, "alternate_method ratio"},
        {"failover", "modulus", {0, 0}, NULL},
        {"failover", NULL, {0, 0}, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool_row pool = POOL(1, "p");
        struct virtual_server_row servers[] = {SERVER(1, 1, 1, 1, "192.0.2.1", NULL),
                                               SERVER(2, 1, 2, 2, "192.0.2.2", NULL),
                                               {.state = NULL}};
        char sentence[128];
        pool.method = rows[i].method;
        pool.alternate_method = rows[i].alternate;
        servers[0].weight = rows[i].weights[0];
        servers[1].weight = rows[i].weights[1];
        struct rows all = three_sites;
        all.pools = (const struct pool_row[]){pool, {.name = NULL}};
        all.servers = servers;
        struct snapshot *snapshot = build(&all);
        snprintf(sentence, sizeof sentence,
                 "pool p: %s needs a virtual server with a weight above 0",
                 rows[i].sentence ? rows[i].sentence : "");
        CHECK_INTEGER(snapshot_has_problem(snapshot, sentence), rows[i].sentence != NULL, "row %zu",
                      i);
        CHECK_INTEGER((int64_t)snapshot->problems.count, rows[i].sentence != NULL, "row %zu", i);
        snapshot_free(snapshot);
    }
}

static void servers_that_cannot_be_used(void)
{
    static const struct {
        struct virtual_server_row row;
        const char *sentence;
    } rows[] = {
        {{9, 1, 1, 1, NULL, NULL, "enabled", 1, NULL}, "virtual_server 9: has no address"},
        {{9, 1, 1, 1, "192.0.2", NULL, "enabled", 1, NULL},
         "virtual_server 9: 192.0.2 is not an IPv4 address"},
        {{9, 1, 1, 1, "::1", NULL, "enabled", 1, NULL},
         "virtual_server 9: ::1 is not an IPv4 address"},
        {{9, 1, 1, 1, "192.0.2.1", "192.0.2.1", "enabled", 1, NULL},
         "virtual_server 9: 192.0.2.1 is not an IPv6 address"},
        {{9, 1, 1, 1, NULL, "fe80::1%eth0", "enabled", 1, NULL},
         "virtual_server 9: fe80::1%eth0 is not an IPv6 address"},
        {{9, 1, 1, 1, NULL, "::ffff:192.0.2.1", "enabled", 1, NULL},
         "virtual_server 9: ::ffff:192.0.2.1 is not an IPv6 address"},
        {{9, 1, 1, 1, "", NULL, "enabled", 1, NULL}, "virtual_server 9:  is not an IPv4 address"},
        {{9, 1, 1, 1, "192.0.2.1", NULL, "on", 1, NULL}, "virtual_server 9: unknown state on"},
        {{9, 1, 1, 1, "192.0.2.1", NULL, "enabled", -1, NULL},
         "virtual_server 9: weight -1 is not 0..65535"},
        {{9, 1, 1, 1, "192.0.2.1", NULL, "enabled", 65536, NULL},
         "virtual_server 9: weight 65536 is not 0..65535"},
        {{9, 1, 1, 1, "192.0.2.1", NULL, "enabled", 1, "lb.cloud.example"},
         "virtual_server 9: has an address beside its name"},
        {{9, 1, 1, 1, NULL, NULL, "enabled", 1, "lb..cloud.example"},
         "virtual_server 9: lb..cloud.example is not a host name"},
        {{9, 1, 1, 1, NULL, NULL, "enabled", 1, "."}, "virtual_server 9: . is not a host name"},
        {{9, 1, 1, 3, NULL, NULL, "enabled", 1, "lb.cloud.example"},
         "virtual_server 9: the servers of pool web before it have addresses"},
        {{9, 77, 1, 1, "192.0.2.1", NULL, "enabled", 1, NULL},
         "virtual_server 9: pool 77 does not exist or cannot be used"},
        {{9, 1, 77, 1, "192.0.2.1", NULL, "enabled", 1, NULL},
         "virtual_server 9: controller 77 does not exist or cannot be used"},
        {{9, 1, 5, 1, "192.0.2.1", NULL, "enabled", 1, NULL},
         "virtual_server 9: controller 5 does not exist or cannot be used"},
    };
    static const struct controller_row controllers[] = {
        CONTROLLER(1, "paris"), {5, "rome", NULL, "closed"}, {.name = NULL}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct virtual_server_row servers[] = {
            rows[i].row, SERVER(1, 1, 1, 2, "192.0.2.7", NULL), {.state = NULL}};
        const struct pool_row pools[] = {POOL(1, "web"), {.name = NULL}};
        struct snapshot *snapshot =
            build(&(struct rows){.controllers = controllers, .pools = pools, .servers = servers});
        check_problem(snapshot, rows[i].sentence);
        check_problem(snapshot, "controller rome: unknown state closed");
        CHECK_INTEGER((int64_t)snapshot->problems.count, 2, "row %zu", i);
        CHECK_INTEGER((int64_t)snapshot->server_count, 1, "row %zu", i);
        CHECK_INTEGER((int64_t)snapshot->pools[0].server_count, 1, "row %zu", i);
        snapshot_free(snapshot);
    }
}

/* Pools 1 to 4 fall back on one another: names, none, addresses, and names again. */
static void a_chain_of_pools_has_addresses_or_names(void)
{
    static const struct virtual_server_row servers[] = {NAMED(1, 1, 1, 1, "lb.cloud.example"),
                                                        SERVER(3, 3, 1, 1, "192.0.2.3", NULL),
                                                        NAMED(4, 4, 1, 1, "lb.cloud.example."),
                                                        {.state = NULL}};
    struct pool_row pools[] = {
        POOL(1, "one"), POOL(2, "two"), POOL(3, "three"), POOL(4, "four"), {.name = NULL}};
    for (size_t i = 0; i < 3; i++) {
        pools[i].has_fallback_pool = true;
        pools[i].fallback_pool_id = (int64_t)i + 2;
    }
    struct snapshot *snapshot = build(
        &(struct rows){.controllers = three_sites.controllers, .pools = pools, .servers = servers});
    check_problem(snapshot, "pool one: has names, and its fallback pool three has addresses, so it"
                            " is not used");
    check_problem(snapshot, "pool three: has addresses, and its fallback pool four has names, so it"
                            " is not used");
    CHECK_INTEGER((int64_t)snapshot->problems.count, 2, "problems");
    for (size_t i = 0; i < 4; i++)
        CHECK_INTEGER(snapshot->pools[i].fallback_pool != NULL, i == 1, "pool %zu", i + 1);
    CHECK_TEXT(snapshot->pools[3].servers[0].name, "lb.cloud.example", "without a trailing dot");
    snapshot_free(snapshot);
}

static void groups_and_settings_that_cannot_be_used(void)
{
#define FIVE "12345"
#define NAME_65 FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE
    const struct problem_row rows[] = {
        {{.groups = (const struct group_row[]){{"192.0.2.0/33", "metro"}, {.cidr = NULL}}},
         "ldns_group 192.0.2.0/33: not an address or prefix",
         0},
        {{.groups = (const struct group_row[]){{"192.0.2.0/24", ""}, {.cidr = NULL}}},
         "ldns_group 192.0.2.0/24: the name is empty or too long",
         0},
        {{.groups = (const struct group_row[]){{"192.0.2.0/24", NAME_65}, {.cidr = NULL}}},
         "ldns_group 192.0.2.0/24: the name is empty or too long",
         0},
        {{.settings = (const struct setting_row[]){{"colour", 1}, {.name = NULL}}},
         "setting colour: unknown",
         0},
        {{.settings = (const struct setting_row[]){{"sweep_batch", 1}, {.name = NULL}}},
         "setting sweep_batch: 1 is out of range, the default is used",
         0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct snapshot *snapshot = build(&rows[i].rows);
        check_problem(snapshot, rows[i].sentence);
        CHECK_INTEGER((int64_t)snapshot->groups.count, 0, "row %zu", i);
        CHECK_INTEGER(snapshot->settings.sweep_batch, 1000, "row %zu", i);
        snapshot_free(snapshot);
    }
    const struct group_row fits[] = {{"192.0.2.0/24", &NAME_65[1]}, {.cidr = NULL}};
    struct snapshot *snapshot = build(&(struct rows){.groups = fits});
    CHECK_INTEGER((int64_t)snapshot->groups.count, 1, "a name of 64 characters");
    snapshot_free(snapshot);
}

static void balanced_names_that_cannot_be_used(void)
{
    static const struct balanced_name_row balanced[] = {
        {"www..example.net", 1}, {"www.example.net", 1},   {"WWW.Example.Net.", 2},
        {"lost.example.net", 9}, {"empty.example.net", 3}, {.name = NULL}};
    const struct pool_row pools[] = {
        POOL(1, "web"), POOL(2, "spare"), POOL(3, "empty"), {.name = NULL}};
    struct rows rows = three_sites;
    rows.balanced = balanced;
    rows.pools = pools;
    struct snapshot *snapshot = build(&rows);
    check_problem(snapshot, "balanced_name www..example.net: not a domain name");
    check_problem(snapshot, "balanced_name www.example.net: exists twice");
    check_problem(snapshot,
                  "balanced_name lost.example.net: pool 9 does not exist or cannot be used");
    check_problem(snapshot, "pool empty: has no virtual servers");
    CHECK_INTEGER((int64_t)snapshot->problems.count, 4, "problems");
    CHECK_INTEGER((int64_t)snapshot->name_count, 3, "names");
    CHECK(!snapshot->names[0].pool && !snapshot->names[1].pool && snapshot->names[2].pool,
          "only the good one has a pool");
    snapshot_free(snapshot);
}

/* Pools 1, 2, 3... with the persistence_pool and the fallback pool of each (0: none), and what
 * comes of it.
 */
struct link_row {
    int64_t keepers[4], fallbacks[4];
    int64_t wanted_keepers[4], wanted_fallbacks[4];
    const char *sentence;
};

static void check_links(const struct link_row *row, size_t number)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    struct pool_row pools[5] = {
        POOL(1, "one"), POOL(2, "two"), POOL(3, "three"), POOL(4, "four"), {.name = NULL}};
    for (size_t i = 0; i < COUNT(names); i++) {
        pools[i].has_persistence_pool = row->keepers[i] != 0;
        pools[i].persistence_pool_id = row->keepers[i];
        pools[i].has_fallback_pool = row->fallbacks[i] != 0;
        pools[i].fallback_pool_id = row->fallbacks[i];
    }
    struct snapshot *snapshot = build(&(struct rows){.pools = pools});
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct pool *pool = &snapshot->pools[i];
        CHECK_INTEGER(pool->persistence_pool->id, row->wanted_keepers[i], "row %zu, %s", number,
                      names[i]);
        CHECK_INTEGER(pool->fallback_pool ? pool->fallback_pool->id : 0, row->wanted_fallbacks[i],
                      "row %zu, %s", number, names[i]);
    }
    if (row->sentence)
        check_problem(snapshot, row->sentence);
    snapshot_free(snapshot);
}

static void pools_are_linked_without_a_cycle(void)
{
    static const struct link_row rows[] = {
        {{0, 1, 1, 0}, {2, 3, 0, 0}, {1, 1, 1, 4}, {2, 3, 0, 0}, NULL},
        {{0, 0, 0, 0}, {4, 3, 4, 0}, {1, 2, 3, 4}, {4, 3, 4, 0}, NULL},
        {{9, 0, 0, 0}, {0}, {1, 2, 3, 4}, {0}, "pool one: persistence_pool_id 9 cannot be used"},
        {{2, 3, 0, 0}, {0}, {1, 3, 3, 4}, {0}, "pool one: persistence_pool_id 2 cannot be used"},
        {{1, 0, 0, 0}, {0}, {1, 2, 3, 4}, {0}, "pool one: persistence_pool_id 1 cannot be used"},
        {{2, 1, 0, 0}, {0}, {1, 2, 3, 4}, {0}, "pool two: persistence_pool_id 1 cannot be used"},
        {{0}, {9, 0, 0, 0}, {1, 2, 3, 4}, {0}, "pool one: fallback_pool_id 9 cannot be used"},
        {{0}, {1, 0, 0, 0}, {1, 2, 3, 4}, {0}, "pool one: its fallback pools lead back to it"},
        {{0},
         {2, 1, 0, 0},
         {1, 2, 3, 4},
         {0, 1, 0, 0},
         "pool one: its fallback pools lead back to it"},
        {{0},
         {2, 3, 4, 1},
         {1, 2, 3, 4},
         {0, 3, 4, 1},
         "pool one: its fallback pools lead back to it"},
        {{0},
         {2, 3, 2, 1},
         {1, 2, 3, 4},
         {2, 0, 2, 1},
         "pool two: its fallback pools lead back to it"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_links(&rows[i], i);
}

static void a_pool_holds_so_many_servers_and_no_more(void)
{
    enum { TOO_MANY = POOL_SERVERS_MAX + 3 };
    static struct virtual_server_row servers[TOO_MANY + 1];
    const struct controller_row controllers[] = {CONTROLLER(1, "paris"), {.name = NULL}};
    const struct pool_row pools[] = {POOL(1, "web"), {.name = NULL}};
    for (int i = 0; i < TOO_MANY; i++)
        servers[i] =
            (struct virtual_server_row)SERVER(i + 1, 1, 1, TOO_MANY - i, "192.0.2.1", NULL);
    struct snapshot *snapshot =
        build(&(struct rows){.controllers = controllers, .pools = pools, .servers = servers});
    CHECK_INTEGER((int64_t)snapshot->pools[0].server_count, POOL_SERVERS_MAX, "servers");
    CHECK_INTEGER((int64_t)snapshot->problems.count, 3, "problems");
    check_problem(snapshot, "virtual_server 1: pool web already has 1024");
    CHECK(!snapshot_server(snapshot, 1) && snapshot_server(snapshot, 4), "the last positions");
    snapshot_free(snapshot);
}

static void servers_stand_by_their_position_and_then_by_their_id(void)
{
    static const int64_t ids[] = {7, 3, 5, 9};
    static const struct virtual_server_row servers[] = {SERVER(9, 1, 1, 2, "192.0.2.9", NULL),
                                                        SERVER(5, 1, 1, 1, "192.0.2.5", NULL),
                                                        SERVER(7, 1, 1, -1, "192.0.2.7", NULL),
                                                        SERVER(3, 1, 1, 1, "192.0.2.3", NULL),
                                                        {.state = NULL}};
    struct rows all = three_sites;
    all.servers = servers;
    struct snapshot *snapshot = build(&all);
    const struct pool *pool = snapshot_pool(snapshot, 1);
    CHECK_INTEGER((int64_t)pool->server_count, COUNT(ids), "servers");
    for (size_t i = 0; i < COUNT(ids); i++)
        CHECK_INTEGER(pool->servers[i].id, ids[i], "server %zu", i + 1);
    snapshot_free(snapshot);
}

static const struct {
    const char *name;
    bool delegated, cut;
    int32_t zone;
} delegations[] = {
    {"example.com", false, false, 1},
    {"cut.example.com", true, true, 1},
    {"a.cut.example.com", true, false, 1},
    {"b.a.cut.example.com", true, true, 1},
    {"cuts.example.com", false, false, 1},
    {"zone.cut.example.com", false, false, 2},
    {"x.zone.cut.example.com", false, false, 2},
    {"zz.example.com", false, false, 1},
    {"zzz.cut.example.com", true, false, 1},
};

static void delegations_reach_to_what_lies_below(void)
{
    static const struct record_row records[] = {
        APEX,
        RECORD(2, 1, "example.com", "NS", "ns.example.com"),
        RECORD(3, 1, "cut.example.com", "NS", "ns.example.net"),
        RECORD(4, 1, "a.cut.example.com", "A", "192.0.2.1"),
        RECORD(5, 1, "b.a.cut.example.com", "NS", "ns.example.net"),
        RECORD(6, 1, "cuts.example.com", "A", "192.0.2.1"),
        RECORD(7, 2, "zone.cut.example.com", "NS", "ns.example.net"),
        RECORD(11, 2, "zone.cut.example.com", "SOA", SOA),
        RECORD(8, 2, "x.zone.cut.example.com", "A", "192.0.2.1"),
        RECORD(9, 1, "zz.example.com", "A", "192.0.2.1"),
        RECORD(10, 1, "zzz.cut.example.com", "A", "192.0.2.1"),
        {.name = NULL}};
    static const struct zone_row zones[] = {
        {1, "example.com"}, {2, "zone.cut.example.com"}, {.name = NULL}};
    struct snapshot *snapshot = build(&(struct rows){.zones = zones, .records = records});
    for (size_t i = 0; i < COUNT(delegations); i++) {
        struct name name;
        bool below;
        name_parse(delegations[i].name, strlen(delegations[i].name), &name);
        const struct name_entry *entry = snapshot_find(snapshot, &name, &below);
        if (!CHECK(entry != NULL, "%s", delegations[i].name))
            continue;
        CHECK_INTEGER(entry->delegated, delegations[i].delegated, "%s", delegations[i].name);
        CHECK_INTEGER(entry->cut, delegations[i].cut, "%s", delegations[i].name);
        CHECK_INTEGER(entry->zone ? entry->zone->id : 0, delegations[i].zone, "%s",
                      delegations[i].name);
    }
    snapshot_free(snapshot);
}

static void zones_may_nest_as_deep_as_labels_go(void)
{
    enum { DEPTH = 127 };
    static char names[DEPTH + 1][2 * DEPTH + 2];
    static struct zone_row zones[DEPTH + 2];
    static struct record_row records[DEPTH + 2];
    for (int i = 0; i <= DEPTH; i++) {
        for (int k = 0; k < i; k++)
            memcpy(names[i] + 2 * k, "a.", 2);
        if (i == 0)
            memcpy(names[i], ".", 1);
        zones[i] = (struct zone_row){i + 1, names[i]};
        records[i] = (struct record_row)RECORD(i + 1, i + 1, names[i], "SOA", SOA);
    }
    struct snapshot *snapshot = build(&(struct rows){.zones = zones, .records = records});
    CHECK_INTEGER((int64_t)snapshot->zone_count, DEPTH + 1, "zones");
    for (size_t i = 0; i < snapshot->name_count; i++)
        CHECK_INTEGER(snapshot->names[i].zone->id, (int64_t)i + 1, "name %zu", i);
    snapshot_free(snapshot);
}

static void a_builder_can_be_given_up(void)
{
    struct snapshot_builder *builder = NULL;
    CHECK_INTEGER(snapshot_builder_new(&builder), 0, "new");
    CHECK_INTEGER(snapshot_add_zone(builder, &(struct zone_row){1, "example.com"}), 0, "a zone");
    CHECK_INTEGER(snapshot_add_zone(builder, &(struct zone_row){1, ".."}), 0, "a problem");
    snapshot_builder_free(builder);
    snapshot_builder_free(NULL);
}

/* Enough rows of every kind, good and bad, that every list grows. */
static const struct rows everything = {
    .zones = (const struct zone_row[]){{1, "example.com"},
                                       {2, "x..y"},
                                       {3, "example.com"},
                                       {4, "b.example.com"},
                                       {.name = NULL}},
    .records = (const struct record_row[]){APEX,
                                           RECORD(2, 1, "a.example.com", "A", "192.0.2.1"),
                                           RECORD(3, 1, "b.example.com", "NS", "ns.x"),
                                           RECORD(4, 1, "c.example.com", "A", "bad"),
                                           RECORD(5, 8, "d.example.com", "A", "192.0.2.1"),
                                           RECORD(6, 1, "e.example.com", "A", "192.0.2.1"),
                                           RECORD(7, 1, "f.example.com", "A", "192.0.2.1"),
                                           RECORD(8, 1, "g.example.com", "A", "192.0.2.1"),
                                           RECORD(9, 1, "h.example.com", "A", "192.0.2.1"),
                                           RECORD(10, 1, "x..y", "A", "192.0.2.1"),
                                           {11, true, 1, "i.example.com", "A", "192.0.2.1", -1},
                                           {.name = NULL}},
    .controllers = (const struct controller_row[]){{1, "paris", "192.0.2.1", "enabled"},
                                                   CONTROLLER(2, "lyon"),
                                                   {3, "x", NULL, "?"},
                                                   {.name = NULL}},
    .pools = (const struct pool_row[]){POOL(1, "web"),
                                       {2, "bad", "?", 0, 0, "fixed", false, 0, "ldns", 0, 0, "any",
                                        false, 0, NULL, NULL, 20, "stay", 300},
                                       {3, "loop", "modulus", 0, 0, "fixed", true, 77, "ldns", 0, 0,
                                        "any", true, 3, "?", NULL, 20, "stay", 300},
                                       {4, "off", "modulus", -1, 0, "fixed", false, 0, "ldns", 0, 0,
                                        "any", false, 0, NULL, NULL, 20, "stay", 300},
                                       {5, "lost", "modulus", 0, 0, "fixed", false, 0, "ldns", 0, 0,
                                        "any", true, 78, "least", "cpu", 20, "stay", 300},
                                       {6, "light", "ratio", 0, 0, "fixed", false, 0, "ldns", 0, 0,
                                        "any", false, 0, "rendezvous", NULL, 20, "stay", 300},
                                       {.name = NULL}},
    .servers =
        (const struct virtual_server_row[]){SERVER(1, 1, 1, 1, "192.0.2.1", "2001:db8::1"),
                                            SERVER(2, 1, 2, 2, "192.0.2.2", NULL),
                                            SERVER(3, 1, 2, 3, NULL, NULL),
                                            SERVER(4, 9, 2, 4, "192.0.2.2", NULL),
                                            SERVER(5, 1, 9, 5, "192.0.2.2", NULL),
                                            SERVER(6, 1, 1, 6, "bad", NULL),
                                            SERVER(7, 1, 1, 7, NULL, "bad"),
                                            {8, 1, 1, 8, "192.0.2.1", NULL, "?", 1, NULL},
                                            {9, 6, 1, 1, "192.0.2.1", NULL, "enabled", 0, NULL},
                                            {.state = NULL}},
    .balanced = (const struct balanced_name_row[]){{"www.example.com", 1},
                                                   {"y.example.com", 9},
                                                   {"x..y", 1},
                                                   {"www.example.com", 1},
                                                   {.name = NULL}},
    .groups =
        (const struct group_row[]){
            {"192.0.2.0/24", "metro"}, {"bad", "x"}, {"192.0.2.0/24", ""}, {.cidr = NULL}},
    .settings = (const struct setting_row[]){{"sweep_batch", 0}, {"colour", 1}, {.name = NULL}},
};

/* Each allocation fails in turn; returns how many there are. */
static size_t build_without_memory(const struct rows *rows)
{
    struct snapshot *whole = build(rows);
    bool failing = true;
    size_t n = 0;
    while (failing) {
        struct snapshot *snapshot = NULL;
        memory_fail_at(++n);
        int code = rows_build(rows, &snapshot);
        failing = memory_fail_end();
        CHECK_INTEGER(code, failing ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK_INTEGER(snapshot != NULL, !failing, "allocation %zu", n);
        if (snapshot)
            CHECK_INTEGER((int64_t)snapshot->problems.count, (int64_t)whole->problems.count,
                          "allocation %zu", n);
        snapshot_free(snapshot);
    }
    snapshot_free(whole);
    return n - 1;
}

static void without_memory_there_is_no_snapshot_and_no_leak(void)
{
    size_t count = build_without_memory(&everything);
    CHECK(count > 30, "%zu allocations", count);
}

/* Texts share blocks of memory, so a long text at the beginning moves where the next is wanted. */
static void any_text_may_be_the_one_that_has_no_memory(void)
{
    enum { LONGEST = 16384, SHORTEST = LONGEST - 1536, ALIGNMENT = 16 };
    static char text[LONGEST + 1];
    const struct record_row records[] = {RECORD(1, 1, "a.example.com", "TXT", text),
                                         RECORD(2, 1, "b.example.com", "A", "192.0.2.1"),
                                         {.name = NULL}};
    struct pool_row pool = POOL(1, "web");
    pool.metric = "cpu";
    struct rows all = three_sites;
    all.pools = (const struct pool_row[]){pool, {.name = NULL}};
    all.zones = EXAMPLE_ZONE;
    all.records = records;
    all.controllers =
        (const struct controller_row[]){{1, "paris", "192.0.2.1", "enabled"}, {.name = NULL}};
    all.balanced = (const struct balanced_name_row[]){{"www.example.com", 1}, {.name = NULL}};
    memset(text, 'x', LONGEST);
    text[0] = '"';
    for (size_t length = LONGEST; length > SHORTEST; length -= ALIGNMENT) {
        text[length - 1] = '"';
        text[length] = '\0';
        size_t count = build_without_memory(&all);
        CHECK(count > 10, "%zu allocations with a text of %zu", count, length);
    }
}

static const CU_TestInfo tests[] = {
    {"good rows bring no problem", good_rows_bring_no_problem},
    {"zones that cannot be used are named", zones_that_cannot_be_used},
    {"zone ids reach from 1 to 2147483647", zone_ids_reach_from_1_to_what_powerdns_holds},
    {"records that cannot be used are named and left out", records_that_cannot_be_used},
    {"ttls reach from 0 to 2147483647", ttls_reach_from_0_to_what_the_wire_holds},
    {"contents lose the spaces around them", contents_lose_the_spaces_around_them},
    {"pools that cannot be used are named and left out", pools_that_cannot_be_used},
    {"of a chain what can be used is used", chains_that_cannot_be_used_whole},
    {"methods by weight want a weight", methods_by_weight_want_a_weight},
    {"servers and controllers that cannot be used are named and left out",
     servers_that_cannot_be_used},
    {"a chain of pools has addresses or names", a_chain_of_pools_has_addresses_or_names},
    {"groups and settings that cannot be used are named and left out",
     groups_and_settings_that_cannot_be_used},
    {"balanced names that cannot be used are named and get no pool",
     balanced_names_that_cannot_be_used},
    {"pools are linked without a cycle", pools_are_linked_without_a_cycle},
    {"a pool holds so many servers and no more", a_pool_holds_so_many_servers_and_no_more},
    {"servers stand by their position, and then by their id",
     servers_stand_by_their_position_and_then_by_their_id},
    {"delegations reach to what lies below", delegations_reach_to_what_lies_below},
    {"zones may nest as deep as labels go", zones_may_nest_as_deep_as_labels_go},
    {"a builder can be given up", a_builder_can_be_given_up},
    {"without memory there is no snapshot and no leak",
     without_memory_there_is_no_snapshot_and_no_leak},
    {"any text may be the one that has no memory", any_text_may_be_the_one_that_has_no_memory},
    CU_TEST_INFO_NULL,
};

const struct suite suite_snapshot_builder = {"snapshot_builder", tests};
