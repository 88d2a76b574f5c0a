/*
 * A mapping as a line of JSON, as `export` writes and `import` reads it:
 *
 *   {"pool":"web","ldns":"192.0.2.10","site":"ams","method":"modulus","timestamp":1700000000,
 *    "ttl":3600,"home":"fra"}
 *
 * "home" is there where a failure moved the client away from a site that still exists.
 * Names stand for pools and controllers, so the line means the same in another database. Who
 * decided a mapping, and its place among the decisions of name servers that share, are left out:
 * they mean nothing elsewhere, and whoever imports a mapping decides anew.
 */
#ifndef STICKY_PROGRAM_CONTROL_MAPPING_JSON_H
#define STICKY_PROGRAM_CONTROL_MAPPING_JSON_H

#include <jansson.h>

#include "core/base/arena.h"
#include "core/configuration/snapshot.h"
#include "core/sticky/mapping.h"

/* NULL without memory. The site is null if the controller is gone. The value is the caller's. */
json_t *mapping_json(const struct snapshot *snapshot, const struct pool *pool, const char *key,
                     const struct mapping *mapping);

/* A line that was read. Texts lie in the arena that it was read into. */
struct mapping_line {
    const char *pool, *ldns, *site;
    const char *home;       /* NULL: none */
    struct mapping mapping; /* with the controller's id once it was checked */
    int64_t pool_id;        /* likewise */
};

/*
 * Reads a line; members that it does not know are ignored. 0, ERR_INVAL, or ERR_NOMEM, both with
 * `error` set.
 */
int mapping_json_read(const char *text, size_t length, struct arena *arena,
                      struct mapping_line *ret_line, struct error *error);

/*
 * Says whether the mapping can be one of this database, and finds its ids: pool, controller and
 * method exist, the pool has such clients, and its time is not in the future. 0, or ERR_INVAL with
 * `error` set.
 */
int mapping_json_check(struct mapping_line *line, const struct snapshot *snapshot, int64_t now_s,
                       struct error *error);

#endif
