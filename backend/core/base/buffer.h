/*
 * Text that grows: an answer, a line that comes in, what a command prints.
 *
 * Invariant: once anything was added, `data[length]` is a NUL byte. A failed allocation leaves the
 * content as it was, sets `failed` and makes every later addition do nothing, so that a writer may
 * add freely and look once at the end. buffer_clear() takes the flag back and keeps the memory.
 */
#ifndef STICKY_CORE_BASE_BUFFER_H
#define STICKY_CORE_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *data; /* NULL until the first addition */
    size_t length;
    size_t capacity;
    bool failed;
};

void buffer_release(struct buffer *buffer);
void buffer_clear(struct buffer *buffer);

/* Cuts back to `length`, which is at most the present length. Does not touch `failed`. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Makes room for `more` bytes behind `length`; false (and `failed`) when there is no memory. */
bool buffer_reserve(struct buffer *buffer, size_t more);

void buffer_add(struct buffer *buffer, const void *bytes, size_t count);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_add_integer(struct buffer *buffer, int64_t value);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments);

/* The content as a string, "" when nothing was added. Valid until the next change. */
const char *buffer_text(const struct buffer *buffer);

#endif
