#include "system/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "core/base/error.h"

static bool to_syslog;

void log_to_syslog(void)
{
    openlog(NULL, LOG_PID, LOG_DAEMON);
    to_syslog = true;
}

void log_line(const char *priority, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (to_syslog) /* "<4>" is what syslog(3) calls 4 */
        syslog(priority[1] - '0', "%s", text);
    else
        fprintf(stderr, "%s%s: %s\n", getenv("JOURNAL_STREAM") ? priority : "",
                program_invocation_short_name, text);
}
