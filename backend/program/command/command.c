#include "program/command/command.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/decimal.h"

#define OPTION_JSON "json"

/* In the list of commands, where the summary begins. */
#define SUMMARY_COLUMN 28

static const struct command_option json_option = {OPTION_JSON, NULL, "print JSON", false};

static const struct command *const reachable[] = {
    &command_help,
    &command_status,
    &command_explain,
    &command_forget,
};

const struct command_set commands_of_powerdns = {
    .commands = reachable,
    .count = sizeof reachable / sizeof *reachable,
};

const struct command *command_find(const struct command_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->commands[i]->name, name) == 0)
            return set->commands[i];
    return NULL;
}

/* ---------------------------------------------------------------- printing */

/* Ends a line that began at `start` with a summary in its column, on the next line if need be. */
static void add_summary(const char *summary, size_t start, struct buffer *out)
{
    size_t length = out->length - start;
    if (length > SUMMARY_COLUMN - 2) {
        buffer_add_char(out, '\n');
        length = 0;
    }
    buffer_printf(out, "%*s%s\n", (int)(SUMMARY_COLUMN - length), "", summary);
}

void command_list(const struct command_set *set, struct buffer *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct command *command = set->commands[i];
        size_t start = out->length;
        buffer_printf(out, "  %s%s%s", command->name, *command->arguments ? " " : "",
                      command->arguments);
        add_summary(command->summary, start, out);
    }
}

static void print_usage(const struct command *command, struct buffer *out)
{
    bool has_options = command->options || command->has_json;
    buffer_printf(out, "usage: %s%s%s%s\n", command->name, has_options ? " [OPTION]..." : "",
                  *command->arguments ? " " : "", command->arguments);
}

static void describe_option(const struct command_option *option, struct buffer *out)
{
    size_t start = out->length;
    buffer_printf(out, "  --%s%s%s%s", option->name, option->value ? " " : "",
                  option->value ? option->value : "", option->repeats ? "..." : "");
    add_summary(option->summary, start, out);
}

void command_describe(const struct command *command, struct buffer *out)
{
    print_usage(command, out);
    buffer_printf(out, "%s\n", command->summary);
    for (const struct command_option *option = command->options; option && option->name; option++)
        describe_option(option, out);
    if (command->has_json)
        describe_option(&json_option, out);
}

static enum command_result run_help(const struct command_call *call)
{
    if (call->count == 1) {
        command_list(call->set, call->out);
        return COMMAND_OK;
    }
    const struct command *command = command_find(call->set, call->words[1]);
    if (!command)
        return command_misused(call, "unknown command: %s", call->words[1]);
    command_describe(command, call->out);
    return COMMAND_OK;
}

const struct command command_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "list the commands, or describe one",
    .least = 1,
    .most = 2,
    .run = run_help,
};

static enum command_result failed(const struct command_call *call, enum command_result result,
                                  const char *format, va_list arguments)
{
    buffer_vprintf(call->errors, format, arguments);
    buffer_add_char(call->errors, '\n');
    return result;
}

enum command_result command_failed(const struct command_call *call, const struct error *error)
{
    return command_failure(call, "%s", error->text);
}

enum command_result command_failure(const struct command_call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum command_result result = failed(call, COMMAND_FAILED, format, arguments);
    va_end(arguments);
    return result;
}

enum command_result command_misused(const struct command_call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum command_result result = failed(call, COMMAND_USAGE, format, arguments);
    va_end(arguments);
    return result;
}

enum command_result command_find_pool(const struct command_call *call,
                                      const struct snapshot *snapshot, const char *name,
                                      const struct pool **ret_pool)
{
    const struct pool *pool = snapshot_pool_named(snapshot, name);
    if (!pool)
        return command_failure(call, "there is no pool %s", name);
    *ret_pool = pool;
    return COMMAND_OK;
}

enum command_result command_find_site(const struct command_call *call,
                                      const struct snapshot *snapshot, const char *name,
                                      const struct controller **ret_site)
{
    const struct controller *site = snapshot_controller_named(snapshot, name);
    if (!site)
        return command_failure(call, "there is no site %s", name);
    *ret_site = site;
    return COMMAND_OK;
}

/* ---------------------------------------------------------------- reading words */

const char *command_value(const struct command_call *call, const char *option, int nth)
{
    for (int i = 0; i < call->option_count; i++)
        if (strcmp(call->options[i].option->name, option) == 0 && nth-- == 0)
            return call->options[i].value ? call->options[i].value : "";
    return NULL;
}

bool command_count(const struct command_call *call, const char *option, int64_t *ret_count)
{
    const char *text = command_value(call, option, 0);
    if (!text || decimal_parse(text, strlen(text), 0, INT64_MAX, ret_count))
        return true;
    command_misused(call, "--%s is a number, 0 or more: %s", option, text);
    return false;
}

static const struct command_option *find_option(const struct command *command, const char *name,
                                                size_t length)
{
    const struct command_option *option = command->options;
    for (; option && option->name; option++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    if (command->has_json && length == strlen(OPTION_JSON) &&
        memcmp(name, OPTION_JSON, length) == 0)
        return &json_option;
    return NULL;
}

/* Takes an option and its value, which may be the next word. How many words that were; 0: wrong. */
static int take_option(struct command_call *call, const char *word, const char *next)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct command_option *option = find_option(call->command, name, length);
    const char *value = equals ? equals + 1 : next;
    if (!option)
        command_misused(call, "unknown option: --%.*s%s", (int)length, name,
                        length == 8 && strncmp(name, "database", length) == 0
                            ? "; it stands before the command"
                            : "");
    else if (option->value && !value)
        command_misused(call, "--%s needs %s", option->name, option->value);
    else if (!option->value && equals)
        command_misused(call, "--%s takes no value", option->name);
    else if (!option->repeats && command_value(call, option->name, 0))
        command_misused(call, "--%s is given twice", option->name);
    else {
        call->options[call->option_count++] =
            (struct given_option){.option = option, .value = option->value ? value : NULL};
        return option->value && !equals ? 2 : 1;
    }
    return 0;
}

/* Sorts words and options; after "--" there are only words. False, with an error printed: wrong. */
static bool take_words(struct command_call *call, int count, const char *const *words)
{
    bool has_options = true;
    for (int i = 0; i < count;) {
        if (has_options && strcmp(words[i], "--") == 0) {
            has_options = false;
            i++;
        } else if (has_options && strncmp(words[i], "--", 2) == 0) {
            int taken = take_option(call, words[i], i + 1 < count ? words[i + 1] : NULL);
            if (taken == 0)
                return false;
            i += taken;
        } else {
            call->words[call->count++] = words[i++];
        }
    }
    call->json = command_value(call, OPTION_JSON, 0) != NULL;
    return true;
}

enum command_result command_run(struct command_call *call, int count, const char *const *words)
{
    const char *name = count > 0 ? words[0] : "(none)";
    call->command = count > 0 ? command_find(call->set, name) : NULL;
    if (!call->command) {
        command_misused(call, "unknown command: %s", name);
        command_list(call->set, call->errors);
        return COMMAND_USAGE;
    }
    if (count > COMMAND_WORDS_MAX)
        return command_misused(call, "more than %d words", COMMAND_WORDS_MAX);
    if (count == 2 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)) {
        command_describe(call->command, call->out);
        return COMMAND_OK;
    }
    bool right = take_words(call, count, words);
    if (right && call->count >= call->command->least && call->count <= call->command->most)
        return call->command->run(call);
    print_usage(call->command, call->errors);
    return COMMAND_USAGE;
}

enum command_result command_run_text(struct responder *responder, const char *database,
                                     const char *text, struct buffer *out)
{
    const char *words[COMMAND_WORDS_MAX + 1] = {"help"};
    struct buffer copy = {0};
    struct command_call call = {.set = &commands_of_powerdns,
                                .responder = responder,
                                .database = database,
                                .out = out,
                                .errors = out};
    int count = 0;
    char *rest = NULL;
    buffer_add_text(&copy, text);
    if (copy.failed)
        return COMMAND_FAILED;
    for (char *word = strtok_r(copy.data, " \t", &rest); word && count <= COMMAND_WORDS_MAX;
         word = strtok_r(NULL, " \t", &rest))
        words[count++] = word;
    enum command_result result = command_run(&call, count > 0 ? count : 1, words);
    buffer_release(&copy);
    return result;
}
