/*
 * What the monitor has to check: a set of targets, made from rows of the database.
 *
 * A target is a virtual server with a monitor, its own or its pool's, one of its addresses where
 * each is checked, or a controller with a monitor. Disabled ones are checked too, so that their
 * state is known when they are enabled again. A row that cannot be used becomes a problem.
 *
 * Build a set with targets_new(), the rows, and targets_finish(); from then on it does not change.
 * Sets are reference-counted, because a running check uses its monitor even when the configuration
 * has changed.
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
    int64_t id;                 /* of the row in `controller` or `virtual_server` */
    enum address_family family; /* of the address that is the target; FAMILY_NONE: the row is */
};

struct target {
    struct target_key key;
    const struct monitor *monitor;
    struct address address;
    const char *host;              /* name of the server, resolved if it has no address; or NULL */
    uint16_t port;                 /* 0: none */
    const char *name;              /* for messages: "pool web, controller ams, 192.0.2.80:443" */
    const char *place;             /* address and port, or address alone: the end of `name` */
    const char *pool, *controller; /* names; the pool of a controller is "" */
    int64_t position;              /* of a server in its pool; 0 for a controller */
};

struct targets; /* opaque, since parts of it are only for building */

/* A row as read from the tables. Texts may be NULL; they are copied. */
struct target_row {
    struct target_key key;
    const char *pool; /* its name; NULL for a controller */
    const char *controller;
    const char *address;
    int64_t port; /* 0: none */
    int64_t monitor_id;
    int64_t position; /* of a server; else 0 */
    const char *host; /* the name of the server; it is resolved if there is no address */
};

/* 0 or ERR_NOMEM. The caller holds the first reference. */
int targets_new(struct targets **ret_targets);
struct targets *targets_retain(struct targets *targets);
/* Drops a reference, and frees the set with the last one. Takes NULL. */
void targets_release(struct targets *targets);

/* Monitors have to be added first. 0 or ERR_NOMEM. */
int targets_add_monitor(struct targets *targets, const struct monitor *monitor);
int targets_add(struct targets *targets, const struct target_row *row);
/* Adds the sentence that a monitor cannot be used, for a reason. */
int targets_refuse_monitor(struct targets *targets, const char *name, const char *why);

/* Sorts the targets by key. Cannot fail. */
void targets_finish(struct targets *targets);

size_t targets_count(const struct targets *targets);
const struct target *targets_at(const struct targets *targets, size_t index);
/* NULL if there is none. */
const struct target *targets_find(const struct targets *targets, const struct target_key *key);
size_t targets_monitor_count(const struct targets *targets);
const struct monitor *targets_monitor_at(const struct targets *targets, size_t index);
const struct problems *targets_problems(const struct targets *targets);

/*
 * The words of the columns `family`: "" for FAMILY_NONE, "ipv4" and "ipv6". The parser returns
 * false for an unknown word.
 */
const char *target_family_word(enum address_family family);
bool target_family_parse(const char *word, enum address_family *ret_family);

/* Less than, equal to or greater than 0, as memcmp(). */
int target_key_compare(const struct target_key *a, const struct target_key *b);

/* Says whether two targets are checked in the same way. */
bool target_equal(const struct target *a, const struct target *b);

/*
 * Says whether two targets of one row are different things, because the row's address, its name
 * or its own port was corrected. What was found out about one says nothing about the other. Another
 * way to check the same address and port is not meant.
 */
bool target_is_elsewhere(const struct target *before, const struct target *after);

/* TARGET_REPLACED: see target_is_elsewhere(). */
enum target_change { TARGET_SAME, TARGET_CHANGED, TARGET_ADDED, TARGET_REMOVED, TARGET_REPLACED };

/*
 * Calls `tell` for every target of two sets, by key. `before` is NULL for a target that was added,
 * `after` for one that was removed. A set that is NULL is empty.
 */
void targets_compare(const struct targets *before, const struct targets *after,
                     void (*tell)(void *context, enum target_change change,
                                  const struct target *before, const struct target *after),
                     void *context);

#endif
