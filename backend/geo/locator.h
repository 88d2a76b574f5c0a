/*
 * Tells where addresses are, from MaxMind DB files (libmaxminddb).
 *
 * Files are replaced while they are used, by renaming or by copying over them, and must never be
 * the end of the process, nor a wait on the way to an answer. So each is copied into memory that
 * belongs to no file, and read there: mapped from the disk, a page of a file that is cut short
 * raises SIGBUS, one that is not in memory waits for the disk, and one that is being written is
 * half of each. It costs its size in memory, some 10 MB for the countries of the inputs. The copy
 * is made by way of /proc/self/fd, since libmaxminddb opens names alone.
 *
 * A set of files is made by geo_open(), which may take long and may run in a thread of its own, and
 * from then on only read. A file that is missing, no MaxMind DB, or changes while it is copied is a
 * problem; what was known from it before stays in use. Then the files are looked at again, at
 * most once a second, and a new set is made when geo_changed() says so:
 *
 *     geo_open(paths, count, before, &geo);    reads anew what differs from `before`
 *     geo_take_over(geo, before);                takes over the rest; nobody may read `before` any
 * more geo_free(before);
 */
#ifndef STICKY_GEO_LOCATOR_H
#define STICKY_GEO_LOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/balance/location.h"
#include "core/base/problems.h"

/* Looking at the files costs one call of the system for each; a second is soon enough. */
#define GEO_LOOK_MS 1000

/*
 * A larger file is refused. The largest in use, with the cities of the inputs, are below a quarter
 * of it.
 */
#define GEO_BYTES_MAX (1L << 30)

struct geo;

/*
 * 0 or ERR_NOMEM; what is wrong with a file is among the problems. `before` may be NULL and is
 * only read.
 */
int geo_open(const char *const *paths, size_t count, const struct geo *before,
             struct geo **ret_geo);

/* Moves what is still good from the set before. Takes NULL as `before`. Cannot fail. */
void geo_take_over(struct geo *geo, struct geo *before);

/* Takes NULL. */
void geo_free(struct geo *geo);

/* Says whether a file is another than the one that was read. `now_ms` is monotonic. */
bool geo_changed(struct geo *geo, int64_t now_ms);

/* Of several files that know, the first one counts. Valid as long as the set. */
struct locator geo_locator(struct geo *geo);

const struct problems *geo_problems(const struct geo *geo);

#endif
