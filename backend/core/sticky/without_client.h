/*
 * What a balanced name has when nobody in particular asks: the types that PowerDNS signs, and the
 * addresses or the CNAME of a zone transfer.
 *
 * PowerDNS makes its proofs of non-existence (NSEC, NSEC3) from the types that a name has without a
 * client. A resolver rejects a denial of a type that the proof lists; and it may use a proof again,
 * for every type that is not listed (RFC 8198). So a type must be listed only if every client gets
 * an address of it, or a CNAME: by a pin, by a live mapping or as a new client, whichever method
 * and pool decides. A site that has lost one family of addresses counts as having it where its
 * clients are given those of other sites (addresses.h). A CNAME stands for all types. That is why a
 * chain of fallback pools has either addresses or names: if some clients got the one and some the
 * other, no list of types would be true.
 */
#ifndef STICKY_CORE_STICKY_WITHOUT_CLIENT_H
#define STICKY_CORE_STICKY_WITHOUT_CLIENT_H

#include <stdbool.h>

#include "core/sticky/assign.h"

/* The addresses or the CNAME that every client gets, and why there may be none. */
struct common_offer {
    struct offer offer;         /* what some client gets; NULL: not all get this type */
    bool some_get_an_address;   /* of any type, or a name */
    const struct pool *denying; /* some get no address from this pool; NULL: all get one */
};

/* No mapping is read, no turn is taken, nothing is traced. */
void offer_common_to_all(const struct decision_inputs *inputs, const struct pool *pool,
                         struct common_offer *ret_common);

/*
 * The addresses of one site that is up, or its name, for readers that can have only one. If none is
 * up, those of any site; none at all with fallback 'none'.
 */
struct offer offer_of_one_site(const struct decision_inputs *inputs, const struct pool *pool);

#endif
