/*
 * Reads a JSON text into an arena, within limits.
 *
 * When jansson runs out of memory within a string, it loses bytes, perhaps the closing quote, and
 * then reads beyond its buffer (lex_save() in src/load.c of 2.14). So it never sees an allocation
 * fail: json_read() returns at once instead.
 */
#ifndef STICKY_JSON_JSON_READ_H
#define STICKY_JSON_JSON_READ_H

#include <jansson.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/error.h"

/* `flags` are those of json_loadb(). */
struct json_limits {
    size_t flags;
    size_t memory_max; /* octets that reading may allocate; 0: any number */
};

/*
 * The value is valid until the arena is reset or released; the caller must not change or free it.
 * 0; ERR_INVAL when the text is not JSON or takes too much memory, or ERR_NOMEM, both with `error`
 * set. The arena may have grown in any case. Not for two threads that read at the same time with
 * another user of jansson: its allocator is the process's.
 */
int json_read(const char *text, size_t length, const struct json_limits *limits,
              struct arena *arena, const json_t **ret_value, struct error *error);

#endif
