/*
 * Goes into the background as a daemon of old does: without a terminal, in the root directory, with
 * nothing on its standard streams.
 *
 * The process that was started stays until the daemon is ready, so that its exit status tells
 * whether there is one.
 */
#ifndef STICKY_SYSTEM_DAEMONIZE_H
#define STICKY_SYSTEM_DAEMONIZE_H

/*
 * Returns in the daemon; the process that was started ends here. 0 with what daemonize_ready()
 * wants, or ERR_IO with errno set.
 */
int daemonize_begin(int *ret_ready);

/* Lets the process that waits end well, and lets go of the standard streams. */
void daemonize_ready(int ready);

#endif
