/*
 * PowerDNS's pipe protocol, ABI 1 to 5.
 *
 * https://doc.powerdns.com/authoritative/backends/pipe.html, and what modules/pipebackend really
 * does. Every line gets one answer: pipe_handle() appends it to a buffer, for the caller to write
 * in one go. It does no input or output itself.
 */
#ifndef STICKY_DIALECT_PIPE_H
#define STICKY_DIALECT_PIPE_H

#include "core/base/buffer.h"
#include "dialect/line_reader.h"
#include "dialect/service.h"

/* The versions of the protocol (`pipe-abi-version`). */
#define PIPE_ABI_MIN 1
#define PIPE_ABI_MAX 5
/* From this version on, answers have scope bits and the authority flag. */
#define PIPE_ABI_SCOPE 3

struct pipe {
    const struct service *service;
    int abi;              /* 0 until a HELO with a known version */
    struct answer answer; /* kept for its memory */
};

void pipe_init(struct pipe *pipe, const struct service *service);
void pipe_release(struct pipe *pipe);

/*
 * Answers a line with a banner, with records and END, or with FAIL. PowerDNS can read every line of
 * the answer: a record that would break a line is left out, with a notice.
 */
void pipe_handle(struct pipe *pipe, const struct line *line, struct buffer *out);

#endif
