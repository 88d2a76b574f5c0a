/*
 * The decision for a client and a pool: the server of its pin (pin.h) while that site is up, else
 * the server of the live mapping, else a choice that becomes the mapping, else the fallback (claims
 * 1, 3, 4, 8, 9 and 13).
 *
 * A pin is an order of the operator. It holds in the pool that is asked, and then in each pool of
 * its chain of fallback pools, at sites that drain as well, but not at those that are disabled.
 * While it holds, the client's mapping is neither read nor written, not even extended; while it
 * does not, the client is treated like any other.
 *
 * Asking again changes nothing: PowerDNS looks a name up several times for one DNS question. A
 * mapping is claimed before its server is returned (struct mapping_table). If that fails, a choice
 * is returned all the same, made without taking a turn, and a warning says why it is not kept.
 */
#ifndef STICKY_CORE_STICKY_ASSIGN_H
#define STICKY_CORE_STICKY_ASSIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/balance/client.h"
#include "core/balance/availability.h"
#include "core/base/trace.h"
#include "core/base/warnings.h"
#include "core/configuration/snapshot.h"
#include "core/sticky/mapping.h"

/*
 * Everything that a decision depends on besides the question. All pointers but snapshot and
 * mappings may be NULL: everything is up, nothing was measured, no location is known, no turns are
 * taken, nothing is traced.
 */
struct decision_inputs {
    const struct snapshot *snapshot;
    const struct availability *availability;
    const struct mapping_table *mappings;
    int64_t now_s;
    const struct metric_table *measured; /* read only for a choice, never for a live mapping */
    const struct topology *topology;
    const struct locator *locator;
    struct turns *turns;
    struct trace *trace;
    const struct warnings *warnings;
};

/* What is answered: addresses (see addresses.h) or, from a pool of names, a CNAME. NULL: none. */
struct offer {
    const char *ipv4, *ipv6, *name;
};

struct assignment {
    bool failed;                         /* fallback 'servfail' */
    const struct virtual_server *server; /* NULL: no record for this client */
    struct offer offer;
    bool ipv4_failed, ipv6_failed; /* a question for this type alone has to fail */
    unsigned scope_bits;
};

void assign(const struct decision_inputs *inputs, const struct pool *pool,
            const struct source *source, struct assignment *ret_assignment);

#endif
