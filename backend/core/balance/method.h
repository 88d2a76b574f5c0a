/*
 * Load balancing methods: which server of a list a client gets (claims 1b, 12, 15 and 16).
 *
 * A method is one file with one `struct method` and one row in the registry of method.c. It is
 * shown an election: who asks, the servers that stand, and what is known about them. It picks one,
 * or says that it cannot decide, and then the next in the pool's chain is asked. Which servers
 * stand, the chain, fallback and stickiness are no method's business (choose.h, assign.h).
 *
 * A method is pure but for the turns it takes (turns.h) and what it reads through the tables of the
 * election. It says in the election's trace which numbers it saw.
 */
#ifndef STICKY_CORE_BALANCE_METHOD_H
#define STICKY_CORE_BALANCE_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/client.h"
#include "core/balance/pool.h"
#include "core/base/trace.h"
#include "core/base/warnings.h"

struct locator;
struct metric_table;
struct topology;
struct turns;

/* The longest name of a method, with NUL; the schema allows as much. */
#define METHOD_NAME_MAX 33

/* In place of an index: no metric, no match, nobody with a weight. */
#define METHOD_UNDECIDED SIZE_MAX

/* All pointers but the first three may be NULL: nothing is known, nobody listens. */
struct election {
    const struct pool *pool;     /* whose method decides: its metric, its tolerance */
    const struct client *client; /* may be unknown: number 0, no address */
    const struct virtual_server *const *servers; /* by position */
    size_t count;                                /* 1..POOL_SERVERS_MAX */
    int64_t now_s;
    const struct metric_table *measured;
    int64_t metric_max_age_s, path_metric_max_age_s; /* older values are not trusted */
    const struct topology *topology;
    const struct locator *locator;
    struct turns *turns; /* NULL: the choice would not be remembered, so that no turn is taken */
    struct trace *trace;
    const struct warnings *warnings;
};

struct method {
    const char *name; /* as in pool.method */
    /*
     * The pick hangs on the client and the standing servers alone, never on what is measured, on
     * turns or on tables. It can then be repeated at any time.
     */
    bool by_client;
    /*
     * Is shown servers that are down too, and asked again with one fewer when it picks one of those
     * (claim 4). The others are shown servers that are up.
     */
    bool strikes_down;
    bool takes_turns; /* and cannot decide without them */
    bool by_weight;   /* and cannot decide where no server has one above 0 */
    /* Prefers what was measured on the path to the client. */
    bool reads_paths;
    /* The metric it reads of servers and controllers, NULL for none. */
    const char *metric;
    /* Reads the one that pool.metric names, in place of a fixed one. */
    bool reads_pool_metric;
    /* The index of the picked server, below `count`, or METHOD_UNDECIDED. */
    size_t (*pick)(const struct election *election);
    /*
     * Chooses among the servers of one controller, for a client that was sent there. By client; may
     * be the method itself.
     */
    const struct method *within;
};

/* The method of that name, or NULL. */
const struct method *method_find(const char *name);

/* All of them, in the order of the documentation; `ret_count` is how many. */
const struct method *const *method_all(size_t *ret_count);

/* The metric that a method reads in a pool, or NULL. */
const char *method_metric(const struct method *method, const struct pool *pool);

extern const struct method method_modulus;
extern const struct method method_rendezvous;
extern const struct method method_round_robin;
extern const struct method method_ratio;
extern const struct method method_failover;
extern const struct method method_rtt;
extern const struct method method_least;
extern const struct method method_topology;

#endif
