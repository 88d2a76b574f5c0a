#include "core/network/prefix_map.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void add(struct prefix_map *map, const char *prefix, const char *value)
{
    struct source source = source_of(NULL, prefix);
    CHECK_INTEGER(prefix_map_add(map, &source.subnet, value), 0, "%s", prefix);
}

static const char *find(const struct prefix_map *map, const char *text)
{
    struct address address = address_of(text);
    return prefix_map_find(map, &address);
}

static void the_longest_prefix_wins(void)
{
    static const char *const prefixes[] = {
        "10.0.0.0/8",   "10.1.0.0/16",   "10.1.2.0/24",     "10.1.2.3",      "10.1.2.128/25",
        "192.0.2.0/31", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::1", "8000::/1",
    };
    static const struct {
        const char *address, *prefix;
    } rows[] = {
        {"10.255.0.1", "10.0.0.0/8"},
        {"10.1.255.1", "10.1.0.0/16"},
        {"10.1.2.4", "10.1.2.0/24"},
        {"10.1.2.3", "10.1.2.3"},
        {"10.1.2.200", "10.1.2.128/25"},
        {"10.1.3.3", "10.1.0.0/16"},
        {"11.0.0.0", NULL},
        {"9.255.255.255", NULL},
        {"192.0.2.0", "192.0.2.0/31"},
        {"192.0.2.1", "192.0.2.0/31"},
        {"192.0.2.2", NULL},
        {"2001:db8:2::", "2001:db8::/32"},
        {"2001:db8:1::2", "2001:db8:1::/48"},
        {"2001:db8:1::1", "2001:db8:1::1"},
        {"2001:db9::", NULL},
        {"ffff::", "8000::/1"},
        {"::ffff:10.1.2.3", "10.1.2.3"},
        {"0.0.0.0", NULL},
        {"::", NULL},
        {NULL, NULL},
    };
    struct prefix_map map = {0};
    for (size_t i = 0; i < COUNT(prefixes); i++)
        add(&map, prefixes[i], prefixes[i]);
    prefix_map_seal(&map);
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(find(&map, rows[i].address), rows[i].prefix, "%s", rows[i].address);
    prefix_map_release(&map);
}

static void a_prefix_of_no_bits_holds_its_family(void)
{
    struct prefix_map map = {0};
    add(&map, "0.0.0.0/0", "four");
    prefix_map_seal(&map);
    CHECK_TEXT(find(&map, "192.0.2.1"), "four", "IPv4");
    CHECK_TEXT(find(&map, "2001:db8::1"), NULL, "IPv6");
    CHECK_TEXT(find(&map, NULL), NULL, "no address");
    add(&map, "::/0", "six");
    prefix_map_seal(&map);
    CHECK_TEXT(find(&map, "192.0.2.1"), "four", "IPv4");
    CHECK_TEXT(find(&map, "2001:db8::1"), "six", "IPv6");
    prefix_map_release(&map);
}

static void of_equal_prefixes_the_first_counts(void)
{
    struct prefix_map map = {0};
    for (int i = 0; i < 20; i++) {
        add(&map, "192.0.2.0/24", i == 0 ? "first" : "later");
        add(&map, "192.0.2.99/24", "later");
    }
    prefix_map_seal(&map);
    CHECK_TEXT(find(&map, "192.0.2.7"), "first", "forty prefixes");
    prefix_map_release(&map);
}

static void an_empty_map_holds_nothing(void)
{
    struct prefix_map map = {0};
    prefix_map_seal(&map);
    CHECK_TEXT(find(&map, "192.0.2.7"), NULL, "empty");
    prefix_map_release(&map);
    prefix_map_release(&map);
}

/* The longest prefix that holds the address, by looking at all; the first of equals. */
static const void *slow_find(const struct prefix *prefixes, size_t count,
                             const struct address *address)
{
    const struct prefix *best = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned bit = 0;
        while (
            prefixes[i].address.family == address->family && bit < prefixes[i].bits &&
            !((prefixes[i].address.bytes[bit / 8] ^ address->bytes[bit / 8]) & (0x80 >> bit % 8)))
            bit++;
        if (prefixes[i].address.family == address->family && bit == prefixes[i].bits &&
            (!best || best->bits < prefixes[i].bits))
            best = &prefixes[i];
    }
    return best;
}

/* Addresses of few different bits, so that prefixes nest. */
static struct address narrow_address(uint64_t *seed)
{
    struct address address = {.family = random_below(seed, 2) ? FAMILY_IPV4 : FAMILY_IPV6};
    for (unsigned i = 0; i < family_bits(address.family) / 8; i++)
        address.bytes[i] = (uint8_t)(random_below(seed, 2) ? 0 : 1 << random_below(seed, 8));
    return address;
}

static void random_maps_find_what_a_search_finds(void)
{
    enum { PREFIXES = 60 };
    uint64_t seed = 5;
    for (int i = 0; i < 300; i++) {
        struct prefix prefixes[PREFIXES];
        struct prefix_map map = {0};
        size_t count = random_below(&seed, PREFIXES + 1);
        for (size_t k = 0; k < count; k++) {
            struct address address = narrow_address(&seed);
            prefixes[k] = prefix_of(&address, (unsigned)random_below(&seed, 40));
            CHECK_INTEGER(prefix_map_add(&map, &prefixes[k], &prefixes[k]), 0, "map %d", i);
        }
        prefix_map_seal(&map);
        for (int k = 0; k < 50; k++) {
            struct address address = narrow_address(&seed);
            CHECK(prefix_map_find(&map, &address) == slow_find(prefixes, count, &address),
                  "map %d, address %d", i, k);
        }
        prefix_map_release(&map);
    }
}

static void without_memory_nothing_is_added(void)
{
    struct prefix_map map = {0};
    size_t added = 0;
    for (size_t i = 0; i < 100; i++) {
        struct address address = address_of("192.0.2.1");
        struct prefix prefix = prefix_of(&address, 32);
        memory_fail_at(1);
        int code = prefix_map_add(&map, &prefix, "x");
        bool failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "entry %zu", i);
        if (failed)
            CHECK_INTEGER(prefix_map_add(&map, &prefix, "x"), 0, "entry %zu", i);
        CHECK_INTEGER((int64_t)map.count, (int64_t)++added, "entry %zu", i);
    }
    prefix_map_release(&map);
}

static void no_family_is_refused(void)
{
    struct prefix_map map = {0};
    const struct prefix nothing = {0};
    CHECK_INTEGER(prefix_map_add(&map, &nothing, "x"), ERR_INVAL, "no family");
    CHECK_INTEGER((int64_t)map.count, 0, "nothing is added");
    prefix_map_release(&map);
}

static const CU_TestInfo tests[] = {
    {"the longest prefix wins", the_longest_prefix_wins},
    {"a prefix of no bits holds its family", a_prefix_of_no_bits_holds_its_family},
    {"of equal prefixes the first counts", of_equal_prefixes_the_first_counts},
    {"an empty map holds nothing", an_empty_map_holds_nothing},
    {"random maps find what a search finds", random_maps_find_what_a_search_finds},
    {"no family is refused", no_family_is_refused},
    {"without memory nothing is added", without_memory_nothing_is_added},
    CU_TEST_INFO_NULL,
};

const struct suite suite_prefix_map = {"prefix_map", tests};
