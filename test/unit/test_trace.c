#include "core/base/trace.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

static void remember(void *context, const char *text)
{
    buffer_add_text(context, text);
    buffer_add_char(context, '\n');
}

static void each_step_is_one_line(void)
{
    struct buffer told = {0};
    const struct trace trace = {remember, &told};
    trace_say(&trace, "first");
    trace_say(&trace, "N = %d: %s", 3, "second");
    CHECK_TEXT(buffer_text(&told), "first\nN = 3: second\n", "two steps");
    buffer_release(&told);
}

static void without_a_trace_nothing_is_told(void)
{
    trace_say(NULL, "%s", "to nobody");
    CHECK(true, "it came back");
}

static void a_long_step_is_cut(void)
{
    char text[5000];
    struct buffer told = {0};
    const struct trace trace = {remember, &told};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    trace_say(&trace, "%s", text);
    CHECK(told.length > 1016 && told.length < sizeof text, "%zu characters", told.length);
    CHECK(strspn(buffer_text(&told), "x") == told.length - 1, "its beginning");
    buffer_release(&told);
}

static const CU_TestInfo tests[] = {
    {"each step is one line", each_step_is_one_line},
    {"without a trace nothing is told", without_a_trace_nothing_is_told},
    {"a long step is cut", a_long_step_is_cut},
    CU_TEST_INFO_NULL,
};

const struct suite suite_trace = {"trace", tests};
