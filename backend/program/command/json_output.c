#include "program/command/json_output.h"

#include <string.h>

static int add_to_buffer(const char *text, size_t length, void *context)
{
    struct buffer *out = context;
    buffer_add(out, text, length);
    return out->failed ? -1 : 0;
}

void json_output(json_t *value, struct buffer *out)
{
    if (!value ||
        json_dump_callback(value, add_to_buffer, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        out->failed = true;
    buffer_add_char(out, '\n');
    json_decref(value);
}

/* The text with a question mark for each octet beyond ASCII. */
static json_t *json_ascii(const char *text)
{
    struct buffer copy = {0};
    for (const char *c = text; *c; c++)
        buffer_add_char(&copy, (unsigned char)*c < 0x80 ? *c : '?');
    json_t *value = copy.failed ? NULL : json_string(buffer_text(&copy));
    buffer_release(&copy);
    return value;
}

json_t *json_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    return value ? value : json_ascii(text);
}

json_t *json_lines(const struct problems *problems)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < problems->count; i++)
        json_array_append_new(lines, json_text(problems->lines[i]));
    if (json_array_size(lines) == problems->count)
        return lines;
    json_decref(lines);
    return NULL;
}
