/*
 * Load balancing methods: which server of a list a client gets (claims 1b and 12).
 *
 * A method is one file with one `struct method` and one row in the registry of method.c. It sees
 * the client's number and the servers that stand for election, and picks one of them. Which servers
 * stand, what happens when the picked one is down, fallback and stickiness are no method's business
 * (choose.h, assign.h).
 */
#ifndef STICKY_CORE_METHOD_H
#define STICKY_CORE_METHOD_H

#include <stddef.h>

#include "core/number.h"
#include "core/pool.h"
#include "core/trace.h"

/* The longest name of a method, with NUL; the schema allows as much. */
#define METHOD_NAME_MAX 33

struct election {
    struct number client; /* the first value */
    const struct virtual_server *const *servers;
    size_t count; /* 1..POOL_SERVERS_MAX */
    const struct trace *trace;
};

struct method {
    const char *name; /* as in pool.method */
    /* The index of the picked server, below `count`. */
    size_t (*pick)(const struct election *election);
};

/* The method of that name, or NULL. */
const struct method *method_find(const char *name);

extern const struct method method_modulus;

#endif
