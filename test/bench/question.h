/*
 * A question as PowerDNS writes it to a coprocess, and which server the answer names. Nothing here
 * can fail.
 */
#ifndef BENCH_QUESTION_H
#define BENCH_QUESTION_H

#include <stddef.h>

#include "resolvers.h"

#define QUESTION_BYTES_MAX 128
#define SERVERS 3

/* Writes the line and its end; returns how many bytes. */
size_t question_write(const struct resolver *resolver, char *text, size_t size);

/* The number of the pool's server in a whole answer, 1 to SERVERS; 0 when there is none. */
int answer_server(const char *answer);

#endif
