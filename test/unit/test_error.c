#include "core/base/error.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void codes_have_words(void)
{
    static const struct {
        int code;
        const char *text;
    } rows[] = {{0, "no error"},
                {1, "unknown error"},
                {-1000, "unknown error"},
#define X(name, value, words) {value, words},
                ERROR_CODES(X)
#undef X
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(error_text(rows[i].code), rows[i].text, "code %d", rows[i].code);
}

static void codes_are_negative_and_differ(void)
{
    static const int codes[] = {
#define X(name, value, words) name,
        ERROR_CODES(X)
#undef X
    };
    for (size_t i = 0; i < COUNT(codes); i++) {
        CHECK(codes[i] < 0, "code %d", codes[i]);
        for (size_t k = 0; k < i; k++)
            CHECK(codes[i] != codes[k], "code %d", codes[i]);
    }
}

static void the_first_error_wins(void)
{
    struct error error = {0};
    CHECK_INTEGER(error_set(&error, ERR_BUSY, "the %s", "cause"), ERR_BUSY, "first");
    CHECK_INTEGER(error_set(&error, ERR_IO, "a cleanup"), ERR_IO, "second");
    CHECK_INTEGER(error.code, ERR_BUSY, "kept");
    CHECK_TEXT(error.text, "the cause", "kept");
}

static void nobody_needs_to_want_the_words(void)
{
    CHECK_INTEGER(error_set(NULL, ERR_FULL, "unheard"), ERR_FULL, "no struct");
}

static void a_long_text_is_cut(void)
{
    struct error error = {0};
    char text[2 * ERROR_TEXT_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&error, ERR_INVAL, "%s", text);
    CHECK_INTEGER((int64_t)strlen(error.text), ERROR_TEXT_MAX - 1, "cut");
}

static const CU_TestInfo tests[] = {
    {"every code has its words", codes_have_words},
    {"codes are negative and differ", codes_are_negative_and_differ},
    {"the first error that is set wins", the_first_error_wins},
    {"an error can be set without a struct", nobody_needs_to_want_the_words},
    {"a long text is cut and still ended", a_long_text_is_cut},
    CU_TEST_INFO_NULL,
};

const struct suite suite_error = {"error", tests};
