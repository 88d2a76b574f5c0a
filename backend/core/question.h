/*
 * What every dialect makes of a request and what every dialect writes as a reply.
 *
 * Below the dialects nobody knows who asked or in which protocol.
 */
#ifndef STICKY_CORE_QUESTION_H
#define STICKY_CORE_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/client.h"
#include "core/name.h"
#include "core/rdata.h"

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
