/*
 * What `status` tells, as values: gathered in one place, printed in another (command_status.c),
 * so that JSON, a page and metrics can show the same.
 *
 * Gathering prints nothing. The values belong to one moment of the database, that of
 * responder_begin(). Pools, servers and texts are the snapshot's and the store's, so a status is
 * valid until responder_end(). Ages and times left are seconds at that moment, never below 0.
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

struct status_database {
    const char *path;
    struct revision revision; /* of the configuration that is described */
    const char *read_only;    /* why it cannot be written, or NULL */
    const char *older;        /* what it lacks, being of an older version, or NULL */
};

struct status_counts {
    size_t zones, names, pools, servers;
    int64_t live_mappings;
    int64_t mappings_read; /* live or not */
    bool mappings_partial; /* counting took too long and was stopped: there are more */
};

struct status_limits {
    int64_t max_megabytes, max_writes_per_second;
    const char *full;       /* why no new mappings are stored, or NULL */
    int64_t refused_ago_ms; /* since a mapping was not stored for the rate; -1: not known of */
};

struct status_maintenance {
    int64_t checkpoint_interval_s, sweep_interval_s;
    bool log_is_pinned; /* a reader keeps the write-ahead log from being checkpointed */
};

struct status_topology {
    bool needed; /* by the method of a pool; else the rest is not filled */
    size_t rows, geo_databases;
    bool is_loading; /* others are about to take their place */
};

/* One server; what is counted of mappings is that of its controller in the pool's mappings. */
struct status_server {
    const struct virtual_server *server;
    enum state state; /* the server's and its controller's together */
    bool up;
    int64_t live_mappings;
    int64_t last_ends_in_s; /* until the last of these ends, unless it is renewed */
};

struct status_pool {
    const struct pool *pool;
    const char *metric;            /* that a method of the pool goes by, or NULL */
    struct status_server *servers; /* by position, pool->server_count of them */
};

/* A target of a monitor that is down. */
struct status_target {
    struct target_key key;
    const struct pool *pool;             /* NULL: a controller, or no longer configured */
    const struct virtual_server *server; /* NULL likewise */
    const struct controller *controller; /* NULL: no longer configured */
    enum reason reason;
    int64_t down_s, checked_ago_s, flaps;
};

enum monitor_state {
    MONITOR_UNUSED,    /* nothing is to be checked */
    MONITOR_REPORTING, /* pdns-stickyd runs and reports */
    MONITOR_SILENT,    /* it runs, but has not reported lately */
    MONITOR_ABSENT,    /* it does not run */
};

struct status_monitor {
    enum monitor_state state;
    int64_t reported_ago_ms; /* -1: never since this machine started */
    size_t up, down;         /* targets with a verdict */
    int64_t checked_ago_s;   /* the last check of all; without meaning if none has a verdict */
    struct status_target *targets; /* those that are down */
    size_t target_count, target_capacity;
};

struct status {
    struct status_database database;
    struct status_counts counts;
    struct status_limits limits;
    struct status_maintenance maintenance;
    struct status_topology topology;
    struct status_monitor monitor;
    struct status_pool *pools; /* by id, counts.pools of them */
    struct problems problems;  /* everything that somebody should look at, a sentence each */
    struct arena arena;
};

/*
 * Gathers everything, between responder_begin(), which gave the inputs, and responder_end(). 0,
 * or a code with `error` set. To be released in both cases.
 */
int status_gather(struct responder *responder, const struct decision_inputs *inputs,
                  const char *path, struct status *ret_status, struct error *error);
void status_release(struct status *status);

#endif
