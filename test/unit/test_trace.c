#include "core/base/trace.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

/* What JSON or a page would do: every value by its name, with no knowledge of any step. */
static const char *all_values(const struct trace *trace, struct buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < trace->count; i++) {
        const struct trace_step *step = &trace->steps[i];
        buffer_printf(out, "step=%s", trace_what_word(step->what));
        for (size_t k = 0; k < TRACE_VALUES_MAX && step->values[k].name; k++) {
            const struct trace_value *value = &step->values[k];
            buffer_printf(out, " %s=", value->name);
            if (value->kind == TRACE_KIND_INTEGER)
                buffer_add_integer(out, value->integer);
            else if (value->kind == TRACE_KIND_REAL)
                buffer_printf(out, "%g", value->real);
            else
                buffer_add_text(out, value->text);
        }
        buffer_printf(out, " outcome=%s\n", trace_outcome_word(step->outcome));
    }
    return buffer_text(out);
}

static void values_are_read_without_knowing_the_steps(void)
{
    struct buffer text = {0};
    struct trace recorded = {.steps = NULL}, *trace = &recorded;
    TRACE(trace, .what = STEP_CLAIM, .outcome = OUTCOME_LOST);
    TRACE(trace, .what = STEP_METRIC, .outcome = OUTCOME_FOUND,
          .values = {TRACE_TEXT("metric", "cpu"), TRACE_REAL("value", 0.25),
                     TRACE_INTEGER("age_s", -3)});
    TRACE(trace, .what = STEP_ROUND_ROBIN,
          .values = {TRACE_INTEGER("1", 1), TRACE_INTEGER("2", 2), TRACE_INTEGER("3", 3),
                     TRACE_INTEGER("4", 4), TRACE_INTEGER("5", 5), TRACE_INTEGER("6", 6),
                     TRACE_INTEGER("7", INT64_MAX), TRACE_INTEGER("8", INT64_MIN)});
    CHECK_TEXT(all_values(trace, &text),
               "step=claim outcome=lost\n"
               "step=metric metric=cpu value=0.25 age_s=-3 outcome=found\n"
               "step=round-robin 1=1 2=2 3=3 4=4 5=5 6=6 7=9223372036854775807 "
               "8=-9223372036854775808 outcome=\n",
               "three steps");
    CHECK(trace_value(&trace->steps[1], "age_s")->integer == -3, "by name");
    CHECK(!trace_value(&trace->steps[1], "age"), "a name that is not there");
    CHECK(!trace_value(&trace->steps[2], "9"), "a full step has an end");
    trace_release(trace);
    CHECK_TEXT(all_values(trace, &text), "", "released, and empty again");
    buffer_release(&text);
}

static int asked;

static int64_t ask(void)
{
    return ++asked;
}

static void without_a_trace_no_value_is_computed(void)
{
    struct trace *trace = NULL;
    asked = 0;
    TRACE(trace, .what = STEP_TURN, .values = {TRACE_INTEGER("turn", ask())});
    CHECK_INTEGER(asked, 0, "nobody listens");
    struct trace recorded = {.steps = NULL};
    TRACE(&recorded, .what = STEP_TURN, .values = {TRACE_INTEGER("turn", ask())});
    CHECK_INTEGER(asked, 1, "somebody listens");
    trace_release(&recorded);
}

static void texts_outlive_what_they_were_read_from(void)
{
    char name[] = "paris";
    struct buffer text = {0};
    struct trace trace = {.steps = NULL};
    TRACE(&trace, .what = STEP_SERVER, .values = {TRACE_TEXT("controller", name)});
    memset(name, 'x', sizeof name - 1);
    CHECK_TEXT(all_values(&trace, &text), "step=server controller=paris outcome=\n", "a copy");
    trace_release(&trace);
    buffer_release(&text);
}

static void a_text_that_is_null_is_not_recorded(void)
{
    struct buffer text = {0};
    struct trace trace = {.steps = NULL};
    TRACE(&trace, .what = STEP_POOL,
          .values = {TRACE_TEXT("pool", "web"), TRACE_TEXT("alternate", NULL),
                     TRACE_TEXT("mappings_of", "")});
    CHECK_TEXT(all_values(&trace, &text), "step=pool pool=web mappings_of= outcome=\n",
               "an empty one is");
    trace_release(&trace);
    buffer_release(&text);
}

/* Every word is its own, so that a reader can tell steps and outcomes apart. */
static void words_are_unique(void)
{
    for (int i = STEP_POOL; i <= STEP_TOPOLOGY; i++)
        for (int k = STEP_POOL; k < i; k++)
            CHECK(strcmp(trace_what_word((enum trace_what)i), trace_what_word((enum trace_what)k)),
                  "steps %d and %d", i, k);
    for (int i = OUTCOME_NONE; i <= OUTCOME_NOT_LOADED; i++)
        for (int k = OUTCOME_NONE; k < i; k++)
            CHECK(strcmp(trace_outcome_word((enum trace_outcome)i),
                         trace_outcome_word((enum trace_outcome)k)),
                  "outcomes %d and %d", i, k);
}

static void a_step_without_memory_is_missed(void)
{
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        struct trace trace = {.steps = NULL};
        memory_fail_at(n);
        for (int i = 0; i < 2; i++)
            TRACE(&trace, .what = STEP_POOL, .values = {TRACE_TEXT("pool", "web")});
        failed = memory_fail_end();
        CHECK(trace.incomplete == failed, "allocation %zu", n);
        CHECK_INTEGER((int64_t)trace.count, failed ? 1 : 2, "allocation %zu", n);
        trace_release(&trace);
    }
}

static const CU_TestInfo tests[] = {
    {"values are read without knowing the steps", values_are_read_without_knowing_the_steps},
    {"without a trace no value is computed", without_a_trace_no_value_is_computed},
    {"texts outlive what they were read from", texts_outlive_what_they_were_read_from},
    {"a text that is NULL is not recorded", a_text_that_is_null_is_not_recorded},
    {"words are unique", words_are_unique},
    {"a step without memory is missed, and the trace says so", a_step_without_memory_is_missed},
    CU_TEST_INFO_NULL,
};

const struct suite suite_trace = {"trace", tests};
