/*
 * The whole decision for one client and one pool: the mapping if one binds, else a choice that
 * becomes the mapping, else the fallback (claims 1, 3, 4, 8, 9 and 13).
 *
 * Asking again changes nothing: PowerDNS asks for one name several times in one DNS question. A
 * mapping is committed before the server it names is returned. If that fails a choice is returned
 * all the same, one that took no turn, and `code` says why no row stands behind it.
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
 * All that a decision depends on beside the question. All but snapshot and mappings may be NULL:
 * everybody is up, nothing was measured, no place is known, no turns are taken, nobody listens.
 */
struct decision_inputs {
    const struct snapshot *snapshot;
    const struct availability *availability;
    const struct mapping_table *mappings;
    int64_t now_s;
    const struct metric_table *measured; /* read for a choice alone, never for a live mapping */
    const struct topology *topology;
    const struct locator *locator;
    struct turns *turns;
    struct trace *trace;
    const struct warnings *warnings;
};

struct assignment {
    bool failed;                         /* fallback 'servfail' */
    const struct virtual_server *server; /* NULL: no record for this client */
    unsigned scope_bits;
    int code; /* 0, or why the mapping could not be read or written */
};

void assign(const struct decision_inputs *inputs, const struct pool *pool,
            const struct source *source, struct assignment *ret_assignment);

#endif
