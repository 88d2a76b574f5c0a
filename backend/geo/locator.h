/*
 * Finds the location of addresses in MaxMind DB files (libmaxminddb).
 *
 * Operators replace files while they are in use, by renaming or by overwriting them. That must not
 * crash the process, and an answer must not wait for the disk. So each file is copied into
 * anonymous memory and read there. If it were mapped instead, reading a truncated file would raise
 * SIGBUS, a page that is not cached would have to be read, and a file that is being overwritten
 * would be a mix of old and new. The copy takes as much memory as the file is large, about 10 MB
 * for a database of countries. It is opened as /proc/self/fd/N, because libmaxminddb only takes
 * names.
 *
 * geo_open() makes a set of files. It may take long, and may run in a thread of its own; from then
 * on the set is only read. A file that is missing, is not a MaxMind DB, or changes while it is
 * copied is a problem, and what was read from it before stays in use. The caller checks for changes
 * with geo_changed(), and makes a new set when there are any:
 *
 *     geo_open(paths, count, before, &geo);  reads the files that differ from `before`
 *     geo_take_over(geo, before);            takes over the others; `before` must not be used then
 *     geo_free(before);
 */
#ifndef STICKY_GEO_LOCATOR_H
#define STICKY_GEO_LOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/location.h"
#include "core/base/problems.h"

/* A check costs a system call for each file; once a second is often enough. */
#define GEO_LOOK_MS 1000

/*
 * A larger file is rejected. The largest ones in use, databases of cities, are less than a quarter
 * of it.
 */
#define GEO_BYTES_MAX (1L << 30)

struct geo;

/*
 * 0 or ERR_NOMEM; what is wrong with a file becomes a problem. `before` may be NULL; it is only
 * read.
 */
int geo_open(const char *const *paths, size_t count, const struct geo *before,
             struct geo **ret_geo);

/*
 * Takes over the files of the previous set that are still good. `before` may be NULL. Cannot fail.
 */
void geo_take_over(struct geo *geo, struct geo *before);

/* Takes NULL. */
void geo_free(struct geo *geo);

/*
 * Says whether a file has changed since it was read. Checks at most once in GEO_LOOK_MS; `now_ms`
 * is monotonic.
 */
bool geo_changed(struct geo *geo, int64_t now_ms);

/* The first file that knows the answer counts. Valid as long as the set. */
struct locator geo_locator(struct geo *geo);

const struct problems *geo_problems(const struct geo *geo);

#endif
