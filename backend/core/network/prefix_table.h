/*
 * A table from address prefixes to numbers, asked for the longest prefix that holds an address, and
 * then for the next shorter ones.
 *
 * Filled with prefix_table_add(), then sorted once by prefix_table_seal(), then only read; adding
 * more afterwards asks for another sealing. What the numbers mean is the owner's business. A prefix
 * may have several.
 *
 * The two families are apart: 16 bytes for an IPv4 prefix, 28 for one of IPv6, and an index of at
 * most 4 bytes for eight of them. Sealed, an array is sorted by address, shorter prefixes first,
 * and each entry names the next shorter prefix that holds it. So all prefixes that hold an address
 * are found by one search for the last entry that does not begin behind the address, and by
 * following the links from there.
 */
#ifndef STICKY_CORE_NETWORK_PREFIX_TABLE_H
#define STICKY_CORE_NETWORK_PREFIX_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network/address.h"

struct prefix_entry;

/* The prefixes of one family. */
struct prefix_array {
    struct prefix_entry *entries;
    size_t count, capacity;
    uint32_t *starts;    /* by leading bits: where they start among the entries; NULL: not made */
    unsigned start_bits; /* how many */
};

struct prefix_table {
    struct prefix_array ipv4, ipv6;
};

/* One prefix of a sealed table, with its values. */
struct prefix_match {
    const struct prefix_array *array;
    enum address_family family;
    size_t first, count; /* of its entries; at least one */
};

void prefix_table_release(struct prefix_table *table);

/* 0 or ERR_NOMEM, with nothing added. A prefix without a family is ERR_INVAL. */
int prefix_table_add(struct prefix_table *table, const struct prefix *prefix, uint32_t value);

/* Cannot fail; without memory for an index, searches take longer. */
void prefix_table_seal(struct prefix_table *table);

/* How many entries there are, and the bytes that they take. */
size_t prefix_table_count(const struct prefix_table *table);
size_t prefix_table_bytes(const struct prefix_table *table);

/* The longest prefix that holds the address; false when none does. */
bool prefix_table_match(const struct prefix_table *table, const struct address *address,
                        struct prefix_match *ret_match);

/* Goes on to the next shorter prefix; false, with nothing changed, when there is none. */
bool prefix_match_shorter(struct prefix_match *match);

/* The values of the prefix, from 0 to `count`, rising. */
uint32_t prefix_match_value(const struct prefix_match *match, size_t index);

struct prefix prefix_match_prefix(const struct prefix_match *match);

#endif
