/*
 * Sentences about rows that cannot be used: for the log once, and for `status` as long as they
 * last.
 */
#ifndef STICKY_CORE_BASE_PROBLEMS_H
#define STICKY_CORE_BASE_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

struct problems {
    char **lines; /* owned, in the order they came */
    size_t count, capacity;
};

void problems_release(struct problems *problems);

/* 0 or ERR_NOMEM, with nothing added. */
int problems_add(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says whether a sentence is among them. NULL has none. */
bool problems_has(const struct problems *problems, const char *line);

#endif
