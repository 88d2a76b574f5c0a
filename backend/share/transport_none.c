/*
 * The thread of a transport in a build without NATS: there is none.
 */
#include "share/transport_parts.h"

bool transport_start(struct transport *transport, struct error *error)
{
    (void)transport;
    error_set(error, ERR_INVAL, "this build has no NATS; it was configured with --without-nats");
    return false;
}
