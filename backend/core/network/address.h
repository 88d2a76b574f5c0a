/*
 * IP addresses and prefixes, and their text forms.
 *
 * Plain values. An IPv4-mapped IPv6 address (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) becomes an
 * IPv4 address, because both mean the same host. A zone index (fe80::1%eth0, RFC 4007) is read and
 * dropped: it names an interface of this machine, not the client.
 */
#ifndef STICKY_CORE_NETWORK_ADDRESS_H
#define STICKY_CORE_NETWORK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/number.h"

enum address_family { FAMILY_NONE, FAMILY_IPV4, FAMILY_IPV6 };

struct address {
    enum address_family family; /* FAMILY_NONE: no address at all */
    uint8_t bytes[16];          /* network byte order; IPv4 uses the first four, the others are 0 */
};

struct prefix {
    struct address address; /* host bits are 0 */
    uint8_t bits;           /* 0..32 or 0..128 */
};

/* The longest text of an address and of a prefix, with NUL. */
#define ADDRESS_TEXT_MAX 46
#define PREFIX_TEXT_MAX 50

/* 32, 128, or 0 without a family. */
unsigned family_bits(enum address_family family);

/*
 * 0, or ERR_INVAL when the text is not an address. Octal, abbreviated and zero-padded IPv4 forms
 * are rejected.
 */
int address_parse(const char *text, size_t length, struct address *ret_address);

/* The address with a port as a socket address; returns its size. It must have a family. */
socklen_t address_to_socket(const struct address *address, uint16_t port,
                            struct sockaddr_storage *ret_socket);

bool address_equal(const struct address *a, const struct address *b);

/* Says whether this is 0.0.0.0 or ::, which PowerDNS sends when a question has no client. */
bool address_is_unspecified(const struct address *address);

/* Writes the canonical form (RFC 5952 for IPv6), or "-" without a family; returns `text`. */
const char *address_format(const struct address *address, char text[static ADDRESS_TEXT_MAX]);

/*
 * The prefix of an address, with host bits cleared; `bits` above the family's width is the width.
 */
struct prefix prefix_of(const struct address *address, unsigned bits);

bool prefix_contains(const struct prefix *prefix, const struct address *address);

/*
 * Reads `address` or `address/bits` and clears the host bits. 0, or ERR_INVAL when the text is
 * neither. An IPv4-mapped prefix needs at least 96 bits.
 */
int prefix_parse(const char *text, size_t length, struct prefix *ret_prefix);

/* Writes `address` if the prefix has the full width, else `address/bits`; returns `text`. */
const char *prefix_format(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX]);

/*
 * Writes the text that all addresses and networks inside the prefix begin with, such as "10.8." for
 * 10.8.0.0/22; "" where none is sure. So keys can be looked for in the order of their texts.
 */
void prefix_start(const struct prefix *prefix, char text[static PREFIX_TEXT_MAX]);

/*
 * The network number: the leading `bits` of the address as an integer. The masked address would not
 * do: it ends in zeros, so modulo 2, 4, 8... it would be the same for all clients.
 */
struct number prefix_number(const struct prefix *prefix);

#endif
