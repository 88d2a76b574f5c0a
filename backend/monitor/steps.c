#include "monitor/steps.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vector.h"

static int add(struct steps *steps, const char *send, const char *expect)
{
    struct step *step = VECTOR_ADD(steps->list, steps->count, steps->capacity);
    if (!step)
        return ERR_NOMEM;
    *step = (struct step){.send = send, .expect = expect};
    return 0;
}

/* The text of a line that begins with this word and a space; NULL for another line. */
static const char *text_after(const char *line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 && line[length] != '\0' ? line + length : NULL;
}

static int add_line(struct steps *steps, const char *line, struct error *error)
{
    const char *send = text_after(line, "send "), *expect = text_after(line, "expect ");
    if (!send && !expect)
        return error_set(error, ERR_INVAL,
                         "line '%s' of steps is not send or expect, a space and a text", line);
    return add(steps, send, expect);
}

/* Ends each line with a NUL. Newlines at the end of the text begin no line. */
static int add_lines(struct steps *steps, const char *text, struct error *error)
{
    int code = 0;
    steps->text = strdup(text);
    for (char *line = steps->text, *next; code == 0 && line && line[strspn(line, "\n")] != '\0';
         line = next) {
        size_t length = strcspn(line, "\n");
        next = line + length + (line[length] == '\n');
        line[length] = '\0';
        code = add_line(steps, line, error);
    }
    return steps->text ? code : ERR_NOMEM;
}

int steps_init(const struct monitor *monitor, struct steps *ret_steps, struct error *error)
{
    *ret_steps = (struct steps){0};
    if (monitor->steps)
        return add_lines(ret_steps, monitor->steps, error);
    int code = monitor->send ? add(ret_steps, monitor->send, NULL) : 0;
    return code == 0 && monitor->expect ? add(ret_steps, NULL, monitor->expect) : code;
}

void steps_release(struct steps *steps)
{
    free(steps->list);
    free(steps->text);
    *steps = (struct steps){0};
}
