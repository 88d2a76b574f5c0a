#include "core/health/check.h"

#include "fixture.h"
#include "suites.h"

static void every_reason_has_a_word_that_is_read_back(void)
{
    static const char *const words[] = {"ok",      "timeout",    "refused",  "unreachable",
                                        "closed",  "tls",        "protocol", "status",
                                        "content", "unresolved", "internal"};
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

static void another_word_is_refused_and_changes_nothing(void)
{
    static const char *const words[] = {NULL, "", "OK", "tcp ", "ftp", "up"};
    for (size_t i = 0; i < COUNT(words); i++) {
        enum reason reason = REASON_TLS;
        enum check_type type = CHECK_DNS;
        CHECK(!reason_parse(words[i], &reason), "word %zu", i);
        CHECK(!check_type_parse(words[i], &type), "word %zu", i);
        CHECK(reason == REASON_TLS && type == CHECK_DNS, "untouched");
    }
}

static const CU_TestInfo tests[] = {
    {"every reason has a word that is read back", every_reason_has_a_word_that_is_read_back},
    {"every type has a word that is read back", every_type_has_a_word_that_is_read_back},
    {"another word is refused and changes nothing", another_word_is_refused_and_changes_nothing},
    CU_TEST_INFO_NULL,
};

const struct suite suite_check = {"check", tests};
