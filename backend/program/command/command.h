/*
 * The operator's commands: tables of them, how a line of words becomes a call, and the commands
 * that PowerDNS can reach, too.
 *
 * The same implementation serves pdns-stickyctl and PowerDNS's `pdnsutil backend-cmd`. A command
 * gathers values first and prints them afterwards, as lines of text or, with --json, as JSON. Text
 * is at most 100 columns wide unless names are long.
 */
#ifndef STICKY_PROGRAM_COMMAND_COMMAND_H
#define STICKY_PROGRAM_COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buffer.h"
#include "program/answer/responder.h"

/* How a command ended; also the exit status on the command line (sysexits.h for bad usage). */
enum command_result { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 64 };

/* An option of a command, given as --name, or --name VALUE or --name=VALUE if it has a value. */
struct command_option {
    const char *name;
    const char *value; /* the word for its value in the help; NULL: it has none */
    const char *summary;
    bool repeats; /* it may be given several times */
};

struct command_call;

struct command {
    const char *name, *arguments, *summary;
    int least, most;                      /* words besides options, with the name of the command */
    const struct command_option *options; /* the last one has no name; NULL: there are none */
    bool has_json;                        /* it takes --json */
    enum command_result (*run)(const struct command_call *call);
};

/* The commands that one way of calling has, in the order of the help. */
struct command_set {
    const struct command *const *commands;
    size_t count;
};

/* What one call may have of words, and of options; no command needs as many. */
#define COMMAND_WORDS_MAX 64

struct given_option {
    const struct command_option *option;
    const char *value; /* NULL if the option has none */
};

/*
 * `words`, `options` and `json` are filled by command_run(). Who calls it sets the rest.
 */
struct command_call {
    const struct command_set *set;
    struct responder *responder; /* of the database, which is not opened yet */
    const char *database;        /* path of the file */
    struct buffer *out, *errors; /* may be the same */
    /* Nobody limits the time that it takes, and `flush` may be called. */
    bool from_shell;
    /*
     * Prints what is in `out` and empties it. False if nobody reads it any more. NULL: the whole
     * output is needed at once.
     */
    bool (*flush)(struct buffer *out);

    const struct command *command;
    int count; /* of words, with the command's name */
    const char *words[COMMAND_WORDS_MAX];
    int option_count;
    struct given_option options[COMMAND_WORDS_MAX];
    bool json;
};

/* Runs the command that `words` begin with, all of it with its options. Errors are printed too. */
enum command_result command_run(struct command_call *call, int count, const char *const *words);

/*
 * The same for a line of words separated by spaces, as it comes through PowerDNS, which waits for
 * two seconds and then kills the coprocess. A line without words prints the help.
 */
enum command_result command_run_text(struct responder *responder, const char *database,
                                     const char *text, struct buffer *out);

/* NULL if the set has none of this name. */
const struct command *command_find(const struct command_set *set, const char *name);

/* Prints the list of commands, one a line; or how one command is used, with its options. */
void command_list(const struct command_set *set, struct buffer *out);
void command_describe(const struct command *command, struct buffer *out);

/*
 * The value that was given for an option for the `nth` time, from 0 on. NULL: it was not. Of an
 * option without a value, "".
 */
const char *command_value(const struct command_call *call, const char *option, int nth);

/*
 * The number of an option's value, 0 or more; untouched if the option was not given. False, with
 * the error printed: it is none.
 */
bool command_count(const struct command_call *call, const char *option, int64_t *ret_count);

/* The commands that PowerDNS can reach. */
extern const struct command command_help, command_status, command_explain, command_forget;
extern const struct command_set commands_of_powerdns;

/* Prints an error's text or, as printf() does, another sentence. They return how to end. */
enum command_result command_failed(const struct command_call *call, const struct error *error);
enum command_result command_failure(const struct command_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
enum command_result command_misused(const struct command_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The pool or site of a name: COMMAND_OK, or COMMAND_FAILED with the error printed. After
 * responder_begin().
 */
enum command_result command_find_pool(const struct command_call *call,
                                      const struct snapshot *snapshot, const char *name,
                                      const struct pool **ret_pool);
enum command_result command_find_site(const struct command_call *call,
                                      const struct snapshot *snapshot, const char *name,
                                      const struct controller **ret_site);

#endif
