#include "core/base/warnings.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void each_warning_is_one_sentence(void)
{
    struct buffer warned = {0};
    const struct warnings warnings = warnings_into(&warned);
    warnings_add(&warnings, "first");
    warnings_add(&warnings, "pool %s: %d", "web", 3);
    CHECK_TEXT(buffer_text(&warned), "first\npool web: 3\n", "two");
    buffer_release(&warned);
}

static void without_a_receiver_nothing_happens(void)
{
    warnings_add(NULL, "%s", "to nobody");
    CHECK(true, "it came back");
}

static void a_long_sentence_is_truncated(void)
{
    char text[5000];
    struct buffer warned = {0};
    const struct warnings warnings = warnings_into(&warned);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    warnings_add(&warnings, "%s", text);
    CHECK_INTEGER((int64_t)warned.length, 1279 + 1, "with the end of the line");
    CHECK(strspn(buffer_text(&warned), "x") == 1279, "its beginning");
    buffer_release(&warned);
}

static const CU_TestInfo tests[] = {
    {"each warning is one sentence", each_warning_is_one_sentence},
    {"without a receiver nothing happens", without_a_receiver_nothing_happens},
    {"a long sentence is truncated", a_long_sentence_is_truncated},
    CU_TEST_INFO_NULL,
};

const struct suite suite_warnings = {"warnings", tests};
