#include "core/base/hash.h"

uint64_t text_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    return hash;
}

/*
 * Odd constants without a pattern: the fractional bits of the golden ratio and of the square root
 * of 3.
 */
#define STIR_1 0x9e3779b97f4a7c15U
#define STIR_2 0xbb67ae8584caa73bU

uint64_t hash_mix(uint64_t hash, uint64_t number)
{
    uint64_t mixed = (hash + STIR_1) ^ number;
    mixed = (mixed ^ mixed >> 32) * STIR_1;
    mixed = (mixed ^ mixed >> 29) * STIR_2;
    mixed = (mixed ^ mixed >> 32) * STIR_1;
    return mixed ^ mixed >> 30;
}
