/*
 * The steps of a trace as sentences, one line for each, as `explain` prints them.
 */
#ifndef STICKY_PROGRAM_COMMAND_STEP_TEXT_H
#define STICKY_PROGRAM_COMMAND_STEP_TEXT_H

#include "core/base/buffer.h"
#include "core/base/trace.h"

/*
 * Prints all steps, each line behind `indent`. A step that the table of sentences does not know is
 * printed by its word, its values' names and its outcome.
 */
void step_text_print(const struct trace *trace, const char *indent, struct buffer *out);

#endif
