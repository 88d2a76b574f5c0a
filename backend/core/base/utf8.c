#include "core/base/utf8.h"

#include <stdint.h>

/*
 * The octets of the character that begins here, 0 if none does. NUL continues no character, so
 * nothing is read beyond the end.
 */
static size_t sequence_length(const unsigned char *octets)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (octets[0] < 0x80)
        return octets[0] >= ' ' && octets[0] != 0x7f;
    if (octets[0] < 0xc0 || octets[0] >= 0xf8)
        return 0;
    size_t length = octets[0] >= 0xf0 ? 4 : octets[0] >= 0xe0 ? 3 : 2;
    uint32_t character = octets[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((octets[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (octets[i] & 0x3fU);
    }
    bool surrogate = character >= 0xd800 && character <= 0xdfff;
    return character >= least[length] && character <= 0x10ffff && !surrogate ? length : 0;
}

bool utf8_count(const char *text, size_t *ret_count)
{
    size_t count = 0;
    for (const unsigned char *octets = (const unsigned char *)text; *octets; count++) {
        size_t length = sequence_length(octets);
        if (length == 0)
            return false;
        octets += length;
    }
    *ret_count = count;
    return true;
}
