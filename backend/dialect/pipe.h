/*
 * PowerDNS's pipe protocol, ABI 1 to 5.
 *
 * https://doc.powerdns.com/authoritative/backends/pipe.html, and what modules/pipebackend really
 * does. One line comes in, one answer goes out: pipe_handle() appends it whole to a buffer, for the
 * caller to write at once. It does no input or output of its own.
 */
#ifndef STICKY_DIALECT_PIPE_H
#define STICKY_DIALECT_PIPE_H

#include "core/base/buffer.h"
#include "dialect/line_reader.h"
#include "dialect/service.h"

/* The versions of the protocol that there are (`pipe-abi-version`). */
#define PIPE_ABI_MIN 1
#define PIPE_ABI_MAX 5
/* From this one on, answers carry scope bits and the authority flag. */
#define PIPE_ABI_SCOPE 3

struct pipe {
    const struct service *service;
    int abi;              /* 0 until a HELO named one that there is */
    struct answer answer; /* memory that is used again */
};

void pipe_init(struct pipe *pipe, const struct service *service);
void pipe_release(struct pipe *pipe);

/*
 * Answers a line: a banner, records and END, or FAIL. PowerDNS can read every line of it: a record
 * that would make another one is left out with a notice.
 */
void pipe_handle(struct pipe *pipe, const struct line *line, struct buffer *out);

#endif
