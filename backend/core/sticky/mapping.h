/*
 * Mappings: which controller a client was sent to, and whether the mapping is still live (claims
 * 1d, 8, 9, 13).
 *
 * A mapping is a plain value, a row of the table `persistence`. Rows are read and written through
 * struct mapping_table, so that these rules need no database. Time is an argument.
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
    int64_t decided, origin; /* see core/sharing/entry.h; 0: made while nothing was shared */
    int64_t home_id;         /* the controller from which a failure moved the client; 0: none */
};

enum mapping_state {
    MAPPING_LIVE,
    MAPPING_EXPIRED,
    MAPPING_METHOD_CHANGED,  /* claim 1(d): "until another method is selected" */
    MAPPING_CONTROLLER_GONE, /* the controller does not exist any more */
    MAPPING_CONTROLLER_DISABLED,
    MAPPING_NO_SERVER, /* the controller has no server in the pool, or only disabled ones */
    MAPPING_SERVERS_DOWN,
};

/* A few words for a message, such as "expired". */
const char *mapping_state_text(enum mapping_state state);

/*
 * Says whether a mapping is live for the client and the pool of a selection. If it is, sets
 * `ret_server` to the controller's server in that pool, chosen by choose_within() if it has
 * several. Of what is measured only availability matters, and with `availability` NULL not even
 * that.
 */
enum mapping_state mapping_evaluate(const struct mapping *mapping,
                                    const struct selection *selection,
                                    const struct snapshot *snapshot,
                                    const struct availability *availability,
                                    const struct virtual_server **ret_server);

/*
 * The same in a pool, whichever of the controller's servers its client is given: for who counts
 * mappings.
 */
enum mapping_state mapping_state_in(const struct mapping *mapping, const struct pool *pool,
                                    const struct snapshot *snapshot,
                                    const struct availability *availability, int64_t now_s);

/* Says whether two mappings are the same in all columns. */
bool mapping_equal(const struct mapping *a, const struct mapping *b);

/*
 * Says whether the timestamp of a live mapping has to be moved: with a sliding timer, once a tenth
 * of the TTL has passed.
 */
bool mapping_is_due(const struct mapping *mapping, const struct pool *persistence_pool,
                    int64_t now_s);

/*
 * The seconds until a mapping ends, 0 if it has ended; and those since its timestamp, negative if
 * that is in the future. No 64-bit values overflow.
 */
int64_t mapping_left_s(const struct mapping *mapping, int64_t now_s);
int64_t mapping_age_s(const struct mapping *mapping, int64_t now_s);

/*
 * Reads and writes mappings. `context` is passed to both functions. Where a table cannot be read or
 * written, `error` is set if there is anything to say about it.
 *
 * find: 0 with `ret_mapping` set; ERR_NOTFOUND; another code when the table cannot be read.
 *
 * claim: makes `wanted` the mapping if that is still `seen`, as find gave it (NULL: still missing).
 * From then on find gives `wanted` to all processes. A new decision has 0 in `decided` and
 * `origin`, and the table fills them in if mappings are shared; a mapping that is only extended
 * keeps both. 0; ERR_NOTFOUND, with nothing done, when the mapping has changed; another code when
 * it cannot be kept, or the decision has to be made again. The function is NULL when nothing may be
 * written, as in explain.
 */
struct mapping_table {
    int (*find)(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                struct error *error);
    int (*claim)(void *context, int64_t pool_id, const char *key, const struct mapping *seen,
                 const struct mapping *wanted, struct error *error);
    void *context;
};

#endif
