/*
 * What NATS JetStream is asked about the log, and what it replies: JSON on subjects that begin with
 * $JS.API. A peer has permission for the first two of them only.
 */
#ifndef STICKY_SHARE_JETSTREAM_H
#define STICKY_SHARE_JETSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "share/transport.h"

#define LOG_SUBJECT "sticky.log"
#define JETSTREAM_INFO "$JS.API.STREAM.INFO.STICKY"
#define JETSTREAM_READ "$JS.API.CONSUMER.CREATE.STICKY"
#define JETSTREAM_MAKE "$JS.API.STREAM.CREATE.STICKY"

/* The text of JETSTREAM_MAKE. */
const char *jetstream_make_text(void);

/*
 * The text of JETSTREAM_READ: messages from a sequence on are sent to `subject`, without
 * acknowledgements and with flow control.
 */
void jetstream_read_text(struct buffer *out, const char *subject, int64_t from);

/*
 * The reply to JETSTREAM_INFO and JETSTREAM_MAKE. 0; ERR_NOTFOUND when there is no log;
 * ERR_INVAL for any other reply. `error` is set by both, with the server's words.
 */
int jetstream_parse_bounds(const char *text, size_t length, struct transport_bounds *ret_bounds,
                           struct error *error);

/* A reply that only says whether it was done. 0, or ERR_INVAL with `error` set. */
int jetstream_parse_done(const char *text, size_t length, struct error *error);

#endif
