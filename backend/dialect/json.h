/*
 * The JSON protocol of PowerDNS's remote backend, independent of the transport.
 *
 * https://doc.powerdns.com/authoritative/backends/remote.html, and what modules/remotebackend
 * really does. Every line gets one line in reply: json_handle() appends it to a buffer, for the
 * caller to write in one go. It does no input or output itself.
 *
 * The protocol has replies for "there is none" (`[]`, `false`), which PowerDNS caches, but not for
 * "I cannot tell". So failures get other replies:
 *
 *   - A failed lookup gets a record whose content is not valid for any type. PowerDNS answers
 *     SERVFAIL and caches nothing.
 *   - If the zones cannot be listed, the reply is a zone without a name. PowerDNS keeps the zones
 *     that it knows, and does not start if it knows none.
 *   - Anything else, and what is not a request, gets an object without `result`. PowerDNS answers
 *     SERVFAIL, closes the connection or kills the coprocess, and starts again. This also repairs a
 *     conversation in which replies no longer match requests.
 */
#ifndef STICKY_DIALECT_JSON_H
#define STICKY_DIALECT_JSON_H

#include "core/base/arena.h"
#include "core/base/buffer.h"
#include "core/dns/question.h"
#include "dialect/line_reader.h"
#include "dialect/service.h"

struct json {
    const struct service *service;
    struct answer answer; /* kept for its memory */
    struct arena arena;   /* what the request says; kept for its memory, too */
};

void json_init(struct json *json, const struct service *service);
void json_release(struct json *json);

/*
 * Answers a line. A record that PowerDNS could not read is left out, with a notice. Without memory,
 * the reply is an object without `result`.
 */
void json_handle(struct json *json, const struct line *line, struct buffer *out);

#endif
