/*
 * A coprocess, and we are its PowerDNS: it is started, asked over its standard input, and measured.
 *
 * Start, ask as often as wanted, end. Whatever goes wrong here ends this program with a message: a
 * benchmark of something that fails has no numbers.
 */
#ifndef BENCH_COPROCESS_H
#define BENCH_COPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct coprocess {
    pid_t pid;
    int in, out;                  /* we write into `in` and read from `out` */
    uint64_t banner_ns;           /* from before its start until it has answered HELO */
    size_t length, answer_length; /* of what has come, and of its first whole answer */
    char bytes[1 << 17];
};

/* Starts the program and greets it. */
void coprocess_start(struct coprocess *coprocess, char *const argv[]);

/* Asks, waits, and returns the whole answer with its END line; valid until the next call. */
const char *coprocess_ask(struct coprocess *coprocess, const char *line, size_t length);

/*
 * Many questions at once, as fast as they are taken. `judge` gets every answer, in order.
 */
struct coprocess_lines {
    const char *text;
    size_t length;
};
void coprocess_ask_all(struct coprocess *coprocess, const struct coprocess_lines *lines,
                       void (*judge)(void *context, const char *answer), void *context);

/* Processor time it has used so far, in user and system mode; and its first thread alone. */
uint64_t coprocess_cpu_ns(const struct coprocess *coprocess);
uint64_t coprocess_main_cpu_ns(const struct coprocess *coprocess);

/* A number of /proc/PID/smaps_rollup, in KiB: "Private_Dirty". */
long coprocess_memory_kib(const struct coprocess *coprocess, const char *key);

/* Ends its input and waits for its end. */
void coprocess_end(struct coprocess *coprocess);

#endif
