/*
 * The configuration as it would be after some changes: for questions of the kind "what if". Nothing
 * is changed, and no lock is taken that anybody waits for.
 *
 * The changes are made to copies of the tables, on a connection of its own, and the copies are
 * loaded as the tables are. So what is supposed goes through the same rules as what is true.
 */
#ifndef STICKY_STORE_SUPPOSE_H
#define STICKY_STORE_SUPPOSE_H

#include "core/balance/availability.h"
#include "core/configuration/snapshot.h"
#include "store/store.h"

enum supposed_kind {
    SUPPOSED_DOWN,   /* a site, or its servers in one pool, as if its checks failed */
    SUPPOSED_UP,     /* the same, as if they succeeded */
    SUPPOSED_STATE,  /* the same, in another state */
    SUPPOSED_METHOD, /* a pool, with another method */
    SUPPOSED_SERVER, /* a pool, with one more server at the end, at a site that may be new */
};

/* Names are compared without regard to case, as everywhere. Texts belong to the caller. */
struct supposed_change {
    enum supposed_kind kind;
    const char *pool;  /* NULL: the site itself, and so in all pools */
    const char *site;  /* the name of a controller; NULL for SUPPOSED_METHOD */
    const char *value; /* the word of the state or of the method, or what the server answers with:
                          an address or a host name */
    int64_t weight;    /* of a server */
};

struct supposition {
    struct snapshot *snapshot;
    struct availability *availability;
};

/*
 * Loads the configuration and the availability with these changes, which are made in this order.
 * ERR_NOTFOUND if there is no such pool or site, or no server of the pool at that site, or another
 * code; with `error` set. A row that cannot be used is among the problems of the snapshot. To be
 * released.
 */
int store_suppose(const struct store *store, const struct supposed_change *changes, size_t count,
                  struct supposition *ret_supposition, struct error *error);
void supposition_release(struct supposition *supposition);

#endif
