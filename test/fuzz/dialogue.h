/*
 * PowerDNS at the one end and the program at the other, line by line, without processes: the pipe
 * dialect with the real responder behind it, and each answer read and checked as a whole.
 */
#ifndef TEST_FUZZ_DIALOGUE_H
#define TEST_FUZZ_DIALOGUE_H

#include "core/base/buffer.h"
#include "dialect/pipe.h"
#include "powerdns.h"
#include "program/answer/responder.h"

/* More records than any answer of these tests has. */
#define RECORDS_MAX 512

/* The line that was said, as PowerDNS means it. */
enum asked_verb {
    ASKED_NONSENSE, /* nobody could answer that */
    ASKED_ODDLY,    /* as PowerDNS never asks, but perhaps it can be understood */
    ASKED_HELO,
    ASKED_QUESTION,
    ASKED_TRANSFER,
    ASKED_COMMAND,
};

struct asked {
    enum asked_verb verb;
    int32_t abi; /* of a HELO; 0: there is no such version */
    struct wire_name name;
    unsigned type; /* 255: all */
    bool known_type;
    int32_t zone_id;
};

struct reply {
    struct buffer text; /* all of it */
    struct powerdns_line records[RECORDS_MAX];
    size_t count;
    bool failed;
};

struct dialogue {
    struct responder *responder;
    const char *database;
    struct service service;
    struct pipe pipe;
    int abi; /* what PowerDNS and we have agreed on; 0: nothing yet */
    struct asked asked;
    struct reply reply;
};

void dialogue_open(struct dialogue *dialogue, const char *database);
void dialogue_close(struct dialogue *dialogue);

/*
 * Says a line and reads the answer into `reply`. Aborts unless it is exactly one answer, each line
 * of which PowerDNS takes, and fits the question.
 */
void dialogue_say(struct dialogue *dialogue, const struct line *line);
void dialogue_sayf(struct dialogue *dialogue, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
