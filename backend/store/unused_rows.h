/*
 * Rows of the configuration that nothing reads as things are: a pool without a name, a topology
 * while no pool goes by it. They are valid, and do no harm but to who relies on them.
 */
#ifndef STICKY_STORE_UNUSED_ROWS_H
#define STICKY_STORE_UNUSED_ROWS_H

#include "store/store.h"

struct unused_row {
    /*
     * The table; a column of it, such as pool.metric; "metric" for both tables of metrics; or
     * "setting of sharing" and "setting of checks".
     */
    const char *kind;
    const char *name; /* of the row or the metric; "" for tables whose rows have none */
    int64_t count;    /* of rows */
};

/*
 * Calls `each` for every row, or for all rows of a kind that have no names. Texts are valid during
 * the call. 0, or a code with `error` set. After store_begin().
 */
int store_each_unused_row(struct store *store,
                          void (*each)(void *context, const struct unused_row *row), void *context,
                          struct error *error);

#endif
