/*
 * The rows of a database as other name servers may see them: what was changed here, what came from
 * there, and all of it in order.
 *
 * For one thread, with a connection of its own that runs no triggers. Rows of others are written
 * here only. What this server decides is written by the writer (store/maintenance/writer.h) and by
 * the triggers of the schema; both note it in `share_change`. Times are Unix milliseconds, unless
 * they are named otherwise.
 *
 * Functions return 0 or a code with `error` set; ERR_BUSY when SQLite's lock was not to be had,
 * or a backup was just restored, which sharing_load() tells.
 */
#ifndef STICKY_STORE_SHARING_H
#define STICKY_STORE_SHARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/configuration/settings.h"
#include "core/health/quorum.h"
#include "core/sharing/entry.h"
#include "core/sharing/path.h"

struct sharing;

/* `path` is copied. Opens nothing yet. 0 or ERR_NOMEM. */
int sharing_new(const char *path, struct sharing **ret_sharing);

/* Takes NULL. */
void sharing_free(struct sharing *sharing);

/* ---------------------------------------------------------------- what is set up */

#define SHARE_PATH_MAX 1024
#define SHARE_PEERS_MAX QUORUM_PEERS_MAX

/* A row of `peer`. */
struct share_peer {
    int64_t node;
    char name[ROW_NAME_MAX];  /* of its certificate, and its user in NATS */
    char url[SHARE_PATH_MAX]; /* of its nats-server */
};

/* Says whether they are the same in all of it, so that a connection to one may stay. */
bool share_peer_equal(const struct share_peer *a, const struct share_peer *b);

/* The row of `share`, the peers, and the settings that begin with share_. */
struct share_setup {
    int64_t node;        /* 0: nothing is shared */
    int64_t incarnation; /* of this file on this machine: a copy gets another one */
    int64_t batch;       /* the number of the last batch that was handed over */
    int64_t follow;      /* the peer that decides the configuration; 0: none */
    char name[ROW_NAME_MAX];
    char url[SHARE_PATH_MAX]; /* of our own nats-server, where our log is */
    char ca[SHARE_PATH_MAX], certificate[SHARE_PATH_MAX], key[SHARE_PATH_MAX]; /* "": no TLS */
    struct share_peer peers[SHARE_PEERS_MAX];
    size_t peer_count;
    struct settings settings;
    bool restored; /* the database is one of earlier again, since the last call */
};

/*
 * Opens the database, or another one that has taken its place, and reads all of it. A file that is
 * not the one that its row of `share` was written for (column `place`: machine and inode) gets a
 * new incarnation. To be called before anything else, and again several times a second.
 *
 * While this runs, the shell's `.restore` may bring back a backup of the same file. That is told by
 * table share_state, which is then older than what sharing_write_state() wrote; a backup of the
 * same second is not noticed.
 */
int sharing_load(struct sharing *sharing, struct share_setup *ret_setup, struct error *error);

/*
 * Begins a turn. After one wait for SQLite's lock that was in vain, the rest of the turn does not
 * wait for it any more: the thread has to send beats, and it writes for each peer.
 */
void sharing_begin_turn(struct sharing *sharing);

/*
 * Says whether anybody else has committed since the last call; true when it cannot be known. Cheap:
 * called a hundred times a second.
 */
bool sharing_has_changed(struct sharing *sharing);

/* ---------------------------------------------------------------- what was changed here */

/* Rows are the caller's, in an array of `capacity` that it provides. */
struct shared_rows {
    struct shared_row *rows;
    size_t count, capacity;
};

/*
 * The current entries of the keys that changed longest ago, of as many changes as there is room
 * for, and the stamp of the last of them. A key whose entry is gone altogether is left out;
 * `ret_stamp` counts it. `ret_more`: there may be more changes. No changes: no rows, and a stamp of
 * 0.
 */
int sharing_read_changes(struct sharing *sharing, struct shared_rows *ret_rows, int64_t *ret_stamp,
                         bool *ret_more, struct error *error);

/* Removes the changes up to a stamp: they were handed over, as batch number `batch`. */
int sharing_forget_changes(struct sharing *sharing, int64_t stamp, int64_t batch,
                           struct error *error);

/* How many wait, and when the oldest was noted (0: none). */
int sharing_count_changes(struct sharing *sharing, int64_t *ret_count, int64_t *ret_oldest_ms,
                          struct error *error);

/* ---------------------------------------------------------------- what comes from others */

/* How far a peer's log has been read: table `share_cursor`. */
struct share_cursor {
    int64_t node;
    int64_t created;     /* of the log, in Unix nanoseconds: another one is another log */
    int64_t sequence;    /* of the last message that was applied */
    int64_t incarnation; /* of the peer's database, and the batch it last told */
    int64_t batch;
};

/* 0 with `ret_cursor` set, all zeros but the node where there is none. */
int sharing_cursor(struct sharing *sharing, int64_t node, struct share_cursor *ret_cursor,
                   struct error *error);

/* What became of rows. */
struct share_counts {
    int64_t newer, known, older, future;
    int64_t moved;   /* of the newer: a live mapping had another controller here */
    int64_t unknown; /* the pool or the controller does not exist here */
    int64_t no_room; /* max_megabytes, or the disk is nearly full */
    char unknown_name[2 * ROW_NAME_MAX]; /* one of them, "pool x" or "controller y"; or "" */
    int64_t paths;                       /* of the newer: round trip times, no mappings */
};

/* What one peer tells. All of it is the caller's. */
struct share_delivery {
    const struct shared_row *rows;
    size_t count;
    const struct share_cursor *cursor; /* where it ends, or NULL */
    struct share_counts *counts;       /* added to when rows are written */
    bool written;                      /* set by sharing_apply(); else it is to be given again */
};

/*
 * Merges the rows of up to SHARE_PEERS_MAX deliveries into the tables, and moves the cursors.
 * Deliveries that are small are written in one transaction, since a commit costs more than some
 * rows; if it fails, each has one of its own, so that no peer can keep out what the others tell. A
 * large one takes transactions of 250 rows, and its cursor is moved in the last of them. What is
 * written is not noted in `share_change`, and does not move `revision.mappings`.
 *
 * 0 if all is written, else a code with `error` set.
 */
int sharing_apply(struct sharing *sharing, struct share_delivery *deliveries, size_t count,
                  int64_t now_ms, struct error *error);

/* ---------------------------------------------------------------- round trip times */

/*
 * The place (path_metric.changed) of what was measured here last; 0: nothing was.
 */
int sharing_last_path(struct sharing *sharing, int64_t *ret_place, struct error *error);

/*
 * Those that were measured here and changed after a place, in that order, and the place of the last
 * of them that was looked at; `ret_last` says whether there are more. At most `capacity` are looked
 * at. Those that are too old for anybody (path_metric_max_age) are left out.
 */
int sharing_read_paths(struct sharing *sharing, int64_t after, int64_t now_ms,
                       struct shared_path *ret_paths, size_t capacity, size_t *ret_count,
                       int64_t *ret_to, bool *ret_last, struct error *error);

/*
 * How many of one peer are kept: more than there are networks of /24 that have resolvers. They take
 * some 25 megabytes.
 */
#define SHARE_PATHS_MAX 250000

/*
 * Writes those that node `origin` has measured and that are later than what stands there, in
 * transactions of 250, and adds to `counts`. They are not told to others from here. `kept` is how
 * many rows of that node there are, which are counted first when it is negative.
 */
int sharing_apply_paths(struct sharing *sharing, int64_t origin, const struct shared_path *paths,
                        size_t count, int64_t now_ms, int64_t *kept, struct share_counts *counts,
                        struct error *error);

/* ---------------------------------------------------------------- all rows, in order */

/*
 * The entries after a place, until there is no more room; `ret_last` says whether these are the
 * last ones. Entries past their end (entry_end_s(), and share_grace) are left out.
 */
int sharing_page(struct sharing *sharing, const struct shared_place *after, int64_t now_ms,
                 struct shared_rows *ret_rows, bool *ret_last, struct error *error);

/*
 * The sum of shared_row_digest() of the entries after `after` and up to `to` (NULL: the end). Looks
 * at no more than `most` + 1 of them: more than `most` are not what a peer compares with.
 */
int sharing_digest(struct sharing *sharing, const struct shared_place *after,
                   const struct shared_place *to, int64_t most, int64_t now_ms,
                   uint64_t *ret_digest, int64_t *ret_count, struct error *error);

/* What a sweep goes by. */
struct share_sweep {
    int64_t now_ms;
    int64_t batch; /* share.batch when changes are dropped: peers see that a batch is missing */
    bool clock_is_right; /* else nothing is taken back: it may be the present, and known to peers */
};

/* What a sweep has done. */
struct share_swept {
    int64_t dropped;    /* changes above share_outbox_rows */
    int64_t taken_back; /* entries, see below: peers may know greater ones now */
};

/*
 * Deletes tombstones past their end, the oldest changes above share_outbox_rows, and round trip
 * times that peers have measured and that are older than path_metric_max_age. Takes back
 * entries from the future (entry_take_back()), which are there after our clock was set back, and
 * notes them in `share_change`. Once a second; a part of the tables each time. `ret_swept` tells
 * what was done, also when the rest has failed.
 */
int sharing_sweep(struct sharing *sharing, const struct share_sweep *sweep,
                  struct share_swept *ret_swept, struct error *error);

/* A number of the configuration tables that are the same on all servers, by names and not by ids.
 */
int sharing_configuration_digest(struct sharing *sharing, uint64_t *ret_digest,
                                 struct error *error);

/* ---------------------------------------------------------------- what is to be seen of it */

/* What is told of the first row in which two configurations differ, with NUL. */
#define SHARE_DIFFERENCE_MAX 256

/* A row of `peer_state`. Times are Unix milliseconds, 0: never. */
struct share_peer_state {
    int64_t node;
    bool connected;
    int64_t heard_ms;        /* the last beat */
    int64_t clock_offset_ms; /* how far its clock is ahead of ours */
    int64_t lag_ms;          /* from its decision to our table, of the last batch */
    struct share_counts counts;
    int64_t refused;  /* messages that were malformed, or not the peer's own */
    int64_t equal_ms; /* when the last walk came to its end */
    bool walking;
    bool differs;                          /* its configuration is another one */
    char difference[SHARE_DIFFERENCE_MAX]; /* the first row; "": it is not known yet */
    char problem[256];                     /* "": none */
};

/* The row of `share_state`. */
struct share_state {
    bool connected;    /* to our own nats-server */
    int64_t waiting;   /* changes that are not handed over yet */
    int64_t oldest_ms; /* when the first of them was noted; 0: none */
    int64_t dropped;   /* changes, for share_outbox_rows */
    bool copied;       /* another server tells the same node: nothing is handed over */
    char problem[256];
    char warning[256]; /* of what is set up, although it may work */
};

/* Writes both, for people and for `status`. Once a second. */
int sharing_write_state(struct sharing *sharing, const struct share_state *state,
                        const struct share_peer_state *peers, size_t count, int64_t now_ms,
                        struct error *error);

/* Makes the rows of `peer_verdict` of one peer what its ballot says. Those that are so already are
 * not written. */
int sharing_write_ballot(struct sharing *sharing, const struct ballot *ballot, int64_t now_ms,
                         struct error *error);

#endif
