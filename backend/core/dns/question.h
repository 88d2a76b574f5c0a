/*
 * A question and its answer, independent of the protocol. Every dialect converts its requests into
 * questions and the answers into its replies.
 */
#ifndef STICKY_CORE_DNS_QUESTION_H
#define STICKY_CORE_DNS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/dns/name.h"
#include "core/dns/rdata.h"
#include "core/network/source.h"

/* What PowerDNS sends while it does not know the zone. */
#define ZONE_ID_ANY (-1)

struct question {
    struct name name;
    char type[RECORD_TYPE_MAX]; /* a mnemonic, or "ANY", which PowerDNS asks most often */
    int32_t zone_id;            /* ZONE_ID_ANY, or the id from an earlier SOA answer */
    struct source source;
};

/*
 * The type of a record that only says that the name exists, as an empty non-terminal does; without
 * it, an empty answer would become NXDOMAIN. It has this content. Each dialect writes it in its own
 * way.
 */
#define TYPE_EMPTY "TYPE0"
#define CONTENT_EMPTY "\\# 0"

struct answer_record {
    const char *owner; /* texts belong to the question, the snapshot or the answer */
    const char *type;
    const char *content;
    uint32_t ttl_s;
    int32_t zone_id;
    uint8_t scope_bits; /* 0: the same for all clients, so PowerDNS may cache it */
    bool authoritative; /* false at and below a delegation */
};

/*
 * Says whether a text can be a field of a line: it is not empty, contains no tab and no line end,
 * and does not end in a space, which PowerDNS would remove.
 */
bool answer_text_is_sound(const char *text);

/*
 * The last check before a record is written: its texts can be fields of a line, and its numbers are
 * in the range that PowerDNS reads. Names and contents were checked when the configuration was
 * loaded (name.h, rdata.h). A line break in a field would make PowerDNS kill the coprocess, or
 * match every later answer with the wrong question.
 */
bool answer_record_is_sound(const struct answer_record *record);

/*
 * With `failed` set the answer is SERVFAIL. Otherwise, an answer without records means that the
 * name has none of that type.
 */
struct answer {
    bool failed;
    struct answer_record *records; /* owned */
    size_t count, capacity;
    struct arena texts; /* of records that are made for this answer alone */
};

/* Empties the answer and keeps its memory. */
void answer_clear(struct answer *answer);
void answer_release(struct answer *answer);

/* Adds a copy of the struct. Without memory the answer becomes a failure. */
void answer_add(struct answer *answer, const struct answer_record *record);

/* Makes the answer a failure, without records. */
void answer_fail(struct answer *answer);

#endif
