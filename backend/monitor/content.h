/*
 * Collects what a target sends, and searches it for a pattern while it arrives.
 *
 * A pattern is a Perl-compatible regular expression (PCRE2). It may match anywhere in what has
 * arrived, and takes it as bytes, NUL among them. `.` matches every byte, `^` the beginning of
 * everything, and `$` the end of what has arrived, also before a last newline. A pattern with a
 * negative assertion, such as `^(?!.*error)`, matches at the end at the earliest; so does one with
 * `$`, where the sender shows that there is an end.
 *
 * A search is given up after CONTENT_STEPS_MAX steps, since some patterns take exponential time;
 * then the pattern does not match.
 */
#ifndef STICKY_MONITOR_CONTENT_H
#define STICKY_MONITOR_CONTENT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

/*
 * A page that shows the health of a site is shorter, and a thousand of this size fit into memory.
 */
#define CONTENT_MAX (64 * 1024)

/* A pattern without choices needs one for each byte; this is some milliseconds. */
#define CONTENT_STEPS_MAX 300000

enum content_state {
    CONTENT_MORE,    /* nothing is decided yet */
    CONTENT_MATCHES, /* the pattern was found */
    CONTENT_FULL,    /* CONTENT_MAX bytes have arrived without a match */
    CONTENT_FAILED,  /* out of memory */
};

struct content {
    struct buffer bytes;
    size_t from;      /* where the search begins */
    size_t next_look; /* the length at which to search again */
    struct pattern *pattern;
    /* To be set before content_init(): */
    bool by_line; /* `^` and `$` match at each line */
    bool has_end; /* the sender shows where it ends, as for a page */
};

/* Checks a pattern. 0; ERR_INVAL, with a text that calls it `column`; ERR_NOMEM. */
int content_refuse(const char *column, const char *pattern, struct error *error);

/*
 * `content` must be zeroed. Returns the same codes; content_release() must be called in any case.
 */
int content_init(struct content *content, const char *pattern);
void content_release(struct content *content);

/*
 * Goes on with another pattern, which is searched for behind what the last one has matched. Returns
 * as content_init(). content_look() then searches what has arrived already.
 */
int content_next(struct content *content, const char *pattern);
enum content_state content_look(const struct content *content);

/* Says whether a match counts only when nothing more will arrive. */
bool content_waits(const struct content *content);

/* Adds bytes, up to CONTENT_MAX in all. */
enum content_state content_add(struct content *content, const void *bytes, size_t count);

/* When nothing more will arrive: says whether the pattern matches. */
bool content_matches(const struct content *content);

#endif
