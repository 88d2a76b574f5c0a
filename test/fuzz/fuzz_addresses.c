/*
 * Addresses and prefixes: what is taken and what it means, against inet_pton(); what is written
 * reads as the same again; the network number of a prefix, by another arithmetic.
 *
 * Input: a text.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/network/address.h"
#include "fuzz.h"

/* The address that a text means: 16 bytes, IPv4 as mapped into IPv6. 0, 4 or 6. */
static int read_plainly(const char *text, size_t length, uint8_t bytes[static 16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[128];
    if (length >= sizeof copy)
        return 0;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (strlen(copy) != length)
        return 0;
    memcpy(bytes, mapped, sizeof mapped);
    if (inet_pton(AF_INET, copy, bytes + sizeof mapped) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, bytes) == 1 ? 6 : 0;
}

static bool is_mapped(const uint8_t bytes[static 16])
{
    return memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}

static void check_is(const struct address *address, const uint8_t bytes[static 16])
{
    size_t start = is_mapped(bytes) ? 12 : 0, width = 16 - start;
    REQUIRE(family_bits(address->family) == width * 8, "family %d", address->family);
    REQUIRE(memcmp(address->bytes, bytes + start, width) == 0, "other bytes");
    for (size_t i = width; i < sizeof address->bytes; i++)
        REQUIRE(address->bytes[i] == 0, "byte %zu of an IPv4 address is not 0", i);
}

static void check_address(const char *text, size_t length)
{
    struct address address, again;
    char written[ADDRESS_TEXT_MAX], plainly[ADDRESS_TEXT_MAX];
    uint8_t bytes[16];
    const char *percent = memchr(text, '%', length);
    int family = read_plainly(text, percent ? (size_t)(percent - text) : length, bytes);
    bool expected = family == 6 || (family == 4 && !percent);
    bool taken = address_parse(text, length, &address) == 0;
    REQUIRE(taken == expected, "\"%s\" is %s", shown(text, length), taken ? "taken" : "refused");
    if (!taken)
        return;
    check_is(&address, bytes);
    REQUIRE(address_format(&address, written) == written && strlen(written) < sizeof written,
            "not written");
    if (is_mapped(bytes))
        inet_ntop(AF_INET, bytes + 12, plainly, sizeof plainly);
    else
        inet_ntop(AF_INET6, bytes, plainly, sizeof plainly);
    REQUIRE(strcmp(written, plainly) == 0, "\"%s\" is written \"%s\", not \"%s\"",
            shown(text, length), written, plainly);
    REQUIRE(address_parse(written, strlen(written), &again) == 0 && address_equal(&address, &again),
            "\"%s\" is not what it was: %s", written, shown(text, length));
    bool zeros = memcmp(address.bytes, (uint8_t[16]){0}, 16) == 0;
    REQUIRE(address_is_unspecified(&address) == zeros, "%s", written);
}

/* The bits of the prefix one by one, as decimal digits are made from them by hand. */
static void check_number(const struct prefix *prefix)
{
    char written[NUMBER_TEXT_MAX], plainly[64] = "0";
    struct number number = prefix_number(prefix);
    for (unsigned i = 0; i < prefix->bits; i++) {
        unsigned carry = prefix->address.bytes[i / 8] >> (7 - i % 8) & 1;
        for (size_t at = strlen(plainly); at-- > 0;) {
            unsigned digit = (unsigned)(plainly[at] - '0') * 2 + carry;
            plainly[at] = (char)('0' + digit % 10);
            carry = digit / 10;
        }
        if (carry) {
            memmove(plainly + 1, plainly, strlen(plainly) + 1);
            plainly[0] = '1';
        }
    }
    number_format(number, written);
    REQUIRE(strcmp(written, plainly) == 0, "%s, not %s", written, plainly);
    for (uint32_t divisor = 1; divisor < 70000; divisor = divisor * 3 + 1) {
        uint64_t rest = 0;
        for (const char *digit = plainly; *digit; digit++)
            rest = (rest * 10 + (uint64_t)(*digit - '0')) % divisor;
        REQUIRE(number_modulo(number, divisor) == rest, "%s modulo %u", plainly, divisor);
    }
}

static void check_host_bits(const struct prefix *prefix)
{
    for (unsigned i = prefix->bits; i < 128; i++)
        REQUIRE((prefix->address.bytes[i / 8] >> (7 - i % 8) & 1) == 0, "bit %u is set", i);
}

/* A whole number of at most three digits (more only as zeros in front), or -1. */
static int read_bits(const char *text, size_t length)
{
    int bits = 0;
    if (length == 0 || length > 18)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        bits = bits > 1000 ? bits : bits * 10 + text[i] - '0';
    }
    return bits;
}

static void check_prefix(const char *text, size_t length)
{
    struct prefix prefix, again;
    char written[PREFIX_TEXT_MAX];
    uint8_t bytes[16];
    const char *slash = memchr(text, '/', length), *percent = memchr(text, '%', length);
    size_t address_length = slash ? (size_t)(slash - text) : length;
    if (percent && (size_t)(percent - text) < address_length)
        address_length = (size_t)(percent - text);
    else
        percent = NULL;
    int family = read_plainly(text, address_length, bytes);
    int width = family == 4 ? 32 : 128;
    int bits = slash ? read_bits(slash + 1, length - (size_t)(slash - text) - 1) : width;
    bool expected = (family == 6 || (family == 4 && !percent)) && bits >= 0 && bits <= width;
    bool taken = prefix_parse(text, length, &prefix) == 0;
    REQUIRE(taken == expected, "\"%s\" is %s", shown(text, length), taken ? "taken" : "refused");
    if (!taken)
        return;
    bool ipv4 = family == 4 || (is_mapped(bytes) && bits >= 96);
    if (ipv4 && family == 6)
        bits -= 96;
    REQUIRE(prefix.bits == bits && (prefix.address.family == FAMILY_IPV4) == ipv4,
            "\"%s\" has %u bits", shown(text, length), prefix.bits);
    check_host_bits(&prefix);
    check_number(&prefix);
    REQUIRE(prefix_format(&prefix, written) == written, "not written");
    REQUIRE(prefix_parse(written, strlen(written), &again) == 0 && again.bits == prefix.bits &&
                address_equal(&again.address, &prefix.address),
            "\"%s\" is not what it was: %s", written, shown(text, length));
    struct address address = {.family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6};
    memcpy(address.bytes, bytes + (ipv4 ? 12 : 0), ipv4 ? 4 : 16);
    REQUIRE(prefix_contains(&prefix, &address), "%s does not hold its own address", written);
    if (bits > 0) {
        address.bytes[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
        REQUIRE(!prefix_contains(&prefix, &address), "%s holds another network", written);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_address((const char *)data, size);
    check_prefix((const char *)data, size);
    return 0;
}
