/*
 * The service: every client of the listening socket gets a process of its own.
 *
 * Not a thread, because what surrounds a conversation is made for processes. The store outlives log
 * files that somebody deletes or cuts short by closing all that this process has open of them; the
 * ticker is a signal; a crash is the end of one conversation and not of all. A process is what
 * PowerDNS would have started itself: it finds the connection in place of standard input and
 * output. It costs a fork, and PowerDNS keeps its connections.
 *
 * SIGTERM or SIGINT ends the service: clients that wait are let in, nobody can connect any more,
 * every process answers what it has received and closes. What systemd listens on is left to it,
 * with all who wait there.
 */
#ifndef STICKY_PROGRAM_SERVER_CONNECTIONS_H
#define STICKY_PROGRAM_SERVER_CONNECTIONS_H

#include "program/server/listener.h"

/*
 * PowerDNS opens one for each of its threads, and a short one for a transfer, a call of its API or
 * `pdnsutil`. So many are a mistake or an attack, and two thirds of a gigabyte of memory. The unit
 * file (TasksMax) allows as many.
 */
#define CONNECTIONS_MAX 1024

/*
 * Serves until it is told to end, and closes the listener. `converse` runs in the process of a
 * connection, on its standard input and output, and gives its exit status. 0, or ERR_IO when the
 * service could not begin.
 */
int connections_serve(struct listener *listener, int (*converse)(void *context), void *context);

#endif
