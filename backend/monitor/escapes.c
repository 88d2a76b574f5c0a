#include "monitor/escapes.h"

#include <ctype.h>
#include <string.h>

#include "core/base/error.h"

/* 0..15, or -1. */
static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* The byte of an escape; `text` begins after the backslash. -1 if it is not valid. */
static int decode_one(const char *text, const char **ret_end)
{
    static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
    const char *letter = *text == '\0' ? NULL : strchr(letters, *text);
    if (letter) {
        *ret_end = text + 1;
        return bytes[letter - letters];
    }
    int high = *text == 'x' ? digit_value(text[1]) : -1;
    int low = high < 0 ? -1 : digit_value(text[2]);
    *ret_end = text + 3;
    return low < 0 ? -1 : high * 16 + low;
}

int escapes_decode(const char *text, struct buffer *ret_bytes)
{
    size_t before = ret_bytes->length;
    while (*text != '\0') {
        int byte = (unsigned char)*text++;
        if (byte == '\\')
            byte = decode_one(text, &text);
        if (byte < 0) {
            buffer_truncate(ret_bytes, before);
            return ERR_INVAL;
        }
        buffer_add_char(ret_bytes, (char)byte);
    }
    return ret_bytes->failed ? ERR_NOMEM : 0;
}
