#include "program/command/command.h"

#include <string.h>

/* Words of a command line that comes through PowerDNS; no command takes that many. */
#define WORDS_MAX 16

static enum command_result help(const struct command_call *call);

static const struct command {
    const char *name, *arguments, *summary;
    int least, most; /* words, including the name */
    bool shell_only;
    enum command_result (*run)(const struct command_call *call);
} commands[] = {
    {"help", "", "list the commands", 1, 1, false, help},
    {"status", "", "show pools, virtual servers, live mappings and problems", 1, 1, false,
     command_status},
    {"explain", "NAME LDNS [ECS]", "show how a resolver's question is decided; change nothing", 3,
     4, false, command_explain},
    {"forget", "LDNS [POOL]", "delete the mappings of a resolver, or of all in a network", 2, 3,
     false, command_forget},
    {"migrate", "[DIRECTORY]", "bring the database to the version of this program", 1, 2, true,
     command_migrate},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static const struct command *find_command(const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

bool command_exists(const char *word)
{
    return find_command(word) != NULL;
}

void command_list(bool from_shell, struct buffer *out)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (from_shell || !commands[i].shell_only)
            buffer_printf(out, "  %-8s%-16s  %s\n", commands[i].name, commands[i].arguments,
                          commands[i].summary);
}

static enum command_result help(const struct command_call *call)
{
    command_list(false, call->out);
    return COMMAND_OK;
}

enum command_result command_failed(const struct command_call *call, const struct error *error)
{
    buffer_printf(call->out, "%s\n", error->text);
    return COMMAND_FAILED;
}

enum command_result command_run(const struct command_call *call)
{
    const struct command *command = call->count ? find_command(call->words[0]) : NULL;
    if (!command || (command->shell_only && !call->from_shell)) {
        buffer_printf(call->out, "unknown command: %s\n", call->count ? call->words[0] : "(none)");
        command_list(call->from_shell, call->out);
        return COMMAND_USAGE;
    }
    if (call->count < command->least || call->count > command->most) {
        buffer_printf(call->out, "usage: %s%s%s\n", command->name, *command->arguments ? " " : "",
                      command->arguments);
        return COMMAND_USAGE;
    }
    return command->run(call);
}

enum command_result command_run_text(struct responder *responder, const char *database,
                                     const char *text, struct buffer *out)
{
    const char *words[WORDS_MAX];
    struct buffer copy = {0};
    struct command_call call = {
        .responder = responder, .database = database, .words = words, .out = out};
    char *rest = NULL;
    buffer_add_text(&copy, text);
    if (copy.failed)
        return COMMAND_FAILED;
    for (char *word = strtok_r(copy.data, " \t", &rest); word && call.count < WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest))
        words[call.count++] = word;
    enum command_result result = command_run(&call);
    buffer_release(&copy);
    return result;
}
