/*
 * Domain names as text in a canonical form, with a sort key.
 *
 * PowerDNS writes a name without the trailing dot and with the client's capitals; within a label, a
 * dot or a backslash is escaped with a backslash, and every byte outside 0x21..0x7e is written as
 * `\DDD` (DNSName::toString). The canonical form is this text in lower case, so equal names have
 * equal bytes.
 *
 * The `key` has the same labels in reverse order, each followed by a NUL byte, which cannot occur
 * in the text. In an array sorted by key, all names below a name follow it directly. So one array
 * answers "does it exist", "is anything below it" and "what is in this zone".
 *
 * A struct name is a plain value of about 2 KB.
 */
#ifndef STICKY_CORE_DNS_NAME_H
#define STICKY_CORE_DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * RFC 1035 allows 255 bytes on the wire: at most 251 bytes of label content, each of which may need
 * four characters, three dots and a NUL; rounded up.
 */
#define NAME_TEXT_MAX 1016

struct name {
    uint16_t text_length;
    uint16_t key_length;
    char text[NAME_TEXT_MAX]; /* "." for the root */
    char key[NAME_TEXT_MAX];  /* empty for the root */
};

/*
 * Reads a name with or without trailing dot. 0; or ERR_INVAL, with `ret_name` undefined, when a
 * label is empty or longer than 63 bytes, the name is longer than 255, or an escape is broken.
 */
int name_parse(const char *text, size_t length, struct name *ret_name);

/* Says whether the name with key `below` is, or is below, the name with key `above`. */
bool name_key_within(const char *below, size_t below_length, const char *above,
                     size_t above_length);

/* Compares keys as memcmp() does; of two with the same beginning the shorter is less. */
int name_key_compare(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
