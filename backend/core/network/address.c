/*
 * Parses and formats addresses and prefixes. IPv4 is formatted by hand, since every question has an
 * address; IPv6 that may contain an IPv4 address is left to the system.
 */
#include "core/network/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/base/error.h"

#define MAPPED_BITS 96
#define GROUPS 8

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

unsigned family_bits(enum address_family family)
{
    switch (family) {
    case FAMILY_IPV4:
        return 32;
    case FAMILY_IPV6:
        return 128;
    case FAMILY_NONE:
        break;
    }
    return 0;
}

/* Turns ::ffff:a.b.c.d into a.b.c.d; says whether it did. */
static bool unmap(struct address *address)
{
    if (memcmp(address->bytes, mapped, sizeof mapped) != 0)
        return false;
    address->family = FAMILY_IPV4;
    memmove(address->bytes, address->bytes + sizeof mapped, 4);
    memset(address->bytes + 4, 0, 12);
    return true;
}

/* Reads an address without converting mapped ones. */
static int parse_as_written(const char *text, size_t length, struct address *ret_address)
{
    char copy[ADDRESS_TEXT_MAX];
    const char *zone = memchr(text, '%', length);
    if (zone)
        length = (size_t)(zone - text);
    if (length == 0 || length >= sizeof copy || memchr(text, '\0', length))
        return ERR_INVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    bool ipv6 = strchr(copy, ':') != NULL;
    struct address address = {.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4};
    if (inet_pton(ipv6 ? AF_INET6 : AF_INET, copy, address.bytes) != 1 || (zone && !ipv6))
        return ERR_INVAL;
    *ret_address = address;
    return 0;
}

int address_parse(const char *text, size_t length, struct address *ret_address)
{
    struct address address;
    if (parse_as_written(text, length, &address) != 0)
        return ERR_INVAL;
    if (address.family == FAMILY_IPV6)
        unmap(&address);
    *ret_address = address;
    return 0;
}

socklen_t address_to_socket(const struct address *address, uint16_t port,
                            struct sockaddr_storage *ret_socket)
{
    memset(ret_socket, 0, sizeof *ret_socket);
    if (address->family == FAMILY_IPV4) {
        struct sockaddr_in *ipv4 = (struct sockaddr_in *)ret_socket;
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(port);
        memcpy(&ipv4->sin_addr, address->bytes, sizeof ipv4->sin_addr);
        return sizeof *ipv4;
    }
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)ret_socket;
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    memcpy(&ipv6->sin6_addr, address->bytes, sizeof ipv6->sin6_addr);
    return sizeof *ipv6;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool address_is_unspecified(const struct address *address)
{
    static const uint8_t zeros[16];
    return address->family != FAMILY_NONE && memcmp(address->bytes, zeros, sizeof zeros) == 0;
}

/* Writes 0..255 and returns the end. */
static char *write_octet(char *text, unsigned value)
{
    if (value >= 100)
        *text++ = (char)('0' + value / 100);
    if (value >= 10)
        *text++ = (char)('0' + value / 10 % 10);
    *text++ = (char)('0' + value % 10);
    return text;
}

/*
 * By hand: every question has an address, and printf() would take a tenth of the time of its
 * answer.
 */
static const char *format_ipv4(const uint8_t *bytes, char *text)
{
    char *next = text;
    for (int i = 0; i < 4; i++) {
        next = write_octet(next, bytes[i]);
        *next++ = '.';
    }
    next[-1] = '\0';
    return text;
}

static unsigned group_of(const uint8_t *bytes, unsigned group)
{
    return (unsigned)bytes[2 * group] << 8 | bytes[2 * group + 1];
}

/*
 * Where the groups begin that `::` replaces: the first of the longest runs of zeros, at least two.
 */
static unsigned find_gap(const uint8_t *bytes, unsigned *ret_length)
{
    unsigned begin = GROUPS, length = 1;
    for (unsigned i = 0; i < GROUPS; i++) {
        unsigned end = i;
        while (end < GROUPS && group_of(bytes, end) == 0)
            end++;
        if (end - i > length) {
            begin = i;
            length = end - i;
        }
        i = end;
    }
    *ret_length = length;
    return begin;
}

/* Writes 0..ffff and returns the end. */
static char *write_group(char *text, unsigned value)
{
    for (int shift = value > 0xfff  ? 12
                     : value > 0xff ? 8
                     : value > 0xf  ? 4
                                    : 0;
         shift >= 0; shift -= 4)
        *text++ = "0123456789abcdef"[value >> shift & 0xf];
    return text;
}

/* What may be an IPv4 address in IPv6 is left to inet_ntop(), which knows how to write it. */
static const char *format_ipv6(const uint8_t *bytes, char *text)
{
    static const uint8_t zeros[10];
    if (memcmp(bytes, zeros, sizeof zeros) == 0)
        return inet_ntop(AF_INET6, bytes, text, ADDRESS_TEXT_MAX);
    unsigned length, gap = find_gap(bytes, &length);
    char *next = text;
    for (unsigned i = 0; i < GROUPS; i++) {
        if (i > 0 || i == gap)
            *next++ = ':';
        if (i == gap)
            i += length - 1;
        else
            next = write_group(next, group_of(bytes, i));
    }
    if (gap + length == GROUPS)
        *next++ = ':';
    *next = '\0';
    return text;
}

const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX])
{
    switch (address->family) {
    case FAMILY_IPV4:
        return format_ipv4(address->bytes, text);
    case FAMILY_IPV6:
        return format_ipv6(address->bytes, text);
    case FAMILY_NONE:
        break;
    }
    return strcpy(text, "-");
}

struct prefix prefix_of(const struct address *address, unsigned bits)
{
    struct prefix prefix = {.address = *address};
    unsigned width = family_bits(address->family);
    prefix.bits = (uint8_t)(bits < width ? bits : width);
    unsigned whole = prefix.bits / 8, rest = prefix.bits % 8;
    if (rest)
        prefix.address.bytes[whole++] &= (uint8_t)(0xff << (8 - rest));
    memset(prefix.address.bytes + whole, 0, sizeof prefix.address.bytes - whole);
    return prefix;
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
    struct prefix other = prefix_of(address, prefix->bits);
    return address_equal(&prefix->address, &other.address);
}

int prefix_parse(const char *text, size_t length, struct prefix *ret_prefix)
{
    struct address address;
    const char *slash = memchr(text, '/', length);
    size_t address_length = slash ? (size_t)(slash - text) : length;
    if (parse_as_written(text, address_length, &address) != 0)
        return ERR_INVAL;
    int64_t bits = family_bits(address.family);
    if (slash && !decimal_parse(slash + 1, length - address_length - 1, 0, bits, &bits))
        return ERR_INVAL;
    /* With fewer than 96 bits it is an IPv6 prefix that happens to contain the mapped addresses. */
    if (address.family == FAMILY_IPV6 && bits >= MAPPED_BITS && unmap(&address))
        bits -= MAPPED_BITS;
    *ret_prefix = prefix_of(&address, (unsigned)bits);
    return 0;
}

const char *prefix_format(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX])
{
    address_format(&prefix->address, text);
    if (prefix->bits < family_bits(prefix->address.family)) {
        char *end = text + strlen(text);
        *end++ = '/';
        *write_octet(end, prefix->bits) = '\0';
    }
    return text;
}

/* In IPv6, any group of zeros may be hidden in "::", and then what follows is elsewhere. */
void prefix_start(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX])
{
    const uint8_t *bytes = prefix->address.bytes;
    char *next = text;
    if (prefix->address.family == FAMILY_IPV4)
        for (unsigned i = 0; i < 3 && 8 * (i + 1) <= prefix->bits; i++) {
            next = write_octet(next, bytes[i]);
            *next++ = '.';
        }
    else
        for (unsigned i = 0; i + 1 < GROUPS && 16 * (i + 1) <= prefix->bits; i++) {
            if (group_of(bytes, i) == 0)
                break;
            next = write_group(next, group_of(bytes, i));
            *next++ = ':';
        }
    *next = '\0';
}

struct number prefix_number(const struct prefix *prefix)
{
    unsigned width = family_bits(prefix->address.family);
    struct number number = {0, 0};
    for (unsigned i = 0; i < width / 8; i++) {
        number.high = number.high << 8 | number.low >> 56;
        number.low = number.low << 8 | prefix->address.bytes[i];
    }
    return number_shift_right(number, width - prefix->bits);
}
