/*
 * The header of the PROXY protocol (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt),
 * which goes ahead of a connection and names its ends.
 */
#ifndef STICKY_MONITOR_PROXY_HEADER_H
#define STICKY_MONITOR_PROXY_HEADER_H

#include <sys/socket.h>

#include "core/base/buffer.h"
#include "core/health/check.h"

/*
 * Adds a header from `source` to `target`, which are of one family, IPv4 or IPv6. `version` is not
 * PROXY_NONE. Without memory `out` has failed.
 */
void proxy_header_add(enum proxy_header version, const struct sockaddr_storage *source,
                      const struct sockaddr_storage *target, struct buffer *out);

#endif
