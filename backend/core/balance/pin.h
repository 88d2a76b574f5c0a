/*
 * Pins: clients that the operator sends to one site, whatever their mapping and the method say, as
 * long as the site is up there (assign.h).
 *
 * A pin is for a network or for a group of resolvers. What is looked for in the networks is all
 * that is known of the client: the subnet that it is identified by, as it was reported and not cut
 * to the prefix of the pool, else the address of the LDNS. A client that is identified by a group
 * is also looked for among the groups.
 *
 * The longest network that contains the client wins; a group counts with the network of its row
 * that contains the LDNS, after a pin for the same network. Of two pins that are equally long, the
 * one of the pool comes before the one of all pools. Pins that are over do not count, nor does a
 * pin of all pools in a pool where its controller has no server.
 *
 * Fill it with pins_add(), then pins_seal() once; from then on it is only read. Pools and
 * controllers belong to the snapshot, and so do the texts. Pure.
 */
#ifndef STICKY_CORE_BALANCE_PIN_H
#define STICKY_CORE_BALANCE_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/client.h"
#include "core/balance/pool.h"
#include "core/network/prefix_map.h"
#include "core/network/prefix_table.h"

/* The longest text of a pin's client, with NUL: "group " and a name, or a network. */
#define PIN_TEXT_MAX (6 + GROUP_NAME_MAX)

/* The `until_s` of a pin without end. */
#define PIN_WITHOUT_END INT64_MAX

struct pin {
    int64_t id;
    struct prefix network;   /* FAMILY_NONE: it is for a group */
    const char *group;       /* NULL: it is for a network */
    const struct pool *pool; /* NULL: all pools in which the controller has a server */
    const struct controller *controller;
    int64_t until_s;     /* Unix time; it is over from then on */
    const char *comment; /* or NULL */
};

struct pins {
    struct pin *pins; /* once sealed, those of all pools first, then by pool */
    size_t count, capacity;
    struct prefix_table networks; /* to indexes in `pins` */
    uint32_t *groups;             /* indexes in `pins`, by group and pool */
    size_t group_count;
};

void pins_release(struct pins *pins);

/* 0, or ERR_NOMEM with nothing added. */
int pins_add(struct pins *pins, const struct pin *pin);

/*
 * Orders by pool, then by what the pins are for, then by id: pins for the same of the same pool are
 * neighbours. For qsort().
 */
int pin_compare(const void *left, const void *right);

/* Says whether two pins are for the same network or group of the same pool. */
bool pin_is_for_same(const struct pin *a, const struct pin *b);

/* 0 or ERR_NOMEM. No two pins may be for the same. */
int pins_seal(struct pins *pins);

bool pin_is_over(const struct pin *pin, int64_t now_s);

/* Says whether it counts in a pool, by the pool that it names and the servers there. */
bool pin_is_of_pool(const struct pin *pin, const struct pool *pool);

/* The pins that name this pool, or with NULL those of all pools, as a range of `pins`. */
void pins_range(const struct pins *pins, const struct pool *pool, const struct pin **ret_first,
                size_t *ret_count);

/* The pin of a client in a pool, or NULL. `groups` are those by which it was identified. */
const struct pin *pins_find(const struct pins *pins, const struct pool *pool,
                            const struct client *client, const struct prefix_map *groups,
                            int64_t now_s);

/*
 * The scope of the answers to a client in a pool: that of the client and, where it is a subnet, so
 * many more bits that no answer is given to a part of its network that a pin may send elsewhere.
 */
unsigned pins_scope_bits(const struct pool *pool, const struct client *client);

/* Writes "198.51.100.0/24" or "group office"; returns `text`. */
const char *pin_format(const struct pin *pin, char text[static PIN_TEXT_MAX]);

#endif
