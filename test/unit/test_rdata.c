/*
 * Record contents: what is good and what is bad for each type.
 *
 * What PowerDNS 4.7.3 refuses has to be bad here; what it takes may be, where the row says so.
 */
#include "core/dns/rdata.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

#define TEN "0123456789"
#define LABEL_63 TEN TEN TEN TEN TEN TEN "012"
#define BYTES_250                                                                                  \
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN    \
        TEN TEN

struct content_row {
    const char *type, *content;
};

static void check_contents(const struct content_row *rows, size_t count, int code)
{
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        int result = rdata_check(rows[i].type, rows[i].content, POWERDNS_LEAST, &error);
        if (!CHECK_INTEGER(result, code, "%s %s", rows[i].type, rows[i].content))
            continue;
        CHECK_INTEGER(error.code, code, "%s %s", rows[i].type, rows[i].content);
        CHECK_INTEGER(error.text[0] != '\0', code != 0, "%s %s", rows[i].type, rows[i].content);
        CHECK_INTEGER(rdata_check(rows[i].type, rows[i].content, POWERDNS_LEAST, NULL), code,
                      "%s %s, no words", rows[i].type, rows[i].content);
    }
}

static void good_addresses(void)
{
    static const struct content_row rows[] = {
        {"A", "192.0.2.1"},
        {"A", "0.0.0.0"},
        {"A", "255.255.255.255"},
        {"A", " 192.0.2.1 "},
        {"AAAA", "2001:db8::1"},
        {"AAAA", "::"},
        {"AAAA", "2001:DB8:0:0:0:0:0:1"},
        {"AAAA", "::ffff:192.0.2.1"},
        {"AAAA", "64:ff9b::192.0.2.1"},
    };
    check_contents(rows, COUNT(rows), 0);
}

static void bad_addresses(void)
{
    static const struct content_row rows[] = {
        {"A", ""},
        {"A", " "},
        {"A", "192.0.2"},
        {"A", "192.0.2.256"},
        {"A", "192.0.2.1."},
        {"A", "192.0.2.1.1"},
        {"A", "192.0.2.1 192.0.2.2"},
        {"A", "192.0.2.1,192.0.2.2"},
        {"A", "192.0.2.1/32"},
        {"A", "2001:db8::1"},
        {"A", "::ffff:192.0.2.1"},
        {"A", "::FFFF:c000:201"},
        {"A", "localhost"},
        {"A", "-1.0.0.0"},
        {"A", "192.0.2.1%eth0"},
        {"AAAA", ""},
        {"AAAA", "192.0.2.1"},
        {"AAAA", "fe80::1%eth0"},
        {"AAAA", "2001:db8::1/64"},
        {"AAAA", "2001:db8::g"},
        {"AAAA", "1:2:3:4:5:6:7"},
        {"AAAA", "2001:db8::1 2001:db8::2"},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

static void good_names(void)
{
    static const struct content_row rows[] = {
        {"CNAME", "www.example.com"},
        {"CNAME", "www.example.com."},
        {"CNAME", "."},
        {"CNAME", "_sip._tcp.example.com"},
        {"CNAME", "*.example.com"},
        {"CNAME", "a\\.b.example.com"},
        {"CNAME", "a\\032b.example.com"},
        {"CNAME", "a\\000b"},
        {"CNAME", "\\255"},
        {"CNAME", LABEL_63 "." LABEL_63},
        {"NS", "ns.example.com"},
        {"PTR", "host.example.com"},
        {"DNAME", "example.net"},
        {"ALIAS", "lb.example.net"},
        {"MX", "10 mail.example.com"},
        {"MX", "0 ."},
        {"MX", "65535 mail.example.com."},
        {"MX", "010   mail.example.com"},
        {"SRV", "0 5 5060 sip.example.com"},
        {"SRV", "65535 65535 65535 ."},
    };
    check_contents(rows, COUNT(rows), 0);
}

static void bad_names(void)
{
    static const struct content_row rows[] = {
        {"CNAME", ""},
        {"CNAME", ".."},
        {"CNAME", ".example.com"},
        {"CNAME", "www..example.com"},
        {"CNAME", "www.example.com.."},
        {"CNAME", "www example com"},
        {"CNAME", "a\\"},
        {"CNAME", "a\\ "},
        {"CNAME", "a\\1"},
        {"CNAME", "a\\12.b"},
        {"CNAME", LABEL_63 "3"},
        {"CNAME", LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63},
        {"NS", "ns.example.com 10"},
        {"PTR", ""},
        {"DNAME", "a b"},
        {"ALIAS", ""},
        {"MX", ""},
        {"MX", "10"},
        {"MX", "10 "},
        {"MX", "mail.example.com"},
        {"MX", "mail.example.com 10"},
        {"MX", "-1 mail.example.com"},
        {"MX", "-0 mail.example.com"},
        {"MX", "+1 mail.example.com"},
        {"MX", "0x1 mail.example.com"},
        {"MX", "65536 mail.example.com"},
        {"MX", "4294967296 mail.example.com"},
        {"MX", "18446744073709551617 mail.example.com"},
        {"MX", "10 mail.example.com 20"},
        {"MX", "10.5 mail.example.com"},
        {"SRV", "0 5 sip.example.com"},
        {"SRV", "0 5 5060"},
        {"SRV", "0 5 65536 sip.example.com"},
        {"SRV", "0 -0 5060 sip.example.com"},
        {"SRV", "0 5 5060 sip.example.com x"},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

static void good_texts(void)
{
    static const struct content_row rows[] = {
        {"TXT", "\"\""},
        {"TXT", "\"v=spf1 -all\""},
        {"TXT", "\"a\" \"b\""},
        {"TXT", "  \"a\"   \"b\"  "},
        {"TXT", "\"a \\\" b \\\\ c\""},
        {"TXT", "\"\\000\\032\\255\""},
        {"TXT", "\"\xc3\xa9\""},
        {"TXT", "\"" BYTES_250 BYTES_250 BYTES_250 "\""},
        {"SPF", "\"v=spf1 -all\""},
        {"CAA", "0 issue \"ca.example.net\""},
        {"CAA", "128 iodef \"mailto:x@example.com\""},
        {"CAA", "255 issuewild \"\""},
        {"CAA", "0 fifteen8901234a \"ca.example.net\""},
        {"CAA", "0 issue \"" BYTES_250 "12345\""},
        {"NAPTR", "100 50 \"s\" \"z3950+I2L+N2C\" \"\" _z3950._tcp.example.com"},
        {"NAPTR", "0 65535 \"\" \"\" \"!^.*$!sip:x@example.com!\" ."},
    };
    check_contents(rows, COUNT(rows), 0);
}

static void bad_texts(void)
{
    static const struct content_row rows[] = {
        {"TXT", ""},
        {"TXT", "  "},
        {"TXT", "\""},
        {"TXT", "\"a"},
        {"TXT", "a\""},
        {"TXT", "v=spf1 -all"},
        {"TXT", "\"a\" b"},
        {"TXT", "\"a\"b"},
        {"TXT", "\"a\" \"b"},
        {"TXT", "\"a\\\""},
        {"TXT", "\"a\\"},
        {"TXT", "\"\\1\""},
        {"TXT", "\"\\12x\""},
        {"TXT", "\"\\256\""},
        {"TXT", "\"a\tb\""},
        {"TXT", "\"a\nb\""},
        {"TXT", "\"a\rb\""},
        {"SPF", "v=spf1"},
        {"CAA", "0 issue"},
        {"CAA", "0 issue ca.example.net"},
        {"CAA", "256 issue \"ca.example.net\""},
        {"CAA", "-0 issue \"ca.example.net\""},
        {"CAA", "issue \"ca.example.net\""},
        {"CAA", "0 \"issue\" \"ca.example.net\""},
        {"CAA", "0 is-sue \"ca.example.net\""},
        {"CAA", "0 sixteen8901234ab \"ca.example.net\""},
        {"CAA", "0 issue \"a\" \"b\""},
        {"CAA", "0 issue \"" BYTES_250 "123456\""},
        {"NAPTR", "100 50 s \"\" \"\" ."},
        {"NAPTR", "100 50 \"s\" \"\" ."},
        {"NAPTR", "100 50 \"s\" \"\" \"\""},
        {"NAPTR", "100 65536 \"s\" \"\" \"\" ."},
        {"NAPTR", "100 50 \"" BYTES_250 "123456\" \"\" \"\" ."},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

static void good_keys_and_digests(void)
{
    static const struct content_row rows[] = {
        {"DS", "12345 13 2 00ff"},
        {"DS", "0 0 0 00FF aabb 00"},
        {"DNSKEY", "257 3 13 AAAA"},
        {"DNSKEY", "256 3 8 AwEAAQ=="},
        {"DNSKEY", "256 3 8 AwEA AQ=="},
        {"DNSKEY", "256 3 8 +/+="},
        {"SSHFP", "4 2 00ff"},
        {"SSHFP", "4 2 00 ff"},
        {"TLSA", "3 1 1 00ff"},
        {"TLSA", "3 1 1 00 ff"},
        {"SOA", "ns.example.com hostmaster.example.com 1 2 3 4 5"},
        {"SOA", ". . 4294967295 4294967295 4294967295 4294967295 4294967295"},
    };
    check_contents(rows, COUNT(rows), 0);
}

static void bad_keys_and_digests(void)
{
    static const struct content_row rows[] = {
        {"DS", "12345 13 2"},
        {"DS", "12345 13 2 0"},
        {"DS", "12345 13 2 00f"},
        {"DS", "12345 13 2 00fg"},
        {"DS", "65536 13 2 00ff"},
        {"DS", "12345 256 2 00ff"},
        {"DS", "12345 13 -0 00ff"},
        {"DNSKEY", "257 3 13"},
        {"DNSKEY", "257 3 13 AAA"},
        {"DNSKEY", "257 3 13 A==="},
        {"DNSKEY", "257 3 13 AA=A"},
        {"DNSKEY", "257 3 13 AA_A"},
        {"SSHFP", "256 2 00ff"},
        {"SSHFP", "4 2 zz"},
        {"TLSA", "3 1 00ff"},
        {"TLSA", "3 1 256 00ff"},
        {"SOA", "ns.example.com hostmaster.example.com 1 2 3 4"},
        {"SOA", "ns.example.com hostmaster.example.com 1 2 3 4 5 6"},
        {"SOA", "ns.example.com hostmaster.example.com 4294967296 2 3 4 5"},
        {"SOA", "ns.example.com hostmaster.example.com -0 2 3 4 5"},
        {"SOA", "ns.example.com hostmaster.example.com 1 2h 3 4 5"},
        {"SOA", "ns.example.com 1 2 3 4 5"},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

static void a_digest_has_a_greatest_length(void)
{
    enum { BYTES_MAX = 65535 };
    static const char start[] = "3 1 1 ";
    static char content[sizeof start + 2 * (BYTES_MAX + 1)];
    memset(content, '0', sizeof content - 1);
    memcpy(content, start, sizeof start - 1);
    CHECK_INTEGER(rdata_check("TLSA", content, POWERDNS_LEAST, NULL), ERR_INVAL, "a byte more");
    content[sizeof content - 3] = '\0';
    CHECK_INTEGER(rdata_check("TLSA", content, POWERDNS_LEAST, NULL), 0, "the longest");
}

static void good_service_bindings(void)
{
    static const struct content_row rows[] = {
        {"HTTPS", "1 ."},
        {"HTTPS", "0 lb.example.net"},
        {"HTTPS", "1 . alpn=h2"},
        {"HTTPS", "1 . alpn=h2,h3 port=8443"},
        {"HTTPS", "1 . alpn=http/1.1,a-b_c.d"},
        {"HTTPS", "1 . port=0"},
        {"HTTPS", "1 . ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1"},
        {"HTTPS", "1 . ipv4hint=auto ipv6hint=auto"},
        {"HTTPS", "1 . no-default-alpn alpn=dot"},
        {"HTTPS", "1 . mandatory=alpn,port alpn=h2 port=53"},
        {"HTTPS", "1 . ech=AAAA"},
        {"HTTPS", "1 . ech=AA=="},
        {"SVCB", "65535 _dns.example.com port=853 alpn=dot"},
    };
    check_contents(rows, COUNT(rows), 0);
}

static const struct content_row unbound[] = {
    {"HTTPS", ""},
    {"HTTPS", "1"},
    {"HTTPS", "65536 ."},
    {"HTTPS", "0 lb.example.net alpn=h2"},
    {"HTTPS", "00 . port=443"},
    {"HTTPS", "0 . ipv4hint=auto"},
    {"SVCB", "0 . no-default-alpn"},
    {"HTTPS", "1 . alpn"},
    {"HTTPS", "1 . alpn="},
    {"HTTPS", "1 . alpn=h2,"},
    {"HTTPS", "1 . alpn=,h2"},
    {"HTTPS", "1 . alpn=h2 alpn=h3"},
    {"HTTPS", "1 . alpn=h\\2"},
    {"HTTPS", "1 . no-default-alpn=1"},
    {"HTTPS", "1 . port"},
    {"HTTPS", "1 . port="},
    {"HTTPS", "1 . port=65536"},
    {"HTTPS", "1 . port=-0"},
    {"HTTPS", "1 . port=443,444"},
    {"HTTPS", "1 . port=443, alpn=h2"},
    {"HTTPS", "1 . ipv4hint=2001:db8::1"},
    {"HTTPS", "1 . ipv4hint=::ffff:192.0.2.1"},
    {"HTTPS", "1 . ipv4hint=192.0.2.1,::ffff:192.0.2.1"},
    {"HTTPS", "1 . ipv6hint=192.0.2.1"},
    {"HTTPS", "1 . ipv6hint=fe80::1%eth0"},
    {"HTTPS", "1 . ipv4hint=192.0.2"},
    {"HTTPS", "1 . ipv4hint=abcd"},
    {"HTTPS", "1 . ipv4hint=auto1"},
    {"HTTPS", "1 . port=auto"},
    {"HTTPS", "1 . mandatory"},
    {"HTTPS", "1 . mandatory=nonsense"},
    {"HTTPS", "1 . ech=A"},
    {"HTTPS", "1 . ech=AAAA,AAAA"},
    {"HTTPS", "1 . ech="},
    {"HTTPS", "1 . Port=443"},
    {"HTTPS", "1 . key=1"},
    {"HTTPS", "1 . =1"},
    {"HTTPS", "1 . nonsense=1"},
    {"HTTPS", "1 . ,=1"},
};

static void bad_service_bindings(void)
{
    check_contents(unbound, COUNT(unbound), ERR_INVAL);
}

static void other_types_take_generic_contents(void)
{
    static const struct content_row rows[] = {
        {"TYPE65534", "\\# 0"},        {"TYPE65534", "\\# 3 010203"},
        {"TYPE65534", "\\# 3 aBcDeF"}, {"TYPE65534", "  \\#  3  010203  "},
        {"TYPE1234", "\\# 1 00"},      {"TYPE65535", "\\# 1 00"},
    };
    check_contents(rows, COUNT(rows), 0);
}

static void bad_generic_contents(void)
{
    static const struct content_row rows[] = {
        {"TYPE65534", ""},
        {"TYPE65534", "\\#"},
        {"TYPE65534", "\\# 00"},
        {"TYPE65534", "\\# 0 00"},
        {"TYPE65534", "\\# 1"},
        {"TYPE65534", "\\# 1 0"},
        {"TYPE65534", "\\# 1 000"},
        {"TYPE65534", "\\# 1 0000"},
        {"TYPE65534", "\\# 1 00 00"},
        {"TYPE65534", "\\# 1 00 x"},
        {"TYPE65534", "\\# 2 00"},
        {"TYPE65534", "\\# 2 00 00"},
        {"TYPE65534", "\\# 1 gg"},
        {"TYPE65534", "\\# -1 00"},
        {"TYPE65534", "\\# -0"},
        {"TYPE65534", "\\# 65536 00"},
        {"TYPE65534", "\\#1 00"},
        {"TYPE65534", "# 1 00"},
        {"TYPE65534", "00"},
        {"TYPE65534", "\\# 1 0\t0"},
        {"A", "\\# 4 c0000201"},
        {"TXT", "\\# 2 0161"},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

static void good_rarer_types(void)
{
    static const struct content_row rows[] = {
        {"APL", "1:192.0.2.0/24"},
        {"APL", "1:192.0.2.0/24 !2:2001:db8::/32  1:0.0.0.0/0"},
        {"CERT", "1 0 0 AAAA"},
        {"CERT", "65535 65535 255 AA AA"},
        {"CSYNC", "66 3 A NS AAAA"},
        {"CSYNC", "0 0"},
        {"CSYNC", "1 0 TYPE65280"},
        {"DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="},
        {"DLV", "1 8 2 0123456789abcdef"},
        {"EUI48", "00-00-5e-00-53-2A"},
        {"EUI64", "00-00-5e-ef-10-00-00-2a"},
        {"IPSECKEY", "10 0 0"},
        {"IPSECKEY", "10 0 2 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="},
        {"IPSECKEY", "10 1 2 192.0.2.38 AQNR"},
        {"IPSECKEY", "10 2 1 2001:db8::1 AQNR"},
        {"IPSECKEY", "10 3 0 gateway.example.com"},
        {"KEY", "256 3 5 AQNR"},
        {"L32", "10 192.0.2.1"},
        {"L64", "10 2001:0db8:1140:1000"},
        {"LOC", "52 N 4 E 0m"},
        {"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m"},
        {"LOC", "90 0 0 S 180 0 0 W 42849.67 0 0"},
        {"LP", "10 l64-subnet1.example.com"},
        {"MB", "mail.example.com"},
        {"MG", "mail.example.com"},
        {"MINFO", "a.example.com b.example.com"},
        {"MR", "mail.example.com"},
        {"NID", "10 0014:4fff:FF20:e"},
        {"OPENPGPKEY", "AAECAw=="},
        {"RKEY", "0 255 2 AQNR"},
        {"SMIMEA", "3 1 1 0123456789abcdef"},
        {"SVCB", "1 mail.example.com alpn=dot port=853 key7=\"/q{?dns}\""},
        {"ZONEMD", "2018031500 1 1 FEBE3D4C E2EC2FFA"},
    };
    check_contents(rows, COUNT(rows), 0);
}

static void bad_rarer_types(void)
{
    static const struct content_row rows[] = {
        {"APL", "192.0.2.0/24"},
        {"APL", "1:192.0.2.0"},
        {"APL", "1:192.0.2.0/33"},
        {"APL", "1:2001:db8::/32"},
        {"APL", "2:192.0.2.0/24"},
        {"APL", "3:192.0.2.0/24"},
        {"APL", "!"},
        {"CERT", "0 0 0 AAAA"},
        {"CERT", "PGP 0 0 AAAA"},
        {"CERT", "1 0 0"},
        {"CSYNC", "66"},
        {"CSYNC", "66 3 NOPE"},
        {"CSYNC", "66 3 a"},
        {"DHCID", "AAA"},
        {"EUI48", "00-00-5e-00-53"},
        {"EUI48", "00:00:5e:00:53:2a"},
        {"EUI48", "00-00-5e-00-53-2g"},
        {"EUI64", "00-00-5e-00-53-2a"},
        {"IPSECKEY", "10 0 2 . AQNR"},
        {"IPSECKEY", "10 4 2 AQNR"},
        {"IPSECKEY", "10 1 3 192.0.2.38 AQNR"},
        {"IPSECKEY", "10 1 2 AQNR"},
        {"IPSECKEY", "10 1 2 192.0.2.38"},
        {"IPSECKEY", "10 0 0 AQNR"},
        {"LOC", "52 N 4 E"},
        {"LOC", "52 4 E 0m"},
        {"LOC", "91 N 4 E 0m"},
        {"LOC", "52 60 N 4 E 0m"},
        {"LOC", "52 0 60 N 4 E 0m"},
        {"LOC", "52 0 0 0 N 4 E 0m"},
        {"LOC", "52.5 N 4 E 0m"},
        {"LOC", "52 N 181 E 0m"},
        {"LOC", "52 E 4 N 0m"},
        {"LOC", "52 N 4 E m"},
        {"LOC", "52 N 4 E 0.m"},
        {"LOC", "52 N 4 E 0km"},
        {"LOC", "52 N 4 E 0m 1 2 3 4"},
        {"KEY", "256 3 5"},
        {"L32", "10 2001:db8::1"},
        {"L64", "10 2001:db8:1140"},
        {"L64", "10 2001:db8:1140:1000:1"},
        {"LP", "10"},
        {"MB", ""},
        {"MINFO", "a.example.com"},
        {"NID", "10 14:4fff::1"},
        {"NID", "10 14:4fff:ff20:"},
        {"NID", "10 00014:4fff:ff20:e"},
        {"NID", "10 14:4fff:ff20:g"},
        {"ZONEMD", "1 1 1"},
        {"ZONEMD", "1 1 256 00"},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

static void types_that_are_not_known(void)
{
    static const struct content_row rows[] = {
        {"", "x"},           {"a", "192.0.2.1"},      {"TYPE", "\\# 0"},
        {"TYPE0", "\\# 0"},  {"TYPE065534", "\\# 0"}, {"TYPE65536", "\\# 0"},
        {"TYPE-1", "\\# 0"}, {"TYPEx", "\\# 0"},      {"type65534", "\\# 0"},
        {"TYP", "\\# 0"},    {"TYPE65534x", "\\# 0"}, {"ANY", "\\# 0"},
        {"LUA", "A \"1\""},  {"AXFR", "x"},           {"TYPE99999999999999999999", "\\# 0"},
        {"X", "192.0.2.1"},  {"A ", "192.0.2.1"},
    };
    check_contents(rows, COUNT(rows), ERR_INVAL);
}

/* PowerDNS reads the types it knows in their own form, whatever they are called. */
static void a_number_does_not_hide_a_type_that_powerdns_knows(void)
{
    static const int types[] = {
        1,  2,  5,  6,  7,  8,  9,   12,  13,  14,  15,  16,  17,  18,  25,    28,    29,    33, 35,
        36, 37, 39, 41, 42, 43, 44,  45,  46,  47,  48,  49,  50,  51,  52,    53,    57,    59, 60,
        61, 62, 63, 64, 65, 99, 104, 105, 106, 107, 108, 109, 256, 257, 32769, 65401, 65402,
    };
    struct buffer taken = {0};
    for (size_t i = 0; i < COUNT(types); i++) {
        char type[RECORD_TYPE_MAX];
        snprintf(type, sizeof type, "TYPE%d", types[i]);
        if (rdata_check(type, "\\# 2 0001", POWERDNS_LEAST, NULL) == 0 ||
            rdata_check(type, "\\# 0", POWERDNS_LEAST, NULL) == 0)
            buffer_printf(&taken, "%s ", type);
    }
    CHECK_TEXT(buffer_text(&taken), "", "types that were taken");
    buffer_release(&taken);
}

static void the_words_name_the_field(void)
{
    static const struct {
        const char *type, *content, *words;
    } rows[] = {
        {"A", "x", "IPv4 address"},
        {"MX", "x mail", "preference"},
        {"MX", "10", "exchange name"},
        {"SRV", "1 2 x .", "port"},
        {"TXT", "a", "quoted strings"},
        {"CNAME", "a b", "more fields"},
        {"NOPE", "a", "NOPE"},
        {"TYPE65534", "a", "\\# 3 010203"},
        {"A", "192.0.2.1\n", "line end"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error = {0};
        rdata_check(rows[i].type, rows[i].content, POWERDNS_LEAST, &error);
        CHECK(strstr(error.text, rows[i].words) != NULL, "%s", error.text);
    }
}

static void anything_may_come(void)
{
    static const char *const types[] = {"A",     "CAA", "CNAME", "DNSKEY", "DS", "HTTPS",
                                        "NAPTR", "SOA", "SRV",   "TXT",    "MX", "TYPE65534"};
    static const char alphabet[] = "\"\\ 019.,=:%-aF#\x01\xff";
    uint64_t seed = 6;
    for (int i = 0; i < 100000; i++) {
        char content[24];
        size_t length = random_below(&seed, sizeof content);
        for (size_t k = 0; k < length; k++)
            content[k] = alphabet[random_below(&seed, sizeof alphabet - 1)];
        content[length] = '\0';
        struct error error = {0};
        const char *type = types[random_below(&seed, COUNT(types))];
        int code = rdata_check(type, content, POWERDNS_LEAST, &error);
        CHECK((code == 0 || code == ERR_INVAL) && code == error.code, "%s %s", type, content);
    }
}

static void some_are_for_5_1_only(void)
{
    static const struct content_row rows[] = {
        {"WALLET", "\"BTC\" \"bc1qexample\""},
        {"CSYNC", "1 0 A WALLET"},
        {"HTTPS", "1 . ohttp"},
        {"SVCB", "1 . alpn=h2 port=\"8443\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error = {0};
        int before = rdata_check(rows[i].type, rows[i].content, POWERDNS_5_1 - 1, &error);
        CHECK_INTEGER(before, ERR_INVAL, "%s %s before", rows[i].type, rows[i].content);
        int code = rdata_check(rows[i].type, rows[i].content, POWERDNS_5_1, NULL);
        CHECK_INTEGER(code, 0, "%s %s", rows[i].type, rows[i].content);
        if (i == 0)
            CHECK_TEXT(error.text,
                       "PowerDNS reads type WALLET from 5.1 on: see the setting powerdns_version",
                       "what to do");
    }
    CHECK_INTEGER(rdata_check("WALLET", "BTC", POWERDNS_5_1, NULL), ERR_INVAL, "without quotes");
}

static const CU_TestInfo tests[] = {
    {"addresses that are good", good_addresses},
    {"addresses that are bad", bad_addresses},
    {"names that are good", good_names},
    {"names that are bad", bad_names},
    {"texts that are good", good_texts},
    {"texts that are bad", bad_texts},
    {"keys, digests and SOAs that are good", good_keys_and_digests},
    {"keys, digests and SOAs that are bad", bad_keys_and_digests},
    {"a digest has a greatest length", a_digest_has_a_greatest_length},
    {"service bindings that are good", good_service_bindings},
    {"service bindings that are bad", bad_service_bindings},
    {"types without a form of their own take generic contents", other_types_take_generic_contents},
    {"generic contents that are bad", bad_generic_contents},
    {"rarer types", good_rarer_types},
    {"rarer types that are bad", bad_rarer_types},
    {"types that are not known", types_that_are_not_known},
    {"a number does not hide a type that PowerDNS knows",
     a_number_does_not_hide_a_type_that_powerdns_knows},
    {"the words name the field", the_words_name_the_field},
    {"anything may come, and nothing breaks", anything_may_come},
    {"some are for 5.1 only", some_are_for_5_1_only},
    CU_TEST_INFO_NULL,
};

const struct suite suite_rdata = {"rdata", tests};
