/*
 * Hashes that are the same for ever on every machine, so that they may decide which server a client
 * gets. Not for tables with keys that an attacker chooses.
 */
#ifndef STICKY_CORE_BASE_HASH_H
#define STICKY_CORE_BASE_HASH_H

#include <stdint.h>

/* The 64-bit FNV-1a hash of a text. */
uint64_t text_hash(const char *text);

/*
 * Stirs a number into a hash, beginning with any. Each bit of both changes each bit of the result
 * with a chance of about one half.
 */
uint64_t hash_mix(uint64_t hash, uint64_t number);

#endif
