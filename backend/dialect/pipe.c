/*
 * A table of verbs, each with the lowest ABI that has it, the number of its fields, and a handler.
 * Every handler writes a complete answer.
 */
#include "dialect/pipe.h"

#include <string.h>

#include "core/base/decimal.h"

/* A Q with all fields has eight; a ninth shows that there are too many. */
#define FIELDS_MAX 9

struct field {
    const char *start;
    size_t length;
};

struct request {
    struct field fields[FIELDS_MAX]; /* the verb first */
    size_t count;                    /* FIELDS_MAX: that many or more */
    const struct line *line;
};

static void split(const struct line *line, struct request *ret_request)
{
    const char *start = line->text, *end = line->text + line->length;
    ret_request->line = line;
    ret_request->count = 0;
    while (ret_request->count < FIELDS_MAX) {
        const char *tab = start < end ? memchr(start, '\t', (size_t)(end - start)) : NULL;
        const char *stop = tab ? tab : end;
        ret_request->fields[ret_request->count++] = (struct field){start, (size_t)(stop - start)};
        if (!tab)
            return;
        start = tab + 1;
    }
}

static bool field_is(const struct field *field, const char *word)
{
    return field->length == strlen(word) && memcmp(field->start, word, field->length) == 0;
}

/* Reads a zone id or an ABI, which PowerDNS writes as an int. */
static bool read_integer(const struct field *field, int32_t *ret_value)
{
    int64_t value;
    if (!decimal_parse(field->start, field->length, INT32_MIN, INT32_MAX, &value))
        return false;
    *ret_value = (int32_t)value;
    return true;
}

static void fail(struct buffer *out)
{
    buffer_add_text(out, "FAIL\n");
}

/* LOG lines are allowed anywhere in an answer to Q or AXFR, but nowhere else. */
static void add_notices(struct pipe *pipe, struct buffer *out)
{
    const char *text;
    while ((text = pipe->service->next_notice(pipe->service->context)))
        if (answer_text_is_sound(text))
            buffer_printf(out, "LOG\t%s\n", text);
}

/* MX and SRV have two fields: the preference or priority, and the rest. */
static void add_content(const struct answer_record *record, struct buffer *out)
{
    const char *space = strchr(record->content, ' ');
    if (!space || (strcmp(record->type, "MX") != 0 && strcmp(record->type, "SRV") != 0)) {
        buffer_add_text(out, record->content);
        return;
    }
    buffer_add(out, record->content, (size_t)(space - record->content));
    buffer_add_char(out, '\t');
    buffer_add_text(out, space + strspn(space, " "));
}

/*
 * Stands for a record of TYPE_EMPTY. The pipe backend of PowerDNS before 5.1 rejects a line without
 * content, and PowerDNS's own type for an empty non-terminal may have none (pdns/dnsparser.cc). So
 * this is a type from the range for private use (RFC 6895, section 3.1), for which nobody asks. It
 * is not 65534, with which BIND marks the state of its own signing.
 */
#define PIPE_TYPE_EMPTY "TYPE65280"

static void add_record(struct pipe *pipe, const struct answer_record *record, struct buffer *out)
{
    bool is_empty = strcmp(record->type, TYPE_EMPTY) == 0;
    buffer_add_text(out, "DATA\t");
    if (pipe->abi >= PIPE_ABI_SCOPE) {
        buffer_add_integer(out, record->scope_bits);
        buffer_add_text(out, record->authoritative ? "\t1\t" : "\t0\t");
    }
    buffer_add_text(out, record->owner);
    buffer_add_text(out, "\tIN\t");
    buffer_add_text(out, is_empty ? PIPE_TYPE_EMPTY : record->type);
    buffer_add_char(out, '\t');
    buffer_add_integer(out, record->ttl_s);
    buffer_add_char(out, '\t');
    buffer_add_integer(out, record->zone_id);
    buffer_add_char(out, '\t');
    add_content(record, out);
    buffer_add_char(out, '\n');
}

static void add_answer(struct pipe *pipe, struct buffer *out)
{
    for (size_t i = 0; i < pipe->answer.count; i++)
        if (answer_record_is_sound(&pipe->answer.records[i]))
            add_record(pipe, &pipe->answer.records[i], out);
        else
            pipe->service->notify(pipe->service->context, ANSWER_LACKS_RECORD);
    add_notices(pipe, out);
    buffer_add_text(out, pipe->answer.failed ? "FAIL\n" : "END\n");
}

/*
 * The banner must be the first line of all: PowerDNS takes any line for it. The database is not
 * read for it, because PowerDNS does not start if it takes too long.
 */
static void handle_helo(struct pipe *pipe, const struct request *request, struct buffer *out)
{
    int32_t abi;
    pipe->abi = 0;
    if (!read_integer(&request->fields[1], &abi) || abi < PIPE_ABI_MIN || abi > PIPE_ABI_MAX) {
        fail(out);
        return;
    }
    pipe->abi = abi;
    buffer_add_text(out, "OK\tpdns-sticky " PACKAGE_VERSION);
    if (abi < PIPE_ABI_SCOPE)
        buffer_add_text(out, ": this pipe-abi-version has no scope bits; set cache-ttl,"
                             " query-cache-ttl and negquery-cache-ttl to 0 or use 3 or later");
    buffer_add_char(out, '\n');
}

static bool read_type(const struct field *field, char ret_type[static RECORD_TYPE_MAX])
{
    if (field->length == 0 || field->length >= RECORD_TYPE_MAX)
        return false;
    memcpy(ret_type, field->start, field->length);
    ret_type[field->length] = '\0';
    return true;
}

static bool read_question(const struct request *request, struct question *ret_question)
{
    const struct field *fields = request->fields;
    struct source *source = &ret_question->source;
    if (name_parse(fields[1].start, fields[1].length, &ret_question->name) != 0 ||
        !field_is(&fields[2], "IN") || !read_type(&fields[3], ret_question->type) ||
        !read_integer(&fields[4], &ret_question->zone_id))
        return false;
    /* What is not an address (PowerDNS may write "invalid ...") means that there is no client. */
    *source = (struct source){0};
    (void)address_parse(fields[5].start, fields[5].length, &source->remote);
    if (request->count >= 8)
        (void)prefix_parse(fields[7].start, fields[7].length, &source->subnet);
    return true;
}

static void handle_question(struct pipe *pipe, const struct request *request, struct buffer *out)
{
    struct question question;
    answer_clear(&pipe->answer);
    if (read_question(request, &question))
        pipe->service->answer(pipe->service->context, &question, &pipe->answer);
    else
        answer_fail(&pipe->answer);
    add_answer(pipe, out);
}

static void handle_transfer(struct pipe *pipe, const struct request *request, struct buffer *out)
{
    struct name name;
    int32_t zone_id;
    const struct field *zone = request->count > 2 ? &request->fields[2] : NULL;
    answer_clear(&pipe->answer);
    if (read_integer(&request->fields[1], &zone_id) &&
        (!zone || name_parse(zone->start, zone->length, &name) == 0))
        pipe->service->list(pipe->service->context, zone_id, zone ? &name : NULL, &pipe->answer);
    else
        answer_fail(&pipe->answer);
    add_answer(pipe, out);
}

/* A dot is added to a line that PowerDNS would take for the end. */
static void add_command_line(const char *text, size_t length, struct buffer *out)
{
    size_t trimmed = length;
    while (trimmed > 0 && strchr(" \t\r", text[trimmed - 1]))
        trimmed--;
    buffer_add(out, text, length);
    buffer_add_text(out, trimmed == 3 && memcmp(text, "END", 3) == 0 ? ".\n" : "\n");
}

static void add_command_lines(const char *text, struct buffer *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        add_command_line(text, length, out);
        text += length + (text[length] == '\n');
    }
}

static void handle_command(struct pipe *pipe, const struct request *request, struct buffer *out)
{
    struct buffer text = {0}, printed = {0};
    const struct line *line = request->line;
    buffer_add(&text, line->text + 4, line->length - 4);
    if (!text.failed)
        pipe->service->command(pipe->service->context, buffer_text(&text), &printed);
    bool whole = !text.failed && !printed.failed;
    add_command_lines(whole ? buffer_text(&printed) : "out of memory\n", out);
    buffer_add_text(out, "END\n");
    buffer_release(&text);
    buffer_release(&printed);
}

#define ANY_COUNT FIELDS_MAX

static const struct verb {
    const char *word;
    int first_abi; /* 0: even before a HELO */
    int last_abi;
    size_t least, most; /* fields, including the verb */
    void (*handle)(struct pipe *pipe, const struct request *request, struct buffer *out);
} verbs[] = {
    {"HELO", 0, PIPE_ABI_MAX, 2, 2, handle_helo},
    {"Q", 1, 1, 6, 6, handle_question},
    {"Q", 2, 2, 7, 7, handle_question},
    {"Q", 3, PIPE_ABI_MAX, 8, 8, handle_question},
    {"AXFR", 1, 3, 2, 2, handle_transfer},
    {"AXFR", 4, PIPE_ABI_MAX, 3, 3, handle_transfer},
    {"CMD", 5, PIPE_ABI_MAX, 2, ANY_COUNT, handle_command},
};

static const struct verb *find_verb(const struct pipe *pipe, const struct request *request)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (field_is(&request->fields[0], verbs[i].word) && pipe->abi >= verbs[i].first_abi &&
            pipe->abi <= verbs[i].last_abi && request->count >= verbs[i].least &&
            request->count <= verbs[i].most)
            return &verbs[i];
    return NULL;
}

void pipe_init(struct pipe *pipe, const struct service *service)
{
    *pipe = (struct pipe){.service = service};
}

void pipe_release(struct pipe *pipe)
{
    answer_release(&pipe->answer);
}

void pipe_handle(struct pipe *pipe, const struct line *line, struct buffer *out)
{
    struct request request;
    const struct verb *verb = NULL;
    size_t start = out->length;
    if (!line->too_long && !memchr(line->text, '\0', line->length)) {
        split(line, &request);
        verb = find_verb(pipe, &request);
    }
    if (verb)
        verb->handle(pipe, &request, out);
    else
        fail(out);
    if (out->failed) { /* an incomplete answer is worse than none */
        out->failed = false;
        buffer_truncate(out, start);
        fail(out);
    }
}
