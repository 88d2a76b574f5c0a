/*
 * What every dialect makes of a request and what every dialect writes as a reply.
 *
 * Below the dialects nobody knows who asked or in which protocol.
 */
#ifndef STICKY_CORE_DNS_QUESTION_H
#define STICKY_CORE_DNS_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dns/name.h"
#include "core/dns/rdata.h"
#include "core/network/source.h"

/* PowerDNS's word for "whichever zone": no zone is known yet. */
#define ZONE_ID_ANY (-1)

struct question {
    struct name name;
    char type[RECORD_TYPE_MAX]; /* a mnemonic, or "ANY", PowerDNS's usual question */
    int32_t zone_id;            /* ZONE_ID_ANY, or what an SOA answer told PowerDNS */
    struct source source;
};

struct answer_record {
    const char *owner; /* texts belong to the question or the snapshot */
    const char *type;
    const char *content;
    uint32_t ttl_s;
    int32_t zone_id;
    uint8_t scope_bits; /* 0: the same for every client, so PowerDNS may cache it */
    bool authoritative; /* false at and below a delegation */
};

/*
 * Says whether a text can stand in a line: it is not empty, holds no tab or line end, and no space
 * is at its end, since PowerDNS cuts that off.
 */
bool answer_text_is_sound(const char *text);

/*
 * The last look at a record before it is written: its texts can stand in a line, its numbers are in
 * the range that PowerDNS reads. That they are a name, and a content of the type, was seen to when
 * the configuration was loaded (name.h, rdata.h). A line that breaks would cost PowerDNS the
 * coprocess, or put every later answer one question off.
 */
bool answer_record_is_sound(const struct answer_record *record);

/* `failed` means SERVFAIL; otherwise no records means that there are none of that type. */
struct answer {
    bool failed;
    struct answer_record *records; /* owned */
    size_t count, capacity;
};

/* Empties the answer and keeps its memory. */
void answer_clear(struct answer *answer);
void answer_release(struct answer *answer);

/* Adds a copy of the struct; without memory the answer fails instead. */
void answer_add(struct answer *answer, const struct answer_record *record);

/* Makes the answer a failure without records. */
void answer_fail(struct answer *answer);

#endif
