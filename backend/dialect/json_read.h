/*
 * Reads one JSON text, with memory that is given back all at once.
 *
 * jansson loses bytes of a string that it has no memory for, the closing quote among them, and then
 * reads past its buffer (lex_save() in src/load.c of 2.14). So its allocations never fail: where
 * one would, json_read() returns at once.
 */
#ifndef STICKY_DIALECT_JSON_READ_H
#define STICKY_DIALECT_JSON_READ_H

#include <jansson.h>
#include <stddef.h>

/*
 * The value, until json_read_end(), or NULL when the text is none or there is no memory. Not to be
 * kept, changed or released otherwise. Nothing else may be read by this thread meanwhile.
 */
const json_t *json_read(const char *text, size_t length);
void json_read_end(void);

#endif
