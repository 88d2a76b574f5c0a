#include "core/base/warnings.h"

#include <stdarg.h>
#include <stdio.h>

/* A sentence names at most one domain name and a few words. */
#define SENTENCE_MAX 1280

void warnings_add(const struct warnings *warnings, const char *format, ...)
{
    if (!warnings)
        return;
    char sentence[SENTENCE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    warnings->add(warnings->context, sentence);
}
