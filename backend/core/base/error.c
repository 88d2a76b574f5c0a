#include "core/base/error.h"

#include <stdarg.h>
#include <stdio.h>

const char *error_text(int code)
{
    switch (code) {
    case 0:
        return "no error";
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return text;
        ERROR_CODES(X)
#undef X
    default:
        return "unknown error";
    }
}

int error_set(struct error *error, int code, const char *format, ...)
{
    if (!error || error->code)
        return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return code;
}
