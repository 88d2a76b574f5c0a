/*
 * What the import makes of a BIG-IP DNS configuration: the rows of the database as values, with the
 * comments next to them.
 *
 *   - A server of a BIG-IP or another load balancer becomes a controller. The generic hosts of a
 * data center become one controller, since they are at one site and have no load balancer.
 *   - A pool of A records and one of AAAA records that answer the same name become one pool, whose
 *     servers have both addresses where both are at one controller.
 *   - The pools of a wide IP become a chain of fallback pools (global-availability), or one pool
 *     (topology; and round-robin and ratio, where a method over all servers does the same).
 *   - A pool that several wide IPs use is one pool, so that a resolver is sent to the same site for
 *     all of them. Where they use it differently, it is there several times.
 *
 * Nothing is planned for what no wide IP uses.
 */
#ifndef STICKY_F5_PLAN_H
#define STICKY_F5_PLAN_H

#include "f5/model.h"

/* The longest name of a pool, controller or monitor in the database. */
#define F5_NAME_MAX 64

/* Rows of topology: a file of a few lines can ask for any number of them, by regions in regions. */
#define F5_PLACES_MAX 1000000

struct f5_check {
    const char *name, *from; /* `from` says where it comes from */
    const char *type;        /* NULL: it has no counterpart, and `why` says why */
    const char *why;
    const char *path, *host, *body, *send, *expect, *headers, *arguments; /* or NULL */
    const char *http_method;
    int64_t port; /* 0: that of the server */
    int64_t status_min, status_max, interval_s, timeout_s, fall;
    bool tls;
    bool used;
    struct address target; /* what is checked in place of the server; or FAMILY_NONE */
    struct list notes;
};

struct f5_controller {
    const char *name, *from;
    struct address address; /* or FAMILY_NONE */
    bool disabled;
    bool is_site; /* it stands for servers of the input */
    size_t index; /* in the list of the plan */
    struct list notes;
};

struct f5_row {
    const struct f5_controller *controller;
    struct address ipv4, ipv6;    /* FAMILY_NONE: none */
    const char *name;             /* or NULL */
    int64_t port, weight;         /* port 0: unknown */
    struct address check_address; /* or FAMILY_NONE */
    const struct f5_check *check; /* NULL: that of the pool */
    bool disabled, unchecked;
    const char *from;
    struct list notes;
};

struct f5_planned_pool {
    const char *name, *from;
    const char *method, *alternate, *metric; /* the last two may be NULL */
    int64_t ttl_s, persistence_ttl_s, ipv4_bits, ipv6_bits;
    bool client_subnet;
    const char *fallback;
    struct f5_planned_pool *next, *shares; /* or NULL */
    const struct f5_check *check;          /* or NULL */
    struct list rows;
    struct list notes;
};

struct f5_planned_name {
    const char *name;
    struct f5_planned_pool *pool; /* NULL: it is not imported, and the notes say why */
    bool disabled;
    const char *from;
    struct list notes;
};

/* A row of topology. */
struct f5_place {
    const char *column; /* cidr, country or continent; NULL: the default */
    const char *value;
    const struct f5_controller *controller;
    int64_t preference;
};

struct f5_planned_record {
    const struct f5_topology_record *record;
    const char *from;
    struct list places, notes;
};

struct f5_plan {
    struct list checks, controllers, pools, names, records;
    size_t places;
    size_t unchecked; /* rows without a check */
    bool needs_geo;
    /* For planning alone. */
    struct text_index check_names, controller_names, pool_names;
    struct text_index name_controllers, checks_by_path, pools_by_key, pools_by_parts, names_by_key;
    struct f5_controller *fallback_controller;
};

/* 0, ERR_NOMEM, or ERR_INVAL with a line. */
int f5_plan_make(struct f5_work *work, struct f5_model *model, struct f5_plan *ret_plan);

#endif
