/*
 * Contents of records: whatever rdata_check() takes, PowerDNS takes, read as PowerDNS reads it; and
 * it goes out as a line that PowerDNS reads.
 *
 * Input: a byte for the type, then the content. From a byte of 240 on, the type is generic and its
 * number in the next two bytes.
 */
#include <stdio.h>
#include <string.h>

#include "core/dns/question.h"
#include "fuzz.h"
#include "powerdns.h"

static const char *const types[] = {
    "A",    "AAAA",  "ALIAS", "CAA",   "CNAME",    "DNAME",  "DNSKEY", "DS",    "HTTPS",
    "MX",   "NAPTR", "NS",    "PTR",   "SOA",      "SPF",    "SRV",    "SSHFP", "SVCB",
    "TLSA", "TXT",   "LOC",   "HINFO", "URI",      "ANY",    "LUA",    "ENT",   "CERT",
    "APL",  "CSYNC", "EUI48", "EUI64", "IPSECKEY", "ZONEMD", "DHCID",  "MINFO", "OPENPGPKEY",
};

/* As the snapshot keeps a content: without spaces at its ends. */
static void trim(char *content)
{
    size_t start = strspn(content, " "), length = strlen(content + start);
    memmove(content, content + start, length + 1);
    while (length > 0 && content[length - 1] == ' ')
        content[--length] = '\0';
}

/* As a line: MX and SRV in two fields. */
static void check_line(const char *type, const char *content)
{
    static char line[8192];
    struct powerdns_line read;
    const char *space = strchr(content, ' ');
    bool two = space && (strcmp(type, "MX") == 0 || strcmp(type, "SRV") == 0);
    int first = two ? (int)(space - content) : (int)strlen(content);
    int length =
        snprintf(line, sizeof line, "DATA\t0\t1\texample.com\tIN\t%s\t60\t1\t%.*s%s%s", type, first,
                 content, two ? "\t" : "", two ? space + strspn(space, " ") : "");
    const struct answer_record record = {.owner = "example.com", .type = type, .content = content};
    REQUIRE(answer_record_is_sound(&record), "left out: %s %s", type,
            shown(content, strlen(content)));
    const char *problem = powerdns_read_line(line, (size_t)length, 5, &read);
    REQUIRE(!problem, "%s: %s", problem, shown(line, (size_t)length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char content[4096];
    char generic[RECORD_TYPE_MAX];
    struct error error = {0};
    struct input input = {data, data + size};
    uint8_t choice = input_byte(&input);
    const char *type = types[choice % COUNT(types)];
    if (choice >= 240) {
        unsigned number = input_byte(&input) * 256U;
        snprintf(generic, sizeof generic, "TYPE%u", number + input_byte(&input));
        type = generic;
    }
    size_t length = (size_t)(input.end - input.next);
    if (length >= sizeof content || memchr(input.next, '\0', length))
        return 0;
    memcpy(content, input.next, length);
    content[length] = '\0';
    int code = rdata_check(type, content, POWERDNS_LEAST, &error);
    REQUIRE((code == 0) == (error.code == 0) && (code == 0 || error.text[0]), "code %d, error %d",
            code, error.code);
    REQUIRE(rdata_check(type, content, POWERDNS_LEAST, NULL) == code,
            "another code without an error struct");
    if (code != 0)
        return 0;
    trim(content);
    const char *problem =
        powerdns_read_content(powerdns_type(type, strlen(type)), content, strlen(content));
    REQUIRE(!problem, "%s: %s %s", problem, type, shown(content, strlen(content)));
    check_line(type, content);
    return 0;
}
