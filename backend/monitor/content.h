/*
 * What a target sent, gathered and searched for a pattern while it comes in.
 *
 * A pattern is a POSIX extended regular expression in the C locale. It may match anywhere in what
 * has come so far, NUL bytes included; `^` and `$` are the beginning and the end of all of it.
 * Searching takes time that grows with the length alone: back references, which would make it
 * grow beyond measure, are refused.
 */
#ifndef STICKY_MONITOR_CONTENT_H
#define STICKY_MONITOR_CONTENT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

/* A page that tells whether a site is well is shorter, and a thousand of these fit into memory. */
#define CONTENT_MAX (64 * 1024)

enum content_state {
    CONTENT_MORE,    /* nothing is decided yet */
    CONTENT_MATCHES, /* the pattern was found */
    CONTENT_FULL,    /* so much has come, and the pattern is not in it */
    CONTENT_FAILED,  /* out of memory */
};

struct content {
    struct buffer bytes;
    size_t next_look; /* length at which it is searched again */
    regex_t regex;
    bool compiled;
};

/* 0; ERR_INVAL, when the pattern cannot be used, with words that call it `column`; ERR_NOMEM. */
int content_refuse(const char *column, const char *pattern, struct error *error);

/* `content` is all zero. The same codes; content_release() is due after each. */
int content_init(struct content *content, const char *pattern);
void content_release(struct content *content);

/* Takes bytes in, no more than CONTENT_MAX of them all together. */
enum content_state content_add(struct content *content, const void *bytes, size_t count);

/* No more will come: says whether the pattern is in what did. */
bool content_matches(const struct content *content);

#endif
