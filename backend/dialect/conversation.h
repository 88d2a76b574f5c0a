/*
 * A conversation with a peer. Its first line decides which dialect it speaks.
 *
 * If the first byte that is not a blank is `{`, the peer speaks the remote backend's JSON protocol
 * (json.h); otherwise the pipe protocol (pipe.h), where the first line is a HELO or gets FAIL. This
 * does not change during the conversation. Every line gets exactly one reply.
 *
 * Both dialects read lines of up to LINE_LENGTH_MAX (line_reader.h). The remote backend can send
 * longer ones, with record sets to be written; but no request that is answered here is longer than
 * 4 KB.
 */
#ifndef STICKY_DIALECT_CONVERSATION_H
#define STICKY_DIALECT_CONVERSATION_H

#include "core/base/buffer.h"
#include "dialect/json.h"
#include "dialect/line_reader.h"
#include "dialect/pipe.h"
#include "dialect/service.h"

enum dialect { DIALECT_NONE, DIALECT_PIPE, DIALECT_JSON };

struct conversation {
    enum dialect dialect; /* DIALECT_NONE until the first line */
    struct pipe pipe;
    struct json json;
};

/* Cannot fail. The service must outlive the conversation. */
void conversation_init(struct conversation *conversation, const struct service *service);
void conversation_release(struct conversation *conversation);

/* Answers a line: appends the whole reply to `out`, for the caller to write in one go. */
void conversation_handle(struct conversation *conversation, const struct line *line,
                         struct buffer *out);

#endif
