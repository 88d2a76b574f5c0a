#include "core/base/number.h"

#include <stddef.h>
#include <string.h>

struct number number_shift_right(struct number number, unsigned bits)
{
    if (bits >= 128)
        return (struct number){0, 0};
    if (bits >= 64)
        return (struct number){0, number.high >> (bits - 64)};
    if (bits == 0)
        return number;
    return (struct number){number.high >> bits, number.low >> bits | number.high << (64 - bits)};
}

/* Long division, 32 bits at a time: the running remainder stays below 2^32. */
static uint32_t divide(struct number *number, uint32_t divisor)
{
    uint32_t digits[4] = {(uint32_t)(number->high >> 32), (uint32_t)number->high,
                          (uint32_t)(number->low >> 32), (uint32_t)number->low};
    uint64_t remainder = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t part = remainder << 32 | digits[i];
        digits[i] = (uint32_t)(part / divisor);
        remainder = part % divisor;
    }
    number->high = (uint64_t)digits[0] << 32 | digits[1];
    number->low = (uint64_t)digits[2] << 32 | digits[3];
    return (uint32_t)remainder;
}

uint32_t number_modulo(struct number number, uint32_t divisor)
{
    return divide(&number, divisor);
}

const char *number_format(struct number number, char text[static NUMBER_TEXT_MAX])
{
    char digits[NUMBER_TEXT_MAX];
    char *first = digits + sizeof digits;
    *--first = '\0';
    do
        *--first = (char)('0' + divide(&number, 10));
    while (number.high || number.low);
    memcpy(text, first, (size_t)(digits + sizeof digits - first));
    return text;
}
