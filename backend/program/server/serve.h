/*
 * A conversation with PowerDNS on a pair of descriptors.
 */
#ifndef STICKY_PROGRAM_SERVER_SERVE_H
#define STICKY_PROGRAM_SERVER_SERVE_H

#include "program/answer/responder.h"

/*
 * Answers every line that comes in, in order, each with one write(), until the input ends or nobody
 * reads any more. Never returns while there may be another question: PowerDNS takes an exit between
 * questions for "no such name". Returns also when the parent process is gone, since a sibling of
 * ours can hold the writing end of our input open.
 *
 * 0, or ERR_IO when reading or writing broke for another reason.
 */
int serve(struct responder *responder, const char *database, int in, int out);

#endif
