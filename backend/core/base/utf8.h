/*
 * Checks texts that come from elsewhere and that people will see.
 */
#ifndef STICKY_CORE_BASE_UTF8_H
#define STICKY_CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Says whether a text is UTF-8 without control characters (1 to 31, and 127), and of how many
 * characters; `ret_count` is untouched if not.
 */
bool utf8_count(const char *text, size_t *ret_count);

#endif
