/*
 * What a store is made of, for the files in this folder.
 */
#ifndef STICKY_STORE_STORE_PARTS_H
#define STICKY_STORE_STORE_PARTS_H

#include "core/balance/client.h"
#include "core/base/rate.h"
#include "store/sqlite/database.h"
#include "store/sqlite/sidecars.h"
#include "store/store.h"
#include "system/lock_file.h"

/* The longest key that the schema allows, with NUL. */
#define SWEEP_KEY_MAX 129

/* Where the sweep for expired mappings stands; it goes round and round through the table. */
struct sweep {
    int64_t pool_id;
    char key[SWEEP_KEY_MAX];
};

/* Where the lock file has what; its holder alone reads and writes the first. */
#define LOCK_FILE_ROUNDS 0
#define LOCK_FILE_REFUSED 1024
#define LOCK_FILE_REPORT 2048

/*
 * When housekeeping was last done by any process, on the monotonic clock that they all share. Kept
 * in the lock file.
 */
struct rounds {
    int64_t sweep_ms, checkpoint_ms;
    struct sweep sweep;
    int64_t commits; /* as wal_index_commits() told after the last checkpoint */
    int64_t backlog; /* the pages that the last checkpoint to come about could not copy */
};

/*
 * The bounds that keep forged resolvers from filling the disk. Past them a choice is answered
 * without a row.
 */
struct limits {
    int64_t max_bytes, writes_per_second;
    struct rate rate;
    int64_t looked_ms;  /* monotonic: when the sizes were last looked at */
    int rows;           /* and after so many they are again */
    int64_t refused_ms; /* monotonic: when the rate was last told to be passed */
    const char *full;   /* why no new mappings are kept, or NULL */
    bool disk_short;    /* the log takes the room that is left */
};

/* What a round of housekeeping goes by. */
struct round {
    struct settings settings;
    int64_t now_s, now_ms; /* when it began */
    bool disk_short;       /* the log takes the room that is left */
    bool left_to_monitor;  /* another process does it, unless it is late */
};

/*
 * Over the files beside the database: when they are not those any more that it has open, or do not
 * belong together, the process lets go of all of them for a while, as the others do, until none has
 * them open and SQLite begins anew with what there is.
 */
struct file_check {
    struct sidecars sidecars;
    int64_t look_ms;         /* monotonic: not to be looked at before */
    int64_t rescue_until_ms; /* monotonic: till then a log without a name is copied back; 0: none */
    int64_t shut_until_ms;   /* monotonic: the database is not to be opened before */
    bool awaits_round;       /* a round of housekeeping may have them open still */
};

struct housekeeper; /* of a round that runs */

struct store {
    struct database database;
    struct lock_file lock;
    struct file_check check;
    struct ticker ticker; /* made when a lock is waited for the first time */
    struct error mapping_error;
    int64_t now_ms;           /* monotonic, of the last store_begin() */
    unsigned begun;           /* so many transactions */
    struct revision revision; /* of the transaction that is begun */
    int64_t kept_until_ms;    /* monotonic: then it is begun anew */
    int64_t locked_out_ms;    /* monotonic: until then a lock is hardly waited for */
    bool is_monitor;          /* holds LOCK_MONITOR */
    struct limits limits;
    struct rounds rounds;            /* as this process last saw them */
    struct housekeeper *housekeeper; /* NULL: no round runs */
    int64_t round_ms;                /* monotonic: when the last one was started from here */
};

/* A table and what takes its rows: 0, or a code that ends the reading. */
struct table_reader {
    enum query query;
    int (*add)(void *context, sqlite3_stmt *row);
};

/* Reads tables one after the other, each whole. 0, or a code with `error` set. */
int store_read_tables(struct store *store, const struct table_reader *readers, size_t count,
                      void *context, struct error *error);

/* A text of a row, valid until the next step. NULL stays NULL. */
static inline const char *row_text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

/*
 * Waits for our turn to write, until a time of the monotonic clock at the latest, and says whether
 * it is. SQLite's own lock is no queue: whoever asks for it again and again may be overtaken for
 * ever. In line, only the first one asks.
 */
bool store_wait_in_line(struct store *store, int64_t until_ms);
void store_leave_line(struct store *store);

/*
 * Looks at the files, often enough, and closes the connection if they have to be let go. What only
 * a deleted log has is copied back first, as nobody could find it again.
 */
void file_check_run(struct store *store, int64_t now_ms);

/* 0 when the database may be opened, or ERR_IO with `error` set. */
int file_check_opening(struct store *store, int64_t now_ms, struct error *error);

/*
 * To be called when a connection is open: these are its files from now on. 0, or ERR_IO with
 * `error` set and the connection closed, since they do not belong together.
 */
int file_check_begin(struct store *store, int64_t now_ms, struct error *error);

/* Says whether anything has to be done, as far as this process knows. */
bool store_is_round_due(const struct store *store, const struct round *round);

/*
 * Does what is due still, once LOCK_HOUSEKEEPING is held. 0, or a code with `error` set.
 */
int store_do_round(struct store *store, const struct round *round, struct error *error);

/* The bytes of the write-ahead log, 0 when there is none. */
int64_t store_log_bytes(const struct store *store);

/* 0, or ERR_LIMIT with `error` set when this write would be one too many in the file or this
 * second. */
int store_check_limits(struct store *store, bool adds_row, struct error *error);

#endif
