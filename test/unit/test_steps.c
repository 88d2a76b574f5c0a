#include "monitor/steps.h"

#include <string.h>

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

/* The steps as text: s(...) e(...), or what is wrong. */
static void describe(const struct monitor *monitor, struct buffer *out)
{
    struct steps steps;
    struct error error = {0};
    if (steps_init(monitor, &steps, &error) != 0)
        buffer_add_text(out, error.text);
    else
        for (size_t i = 0; i < steps.count; i++) {
            const struct step *step = &steps.list[i];
            CHECK(!step->send != !step->expect, "step %zu is one of both", i);
            buffer_printf(out, "%s(%s)", step->send ? "s" : "e",
                          step->send ? step->send : step->expect);
        }
    steps_release(&steps);
}

static void columns_become_steps(void)
{
    static const struct {
        struct monitor monitor;
        const char *text;
    } rows[] = {
        {{0}, ""},
        {{.send = "a"}, "s(a)"},
        {{.expect = "b"}, "e(b)"},
        {{.send = "a", .expect = "b"}, "s(a)e(b)"},
        {{.steps = "send a"}, "s(a)"},
        {{.steps = "expect ^220 \nsend EHLO x\\r\\n\nexpect (?m)^250 .*\\n\nsend QUIT\\r\\n\n"},
         "e(^220 )s(EHLO x\\r\\n)e((?m)^250 .*\\n)s(QUIT\\r\\n)"},
        {{.steps = "send  \nsend send x"}, "s( )s(send x)"},
        {{.steps = ""}, ""},
        {{.steps = "send "}, "line 'send ' of steps is not send or expect, a space and a text"},
        {{.steps = "send"}, "line 'send' of steps is not send or expect, a space and a text"},
        {{.steps = "SEND a"}, "line 'SEND a' of steps is not send or expect, a space and a text"},
        {{.steps = "send a\n\n\n"}, "s(a)"},
        {{.steps = "send a\n\nsend b"},
         "line '' of steps is not send or expect, a space and a text"},
        {{.steps = " send a"}, "line ' send a' of steps is not send or expect, a space and a text"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buffer out = {0};
        describe(&rows[i].monitor, &out);
        CHECK_TEXT(buffer_text(&out), rows[i].text, "row %zu", i);
        buffer_release(&out);
    }
}

static void without_memory_there_are_no_steps(void)
{
    const struct monitor monitor = {.steps = "send a\nexpect b"};
    bool failed = true;
    size_t n = 1;
    for (; failed && n < 20; n++) {
        struct steps steps;
        memory_fail_at(n);
        int code = steps_init(&monitor, &steps, NULL);
        failed = memory_fail_end();
        CHECK_INTEGER(code, failed ? ERR_NOMEM : 0, "allocation %zu", n);
        steps_release(&steps);
    }
    CHECK(n > 2 && n < 20, "%zu allocations", n);
}

static const CU_TestInfo tests[] = {
    {"columns become steps", columns_become_steps},
    {"without memory there are no steps", without_memory_there_are_no_steps},
    CU_TEST_INFO_NULL,
};

const struct suite suite_steps = {"steps", tests};
