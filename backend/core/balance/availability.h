/*
 * Whether each virtual server and controller is available, and each address of a server.
 *
 * Belongs to one snapshot and uses its indexes. Everything counts as up until the database says
 * otherwise. To every reader, NULL means that everything is up.
 *
 * A server with an IPv4 and an IPv6 address is up while one of them is. Then the other one may be
 * down on its own: it must not be answered, but the server is chosen as before.
 *
 * A site in a pool with failback 'manual' is held from when it goes down until somebody resumes it.
 * Its servers count as down that long, whether they are up or not.
 */
#ifndef STICKY_CORE_BALANCE_AVAILABILITY_H
#define STICKY_CORE_BALANCE_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/pool.h"

/* What is known of a site in a pool that was down there before. Unix times. */
struct site_history {
    int64_t up_since_s;   /* or since when it was resumed; 0: it was never down, or is down now */
    int64_t held_since_s; /* 0: it is not held */
};

struct availability {
    bool *server_down;     /* as a whole, by virtual_server.index */
    bool *controller_down; /* by controller.index */
    size_t server_count, controller_count;
    /* By virtual_server.index: a bit 1 << family for an address that is down. NULL: none is. */
    uint8_t *addresses_down;
    /* By virtual_server.index, of the server's site in its pool. NULL: none was ever down. */
    struct site_history *sites;
};

/* 0 or ERR_NOMEM; to be freed with availability_free(). */
int availability_new(size_t server_count, size_t controller_count,
                     struct availability **ret_availability);
void availability_free(struct availability *availability);

/*
 * Notes that a server's address of a family is down. As long as it has addresses, and none that is
 * up, the server is down. 0, or ERR_NOMEM with nothing noted.
 */
int availability_set_address_down(struct availability *availability,
                                  const struct virtual_server *server, enum address_family family);

/* Notes the history of a server's site in its pool. 0, or ERR_NOMEM with nothing noted. */
int availability_set_site(struct availability *availability, const struct virtual_server *server,
                          const struct site_history *history);

bool availability_controller_up(const struct availability *availability,
                                const struct controller *controller);

/* A server is up unless it or its controller is down (claim 16), or its site is held. */
bool availability_server_up(const struct availability *availability,
                            const struct virtual_server *server);

/*
 * Says whether a server's address of a family can be answered: the server is up, and so is this
 * address. Whether the server has one is not looked at.
 */
bool availability_address_up(const struct availability *availability,
                             const struct virtual_server *server, enum address_family family);

/*
 * Says whether a server would be up if its site were not held, and since when (Unix time) that is.
 */
bool availability_server_held(const struct availability *availability,
                              const struct virtual_server *server, int64_t *ret_since_s);

/* Since when the site of a server that is up has been up or resumed; 0: it was never down. */
int64_t availability_up_since_s(const struct availability *availability,
                                const struct virtual_server *server);

#endif
