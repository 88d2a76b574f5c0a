/*
 * The log of the service and of pdns-stickyd: standard error, one line for each sentence.
 *
 * Under systemd a line begins with its priority (sd-daemon(3)), which the journal takes away; on a
 * terminal it does not. Connections do not use this: what they have to say goes to PowerDNS, in the
 * dialect of the conversation.
 */
#ifndef STICKY_SYSTEM_LOG_H
#define STICKY_SYSTEM_LOG_H

#include <systemd/sd-daemon.h> /* SD_ERR and the other priorities */

/* From now on lines go to syslog(3): standard error is nobody's any more. */
void log_to_syslog(void);

/* Cannot fail. */
void log_line(const char *priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
