#include "core/balance/availability.h"

#include <stdlib.h>

#include "core/base/error.h"

int availability_new(size_t server_count, size_t controller_count,
                     struct availability **ret_availability)
{
    struct availability *availability = calloc(1, sizeof *availability);
    if (!availability)
        return ERR_NOMEM;
    availability->server_down = calloc(server_count + 1, sizeof(bool));
    availability->controller_down = calloc(controller_count + 1, sizeof(bool));
    if (!availability->server_down || !availability->controller_down) {
        availability_free(availability);
        return ERR_NOMEM;
    }
    availability->server_count = server_count;
    availability->controller_count = controller_count;
    *ret_availability = availability;
    return 0;
}

void availability_free(struct availability *availability)
{
    if (!availability)
        return;
    free(availability->server_down);
    free(availability->controller_down);
    free(availability->addresses_down);
    free(availability->sites);
    free(availability);
}

static bool is_address_down(const struct availability *availability,
                            const struct virtual_server *server, enum address_family family)
{
    return availability->addresses_down &&
           (availability->addresses_down[server->index] & (1 << family)) != 0;
}

/* Of the addresses that it has now: the snapshot may have been patched since. */
static bool has_only_dead_addresses(const struct availability *availability,
                                    const struct virtual_server *server)
{
    return availability->addresses_down && (server->ipv4 || server->ipv6) &&
           (!server->ipv4 || is_address_down(availability, server, FAMILY_IPV4)) &&
           (!server->ipv6 || is_address_down(availability, server, FAMILY_IPV6));
}

int availability_set_address_down(struct availability *availability,
                                  const struct virtual_server *server, enum address_family family)
{
    if (!availability->addresses_down)
        availability->addresses_down = calloc(availability->server_count + 1, sizeof(uint8_t));
    if (!availability->addresses_down)
        return ERR_NOMEM;
    availability->addresses_down[server->index] |= (uint8_t)(1 << family);
    return 0;
}

int availability_set_site(struct availability *availability, const struct virtual_server *server,
                          const struct site_history *history)
{
    if (!availability->sites)
        availability->sites = calloc(availability->server_count + 1, sizeof *availability->sites);
    if (!availability->sites)
        return ERR_NOMEM;
    availability->sites[server->index] = *history;
    return 0;
}

bool availability_controller_up(const struct availability *availability,
                                const struct controller *controller)
{
    return !availability || !availability->controller_down[controller->index];
}

static bool is_held(const struct availability *availability, const struct virtual_server *server)
{
    return availability && availability->sites &&
           availability->sites[server->index].held_since_s != 0;
}

/* By what was measured, whether or not the site is held. */
static bool is_reachable(const struct availability *availability,
                         const struct virtual_server *server)
{
    return availability_controller_up(availability, server->controller) &&
           (!availability || (!availability->server_down[server->index] &&
                              !has_only_dead_addresses(availability, server)));
}

bool availability_server_up(const struct availability *availability,
                            const struct virtual_server *server)
{
    return is_reachable(availability, server) && !is_held(availability, server);
}

bool availability_server_held(const struct availability *availability,
                              const struct virtual_server *server, int64_t *ret_since_s)
{
    if (!is_held(availability, server) || !is_reachable(availability, server))
        return false;
    *ret_since_s = availability->sites[server->index].held_since_s;
    return true;
}

int64_t availability_up_since_s(const struct availability *availability,
                                const struct virtual_server *server)
{
    return availability && availability->sites ? availability->sites[server->index].up_since_s : 0;
}

bool availability_address_up(const struct availability *availability,
                             const struct virtual_server *server, enum address_family family)
{
    return availability_server_up(availability, server) &&
           (!availability || !is_address_down(availability, server, family));
}
