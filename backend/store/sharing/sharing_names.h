/*
 * The names of pools and controllers, by which name servers know each other's rows: each has ids of
 * its own. They are read again when the configuration has changed.
 *
 * Names are compared octet by octet, although a database has only one spelling of each: a row has
 * to read the same on all servers, and the order of rows depends on it.
 */
#ifndef STICKY_STORE_SHARING_NAMES_H
#define STICKY_STORE_SHARING_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/error.h"
#include "store/sqlite/database.h"

struct name_row {
    const char *name;
    int64_t id;
};

/* Those of one table. */
struct name_list {
    struct name_row *by_name, *by_id; /* the same rows in two orders */
    size_t count;
};

/* All zeros at first. */
struct sharing_names {
    struct arena texts;
    struct name_list pools, controllers;
    bool loaded;
    int64_t opening, revision; /* of the database and its configuration when they were read */
};

void sharing_names_release(struct sharing_names *names);

/*
 * Reads them, unless they are those of this revision of the configuration. To be called in a
 * transaction. 0, or a code with `error` set.
 */
int sharing_names_refresh(struct sharing_names *names, struct database *database, int64_t revision,
                          struct error *error);

/* 0: there is none of that name. */
int64_t name_list_id(const struct name_list *list, const char *name);

/* NULL: there is none with that id. */
const char *name_list_name(const struct name_list *list, int64_t id);

/* The first place in `by_name` whose name is not before `name`; `count` when there is none. */
size_t name_list_from(const struct name_list *list, const char *name);

#endif
