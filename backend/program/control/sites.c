#include "program/control/sites.h"

#include <stdlib.h>

static void add_server(struct site *site, const struct status_server *server)
{
    if (server->state == STATE_DISABLED)
        return;
    site->servers++;
    site->servers_up += server->up;
    site->servers_held += server->held;
    site->live_mappings += server->live_mappings;
    if (server->last_ends_in_s > site->last_ends_in_s)
        site->last_ends_in_s = server->last_ends_in_s;
}

/* Mappings are counted for the controller, so several servers of one pool count once. */
static void add_pool(const struct status_pool *row, struct sites *sites)
{
    for (size_t i = 0; i < row->pool->server_count; i++) {
        const struct status_server *server = &row->servers[i];
        struct site *site = &sites->sites[server->server->controller->index];
        struct status_server counted = *server;
        for (size_t j = 0; j < i; j++)
            if (row->servers[j].server->controller == server->server->controller)
                counted.live_mappings = 0;
        add_server(site, &counted);
    }
}

static void add_target(const struct status_target *target, struct sites *sites)
{
    const struct controller *controller = target->controller;
    if (!controller)
        return;
    struct site *site = &sites->sites[controller->index];
    if (target->down_s <= site->down_s)
        return;
    site->down_s = target->down_s;
    site->reason = target->reason;
}

static enum site_health judge(const struct site *site)
{
    if (site->controller->state == STATE_DISABLED)
        return SITE_DISABLED;
    if (site->servers > 0 && site->servers_up == 0)
        return site->servers_held > 0 ? SITE_HELD : SITE_DOWN;
    if (site->servers_up < site->servers)
        return SITE_PARTLY_DOWN;
    return site->controller->state == STATE_DRAINING ? SITE_DRAINING : SITE_UP;
}

int sites_gather(const struct status *status, const struct snapshot *snapshot,
                 struct sites *ret_sites)
{
    struct sites sites = {.count = snapshot->controller_count};
    sites.sites = calloc(sites.count + 1, sizeof *sites.sites);
    if (!sites.sites)
        return ERR_NOMEM;
    for (size_t i = 0; i < sites.count; i++)
        sites.sites[i] = (struct site){.controller = &snapshot->controllers[i], .down_s = -1};
    for (size_t i = 0; i < status->counts.pools; i++)
        add_pool(&status->pools[i], &sites);
    for (size_t i = 0; i < status->monitor.target_count; i++)
        add_target(&status->monitor.targets[i], &sites);
    for (size_t i = 0; i < sites.count; i++) {
        sites.sites[i].health = judge(&sites.sites[i]);
        sites.live_mappings += sites.sites[i].live_mappings;
    }
    *ret_sites = sites;
    return 0;
}

void sites_release(struct sites *sites)
{
    free(sites->sites);
}

const char *site_health_word(enum site_health health)
{
    static const char *const words[] = {
        [SITE_UP] = "up",
        [SITE_DRAINING] = "draining",
        [SITE_DISABLED] = "disabled",
        [SITE_PARTLY_DOWN] = "partly down",
        [SITE_HELD] = "held",
        [SITE_DOWN] = "down",
    };
    return words[health];
}
