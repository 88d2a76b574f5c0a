/*
 * What is measured while running: whether each virtual server and controller is available.
 *
 * Made for one snapshot, whose indexes it uses. Everything counts as up until somebody says
 * otherwise. NULL in place of metrics means "all up" to every reader.
 */
#ifndef STICKY_CORE_BALANCE_METRICS_H
#define STICKY_CORE_BALANCE_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/balance/pool.h"

struct availability {
    bool *server_down;     /* by virtual_server.index */
    bool *controller_down; /* by controller.index */
    size_t server_count, controller_count;
};

/* 0 or ERR_NOMEM; free with availability_free(). */
int availability_new(size_t server_count, size_t controller_count,
                     struct availability **ret_availability);
void availability_free(struct availability *metrics);

bool availability_controller_up(const struct availability *metrics,
                                const struct controller *controller);

/* A server is up when neither it nor its controller is down (claim 16: availability). */
bool availability_server_up(const struct availability *metrics,
                            const struct virtual_server *server);

#endif
