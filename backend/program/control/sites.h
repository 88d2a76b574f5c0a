/*
 * The sites as a person looks at them: each controller with what its servers in all pools make of
 * it. Values that `watch` prints.
 */
#ifndef STICKY_PROGRAM_CONTROL_SITES_H
#define STICKY_PROGRAM_CONTROL_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "program/command/status.h"

/* How a site is doing, the worst last. */
enum site_health {
    SITE_UP,
    SITE_DRAINING,
    SITE_DISABLED,
    SITE_PARTLY_DOWN, /* some of its servers are */
    SITE_HELD,        /* none counts as up, and some would if the site were resumed */
    SITE_DOWN,
};

struct site {
    const struct controller *controller;
    enum site_health health;
    size_t servers, servers_up, servers_held;
    int64_t live_mappings; /* of all pools; one that several pools use counts in each */
    int64_t last_ends_in_s;
    enum reason reason; /* why something is down, if a check says so */
    int64_t down_s;     /* since when; -1: no check says it */
};

struct sites {
    struct site *sites; /* by controller.index */
    size_t count;
    int64_t live_mappings;
};

/* 0 or ERR_NOMEM. Valid as long as the status; to be released. */
int sites_gather(const struct status *status, const struct snapshot *snapshot,
                 struct sites *ret_sites);
void sites_release(struct sites *sites);

/* "up", "draining", "disabled", "partly down", "held", "down". */
const char *site_health_word(enum site_health health);

#endif
