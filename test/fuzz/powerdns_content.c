#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "powerdns.h"

/*
 * The types that PowerDNS knows by name, and how it reads each one's content, a letter a field:
 *
 *   b w d  a number of 8, 16, 32 bits      n  a name          t  one string, T  all that follow
 *   a A    an IPv4, an IPv6 address        u  a bare word     P  service parameters
 *   B      base64 to the end               H  hexadecimal digits to the end
 *   W      a number of 16 bits, not 0      e  EUI-48, E  EUI-64
 *   p      prefixes to the end             y  types to the end
 *   i      all of an IPSECKEY              l  all of a LOC
 *   N      a locator or node identifier
 *   #      in no form of its own: only the generic one
 *   -      in one that is not written down here; the generic one is not taken
 */
static const struct type {
    const char *word;
    unsigned number;
    const char *fields;
} types[] = {
    {"A", 1, "a"},           {"NS", 2, "n"},       {"CNAME", 5, "n"},       {"SOA", 6, "nnddddd"},
    {"MB", 7, "n"},          {"MG", 8, "n"},       {"MR", 9, "n"},          {"PTR", 12, "n"},
    {"HINFO", 13, "tt"},     {"MINFO", 14, "nn"},  {"MX", 15, "wn"},        {"TXT", 16, "T"},
    {"RP", 17, "nn"},        {"AFSDB", 18, "wn"},  {"SIG", 24, "#"},        {"KEY", 25, "wbbB"},
    {"AAAA", 28, "A"},       {"LOC", 29, "l"},     {"SRV", 33, "wwwn"},     {"NAPTR", 35, "wwtttn"},
    {"KX", 36, "wn"},        {"CERT", 37, "WwbB"}, {"A6", 38, "#"},         {"DNAME", 39, "n"},
    {"OPT", 41, "B"},        {"APL", 42, "p"},     {"DS", 43, "wbbH"},      {"SSHFP", 44, "bbH"},
    {"IPSECKEY", 45, "i"},   {"RRSIG", 46, "-"},   {"NSEC", 47, "-"},       {"DNSKEY", 48, "wbbB"},
    {"DHCID", 49, "B"},      {"NSEC3", 50, "-"},   {"NSEC3PARAM", 51, "-"}, {"TLSA", 52, "bbbH"},
    {"SMIMEA", 53, "bbbH"},  {"RKEY", 57, "wbbB"}, {"CDS", 59, "wbbH"},     {"CDNSKEY", 60, "wbbB"},
    {"OPENPGPKEY", 61, "B"}, {"CSYNC", 62, "dwy"}, {"ZONEMD", 63, "dbbH"},  {"SVCB", 64, "wnP"},
    {"HTTPS", 65, "wnP"},    {"SPF", 99, "T"},     {"NID", 104, "wN"},      {"L32", 105, "wa"},
    {"L64", 106, "wN"},      {"LP", 107, "wn"},    {"EUI48", 108, "e"},     {"EUI64", 109, "E"},
    {"TKEY", 249, "#"},      {"IXFR", 251, "#"},   {"AXFR", 252, "#"},      {"MAILB", 253, "#"},
    {"MAILA", 254, "#"},     {"ANY", 255, "#"},    {"URI", 256, "wwT"},     {"CAA", 257, "buT"},
    {"DLV", 32769, "wbbH"},  {"ADDR", 65400, "#"}, {"ALIAS", 65401, "n"},   {"LUA", 65402, "-"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

unsigned powerdns_type(const char *word, size_t length)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (strlen(types[i].word) == length && strncasecmp(types[i].word, word, length) == 0)
            return types[i].number;
    if (length < 5 || length > 9 || strncasecmp(word, "TYPE", 4) != 0)
        return 0;
    unsigned number = 0;
    for (size_t i = 4; i < length; i++) {
        if (!isdigit((unsigned char)word[i]))
            return 0;
        number = number * 10 + (unsigned)(word[i] - '0');
    }
    return number <= UINT16_MAX ? number : 0;
}

/* A content being read; `problem` is the first thing that is wrong. */
struct reader {
    const char *text;
    size_t at, end;
    const char *problem;
    unsigned long first; /* the first number of the content */
    unsigned long last;  /* the one that was read last */
    bool had_number;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void complain(struct reader *reader, const char *problem)
{
    if (!reader->problem)
        reader->problem = problem;
    reader->at = reader->end;
}

static bool at_end(const struct reader *reader)
{
    return reader->at == reader->end;
}

static char here(const struct reader *reader)
{
    return at_end(reader) ? '\0' : reader->text[reader->at];
}

/* White space before a field, which must be there. */
static bool find_field(struct reader *reader)
{
    while (!at_end(reader) && is_space(here(reader)))
        reader->at++;
    if (at_end(reader))
        complain(reader, "a field is missing at the end of the content");
    return !at_end(reader);
}

static void read_number(struct reader *reader, unsigned long most)
{
    unsigned long value = 0;
    if (!find_field(reader))
        return;
    if (!isdigit((unsigned char)here(reader))) {
        complain(reader, "digits expected");
        return;
    }
    for (; isdigit((unsigned char)here(reader)); reader->at++) {
        value = value * 10 + (unsigned long)(here(reader) - '0');
        if (value > most) {
            complain(reader, "a number out of range");
            return;
        }
    }
    reader->last = value;
    if (!reader->had_number)
        reader->first = value;
    reader->had_number = true;
}

static void read_name(struct reader *reader)
{
    struct wire_name name;
    if (!find_field(reader))
        return;
    size_t start = reader->at;
    while (!at_end(reader) && (here(reader) == '\r' || !is_space(here(reader))))
        reader->at++;
    const char *problem = powerdns_read_name(reader->text + start, reader->at - start, &name);
    if (problem)
        complain(reader, problem);
}

/* Four numbers and three dots; ends at white space or a comma. */
static void read_ipv4(struct reader *reader)
{
    unsigned octet = 0, dots = 0;
    bool digit = false;
    if (!find_field(reader))
        return;
    for (; !at_end(reader) && !is_space(here(reader)) && here(reader) != ','; reader->at++) {
        if (here(reader) == '.') {
            if (!digit || ++dots > 3) {
                complain(reader, "an IPv4 address with a dot too many");
                return;
            }
            digit = false;
            octet = 0;
            continue;
        }
        if (!isdigit((unsigned char)here(reader)) ||
            (octet = octet * 10 + (unsigned)(here(reader) - '0')) > 255) {
            complain(reader, "no IPv4 address");
            return;
        }
        digit = true;
    }
    if (dots != 3 || !digit)
        complain(reader, "an IPv4 address that is not whole");
}

static void read_ipv6(struct reader *reader)
{
    char copy[64];
    struct in6_addr address;
    if (!find_field(reader))
        return;
    size_t start = reader->at;
    while (isxdigit((unsigned char)here(reader)) || here(reader) == ':' || here(reader) == '.')
        reader->at++;
    size_t length = reader->at - start;
    if (length >= sizeof copy) {
        complain(reader, "no IPv6 address");
        return;
    }
    memcpy(copy, reader->text + start, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET6, copy, &address) != 1)
        complain(reader, "no IPv6 address");
}

/* The first half of an IPv6 address: the second one is put behind it. */
static void read_identifier(struct reader *reader)
{
    char copy[64];
    struct in6_addr address;
    if (!find_field(reader))
        return;
    size_t start = reader->at;
    while (isxdigit((unsigned char)here(reader)) || here(reader) == ':')
        reader->at++;
    int length = (int)(reader->at - start);
    if (length >= 32) {
        complain(reader, "no locator or node identifier");
        return;
    }
    snprintf(copy, sizeof copy, "%.*s:0:0:0:0", length, reader->text + start);
    if (inet_pton(AF_INET6, copy, &address) != 1)
        complain(reader, "no locator or node identifier");
}

/* What stands between quotes, when it is written into a packet. */
static bool is_quotable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '\\')
            continue;
        if (++i == length)
            return false;
        if (!isdigit((unsigned char)text[i]))
            continue;
        if (length - i < 3 || !isdigit((unsigned char)text[i + 1]) ||
            !isdigit((unsigned char)text[i + 2]))
            return false;
        if ((text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + text[i + 2] - '0' > 255)
            return false; /* taken, as another byte than was meant */
        i += 2;
    }
    return true;
}

static void read_quoted(struct reader *reader)
{
    size_t start = ++reader->at;
    while (!at_end(reader) && here(reader) != '"') {
        if (here(reader) == '\\' && reader->at + 1 != reader->end)
            reader->at++;
        reader->at++;
    }
    if (at_end(reader))
        complain(reader, "a string without its last quote");
    else if (!is_quotable(reader->text + start, reader->at - start))
        complain(reader, "a broken escape in a string");
    else
        reader->at++;
}

static void read_texts(struct reader *reader, bool all)
{
    while (!at_end(reader) && find_field(reader)) {
        if (here(reader) == '"')
            read_quoted(reader);
        else { /* without quotes only letters and digits, to the end */
            while (isalnum((unsigned char)here(reader)))
                reader->at++;
            if (!at_end(reader))
                complain(reader, "a string should start with a quote");
        }
        if (!all)
            return;
    }
}

static void read_word(struct reader *reader)
{
    if (!find_field(reader))
        return;
    size_t start = reader->at;
    while (!at_end(reader) && here(reader) != ' ')
        reader->at++;
    if (reader->at - start > 255)
        complain(reader, "a word whose length does not fit into a byte");
}

static bool is_base64(const char *text, size_t length)
{
    size_t digits = 0, pads = 0;
    for (size_t i = 0; i < length; i++) {
        if (is_space(text[i]))
            continue;
        if (text[i] == '=')
            pads++;
        else if (pads > 0)
            return false;
        else
            digits++;
    }
    return (digits + pads) % 4 == 0 && digits > 0 && pads <= 2;
}

static void read_base64(struct reader *reader, bool spaces)
{
    if (!find_field(reader))
        return;
    size_t start = reader->at;
    while (!at_end(reader) && ((spaces && is_space(here(reader))) ||
                               isalnum((unsigned char)here(reader)) || strchr("+/=", here(reader))))
        reader->at++;
    if (!is_base64(reader->text + start, reader->at - start))
        complain(reader, "no base64");
}

static void read_hexadecimal(struct reader *reader)
{
    size_t digits = 0;
    if (!find_field(reader))
        return;
    for (; !at_end(reader); reader->at++) {
        if (is_space(here(reader)))
            continue;
        if (!isxdigit((unsigned char)here(reader))) {
            complain(reader, "no hexadecimal digit");
            return;
        }
        digits++;
    }
    if (digits % 2 != 0)
        complain(reader, "half a byte of hexadecimal digits");
}

/*
 * A value of service parameters: a character string, of which PowerDNS reads what it understands
 * and leaves the rest for a next parameter. Copies it, unescaped; false when it is not one.
 */
static bool read_char_string(struct reader *reader, char *value, size_t size, size_t *ret_length)
{
    size_t length = 0;
    bool quoted = here(reader) == '"';
    if (quoted)
        reader->at++;
    for (; !at_end(reader) && length < size; value[length++] = reader->text[reader->at++]) {
        char c = here(reader);
        if (c == '"' || (!quoted && c == ' '))
            break;
        if (c == '\\' || c < ' ' || c > '~' || strchr("();", c))
            return false; /* escapes are followed in the values of a generic key alone */
    }
    if (quoted && here(reader) != '"')
        return false;
    reader->at += quoted;
    *ret_length = length;
    return length > 0 && length < size;
}

/* Such a string with escapes, which may be empty between quotes. */
static void read_escaped(struct reader *reader)
{
    bool quoted = here(reader) == '"';
    size_t start = reader->at += quoted;
    while (!at_end(reader) && here(reader) != (quoted ? '"' : ' ')) {
        char c = here(reader);
        size_t left = reader->end - reader->at;
        const char *text = reader->text + reader->at;
        if (c == '\\' && left >= 4 && isdigit((unsigned char)text[1]) &&
            isdigit((unsigned char)text[2]) && isdigit((unsigned char)text[3]) &&
            (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0' <= 255)
            reader->at += 4;
        else if (c == '\\' && left >= 2 && !isdigit((unsigned char)text[1]) && text[1] > ' ' &&
                 text[1] <= '~')
            reader->at += 2;
        else if ((c > ' ' && c <= '~' && !strchr("\"();\\", c)) || (quoted && c == ' '))
            reader->at++;
        else {
            complain(reader, "the value of a generic service parameter");
            return;
        }
    }
    if (quoted ? here(reader) != '"' : reader->at == start)
        complain(reader, "the value of a generic service parameter");
    else
        reader->at += quoted;
}

enum key { MANDATORY, ALPN, NO_DEFAULT_ALPN, PORT, IPV4HINT, ECH, IPV6HINT, KEYS };

static const char *const keys[KEYS] = {"mandatory", "alpn", "no-default-alpn", "port",
                                       "ipv4hint",  "ech",  "ipv6hint"};

static enum key find_key(const char *text, size_t length)
{
    enum key key = MANDATORY;
    while (key < KEYS && (strlen(keys[key]) != length || memcmp(keys[key], text, length) != 0))
        key++;
    return key;
}

/* The number of a keyNNN, or -1. */
static long generic_key(const char *text, size_t length)
{
    char *end, copy[9];
    if (length < 4 || length >= sizeof copy || memcmp(text, "key", 3) != 0)
        return -1;
    memcpy(copy, text, length);
    copy[length] = '\0';
    long number = isdigit((unsigned char)copy[3]) ? strtol(copy + 3, &end, 10) : -1;
    return number >= 0 && *end == '\0' && number <= UINT16_MAX ? number : -1;
}

/* One item of a list with commas. */
static bool is_item(enum key key, const char *text, size_t length)
{
    char copy[64];
    uint8_t address[16];
    if (key == MANDATORY)
        return find_key(text, length) < KEYS || generic_key(text, length) >= 0;
    if (key == ALPN)
        return length <= 255;
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return inet_pton(key == IPV4HINT ? AF_INET : AF_INET6, copy, address) == 1;
}

static void read_list(struct reader *reader, enum key key)
{
    static char value[70000];
    size_t length;
    if (!read_char_string(reader, value, sizeof value, &length)) {
        complain(reader, "the value of a service parameter");
        return;
    }
    for (size_t start = 0, stop; start <= length; start = stop + 1) {
        for (stop = start; stop < length && value[stop] != ','; stop++)
            ;
        bool automatic = (key == IPV4HINT || key == IPV6HINT) && stop - start == 4 &&
                         memcmp(value + start, "auto", 4) == 0;
        if (stop == start || (!automatic && !is_item(key, value + start, stop - start))) {
            complain(reader, "an item of a service parameter");
            return;
        }
        if (automatic)
            return;
    }
}

static void read_parameter(struct reader *reader)
{
    size_t start = reader->at;
    while (!at_end(reader) && here(reader) != '=' && here(reader) != ' ')
        reader->at++;
    enum key key = find_key(reader->text + start, reader->at - start);
    bool has_value = here(reader) == '=';
    long generic = generic_key(reader->text + start, reader->at - start);
    if (generic >= KEYS && generic != 8 && generic != 9) { /* those differ between versions */
        reader->at += has_value;
        if (!has_value || at_end(reader) || here(reader) == ' ')
            complain(reader, "a service parameter without its value");
        else
            read_escaped(reader);
        return;
    }
    if (key == KEYS || has_value == (key == NO_DEFAULT_ALPN)) {
        complain(reader, "a service parameter");
        return;
    }
    reader->at += has_value;
    if (has_value && (at_end(reader) || here(reader) == ' ')) {
        complain(reader, "a service parameter without its value");
        return;
    }
    if (key == PORT)
        read_number(reader, UINT16_MAX);
    else if (key == ECH) {
        bool quoted = here(reader) == '"';
        reader->at += quoted;
        read_base64(reader, false);
        if (quoted && here(reader) != '"')
            complain(reader, "base64 without its last quote");
        reader->at += quoted && !reader->problem;
    } else if (has_value)
        read_list(reader, key);
}

/* An alias (priority 0) has none: what stands there is left over. */
static void read_parameters(struct reader *reader)
{
    if (reader->first == 0)
        return;
    while (!at_end(reader)) {
        if (!find_field(reader))
            return;
        read_parameter(reader);
    }
}

static size_t word_length(const struct reader *reader)
{
    size_t end = reader->at;
    while (end < reader->end && reader->text[end] != ' ')
        end++;
    return end - reader->at;
}

static void read_prefixes(struct reader *reader)
{
    while (!at_end(reader) && find_field(reader)) {
        char copy[64], *slash;
        uint8_t address[16];
        size_t length = word_length(reader);
        if (length >= sizeof copy) {
            complain(reader, "a prefix that is too long");
            return;
        }
        memcpy(copy, reader->text + reader->at, length);
        copy[length] = '\0';
        char *item = copy + (*copy == '!');
        bool ipv4 = strncmp(item, "1:", 2) == 0;
        if ((!ipv4 && strncmp(item, "2:", 2) != 0) || !(slash = strchr(item, '/'))) {
            complain(reader, "no prefix");
            return;
        }
        *slash++ = '\0';
        if (inet_pton(ipv4 ? AF_INET : AF_INET6, item + 2, address) != 1 ||
            !isdigit((unsigned char)*slash) || strtoul(slash, NULL, 10) > (ipv4 ? 32 : 128)) {
            complain(reader, "no prefix");
            return;
        }
        reader->at += length;
    }
}

static void read_types(struct reader *reader)
{
    while (!at_end(reader) && find_field(reader)) {
        size_t length = word_length(reader);
        if (powerdns_type(reader->text + reader->at, length) == 0) {
            complain(reader, "no type");
            return;
        }
        reader->at += length;
    }
}

static void read_eui(struct reader *reader, int bytes)
{
    unsigned byte;
    int read;
    for (int i = 0; i < bytes && find_field(reader); i++) {
        if (reader->end - reader->at < (i > 0 ? 3 : 2) ||
            sscanf(reader->text + reader->at, i > 0 ? "-%2x%n" : "%2x%n", &byte, &read) != 1) {
            complain(reader, "no EUI");
            return;
        }
        reader->at += (size_t)read;
    }
}

static void read_ipseckey(struct reader *reader)
{
    unsigned long gateway;
    read_number(reader, UINT8_MAX);
    read_number(reader, UINT8_MAX);
    gateway = reader->last;
    read_number(reader, UINT8_MAX);
    if (reader->problem)
        return;
    unsigned long algorithm = reader->last;
    if (gateway > 3 || algorithm > 2)
        complain(reader, "an IPSECKEY of another kind");
    else if (gateway == 1)
        read_ipv4(reader);
    else if (gateway == 2)
        read_ipv6(reader);
    else if (gateway == 3)
        read_name(reader);
    if (!reader->problem && algorithm > 0)
        read_base64(reader, true);
}

/* Up to three numbers, of which PowerDNS takes the last with decimals, and a letter. */
static void read_angle(struct reader *reader, const char *letters)
{
    for (int i = 0; i < 4 && find_field(reader); i++) {
        char c = here(reader);
        size_t length = word_length(reader);
        if (i > 0 && length == 1 && strchr(letters, c)) {
            reader->at++;
            return;
        }
        for (size_t k = 0; k < length; k++) {
            char digit = reader->text[reader->at + k];
            if (!isdigit((unsigned char)digit) && !(i == 2 && digit == '.' && k > 0)) {
                complain(reader, "no angle");
                return;
            }
        }
        reader->at += length;
    }
    complain(reader, "an angle without its letter");
}

static void read_location(struct reader *reader)
{
    read_angle(reader, "NS");
    read_angle(reader, "EW");
    for (int i = 0; i < 4 && !reader->problem && (i == 0 || !at_end(reader)); i++) {
        if (!find_field(reader))
            return;
        reader->at += i == 0 && here(reader) == '-';
        if (!isdigit((unsigned char)here(reader)))
            complain(reader, "no length");
        else
            reader->at += word_length(reader);
    }
}

static void read_field(struct reader *reader, char field)
{
    switch (field) {
    case 'b':
        read_number(reader, UINT8_MAX);
        break;
    case 'w':
        read_number(reader, UINT16_MAX);
        break;
    case 'd':
        read_number(reader, UINT32_MAX);
        break;
    case 'n':
        read_name(reader);
        break;
    case 'a':
        read_ipv4(reader);
        break;
    case 'A':
        read_ipv6(reader);
        break;
    case 'N':
        read_identifier(reader);
        break;
    case 't':
        read_texts(reader, false);
        break;
    case 'T':
        read_texts(reader, true);
        break;
    case 'u':
        read_word(reader);
        break;
    case 'B':
        read_base64(reader, true);
        break;
    case 'H':
        read_hexadecimal(reader);
        break;
    case 'P':
        read_parameters(reader);
        break;
    case 'W':
        read_number(reader, UINT16_MAX);
        if (!reader->problem && reader->last == 0)
            complain(reader, "a type that is reserved");
        break;
    case 'e':
        read_eui(reader, 6);
        break;
    case 'E':
        read_eui(reader, 8);
        break;
    case 'p':
        read_prefixes(reader);
        break;
    case 'y':
        read_types(reader);
        break;
    case 'i':
        read_ipseckey(reader);
        break;
    case 'l':
        read_location(reader);
        break;
    default:
        complain(reader, "PowerDNS reads this type in a form of its own");
    }
}

/* "\#", the number of bytes, and these in hexadecimal; without the third field if it is 0. */
static const char *read_generic(const char *content)
{
    static char words[3][140000];
    int read = 0;
    if (strlen(content) >= sizeof words[0])
        return "a generic content longer than any record";
    size_t count = 0;
    for (const char *c = content; *c; c += read) {
        size_t skip = strspn(c, " \t\n"), length = strcspn(c + skip, " \t\n");
        read = (int)(skip + length);
        if (length == 0)
            break;
        if (count == 3)
            return "a generic content with more than three fields";
        memcpy(words[count], c + skip, length);
        words[count++][length] = '\0';
    }
    if (count < 2 || strcmp(words[0], "\\#") != 0)
        return "a content that does not begin with \\#";
    if (count == 2)
        return strcmp(words[1], "0") == 0 ? NULL : "a generic content without its bytes";
    size_t digits = strlen(words[2]);
    char *end;
    unsigned long number = strtoul(words[1], &end, 10);
    if (*end || !isdigit((unsigned char)words[1][0]) || digits != 2 * number)
        return "a generic content of another length than it says";
    return strspn(words[2], "0123456789abcdefABCDEF") == digits ? NULL : "no hexadecimal digits";
}

const char *powerdns_read_content(unsigned type, const char *content, size_t length)
{
    const char *fields = "#";
    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].number == type)
            fields = types[i].fields;
    if (*fields == '#')
        return read_generic(content);
    struct reader reader = {.text = content, .end = length};
    while (reader.end > 0 && is_space(content[reader.end - 1]))
        reader.end--;
    while (!at_end(&reader) && is_space(here(&reader)))
        reader.at++;
    for (; *fields && !reader.problem; fields++)
        read_field(&reader, *fields);
    if (!reader.problem && !at_end(&reader))
        return "something is left over behind the content's last field";
    return reader.problem;
}
