/*
 * What a TCP check sends and expects: the steps of the column `steps`, or the columns `send` and
 * `expect`, which are a list of up to two.
 */
#ifndef STICKY_MONITOR_STEPS_H
#define STICKY_MONITOR_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/error.h"
#include "core/health/check.h"

/* Exactly one of them is not NULL. */
struct step {
    const char *send;   /* with escapes, see escapes.h */
    const char *expect; /* a pattern, see content.h */
};

struct steps {
    struct step *list;
    size_t count, capacity;
    char *text; /* what `list` points into, if it is not the monitor */
};

/*
 * Reads the steps of a monitor, which must live as long as `ret_steps`. 0; ERR_INVAL, with `error`
 * (which may be NULL) set, for a line that is no step; ERR_NOMEM. steps_release() must be called in
 * any case.
 */
int steps_init(const struct monitor *monitor, struct steps *ret_steps, struct error *error);
void steps_release(struct steps *steps);

#endif
