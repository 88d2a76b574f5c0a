/*
 * Whole numbers in decimal, as they stand in protocol fields and record contents.
 */
#ifndef STICKY_CORE_BASE_DECIMAL_H
#define STICKY_CORE_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads `length` characters that are all digits, or a minus and digits where `least` is below 0.
 * False, with `ret_value` untouched, when they are not, or the number lies outside least..most.
 */
bool decimal_parse(const char *text, size_t length, int64_t least, int64_t most,
                   int64_t *ret_value);

#endif
