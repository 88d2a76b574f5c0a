/*
 * Reads a JSON text into memory that is freed all at once.
 *
 * When jansson runs out of memory within a string, it loses bytes, perhaps the closing quote, and
 * then reads beyond its buffer (lex_save() in src/load.c of 2.14). So it never sees an allocation
 * fail: json_read() returns at once instead.
 */
#ifndef STICKY_DIALECT_JSON_READ_H
#define STICKY_DIALECT_JSON_READ_H

#include <jansson.h>
#include <stddef.h>

/*
 * The value, valid until json_read_end(); or NULL when the text is not JSON or there is no memory.
 * The caller must not change or free it. A thread must not read another text before
 * json_read_end().
 */
const json_t *json_read(const char *text, size_t length);
void json_read_end(void);

#endif
