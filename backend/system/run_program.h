/*
 * Runs another program for a moment, and reads what it prints.
 *
 * It is given no input. What it writes to its standard output and its standard error comes
 * together. One that takes too long is killed, with the processes of its group. No shell is
 * involved.
 */
#ifndef STICKY_SYSTEM_RUN_PROGRAM_H
#define STICKY_SYSTEM_RUN_PROGRAM_H

#include <sys/types.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

/* Whom a program is run as, by root alone. */
struct run_as {
    uid_t user;
    gid_t group;
};

/* What is kept of the output: nobody reads more of a version or a few lines of systemctl. */
#define RUN_OUTPUT_MAX (64 * 1024)

/* More than a caller has, with the program itself. */
#define RUN_ARGUMENTS_MAX 16

/*
 * The path of a program, looked for in $PATH and then in the sbin directories, which are not in the
 * $PATH of every user. To be freed; NULL: there is none, or no memory.
 */
char *run_program_find(const char *name);

/*
 * Runs `arguments`, whose first is the path and whose last is NULL; `as` may be NULL: as we are. 0,
 * whatever its exit status, with what it printed added to `output`, standard error included;
 * ERR_NOTFOUND if it could not be started; ERR_BUSY if it was killed after `limit_ms`; ERR_IO; or
 * ERR_NOMEM; with `error` set.
 */
int run_program(const char *const *arguments, const struct run_as *as, int limit_ms,
                struct buffer *output, struct error *error);

/*
 * The same for a program whose output is data: standard error goes to `errors`, and the exit status
 * is given, -1 if a signal has ended it. `output_max` bytes are kept; ERR_LIMIT: there were more.
 */
int run_program_apart(const char *const *arguments, int limit_ms, size_t output_max,
                      struct buffer *output, struct buffer *errors, int *ret_status,
                      struct error *error);

#endif
