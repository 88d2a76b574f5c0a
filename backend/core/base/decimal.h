/*
 * Parses decimal integers, as they occur in protocol fields and record contents.
 */
#ifndef STICKY_CORE_BASE_DECIMAL_H
#define STICKY_CORE_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads `length` characters, all of them digits; a leading minus is accepted if `least` is below 0.
 * False, with `ret_value` untouched, for anything else and for a number outside least..most.
 */
bool decimal_parse(const char *text, size_t length, int64_t least, int64_t most,
                   int64_t *ret_value);

#endif
