/*
 * What PowerDNS's remote backend makes of our replies: a second reading of its rules, from its
 * source and from nothing of the program.
 *
 * After auth-4.7.3: modules/remotebackend/remotebackend.cc and pdns/json.cc, and RFC 8259 for the
 * JSON itself. Stricter: no white space, no key twice, none that PowerDNS does not read, and every
 * value of the type that it reads.
 */
#ifndef TEST_FUZZ_POWERDNS_REPLY_H
#define TEST_FUZZ_POWERDNS_REPLY_H

#include "powerdns.h"

/* More records and zones than any reply of these tests has, and bytes of all their contents. */
#define ROWS_MAX 512
#define TEXTS_MAX (1 << 18)

enum powerdns_result {
    RESULT_NONE, /* PowerDNS drops the peer: SERVFAIL */
    RESULT_TRUE,
    RESULT_FALSE,
    RESULT_TEXT,
    RESULT_OBJECT, /* without members */
    RESULT_ARRAY,  /* of nothing, records or zones */
    RESULT_ZONE,
};

struct powerdns_row {
    bool is_zone; /* then only owner, zone_id and serial */
    struct wire_name owner;
    unsigned type;
    const char *content; /* in `texts`, NUL-terminated */
    uint32_t ttl_s, serial;
    int32_t zone_id;
    bool authoritative;
    unsigned scope_bits;
};

struct powerdns_reply {
    enum powerdns_result result;
    struct powerdns_row rows[ROWS_MAX];
    size_t count;
    bool failed; /* one record, which PowerDNS cannot read: SERVFAIL */
    char texts[TEXTS_MAX];
    size_t texts_length;
};

/* Reads a whole reply with its newline. NULL, or why it breaks the conversation. */
const char *powerdns_read_reply(const char *text, size_t length, struct powerdns_reply *ret_reply);

#endif
