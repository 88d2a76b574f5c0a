/*
 * What a struct sharing is made of, for the files sharing*.c of this folder.
 */
#ifndef STICKY_STORE_SHARING_PARTS_H
#define STICKY_STORE_SHARING_PARTS_H

#include "core/base/buffer.h"
#include "store/sharing/sharing.h"
#include "store/sharing/sharing_names.h"
#include "store/sqlite/database.h"

/* The configuration that a digest is of. */
struct digested {
    bool known;
    int64_t opening, configuration, topology; /* see struct revision_row */
    uint64_t digest;
};

/* The configuration as a copy (sharing_copy.h), of the same numbers. */
struct copied {
    bool known;
    int64_t opening, configuration, topology;
    uint64_t revision;
    bool has_text; /* else only the revision is known */
    struct buffer text;
};

/* The longest key that the schema allows, in UTF-8 and with NUL. */
#define SHARING_KEY_MAX 513

/* Behind which tombstone the sweep goes on. */
struct sharing_sweep {
    int64_t pool_id;
    char key[SHARING_KEY_MAX];
};

struct sharing {
    struct database database;
    struct revision_row revision; /* of the transaction that is begun */
    struct sharing_names names;
    struct settings settings; /* as they were loaded */
    int64_t opening;          /* of the database, for which the next is; 0: none */
    int64_t data_version;
    struct digested digested;
    struct copied copied;
    struct sharing_sweep sweep;
    struct shared_place looked; /* how far sharing_take_back() is */
    int64_t swept_origin;       /* whose round trip times were swept last */
    int64_t state_at;           /* share_state.written_at as we know it; 0: not yet */
};

/*
 * Begins a transaction that reads, with the names as they are in it. 0, or a code with `error` set
 * and none begun.
 */
int sharing_begin(struct sharing *sharing, struct error *error);
void sharing_end(struct sharing *sharing);

/* The same for one that writes. */
int sharing_begin_writing(struct sharing *sharing, struct error *error);

/* Commits if `code` is 0, else makes a rollback. `code`, or that of the commit. */
int sharing_end_writing(struct sharing *sharing, int code, struct error *error);

/* A hash of the values of a row, each as a text; NULL is not "". `table` tells tables apart. */
uint64_t sharing_row_hash(sqlite3_stmt *row, uint64_t table);

/*
 * Goes to the next row of a statement. 0; ERR_NOTFOUND when there is none, or a code with `error`
 * set, and then the statement is reset.
 */
int sharing_step(struct sharing *sharing, sqlite3_stmt *statement, struct error *error);

/* Copies a column into the key of a row; false when it is too long, or has a NUL. */
bool sharing_read_key(sqlite3_stmt *row, int column, char ret_key[static CLIENT_KEY_MAX]);

/* False, with nothing read, when the controller of the row is gone. */
bool sharing_read_mapping(const struct sharing *sharing, sqlite3_stmt *row,
                          struct entry *ret_entry);
void sharing_read_tombstone(sqlite3_stmt *row, struct entry *ret_entry);

/* Adds up what became of rows. The second counts one of an unknown "pool" or "controller"; 0. */
void sharing_add_counts(struct share_counts *sum, const struct share_counts *counts);
int sharing_count_unknown(struct share_counts *counts, const char *kind, const char *name);

/* So many rows are written in a transaction: it holds SQLite's lock for some milliseconds. */
#define SHARING_APPLY_ROWS 250

/* Waits a moment between two transactions, for the writer of this server. */
void sharing_pause(void);

/* What stands in the tables about a key. */
struct known {
    bool has_mapping, has_tombstone;
    bool maps; /* sharing_read_mapping() of the mapping */
    struct entry mapping, tombstone;
};

/* 0, or a code with `error` set. */
int sharing_find(struct sharing *sharing, int64_t pool_id, const char *key, struct known *ret_known,
                 struct error *error);

/* The entry that counts: the greater one of those that are not over; NULL: none. */
const struct entry *sharing_standing(const struct sharing *sharing, const struct known *known,
                                     int64_t now_ms);

/*
 * Writes an entry in place of whatever is there, as one that was here at `now_ms`. 0, or a code
 * with `error` set.
 */
int sharing_replace(struct sharing *sharing, int64_t pool_id, int64_t controller_id,
                    const struct shared_row *told, const struct known *known, int64_t now_ms,
                    struct error *error);

/*
 * What sharing_sweep() does about round trip times of others that are too old, of one peer each
 * time. 0, or a code with `error` set.
 */
int sharing_sweep_paths(struct sharing *sharing, int64_t now_ms, struct error *error);

/*
 * Goes through the next `limit` entries after a place, which moves, to the beginning after the end,
 * and collects those from the future (entry_is_future()) until there is no more room for them.
 */
int sharing_find_future(struct sharing *sharing, struct shared_place *place, size_t limit,
                        int64_t now_ms, struct shared_rows *ret_rows, struct error *error);

/*
 * What sharing_sweep() does about them: entry_take_back(), of `ret_count` entries. 0, or a code
 * with `error` set.
 */
int sharing_take_back(struct sharing *sharing, int64_t now_ms, int64_t *ret_count,
                      struct error *error);

#endif
