/*
 * Lets a decision tell its steps while it is made, for `explain`.
 *
 * Decisions take a struct trace pointer that is NULL in normal service, and then a step costs one
 * comparison. There is no second implementation that could explain something else than what
 * happens.
 */
#ifndef STICKY_CORE_BASE_TRACE_H
#define STICKY_CORE_BASE_TRACE_H

struct trace {
    void (*line)(void *context, const char *text); /* text is valid during the call */
    void *context;
};

void trace_say(const struct trace *trace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
