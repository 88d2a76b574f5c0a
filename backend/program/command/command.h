/*
 * The operator's commands: `status`, `explain`, `forget`, `help`, and from the shell `migrate`.
 *
 * One implementation serves the command line and PowerDNS's `pdnsutil backend-cmd`. A command
 * prints plain lines into a buffer, at most 100 columns wide where names allow.
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
    int count;            /* of words, the command's name first */
    const char *const *words;
    struct buffer *out;
};

/*
 * Runs the command that `call` names. `from_shell` allows those that only make sense there. What is
 * wrong is printed too.
 */
enum command_result command_run(const struct command_call *call, bool from_shell);

/* The same for a text with spaces between its words, as it comes through PowerDNS. */
enum command_result command_run_text(struct responder *responder, const char *database,
                                     const char *text, struct buffer *out);

/* Says whether a word names a command. */
bool command_exists(const char *word);

/* The list of commands, one a line, for --help. */
void command_list(bool from_shell, struct buffer *out);

/* The commands themselves, one file each; the table of command.c names them. */
enum command_result command_status(const struct command_call *call);
enum command_result command_explain(const struct command_call *call);
enum command_result command_forget(const struct command_call *call);
enum command_result command_migrate(const struct command_call *call);

/* Prints an error's text and returns COMMAND_FAILED. */
enum command_result command_failed(const struct command_call *call, const struct error *error);

#endif
