/*
 * Base64 as a text (RFC 4648 section 4). Nothing here decodes it.
 */
#ifndef STICKY_CORE_BASE_BASE64_H
#define STICKY_CORE_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Says whether a text is base64 of at least one byte. Spaces are allowed, as in zone files. */
bool base64_is_valid(const char *text, size_t length);

#endif
