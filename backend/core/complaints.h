/*
 * Sentences about rows that cannot be used: for the log once, and for `status` as long as they
 * last.
 */
#ifndef STICKY_CORE_COMPLAINTS_H
#define STICKY_CORE_COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

struct complaints {
    char **lines; /* owned, in the order they came */
    size_t count, capacity;
};

void complaints_release(struct complaints *complaints);

/* 0 or ERR_NOMEM, with nothing added. */
int complaints_add(struct complaints *complaints, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says whether a sentence is among them. NULL has none. */
bool complaints_has(const struct complaints *complaints, const char *line);

#endif
