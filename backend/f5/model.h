/*
 * The objects of a BIG-IP DNS configuration that are imported, as values, with what they refer to
 * found. Defaults are those of tmsh.
 *
 * Written from the tmsh reference of F5: `gtm datacenter`, `gtm server`, `gtm pool a`, `gtm wideip
 * a`, `gtm topology`, `gtm region`, `gtm monitor` and `gtm global-settings`.
 */
#ifndef STICKY_F5_MODEL_H
#define STICKY_F5_MODEL_H

#include <stdint.h>

#include "core/network/address.h"
#include "f5/document.h"
#include "f5/mode.h"
#include "f5/text_index.h"

enum f5_record { RECORD_A, RECORD_AAAA, RECORD_CNAME, RECORD_KINDS };

/* The longest persistence and TTL here; BIG-IP knows longer ones, which are cut. */
#define F5_SECONDS_MAX 2147483647

/* What all objects have. */
struct f5_object {
    const char *path; /* /Common/web */
    int line;
    bool disabled;
    const char *description; /* or NULL */
    struct list notes;
};

struct f5_datacenter {
    struct f5_object object;
    struct f5_controller *controller; /* planned: of its generic hosts */
};

struct f5_monitors {
    struct list paths; /* char * */
    bool all;          /* all of them must succeed */
};

struct f5_server {
    struct f5_object object;
    struct f5_datacenter *datacenter;
    bool is_generic_host;
    struct address address; /* of its first device; FAMILY_NONE: it has none */
    struct f5_monitors monitors;
    struct list virtual_servers;      /* struct f5_virtual_server */
    struct text_index names;          /* of these */
    struct f5_controller *controller; /* planned; NULL: no pool needs it */
};

struct f5_virtual_server {
    struct f5_object object;
    struct address address, translation; /* the translation is what is checked; FAMILY_NONE: none */
    int64_t port, translation_port;      /* 0: any */
    struct f5_monitors monitors;
};

struct f5_member {
    struct f5_object object; /* the path is "/Common/ams:web", or the name of a CNAME */
    int64_t order, ratio;
    size_t place;             /* in the input */
    struct f5_server *server; /* NULL in a pool of names */
    struct f5_virtual_server *virtual_server;
};

struct f5_pool {
    struct f5_object object;
    enum f5_record record;
    bool mixed;          /* before version 12: addresses of both families */
    struct list members; /* struct f5_member, by their order */
    const struct f5_mode *preferred, *alternate, *fallback;
    bool verifies; /* the availability of members */
    int64_t ttl_s;
    struct address fallback_ip;
    struct f5_monitors monitors;
    bool used; /* by a wide IP */
};

/* A pool in a wide IP. */
struct f5_use {
    struct f5_object object;
    int64_t order, ratio;
    size_t place; /* in the input */
    struct f5_pool *pool;
};

enum f5_spread { SPREAD_ROUND_ROBIN, SPREAD_RATIO, SPREAD_IN_ORDER, SPREAD_TOPOLOGY };

struct f5_wideip {
    struct f5_object object;
    enum f5_record record;
    const char *name;    /* the end of the path, without a trailing dot */
    struct list aliases; /* char * */
    struct list uses;    /* struct f5_use, by their order */
    struct list cname_uses;
    enum f5_spread spread; /* over these pools */
    const char *last_resort_path;
    enum f5_record last_resort_record;
    struct f5_pool *last_resort; /* or NULL */
    bool persistence;
    int64_t persistence_ttl_s;
    int64_t ipv4_bits, ipv6_bits;
    bool client_subnet; /* of EDNS, for topology */
};

struct f5_monitor {
    struct f5_object object;
    const char *type, *parent; /* the parent is a path, or NULL */
    const char *send, *receive, *destination, *program, *arguments; /* NULL: as the parent */
    int64_t interval_s, timeout_s, probe_timeout_s;                 /* 0: as the parent */
    bool reverse;
    struct f5_check *check; /* planned */
};

enum f5_where {
    WHERE_SUBNET,
    WHERE_COUNTRY,
    WHERE_CONTINENT,
    WHERE_REGION,
    WHERE_DATACENTER,
    WHERE_POOL,
    WHERE_ELSE, /* state, isp, geoip-isp: no counterpart */
};

struct f5_condition {
    int line;
    bool negated;
    enum f5_where where;
    const char *kind, *value; /* as written */
    struct prefix subnet;
};

struct f5_region {
    struct f5_object object;
    struct list conditions; /* struct f5_condition */
};

struct f5_topology_record {
    struct f5_object object;
    struct f5_condition ldns, server;
    int64_t score;
};

struct f5_model {
    struct list datacenters, servers, pools, wideips, monitors, regions, records;
    struct text_index by_path; /* "server /Common/ams", "pool a /Common/web" and so on */
    int64_t static_ipv4_bits, static_ipv6_bits; /* for the mode static-persistence */
    struct list notes;                          /* of gtm global-settings */
    struct list others; /* struct f5_item: gtm objects that are not imported */
};

/*
 * Reads the objects. 0; ERR_NOMEM; or ERR_INVAL with the line of a value that is not valid, of an
 * object that is there twice, or of a reference to one that is not there.
 */
int f5_model_read(struct f5_work *work, const struct list *stanzas, struct f5_model *ret_model);

/* The object of a kind ("server", "pool a") and path; NULL: there is none. */
void *f5_model_find(struct f5_work *work, const struct f5_model *model, const char *kind,
                    const char *path);

#endif
