#include "core/network/prefix_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void add(struct prefix_table *table, const char *text, uint32_t value)
{
    struct prefix prefix;
    CHECK_INTEGER(prefix_parse(text, strlen(text), &prefix), 0, "%s", text);
    CHECK_INTEGER(prefix_table_add(table, &prefix, value), 0, "%s", text);
}

/* All prefixes that hold the address with their values: "10.1.0.0/16=3,4 10.0.0.0/8=1". */
static void write_matches(const struct prefix_table *table, const char *text, struct buffer *out)
{
    struct address address = address_of(text);
    struct prefix_match match;
    bool more = prefix_table_match(table, &address, &match);
    char separator[2] = "";
    for (; more; more = prefix_match_shorter(&match)) {
        char written[PREFIX_TEXT_MAX];
        struct prefix prefix = prefix_match_prefix(&match);
        buffer_printf(out, "%s%s=", separator, prefix_format(&prefix, written));
        for (size_t i = 0; i < match.count; i++)
            buffer_printf(out, "%s%u", i > 0 ? "," : "", prefix_match_value(&match, i));
        strcpy(separator, " ");
    }
}

struct match_row {
    const char *address, *matches;
};

static void check_matches(const struct prefix_table *table, const struct match_row *rows,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buffer out = {0};
        write_matches(table, rows[i].address, &out);
        CHECK_TEXT(buffer_text(&out), rows[i].matches, "%s", rows[i].address);
        buffer_release(&out);
    }
}

static void each_shorter_prefix_follows(void)
{
    static const struct match_row rows[] = {
        {"10.1.2.3", "10.1.2.3=5 10.1.2.0/24=4 10.1.0.0/16=2,3 10.0.0.0/8=1 0.0.0.0/0=0"},
        {"10.1.2.4", "10.1.2.0/24=4 10.1.0.0/16=2,3 10.0.0.0/8=1 0.0.0.0/0=0"},
        {"10.1.3.0", "10.1.3.0/24=6 10.1.0.0/16=2,3 10.0.0.0/8=1 0.0.0.0/0=0"},
        {"10.1.4.0", "10.1.0.0/16=2,3 10.0.0.0/8=1 0.0.0.0/0=0"},
        {"10.2.0.0", "10.0.0.0/8=1 0.0.0.0/0=0"},
        {"11.0.0.0", "0.0.0.0/0=0"},
        {"255.255.255.255", "255.255.255.255=7 0.0.0.0/0=0"},
        {"255.255.255.254", "0.0.0.0/0=0"},
        {"0.0.0.0", "0.0.0.0/0=0"},
        {"2001:db8:1::1", "2001:db8:1::1=12 2001:db8:1::/48=11 2001:db8::/32=10 ::/0=9"},
        {"2001:db8:1::2", "2001:db8:1::/48=11 2001:db8::/32=10 ::/0=9"},
        {"2001:db9::", "::/0=9"},
        {"::", "::/0=9"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff=14"
         " ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127=13 ::/0=9"},
        {NULL, ""},
    };
    struct prefix_table table = {0};
    add(&table, "255.255.255.255", 7);
    add(&table, "10.1.0.0/16", 3);
    add(&table, "0.0.0.0/0", 0);
    add(&table, "10.1.2.3", 5);
    add(&table, "10.1.3.0/24", 6);
    add(&table, "10.0.0.0/8", 1);
    add(&table, "10.1.2.0/24", 4);
    add(&table, "10.1.0.0/16", 2);
    add(&table, "2001:db8:1::/48", 11);
    add(&table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 13);
    add(&table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 14);
    add(&table, "2001:db8:1::1", 12);
    add(&table, "::/0", 9);
    add(&table, "2001:db8::/32", 10);
    prefix_table_seal(&table);
    check_matches(&table, rows, COUNT(rows));
    CHECK_INTEGER((int64_t)prefix_table_count(&table), 14, "entries");
    prefix_table_release(&table);
}

static void ends_and_neighbours_are_exact(void)
{
    static const struct match_row rows[] = {
        {"192.0.1.255", ""},
        {"192.0.2.0", "192.0.2.0/25=1"},
        {"192.0.2.127", "192.0.2.0/25=1"},
        {"192.0.2.128", "192.0.2.128/25=2"},
        {"192.0.2.255", "192.0.2.128/25=2"},
        {"192.0.3.0", ""},
        {"0.0.0.0", "0.0.0.0=3"},
        {"0.0.0.1", ""},
        {"2001:db8::", "2001:db8::=4"},
        {"2001:db8::1", ""},
        {"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", ""},
        {"2001:db8:0:0:ffff:ffff:ffff:ffff", ""},
        {"2001:db8:0:1::", "2001:db8:0:1::/64=5"},
        {"2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64=5"},
        {"2001:db8:0:2::", ""},
    };
    struct prefix_table table = {0};
    add(&table, "192.0.2.0/25", 1);
    add(&table, "192.0.2.128/25", 2);
    add(&table, "0.0.0.0/32", 3);
    add(&table, "2001:db8::/128", 4);
    add(&table, "2001:db8:0:1::/64", 5);
    prefix_table_seal(&table);
    check_matches(&table, rows, COUNT(rows));
    prefix_table_release(&table);
}

/* A prefix of each length that holds one address, so that the links make the longest chain. */
static void a_chain_of_all_lengths_is_climbed(void)
{
    static const char *const addresses[] = {"255.255.255.255", "0.0.0.0", "192.0.2.1",
                                            "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct address address = address_of(addresses[i]);
        struct prefix_table table = {0};
        unsigned width = family_bits(address.family);
        for (unsigned bits = 0; bits <= width; bits++) {
            struct prefix prefix = prefix_of(&address, bits);
            CHECK_INTEGER(prefix_table_add(&table, &prefix, bits), 0, "%u bits", bits);
        }
        prefix_table_seal(&table);
        for (unsigned bit = 0; bit < width; bit++) {
            struct address near = address;
            struct prefix_match match;
            near.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            CHECK(prefix_table_match(&table, &near, &match), "%s, bit %u", addresses[i], bit);
            CHECK_INTEGER(prefix_match_value(&match, 0), bit, "%s, bit %u", addresses[i], bit);
            for (unsigned left = bit; left > 0; left--)
                CHECK(prefix_match_shorter(&match), "%s, bit %u", addresses[i], bit);
            CHECK(!prefix_match_shorter(&match), "%s, bit %u", addresses[i], bit);
        }
        prefix_table_release(&table);
    }
}

static void what_is_added_later_counts_after_another_sealing(void)
{
    static const struct match_row before[] = {{"192.0.2.1", "192.0.2.0/24=1"}};
    static const struct match_row after[] = {{"192.0.2.1", "192.0.2.1=2 192.0.2.0/24=0,1"}};
    struct prefix_table table = {0};
    add(&table, "192.0.2.0/24", 1);
    prefix_table_seal(&table);
    check_matches(&table, before, COUNT(before));
    add(&table, "192.0.2.1", 2);
    add(&table, "192.0.2.0/24", 0);
    prefix_table_seal(&table);
    check_matches(&table, after, COUNT(after));
    prefix_table_release(&table);
}

/* Addresses of few different bits, so that prefixes nest. */
static struct address narrow_address(uint64_t *seed)
{
    struct address address = {.family = random_below(seed, 2) ? FAMILY_IPV4 : FAMILY_IPV6};
    for (unsigned i = 0; i < family_bits(address.family) / 8; i++)
        address.bytes[i] = (uint8_t)(random_below(seed, 2) ? 0 : 1 << random_below(seed, 8));
    return address;
}

/* The longest prefix shorter than `below` that holds the address: its bits, or -1. */
static int slow_match(const struct prefix *prefixes, size_t count, const struct address *address,
                      int below, uint64_t *ret_values)
{
    int best = -1;
    *ret_values = 0;
    for (size_t i = 0; i < count; i++) {
        if (prefixes[i].bits >= below || prefixes[i].bits < best ||
            prefixes[i].address.family != address->family ||
            !prefix_contains(&prefixes[i], address))
            continue;
        if (prefixes[i].bits > best)
            *ret_values = 0;
        best = prefixes[i].bits;
        *ret_values += i + 1;
    }
    return best;
}

static void check_against_search(const struct prefix_table *table, const struct prefix *prefixes,
                                 size_t count, const struct address *address, int round)
{
    struct prefix_match match;
    int below = 129;
    bool found = prefix_table_match(table, address, &match);
    for (;; found = prefix_match_shorter(&match)) {
        uint64_t values, sum = 0;
        below = slow_match(prefixes, count, address, below, &values);
        if (!CHECK_INTEGER(found, below >= 0, "table %d", round) || !found)
            return;
        CHECK_INTEGER(prefix_match_prefix(&match).bits, below, "table %d", round);
        for (size_t i = 0; i < match.count; i++)
            sum += prefix_match_value(&match, i) + 1;
        CHECK_INTEGER((int64_t)sum, (int64_t)values, "table %d", round);
    }
}

/* Tables small and large enough for an index, with and without memory for it. */
static void random_tables_match_what_a_search_finds(void)
{
    enum { PREFIXES = 400 };
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        struct prefix prefixes[PREFIXES];
        struct prefix_table table = {0};
        size_t count = random_below(&seed, round % 2 ? PREFIXES + 1 : 20);
        for (size_t i = 0; i < count; i++) {
            struct address address = narrow_address(&seed);
            prefixes[i] = prefix_of(&address, (unsigned)random_below(&seed, 129));
            CHECK_INTEGER(prefix_table_add(&table, &prefixes[i], (uint32_t)i), 0, "table %d",
                          round);
        }
        memory_fail_at(round % 3 == 0 ? 1 + random_below(&seed, 4) : 0);
        prefix_table_seal(&table);
        memory_fail_end();
        for (int i = 0; i < 50; i++) {
            struct address address = narrow_address(&seed);
            check_against_search(&table, prefixes, count, &address, round);
        }
        prefix_table_release(&table);
    }
}

/* As many /32 as there are numbers; each of them is found, and none beside them. */
static void check_many(uint32_t count, size_t fail_at, bool fails)
{
    struct prefix_table table = {0};
    struct prefix prefix = {.address.family = FAMILY_IPV4, .bits = 32};
    struct prefix_match match;
    for (uint32_t i = 0; i < count; i++) {
        for (unsigned byte = 0; byte < 4; byte++)
            prefix.address.bytes[byte] = (uint8_t)(2 * i >> (24 - 8 * byte));
        CHECK_INTEGER(prefix_table_add(&table, &prefix, i), 0, "prefix %u", i);
    }
    memory_fail_at(fail_at);
    prefix_table_seal(&table);
    CHECK_INTEGER(memory_fail_end(), fails, "%u prefixes, allocation %zu", count, fail_at);
    for (uint32_t i = 0; i < count; i += 1 + count / 1000) {
        for (unsigned byte = 0; byte < 4; byte++)
            prefix.address.bytes[byte] = (uint8_t)(2 * i >> (24 - 8 * byte));
        CHECK(prefix_table_match(&table, &prefix.address, &match) &&
                  prefix_match_value(&match, 0) == i,
              "prefix %u of %u", i, count);
        prefix.address.bytes[3] |= 1;
        CHECK(!prefix_table_match(&table, &prefix.address, &match), "behind %u of %u", i, count);
    }
    prefix_table_release(&table);
}

static void tables_of_all_sizes_are_sealed(void)
{
    static const struct {
        uint32_t count;
        size_t fail_at;
        bool fails;
    } rows[] = {
        {1, 1, false},   {8, 1, false},   {15, 1, false},    {16, 1, true},       {17, 0, false},
        {512, 0, false}, {512, 1, true},  {512, 2, false},   {600, 0, false},     {600, 1, true},
        {600, 2, true},  {600, 3, false}, {65536, 0, false}, {1100000, 0, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_many(rows[i].count, rows[i].fail_at, rows[i].fails);
}

static void no_family_is_refused(void)
{
    struct prefix_table table = {0};
    const struct prefix nothing = {0};
    CHECK_INTEGER(prefix_table_add(&table, &nothing, 1), ERR_INVAL, "no family");
    prefix_table_seal(&table);
    CHECK_INTEGER((int64_t)prefix_table_count(&table), 0, "entries");
    CHECK_INTEGER((int64_t)prefix_table_bytes(&table), 0, "bytes");
    prefix_table_release(&table);
}

/* 500,000 would take the same for each of them. */
static void a_prefix_takes_few_bytes(void)
{
    enum { PREFIXES = 20000 };
    struct prefix_table table = {0};
    for (uint32_t i = 0; i < 2 * PREFIXES; i++) {
        struct prefix prefix = {.address = {.family = i % 2 ? FAMILY_IPV4 : FAMILY_IPV6},
                                .bits = 24};
        prefix.address.bytes[1] = (uint8_t)(i >> 8);
        prefix.address.bytes[2] = (uint8_t)i;
        CHECK_INTEGER(prefix_table_add(&table, &prefix, i), 0, "prefix %u", i);
    }
    prefix_table_seal(&table);
    size_t bytes = prefix_table_bytes(&table);
    CHECK(bytes >= PREFIXES * (16 + 28) && bytes < PREFIXES * (17 + 29), "%zu", bytes);
    prefix_table_release(&table);
}

static void without_memory_nothing_is_added(void)
{
    struct prefix_table table = {0};
    for (size_t i = 0; i < 100; i++) {
        struct address address = address_of(i % 2 ? "192.0.2.1" : "2001:db8::1");
        struct prefix prefix = prefix_of(&address, 32);
        memory_fail_at(1);
        int code = prefix_table_add(&table, &prefix, (uint32_t)i);
        bool failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "entry %zu", i);
        if (failed)
            CHECK_INTEGER(prefix_table_add(&table, &prefix, (uint32_t)i), 0, "entry %zu", i);
        CHECK_INTEGER((int64_t)prefix_table_count(&table), (int64_t)i + 1, "entry %zu", i);
    }
    prefix_table_release(&table);
}

static const CU_TestInfo tests[] = {
    {"each shorter prefix follows", each_shorter_prefix_follows},
    {"ends and neighbours are exact", ends_and_neighbours_are_exact},
    {"a chain of all lengths is climbed", a_chain_of_all_lengths_is_climbed},
    {"what is added later counts after another sealing",
     what_is_added_later_counts_after_another_sealing},
    {"random tables match what a search finds", random_tables_match_what_a_search_finds},
    {"tables of all sizes are sealed", tables_of_all_sizes_are_sealed},
    {"no family is refused", no_family_is_refused},
    {"a prefix takes few bytes", a_prefix_takes_few_bytes},
    {"without memory nothing is added", without_memory_nothing_is_added},
    CU_TEST_INFO_NULL,
};

const struct suite suite_prefix_table = {"prefix_table", tests};
