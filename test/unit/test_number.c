#include "core/base/number.h"

#include "fixture.h"
#include "suites.h"

static void numbers_are_written_in_decimal(void)
{
    static const struct {
        struct number number;
        const char *text;
    } rows[] = {
        {{0, 0}, "0"},
        {{0, 9}, "9"},
        {{0, 10}, "10"},
        {{0, 3221225994}, "3221225994"},
        {{0, UINT64_MAX}, "18446744073709551615"},
        {{1, 0}, "18446744073709551616"},
        {{0x4b3b4ca85a86c47a, 0x098a223fffffffff}, "99999999999999999999999999999999999999"},
        {{0x4b3b4ca85a86c47a, 0x098a224000000000}, "100000000000000000000000000000000000000"},
        {{UINT64_MAX, UINT64_MAX}, "340282366920938463463374607431768211455"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[NUMBER_TEXT_MAX];
        CHECK_TEXT(number_format(rows[i].number, text), rows[i].text, "row %zu", i);
    }
}

static void numbers_shift_to_the_right(void)
{
    static const struct {
        struct number number;
        unsigned bits;
        struct number shifted;
    } rows[] = {
        {{1, 2}, 0, {1, 2}},
        {{1, 2}, 1, {0, 0x8000000000000001}},
        {{0xf, 0}, 4, {0, 0xf000000000000000}},
        {{UINT64_MAX, UINT64_MAX}, 63, {1, UINT64_MAX}},
        {{UINT64_MAX, 5}, 64, {0, UINT64_MAX}},
        {{UINT64_MAX, 5}, 65, {0, UINT64_MAX >> 1}},
        {{UINT64_MAX, UINT64_MAX}, 127, {0, 1}},
        {{UINT64_MAX, UINT64_MAX}, 128, {0, 0}},
        {{UINT64_MAX, UINT64_MAX}, 1000, {0, 0}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct number shifted = number_shift_right(rows[i].number, rows[i].bits);
        CHECK(shifted.high == rows[i].shifted.high, "row %zu", i);
        CHECK(shifted.low == rows[i].shifted.low, "row %zu", i);
    }
}

static void numbers_leave_remainders(void)
{
    static const struct {
        struct number number;
        uint32_t divisor, remainder;
    } rows[] = {
        {{0, 3221225994}, 3, 0},
        {{0, 3221225994}, 2, 0},
        {{0, 0}, 1, 0},
        {{0, 0}, UINT32_MAX, 0},
        {{UINT64_MAX, UINT64_MAX}, 1, 0},
        {{UINT64_MAX, UINT64_MAX}, 2, 1},
        {{UINT64_MAX, UINT64_MAX}, 3, 0},
        {{UINT64_MAX, UINT64_MAX}, 7, 3},
        {{UINT64_MAX, UINT64_MAX}, 10, 5},
        {{UINT64_MAX, UINT64_MAX}, 1024, 1023},
        {{UINT64_MAX, UINT64_MAX}, UINT32_MAX, 0},
        {{1, 0}, UINT32_MAX, 1},
        {{1, 0}, 10, 6},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(number_modulo(rows[i].number, rows[i].divisor), rows[i].remainder, "row %zu",
                      i);
}

/* The remainder bit by bit, as one divides on paper in base two. */
static uint32_t paper_remainder(struct number number, uint32_t divisor)
{
    uint64_t remainder = 0;
    for (int bit = 127; bit >= 0; bit--) {
        uint64_t half = bit >= 64 ? number.high : number.low;
        remainder = (remainder << 1 | (half >> bit % 64 & 1)) % divisor;
    }
    return (uint32_t)remainder;
}

static void random_remainders_are_those_of_paper(void)
{
    uint64_t seed = 2;
    for (int i = 0; i < 20000; i++) {
        struct number number = {random_next(&seed), random_next(&seed)};
        uint32_t divisor = (uint32_t)random_next(&seed) >> random_below(&seed, 32);
        divisor += divisor == 0;
        CHECK_INTEGER(number_modulo(number, divisor), paper_remainder(number, divisor), "case %d",
                      i);
    }
}

static const CU_TestInfo tests[] = {
    {"numbers are written in decimal", numbers_are_written_in_decimal},
    {"numbers shift to the right by any count", numbers_shift_to_the_right},
    {"numbers leave remainders", numbers_leave_remainders},
    {"random remainders are those found on paper", random_remainders_are_those_of_paper},
    CU_TEST_INFO_NULL,
};

const struct suite suite_number = {"number", tests};
