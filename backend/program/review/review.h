/*
 * What stands in the way of stickiness and speed: the findings of the command `check`, as values.
 *
 * They are gathered from pdns.conf and the version of PowerDNS, the database, the owners and modes
 * of files, systemd's units, the disk and the clock. Nothing is changed. Each finding has the name
 * of a topic; review.c has the table of topics, and pdns-stickyctl(8) a paragraph for each. What
 * could not be looked at is told too, since it may be wrong.
 *
 * Texts belong to the review until review_release().
 */
#ifndef STICKY_PROGRAM_REVIEW_REVIEW_H
#define STICKY_PROGRAM_REVIEW_REVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "core/base/problems.h"
#include "program/answer/responder.h"
#include "program/review/pdns_version.h"

/* What a finding does harm to. */
enum review_effect {
    REVIEW_STICKINESS, /* resolvers are sent to another site than before */
    REVIEW_ANSWERS,    /* questions get no answer, or a wrong one */
    REVIEW_SPEED,      /* answers take longer, or cost more */
    REVIEW_WARNING,    /* nothing yet */
};

/* "breaks stickiness" and so on; and the same as one word. */
const char *review_effect_text(enum review_effect effect);
const char *review_effect_word(enum review_effect effect);

/* Where the line of a finding is to be written. */
enum review_place {
    REVIEW_NOWHERE, /* there is no line: the sentence says what to do */
    REVIEW_CONF,    /* into pdns.conf */
    REVIEW_SQL,     /* a statement for the database */
    REVIEW_SHELL,   /* a command */
};

const char *review_place_word(enum review_place place);

struct review_finding {
    const char *name; /* of the topic */
    enum review_effect effect;
    const char *text; /* a sentence, with the reason */
    enum review_place place;
    const char *line; /* to write; NULL with REVIEW_NOWHERE */
    const char *file; /* REVIEW_CONF: where the setting is, or pdns.conf; else NULL */
    int file_line;    /* its number there; 0: it is not there yet */
};

struct review {
    const char *conf; /* path of pdns.conf */
    const char *database;
    struct pdns_version version;
    const char *user; /* whom PowerDNS runs as; NULL: not known */
    struct review_finding *findings;
    size_t count, capacity;
    struct problems unchecked; /* sentences on what could not be looked at */
    bool failed;               /* memory was short, so something is missing */
    struct arena arena;
};

/* What there is to look at. */
struct review_sources {
    const char *conf, *database;
    struct responder *responder; /* of the database */
};

/* 0 or ERR_NOMEM. Must be released in either case. */
int review_gather(const struct review_sources *sources, struct review *ret_review);
void review_release(struct review *review);

#endif
