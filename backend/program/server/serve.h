/*
 * A conversation with PowerDNS on a pair of descriptors.
 */
#ifndef STICKY_PROGRAM_SERVER_SERVE_H
#define STICKY_PROGRAM_SERVER_SERVE_H

#include "program/answer/responder.h"

/*
 * Answers every line in order, each with one write(), until the input ends or the output is closed.
 * It does not return while there may be another question: when a coprocess exits between questions,
 * PowerDNS answers "no such name". It also returns when the parent process is gone, because a
 * sibling process may hold the writing end of the input open.
 *
 * 0, or ERR_IO when reading or writing fails for another reason.
 */
int serve(struct responder *responder, const char *database, int in, int out);

#endif
