/*
 * What a row must be like to be shared. A server sends no others and takes no others: then each
 * table can hold what it is told, and names can be shown.
 *
 * Pure; nothing here can fail.
 */
#ifndef STICKY_CORE_SHARING_ROW_PROBLEM_H
#define STICKY_CORE_SHARING_ROW_PROBLEM_H

#include "core/sharing/entry.h"

/* The ranges of the schema. */
#define SHARED_TIMESTAMP_MAX_S INT64_C(253402300799)
#define SHARED_TTL_MAX_S INT64_C(2147483647)

/* Leaves room above, so that what is decided next does not overflow: the year 37,000. */
#define SHARED_DECIDED_MAX (INT64_C(1) << 62)

/* Says whether a text can be the name of a pool, or of a controller. */
bool shared_is_pool(const char *name);
bool shared_is_controller(const char *name);

/* Why a row cannot be shared, such as "its ttl is not 0 to 2147483647"; NULL: it can. */
const char *shared_row_problem(const struct shared_row *row);

/* The same for a place; the key may be "". */
const char *shared_place_problem(const struct shared_place *place);

#endif
