/*
 * Who asks: the addresses that PowerDNS passes with a question. Plain values.
 */
#ifndef STICKY_CORE_NETWORK_SOURCE_H
#define STICKY_CORE_NETWORK_SOURCE_H

#include "core/network/address.h"

struct source {
    struct address remote; /* of the LDNS; FAMILY_NONE: missing or not valid */
    struct prefix subnet;  /* EDNS Client Subnet (RFC 7871); FAMILY_NONE or 0 bits: none */
};

#endif
