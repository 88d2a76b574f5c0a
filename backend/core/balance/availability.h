/*
 * Whether each virtual server and controller is available, and each address of a server.
 *
 * Belongs to one snapshot and uses its indexes. Everything counts as up until the database says
 * otherwise. To every reader, NULL means that everything is up.
 *
 * A server with an IPv4 and an IPv6 address is up while one of them is. Then the other one may be
 * down on its own: it must not be answered, but the server is chosen as before.
 */
#ifndef STICKY_CORE_BALANCE_AVAILABILITY_H
#define STICKY_CORE_BALANCE_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/pool.h"

struct availability {
    bool *server_down;     /* as a whole, by virtual_server.index */
    bool *controller_down; /* by controller.index */
    size_t server_count, controller_count;
    /* By virtual_server.index: a bit 1 << family for an address that is down. NULL: none is. */
    uint8_t *addresses_down;
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

bool availability_controller_up(const struct availability *availability,
                                const struct controller *controller);

/* A server is up unless it or its controller is down (claim 16). */
bool availability_server_up(const struct availability *availability,
                            const struct virtual_server *server);

/*
 * Says whether a server's address of a family can be answered: the server is up, and so is this
 * address. Whether the server has one is not looked at.
 */
bool availability_address_up(const struct availability *availability,
                             const struct virtual_server *server, enum address_family family);

#endif
