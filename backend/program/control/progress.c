#include "program/control/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "system/clock.h"

#define FIRST_MS 1000
#define INTERVAL_MS 300

/* To the beginning of the line, and nothing behind it (ECMA-48, CR and EL). */
#define CLEAR "\r\033[K"

void progress_begin(struct progress *progress)
{
    *progress = (struct progress){.is_seen = isatty(STDERR_FILENO),
                                  .next_ms = clock_monotonic_ms() + FIRST_MS};
}

bool progress_is_due(struct progress *progress)
{
    return progress->is_seen && clock_monotonic_ms() >= progress->next_ms;
}

void progress_show(struct progress *progress, const char *format, ...)
{
    va_list arguments;
    if (!progress->is_seen)
        return;
    va_start(arguments, format);
    fputs(CLEAR, stderr);
    vfprintf(stderr, format, arguments);
    fflush(stderr);
    va_end(arguments);
    progress->is_shown = true;
    progress->next_ms = clock_monotonic_ms() + INTERVAL_MS;
}

void progress_clear(struct progress *progress)
{
    if (progress->is_shown)
        fputs(CLEAR, stderr);
    progress->is_shown = false;
}
