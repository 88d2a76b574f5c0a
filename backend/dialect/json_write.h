/*
 * Writes values of the remote backend's JSON protocol in the types that PowerDNS expects.
 *
 * PowerDNS treats a value of another type as missing: a `ttl` in quotes is 0, an `auth` of `false`
 * is 1 (modules/remotebackend/remotebackend.cc and pdns/json.cc of 4.7.3). The output is compact,
 * on one line, and always UTF-8. Without memory the buffer fails.
 */
#ifndef STICKY_DIALECT_JSON_WRITE_H
#define STICKY_DIALECT_JSON_WRITE_H

#include "core/base/buffer.h"
#include "core/dns/question.h"

/* Writes a record of an answer. */
void json_write_record(const struct answer_record *record, struct buffer *out);

/* Writes the domain info, as PowerDNS calls it, of the zone whose SOA record this is. */
void json_write_zone(const struct answer_record *soa, struct buffer *out);

/*
 * Writes a text. If it is not UTF-8, every byte above 127 is written as `\DDD`, which PowerDNS
 * reads as that byte in names and quoted strings.
 */
void json_write_text(const char *text, struct buffer *out);

#endif
