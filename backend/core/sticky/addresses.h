/*
 * The addresses that a client is given of its server and, where its site has lost one family of
 * addresses, of others.
 *
 * For each family, A and AAAA, the first of these that there is:
 *
 *   1. an address that is up, of the server or of another one of its site;
 *   2. none, if no server of the site has any of this family: the client uses the other one;
 *   3. an address that is up, of another site of the pool, then of its fallback pools;
 *   4. as the last pool's `fallback` says: 'any': the site's own, though it is down; 'none': none;
 *      'servfail': an error for a question for this type alone. PowerDNS asks for all types at
 *      once, and then it is none: with an error, the address that is up would be lost too.
 *
 * So while a site lives in one family only, its clients keep it for that family. Their mapping does
 * not move, whichever type they ask for: it moves when the site as a whole is down. And a type that
 * other clients get is not denied to them, since proofs of non-existence are shared by all (see
 * without_client.h). Nothing is read or written here, and the choice depends only on the client.
 */
#ifndef STICKY_CORE_STICKY_ADDRESSES_H
#define STICKY_CORE_STICKY_ADDRESSES_H

#include <stdbool.h>

#include "core/balance/availability.h"
#include "core/balance/choose.h"

struct family_answer {
    const char *address; /* NULL: none */
    bool failed;         /* fallback 'servfail'; then there is no address */
};

/*
 * The address of a family for a client that was given `server`, which is one of the selection's
 * pool.
 */
struct family_answer addresses_of_family(const struct selection *selection,
                                         const struct availability *availability,
                                         const struct virtual_server *server,
                                         enum address_family family);

/*
 * The same for a client of whom only the site is known: any of the addresses that such a client may
 * be given. NULL where a question for all types gets none.
 */
const char *addresses_some_of_family(const struct pool *pool,
                                     const struct availability *availability,
                                     const struct controller *controller,
                                     enum address_family family);

#endif
