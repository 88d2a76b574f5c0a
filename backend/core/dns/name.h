/*
 * Domain names as text, in one canonical form.
 *
 * PowerDNS writes a name without the trailing dot, in the client's capitals, with `.` and `\`
 * inside a label escaped by a backslash and every byte outside 0x21..0x7e as `\DDD`
 * (DNSName::toString). Here a name is that text in lower case, so that two texts of one name are
 * equal byte by byte.
 *
 * The `key` is the same labels in reverse order, each ended by a NUL byte, which cannot occur in
 * the text. Sorted by key, all names below a name stand directly behind it: one sorted array then
 * answers "is it there", "is something below it" and "what is in this zone".
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
 * Reads a name with or without trailing dot. ERR_INVAL, with `ret_name` undefined, when a label is
 * empty or over 63 bytes, the name over 255, or an escape broken.
 */
int name_parse(const char *text, size_t length, struct name *ret_name);

/* Says whether the name with key `below` is the name with key `above` or lies below it. */
bool name_key_within(const char *below, size_t below_length, const char *above,
                     size_t above_length);

/* memcmp for keys: by bytes, then the shorter first. */
int name_key_compare(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
