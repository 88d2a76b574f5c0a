/*
 * What a server that follows another one asks it for, and the answers: its configuration, part by
 * part. A part is a head, which is JSON on one line, and then octets of the copy as they are.
 *
 * As everywhere (wire.h), what a peer sends is read with bounds. Whether parts belong together, and
 * what is in them, is for the caller to check.
 */
#ifndef STICKY_SHARE_WIRE_COPY_H
#define STICKY_SHARE_WIRE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"

/* Octets of a copy in one part: half of a message, so that an answer is never too large. */
#define WIRE_PART_MAX (1 << 19)

/* Offset 0: whoever asks has this revision, and wants another one. Else it goes on with it. */
struct wire_copy_question {
    uint64_t revision;
    int64_t offset;
};

struct wire_part {
    int64_t node;
    int64_t follows; /* it follows that node itself, and tells nothing else; 0: it does not */
    uint64_t revision;
    int64_t length; /* of the whole copy; 0: whoever asked has it */
    int64_t offset;
    const char *bytes; /* within the message that was read */
    size_t count;      /* 0: the copy is larger than any that is told */
};

/* Each appends one message to `out`; check out->failed. */
void wire_write_copy_question(struct buffer *out, const struct wire_copy_question *question);
void wire_write_part(struct buffer *out, const struct wire_part *part);

/* Each reads one message. 0; ERR_INVAL or ERR_NOMEM, both with `error` set. */
int wire_read_copy_question(const char *text, size_t length,
                            struct wire_copy_question *ret_question, struct error *error);
int wire_read_part(const char *text, size_t length, struct wire_part *ret_part,
                   struct error *error);

#endif
