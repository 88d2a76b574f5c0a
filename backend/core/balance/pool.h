/*
 * Controllers, virtual servers and pools, as they are configured.
 *
 * These structs belong to a snapshot, which owns everything they point to; they do not change once
 * it is built. What changes while running, whether they are up, is in struct availability, under
 * the `index` of a server or controller.
 */
#ifndef STICKY_CORE_BALANCE_POOL_H
#define STICKY_CORE_BALANCE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/network/address.h"

/* The longest name of a pool or controller: characters, as in the schema; and in UTF-8, with NUL.
 */
#define ROW_NAME_CHARACTERS_MAX 64
#define ROW_NAME_MAX (4 * ROW_NAME_CHARACTERS_MAX + 1)

struct method;

enum state {
    STATE_ENABLED,
    STATE_DRAINING, /* keeps live mappings; gets new clients only while no enabled server is up */
    STATE_DISABLED, /* as if absent */
};

/* A server array controller: in practice the load balancer of a site. */
struct controller {
    int64_t id;
    const char *name;
    const char *address; /* as in the database, or NULL */
    enum state state;
    size_t index; /* in struct availability */
};

/* An address that one controller offers in one pool, or a host name in place of one. */
struct virtual_server {
    int64_t id;
    const struct controller *controller;
    int64_t position;
    const char *ipv4; /* canonical text, or NULL */
    const char *ipv6;
    const char *name; /* canonical, without trailing dot; then there is no address. Or NULL */
    uint32_t weight;  /* 0..WEIGHT_MAX; 0: no new clients from methods that use weights */
    enum state state; /* of the server alone; see virtual_server_state() */
    size_t index;     /* in struct availability */
};

enum fallback { FALLBACK_ANY, FALLBACK_NONE, FALLBACK_SERVFAIL };
enum client_kind { CLIENT_LDNS, CLIENT_ECS };
enum persistence_timer { TIMER_FIXED, TIMER_SLIDING };

/* When clients go back to the site that a failure took them away from; see core/sticky/failback.h.
 */
enum failback { FAILBACK_STAY, FAILBACK_RETURN, FAILBACK_DELAYED, FAILBACK_MANUAL };

/*
 * The most virtual servers of a pool. So lists of candidates have a fixed size, 8 KiB on the stack.
 * Far more than any pool has; servers beyond it are skipped, with a problem for each.
 */
#define POOL_SERVERS_MAX 1024

/* Limits of the schema, within which the arithmetic of the methods is exact. */
#define WEIGHT_MAX 65535
#define TOLERANCE_PERCENT_MAX 1000

struct pool {
    int64_t id;
    const char *name;
    const struct method *method;
    const struct method *alternate; /* picks when `method` is undecided; NULL: none */
    const char *metric;             /* for methods that read the metric named here; NULL: none */
    uint32_t tolerance_percent;     /* values within this of the lowest count as equal */
    uint32_t ttl_s;                 /* of the DNS answer */
    uint32_t persistence_ttl_s;     /* 0: no mappings are kept */
    enum persistence_timer timer;
    enum client_kind client;
    uint8_t ipv4_prefix_bits, ipv6_prefix_bits;
    enum fallback fallback;
    const struct pool *fallback_pool; /* NULL: none; never a cycle */
    enum failback failback;
    uint32_t failback_delay_s; /* for FAILBACK_DELAYED */
    /*
     * The pool whose mappings and persistence settings this pool uses: timer, TTL, kind of client,
     * prefixes, failback, and the method that mappings carry. Usually the pool itself; never NULL.
     */
    const struct pool *persistence_pool;
    /*
     * The first of the other pools that use this one's mappings, and the next one that uses the
     * same mappings as this pool. NULL: none.
     */
    const struct pool *first_sharing, *next_sharing;
    const struct virtual_server *servers; /* by position; all with addresses, or all with names */
    size_t server_count;
    bool has_pins; /* some count here, see pin.h; the longest ones for networks: */
    uint8_t longest_ipv4_pin_bits, longest_ipv6_pin_bits;
};

/* The words of the database. The parsers return false for an unknown word. */
bool state_parse(const char *word, enum state *ret_state);
bool fallback_parse(const char *word, enum fallback *ret_fallback);
bool client_kind_parse(const char *word, enum client_kind *ret_kind);
bool persistence_timer_parse(const char *word, enum persistence_timer *ret_timer);
bool failback_parse(const char *word, enum failback *ret_failback);
const char *state_word(enum state state);
const char *fallback_word(enum fallback fallback);
const char *client_kind_word(enum client_kind kind);
const char *persistence_timer_word(enum persistence_timer timer);
const char *failback_word(enum failback failback);

/* How many leading bits of the address make a client. */
unsigned pool_prefix_bits(const struct pool *pool, enum address_family family);

/*
 * Says whether the pool is answered by the names of its servers, as CNAME, instead of addresses. It
 * is so for a whole chain of fallback pools; false if there is no server in it.
 */
bool pool_has_names(const struct pool *pool);

/* What people know the server by: its IPv4 address, else its IPv6 address, else its name. */
const char *virtual_server_text(const struct virtual_server *server);

/* The type of records with addresses of a family: "A" or "AAAA". */
const char *family_type(enum address_family family);

/* The server's address of a family, or NULL. */
const char *virtual_server_address(const struct virtual_server *server, enum address_family family);

/* The effective state: the more restrictive of the server's and its controller's. */
enum state virtual_server_state(const struct virtual_server *server);

/*
 * The state of a site in a pool: the least restrictive one of its servers there. STATE_DISABLED if
 * it has none; `controller` may be NULL.
 */
enum state pool_site_state(const struct pool *pool, const struct controller *controller);

#endif
