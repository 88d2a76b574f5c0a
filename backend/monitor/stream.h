/*
 * Octets over a connected socket that does not block, as they are or over TLS.
 *
 * Each function does what is possible now, and says what has to be waited for before it is called
 * again in the same way. The socket stays the caller's.
 */
#ifndef STICKY_MONITOR_STREAM_H
#define STICKY_MONITOR_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "core/health/check.h"
#include "monitor/tls.h"

struct stream {
    int descriptor;
    SSL *tls;    /* NULL: none */
    bool no_tls; /* what the peer sends is not TLS */
    enum reason failure;
};

enum stream_state {
    STREAM_DONE,
    STREAM_READABLE, /* to be called again when the socket is readable */
    STREAM_WRITABLE, /* or writable */
    STREAM_ENDED,    /* the peer sends no more */
    STREAM_FAILED,   /* for the reason `failure` */
};

/*
 * Puts TLS on the connection. `host` is the name or the address that the certificate must have, if
 * the peer's is to be verified; NULL: `address`. Only a name is told to the server. False without
 * memory, or if no certificates can be read. stream_release() must be called in any case.
 */
bool stream_begin_tls(struct stream *stream, struct tls_trust *trust, const char *host,
                      const struct address *address, bool verify);

enum stream_state stream_shake_hands(struct stream *stream);

/* Reads or writes some octets; DONE comes with their number, which is not 0. */
enum stream_state stream_read(struct stream *stream, void *bytes, size_t room, size_t *ret_count);
enum stream_state stream_write(struct stream *stream, const void *bytes, size_t count,
                               size_t *ret_count);

/* Ends TLS; says so to the peer if `politely`. */
void stream_release(struct stream *stream, bool politely);

#endif
