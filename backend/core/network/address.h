/*
 * IP addresses and prefixes, read from and written as text.
 *
 * Plain values. An IPv4 address that comes wrapped in IPv6 (::ffff:192.0.2.1, RFC 4291 section
 * 2.5.5.2) is an IPv4 address here, since both mean one host. A zone index (fe80::1%eth0, RFC 4007)
 * is read and dropped: it names an interface of this machine, not the client.
 */
#ifndef STICKY_CORE_NETWORK_ADDRESS_H
#define STICKY_CORE_NETWORK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/number.h"

enum address_family { FAMILY_NONE, FAMILY_IPV4, FAMILY_IPV6 };

struct address {
    enum address_family family; /* FAMILY_NONE: no address at all */
    uint8_t bytes[16];          /* network order; IPv4 in the first four, the rest 0 */
};

struct prefix {
    struct address address; /* bits behind the prefix are 0 */
    uint8_t bits;           /* 0..32 or 0..128 */
};

/* The longest text of an address and of a prefix, with NUL. */
#define ADDRESS_TEXT_MAX 46
#define PREFIX_TEXT_MAX 50

/* 32, 128, or 0 without a family. */
unsigned family_bits(enum address_family family);

/* ERR_INVAL when the text is no address. Octal, short or padded IPv4 forms are refused. */
int address_parse(const char *text, size_t length, struct address *ret_address);

bool address_equal(const struct address *a, const struct address *b);

/* Says whether this is 0.0.0.0 or ::, which PowerDNS sends when a question has no client. */
bool address_is_unspecified(const struct address *address);

/* Writes the usual form (RFC 5952 for IPv6), "-" without a family, and returns `text`. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

/* The prefix of `bits` (cut to the family's width) around an address, host bits cleared. */
struct prefix prefix_of(const struct address *address, unsigned bits);

bool prefix_contains(const struct prefix *prefix, const struct address *address);

/*
 * Reads `address` or `address/bits` and clears host bits. ERR_INVAL when it is neither. A mapped
 * IPv4 prefix needs at least 96 bits.
 */
int prefix_parse(const char *text, size_t length, struct prefix *ret_prefix);

/* Writes `address` when the prefix is a whole address, else `address/bits`; returns `text`. */
const char *prefix_format(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX]);

/*
 * The network number: the leading `bits` of the address as a whole number. The masked address would
 * end in zeros, and its remainder by 2, 4, 8... would be the same for everybody.
 */
struct number prefix_number(const struct prefix *prefix);

#endif
