/*
 * Splits input from a descriptor into lines.
 *
 * line_reader_fill() reads once; line_reader_next() returns the lines that are complete. A line is
 * valid until the next call. The text of a line longer than LINE_LENGTH_MAX is not kept, but the
 * line is still reported, so that it gets its answer.
 */
#ifndef STICKY_DIALECT_LINE_READER_H
#define STICKY_DIALECT_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/buffer.h"

/*
 * PowerDNS's longest question has a name with all bytes escaped and three addresses: about 1.2 KB,
 * or 1.5 KB as JSON.
 */
#define LINE_LENGTH_MAX 65536

struct line_reader {
    struct buffer buffer;
    size_t taken;    /* bytes of the buffer that were already returned */
    bool discarding; /* within a line that is too long */
    char first_byte; /* of that line */
    bool ended;      /* the input has ended */
};

struct line {
    const char *text; /* without the newline; not NUL-terminated */
    size_t length;
    bool too_long;   /* the text was not kept */
    char first_byte; /* of a line that is too long: line_first_byte() */
};

/* The first byte that is not a blank; NUL if there is none. */
char line_first_byte(const char *text, size_t length);

void line_reader_release(struct line_reader *reader);

/*
 * Reads once; blocks until there is input. The number of bytes; 0 at the end of the input, where
 * the last line may lack its newline; or -1 with errno set.
 */
ssize_t line_reader_fill(struct line_reader *reader, int descriptor);

/* The next complete line; false when there is none yet. */
bool line_reader_next(struct line_reader *reader, struct line *ret_line);

#endif
