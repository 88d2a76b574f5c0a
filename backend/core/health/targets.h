/*
 * What is to be checked: rows of the database become a set of targets, and two sets are compared.
 *
 * A target is a virtual server that has a monitor, its own or its pool's, or a controller that has
 * one. What is disabled is checked too, so that it is known how it is when it is enabled again. A
 * row that cannot be used becomes a problem.
 *
 * Building: targets_new(), the rows, targets_finish(); a set never changes then. It is counted who
 * uses it, since a check that runs keeps its monitor when the configuration moves on.
 */
#ifndef STICKY_CORE_HEALTH_TARGETS_H
#define STICKY_CORE_HEALTH_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/problems.h"
#include "core/health/check.h"

enum target_kind { TARGET_CONTROLLER, TARGET_SERVER };

struct target_key {
    enum target_kind kind;
    int64_t id; /* of the row in `controller` or `virtual_server` */
};

struct target {
    struct target_key key;
    const struct monitor *monitor;
    struct address address;
    uint16_t port;    /* 0: none given */
    const char *name; /* for people: "pool web, controller ams, 192.0.2.80" */
};

struct targets; /* a set; opaque, since parts of it are only for building */

/* A row as the tables have it. Texts may be NULL and are copied. */
struct target_row {
    struct target_key key;
    const char *pool; /* its name; NULL of a controller */
    const char *controller;
    const char *address;
    int64_t port; /* 0: none */
    int64_t monitor_id;
};

/* 0 or ERR_NOMEM. The set has one user then, the caller. */
int targets_new(struct targets **ret_targets);
struct targets *targets_retain(struct targets *targets);
/* One user less; frees the set with the last. Takes NULL. */
void targets_release(struct targets *targets);

/* Monitors come first. Each 0 or ERR_NOMEM. */
int targets_add_monitor(struct targets *targets, const struct monitor *monitor);
int targets_add(struct targets *targets, const struct target_row *row);
/* A row that cannot be used, in the words of who has seen it. */
int targets_add_problem(struct targets *targets, const char *sentence);

/* Puts the targets into the order of their keys. Cannot fail. */
void targets_finish(struct targets *targets);

size_t targets_count(const struct targets *targets);
const struct target *targets_at(const struct targets *targets, size_t index);
size_t targets_monitor_count(const struct targets *targets);
const struct monitor *targets_monitor_at(const struct targets *targets, size_t index);
const struct problems *targets_problems(const struct targets *targets);

/* Below 0, 0, above 0. */
int target_key_compare(const struct target_key *a, const struct target_key *b);

/* Says whether two targets are checked in the same way. */
bool target_equal(const struct target *a, const struct target *b);

enum target_change { TARGET_SAME, TARGET_CHANGED, TARGET_ADDED, TARGET_REMOVED };

/*
 * Tells for every target of two sets, in the order of keys, what became of it; `before` is NULL for
 * one that was added, `after` for one that was removed. A set that is NULL is empty.
 */
void targets_compare(const struct targets *before, const struct targets *after,
                     void (*tell)(void *context, enum target_change change,
                                  const struct target *before, const struct target *after),
                     void *context);

#endif
