/*
 * The 64-bit FNV-1a hash of a text: the same for ever on every machine, so it may decide which
 * server a group of resolvers gets. Not for keys that an attacker chooses.
 */
#ifndef STICKY_CORE_HASH_H
#define STICKY_CORE_HASH_H

#include <stdint.h>

uint64_t text_hash(const char *text);

#endif
