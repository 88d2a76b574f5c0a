/*
 * Prints the steps of a trace as sentences, as `explain` shows them.
 */
#ifndef STICKY_PROGRAM_COMMAND_STEP_TEXT_H
#define STICKY_PROGRAM_COMMAND_STEP_TEXT_H

#include "core/base/buffer.h"
#include "core/base/trace.h"

/*
 * Prints each step on a line that begins with `indent`. A step without a sentence is printed as its
 * word, its values with their names, and its outcome.
 */
void step_text_print(const struct trace *trace, const char *indent, struct buffer *out);

#endif
