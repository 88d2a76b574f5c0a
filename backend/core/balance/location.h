/*
 * Where an address is, as far as a GeoIP database tells. Plain values; who looks it up is behind
 * struct locator, so that the core knows no file format.
 */
#ifndef STICKY_CORE_BALANCE_LOCATION_H
#define STICKY_CORE_BALANCE_LOCATION_H

#include <stdint.h>

#include "core/network/address.h"

struct location {
    char country[3];   /* ISO 3166-1 alpha-2, "" when not known */
    char continent[3]; /* AF AN AS EU NA OC SA, "" when not known */
    uint32_t asn;      /* of the origin, 0 when not known */
};

struct locator {
    /* Cannot fail; what is not known stays empty. */
    void (*locate)(void *context, const struct address *address, struct location *ret_location);
    void *context;
};

#endif
