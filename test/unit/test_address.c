#include "core/network/address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static const struct {
    const char *text, *canonical; /* NULL: no address */
} address_texts[] = {
    {"192.0.2.10", "192.0.2.10"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"2001:db8::1", "2001:db8::1"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"2001:db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"},
    {"::", "::"},
    {"::1", "::1"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"::FFFF:c000:201", "192.0.2.1"},
    {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
    {"::ffff:192.0.2.1%eth0", "192.0.2.1"},
    {"::192.0.2.1", "::192.0.2.1"},
    {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
    {"fe80::1%eth1", "fe80::1"},
    {"fe80::1%2", "fe80::1"},
    {"fe80::1%a-very-long-name-of-an-interface-that-goes-on-and-on-and-on", "fe80::1"},
    {"", NULL},
    {" ", NULL},
    {" 192.0.2.1", NULL},
    {"192.0.2.1 ", NULL},
    {"192.0.2", NULL},
    {"192.0.2.1.1", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.01", NULL},
    {"192.0.2.0x1", NULL},
    {"3221225994", NULL},
    {"192.0.2.1%eth0", NULL},
    {"%eth0", NULL},
    {":::", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"12345::", NULL},
    {"2001:db8::1/64", NULL},
    {"[::1]", NULL},
    {"invalid", NULL},
    {"0000:0000:0000:0000:0000:ffff:255.255.255.255", "255.255.255.255"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2550", NULL},
};

static void addresses_are_read_and_written(void)
{
    for (size_t i = 0; i < COUNT(address_texts); i++) {
        struct address address;
        char text[ADDRESS_TEXT_MAX];
        int code = address_parse(address_texts[i].text, strlen(address_texts[i].text), &address);
        CHECK_INTEGER(code, address_texts[i].canonical ? 0 : ERR_INVAL, "%s",
                      address_texts[i].text);
        if (code == 0)
            CHECK_TEXT(address_format(&address, text), address_texts[i].canonical, "%s",
                       address_texts[i].text);
    }
}

static void a_failure_leaves_the_result_alone(void)
{
    struct address address = address_of("192.0.2.1"), before = address;
    CHECK_INTEGER(address_parse("x", 1, &address), ERR_INVAL, "x");
    CHECK(memcmp(&address, &before, sizeof address) == 0, "x");
    CHECK_INTEGER(address_parse("192.0.2.9\0", 10, &address), ERR_INVAL, "a NUL in the text");
    CHECK(address_equal(&address, &before), "a NUL in the text");
    struct prefix prefix = {.bits = 7}, old = prefix;
    CHECK_INTEGER(prefix_parse("192.0.2.0/33", 12, &prefix), ERR_INVAL, "33 bits");
    CHECK(memcmp(&prefix, &old, sizeof prefix) == 0, "33 bits");
}

static void only_the_length_given_is_read(void)
{
    struct address address;
    char text[ADDRESS_TEXT_MAX];
    CHECK_INTEGER(address_parse("192.0.2.10", 9, &address), 0, "nine characters");
    CHECK_TEXT(address_format(&address, text), "192.0.2.1", "nine characters");
    CHECK_INTEGER(address_parse("192.0.2.10", 0, &address), ERR_INVAL, "no characters");
}

static void families_have_widths(void)
{
    CHECK_INTEGER(family_bits(FAMILY_IPV4), 32, "IPv4");
    CHECK_INTEGER(family_bits(FAMILY_IPV6), 128, "IPv6");
    CHECK_INTEGER(family_bits(FAMILY_NONE), 0, "none");
}

static void addresses_compare_by_family_and_bytes(void)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0", "::", false},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"fe80::1%a", "fe80::1%b", true},
        {"c000:201::", "192.0.2.1", false},
        {NULL, NULL, true},
        {NULL, "0.0.0.0", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address a = address_of(rows[i].a), b = address_of(rows[i].b);
        CHECK_INTEGER(address_equal(&a, &b), rows[i].equal, "row %zu", i);
        CHECK_INTEGER(address_equal(&b, &a), rows[i].equal, "row %zu turned round", i);
    }
}

static void unspecified_addresses_are_known(void)
{
    static const struct {
        const char *text;
        bool unspecified;
    } rows[] = {
        {"0.0.0.0", true}, {"::", true},       {"::ffff:0.0.0.0", true}, {NULL, false},
        {"::1", false},    {"0.0.0.1", false}, {"128.0.0.0", false},     {"8000::", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address address = address_of(rows[i].text);
        CHECK_INTEGER(address_is_unspecified(&address), rows[i].unspecified, "row %zu", i);
    }
}

static void no_address_is_written_as_a_dash(void)
{
    char text[PREFIX_TEXT_MAX];
    struct prefix none = {.bits = 0};
    CHECK_TEXT(address_format(&none.address, text), "-", "no address");
    CHECK_TEXT(prefix_format(&none, text), "-", "no prefix");
    CHECK_INTEGER((int64_t)prefix_number(&none).low, 0, "no prefix");
    CHECK_INTEGER(prefix_of(&none.address, 24).bits, 0, "no prefix");
}

static const struct {
    const char *text, *canonical; /* NULL: no prefix */
} prefix_texts[] = {
    {"192.0.2.0/24", "192.0.2.0/24"},
    {"192.0.2.255/24", "192.0.2.0/24"},
    {"192.0.2.255/25", "192.0.2.128/25"},
    {"192.0.2.255/31", "192.0.2.254/31"},
    {"192.0.2.255/32", "192.0.2.255"},
    {"192.0.2.255", "192.0.2.255"},
    {"192.0.2.255/0", "0.0.0.0/0"},
    {"255.255.255.255/1", "128.0.0.0/1"},
    {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
    {"2001:db8::1/64", "2001:db8::/64"},
    {"2001:db8::1/128", "2001:db8::1"},
    {"2001:db8::1", "2001:db8::1"},
    {"::/0", "::/0"},
    {"ffff::/1", "8000::/1"},
    {"::ffff:192.0.2.77/120", "192.0.2.0/24"},
    {"::ffff:192.0.2.77/128", "192.0.2.77"},
    {"::ffff:192.0.2.77", "192.0.2.77"},
    {"::ffff:192.0.2.77/96", "0.0.0.0/0"},
    {"::ffff:192.0.2.77/95", "::fffe:0:0/95"},
    {"::ffff:192.0.2.77/64", "::/64"},
    {"fe80::1%eth0/64", "fe80::/64"},
    {"192.0.2.0/33", NULL},
    {"2001:db8::/129", NULL},
    {"192.0.2.0/", NULL},
    {"192.0.2.0/x", NULL},
    {"192.0.2.0/2 4", NULL},
    {"192.0.2.0/-1", NULL},
    {"192.0.2.0/-0", NULL},
    {"192.0.2.0/+8", NULL},
    {"192.0.2.0/24/24", NULL},
    {"192.0.2/24", NULL},
    {"/24", NULL},
    {"", NULL},
    {"192.0.2.0/4294967296", NULL},
    {"192.0.2.0/18446744073709551640", NULL},
};

static void prefixes_are_read_and_written(void)
{
    for (size_t i = 0; i < COUNT(prefix_texts); i++) {
        struct prefix prefix;
        char text[PREFIX_TEXT_MAX];
        int code = prefix_parse(prefix_texts[i].text, strlen(prefix_texts[i].text), &prefix);
        CHECK_INTEGER(code, prefix_texts[i].canonical ? 0 : ERR_INVAL, "%s", prefix_texts[i].text);
        if (code == 0 && prefix_texts[i].canonical)
            CHECK_TEXT(prefix_format(&prefix, text), prefix_texts[i].canonical, "%s",
                       prefix_texts[i].text);
    }
}

static void a_prefix_longer_than_its_family_is_cut(void)
{
    struct address ipv4 = address_of("192.0.2.1"), ipv6 = address_of("2001:db8::1");
    CHECK_INTEGER(prefix_of(&ipv4, 33).bits, 32, "IPv4");
    CHECK_INTEGER(prefix_of(&ipv4, 128).bits, 32, "IPv4");
    CHECK_INTEGER(prefix_of(&ipv4, 4096).bits, 32, "IPv4");
    CHECK_INTEGER(prefix_of(&ipv6, 129).bits, 128, "IPv6");
}

/* The bit of an address, counted from the left, without the project's arithmetic. */
static bool bit_of(const struct address *address, unsigned bit)
{
    return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static void host_bits_are_cleared_at_every_length(void)
{
    struct address all = address_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    for (unsigned bits = 0; bits <= 128; bits++) {
        struct prefix prefix = prefix_of(&all, bits);
        CHECK_INTEGER(prefix.bits, bits, "/%u", bits);
        for (unsigned bit = 0; bit < 128; bit++)
            CHECK_INTEGER(bit_of(&prefix.address, bit), bit < bits, "/%u bit %u", bits, bit);
    }
}

static void prefixes_contain_their_addresses(void)
{
    static const struct {
        const char *prefix, *address;
        bool contains;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.0", true},     {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},    {"192.0.2.0/24", "192.0.1.255", false},
        {"192.0.2.7", "192.0.2.7", true},        {"192.0.2.7", "192.0.2.6", false},
        {"0.0.0.0/0", "192.0.2.7", true},        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},           {"::/0", "192.0.2.7", false},
        {"2001:db8::/32", "2001:db8:1::", true}, {"2001:db8::/32", "2001:db9::", false},
        {"::/96", "192.0.2.7", false},           {"0.0.0.0/0", NULL, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct prefix prefix = source_of(NULL, rows[i].prefix).subnet;
        struct address address = address_of(rows[i].address);
        CHECK_INTEGER(prefix_contains(&prefix, &address), rows[i].contains, "row %zu", i);
    }
}

static void a_prefix_is_its_network_number(void)
{
    static const struct {
        const char *prefix, *number;
    } rows[] = {
        {"192.0.2.10", "3221225994"},
        {"0.0.0.1", "1"},
        {"255.255.255.255", "4294967295"},
        {"192.0.2.0/24", "12582914"},
        {"192.0.3.0/24", "12582915"},
        {"192.0.2.128/25", "25165829"},
        {"128.0.0.0/1", "1"},
        {"255.0.0.0/0", "0"},
        {"::1", "1"},
        {"2001:db8::1", "42540766411282592856903984951653826561"},
        {"2001:db8::/32", "536939960"},
        {"2001:db8:0:1::/64", "2306139568115548161"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "340282366920938463463374607431768211455"},
        {"ffff::/0", "0"},
        {"::ffff:192.0.2.10", "3221225994"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct prefix prefix = source_of(NULL, rows[i].prefix).subnet;
        char text[NUMBER_TEXT_MAX];
        CHECK_TEXT(number_format(prefix_number(&prefix), text), rows[i].number, "%s",
                   rows[i].prefix);
    }
}

static void all_in_a_prefix_begin_alike(void)
{
    static const struct {
        const char *prefix, *start;
    } rows[] = {
        {"0.0.0.0/0", ""},
        {"10.0.0.0/7", ""},
        {"10.0.0.0/8", "10."},
        {"10.8.0.0/22", "10.8."},
        {"192.0.2.0/24", "192.0.2."},
        {"192.0.2.128/25", "192.0.2."},
        {"192.0.2.1", "192.0.2."},
        {"::/0", ""},
        {"::1", ""},
        {"2001::/15", ""},
        {"2001:db8::/32", "2001:db8:"},
        {"2001:db8:0:1::/64", "2001:db8:"},
        {"2001:db8:a:b::/63", "2001:db8:a:"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct prefix prefix = source_of(NULL, rows[i].prefix).subnet;
        char text[PREFIX_TEXT_MAX];
        prefix_start(&prefix, text);
        CHECK_TEXT(text, rows[i].start, "%s", rows[i].prefix);
    }
}

/* An address with many zeros, so that there are runs of them in all places. */
static struct address random_address(uint64_t *seed, enum address_family family)
{
    struct address address = {.family = family};
    for (unsigned k = 0; k < family_bits(family) / 8; k++)
        address.bytes[k] = random_below(seed, 3) ? (uint8_t)random_next(seed) : 0;
    return address;
}

static void random_prefixes_begin_as_theirs_do(void)
{
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        enum address_family family = i % 2 ? FAMILY_IPV4 : FAMILY_IPV6;
        struct address address = random_address(&seed, family);
        unsigned inner = (unsigned)random_below(&seed, family_bits(family) + 1);
        struct prefix inside = prefix_of(&address, inner);
        struct prefix around = prefix_of(&address, (unsigned)random_below(&seed, inner + 1));
        char start[PREFIX_TEXT_MAX], text[PREFIX_TEXT_MAX];
        prefix_start(&around, start);
        prefix_format(&inside, text);
        CHECK(strncmp(text, start, strlen(start)) == 0, "%s begins with %s", text, start);
    }
}

static void an_address_becomes_a_socket_address(void)
{
    static const char *const texts[] = {"192.0.2.1", "2001:db8::1"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct prefix prefix = source_of(NULL, texts[i]).subnet;
        struct sockaddr_storage socket;
        char host[ADDRESS_TEXT_MAX], port[8];
        socklen_t size = address_to_socket(&prefix.address, 5353, &socket);
        int code = getnameinfo((struct sockaddr *)&socket, size, host, sizeof host, port,
                               sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        CHECK_INTEGER(code, 0, "%s", texts[i]);
        CHECK_TEXT(host, texts[i], "its host");
        CHECK_TEXT(port, "5353", "its port");
    }
}

static void random_addresses_come_back_from_their_text(void)
{
    uint64_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        struct address address = random_address(&seed, i % 2 ? FAMILY_IPV4 : FAMILY_IPV6), back;
        char text[ADDRESS_TEXT_MAX];
        address_format(&address, text);
        CHECK_INTEGER(address_parse(text, strlen(text), &back), 0, "%s", text);
        CHECK(address_equal(&address, &back), "%s", text);
    }
}

/* Most groups are zeros or short, so that there are runs of all lengths in all places. */
static void ipv6_is_written_as_the_system_writes_it(void)
{
    uint64_t seed = 1;
    for (int i = 0; i < 200000; i++) {
        struct address address = {.family = FAMILY_IPV6};
        char text[ADDRESS_TEXT_MAX], expected[ADDRESS_TEXT_MAX];
        for (unsigned k = 0; k < 16; k += 2) {
            unsigned group = (unsigned)random_next(&seed) & 0xffff;
            group = random_below(&seed, 2) ? 0 : group >> 4 * random_below(&seed, 4);
            address.bytes[k] = (uint8_t)(group >> 8);
            address.bytes[k + 1] = (uint8_t)group;
        }
        inet_ntop(AF_INET6, address.bytes, expected, sizeof expected);
        CHECK_TEXT(address_format(&address, text), expected, "%s", expected);
    }
}

static const CU_TestInfo tests[] = {
    {"addresses are read and written in one form", addresses_are_read_and_written},
    {"a failure leaves the result alone", a_failure_leaves_the_result_alone},
    {"only the length given is read", only_the_length_given_is_read},
    {"families have their widths", families_have_widths},
    {"addresses compare by family and bytes", addresses_compare_by_family_and_bytes},
    {"unspecified addresses are known as such", unspecified_addresses_are_known},
    {"no address is written as a dash", no_address_is_written_as_a_dash},
    {"prefixes are read and written in one form", prefixes_are_read_and_written},
    {"a prefix longer than its family is cut", a_prefix_longer_than_its_family_is_cut},
    {"host bits are cleared at every length", host_bits_are_cleared_at_every_length},
    {"prefixes contain their addresses and no others", prefixes_contain_their_addresses},
    {"a prefix counts as its network number", a_prefix_is_its_network_number},
    {"all in a prefix begin alike", all_in_a_prefix_begin_alike},
    {"random prefixes begin as those in them do", random_prefixes_begin_as_theirs_do},
    {"an address becomes a socket address", an_address_becomes_a_socket_address},
    {"random addresses come back from their text", random_addresses_come_back_from_their_text},
    {"IPv6 is written as the system writes it", ipv6_is_written_as_the_system_writes_it},
    CU_TEST_INFO_NULL,
};

const struct suite suite_address = {"address", tests};
