/*
 * Whether each virtual server and controller is available.
 *
 * Belongs to one snapshot and uses its indexes. Everything counts as up until the database says
 * otherwise. To every reader, NULL means that everything is up.
 */
#ifndef STICKY_CORE_BALANCE_AVAILABILITY_H
#define STICKY_CORE_BALANCE_AVAILABILITY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/balance/pool.h"

struct availability {
    bool *server_down;     /* by virtual_server.index */
    bool *controller_down; /* by controller.index */
    size_t server_count, controller_count;
};

/* 0 or ERR_NOMEM; to be freed with availability_free(). */
int availability_new(size_t server_count, size_t controller_count,
                     struct availability **ret_availability);
void availability_free(struct availability *availability);

bool availability_controller_up(const struct availability *availability,
                                const struct controller *controller);

/* A server is up unless it or its controller is down (claim 16). */
bool availability_server_up(const struct availability *availability,
                            const struct virtual_server *server);

#endif
