/*
 * Puts the records of a zone into the tables `zone` and `record`, as an operator would with SQL.
 */
#ifndef STICKY_STORE_SQLITE_ZONE_IMPORT_H
#define STICKY_STORE_SQLITE_ZONE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* Texts as the tables have them: names without a trailing dot, contents as PowerDNS writes them. */
struct imported_record {
    const char *name, *type, *content;
    int64_t ttl_s;
};

struct zone_import {
    const char *zone;
    const struct imported_record *records;
    size_t count;
    bool replaces; /* the records of a zone that is there; else such a zone is refused */
    /* Told of each record that the database rejects, and why; the others are imported. */
    void (*reject)(void *context, const struct imported_record *record, const char *reason);
    void *context;
};

/* All in one transaction. 0 with the number of records, or a code with `error` set and nothing
 * done. */
int store_import_zone(const char *path, const struct zone_import *import, size_t *ret_count,
                      struct error *error);

#endif
