/*
 * The backends that PowerDNS launches, which of them is pdns-sticky, and how it is reached.
 *
 * `launch=gsqlite3:meta,remote` launches two: the settings of the first begin with
 * "gsqlite3-meta-", those of the second with "remote-".
 */
#ifndef STICKY_PROGRAM_REVIEW_BACKENDS_H
#define STICKY_PROGRAM_REVIEW_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "program/review/pdns_conf.h"

struct backend {
    const char *module; /* "pipe" */
    const char *prefix; /* of its settings, without the last hyphen: "pipe" or "pipe-first" */
};

/* More than one PowerDNS launches in practice; later ones are not looked at. */
#define BACKENDS_MAX 32

/* What may be in a setting that is a list of words. */
#define COMMAND_WORDS_OF_BACKEND_MAX 32

/* How PowerDNS talks to pdns-sticky. */
enum backend_way { WAY_NONE, WAY_PIPE, WAY_REMOTE_PIPE, WAY_REMOTE_UNIX };

struct backends {
    struct backend list[BACKENDS_MAX]; /* in the order in which PowerDNS asks them */
    size_t count;
    const struct backend *sticky; /* in `list`; NULL: none is pdns-sticky */
    enum backend_way way;
    const char *words[COMMAND_WORDS_OF_BACKEND_MAX]; /* of its command, as PowerDNS splits it */
    size_t word_count;
    const char *socket;  /* that PowerDNS connects to; NULL: none */
    const char *timeout; /* in milliseconds, as it is written */
    struct arena arena;
};

/*
 * Reads the backends from a configuration, which must outlive them. pdns-sticky is the first
 * backend of type pipe or remote whose command or socket mentions it, else the first of these two
 * types. 0 or ERR_NOMEM. Must be released in either case.
 */
int backends_read(const struct pdns_conf *conf, struct backends *ret_backends);
void backends_release(struct backends *backends);

/*
 * The setting of a backend: as it is written, or the default; NULL: it has none. `ret_value` may be
 * NULL; else it is set to where it is written, or to NULL for the default.
 */
const char *backend_setting(const struct pdns_conf *conf, const struct backend *backend,
                            const char *parameter, const struct pdns_value **ret_value);

/* The words of the command name this database, or NULL: it is named nowhere in the command. */
const char *backends_database(const struct backends *backends);

/* The backends that can have zones of their own: all but pdns-sticky. */
bool backends_are_overlay(const struct backends *backends);

/*
 * Says whether a backend answers no question, like the gsqlite3:meta of the sample file: each of
 * its queries for records is written as one that finds nothing.
 */
bool backend_finds_nothing(const struct pdns_conf *conf, const struct backend *backend);

#endif
