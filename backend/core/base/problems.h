/*
 * Sentences about what is wrong, such as a row that cannot be used. Each is logged once, and shown
 * by `status` as long as it is true.
 */
#ifndef STICKY_CORE_BASE_PROBLEMS_H
#define STICKY_CORE_BASE_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

struct problems {
    char **lines; /* owned, in the order in which they were added */
    size_t count, capacity;
};

void problems_release(struct problems *problems);

/* Adds a sentence. 0, or ERR_NOMEM with nothing added. */
int problems_add(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says whether a sentence is in the list. A list that is NULL is empty. */
bool problems_has(const struct problems *problems, const char *line);

#endif
