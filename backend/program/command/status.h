/*
 * The state of the database and the monitor, as values. They are gathered here and printed by
 * command_status.c; JSON, a page and metrics can show the same values.
 *
 * All values are of the same moment, that of responder_begin(). Pools, servers and texts belong to
 * the snapshot and the store, so a status is valid until responder_end(). Ages and times left are
 * never negative.
 */
#ifndef STICKY_PROGRAM_COMMAND_STATUS_H
#define STICKY_PROGRAM_COMMAND_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/base/problems.h"
#include "core/health/check.h"
#include "core/health/targets.h"
#include "program/answer/responder.h"
#include "program/command/peers.h"
#include "store/sharing_view.h"

struct status_database {
    const char *path;
    struct revision revision; /* of the configuration */
    const char *read_only;    /* why it cannot be written; NULL: it can */
    bool locked;              /* somebody holds the writer's lock for longer than a moment */
    uid_t owner_wanted;       /* see store_owner_wanted() */
    const char *without_log;  /* why new mappings are delayed; NULL: they are not */
};

struct status_counts {
    size_t zones, names, pools, servers;
    size_t servers_with_address_down; /* that are up; see struct status_server */
    size_t pins, pins_over;           /* that can match somebody, and how many of these are over */
    const struct pin *first_over;
    /* Live in a pool that uses them. Each counts once, even if it is live in several. */
    int64_t live_mappings;
    int64_t mappings_read; /* live or not */
    size_t unwritten;      /* mappings that wait to be stored, and are not counted above */
    bool mappings_partial; /* counting took too long and was stopped: there are more */
    /* Live by their time, but of a key that no client has; and where the first of them is. */
    int64_t unmatched;
    const struct pool *unmatched_pool;
    char unmatched_key[CLIENT_KEY_MAX];
};

struct status_limits {
    int64_t max_megabytes, max_writes_per_second;
    const char *full;       /* why no new mappings are stored; NULL: they are */
    bool claims_full;       /* so many mappings wait to be stored that some are not kept */
    int64_t refused_ago_ms; /* since the rate was last exceeded; -1: not known of */
};

struct status_maintenance {
    int64_t checkpoint_interval_s, sweep_interval_s;
    bool log_is_blocked; /* a reader keeps the write-ahead log from being checkpointed */
};

struct status_topology {
    bool needed; /* a pool uses it; else the rest is not filled */
    size_t rows, geo_databases;
    bool is_loading; /* a new topology is being loaded */
};

/*
 * A server. Mappings are counted for its controller: of the mappings that its pool uses, those that
 * are live in its pool. So a mapping that several pools use may count in each of them.
 */
struct status_server {
    const struct virtual_server *server;
    enum state state; /* the more restrictive of the server's and its controller's */
    bool up;
    bool held;                 /* it would be up, but its site is held */
    bool ipv4_down, ipv6_down; /* this address is down, while the server is up */
    int64_t live_mappings;
    int64_t last_ends_in_s; /* until the last of these mappings ends */
    size_t pins;            /* that lead to its controller in this pool, and are not over */
};

struct status_pool {
    const struct pool *pool;
    const char *metric;            /* that a method of the pool reads, or NULL */
    size_t pins;                   /* that count in it, and are not over */
    struct status_server *servers; /* by position, pool->server_count of them */
};

/* A target that is down. */
struct status_target {
    struct target_key key;
    const struct pool *pool; /* NULL for a controller, and if the server cannot be used */
    const struct virtual_server *server; /* NULL likewise */
    const struct controller *controller; /* NULL if it cannot be used */
    const char *place; /* the address and port that are checked; "" if it no longer is */
    enum reason reason;
    int64_t down_s, checked_ago_s, flaps;
};

enum monitor_state {
    MONITOR_UNUSED,    /* there is nothing to check */
    MONITOR_REPORTING, /* pdns-stickyd runs and reports */
    MONITOR_SILENT,    /* it runs, but has not reported for a while */
    MONITOR_ABSENT,    /* it does not run */
};

struct status_monitor {
    enum monitor_state state;
    int64_t reported_ago_ms; /* -1: not since this machine started */
    size_t up, down;         /* targets with a verdict */
    int64_t checked_ago_s;   /* since the last check of any target; undefined without verdicts */
    struct status_target *targets; /* the targets that are down */
    size_t target_count, target_capacity;
};

struct status {
    int64_t now_s; /* that moment, in Unix time; `sharing` holds times, not ages */
    struct status_database database;
    struct status_counts counts;
    struct status_limits limits;
    struct status_maintenance maintenance;
    struct status_topology topology;
    struct status_monitor monitor;
    struct share_view sharing;
    struct peers peers;        /* what they have found out; of none while nothing is shared */
    struct status_pool *pools; /* by id, counts.pools of them */
    struct problems problems;  /* what an operator should look at, a sentence each */
    struct arena arena;
};

/*
 * Gathers everything. To be called between responder_begin(), which gives the inputs, and
 * responder_end(). `unwritten` is the number of mappings that could not be stored, see
 * store_unwritten(). 0, or a code with `error` set. Must be released in either case.
 */
int status_gather(struct responder *responder, const struct decision_inputs *inputs,
                  const char *path, size_t unwritten, struct status *ret_status,
                  struct error *error);
void status_release(struct status *status);

/* Prints it as JSON; command_status.c prints it as text. */
void status_print_json(const struct status *status, struct buffer *out);

#endif
