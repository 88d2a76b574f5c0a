/*
 * Parameters are read in place, and their values keep their escapes. The sections: reading;
 * checking, with a table of parameters 0 to 6 (mandatory to ipv6hint); and hints, where the content
 * was checked before and is not checked again.
 */
#include "core/dns/svcb.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/buffer.h"
#include "core/base/decimal.h"
#include "core/network/address.h"

/* RFC 1035 section 3.3: a character string is at most 255 bytes. */
#define STRING_MAX 255

struct text {
    const char *start;
    size_t length;
};

struct parameter {
    struct text name;
    struct text value; /* without its quotes; `start` NULL: there is none */
    bool is_quoted;
};

/* ---------------------------------------------------------------- reading */

/* What may stand in a value without a backslash before it (pdns/dnslabeltext.rl). */
static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && !strchr("\"();\\", c);
}

/* The length of an escape, 2 or 4; 0 when it is none. */
static size_t escape_length(const char *text)
{
    if (text[0] != '\\')
        return 0;
    if (!isdigit((unsigned char)text[1]))
        return text[1] > ' ' && text[1] < 0x7f ? 2 : 0;
    if (!isdigit((unsigned char)text[2]) || !isdigit((unsigned char)text[3]))
        return 0;
    return (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0' <= UINT8_MAX ? 4 : 0;
}

/* Reads a value, which ends at a space or the end of the text. Returns its end, or NULL. */
static const char *read_value(const char *text, struct parameter *parameter)
{
    bool quoted = *text == '"';
    const char *c = text + quoted;
    parameter->is_quoted = quoted;
    parameter->value.start = c;
    while (*c && *c != (quoted ? '"' : ' ')) {
        size_t length = escape_length(c);
        if (length == 0 && (is_plain(*c) || (quoted && *c == ' ')))
            length = 1;
        if (length == 0)
            return NULL;
        c += length;
    }
    parameter->value.length = (size_t)(c - parameter->value.start);
    if (quoted && *c++ != '"')
        return NULL;
    return *c == ' ' || *c == '\0' ? c : NULL;
}

/* Reads the parameter at `text`, which is not a space. Returns its end; NULL when it is none. */
static const char *read_parameter(const char *text, struct parameter *ret_parameter)
{
    size_t length = strcspn(text, "= ");
    *ret_parameter = (struct parameter){.name = {text, length}};
    return text[length] == '=' ? read_value(text + length + 1, ret_parameter) : text + length;
}

/* Steps over the next parameter of a checked text; false at the end. */
static bool next_parameter(const char **text, struct parameter *ret_parameter)
{
    *text += strspn(*text, " ");
    if (!**text)
        return false;
    *text = read_parameter(*text, ret_parameter);
    return true;
}

static bool is_text(struct text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.start, word, text.length) == 0;
}

/* Calls `check` for each part of a comma-separated list; false if one is empty or fails. */
static bool each_part(struct text list, bool (*check)(struct text part))
{
    for (;;) {
        const char *comma = memchr(list.start, ',', list.length);
        struct text part = {list.start, comma ? (size_t)(comma - list.start) : list.length};
        if (part.length == 0 || !check(part))
            return false;
        if (!comma)
            return true;
        list.length -= part.length + 1;
        list.start = comma + 1;
    }
}

/* ---------------------------------------------------------------- checking */

static bool is_address_of(struct text text, enum address_family family)
{
    struct address address;
    bool colon = memchr(text.start, ':', text.length) != NULL;
    return colon == (family == FAMILY_IPV6) && !memchr(text.start, '%', text.length) &&
           address_parse(text.start, text.length, &address) == 0;
}

static bool is_ipv4(struct text part)
{
    return is_address_of(part, FAMILY_IPV4);
}

static bool is_ipv6(struct text part)
{
    return is_address_of(part, FAMILY_IPV6);
}

/* Of the names of protocols; a backslash would be one too many for PowerDNS's list. */
static bool is_protocol(struct text part)
{
    return part.length <= STRING_MAX && !memchr(part.start, '\\', part.length);
}

static bool is_known(struct text name);

static bool is_auto(const struct parameter *parameter)
{
    return is_text(parameter->value, "auto") &&
           (is_text(parameter->name, "ipv4hint") || is_text(parameter->name, "ipv6hint"));
}

static bool check_mandatory(const struct parameter *parameter)
{
    return each_part(parameter->value, is_known);
}

static bool check_alpn(const struct parameter *parameter)
{
    return each_part(parameter->value, is_protocol);
}

static bool check_port(const struct parameter *parameter)
{
    int64_t value;
    return decimal_parse(parameter->value.start, parameter->value.length, 0, UINT16_MAX, &value);
}

static bool check_ipv4hint(const struct parameter *parameter)
{
    return is_auto(parameter) || each_part(parameter->value, is_ipv4);
}

static bool check_ipv6hint(const struct parameter *parameter)
{
    return is_auto(parameter) || each_part(parameter->value, is_ipv6);
}

static bool check_ech(const struct parameter *parameter)
{
    const struct text *value = &parameter->value;
    return !memchr(value->start, ' ', value->length) &&
           base64_is_valid(value->start, value->length);
}

static const struct kind {
    const char *name;
    bool (*check)(const struct parameter *parameter); /* NULL: takes no value */
} kinds[] = {
    {"mandatory", check_mandatory}, {"alpn", check_alpn},         {"no-default-alpn", NULL},
    {"port", check_port},           {"ipv4hint", check_ipv4hint}, {"ech", check_ech},
    {"ipv6hint", check_ipv6hint},
};

#define KINDS (sizeof kinds / sizeof *kinds)

/*
 * From this number on, no version of PowerDNS reads a keyNNN in a way of its own; and 7 (dohpath)
 * is read by all in the same way.
 */
#define GENERIC_KEY_MIN 10
#define DOHPATH_KEY 7

/* Only 5.1 has a name for it, and what 4.7 reads as key8 is an error there. */
#define OHTTP "ohttp"
#define OHTTP_KEY 8

/* The number of a parameter: its place among the kinds, NNN of keyNNN, or -1. */
static int64_t number_of(struct text name)
{
    int64_t number;
    for (size_t i = 0; i < KINDS; i++)
        if (is_text(name, kinds[i].name))
            return (int64_t)i;
    if (is_text(name, OHTTP))
        return OHTTP_KEY;
    if (name.length <= 3 || memcmp(name.start, "key", 3) != 0 ||
        (name.start[3] == '0' && name.length > 4) ||
        !decimal_parse(name.start + 3, name.length - 3, DOHPATH_KEY, UINT16_MAX, &number))
        return -1;
    return number >= GENERIC_KEY_MIN || number == DOHPATH_KEY ? number : -1;
}

static bool is_known(struct text name)
{
    return number_of(name) >= 0;
}

static bool is_valid(const struct parameter *parameter, int64_t number)
{
    if (number < 0)
        return false;
    if (number == OHTTP_KEY)
        return !parameter->value.start;
    if (number >= (int64_t)KINDS)
        return parameter->value.start &&
               (parameter->value.length > 0 || (parameter->is_quoted && number != DOHPATH_KEY));
    return kinds[number].check ? parameter->value.start && kinds[number].check(parameter)
                               : !parameter->value.start;
}

/* Says whether a parameter of this number comes before `end`. */
static bool is_repeated(const char *text, const char *end, int64_t number)
{
    struct parameter parameter;
    while (next_parameter(&text, &parameter) && parameter.name.start < end)
        if (number_of(parameter.name) == number)
            return true;
    return false;
}

static bool is_not_ohttp(struct text part)
{
    return !is_text(part, OHTTP);
}

/* What 5.1 takes, and no version before it. */
static bool is_of_5_1(const struct parameter *parameter)
{
    if (is_text(parameter->name, "mandatory"))
        return !each_part(parameter->value, is_not_ohttp);
    return is_text(parameter->name, OHTTP) ||
           (is_text(parameter->name, "port") && parameter->is_quoted);
}

bool svcb_parameters_are_valid(const char *text, bool is_5_1)
{
    const char *c = text + strspn(text, " ");
    while (*c) {
        struct parameter parameter;
        const char *start = c;
        c = read_parameter(c, &parameter);
        int64_t number = c ? number_of(parameter.name) : -1;
        if (!is_valid(&parameter, number) || is_repeated(text, start, number) ||
            (is_of_5_1(&parameter) && !is_5_1))
            return false;
        c += strspn(c, " ");
    }
    return true;
}

/* ---------------------------------------------------------------- hints */

bool svcb_is_type(const char *type)
{
    return strcmp(type, "SVCB") == 0 || strcmp(type, "HTTPS") == 0;
}

/* The end of the first two fields, priority and target. */
static const char *parameters_of(const char *content)
{
    content += strspn(content, " ");
    content += strcspn(content, " ");
    content += strspn(content, " ");
    return content + strcspn(content, " ");
}

bool svcb_target(const char *content, struct name *ret_target)
{
    const char *end = parameters_of(content), *start = end;
    while (start > content && start[-1] != ' ')
        start--;
    return strncmp(start, ". ", 2) != 0 && strcmp(start, ".") != 0 &&
           name_parse(start, (size_t)(end - start), ret_target) == 0;
}

bool svcb_has_auto_hints(const char *content)
{
    struct parameter parameter;
    const char *c = parameters_of(content);
    while (next_parameter(&c, &parameter))
        if (parameter.value.start && is_auto(&parameter))
            return true;
    return false;
}

static bool has_address(struct text list, const struct address *address)
{
    for (;;) {
        const char *comma = memchr(list.start, ',', list.length);
        size_t length = comma ? (size_t)(comma - list.start) : list.length;
        struct address part;
        if (address_parse(list.start, length, &part) == 0 && address_equal(&part, address))
            return true;
        if (!comma)
            return false;
        list.length -= length + 1;
        list.start = comma + 1;
    }
}

bool svcb_hints_at(const char *content, const char *address)
{
    struct parameter parameter;
    struct address wanted;
    const char *c = parameters_of(content);
    if (address_parse(address, strlen(address), &wanted) != 0)
        return false;
    while (next_parameter(&c, &parameter))
        if (parameter.value.start && has_address(parameter.value, &wanted))
            return true;
    return false;
}

const char *svcb_fill_hints(const char *content, const char *ipv4, const char *ipv6,
                            struct arena *arena)
{
    struct buffer filled = {0};
    const char *c = parameters_of(content);
    buffer_add(&filled, content, (size_t)(c - content));
    struct parameter parameter;
    while (next_parameter(&c, &parameter)) {
        const struct text *name = &parameter.name;
        const char *address = is_text(*name, "ipv4hint") ? ipv4 : ipv6;
        if (!parameter.value.start || !is_auto(&parameter))
            buffer_printf(&filled, " %.*s", (int)(c - name->start), name->start);
        else if (address)
            buffer_printf(&filled, " %.*s=%s", (int)name->length, name->start, address);
    }
    const char *copy =
        filled.failed ? NULL : arena_copy(arena, buffer_text(&filled), filled.length);
    buffer_release(&filled);
    return copy;
}
