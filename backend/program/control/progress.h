/*
 * A line on standard error that says how far a command is, if that is a terminal. It is written
 * over again and again, and is gone at the end.
 */
#ifndef STICKY_PROGRAM_CONTROL_PROGRESS_H
#define STICKY_PROGRAM_CONTROL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_seen;    /* somebody can see it */
    bool is_shown;   /* it is there now */
    int64_t next_ms; /* monotonic: not before */
};

/* Nothing is shown within the first second: most commands have ended by then. */
void progress_begin(struct progress *progress);

/* Says whether it is time to show another one. */
bool progress_is_due(struct progress *progress);
void progress_show(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Takes the line away, before something else is printed. */
void progress_clear(struct progress *progress);

#endif
