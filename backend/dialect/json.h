/*
 * PowerDNS's remote backend: its JSON protocol, on whichever transport.
 *
 * https://doc.powerdns.com/authoritative/backends/remote.html, and what modules/remotebackend
 * really does. One line comes in, one line goes out: json_handle() appends it whole to a buffer,
 * for the caller to write at once. It does no input or output of its own.
 *
 * The protocol has words for "none" (`[]`, `false`) but not for "I cannot tell", and PowerDNS
 * caches the former. So there are other replies:
 *
 *   - to a lookup that failed, one record whose content no type has. PowerDNS answers SERVFAIL,
 *     remembers nothing, and asks on;
 *   - to a question for all zones that failed, one zone without a name. PowerDNS keeps to the zones
 *     that it knows, and does not start when it knows none;
 *   - to what is no request, or to any other failure, an object without `result`. PowerDNS takes
 *     the peer for broken: SERVFAIL too, but it closes the connection or kills the coprocess and
 *     starts afresh, which mends a conversation that is out of step.
 */
#ifndef STICKY_DIALECT_JSON_H
#define STICKY_DIALECT_JSON_H

#include "core/base/buffer.h"
#include "core/dns/question.h"
#include "dialect/line_reader.h"
#include "dialect/service.h"

struct json {
    const struct service *service;
    struct answer answer; /* memory that is used again */
};

void json_init(struct json *json, const struct service *service);
void json_release(struct json *json);

/*
 * Answers a line. Records that PowerDNS would not take are left out with a notice; without memory
 * the reply is an object without `result`.
 */
void json_handle(struct json *json, const struct line *line, struct buffer *out);

#endif
