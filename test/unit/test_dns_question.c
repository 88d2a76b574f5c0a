#include "monitor/dns_question.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void a_question_has_a_head_a_name_and_a_type(void)
{
    static const uint8_t expected[] = {
        1, 0,   0,   1,   0, 0,   0,   0,   0,   0, /* behind the id */
        3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 28, 0, 1};
    uint8_t question[NS_PACKETSZ];
    size_t length = dns_question_write("www.example", ns_t_aaaa, question);
    CHECK_INTEGER((int64_t)length, NS_INT16SZ + sizeof expected, "length");
    CHECK(memcmp(question + NS_INT16SZ, expected, sizeof expected) == 0, "octets");
}

static void a_name_that_is_none_has_no_question(void)
{
    static const char *const names[] = {
        "a..b", ".a",
        "0123456789012345678901234567890123456789012345678901234567890123456789.example"};
    uint8_t question[NS_PACKETSZ];
    CHECK(dns_question_write("www.example.", ns_t_a, question) > 0, "with a dot at the end");
    for (size_t i = 0; i < COUNT(names); i++)
        CHECK_INTEGER((int64_t)dns_question_write(names[i], ns_t_a, question), 0, "%s", names[i]);
}

static void ids_are_random(void)
{
    uint8_t question[NS_PACKETSZ];
    bool seen[UINT16_MAX + 1] = {false};
    int different = 0;
    for (int i = 0; i < 100; i++) {
        dns_question_write("example", ns_t_a, question);
        unsigned id = ns_get16(question);
        different += !seen[id];
        seen[id] = true;
    }
    CHECK(different > 90, "%d of 100 are different", different);
}

static const CU_TestInfo tests[] = {
    {"a question has a head, a name and a type", a_question_has_a_head_a_name_and_a_type},
    {"a name that is none has no question", a_name_that_is_none_has_no_question},
    {"ids are random", ids_are_random},
    CU_TEST_INFO_NULL,
};

const struct suite suite_dns_question = {"dns_question", tests};
