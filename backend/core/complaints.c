#include "core/complaints.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/vector.h"

void complaints_release(struct complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++)
        free(complaints->lines[i]);
    free(complaints->lines);
    *complaints = (struct complaints){0};
}

int complaints_add(struct complaints *complaints, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    char **place =
        text.failed ? NULL : VECTOR_ADD(complaints->lines, complaints->count, complaints->capacity);
    if (!place) {
        buffer_release(&text);
        return ERR_NOMEM;
    }
    *place = text.data; /* the list owns it now */
    return 0;
}

bool complaints_has(const struct complaints *complaints, const char *line)
{
    for (size_t i = 0; complaints && i < complaints->count; i++)
        if (strcmp(complaints->lines[i], line) == 0)
            return true;
    return false;
}
