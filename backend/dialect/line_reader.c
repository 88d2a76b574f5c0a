#include "dialect/line_reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The most that is read at once; a pipe holds 64 KiB. */
#define READ_SIZE 4096

void line_reader_release(struct line_reader *reader)
{
    buffer_release(&reader->buffer);
}

char line_first_byte(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return text[i];
    return '\0';
}

/* Drops lines that were returned, so that the buffer begins with the next one. */
static void compact(struct line_reader *reader)
{
    struct buffer *buffer = &reader->buffer;
    if (reader->taken == 0)
        return;
    size_t rest = buffer->length - reader->taken;
    memmove(buffer->data, buffer->data + reader->taken, rest);
    buffer_truncate(buffer, rest);
    reader->taken = 0;
}

ssize_t line_reader_fill(struct line_reader *reader, int descriptor)
{
    struct buffer *buffer = &reader->buffer;
    compact(reader);
    buffer->failed = false;
    if (!buffer_reserve(buffer, READ_SIZE)) {
        errno = ENOMEM;
        return -1;
    }
    ssize_t count = read(descriptor, buffer->data + buffer->length, READ_SIZE);
    if (count > 0)
        buffer_truncate(buffer, buffer->length += (size_t)count);
    reader->ended = count == 0;
    return count;
}

bool line_reader_next(struct line_reader *reader, struct line *ret_line)
{
    struct buffer *buffer = &reader->buffer;
    size_t rest = buffer->length - reader->taken;
    const char *start = rest ? buffer->data + reader->taken : "";
    const char *newline = rest ? memchr(start, '\n', rest) : NULL;
    size_t length = newline ? (size_t)(newline - start) : rest;
    bool whole = newline || (reader->ended && (rest > 0 || reader->discarding));
    if (!whole && rest <= LINE_LENGTH_MAX)
        return false;
    reader->taken += newline ? length + 1 : length;
    *ret_line = (struct line){.text = start, .length = length};
    if (reader->discarding || length > LINE_LENGTH_MAX) {
        if (!reader->discarding)
            reader->first_byte = line_first_byte(start, length);
        ret_line->first_byte = reader->first_byte;
        ret_line->too_long = true;
        reader->discarding = !whole;
        return whole;
    }
    return true;
}
