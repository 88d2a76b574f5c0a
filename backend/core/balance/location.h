/*
 * Where an address is, according to a GeoIP database. Plain values; the lookup is behind struct
 * locator, so that the core knows no file format.
 */
#ifndef STICKY_CORE_BALANCE_LOCATION_H
#define STICKY_CORE_BALANCE_LOCATION_H

#include <stdint.h>

#include "core/network/address.h"

struct location {
    char country[3];   /* ISO 3166-1 alpha-2; "": not known */
    char continent[3]; /* AF AN AS EU NA OC SA; "": not known */
    uint32_t asn;      /* origin; 0: not known */
};

struct locator {
    /* Cannot fail; what is not known is left empty. */
    void (*locate)(void *context, const struct address *address, struct location *ret_location);
    void *context;
};

#endif
