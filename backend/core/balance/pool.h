/*
 * What the configuration says: controllers, virtual servers and pools.
 *
 * These structs live in a snapshot, which owns them and all they point to; they do not change once
 * the snapshot is sealed. What is measured while running (who is up) is in struct availability,
 * found by the `index` of a server or controller.
 */
#ifndef STICKY_CORE_BALANCE_POOL_H
#define STICKY_CORE_BALANCE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network/address.h"

struct method;

enum state {
    STATE_ENABLED,
    STATE_DRAINING, /* live mappings stay, none are made */
    STATE_DISABLED, /* as if absent */
};

/* A server array controller: in practice the load balancer of a site. */
struct controller {
    int64_t id;
    const char *name;
    const char *address; /* as the database has it; NULL when it has none */
    enum state state;
    size_t index; /* in struct availability */
};

/* An address that one controller offers in one pool. */
struct virtual_server {
    int64_t id;
    const struct controller *controller;
    int64_t position;
    const char *ipv4; /* canonical text, NULL when the server has none */
    const char *ipv6;
    uint32_t weight;  /* 0..WEIGHT_MAX; 0: no new clients by methods that weigh */
    enum state state; /* of the server alone; see virtual_server_state() */
    size_t index;     /* in struct availability */
};

enum fallback { FALLBACK_ANY, FALLBACK_NONE, FALLBACK_SERVFAIL };
enum client_kind { CLIENT_LDNS, CLIENT_ECS };
enum persistence_timer { TIMER_FIXED, TIMER_SLIDING };

/*
 * The most virtual servers of one pool, so that the lists a choice works on have a fixed size (8
 * KiB on the stack). Far above what one answer's pool holds anywhere; more are refused by name.
 */
#define POOL_SERVERS_MAX 1024

/* Ranges of the schema, within which the arithmetic of the methods is exact. */
#define WEIGHT_MAX 65535
#define TOLERANCE_PERCENT_MAX 1000

struct pool {
    int64_t id;
    const char *name;
    const struct method *method;
    const struct method *alternate; /* asked when `method` cannot decide; NULL: none */
    const char *metric;             /* of methods that read the one named here; NULL: none */
    uint32_t tolerance_percent;     /* measured values within so much of the best are equal */
    uint32_t ttl_s;                 /* of the DNS answer */
    uint32_t persistence_ttl_s;     /* 0: no mappings are kept */
    enum persistence_timer timer;
    enum client_kind client;
    uint8_t ipv4_prefix_bits, ipv6_prefix_bits;
    enum fallback fallback;
    const struct pool *fallback_pool; /* NULL: none; never a cycle */
    /*
     * Whose mappings this pool uses, and whose persistence settings: timer, TTL, kind of client,
     * prefixes and the method that mappings carry. Often the pool itself; never NULL.
     */
    const struct pool *persistence_pool;
    const struct virtual_server *servers; /* by position */
    size_t server_count;
};

/* The words of the database. The parsers return false for any other word. */
bool state_parse(const char *word, enum state *ret_state);
bool fallback_parse(const char *word, enum fallback *ret_fallback);
bool client_kind_parse(const char *word, enum client_kind *ret_kind);
bool persistence_timer_parse(const char *word, enum persistence_timer *ret_timer);
const char *state_word(enum state state);
const char *fallback_word(enum fallback fallback);
const char *client_kind_word(enum client_kind kind);
const char *persistence_timer_word(enum persistence_timer timer);

/* The state that counts: the more restrictive one of the server's and its controller's. */
enum state virtual_server_state(const struct virtual_server *server);

#endif
