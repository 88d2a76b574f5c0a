/*
 * pdns.conf, read as PowerDNS reads it: the last value of each setting, and where it stands.
 *
 * The rules are those of pdns/arguments.cc in PowerDNS 4.7 to 5.2, which have not changed:
 *
 *   - NAME=VALUE sets a value, NAME+=VALUE adds ", VALUE" to the value so far, and NAME alone is an
 *     empty value, which counts as yes. The first "+=" or else the first "=" of a line ends its
 * name.
 *   - A # at the beginning of a line, or after a space, begins a comment. Only the first # of a
 * line is looked at. There are no quotes.
 *   - A line that ends in \ goes on in the next one, even a comment; at the end of the file, such a
 *     line is lost.
 *   - Once the file has been read, the files *.conf of the directory `include-dir` follow, without
 *     regard to case in the order of their names. An include-dir in one of them has no effect.
 *
 * Which settings there are is not known here: PowerDNS itself rejects others when it starts. Where
 * += adds to a default that pdns_version.h does not have, the value is what was added.
 */
#ifndef STICKY_PROGRAM_REVIEW_PDNS_CONF_H
#define STICKY_PROGRAM_REVIEW_PDNS_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/error.h"

struct pdns_value {
    const char *name, *text;
    const char *file; /* where the value was set or added to last */
    int line;
};

struct pdns_conf {
    struct pdns_value *values; /* in the order in which they were first set */
    size_t count, capacity;
    struct arena arena; /* for the texts */
};

/*
 * Reads a file and what it includes. 0; ERR_IO for a file or directory that cannot be read and
 * ERR_INVAL for a line that PowerDNS rejects, with `error` set; or ERR_NOMEM. The configuration
 * must be released in either case; after a failure it has what was read until then.
 */
int pdns_conf_read(const char *path, struct pdns_conf *ret_conf, struct error *error);

/* Adds the text of one file, without what it includes. Likewise; `file` is copied. */
int pdns_conf_add(struct pdns_conf *conf, const char *file, const char *text, size_t length,
                  struct error *error);

void pdns_conf_release(struct pdns_conf *conf);

/* NULL: it is not set. */
const struct pdns_value *pdns_conf_find(const struct pdns_conf *conf, const char *name);

#endif
