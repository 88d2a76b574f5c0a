/*
 * A table of record types, each with the fields of its content, and a reader for each kind of
 * field. What PowerDNS's parser would reject is rejected here first.
 */
#include "core/dns/rdata.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/decimal.h"
#include "core/dns/name.h"
#include "core/dns/svcb.h"
#include "core/network/address.h"

/* RFC 1035 section 3.3: a character string is at most 255 bytes, rdata at most 65535. */
#define STRING_MAX 255
#define RDATA_MAX 65535

/* A content, and the position up to which its fields have been read. */
struct fields {
    const char *content;
    const char *next;
    int64_t powerdns; /* the version that has to read it */
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

static bool read_base64(struct fields *fields)
{
    size_t length = strlen(fields->next);
    bool good = base64_is_valid(fields->next, length);
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

/* In alias mode, with priority 0, there are none: PowerDNS would silently drop them. */
static bool read_parameters(struct fields *fields)
{
    const char *text = fields->next;
    if (strtol(fields->content, NULL, 10) == 0)
        return at_end(fields);
    fields->next += strlen(text);
    return svcb_parameters_are_valid(text, fields->powerdns >= POWERDNS_5_1);
}

/* RFC 4398 section 2.1: type 0 is reserved. */
static bool read_certificate_type(struct fields *fields)
{
    struct word word;
    int64_t value;
    return next_word(fields, &word) && is_number(&word, UINT16_MAX, &value) && value > 0;
}

/* RFC 4025 section 2.1: what kind of gateway follows, and whether a key does. */
static bool read_ipseckey(struct fields *fields)
{
    struct word word;
    int64_t gateway, algorithm;
    if (!read_u8(fields) || !next_word(fields, &word) || !is_number(&word, 3, &gateway) ||
        !next_word(fields, &word) || !is_number(&word, 2, &algorithm))
        return false;
    if ((gateway == 1 && !read_ipv4(fields)) || (gateway == 2 && !read_ipv6(fields)) ||
        (gateway == 3 && !read_name(fields)))
        return false;
    return algorithm == 0 || read_base64(fields);
}

/* So many pairs of hexadecimal digits with dashes between them (RFC 7043). */
static bool read_eui(struct fields *fields, size_t pairs)
{
    struct word word;
    if (!next_word(fields, &word) || word.length != 3 * pairs - 1)
        return false;
    for (size_t i = 0; i < word.length; i++)
        if (i % 3 == 2 ? word.start[i] != '-' : !isxdigit((unsigned char)word.start[i]))
            return false;
    return true;
}

static bool read_eui48(struct fields *fields)
{
    return read_eui(fields, 6);
}

static bool read_eui64(struct fields *fields)
{
    return read_eui(fields, 8);
}

/* A locator or node identifier, 64 bits in four groups of hexadecimal digits (RFC 6742). */
static bool read_identifier(struct fields *fields)
{
    struct word word;
    size_t groups = 1, digits = 0;
    if (!next_word(fields, &word))
        return false;
    for (size_t i = 0; i < word.length; i++) {
        bool ends = word.start[i] == ':';
        if (ends ? digits == 0 : !isxdigit((unsigned char)word.start[i]) || ++digits > 4)
            return false;
        if (ends) {
            groups++;
            digits = 0;
        }
    }
    return groups == 4 && digits > 0;
}

/* RFC 3123 section 5: `1:192.0.2.0/24`, `!2:2001:db8::/32`. */
static bool is_prefix_item(struct word word)
{
    if (*word.start == '!')
        word = (struct word){word.start + 1, word.length - 1};
    if (word.length < 2 || (*word.start != '1' && *word.start != '2') || word.start[1] != ':')
        return false;
    enum address_family family = *word.start == '1' ? FAMILY_IPV4 : FAMILY_IPV6;
    word = (struct word){word.start + 2, word.length - 2};
    const char *slash = memchr(word.start, '/', word.length);
    struct word address = {word.start, slash ? (size_t)(slash - word.start) : 0};
    int64_t bits;
    return slash && is_address(address, family) &&
           decimal_parse(slash + 1, word.length - address.length - 1, 0, family_bits(family),
                         &bits);
}

static bool read_prefixes(struct fields *fields)
{
    struct word word;
    do {
        if (!next_word(fields, &word) || !is_prefix_item(word))
            return false;
    } while (!at_end(fields));
    return true;
}

static bool is_type(struct word word, int64_t powerdns);

/* The types of a CSYNC record (RFC 7477 section 2.1.1.3). */
static bool read_types(struct fields *fields)
{
    struct word word;
    while (next_word(fields, &word))
        if (!is_type(word, fields->powerdns))
            return false;
    return true;
}

/* Digits, and up to `decimals` more behind a point; then the unit, which may be left out. */
static bool is_measure(struct word word, size_t digits_max, size_t decimals, char unit)
{
    size_t length = word.length, digits = 0;
    if (unit && length > 0 && word.start[length - 1] == unit)
        length--;
    while (digits < length && isdigit((unsigned char)word.start[digits]))
        digits++;
    if (digits == 0 || digits > digits_max)
        return false;
    if (digits == length)
        return true;
    size_t more = length - digits - 1;
    for (size_t i = digits + 1; i < length; i++)
        if (!isdigit((unsigned char)word.start[i]))
            return false;
    return word.start[digits] == '.' && more > 0 && more <= decimals;
}

/* Degrees, and minutes and seconds if there are any, up to one of two letters. */
static bool read_angle(struct fields *fields, int64_t degrees_max, const char *hemispheres)
{
    struct word word;
    for (int i = 0; next_word(fields, &word); i++) {
        int64_t whole;
        if (i > 0 && word.length == 1 && strchr(hemispheres, *word.start))
            return true;
        size_t length = 0;
        while (length < word.length && isdigit((unsigned char)word.start[length]))
            length++;
        if (i > 2 || !is_measure(word, 3, i == 2 ? 3 : 0, '\0') ||
            !decimal_parse(word.start, length, 0, i == 0 ? degrees_max : 59, &whole))
            return false;
    }
    return false;
}

/* RFC 1876 section 3: latitude, longitude and altitude; then up to three lengths. */
static bool read_location(struct fields *fields)
{
    struct word word;
    if (!read_angle(fields, 90, "NS") || !read_angle(fields, 180, "EW") ||
        !next_word(fields, &word))
        return false;
    if (*word.start == '-')
        word = (struct word){word.start + 1, word.length - 1};
    if (!is_measure(word, 5, 2, 'm'))
        return false;
    for (int i = 0; next_word(fields, &word); i++)
        if (i > 2 || !is_measure(word, 7, 2, 'm'))
            return false;
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
    {"APL", {{"prefixes", read_prefixes}}},
    {"CAA", {{"flags", read_u8}, {"tag", read_tag}, {"quoted value", read_string}}},
    {"CDNSKEY",
     {{"flags", read_u16}, {"protocol", read_u8}, {"algorithm", read_u8}, {"key", read_base64}}},
    {"CDS",
     {{"key tag", read_u16},
      {"algorithm", read_u8},
      {"digest type", read_u8},
      {"digest", read_hex}}},
    {"CERT",
     {{"type", read_certificate_type},
      {"key tag", read_u16},
      {"algorithm", read_u8},
      {"certificate", read_base64}}},
    {"CNAME", {{"target name", read_name}}},
    {"CSYNC", {{"serial", read_u32}, {"flags", read_u16}, {"types", read_types}}},
    {"DHCID", {{"identifier", read_base64}}},
    {"DLV",
     {{"key tag", read_u16},
      {"algorithm", read_u8},
      {"digest type", read_u8},
      {"digest", read_hex}}},
    {"DNAME", {{"target name", read_name}}},
    {"DNSKEY",
     {{"flags", read_u16}, {"protocol", read_u8}, {"algorithm", read_u8}, {"key", read_base64}}},
    {"DS",
     {{"key tag", read_u16},
      {"algorithm", read_u8},
      {"digest type", read_u8},
      {"digest", read_hex}}},
    {"EUI48", {{"address", read_eui48}}},
    {"EUI64", {{"address", read_eui64}}},
    {"HINFO", {{"quoted hardware", read_string}, {"quoted system", read_string}}},
    {"HTTPS",
     {{"priority", read_u16}, {"target name", read_name}, {"parameters", read_parameters}}},
    {"IPSECKEY", {{"precedence, gateway and key", read_ipseckey}}},
    {"KEY",
     {{"flags", read_u16}, {"protocol", read_u8}, {"algorithm", read_u8}, {"key", read_base64}}},
    {"KX", {{"preference", read_u16}, {"exchanger name", read_name}}},
    {"L32", {{"preference", read_u16}, {"locator", read_ipv4}}},
    {"L64", {{"preference", read_u16}, {"locator", read_identifier}}},
    {"LOC", {{"location", read_location}}},
    {"LP", {{"preference", read_u16}, {"name of locators", read_name}}},
    {"MB", {{"host name", read_name}}},
    {"MG", {{"mailbox name", read_name}}},
    {"MINFO", {{"mailbox name", read_name}, {"error mailbox name", read_name}}},
    {"MR", {{"mailbox name", read_name}}},
    {"MX", {{"preference", read_u16}, {"exchange name", read_name}}},
    {"NAPTR",
     {{"order", read_u16},
      {"preference", read_u16},
      {"quoted flags", read_string},
      {"quoted service", read_string},
      {"quoted regexp", read_string},
      {"replacement name", read_name}}},
    {"NID", {{"preference", read_u16}, {"node identifier", read_identifier}}},
    {"NS", {{"name server", read_name}}},
    {"OPENPGPKEY", {{"key", read_base64}}},
    {"PTR", {{"target name", read_name}}},
    {"RKEY",
     {{"flags", read_u16}, {"protocol", read_u8}, {"algorithm", read_u8}, {"key", read_base64}}},
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
    {"WALLET", {{"quoted strings", read_strings}}},
    {"ZONEMD",
     {{"serial", read_u32}, {"scheme", read_u8}, {"algorithm", read_u8}, {"digest", read_hex}}},
};

static const struct grammar *find_grammar(const char *type)
{
    for (size_t i = 0; i < sizeof grammars / sizeof *grammars; i++)
        if (strcmp(grammars[i].type, type) == 0)
            return &grammars[i];
    return NULL;
}

/* The version of PowerDNS that a type came with. */
static int64_t version_of(const char *type)
{
    return strcmp(type, "WALLET") == 0 ? POWERDNS_5_1 : POWERDNS_LEAST;
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

static bool is_type(struct word word, int64_t powerdns)
{
    char type[RECORD_TYPE_MAX];
    if (word.length >= sizeof type)
        return false;
    memcpy(type, word.start, word.length);
    type[word.length] = '\0';
    return (find_grammar(type) && version_of(type) <= powerdns) || is_generic_type(type);
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

int rdata_check(const char *type, const char *content, int64_t powerdns, struct error *error)
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
    if (version_of(type) > powerdns)
        return error_set(error, ERR_INVAL,
                         "PowerDNS reads type %s from %" PRId64 ".%" PRId64
                         " on: see the setting powerdns_version",
                         type, version_of(type) / 100, version_of(type) % 100);
    struct fields fields = {.content = content, .next = content, .powerdns = powerdns};
    for (size_t i = 0; grammar->fields[i].read; i++)
        if (!grammar->fields[i].read(&fields))
            return error_set(error, ERR_INVAL, "%s: field %zu should be the %s", type, i + 1,
                             grammar->fields[i].what);
    if (!at_end(&fields))
        return error_set(error, ERR_INVAL, "%s: more fields than the type has", type);
    return 0;
}
