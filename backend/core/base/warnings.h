/*
 * What a decision has to tell the operator in normal service, when nothing is traced.
 *
 * A warning is a sentence. It is repeated for every question that has the same trouble; the
 * receiver decides how often it is logged.
 */
#ifndef STICKY_CORE_BASE_WARNINGS_H
#define STICKY_CORE_BASE_WARNINGS_H

struct warnings {
    void (*add)(void *context, const char *sentence); /* `sentence` is valid during the call */
    void *context;
};

/* Does nothing when `warnings` is NULL. A sentence of more than 1279 bytes is truncated. */
void warnings_add(const struct warnings *warnings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
