#include "dialogue.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "program/command/command.h"

#define TYPE_SOA 6
#define TYPE_ANY 255
#define FIELDS_MAX 9
#define DIGITS_MAX 18 /* of a number, with zeros before it */

/* ---- the program's end: what program/server/serve.c puts behind the dialect */

static void answer(void *context, const struct question *question, struct answer *ret_answer)
{
    struct dialogue *dialogue = context;
    responder_answer(dialogue->responder, question, ret_answer);
}

static void list(void *context, int32_t zone_id, const struct name *name, struct answer *ret_answer)
{
    struct dialogue *dialogue = context;
    responder_list(dialogue->responder, zone_id, name, ret_answer);
}

static void command(void *context, const char *text, struct buffer *out)
{
    struct dialogue *dialogue = context;
    command_run_text(dialogue->responder, dialogue->database, text, out);
}

static const char *next_notice(void *context)
{
    struct dialogue *dialogue = context;
    return log_queue_take(responder_log_queue(dialogue->responder));
}

/* The dialect's only notice: a record that was good enough for the snapshot did not get out. */
static void notify(void *context, const char *text)
{
    struct dialogue *dialogue = context;
    give_up(__FILE__, __LINE__, "no record is left out", "%s; so far %s", text,
            shown(buffer_text(&dialogue->reply.text), dialogue->reply.text.length));
}

void dialogue_open(struct dialogue *dialogue, const char *database)
{
    *dialogue = (struct dialogue){.database = database};
    REQUIRE(responder_new(database, &dialogue->responder) == 0, "out of memory");
    dialogue->service = (struct service){.context = dialogue,
                                         .answer = answer,
                                         .list = list,
                                         .command = command,
                                         .next_notice = next_notice,
                                         .notify = notify};
    pipe_init(&dialogue->pipe, &dialogue->service);
}

void dialogue_close(struct dialogue *dialogue)
{
    pipe_release(&dialogue->pipe);
    responder_free(dialogue->responder);
    buffer_release(&dialogue->reply.text);
}

/* ---- PowerDNS's end: what a line asks for */

struct field {
    const char *start;
    size_t length;
};

static size_t split(const struct line *line, struct field fields[static FIELDS_MAX])
{
    size_t count = 1;
    fields[0] = (struct field){line->text, 0};
    for (size_t i = 0; i < line->length; i++)
        if (line->text[i] != '\t')
            fields[count - 1].length++;
        else if (count == FIELDS_MAX)
            break;
        else
            fields[count++] = (struct field){line->text + i + 1, 0};
    return count;
}

static bool is(const struct field *field, const char *word)
{
    return field->length == strlen(word) && memcmp(field->start, word, field->length) == 0;
}

/* An int as PowerDNS writes it: digits, or a minus and digits. Zeros before them do no harm. */
static bool read_int(const struct field *field, int32_t *ret_value)
{
    size_t sign = field->length > 0 && field->start[0] == '-';
    int64_t value = 0;
    if (field->length == sign || field->length - sign > DIGITS_MAX)
        return false;
    for (size_t i = sign; i < field->length; i++) {
        if (field->start[i] < '0' || field->start[i] > '9')
            return false;
        value = value * 10 + field->start[i] - '0';
    }
    value = sign ? -value : value;
    *ret_value = (int32_t)value;
    return value >= INT32_MIN && value <= INT32_MAX;
}

/* A name as PowerDNS would print it again in the same way, but for capitals. */
static bool read_name(const struct field *field, struct wire_name *ret_name)
{
    char text[NAME_TEXT_SIZE];
    if (field->length == 0 || powerdns_read_name(field->start, field->length, ret_name))
        return false;
    powerdns_write_name(ret_name, text);
    return strlen(text) == field->length;
}

static struct asked understand(const struct line *line, int abi)
{
    struct field fields[FIELDS_MAX];
    struct asked asked = {.verb = ASKED_NONSENSE};
    if (line->too_long || memchr(line->text, '\0', line->length))
        return asked;
    size_t count = split(line, fields);
    size_t wanted = abi >= 3 ? 8 : abi == 2 ? 7 : 6;
    if (is(&fields[0], "HELO") && count == 2) {
        asked.verb = ASKED_HELO;
        if (!read_int(&fields[1], &asked.abi) || asked.abi < 1 || asked.abi > 5)
            asked.abi = 0;
    } else if (abi > 0 && is(&fields[0], "Q") && count == wanted && is(&fields[2], "IN") &&
               fields[3].length > 0 && fields[3].length < RECORD_TYPE_MAX &&
               read_int(&fields[4], &asked.zone_id) && read_name(&fields[1], &asked.name)) {
        asked.type = powerdns_type(fields[3].start, fields[3].length);
        for (size_t i = 0; i < fields[3].length; i++)
            asked.known_type = asked.type > 0 && (i == 0 || asked.known_type) &&
                               !(fields[3].start[i] >= 'a' && fields[3].start[i] <= 'z');
        asked.verb = ASKED_QUESTION;
    } else if (abi > 0 && is(&fields[0], "AXFR") && count == (abi >= 4 ? 3U : 2U) &&
               read_int(&fields[1], &asked.zone_id) &&
               (abi < 4 || read_name(&fields[2], &asked.name)))
        asked.verb = ASKED_TRANSFER;
    else if (abi == 5 && is(&fields[0], "CMD") && count >= 2)
        asked.verb = ASKED_COMMAND;
    else if (abi > 0 && (is(&fields[0], "Q") || is(&fields[0], "AXFR")))
        asked.verb = ASKED_ODDLY;
    return asked;
}

/* ---- the answer */

/* Cuts a line off the answer; it must be there and have its newline. */
static struct field next_line(const char **next, const char *end)
{
    const char *start = *next, *newline = memchr(start, '\n', (size_t)(end - start));
    REQUIRE(newline, "the answer ends in the middle of a line: %s",
            shown(start, (size_t)(end - start)));
    *next = newline + 1;
    return (struct field){start, (size_t)(newline - start)};
}

static void read_banner(struct dialogue *dialogue, const char *next, const char *end)
{
    struct field line = next_line(&next, end);
    REQUIRE(next == end, "more than a banner: %s", shown(next, (size_t)(end - next)));
    bool accepted = line.length > 3 && memcmp(line.start, "OK\t", 3) == 0;
    REQUIRE(accepted || is(&line, "FAIL"), "no banner: %s", shown(line.start, line.length));
    int32_t abi = dialogue->asked.abi;
    REQUIRE(accepted == (abi > 0), "ABI %d: %s", abi, shown(line.start, line.length));
    dialogue->abi = abi;
    dialogue->reply.failed = !accepted;
}

/* What a command prints ends with the first line that is END once its white space is cut off. */
static void read_printed(const char *next, const char *end)
{
    for (;;) {
        struct field line = next_line(&next, end);
        while (line.length > 0 && strchr(" \t\r\v\f", line.start[line.length - 1]))
            line.length--;
        if (is(&line, "END"))
            break;
    }
    REQUIRE(next == end, "something behind the END of a command: %s",
            shown(next, (size_t)(end - next)));
}

/* Records and messages up to END or FAIL, which is the last line. */
static void read_records(struct dialogue *dialogue, const char *next, const char *end)
{
    struct reply *reply = &dialogue->reply;
    for (;;) {
        struct powerdns_line *record = &reply->records[reply->count], line;
        struct field field = next_line(&next, end);
        const char *problem = powerdns_read_line(field.start, field.length, dialogue->abi, &line);
        REQUIRE(!problem, "ABI %d, %s: %s", dialogue->abi, problem,
                shown(field.start, field.length));
        if (line.kind == POWERDNS_DATA) {
            REQUIRE(++reply->count < RECORDS_MAX, "an answer of so many records");
            *record = line;
        } else if (line.kind != POWERDNS_LOG) {
            reply->failed = line.kind == POWERDNS_FAIL;
            break;
        }
    }
    REQUIRE(next == end, "something behind the end of an answer: %s",
            shown(next, (size_t)(end - next)));
}

/* Properties of every answer to a question. */
static void check_question(const struct dialogue *dialogue)
{
    const struct asked *asked = &dialogue->asked;
    const struct reply *reply = &dialogue->reply;
    REQUIRE(!reply->failed || (asked->type != TYPE_SOA && reply->count == 0),
            "FAIL where it must not be");
    for (size_t i = 0; i < reply->count; i++) {
        const struct powerdns_line *record = &reply->records[i];
        const char *text = shown(record->text, record->length);
        REQUIRE(wire_name_equal(&record->owner, &asked->name), "another name: %s", text);
        REQUIRE(asked->zone_id == -1 || record->zone_id == asked->zone_id, "another zone id: %s",
                text);
        REQUIRE(!asked->known_type || asked->type == TYPE_ANY || record->type == asked->type,
                "another type than %u: %s", asked->type, text);
    }
}

void dialogue_say(struct dialogue *dialogue, const struct line *line)
{
    struct reply *reply = &dialogue->reply;
    buffer_clear(&reply->text);
    reply->count = 0;
    reply->failed = false;
    dialogue->asked = understand(line, dialogue->abi);
    pipe_handle(&dialogue->pipe, line, &reply->text);
    const char *start = buffer_text(&reply->text), *end = start + reply->text.length;
    switch (dialogue->asked.verb) {
    case ASKED_HELO:
        read_banner(dialogue, start, end);
        break;
    case ASKED_COMMAND:
        read_printed(start, end);
        break;
    case ASKED_QUESTION:
        read_records(dialogue, start, end);
        check_question(dialogue);
        break;
    case ASKED_TRANSFER:
    case ASKED_NONSENSE:
    case ASKED_ODDLY:
        read_records(dialogue, start, end);
        break;
    }
    REQUIRE(dialogue->pipe.abi == dialogue->abi, "ABI %d here and %d there", dialogue->abi,
            dialogue->pipe.abi);
}

void dialogue_sayf(struct dialogue *dialogue, const char *format, ...)
{
    static char text[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0 && (size_t)length < sizeof text, "too long a line");
    dialogue_say(dialogue, &(struct line){.text = text, .length = (size_t)length});
}
