/*
 * Maps address prefixes to numbers. A lookup finds the longest prefix that contains an address,
 * then the next shorter ones.
 *
 * Fill it with prefix_table_add(), sort it once with prefix_table_seal(), then only read it; after
 * further additions it has to be sealed again. The meaning of the numbers is the caller's. A prefix
 * may have several.
 *
 * Each family has its own array: 16 bytes for an IPv4 prefix, 28 for an IPv6 prefix, and at most 4
 * bytes of index for every eight prefixes. A sealed array is sorted by address, shorter prefixes
 * first, and each entry links to the next shorter prefix that contains it. So one search, for the
 * last entry that begins at the address or before it, and the links from there find all prefixes
 * that contain the address.
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
    uint32_t *starts;    /* by leading bits: the first entry that has them; NULL: no index */
    unsigned start_bits; /* the number of leading bits */
};

struct prefix_table {
    struct prefix_array ipv4, ipv6;
};

/* A prefix of a sealed table, with its values. */
struct prefix_match {
    const struct prefix_array *array;
    enum address_family family;
    size_t first, count; /* its entries; at least one */
};

void prefix_table_release(struct prefix_table *table);

/* 0, or with nothing added ERR_NOMEM, or ERR_INVAL for a prefix without a family. */
int prefix_table_add(struct prefix_table *table, const struct prefix *prefix, uint32_t value);

/* Cannot fail: without memory for the index, lookups take longer. */
void prefix_table_seal(struct prefix_table *table);

/* The number of entries, and the bytes that they take. */
size_t prefix_table_count(const struct prefix_table *table);
size_t prefix_table_bytes(const struct prefix_table *table);

/* The longest prefix that contains the address; false when none does. */
bool prefix_table_match(const struct prefix_table *table, const struct address *address,
                        struct prefix_match *ret_match);

/* A prefix that has this value; false when none does. Looks through all of them. */
bool prefix_table_find(const struct prefix_table *table, uint32_t value, struct prefix *ret_prefix);

/* Goes on to the next shorter prefix; false, with nothing changed, when there is none. */
bool prefix_match_shorter(struct prefix_match *match);

/* The values of the prefix, in ascending order; `index` is below `count`. */
uint32_t prefix_match_value(const struct prefix_match *match, size_t index);

struct prefix prefix_match_prefix(const struct prefix_match *match);

#endif
