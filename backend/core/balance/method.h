/*
 * Load balancing methods: which of the candidates a client gets (claims 1b, 12, 15 and 16).
 *
 * A method is one file with one `struct method` and one row in the registry of method.c. It is
 * shown a selection: who asks, the candidates, and what is known about them. It picks one, or is
 * undecided; then the next method of the pool's chain picks. Methods do not deal with who the
 * candidates are, with the chain, fallback or stickiness (choose.h, assign.h).
 *
 * A method is pure, except for the turns that it takes (turns.h) and for what it reads through the
 * tables of the selection. It records the numbers that it used in the selection's trace. What is
 * known about a client only adds to what a method can go by: a method that decides for an unknown
 * client decides for every client.
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

/* In place of an index: no metric, no match, or no server with a weight. */
#define METHOD_UNDECIDED SIZE_MAX

/* What a method is shown. All pointers but the first three may be NULL: nothing is known. */
struct selection {
    const struct pool *pool;     /* whose method picks; has its metric and tolerance */
    const struct client *client; /* may be unknown, with number 0 and no address */
    const struct virtual_server *const *servers; /* the candidates, by position */
    size_t count;                                /* 1..POOL_SERVERS_MAX */
    /*
     * What is chosen: an address of this family, and a server whose own is down counts as down; or,
     * with FAMILY_NONE, a server. Methods need not look at it.
     */
    enum address_family family;
    int64_t now_s;
    const struct metric_table *measured;
    int64_t metric_max_age_s, path_metric_max_age_s; /* older values are not trusted */
    const struct topology *topology;
    const struct locator *locator;
    struct turns *turns; /* NULL: the choice will not be stored, so no turn is taken */
    struct trace *trace;
    const struct warnings *warnings;
};

struct method {
    const char *name; /* as in pool.method */
    /*
     * The pick depends only on the client and the candidates, not on measured values, turns or
     * tables, so it can be repeated at any time.
     */
    bool by_client;
    /*
     * Down servers are candidates too; when one is picked, it is struck from the list and the
     * method picks again (claim 4). Other methods are shown only servers that are up.
     */
    bool strikes_down;
    bool takes_turns; /* without them, it picks by the client */
    bool by_weight;   /* undecided if no candidate has a weight above 0 */
    /* Prefers values measured on the path to the client. */
    bool reads_paths;
    /* The metric of servers and controllers that it reads; NULL: none. */
    const char *metric;
    /* Reads the metric that pool.metric names. */
    bool reads_pool_metric;
    /* The index of the picked server, below `count`, or METHOD_UNDECIDED. */
    size_t (*pick)(const struct selection *selection);
    /*
     * The method that chooses among the servers of one controller for a client that is mapped to
     * it. Depends only on the client; may be the method itself.
     */
    const struct method *within;
};

/* The method of that name, or NULL. */
const struct method *method_find(const char *name);

/* All methods, in the order of the manual. */
const struct method *const *method_all(size_t *ret_count);

/* The metric that a method reads for a pool, or NULL. */
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
