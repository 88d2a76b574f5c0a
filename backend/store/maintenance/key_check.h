/*
 * Looks for mappings that nobody can have, since a pool makes no such key: SQL has put in
 * 2001:DB8::53 for 2001:db8::53, or a network of another size than the pool's. They are looked for
 * in the course of a sweep, once after each change of mappings by others than the program.
 */
#ifndef STICKY_STORE_MAINTENANCE_KEY_CHECK_H
#define STICKY_STORE_MAINTENANCE_KEY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/configuration/snapshot.h"
#include "store/sqlite/database.h"

/* So much of a name is told. */
#define KEY_CHECK_TEXT_MAX 65

struct key_check {
    uint64_t mark;    /* that it is one: somebody may have overwritten the lock file */
    int64_t revision; /* of the mappings, when it began last; see struct revision_row */
    bool runs;
    int64_t found;                                            /* since it began, and not told yet */
    char first[KEY_CHECK_TEXT_MAX], pool[KEY_CHECK_TEXT_MAX]; /* the key of one, and its pool */
};

/* To be called for one that comes from the lock file: begins anew where that is overwritten. */
void key_check_verify(struct key_check *check);

/* To be called at the start of the table: begins, if mappings have changed since it last did. */
void key_check_begin(struct key_check *check, int64_t revision);

/* Looks at a mapping that has not expired: its pool and, in that column of a row, its key. */
void key_check_add(struct key_check *check, const struct snapshot *snapshot, int64_t pool_id,
                   sqlite3_stmt *row, int column);

/* To be called at the end of the table. */
void key_check_finish(struct key_check *check);

/* Once after that: ERR_INVAL with `error` set if such mappings were found. Otherwise 0. */
int key_check_tell(struct key_check *check, struct error *error);

#endif
