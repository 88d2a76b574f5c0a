/*
 * Unsigned integers of 128 bits, wide enough for an IPv6 address: the "first value" of claim 3(a).
 * Plain values; nothing here can fail.
 */
#ifndef STICKY_CORE_BASE_NUMBER_H
#define STICKY_CORE_BASE_NUMBER_H

#include <stdint.h>

struct number {
    uint64_t high, low;
};

/* Thirty-nine digits and a NUL. */
#define NUMBER_TEXT_MAX 40

/* `bits` 0..128; 128 gives 0. */
struct number number_shift_right(struct number number, unsigned bits);

/* The remainder of a division by `divisor`, which is not 0. */
uint32_t number_modulo(struct number number, uint32_t divisor);

/* Writes the number in decimal and returns `text`. */
const char *number_format(struct number number, char text[static NUMBER_TEXT_MAX]);

#endif
