#include "core/base/problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/vector.h"

void problems_release(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        free(problems->lines[i]);
    free(problems->lines);
    *problems = (struct problems){0};
}

int problems_add(struct problems *problems, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    char **place =
        text.failed ? NULL : VECTOR_ADD(problems->lines, problems->count, problems->capacity);
    if (!place) {
        buffer_release(&text);
        return ERR_NOMEM;
    }
    *place = text.data; /* the list owns it now */
    return 0;
}

bool problems_has(const struct problems *problems, const char *line)
{
    for (size_t i = 0; problems && i < problems->count; i++)
        if (strcmp(problems->lines[i], line) == 0)
            return true;
    return false;
}
