#include "core/health/check.h"

#include "fixture.h"
#include "suites.h"

static void every_reason_has_a_word_that_is_read_back(void)
{
    static const char *const words[] = {"ok",        "timeout",    "refused",   "unreachable",
                                        "closed",    "tls",        "protocol",  "status",
                                        "content",   "unresolved", "internal",  "no-tls",
                                        "untrusted", "expired",    "wrong-name"};
    CHECK_INTEGER(COUNT(words), REASON_COUNT, "reasons");
    for (int i = 0; i < (int)COUNT(words); i++) {
        enum reason reason = REASON_OK;
        CHECK_TEXT(reason_word((enum reason)i), words[i], "reason %d", i);
        CHECK(reason_parse(words[i], &reason), "%s", words[i]);
        CHECK_INTEGER(reason, i, "%s", words[i]);
    }
}

static void every_type_has_a_word_that_is_read_back(void)
{
    static const char *const words[] = {"tcp", "http", "https", "icmp", "dns", "exec"};
    for (int i = 0; i < (int)COUNT(words); i++) {
        enum check_type type = CHECK_TCP;
        CHECK_TEXT(check_type_word((enum check_type)i), words[i], "type %d", i);
        CHECK(check_type_parse(words[i], &type), "%s", words[i]);
        CHECK_INTEGER(type, i, "%s", words[i]);
    }
}

static void every_http_method_has_a_word_that_is_read_back(void)
{
    static const char *const words[] = {"GET", "HEAD"};
    for (int i = 0; i < (int)COUNT(words); i++) {
        enum http_method method = METHOD_GET;
        CHECK_TEXT(http_method_word((enum http_method)i), words[i], "method %d", i);
        CHECK(http_method_parse(words[i], &method), "%s", words[i]);
        CHECK_INTEGER(method, i, "%s", words[i]);
    }
}

static void the_port_is_the_monitors_then_the_targets_then_the_usual_one(void)
{
    static const struct {
        struct monitor monitor;
        uint16_t port, expected;
    } rows[] = {
        {{.type = CHECK_TCP}, 0, 0},
        {{.type = CHECK_TCP}, 7, 7},
        {{.type = CHECK_HTTP}, 0, 80},
        {{.type = CHECK_HTTPS}, 0, 443},
        {{.type = CHECK_HTTPS}, 7, 7},
        {{.type = CHECK_HTTPS, .port = 8}, 7, 8},
        {{.type = CHECK_DNS}, 0, 53},
        {{.type = CHECK_EXEC}, 0, 0},
        {{.type = CHECK_EXEC}, 7, 7},
        {{.type = CHECK_ICMP}, 7, 0},
        {{.type = CHECK_TCP, .port = 65535}, 0, 65535},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(monitor_port(&rows[i].monitor, rows[i].port), rows[i].expected, "row %zu", i);
}

static void another_word_is_refused_and_changes_nothing(void)
{
    static const char *const words[] = {NULL, "", "OK", "tcp ", "ftp", "up"};
    for (size_t i = 0; i < COUNT(words); i++) {
        enum reason reason = REASON_TLS;
        enum check_type type = CHECK_DNS;
        CHECK(!reason_parse(words[i], &reason), "word %zu", i);
        CHECK(!check_type_parse(words[i], &type), "word %zu", i);
        CHECK(reason == REASON_TLS && type == CHECK_DNS, "untouched");
        enum http_method method = METHOD_HEAD;
        CHECK(!http_method_parse(words[i], &method) && method == METHOD_HEAD, "word %zu", i);
    }
}

static const CU_TestInfo tests[] = {
    {"every reason has a word that is read back", every_reason_has_a_word_that_is_read_back},
    {"every type has a word that is read back", every_type_has_a_word_that_is_read_back},
    {"every HTTP method has a word that is read back",
     every_http_method_has_a_word_that_is_read_back},
    {"the port is the monitor's, then the target's, then the usual one",
     the_port_is_the_monitors_then_the_targets_then_the_usual_one},
    {"another word is refused and changes nothing", another_word_is_refused_and_changes_nothing},
    CU_TEST_INFO_NULL,
};

const struct suite suite_check = {"check", tests};
