#include "core/base/decimal.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static const struct {
    const char *text;
    int64_t least, most;
    bool good;
    int64_t value;
} number_texts[] = {
    {"0", 0, 10, true, 0},
    {"10", 0, 10, true, 10},
    {"11", 0, 10, false, 0},
    {"007", 0, 10, true, 7},
    {"-1", -1, 10, true, -1},
    {"-1", 0, 10, false, 0},
    {"-2", -1, 10, false, 0},
    {"-2147483648", INT32_MIN, INT32_MAX, true, INT32_MIN},
    {"2147483647", INT32_MIN, INT32_MAX, true, INT32_MAX},
    {"2147483648", INT32_MIN, INT32_MAX, false, 0},
    {"999999999999999999", INT64_MIN, INT64_MAX, true, 999999999999999999},
    {"-999999999999999999", INT64_MIN, INT64_MAX, true, -999999999999999999},
    {"18446744073709551616", 0, INT64_MAX, false, 0},
    {"18446744073709551617", 0, 10, false, 0},
    {"", 0, 10, false, 0},
    {"-", -10, 10, false, 0},
    {"--1", -10, 10, false, 0},
    {"+1", 0, 10, false, 0},
    {" 1", 0, 10, false, 0},
    {"1 ", 0, 10, false, 0},
    {"1-", 0, 10, false, 0},
    {"1.0", 0, 10, false, 0},
    {"1e1", 0, 10, false, 0},
    {"0x1", 0, 10, false, 0},
    {"\xd9\xa1", 0, 10, false, 0},
    {"x", 0, 10, false, 0},
};

static void numbers_are_read_within_their_range(void)
{
    for (size_t i = 0; i < COUNT(number_texts); i++) {
        int64_t value = 4711;
        bool good = decimal_parse(number_texts[i].text, strlen(number_texts[i].text),
                                  number_texts[i].least, number_texts[i].most, &value);
        CHECK_INTEGER(good, number_texts[i].good, "\"%s\"", number_texts[i].text);
        CHECK_INTEGER(value, number_texts[i].good ? number_texts[i].value : 4711, "\"%s\"",
                      number_texts[i].text);
    }
}

static void only_the_length_given_is_read(void)
{
    int64_t value = 0;
    CHECK(decimal_parse("1234", 2, 0, 100, &value), "two digits");
    CHECK_INTEGER(value, 12, "two digits");
    CHECK(!decimal_parse("1\0", 2, 0, 100, &value), "a NUL in the text");
}

static const CU_TestInfo tests[] = {
    {"numbers are read within their range", numbers_are_read_within_their_range},
    {"only the length given is read", only_the_length_given_is_read},
    CU_TEST_INFO_NULL,
};

const struct suite suite_decimal = {"decimal", tests};
