/*
 * Error codes and their texts.
 *
 * Functions return 0 or one of the negative codes below. Where an operator needs to know why
 * something failed, the caller passes a struct error. The first error set in it wins, so a cleanup
 * path cannot hide the cause. The struct belongs to the caller, holds no pointers and need not be
 * released.
 */
#ifndef STICKY_CORE_BASE_ERROR_H
#define STICKY_CORE_BASE_ERROR_H

#include <stdbool.h>

#define ERROR_CODES(X)                                                                             \
    X(ERR_NOMEM, -1, "out of memory")                                                              \
    X(ERR_INVAL, -2, "not valid")                                                                  \
    X(ERR_NOTFOUND, -3, "not found")                                                               \
    X(ERR_BUSY, -4, "locked by another process")                                                   \
    X(ERR_READONLY, -5, "cannot be written")                                                       \
    X(ERR_FULL, -6, "no space left")                                                               \
    X(ERR_IO, -7, "input/output error")                                                            \
    X(ERR_CORRUPT, -8, "damaged")                                                                  \
    X(ERR_FOREIGN, -9, "not a pdns-sticky database")                                               \
    X(ERR_LIMIT, -10, "over a limit of the table setting")                                         \
    X(ERR_INTERNAL, -11, "internal error")

enum error_code {
#define X(name, value, text) name = value,
    ERROR_CODES(X)
#undef X
};

/*
 * Long enough for a sentence with a path and the command that repairs it; longer texts are
 * truncated.
 */
#define ERROR_TEXT_MAX 640

struct error {
    int code; /* 0: no error */
    char text[ERROR_TEXT_MAX];
};

/* The text of a code: "no error" for 0 and "unknown error" for anything else. Cannot fail. */
const char *error_text(int code);

/* Sets code and text, unless an error is already set. `error` may be NULL. Returns `code`. */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
