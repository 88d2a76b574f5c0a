/*
 * What commands print with --json: one value, on one line for programs that read line by line.
 */
#ifndef STICKY_PROGRAM_COMMAND_JSON_OUTPUT_H
#define STICKY_PROGRAM_COMMAND_JSON_OUTPUT_H

#include <jansson.h>

#include "core/base/buffer.h"
#include "core/base/problems.h"

/*
 * Adds a value and a newline, and releases the value. NULL, as jansson gives it without memory,
 * marks the buffer as failed.
 */
void json_output(json_t *value, struct buffer *out);

/* A text, or null for NULL. Octets that are no UTF-8, which SQL can have put in, are replaced. */
json_t *json_text(const char *text);

/* All sentences, as a list of texts; NULL where there is no memory for one. */
json_t *json_lines(const struct problems *problems);

#endif
