#include "core/base/trace.h"

#include <stdarg.h>
#include <stdio.h>

/* A step names at most one domain name and a few words; longer ones are cut. */
#define TRACE_LINE_MAX 1280

void trace_say(const struct trace *trace, const char *format, ...)
{
    if (!trace)
        return;
    char text[TRACE_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    trace->line(trace->context, text);
}
