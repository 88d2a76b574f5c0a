/*
 * The service: accepts clients of a listening socket, each in a process of its own.
 *
 * Processes and not threads, because a conversation is made for a process: when the files of the
 * database are deleted or truncated, the store closes all descriptors that the process has of them;
 * the ticker is a signal; and a crash ends one conversation and not all. Such a process is the same
 * as a coprocess started by PowerDNS, with the connection as its standard input and output. It
 * costs a fork, but PowerDNS keeps its connections.
 *
 * SIGTERM or SIGINT ends the service: waiting clients are accepted, new ones cannot connect, and
 * every process answers what it has received, then closes. A socket of systemd stays open, and
 * clients wait there for the next service.
 */
#ifndef STICKY_PROGRAM_SERVER_CONNECTIONS_H
#define STICKY_PROGRAM_SERVER_CONNECTIONS_H

#include "program/server/listener.h"

/*
 * PowerDNS opens a connection for each of its threads, and a short one for a zone transfer, an API
 * call or `pdnsutil`. More than this is a mistake or an attack; so many take two thirds of a
 * gigabyte of memory. The unit file (TasksMax) has the same limit.
 */
#define CONNECTIONS_MAX 1024

/*
 * Serves until it is told to stop, then closes the listener. `converse` runs in the process of a
 * connection, with the connection as standard input and output, and returns the exit status. 0, or
 * ERR_IO when the service could not start.
 */
int connections_serve(struct listener *listener, int (*converse)(void *context), void *context);

#endif
