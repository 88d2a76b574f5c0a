/*
 * A table of record types, each with the fields of its content, and a reader for each kind of
 * field. What PowerDNS's parser would reject is rejected here first.
 */
#include "core/dns/rdata.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/decimal.h"
#include "core/dns/name.h"
#include "core/network/address.h"

/* RFC 1035 section 3.3: a character string is at most 255 bytes, rdata at most 65535. */
#define STRING_MAX 255
#define RDATA_MAX 65535

/* A content, and the position up to which its fields have been read. */
struct fields {
    const char *content;
    const char *next;
};

struct word {
    const char *start;
    size_t length;
};

/* Reads a word up to the next space; false at the end. */
static bool next_word(struct fields *fields, struct word *ret_word)
{
    fields->next += strspn(fields->next, " ");
    ret_word->start = fields->next;
    ret_word->length = strcspn(fields->next, " ");
    fields->next += ret_word->length;
    return ret_word->length > 0;
}

static bool at_end(const struct fields *fields)
{
    return fields->next[strspn(fields->next, " ")] == '\0';
}

static bool is_number(const struct word *word, int64_t most, int64_t *ret_value)
{
    return decimal_parse(word->start, word->length, 0, most, ret_value);
}

static bool read_number(struct fields *fields, int64_t most)
{
    struct word word;
    int64_t value;
    return next_word(fields, &word) && is_number(&word, most, &value);
}

static bool read_u8(struct fields *fields)
{
    return read_number(fields, UINT8_MAX);
}

static bool read_u16(struct fields *fields)
{
    return read_number(fields, UINT16_MAX);
}

static bool read_u32(struct fields *fields)
{
    return read_number(fields, UINT32_MAX);
}

/* PowerDNS reads an IPv4-mapped address as IPv6. */
static bool is_address(struct word word, enum address_family family)
{
    struct address address;
    bool colon = memchr(word.start, ':', word.length) != NULL;
    return colon == (family == FAMILY_IPV6) && !memchr(word.start, '%', word.length) &&
           address_parse(word.start, word.length, &address) == 0;
}

static bool read_address(struct fields *fields, enum address_family family)
{
    struct word word;
    return next_word(fields, &word) && is_address(word, family);
}

static bool read_ipv4(struct fields *fields)
{
    return read_address(fields, FAMILY_IPV4);
}

static bool read_ipv6(struct fields *fields)
{
    return read_address(fields, FAMILY_IPV6);
}

static bool read_name(struct fields *fields)
{
    struct word word;
    struct name name;
    return next_word(fields, &word) && name_parse(word.start, word.length, &name) == 0;
}

/* Reads a quoted string; PowerDNS requires the quotes. An escape counts as one byte. */
static bool read_quoted(struct fields *fields, size_t most)
{
    fields->next += strspn(fields->next, " ");
    const char *c = fields->next;
    if (*c++ != '"')
        return false;
    for (size_t bytes = 0; *c != '"'; bytes++) {
        if (*c == '\0' || bytes == most)
            return false;
        if (*c++ != '\\')
            continue;
        if (isdigit((unsigned char)c[0])) {
            if (!isdigit((unsigned char)c[1]) || !isdigit((unsigned char)c[2]) ||
                (c[0] - '0') * 100 + (c[1] - '0') * 10 + (c[2] - '0') > UINT8_MAX)
                return false;
            c += 3;
        } else if (*c++ == '\0')
            return false;
    }
    fields->next = c + 1;
    return *fields->next == ' ' || *fields->next == '\0';
}

static bool read_string(struct fields *fields)
{
    return read_quoted(fields, STRING_MAX);
}

/*
 * Reads the strings of a TXT record. PowerDNS itself splits those over 255 bytes (segmentDNSText).
 */
static bool read_strings(struct fields *fields)
{
    do {
        if (!read_quoted(fields, RDATA_MAX))
            return false;
    } while (!at_end(fields));
    return true;
}

/* Reads pairs of hexadecimal digits; spaces between words are allowed, as in DS and TLSA. */
static bool read_hex(struct fields *fields)
{
    size_t digits = 0;
    for (; *fields->next; fields->next++) {
        if (*fields->next == ' ')
            continue;
        if (!isxdigit((unsigned char)*fields->next))
            return false;
        digits++;
    }
    return digits > 0 && digits % 2 == 0 && digits / 2 <= RDATA_MAX;
}

static bool is_base64(const char *text, size_t length)
{
    size_t digits = 0, pads = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ')
            continue;
        if (text[i] == '=')
            pads++;
        else if (pads || !(isalnum((unsigned char)text[i]) || text[i] == '+' || text[i] == '/'))
            return false;
        else
            digits++;
    }
    return digits > 0 && pads <= 2 && (digits + pads) % 4 == 0;
}

static bool read_base64(struct fields *fields)
{
    size_t length = strlen(fields->next);
    bool good = is_base64(fields->next, length);
    fields->next += length;
    return good;
}

/* Reads the tag of a CAA record (RFC 8659 section 4.1). */
static bool read_tag(struct fields *fields)
{
    struct word word;
    if (!next_word(fields, &word) || word.length > 15)
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (!isalnum((unsigned char)word.start[i]))
            return false;
    return true;
}

/* Calls `check` for each part of a comma-separated list; false if one is empty or fails. */
static bool each_part(struct word list, bool (*check)(struct word part))
{
    for (;;) {
        const char *comma = memchr(list.start, ',', list.length);
        struct word part = {list.start, comma ? (size_t)(comma - list.start) : list.length};
        if (part.length == 0 || !check(part))
            return false;
        if (!comma)
            return true;
        list.length -= part.length + 1;
        list.start = comma + 1;
    }
}

static bool is_plain(struct word part)
{
    for (size_t i = 0; i < part.length; i++)
        if (!isalnum((unsigned char)part.start[i]) && !strchr("-_./", part.start[i]))
            return false;
    return part.length <= STRING_MAX;
}

static bool is_ipv4(struct word part)
{
    return is_address(part, FAMILY_IPV4);
}

static bool is_ipv6(struct word part)
{
    return is_address(part, FAMILY_IPV6);
}

static bool is_port(struct word part)
{
    int64_t value;
    return is_number(&part, UINT16_MAX, &value);
}

static bool is_base64_word(struct word part)
{
    return is_base64(part.start, part.length);
}

static bool is_parameter(struct word part);

/* The service parameters of RFC 9460 that PowerDNS reads as text without escapes or quotes. */
static const struct parameter {
    const char *name;
    bool (*check)(struct word part); /* NULL: takes no value */
    bool is_list;                    /* comma-separated */
} parameters[] = {
    {"mandatory", is_parameter, true}, {"alpn", is_plain, true},
    {"no-default-alpn", NULL, false},  {"port", is_port, false},
    {"ipv4hint", is_ipv4, true},       {"ech", is_base64_word, false},
    {"ipv6hint", is_ipv6, true},
};

#define PARAMETERS (sizeof parameters / sizeof *parameters)

/* The index of a parameter's name, or PARAMETERS. */
static size_t find_parameter(const char *name, size_t length)
{
    size_t i = 0;
    while (i < PARAMETERS &&
           (strlen(parameters[i].name) != length || memcmp(parameters[i].name, name, length) != 0))
        i++;
    return i;
}

static bool is_parameter(struct word part)
{
    return find_parameter(part.start, part.length) < PARAMETERS;
}

/* In alias mode, with priority 0, there are none: PowerDNS would silently drop them. */
static bool read_parameters(struct fields *fields)
{
    struct word word;
    unsigned seen = 0;
    if (strtol(fields->content, NULL, 10) == 0)
        return at_end(fields);
    while (next_word(fields, &word)) {
        const char *equals = memchr(word.start, '=', word.length);
        size_t name_length = equals ? (size_t)(equals - word.start) : word.length;
        size_t i = find_parameter(word.start, name_length);
        if (i == PARAMETERS || seen & 1U << i || !equals != !parameters[i].check)
            return false;
        seen |= 1U << i;
        if (!equals)
            continue;
        struct word value = {equals + 1, word.length - name_length - 1};
        bool automatic = (parameters[i].check == is_ipv4 || parameters[i].check == is_ipv6) &&
                         value.length == 4 && memcmp(value.start, "auto", 4) == 0;
        if (!automatic && !(parameters[i].is_list ? each_part(value, parameters[i].check)
                                                  : parameters[i].check(value)))
            return false;
    }
    return true;
}

struct field {
    const char *what;
    bool (*read)(struct fields *fields);
};

/* One more than the longest type, SOA, has: a field without a kind ends the list. */
#define FIELDS_MAX 8

static const struct grammar {
    const char *type;
    struct field fields[FIELDS_MAX];
} grammars[] = {
    {"A", {{"IPv4 address", read_ipv4}}},
    {"AAAA", {{"IPv6 address", read_ipv6}}},
    {"AFSDB", {{"subtype", read_u16}, {"host name", read_name}}},
    {"ALIAS", {{"target name", read_name}}},
    {"CAA", {{"flags", read_u8}, {"tag", read_tag}, {"quoted value", read_string}}},
    {"CDNSKEY",
     {{"flags", read_u16}, {"protocol", read_u8}, {"algorithm", read_u8}, {"key", read_base64}}},
    {"CDS",
     {{"key tag", read_u16},
      {"algorithm", read_u8},
      {"digest type", read_u8},
      {"digest", read_hex}}},
    {"CNAME", {{"target name", read_name}}},
    {"DNAME", {{"target name", read_name}}},
    {"DNSKEY",
     {{"flags", read_u16}, {"protocol", read_u8}, {"algorithm", read_u8}, {"key", read_base64}}},
    {"DS",
     {{"key tag", read_u16},
      {"algorithm", read_u8},
      {"digest type", read_u8},
      {"digest", read_hex}}},
    {"HINFO", {{"quoted hardware", read_string}, {"quoted system", read_string}}},
    {"HTTPS",
     {{"priority", read_u16}, {"target name", read_name}, {"parameters", read_parameters}}},
    {"KX", {{"preference", read_u16}, {"exchanger name", read_name}}},
    {"MX", {{"preference", read_u16}, {"exchange name", read_name}}},
    {"NAPTR",
     {{"order", read_u16},
      {"preference", read_u16},
      {"quoted flags", read_string},
      {"quoted service", read_string},
      {"quoted regexp", read_string},
      {"replacement name", read_name}}},
    {"NS", {{"name server", read_name}}},
    {"OPENPGPKEY", {{"key", read_base64}}},
    {"PTR", {{"target name", read_name}}},
    {"RP", {{"mailbox name", read_name}, {"text name", read_name}}},
    {"SMIMEA",
     {{"usage", read_u8}, {"selector", read_u8}, {"matching type", read_u8}, {"data", read_hex}}},
    {"SOA",
     {{"primary server", read_name},
      {"mailbox name", read_name},
      {"serial", read_u32},
      {"refresh", read_u32},
      {"retry", read_u32},
      {"expire", read_u32},
      {"minimum", read_u32}}},
    {"SPF", {{"quoted strings", read_strings}}},
    {"SRV",
     {{"priority", read_u16},
      {"weight", read_u16},
      {"port", read_u16},
      {"target name", read_name}}},
    {"SSHFP", {{"algorithm", read_u8}, {"fingerprint type", read_u8}, {"fingerprint", read_hex}}},
    {"SVCB", {{"priority", read_u16}, {"target name", read_name}, {"parameters", read_parameters}}},
    {"TLSA",
     {{"usage", read_u8}, {"selector", read_u8}, {"matching type", read_u8}, {"data", read_hex}}},
    {"TXT", {{"quoted strings", read_strings}}},
    {"URI", {{"priority", read_u16}, {"weight", read_u16}, {"quoted target", read_string}}},
};

static const struct grammar *find_grammar(const char *type)
{
    for (size_t i = 0; i < sizeof grammars / sizeof *grammars; i++)
        if (strcmp(grammars[i].type, type) == 0)
            return &grammars[i];
    return NULL;
}

/* From this number on, nearly all types are unassigned or for private use. */
#define GENERIC_TYPE_MIN 264

/*
 * `TYPE` and a number, without leading zeros, of a type that PowerDNS does not know. The types that
 * it knows it reads in their own form, even when they are written as a number.
 */
static bool is_generic_type(const char *type)
{
    static const int64_t known[] = {32768, 32769, 65400, 65401, 65402};
    int64_t number;
    if (strncmp(type, "TYPE", 4) != 0 || type[4] == '0' ||
        !decimal_parse(type + 4, strlen(type + 4), GENERIC_TYPE_MIN, UINT16_MAX, &number))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (number == known[i])
            return false;
    return true;
}

/* `\# length hex` of RFC 3597 section 5. */
static bool is_generic_content(const char *content)
{
    struct fields fields = {.content = content, .next = content};
    struct word word;
    int64_t length;
    if (!next_word(&fields, &word) || word.length != 2 || memcmp(word.start, "\\#", 2) != 0 ||
        !next_word(&fields, &word) || !is_number(&word, RDATA_MAX, &length))
        return false;
    if (length == 0)
        return word.length == 1 && at_end(&fields);
    /* PowerDNS requires the digits in one word here. */
    return next_word(&fields, &word) && (int64_t)word.length == 2 * length && at_end(&fields) &&
           read_hex(&(struct fields){.next = word.start});
}

int rdata_check(const char *type, const char *content, struct error *error)
{
    if (strpbrk(content, "\t\r\n\v\f"))
        return error_set(error, ERR_INVAL, "the content holds a tab or a line end");
    if (is_generic_type(type)) {
        if (!is_generic_content(content))
            return error_set(error, ERR_INVAL, "%s wants a content like \\# 3 010203", type);
        return 0;
    }
    const struct grammar *grammar = find_grammar(type);
    if (!grammar)
        return error_set(error, ERR_INVAL,
                         "type %s is not known here; one that PowerDNS does not know either goes as"
                         " TYPEnnn with a content like \\# 3 010203",
                         type);
    struct fields fields = {.content = content, .next = content};
    for (size_t i = 0; grammar->fields[i].read; i++)
        if (!grammar->fields[i].read(&fields))
            return error_set(error, ERR_INVAL, "%s: field %zu should be the %s", type, i + 1,
                             grammar->fields[i].what);
    if (!at_end(&fields))
        return error_set(error, ERR_INVAL, "%s: more fields than the type has", type);
    return 0;
}
