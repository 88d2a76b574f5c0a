/*
 * Text that grows: an answer, an input line, the output of a command.
 *
 * Invariant: once anything was added, `data[length]` is a NUL byte. A failed allocation leaves the
 * content unchanged and sets `failed`; every later addition then does nothing. So a writer can add
 * without checking, and test `failed` once at the end. buffer_clear() resets the flag and keeps the
 * memory.
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

/* Shortens the text to `length`; does nothing if it is not longer. Does not change `failed`. */
void buffer_truncate(struct buffer *buffer, size_t length);

/* Makes room for `more` bytes after `length`. False, with `failed` set, when there is no memory. */
bool buffer_reserve(struct buffer *buffer, size_t more);

void buffer_add(struct buffer *buffer, const void *bytes, size_t count);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_add_integer(struct buffer *buffer, int64_t value);

/* How many characters a text in UTF-8 has; of any other text, some number. */
size_t text_characters(const char *text);

/* Adds a text, and spaces up to so many characters. (%-*s of printf counts bytes.) */
void buffer_add_column(struct buffer *buffer, const char *text, size_t width);

void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *buffer, const char *format, va_list arguments);

/* The content as a string, "" if nothing was added. Valid until the next change. */
const char *buffer_text(const struct buffer *buffer);

#endif
