/*
 * Values of the remote backend's JSON protocol, in the types that PowerDNS reads them as.
 *
 * PowerDNS takes a value of another type for one that is not there: a `ttl` in quotes is 0, `auth`
 * as `false` is 1 (modules/remotebackend/remotebackend.cc and pdns/json.cc of 4.7.3). What is
 * written is compact, on one line, and UTF-8 whatever the texts hold. Without memory the buffer
 * fails.
 */
#ifndef STICKY_DIALECT_JSON_WRITE_H
#define STICKY_DIALECT_JSON_WRITE_H

#include "core/base/buffer.h"
#include "core/dns/question.h"

/* Writes a record of an answer. */
void json_write_record(const struct answer_record *record, struct buffer *out);

/* Writes what PowerDNS calls domain info, of the zone whose SOA record this is. */
void json_write_zone(const struct answer_record *soa, struct buffer *out);

/*
 * Writes a text. In one that is not UTF-8 every byte above 127 becomes `\DDD`, which PowerDNS reads
 * as that byte in a name and in a quoted string.
 */
void json_write_text(const char *text, struct buffer *out);

#endif
