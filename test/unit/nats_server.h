/*
 * A real nats-server for a test: on a free port of 127.0.0.1, with its files in a directory of its
 * own. It ends with the test program, whatever becomes of that.
 */
#ifndef TEST_UNIT_NATS_SERVER_H
#define TEST_UNIT_NATS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct nats_server {
    char directory[64];
    char url[64];
    int port;
    pid_t pid; /* 0: does not run */
};

/* Makes the directory and starts the server; `configuration` may be NULL. */
bool nats_server_make(struct nats_server *server, const char *configuration);

/* What it reads when it is started: port, directory, and this text. */
bool nats_server_configure(const struct nats_server *server, const char *text);

/* Starts it again, on the same port and with the files that there are. */
bool nats_server_start(struct nats_server *server);

/* SIGKILL, and waits for the end. */
void nats_server_kill(struct nats_server *server);

void nats_server_stop(struct nats_server *server);     /* SIGSTOP */
void nats_server_continue(struct nats_server *server); /* SIGCONT */

/* Removes its log, while it does not run. */
void nats_server_wipe(struct nats_server *server);

/* Kills it and removes the directory. */
void nats_server_remove(struct nats_server *server);

#endif
