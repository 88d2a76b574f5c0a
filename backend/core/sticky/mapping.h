/*
 * Mappings: which controller a client was sent to, and whether that still binds (claims 1d, 8, 9,
 * 13).
 *
 * A mapping is a plain value, one row of the table `persistence`. Where the rows are kept is behind
 * struct mapping_table, so that the rules need no database. Time is an argument.
 */
#ifndef STICKY_CORE_STICKY_MAPPING_H
#define STICKY_CORE_STICKY_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/balance/choose.h"
#include "core/balance/method.h"
#include "core/base/error.h"
#include "core/configuration/snapshot.h"

struct mapping {
    int64_t controller_id;
    char method[METHOD_NAME_MAX]; /* of the pool when the mapping was made */
    int64_t timestamp_s;          /* Unix time */
    int64_t ttl_s;
};

enum mapping_state {
    MAPPING_LIVE,
    MAPPING_EXPIRED,
    MAPPING_METHOD_CHANGED,  /* claim 1(d): "until another method is selected" */
    MAPPING_CONTROLLER_GONE, /* no such controller any more */
    MAPPING_CONTROLLER_DISABLED,
    MAPPING_NO_SERVER, /* the controller has no server in the pool asked, or disabled ones */
    MAPPING_SERVERS_DOWN,
};

/* A few words for people, such as "expired". */
const char *mapping_state_text(enum mapping_state state);

/*
 * Says whether a mapping is live for the client of a selection in its pool. If so, sets
 * `ret_server` to the controller's server in that pool; of several, the one by choose_within().
 * Nothing that is measured is looked at but availability, and with `availability` NULL that is left
 * aside too.
 */
enum mapping_state mapping_evaluate(const struct mapping *mapping,
                                    const struct selection *selection,
                                    const struct snapshot *snapshot,
                                    const struct availability *availability,
                                    const struct virtual_server **ret_server);

/* Says whether two mappings are the same in all columns. */
bool mapping_equal(const struct mapping *a, const struct mapping *b);

/*
 * Says whether a binding mapping's timestamp is to be moved to now: with a sliding timer, once a
 * tenth of the TTL has passed.
 */
bool mapping_is_due(const struct mapping *mapping, const struct pool *persistence_pool,
                    int64_t now_s);

/*
 * The seconds that a mapping has left, 0 when it is over, and those since its timestamp, below 0
 * when that is to come. Safe for any 64-bit values.
 */
int64_t mapping_left_s(const struct mapping *mapping, int64_t now_s);
int64_t mapping_age_s(const struct mapping *mapping, int64_t now_s);

/*
 * Where mappings are kept. `context` is handed to both functions, and `error` is set when the table
 * cannot be read or written, if there is something to be said of that.
 *
 * find: 0 with `ret_mapping` set; ERR_NOTFOUND; another code when the table cannot be read.
 *
 * claim: writes `wanted` if the row is still as `seen` (NULL: still absent) and commits it. 0
 * when written, ERR_NOTFOUND when the row was not as seen any more and nothing was written, another
 * code when the table cannot be written. NULL when nothing may be written at all, as in explain.
 */
struct mapping_table {
    int (*find)(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                struct error *error);
    int (*claim)(void *context, int64_t pool_id, const char *key, const struct mapping *seen,
                 const struct mapping *wanted, struct error *error);
    void *context;
};

#endif
