/*
 * What other name servers have found out about targets, as values, and as lines for `status` and
 * `explain`.
 */
#ifndef STICKY_PROGRAM_COMMAND_PEERS_H
#define STICKY_PROGRAM_COMMAND_PEERS_H

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/buffer.h"
#include "store/monitoring.h"

struct peers {
    struct peers_row *rows; /* targets that are down for anybody */
    size_t count, capacity;
    struct arena texts;
};

/*
 * Gathers those of one pool and of controllers, or all (NULL), in the transaction that is begun.
 * What cannot be read, or has no memory, is left out. Must be released.
 */
void peers_gather(struct store *store, const char *pool, struct peers *ret_peers);

/* Takes zeros. */
void peers_release(struct peers *peers);

/* A line for each. */
void peers_print(const struct peers *peers, struct buffer *out);

/* An array of jansson's with an object for each, or NULL without memory. */
struct json_t *peers_json(const struct peers *peers);

#endif
