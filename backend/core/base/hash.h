/*
 * Hashes that are the same on every machine and in every version, because they decide which server
 * a client gets. Not for hash tables whose keys an attacker can choose.
 */
#ifndef STICKY_CORE_BASE_HASH_H
#define STICKY_CORE_BASE_HASH_H

#include <stdint.h>

/* The 64-bit FNV-1a hash of a text. */
uint64_t text_hash(const char *text);

/*
 * Mixes a number into a hash; any value can be the first hash. Changing one bit of either argument
 * changes each bit of the result with a probability of about one half.
 */
uint64_t hash_mix(uint64_t hash, uint64_t number);

#endif
