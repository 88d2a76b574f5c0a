#include "program/control/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "f5/import.h"

#define READ_SIZE 65536

/* Reads all of a file, or so much of it that the import rejects it as too long. */
static bool read_all(FILE *file, struct buffer *text)
{
    size_t count = 1;
    while (count > 0 && text->length <= F5_INPUT_MAX && buffer_reserve(text, READ_SIZE)) {
        count = fread(text->data + text->length, 1, READ_SIZE, file);
        text->length += count;
    }
    return !text->failed && !ferror(file);
}

static enum command_result import(const struct command_call *call, const char *name, FILE *file)
{
    struct buffer text = {0};
    struct error error = {0};
    enum command_result result = COMMAND_OK;
    errno = 0;
    if (!read_all(file, &text)) {
        result = command_failure(call, "%s: %s", name, strerror(text.failed ? ENOMEM : errno));
    } else if (f5_import(text.data ? text.data : "", text.length, call->out, &error) != 0) {
        result = command_failure(call, "%s: %s", name, error.text);
    }
    buffer_release(&text);
    return result;
}

static enum command_result run_import_f5(const struct command_call *call)
{
    const char *name = call->words[1];
    if (strcmp(name, "-") == 0)
        return import(call, "standard input", stdin);
    FILE *file = fopen(name, "re");
    if (!file)
        return command_failure(call, "%s: %s", name, strerror(errno));
    enum command_result result = import(call, name, file);
    fclose(file);
    return result;
}

const struct command command_import_f5 = {
    .name = "import-f5",
    .arguments = "FILE",
    .summary = "print the SQL that a BIG-IP DNS configuration becomes",
    .least = 2,
    .most = 2,
    .run = run_import_f5,
};
