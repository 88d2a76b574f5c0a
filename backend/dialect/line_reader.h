/*
 * Cuts what arrives on a descriptor into lines.
 *
 * line_reader_fill() reads once, line_reader_next() gives the lines that are whole. A line is valid
 * until the next call. Lines over LINE_LENGTH_MAX are not kept, but each is still reported once, so
 * that it gets its one answer.
 */
#ifndef STICKY_DIALECT_LINE_READER_H
#define STICKY_DIALECT_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/buffer.h"

/*
 * PowerDNS's longest question is a name with all its bytes escaped and three addresses: about 1.2
 * KB, in JSON 1.5.
 */
#define LINE_LENGTH_MAX 65536

struct line_reader {
    struct buffer buffer;
    size_t taken;    /* bytes of the buffer that were given out already */
    bool discarding; /* in the middle of a line that is too long */
    char first_byte; /* of that line */
    bool ended;      /* nothing more will arrive */
};

struct line {
    const char *text; /* not NUL-terminated; without the newline */
    size_t length;
    bool too_long;   /* text is not there */
    char first_byte; /* of a line that is too long: line_first_byte() */
};

/* The first byte that is no blank, NUL when there is none. */
char line_first_byte(const char *text, size_t length);

void line_reader_release(struct line_reader *reader);

/*
 * Reads once, waiting if there is nothing. The number of bytes; 0 at the end of the input, where a
 * last line may lack its newline; -1 with errno set.
 */
ssize_t line_reader_fill(struct line_reader *reader, int descriptor);

/* Gives the next whole line; false when there is none yet. */
bool line_reader_next(struct line_reader *reader, struct line *ret_line);

#endif
