/*
 * Follows ArgvMap::parseFile(), parseOne() and gatherIncludes() of PowerDNS, odd cases included.
 */
#include "program/review/pdns_conf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/buffer.h"
#include "core/base/vector.h"
#include "program/review/pdns_version.h"

/* What isspace() takes for a space in the C locale, which PowerDNS runs in. */
#define SPACES " \t\n\v\f\r"

/* Far more than any pdns.conf has; a larger file is something else. */
#define FILE_MAX (8 * 1024 * 1024)

/* A line being read: where it begins, and its text, joined from lines that end in \. */
struct joined_line {
    const char *file;
    int number;
    struct buffer text;
};

static bool is_space(char c)
{
    return c != '\0' && strchr(SPACES, c);
}

static size_t trimmed_length(const char *text, size_t length)
{
    while (length > 0 && is_space(text[length - 1]))
        length--;
    return length;
}

/* The count if there is none. */
static size_t find(const struct pdns_conf *conf, const char *name)
{
    size_t i = 0;
    while (i < conf->count && strcmp(conf->values[i].name, name) != 0)
        i++;
    return i;
}

const struct pdns_value *pdns_conf_find(const struct pdns_conf *conf, const char *name)
{
    size_t index = find(conf, name);
    return index < conf->count ? &conf->values[index] : NULL;
}

void pdns_conf_release(struct pdns_conf *conf)
{
    free(conf->values);
    arena_release(&conf->arena);
    *conf = (struct pdns_conf){0};
}

/* ---------------------------------------------------------------- lines */

static int no_memory(struct error *error)
{
    return error_set(error, ERR_NOMEM, "out of memory");
}

/* The value so far and the new one; NULL without memory. */
static char *append(struct pdns_conf *conf, const char *before, const char *text)
{
    struct buffer joined = {0};
    buffer_printf(&joined, "%s, %s", before, text);
    char *copy = joined.failed ? NULL : arena_copy(&conf->arena, joined.data, joined.length);
    buffer_release(&joined);
    return copy;
}

static int set(struct pdns_conf *conf, const struct joined_line *line, const char *name,
               const char *text, struct error *error)
{
    size_t index = find(conf, name);
    struct pdns_value *value = index < conf->count
                                   ? &conf->values[index]
                                   : VECTOR_ADD(conf->values, conf->count, conf->capacity);
    if (!value)
        return no_memory(error);
    *value =
        (struct pdns_value){.name = name, .text = text, .file = line->file, .line = line->number};
    return 0;
}

/* Of most settings the default is not known here, and not needed: only the end of the value is. */
static int add_to(struct pdns_conf *conf, const struct joined_line *line, const char *name,
                  const char *text, struct error *error)
{
    const struct pdns_value *value = pdns_conf_find(conf, name);
    const char *before = value ? value->text : pdns_default(name);
    if (!value && before && !*before)
        return error_set(error, ERR_INVAL,
                         "%s, line %d: %s+= comes before any %s=, so PowerDNS does not start",
                         line->file, line->number, name, name);
    if (before && *before) {
        text = append(conf, before, text);
        if (!text)
            return no_memory(error);
    }
    return set(conf, line, name, text, error);
}

/* The line without its comment and the spaces around it. Changes the text, and points into it. */
static char *strip(char *text)
{
    char *comment = strchr(text, '#');
    if (comment && (comment == text || is_space(comment[-1])))
        *comment = '\0';
    text[trimmed_length(text, strlen(text))] = '\0';
    return text + strspn(text, " \t\r\n");
}

static int take_line(struct pdns_conf *conf, struct joined_line *line, struct error *error)
{
    if (line->text.failed)
        return no_memory(error);
    if (line->text.length == 0)
        return 0;
    char *text = strip(line->text.data);
    char *sign = strstr(text, "+=");
    bool adds = sign != NULL;
    if (!sign)
        sign = strchr(text, '=');
    size_t name_length = sign ? (size_t)(sign - text) : strlen(text);
    const char *value = sign ? sign + (adds ? 2 : 1) : "";
    name_length = trimmed_length(text, name_length);
    value += strspn(value, " \t");
    if (name_length == 0)
        return 0;
    char *name = arena_copy(&conf->arena, text, name_length);
    char *copy = arena_copy(&conf->arena, value, strlen(value));
    if (!name || !copy)
        return no_memory(error);
    return (adds ? add_to : set)(conf, line, name, copy, error);
}

int pdns_conf_add(struct pdns_conf *conf, const char *file, const char *text, size_t length,
                  struct error *error)
{
    struct joined_line line = {.file = arena_copy(&conf->arena, file, strlen(file)), .number = 1};
    const char *end = text + length;
    int code = line.file ? 0 : no_memory(error), number = 0;
    while (code == 0 && text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line_length = trimmed_length(text, (size_t)((newline ? newline : end) - text));
        bool goes_on = line_length > 0 && text[line_length - 1] == '\\';
        number++;
        buffer_add(&line.text, text, goes_on ? line_length - 1 : line_length);
        text = newline ? newline + 1 : end;
        if (goes_on)
            continue;
        code = take_line(conf, &line, error);
        buffer_clear(&line.text);
        line.number = number + 1;
    }
    buffer_release(&line.text);
    return code;
}

/* ---------------------------------------------------------------- files */

static int cannot_read(const char *path, struct error *error)
{
    return error_set(error, ERR_IO, "%s cannot be read: %s", path, strerror(errno));
}

static int read_stream(FILE *stream, const char *path, struct buffer *text, struct error *error)
{
    char part[4096];
    size_t count;
    while ((count = fread(part, 1, sizeof part, stream)) > 0 && text->length < FILE_MAX)
        buffer_add(text, part, count);
    if (ferror(stream))
        return cannot_read(path, error);
    if (text->length >= FILE_MAX)
        return error_set(error, ERR_INVAL, "%s is too large for a configuration", path);
    return text->failed ? no_memory(error) : 0;
}

static int add_file(struct pdns_conf *conf, const char *path, struct error *error)
{
    struct buffer text = {0};
    FILE *stream = fopen(path, "re");
    if (!stream)
        return cannot_read(path, error);
    int code = read_stream(stream, path, &text, error);
    fclose(stream);
    if (code == 0)
        code = pdns_conf_add(conf, path, buffer_text(&text), text.length, error);
    buffer_release(&text);
    return code;
}

static int is_included(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length >= 5 &&
           strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcasecmp((*a)->d_name, (*b)->d_name);
}

static int add_included(struct pdns_conf *conf, const char *directory, const char *name,
                        struct error *error)
{
    struct buffer path = {0};
    struct stat status;
    int code;
    buffer_printf(&path, "%s/%s", directory, name);
    if (path.failed)
        code = no_memory(error);
    else if (stat(path.data, &status) != 0)
        code = cannot_read(path.data, error);
    else if (!S_ISREG(status.st_mode))
        code = error_set(error, ERR_INVAL, "%s is not a regular file, so PowerDNS does not start",
                         path.data);
    else
        code = add_file(conf, path.data, error);
    buffer_release(&path);
    return code;
}

static int add_directory(struct pdns_conf *conf, const char *directory, struct error *error)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_included, by_name), code = 0;
    if (count < 0)
        return cannot_read(directory, error);
    for (int i = 0; i < count; i++) {
        if (code == 0)
            code = add_included(conf, directory, entries[i]->d_name, error);
        free(entries[i]);
    }
    free(entries);
    return code;
}

int pdns_conf_read(const char *path, struct pdns_conf *ret_conf, struct error *error)
{
    *ret_conf = (struct pdns_conf){0};
    int code = add_file(ret_conf, path, error);
    if (code != 0)
        return code;
    const struct pdns_value *include = pdns_conf_find(ret_conf, "include-dir");
    return include && *include->text ? add_directory(ret_conf, include->text, error) : 0;
}
