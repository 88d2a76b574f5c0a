/*
 * The operator's commands: `status`, `explain`, `forget`, `help`, and from the shell `migrate`.
 *
 * The same implementation serves the command line and PowerDNS's `pdnsutil backend-cmd`. A command
 * prints lines of text into a buffer, at most 100 columns wide unless names are long.
 */
#ifndef STICKY_PROGRAM_COMMAND_COMMAND_H
#define STICKY_PROGRAM_COMMAND_COMMAND_H

#include <stdbool.h>

#include "core/base/buffer.h"
#include "program/answer/responder.h"

/* How a command ended; also the exit status on the command line (sysexits.h for bad usage). */
enum command_result { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 64 };

struct command_call {
    struct responder *responder;
    const char *database; /* path of the file */
    int count;            /* of words, including the command's name */
    const char *const *words;
    struct buffer *out;
    bool from_shell; /* all commands are allowed, and nobody limits the time that they take */
};

/* Runs the command that `call` names. Errors are printed too. */
enum command_result command_run(const struct command_call *call);

/*
 * The same for a line of words separated by spaces, as it comes through PowerDNS, which waits for
 * two seconds and then kills the coprocess.
 */
enum command_result command_run_text(struct responder *responder, const char *database,
                                     const char *text, struct buffer *out);

/* Says whether a word names a command. */
bool command_exists(const char *word);

/* Prints the list of commands, one a line, for --help. */
void command_list(bool from_shell, struct buffer *out);

/* The commands, one file each; command.c has their table. */
enum command_result command_status(const struct command_call *call);
enum command_result command_explain(const struct command_call *call);
enum command_result command_forget(const struct command_call *call);
enum command_result command_migrate(const struct command_call *call);

/* Prints an error's text and returns COMMAND_FAILED. */
enum command_result command_failed(const struct command_call *call, const struct error *error);

#endif
