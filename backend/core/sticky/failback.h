/*
 * Whether a client goes back to the site that a failure took it away from, and which site that is:
 * pool.failback and persistence.home_id.
 *
 * A client's home is the site where it was when all its servers in the pool went down. It stays
 * that through further failures, until the client is there again or its mapping ends in another way
 * than by a failure: with its time, by another method, or because its site was disabled or deleted.
 * Of a draining site nobody's home is made: who fails there was to leave anyway. Nothing is done
 * when a home is deleted: one that is gone, disabled, or without a server in the pool that keeps
 * the mapping, is none as long as that is so.
 *
 * Where several pools use the same mappings, that of the pool that keeps them counts, and the home
 * has to be up in each of them that has servers there. Otherwise two of them would send a client
 * back and forth.
 *
 * Where several name servers share mappings, each goes by what it has seen itself. One that has not
 * seen a site come up since the client left it sends nobody back there: it may be one of those that
 * never found it down. So each time that a site comes up on a server, that server brings each
 * client home once at most.
 *
 * Pure, and nothing here can fail. Times are Unix seconds.
 */
#ifndef STICKY_CORE_STICKY_FAILBACK_H
#define STICKY_CORE_STICKY_FAILBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/balance/availability.h"
#include "core/balance/pool.h"
#include "core/sticky/mapping.h"

/* From the one that hinders most to the one that hinders least. */
enum home_state {
    HOME_ABSENT,   /* gone, disabled, or without a server in the pool */
    HOME_DRAINING, /* all of its servers there drain */
    HOME_DOWN,     /* no enabled server of it is up */
    HOME_HELD,     /* one would be up if the site were not held (failback 'manual') */
    HOME_UP,
};

struct home {
    enum home_state state;
    const struct pool *pool; /* where it is so */
    int64_t up_since_s;      /* of HOME_UP: or since when it was resumed; 0: it was never down */
};

/*
 * How a controller, NULL if it does not exist, stands as a home of the clients of a pool: the worst
 * of how it stands in that pool, in the one that keeps its mappings, and in those of the others
 * that use these and have servers there.
 */
struct home home_look(const struct pool *pool, const struct controller *controller,
                      const struct availability *availability);

enum failback_verdict {
    FAILBACK_NOW,    /* the client goes home */
    FAILBACK_NEVER,  /* failback 'stay' */
    FAILBACK_CLOSED, /* the home takes nobody, see its state */
    FAILBACK_WAITS,  /* failback 'delayed': it has not been up for long enough */
    FAILBACK_MISSED, /* the client was moved after it came up here: another server finds it down */
};

/*
 * `keeper` is the pool that keeps the mapping. `left_s` is when the client was moved away, 0 if
 * that is not known, as while nothing is shared: then the home was down here.
 */
enum failback_verdict failback_judge(const struct pool *keeper, const struct home *home,
                                     int64_t left_s, int64_t now_s);

/*
 * Says whether a client goes home now, whose mapping is in this state. One that has to move anyway
 * does so as soon as its home is up, also in the delay: it would make no move less to go elsewhere.
 */
bool failback_is_due(enum failback_verdict verdict, enum mapping_state state);

/*
 * When the decision was made that a mapping comes from, or 0: while nothing was shared. An
 * extension changes nothing about it.
 */
int64_t mapping_decided_s(const struct mapping *mapping);

/* Says whether a mapping ended in this state was ended by servers, and not by its own columns. */
bool mapping_can_have_home(enum mapping_state state);

/*
 * The home for the mapping that takes the place of `seen` and leads to controller `controller_id`;
 * 0: none. `state` is that of `seen` in the pool that was asked, and `kept_state` that in the pool
 * that keeps it, `keeper`.
 */
int64_t failback_home(const struct mapping *seen, enum mapping_state state,
                      enum mapping_state kept_state, const struct pool *keeper,
                      const struct snapshot *snapshot, int64_t controller_id);

#endif
