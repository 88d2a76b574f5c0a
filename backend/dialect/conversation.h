/*
 * A conversation with one peer, in the dialect that its first line chooses.
 *
 * `{` after blanks, if any, begins the remote backend's JSON protocol (json.h); anything else is
 * the pipe protocol (pipe.h), where the first line is a HELO or gets FAIL. The choice stands until
 * the peer is gone. Each line that comes in gets its one reply.
 *
 * Both dialects read lines of up to LINE_LENGTH_MAX (line_reader.h). The remote backend can send
 * longer ones, record sets that are to be written; nothing longer than 4 KB asks for anything that
 * is answered here.
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

/* Cannot fail. The service has to outlive the conversation. */
void conversation_init(struct conversation *conversation, const struct service *service);
void conversation_release(struct conversation *conversation);

/* Answers a line: appends the whole reply to `out`, for the caller to write at once. */
void conversation_handle(struct conversation *conversation, const struct line *line,
                         struct buffer *out);

#endif
