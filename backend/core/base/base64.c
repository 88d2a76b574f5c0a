#include "core/base/base64.h"

#include <ctype.h>

bool base64_is_valid(const char *text, size_t length)
{
    size_t digits = 0, pads = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ')
            continue;
        if (text[i] == '=')
            pads++;
        else if (pads || !(isalnum((unsigned char)text[i]) || text[i] == '+' || text[i] == '/'))
            return false;
        else
            digits++;
    }
    return digits > 0 && pads <= 2 && (digits + pads) % 4 == 0;
}
