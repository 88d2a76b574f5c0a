#include "dialect/pipe_line.h"

#include <stdint.h>
#include <string.h>

#include "core/decimal.h"
#include "core/name.h"
#include "core/rdata.h"

/* DATA, scope bits, authority, name, class, type, TTL, id and the two halves of an MX. */
#define TOKENS_MAX 10
/* The longest content that can be checked; above the longest that the schema's checks let in. */
#define CONTENT_MAX 65536

struct token {
    const char *start;
    size_t length;
};

/* Like PowerDNS's stringtok(): runs of tabs count as one, so empty fields cannot be. */
static size_t tokenize(const char *line, size_t length, struct token *tokens, size_t most)
{
    size_t count = 0;
    const char *end = line + length;
    while (line < end) {
        if (*line == '\t') {
            line++;
            continue;
        }
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        const char *stop = tab ? tab : end;
        if (count == most)
            return most + 1;
        tokens[count++] = (struct token){line, (size_t)(stop - line)};
        line = stop;
    }
    return count;
}

static bool token_is(const struct token *token, const char *word)
{
    return token->length == strlen(word) && memcmp(token->start, word, token->length) == 0;
}

static bool is_number(const struct token *token, int64_t least, int64_t most)
{
    int64_t value;
    return decimal_parse(token->start, token->length, least, most, &value);
}

static bool is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Joins the content as PowerDNS does, and has it checked. */
static bool is_content(const struct token *type, const struct token *parts, size_t count)
{
    char type_text[RECORD_TYPE_MAX], content[CONTENT_MAX];
    size_t length = 0;
    bool two = token_is(type, "MX") || token_is(type, "SRV");
    if (count != (two ? 2U : 1U) || type->length >= sizeof type_text)
        return false;
    memcpy(type_text, type->start, type->length);
    type_text[type->length] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length >= sizeof content - length - 1 ||
            memchr(parts[i].start, '\0', parts[i].length))
            return false;
        if (i > 0)
            content[length++] = ' ';
        memcpy(content + length, parts[i].start, parts[i].length);
        length += parts[i].length;
    }
    content[length] = '\0';
    return rdata_check(type_text, content, NULL) == 0;
}

static bool is_data(const struct token *tokens, size_t count, int abi)
{
    size_t extra = abi >= PIPE_ABI_SCOPE ? 2 : 0;
    struct name name;
    if (count < 7 + extra || count > TOKENS_MAX)
        return false;
    if (extra && (!is_number(&tokens[1], 0, 128) ||
                  !(token_is(&tokens[2], "0") || token_is(&tokens[2], "1"))))
        return false;
    tokens += extra;
    return name_parse(tokens[1].start, tokens[1].length, &name) == 0 &&
           token_is(&tokens[2], "IN") && is_number(&tokens[4], 0, UINT32_MAX) &&
           is_number(&tokens[5], INT32_MIN, INT32_MAX) &&
           is_content(&tokens[3], &tokens[6], count - extra - 6);
}

bool pipe_line_is_sound(const char *line, size_t length, int abi)
{
    struct token tokens[TOKENS_MAX];
    if (length == 0 || is_white(line[length - 1]) || memchr(line, '\n', length) ||
        memchr(line, '\r', length))
        return false;
    /* At least one: the last byte is no white space. */
    size_t count = tokenize(line, length, tokens, TOKENS_MAX);
    if (token_is(&tokens[0], "END") || token_is(&tokens[0], "FAIL"))
        return count == 1;
    /* What stands behind the fourth byte is logged, and there has to be something. */
    if (token_is(&tokens[0], "LOG"))
        return count >= 2 && line[3] == '\t';
    return token_is(&tokens[0], "DATA") && is_data(tokens, count, abi);
}
