#include "core/base/trace.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"

static const char *const whats[] = {
#define X(name, word) [name] = word,
    TRACE_STEPS(X)
#undef X
};

static const char *const outcomes[] = {
#define X(name, word) [name] = word,
    TRACE_OUTCOMES(X)
#undef X
};

void trace_release(struct trace *trace)
{
    free(trace->steps);
    arena_release(&trace->texts);
    *trace = (struct trace){0};
}

/* Copies all values but texts that are NULL; false when there is no memory. */
static bool copy_values(struct trace *trace, const struct trace_step *step,
                        struct trace_step *ret_copy)
{
    size_t count = 0;
    for (size_t i = 0; i < TRACE_VALUES_MAX && step->values[i].name; i++) {
        struct trace_value value = step->values[i];
        if (value.kind == TRACE_KIND_TEXT) {
            if (!value.text)
                continue;
            value.text = arena_copy(&trace->texts, value.text, strlen(value.text));
            if (!value.text)
                return false;
        }
        ret_copy->values[count++] = value;
    }
    return true;
}

void trace_record(struct trace *trace, const struct trace_step *step)
{
    struct trace_step copy = {.what = step->what, .outcome = step->outcome};
    struct trace_step *place = copy_values(trace, step, &copy)
                                   ? VECTOR_ADD(trace->steps, trace->count, trace->capacity)
                                   : NULL;
    if (place)
        *place = copy;
    else
        trace->incomplete = true;
}

const struct trace_value *trace_value(const struct trace_step *step, const char *name)
{
    for (size_t i = 0; i < TRACE_VALUES_MAX && step->values[i].name; i++)
        if (strcmp(step->values[i].name, name) == 0)
            return &step->values[i];
    return NULL;
}

const char *trace_what_word(enum trace_what what)
{
    return whats[what];
}

const char *trace_outcome_word(enum trace_outcome outcome)
{
    return outcomes[outcome];
}
