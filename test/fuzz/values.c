#include "values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"

#define PICK(input, words) ((words)[input_below((input), COUNT(words))])

/*
 * Times lie so far from the present, and from any age that a setting or a TTL may say, that nothing
 * expires while it is looked at.
 */
#define LATELY_S (-40)
#define FAR_S 100000
#define TIME_MAX_S 253402300799

/* ---- texts that are made */

void value_name(struct input *input, char text[static VALUE_TEXT_MAX])
{
    static const char *const labels[] = {
        "www",   "api",
        "a",     "b",
        "*",     "A",
        "ns",    "_sip._udp",
        "\\032", "\\000",
        "x\\.y", "\\\\",
        "\\255", "xn--nxasmq6b",
        "-",     "a\\",
        "",      "sixty-three-letters-are-as-many-as-one-label-of-a-name-can-hold"};
    static const char *const zones[] = {"example.com",  "example.com", "Example.COM", "com", "",
                                        "b.example.com"};
    size_t count = input_below(input, 8), length = 0;
    if (count == 7) { /* any text */
        input_text(input, text, 256);
        return;
    }
    if (count == 6) { /* as long as a name can be, or a little longer */
        for (size_t i = 0; i < 3; i++)
            length += (size_t)sprintf(text + length, "%s.", labels[COUNT(labels) - 1]);
        length += (size_t)sprintf(text + length, "%.*s", (int)(40 + input_below(input, 10)),
                                  labels[COUNT(labels) - 1]);
        sprintf(text + length, ".example.com");
        return;
    }
    text[0] = '\0';
    for (size_t i = 0; i < (count > 3 ? 1 : count); i++)
        length += (size_t)sprintf(text + length, "%s.", PICK(input, labels));
    strcat(text, PICK(input, zones));
    length = strlen(text);
    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = '\0';
    if (text[0] == '\0')
        strcpy(text, ".");
}

/* A content that may be right for the type bound before it, or any text. */
static void put_content(struct input *input, char text[static VALUE_TEXT_MAX])
{
    static const char *const contents[] = {
        "192.0.2.1",
        "2001:db8::1",
        "ns.example.com h.example.com 1 3600 600 604800 60",
        "10 mail.example.com",
        "  0  . ",
        "\"v=spf1 -all\"",
        "\"a\" \"b\\\"c\\003\"",
        "www.example.com.",
        "0 5 5060 sip.example.com",
        "1 . alpn=h2,h3 port=443 ipv4hint=192.0.2.1 no-default-alpn",
        "0 www.example.com alpn=h2",
        "0 issue \"ca.example.net\"",
        "100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.com",
        "12345 13 2 00ff 00FF",
        "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d",
        "\\# 3 010203",
        "\\# 0",
        "3 1 1 abcdef",
        ".",
        "\\\\\\.\\032.example.com",
    };
    size_t choice = input_below(input, COUNT(contents) + 4);
    if (choice < COUNT(contents))
        strcpy(text, contents[choice]);
    else if (choice == COUNT(contents))
        value_name(input, text);
    else
        input_text(input, text, VALUE_TEXT_MAX);
}

static void put_address(struct input *input, char text[static VALUE_TEXT_MAX], int family)
{
    static const char *const odd[] = {
        "0.0.0.0", "255.255.255.255", "::", "::ffff:192.0.2.9", "1.2.3", "01.2.3.4"};
    unsigned a = input_byte(input), b = input_byte(input);
    if (a > 250)
        strcpy(text, odd[b % COUNT(odd)]);
    else if (family == 4)
        sprintf(text, "192.0.%u.%u", a % 4, b);
    else
        sprintf(text, "2001:db8:%x::%x", a % 4, b);
}

static void put_cidr(struct input *input, char text[static VALUE_TEXT_MAX])
{
    int family = input_below(input, 2) ? 6 : 4;
    put_address(input, text, family);
    sprintf(text + strlen(text), "/%u", input_byte(input) % (family == 4 ? 34U : 130U));
}

/* persistence.ldns: an address, a network, a client network, a group, or any text. */
static void put_key(struct input *input, char text[static VALUE_TEXT_MAX])
{
    static const char *const keys[] = {
        "192.0.2.10",          "192.0.2.0/24",        "2001:db8::53", "group:office",
        "ecs:198.51.100.0/24", "ecs:2001:db8:1::/48", "10.1.2.3",     "fe80::1"};
    size_t choice = input_below(input, COUNT(keys) + 2);
    if (choice < COUNT(keys))
        strcpy(text, keys[choice]);
    else
        input_text(input, text, 160);
}

static void put_ipv4(struct input *input, char text[static VALUE_TEXT_MAX])
{
    put_address(input, text, 4);
}

static void put_ipv6(struct input *input, char text[static VALUE_TEXT_MAX])
{
    put_address(input, text, 6);
}

static void put_word(struct input *input, char text[static VALUE_TEXT_MAX])
{
    static const char *const words[] = {"ams", "fra", "web", "api", "office", "a'b;\"c"};
    if (input_below(input, 8) == 7)
        input_text(input, text, 80);
    else
        strcpy(text, PICK(input, words));
}

/* A text that came from another server, or was written by anybody. */
static void put_text(struct input *input, char text[static VALUE_TEXT_MAX])
{
    static const char *const texts[] = {"",         "pool x",  "controller lon", "timeout",
                                        "%s%n%d",   "\x1b[2J", "a\nb",           "answer: 1",
                                        "\xff\xfe", "\xc3\xbc"};
    size_t choice = input_below(input, COUNT(texts) + 2);
    if (choice < COUNT(texts))
        strcpy(text, texts[choice]);
    else
        input_text(input, text, 600);
}

/* A file that is one, of many that are none. */
static void put_path(struct input *input, char text[static VALUE_TEXT_MAX])
{
    static const char *const paths[] = {"/none.mmdb", "/", "/dev/null", "/none/none.mmdb"};
    if (input_below(input, 2) == 0)
        strcpy(text, scratch_geo_database());
    else
        strcpy(text, PICK(input, paths));
}

/* ---- all values */

#define LIST(type, ...)                                                                            \
    (type const[]){__VA_ARGS__}, .count = sizeof((type const[]){__VA_ARGS__}) / sizeof(type)
#define NUMBERS(...) .numbers = LIST(int64_t, __VA_ARGS__)
#define REALS(...) .reals = LIST(double, __VA_ARGS__)
#define WORDS(...) .words = LIST(const char *, __VA_ARGS__)

/* All of the registry, and one that is not there. */
#define METHODS                                                                                    \
    WORDS("modulus", "rendezvous", "round-robin", "ratio", "failover", "rtt", "least", "topology", \
          "fastest")

/* One of so many numbers, reals or words, or a text that is made. */
static const struct kind {
    size_t count;
    const int64_t *numbers;
    const double *reals;
    const char *const *words;
    void (*put)(struct input *input, char text[static VALUE_TEXT_MAX]);
    bool nullable;
    bool from_now; /* numbers are counted from the present */
} kinds[] = {
    [VALUE_ID] = {NUMBERS(1, 2, 3, 4, 5, 6)},
    [VALUE_ID_OR_NULL] = {NUMBERS(1, 2, 3, 4, 5, 6), .nullable = true},
    [VALUE_MONITOR] = {NUMBERS(1, 2), .nullable = true},
    [VALUE_FLAG] = {NUMBERS(0, 0, 0, 0, 0, 0, 0, 1)},
    [VALUE_TTL] = {NUMBERS(3600, 0, 1, 30, 2147483647, 604800)},
    [VALUE_BITS] = {NUMBERS(32, 24, 0, 1, 31, 128, 64, 127, 48, 8)},
    [VALUE_TOLERANCE] = {NUMBERS(20, 0, 100, 1000)},
    [VALUE_NUMBER] = {NUMBERS(1, 2, 3, 4, 700, 3501)},
    [VALUE_WEIGHT] = {NUMBERS(1, 0, 3, 65535, 200)},
    [VALUE_PORT] = {NUMBERS(80, 443, 65535), .nullable = true},
    [VALUE_SECONDS] = {NUMBERS(1, 3, 10, 60, 3600)},
    [VALUE_PREFERENCE] = {NUMBERS(10, 0, 20, 65535)},
    [VALUE_ASN] = {NUMBERS(64500, 64501, 1, 4294967295)},
    [VALUE_LIMIT] = {NUMBERS(0, 1, 60, 701, 3501, 86400, 31536000)},
    [VALUE_TIME] = {NUMBERS(LATELY_S, LATELY_S, LATELY_S, -FAR_S, -40 * FAR_S, 4 * FAR_S,
                            -TIME_MAX_S, TIME_MAX_S),
                    .from_now = true},
    [VALUE_REAL] = {REALS(0, 1, 0, 20, 21, 12.5, -3, 1e308, -1e308, 5e-324, INFINITY)},
    [VALUE_ROUND_TRIP] = {REALS(0, 1, 20, 21, 12.5, 1e308, 5e-324, INFINITY)},
    [VALUE_TYPE] = {WORDS("A", "AAAA", "SOA", "NS", "MX", "TXT", "CNAME", "SRV", "HTTPS", "CAA",
                          "NAPTR", "DS", "PTR", "TLSA", "SVCB", "DNSKEY", "TYPE65280", "ANY",
                          "TYPE1", "DNAME", "SPF", "ALIAS", "LOC", "TYPE65534")},
    [VALUE_STATE] = {WORDS("enabled", "draining", "disabled")},
    [VALUE_METHOD] = {METHODS},
    [VALUE_METHOD_OR_NULL] = {METHODS, .nullable = true},
    [VALUE_TIMER] = {WORDS("fixed", "sliding")},
    [VALUE_CLIENT] = {WORDS("ldns", "ecs")},
    [VALUE_FALLBACK] = {WORDS("any", "none", "servfail")},
    [VALUE_FAILBACK] = {WORDS("stay", "return", "delayed", "manual")},
    [VALUE_METRIC] = {WORDS("availability", "availability", "availability-ipv4",
                            "availability-ipv6", "rtt", "cpu", "load")},
    [VALUE_METRIC_OR_NULL] = {WORDS("cpu", "load", "rtt", "availability"), .nullable = true},
    [VALUE_SETTING] = {WORDS("checkpoint_interval", "sweep_interval", "sweep_batch",
                             "max_megabytes", "metric_max_age", "path_metric_max_age",
                             "brake_percent", "brake_window", "max_checks", "share_grace")},
    [VALUE_CHECK] = {WORDS("tcp", "http", "https", "icmp", "dns", "exec")},
    [VALUE_CHECK_PATH] = {WORDS("/health", "check", "../check"), .nullable = true},
    [VALUE_VERDICT] = {WORDS("up", "down")},
    [VALUE_FAMILY] = {WORDS("", "ipv4", "ipv6")},
    [VALUE_REASON] = {WORDS("ok", "timeout", "refused")},
    [VALUE_COUNTRY] = {WORDS("NL", "US", "DE")},
    [VALUE_CONTINENT] = {WORDS("EU", "NA", "AF")},
    [VALUE_NETWORK] = {WORDS("192.0.2.0/24", "192.0.2.10/32", "0.0.0.0/0", "10.0.0.0/8",
                             "198.51.100.0/24", "2001:db8::/32", "2001:db8::/48", "::/0")},
    [VALUE_NAME] = {.put = value_name},
    [VALUE_CONTENT] = {.put = put_content},
    [VALUE_WORD] = {.put = put_word},
    [VALUE_ADDRESS] = {.put = put_ipv4, .nullable = true},
    [VALUE_IPV4] = {.put = put_ipv4, .nullable = true},
    [VALUE_IPV6] = {.put = put_ipv6, .nullable = true},
    [VALUE_CIDR] = {.put = put_cidr},
    [VALUE_KEY] = {.put = put_key},
    [VALUE_PATH] = {.put = put_path},
    [VALUE_ONE] = {NUMBERS(1)},
    [VALUE_NODE] = {NUMBERS(1, 2, 3, 2, 1, 0, 65535)},
    [VALUE_DECIDED] = {NUMBERS(0, 1, 2, 4096, 6963200000000000, 6963200000004095, INT64_C(1) << 61,
                               INT64_C(1) << 62, INT64_MAX)},
    [VALUE_ANY_NUMBER] = {NUMBERS(0, 1, 2, -1, 700, 1700000000, 1700000000000, INT32_MAX,
                                  INT64_C(1) << 62, INT64_MAX, INT64_MIN)},
    [VALUE_SERVER_NAME] = {WORDS("ns1", "ns2", "ns3", "-",
                                 "0123456789abcdef0123456789abcdef"
                                 "0123456789abcdef0123456789abcdef"),
                           .nullable = true},
    [VALUE_URL] = {WORDS("nats://127.0.0.1:1", "tls://192.0.2.1:4222", "nats://?", "http://x")},
    [VALUE_TEXT] = {.put = put_text},
};

static int64_t from_now(int64_t seconds)
{
    int64_t time_s = clock_unix_s() + seconds;
    return time_s < 0 ? 0 : time_s > TIME_MAX_S ? TIME_MAX_S : time_s;
}

int64_t value_lately(void)
{
    return from_now(LATELY_S);
}

static void bind_text(struct input *input, const struct kind *kind, sqlite3_stmt *statement,
                      int place)
{
    char text[VALUE_TEXT_MAX];
    kind->put(input, text);
    sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
}

void value_bind(struct input *input, enum value value, sqlite3_stmt *statement, int place)
{
    const struct kind *kind = &kinds[value];
    size_t choice = 0;
    if (kind->nullable && input_below(input, 3) == 0) {
        sqlite3_bind_null(statement, place);
        return;
    }
    if (kind->count > 0)
        choice = input_below(input, kind->count);
    if (kind->put)
        bind_text(input, kind, statement, place);
    else if (kind->words)
        sqlite3_bind_text(statement, place, kind->words[choice], -1, SQLITE_STATIC);
    else if (kind->reals)
        sqlite3_bind_double(statement, place, kind->reals[choice]);
    else
        sqlite3_bind_int64(statement, place,
                           kind->from_now ? from_now(kind->numbers[choice])
                                          : kind->numbers[choice]);
}
