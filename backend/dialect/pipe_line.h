/*
 * PowerDNS's side of the pipe protocol: would it take this line?
 *
 * A port of the rules by which PowerDNS reads an answer line (modules/pipebackend/pipebackend.cc,
 * PipeBackend::get(), and what it calls, of 4.7.3, with the tighter ranges of 5.1). A line that
 * breaks them costs PowerDNS the coprocess or, worse, puts every later answer one question off.
 */
#ifndef STICKY_DIALECT_PIPE_LINE_H
#define STICKY_DIALECT_PIPE_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* The versions of the protocol that there are (`pipe-abi-version`). */
#define PIPE_ABI_MIN 1
#define PIPE_ABI_MAX 5
/* From this one on, answers carry scope bits and the authority flag. */
#define PIPE_ABI_SCOPE 3

/* Says whether PowerDNS takes a line (without its newline) as part of an answer at this ABI. */
bool pipe_line_is_sound(const char *line, size_t length, int abi);

#endif
