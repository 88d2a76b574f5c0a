#include <stdlib.h>
#include <string.h>

#include "powerdns.h"

#define LABEL_MAX 63
#define TOKENS_MAX 16

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte that an escape stands for, with `*at` behind it; -1 for a broken one. */
static int read_escape(const char *text, size_t length, size_t *at)
{
    const char *digits = text + *at;
    if (*at == length)
        return -1;
    if (!is_digit(*digits)) {
        (*at)++;
        return (uint8_t)*digits;
    }
    if (length - *at < 3 || !is_digit(digits[1]) || !is_digit(digits[2]))
        return -1;
    *at += 3;
    int value = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0';
    return value > UINT8_MAX ? -1 : value;
}

const char *powerdns_read_name(const char *text, size_t length, struct wire_name *ret_name)
{
    struct wire_name name = {.length = 1};
    size_t label = 0; /* where the length of the present label stands */
    if (length == 1 && text[0] == '.')
        length = 0;
    for (size_t at = 0; at < length;) {
        int byte = (uint8_t)text[at++];
        if (byte == '.') {
            if (name.bytes[label] == 0)
                return "a name with an empty label";
            label = name.length++;
        } else {
            if (byte == '\\' && (byte = read_escape(text, length, &at)) < 0)
                return "a name with a broken escape";
            if (++name.bytes[label] > LABEL_MAX)
                return "a name with too long a label";
            name.bytes[name.length++] =
                (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
        }
        if (name.length >= WIRE_NAME_MAX && at < length)
            return "too long a name";
    }
    if (name.bytes[label] != 0) {
        if (name.length >= WIRE_NAME_MAX)
            return "too long a name";
        name.bytes[name.length++] = 0;
    }
    *ret_name = name;
    return NULL;
}

const char *powerdns_write_name(const struct wire_name *name, char text[static NAME_TEXT_SIZE])
{
    char *out = text;
    for (size_t at = 0; name->bytes[at] != 0; at += name->bytes[at] + 1U) {
        if (at > 0)
            *out++ = '.';
        for (size_t i = at + 1; i <= at + name->bytes[at]; i++) {
            uint8_t byte = name->bytes[i];
            if (byte == '.' || byte == '\\') {
                *out++ = '\\';
                *out++ = (char)byte;
            } else if (byte > 0x20 && byte < 0x7f)
                *out++ = (char)byte;
            else {
                *out++ = '\\';
                *out++ = (char)('0' + byte / 100);
                *out++ = (char)('0' + byte / 10 % 10);
                *out++ = (char)('0' + byte % 10);
            }
        }
    }
    if (out == text)
        *out++ = '.';
    *out = '\0';
    return text;
}

bool wire_name_equal(const struct wire_name *a, const struct wire_name *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

struct token {
    const char *start;
    size_t length;
};

/* Runs of tabs count as one. TOKENS_MAX + 1 when there are more. */
static size_t cut(const char *text, size_t length, struct token tokens[static TOKENS_MAX])
{
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        if (text[at] == '\t') {
            at++;
            continue;
        }
        if (count == TOKENS_MAX)
            return TOKENS_MAX + 1;
        size_t start = at;
        while (at < length && text[at] != '\t')
            at++;
        tokens[count++] = (struct token){text + start, at - start};
    }
    return count;
}

static bool is(const struct token *token, const char *word)
{
    return token->length == strlen(word) && memcmp(token->start, word, token->length) == 0;
}

/* A whole token that is a number between two others. */
static bool read_number(const struct token *token, long long least, long long most,
                        long long *ret_number)
{
    char copy[24], *end;
    if (token->length == 0 || token->length >= sizeof copy)
        return false;
    memcpy(copy, token->start, token->length);
    copy[token->length] = '\0';
    if (!is_digit(copy[0]) && !(copy[0] == '-' && is_digit(copy[1])))
        return false;
    *ret_number = strtoll(copy, &end, 10);
    return *end == '\0' && *ret_number >= least && *ret_number <= most;
}

/* MX and SRV want their first field alone; of any other the fields are one. */
static const char *read_content(const struct token *parts, size_t count, unsigned type)
{
    char content[70000];
    size_t length = 0;
    bool two = type == 15 || type == 33;
    if (count != (two ? 2U : 1U))
        return two ? "an MX or SRV without its two fields" : "a content with a tab in it";
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length + 2 > sizeof content - length)
            return "a content longer than any record";
        if (i > 0)
            content[length++] = ' ';
        memcpy(content + length, parts[i].start, parts[i].length);
        length += parts[i].length;
    }
    content[length] = '\0';
    return powerdns_read_content(type, content, length);
}

static const char *read_data(const struct token *tokens, size_t count, int abi,
                             struct powerdns_line *line)
{
    size_t extra = abi >= 3 ? 2 : 0;
    long long number = 0;
    if (count < 7 + extra || count > TOKENS_MAX)
        return "DATA with too few or too many fields";
    line->authoritative = true;
    if (extra) {
        if (!read_number(&tokens[1], 0, 128, &number))
            return "scope bits that are none";
        line->scope_bits = (unsigned)number;
        if (!is(&tokens[2], "1") && !is(&tokens[2], "0"))
            return "an authority that is neither 0 nor 1";
        line->authoritative = is(&tokens[2], "1");
    }
    tokens += extra;
    const char *problem = powerdns_read_name(tokens[1].start, tokens[1].length, &line->owner);
    if (problem)
        return problem;
    if (!is(&tokens[2], "IN"))
        return "a class that is not IN";
    line->type = powerdns_type(tokens[3].start, tokens[3].length);
    if (line->type == 0)
        return "an unknown type";
    if (!read_number(&tokens[4], 0, UINT32_MAX, &number))
        return "a TTL that is none";
    line->ttl_s = (uint32_t)number;
    if (!read_number(&tokens[5], INT32_MIN, INT32_MAX, &number))
        return "a zone id that is none";
    line->zone_id = (int32_t)number;
    return read_content(&tokens[6], count - extra - 6, line->type);
}

const char *powerdns_read_line(const char *text, size_t length, int abi,
                               struct powerdns_line *ret_line)
{
    struct token tokens[TOKENS_MAX];
    *ret_line = (struct powerdns_line){.text = text, .length = length};
    if (memchr(text, '\0', length) || memchr(text, '\n', length))
        return "a line with a NUL or a newline in it";
    if (length > 0 && strchr(" \t\r\v\f", text[length - 1]))
        return "white space at the end, which is cut off";
    size_t count = cut(text, length, tokens);
    if (count == 0)
        return "an empty line";
    if (is(&tokens[0], "END") || is(&tokens[0], "FAIL")) {
        ret_line->kind = is(&tokens[0], "END") ? POWERDNS_END : POWERDNS_FAIL;
        return length == tokens[0].length ? NULL : "something behind END or FAIL";
    }
    if (is(&tokens[0], "LOG")) {
        ret_line->kind = POWERDNS_LOG;
        return length > 4 && text[0] == 'L' ? NULL : "LOG without a text";
    }
    ret_line->kind = POWERDNS_DATA;
    if (!is(&tokens[0], "DATA"))
        return "a line that begins with no word of the protocol";
    return read_data(tokens, count, abi, ret_line);
}
