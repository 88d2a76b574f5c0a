#include "powerdns_reply.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_ROOM 16

struct reader {
    const char *at, *end;
    const char *problem; /* the first */
};

static void refuse(struct reader *reader, const char *problem)
{
    if (!reader->problem)
        reader->problem = problem;
    reader->at = reader->end;
}

/* Takes a text that may come next. */
static bool take(struct reader *reader, const char *text)
{
    size_t length = strlen(text);
    if (reader->problem || (size_t)(reader->end - reader->at) < length ||
        memcmp(reader->at, text, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static void expect(struct reader *reader, const char *text, const char *problem)
{
    if (!take(reader, text))
        refuse(reader, problem);
}

static int hexadecimal(char c)
{
    int letter = c | 0x20;
    return c >= '0' && c <= '9' ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* One of the escapes that stand for a byte. */
static char read_escape(struct reader *reader)
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *found;
    if (take(reader, "u")) {
        if (reader->end - reader->at < 4 || memcmp(reader->at, "00", 2) != 0 ||
            hexadecimal(reader->at[2]) < 0 || hexadecimal(reader->at[3]) < 0) {
            refuse(reader, "an escape that stands for no control character");
            return 0;
        }
        reader->at += 4;
        return (char)(hexadecimal(reader->at[-2]) * 16 + hexadecimal(reader->at[-1]));
    }
    if (reader->at == reader->end || !(found = strchr(letters, *reader->at)) || !*found) {
        refuse(reader, "an unknown escape");
        return 0;
    }
    reader->at++;
    return bytes[found - letters];
}

/* The bytes of the UTF-8 sequence that comes next, 0 when it is none (RFC 3629 section 4). */
static size_t sequence(const struct reader *reader)
{
    const uint8_t *at = (const uint8_t *)reader->at;
    size_t left = (size_t)(reader->end - reader->at);
    size_t size = at[0] < 0x80                     ? 1
                  : at[0] >= 0xc2 && at[0] <= 0xdf ? 2
                  : at[0] >= 0xe0 && at[0] <= 0xef ? 3
                  : at[0] >= 0xf0 && at[0] <= 0xf4 ? 4
                                                   : 0;
    if (size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if (at[i] < 0x80 || at[i] > 0xbf)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool outside = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);
    return overlong || outside ? 0 : size;
}

/* A string, into `texts` with NUL. */
static const char *read_string(struct reader *reader, struct powerdns_reply *reply)
{
    size_t start = reply->texts_length;
    char *out = reply->texts + start;
    expect(reader, "\"", "no string where one should be");
    while (!reader->problem && !take(reader, "\"")) {
        size_t size = reader->at < reader->end ? sequence(reader) : 0;
        if (size == 0 || (uint8_t)*reader->at < 0x20)
            refuse(reader, "a string that does not end, or is not UTF-8, or has a bare control");
        else if (out + size + 1 >= reply->texts + TEXTS_MAX)
            refuse(reader, "more text than any reply of these tests has");
        else if (take(reader, "\\"))
            *out++ = read_escape(reader);
        else
            for (; size > 0; size--)
                *out++ = *reader->at++;
    }
    *out++ = '\0';
    reply->texts_length = (size_t)(out - reply->texts);
    if (strlen(reply->texts + start) + 1 != reply->texts_length - start)
        refuse(reader, "a string with a NUL in it");
    return reply->texts + start;
}

/* A whole number, without plus, zeros before it, fraction or exponent. */
static int64_t read_number(struct reader *reader, int64_t least, int64_t most)
{
    int64_t sign = take(reader, "-") ? -1 : 1, value = 0;
    const char *start = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' &&
           reader->at - start < 11)
        value = value * 10 + *reader->at++ - '0';
    if (reader->at == start || (*start == '0' && (reader->at - start > 1 || sign < 0)))
        refuse(reader, "no number where one should be");
    else if (value * sign < least || value * sign > most)
        refuse(reader, "a number that is out of range");
    return value * sign;
}

static void read_owner(struct reader *reader, struct powerdns_reply *reply,
                       struct wire_name *ret_name)
{
    const char *text = read_string(reader, reply);
    const char *problem = powerdns_read_name(text, strlen(text), ret_name);
    if (problem)
        refuse(reader, problem);
}

static void read_zone(struct reader *reader, struct powerdns_reply *reply, struct powerdns_row *row)
{
    row->is_zone = true;
    expect(reader, "{\"id\":", "a zone without id");
    row->zone_id = (int32_t)read_number(reader, 1, INT32_MAX);
    expect(reader, ",\"zone\":", "a zone without name");
    read_owner(reader, reply, &row->owner);
    expect(reader, ",\"kind\":\"native\",\"serial\":", "a zone without kind and serial");
    row->serial = (uint32_t)read_number(reader, 0, UINT32_MAX);
    expect(reader, "}", "a zone with something more");
}

static void read_record(struct reader *reader, struct powerdns_reply *reply,
                        struct powerdns_row *row)
{
    row->is_zone = false;
    expect(reader, "{\"qtype\":", "a record without type");
    const char *type = read_string(reader, reply);
    row->type = powerdns_type(type, strlen(type));
    bool is_empty = strcmp(type, "TYPE0") == 0; /* PowerDNS's own, of an empty non-terminal */
    if (row->type == 0 && !is_empty)
        refuse(reader, "a record of an unknown type");
    expect(reader, ",\"qname\":", "a record without name");
    read_owner(reader, reply, &row->owner);
    expect(reader, ",\"content\":", "a record without content");
    row->content = read_string(reader, reply);
    expect(reader, ",\"ttl\":", "a record without ttl");
    row->ttl_s = (uint32_t)read_number(reader, 0, INT32_MAX);
    expect(reader, ",\"domain_id\":", "a record without zone id");
    row->zone_id = (int32_t)read_number(reader, INT32_MIN, INT32_MAX);
    expect(reader, ",\"auth\":", "a record without authority");
    row->authoritative = read_number(reader, 0, 1) == 1;
    if (is_empty && (row->authoritative || *row->content))
        refuse(reader, "an empty non-terminal with content, or in proofs");
    expect(reader, ",\"scopeMask\":", "a record without scope");
    row->scope_bits = (unsigned)read_number(reader, 0, 128);
    expect(reader, "}", "a record with something more");
}

static void read_rows(struct reader *reader, struct powerdns_reply *reply)
{
    if (take(reader, "]"))
        return;
    do {
        if (reply->count == ROWS_MAX) {
            refuse(reader, "more rows than any reply of these tests has");
            return;
        }
        struct powerdns_row *row = &reply->rows[reply->count++];
        bool is_zone = reader->end - reader->at > 5 && memcmp(reader->at, "{\"id\"", 5) == 0;
        (is_zone ? read_zone : read_record)(reader, reply, row);
        if (row->is_zone != reply->rows[0].is_zone)
            refuse(reader, "zones and records in one array");
    } while (take(reader, ","));
    expect(reader, "]", "an array that does not end");
}

static enum powerdns_result read_result(struct reader *reader, struct powerdns_reply *reply)
{
    if (take(reader, "true"))
        return RESULT_TRUE;
    if (take(reader, "false"))
        return RESULT_FALSE;
    if (take(reader, "{}"))
        return RESULT_OBJECT;
    if (take(reader, "[")) {
        read_rows(reader, reply);
        return RESULT_ARRAY;
    }
    if (reader->at < reader->end && *reader->at == '"') {
        read_string(reader, reply);
        return RESULT_TEXT;
    }
    reply->count = 1;
    read_zone(reader, reply, &reply->rows[0]);
    return RESULT_ZONE;
}

static void read_log(struct reader *reader, struct powerdns_reply *reply)
{
    do
        read_string(reader, reply);
    while (take(reader, ","));
    expect(reader, "]", "a log that does not end");
}

/* A record that PowerDNS cannot read fails the lookup; among others it would fail them too. */
static void read_contents(struct reader *reader, struct powerdns_reply *reply)
{
    for (size_t i = 0; i < reply->count && !reader->problem; i++) {
        const struct powerdns_row *row = &reply->rows[i];
        const char *problem =
            row->is_zone     ? NULL
            : row->type == 0 ? NULL
                             : powerdns_read_content(row->type, row->content, strlen(row->content));
        reply->failed = problem != NULL;
        if (problem && (reply->count > 1 || row->owner.length > 1))
            refuse(reader, problem);
    }
}

const char *powerdns_read_reply(const char *text, size_t length, struct powerdns_reply *ret_reply)
{
    struct reader reader = {text, text + length, NULL};
    ret_reply->result = RESULT_NONE;
    ret_reply->count = ret_reply->texts_length = 0;
    ret_reply->failed = false;
    if (take(&reader, "{\"error\":"))
        read_string(&reader, ret_reply);
    else {
        expect(&reader, "{\"result\":", "neither a result nor an error");
        ret_reply->result = read_result(&reader, ret_reply);
        if (take(&reader, ",\"log\":["))
            read_log(&reader, ret_reply);
    }
    expect(&reader, "}\n", "the end of the reply is not there");
    if (reader.at != reader.end)
        refuse(&reader, "more than one line");
    read_contents(&reader, ret_reply);
    return reader.problem;
}
