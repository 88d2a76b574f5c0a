#include "core/base/decimal.h"

/* Eighteen digits cannot overflow 64 bits, and no field needs more. */
#define DIGITS_MAX 18

bool decimal_parse(const char *text, size_t length, int64_t least, int64_t most, int64_t *ret_value)
{
    bool negative = length > 0 && text[0] == '-';
    int64_t value = 0;
    if ((negative && least >= 0) || length == (size_t)negative || length - negative > DIGITS_MAX)
        return false;
    for (size_t i = negative; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    value = negative ? -value : value;
    if (value < least || value > most)
        return false;
    *ret_value = value;
    return true;
}
