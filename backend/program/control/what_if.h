/*
 * What would become of all clients after some supposed changes, as values that
 * command_what_if.c prints.
 *
 * Each mapping that is live now is decided as a question to the pool that keeps it, before and
 * after; so its count is exact for what is in the table. Clients without a mapping are a sample: of
 * the clients that have mappings, or, where these are few, of random addresses.
 */
#ifndef STICKY_PROGRAM_CONTROL_WHAT_IF_H
#define STICKY_PROGRAM_CONTROL_WHAT_IF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/sticky/assign.h"
#include "store/store.h"
#include "store/suppose.h"

/* Clients that are sent to one site, before and after. */
struct site_share {
    int64_t mapped_now, mapped_then;
    int64_t new_now, new_then; /* of the sample */
};

/* Live mappings that would move. Sites are indexes of the supposed snapshot's controllers. */
struct site_move {
    size_t from, to; /* its controller_count: no site, an answer without an address */
    int64_t count;
};

struct what_if_pool {
    const struct pool *pool;  /* as supposed */
    struct site_share *sites; /* one for each controller, and one for no site */
    struct site_move *moves;
    size_t move_count, move_capacity;
    int64_t mapped, moved;        /* live mappings, and those of them that would move */
    int64_t new_count, new_moved; /* clients of the sample, and those that get another site */
};

struct what_if {
    const struct snapshot *snapshot; /* as supposed */
    struct what_if_pool *pools;      /* one for each pool that exists before and after */
    size_t pool_count;
    int64_t unmatched; /* live mappings that no client can have; they are not counted elsewhere */
    size_t sample_count;
    bool sample_is_random; /* too few mappings to take it from */
};

/*
 * Works it out. `before` is what responder_begin() gave; `supposition` what differs. 0, or a code
 * with `error` set. To be released; valid as long as the supposition.
 */
int what_if_gather(const struct decision_inputs *before, const struct supposition *supposition,
                   struct store *store, struct what_if *ret_what_if, struct error *error);
void what_if_release(struct what_if *what_if);

/* The name of a site, and "none" for no site. */
const char *what_if_site(const struct what_if *what_if, size_t index);

#endif
