/*
 * What name servers tell each other, as JSON: batches of rows, beats, and the questions and answers
 * of a walk. Whatever a peer sends is read with bounds on everything; what does not fit is refused
 * whole. `now` and files are not known here.
 *
 * Members that are not known are ignored, so that a later version can add some. Whether the node is
 * that of the peer, and whether a walk goes forward, is for the caller to check.
 */
#ifndef STICKY_SHARE_WIRE_H
#define STICKY_SHARE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buffer.h"
#include "core/base/error.h"
#include "core/health/ballot.h"
#include "core/sharing/entry.h"
#include "core/sharing/path.h"

/*
 * Rows of a page, round trip times of a page, rows of a batch, and octets of any message, which is
 * also what a nats-server takes by default. Any rows of a batch fit, and any round trip times; of a
 * page, those that do.
 */
#define WIRE_ROWS_MAX 4000
#define WIRE_PATHS_MAX 1000
#define WIRE_BATCH_MAX 1000
#define WIRE_BYTES_MAX (1 << 20)

/* The version of the format; messages of another one are refused. */
#define WIRE_VERSION 1

/*
 * Rows that were read, and memory for reading, which is used again by the next message that is read
 * into it. Zeros at first. Fresh memory for each message would cost several times what reading
 * does.
 */
struct wire_rows {
    struct shared_row *rows;
    size_t count, capacity;
    struct arena memory;
};

/* Frees all of it and leaves zeros; takes zeros. */
void wire_rows_release(struct wire_rows *rows);

/* What was changed on one server. */
struct wire_batch {
    int64_t node, incarnation;
    int64_t number;       /* of this batch; each is above those before it */
    int64_t acknowledged; /* the number of the last batch before it that is in the log */
};

/* Each second: I am here. */
struct wire_beat {
    int64_t node, incarnation;
    int64_t clock_ms; /* Unix time there */
    int64_t batch;    /* the last one in its log */
    int64_t rows;     /* waiting to be handed over */
    uint64_t configuration;
    int64_t path;    /* path_metric.changed of what was measured there last; 0: nothing was */
    int64_t process; /* a random number of the process; 0: it does not tell */
};

/*
 * A walk: the peer is asked what it has after a place. Or it is asked what was measured there, and
 * changed after `path`.
 */
struct wire_question {
    bool paths; /* that is asked */
    int64_t path;
    struct shared_place after;
    bool rows; /* the rows themselves; else only their digest */
};

struct wire_answer {
    struct shared_place to; /* the page goes so far; meaningless with `last` */
    bool last;              /* to the end of all */
    uint64_t digest;
    int64_t count;
};

/* Round trip times in the order of their changes. */
struct wire_paths {
    int64_t to; /* the last one that was looked at */
    bool last;  /* there are no more */
    struct shared_path paths[WIRE_PATHS_MAX];
    size_t count;
};

/*
 * Each appends one message to `out`; check out->failed. A beat tells the votes of `ballot` that
 * fit; NULL: it tells none. `rows` may be empty. Rows that no peer
 * would take (core/sharing/row_problem.h), and such round trip times, are left out. Everything else
 * must be as the readers want it.
 */
void wire_write_batch(struct buffer *out, const struct wire_batch *batch,
                      const struct shared_row *rows, size_t count);
void wire_write_beat(struct buffer *out, const struct wire_beat *beat, const struct ballot *ballot);
void wire_write_question(struct buffer *out, const struct wire_question *question);
void wire_write_answer(struct buffer *out, const struct wire_answer *answer,
                       const struct shared_row *rows, size_t count);
void wire_write_paths(struct buffer *out, const struct wire_paths *paths);

/*
 * Each reads one message. 0; ERR_INVAL or ERR_NOMEM, both with `error` set, and no rows. The votes
 * of a beat replace those of `ballot`, sorted; there are none in beats of an older version. Names
 * and numbers of rows are in the ranges of the schema afterwards.
 */
int wire_read_batch(const char *text, size_t length, struct wire_batch *ret_batch,
                    struct wire_rows *rows, struct error *error);
int wire_read_beat(const char *text, size_t length, struct wire_beat *ret_beat,
                   struct ballot *ballot, struct error *error);
int wire_read_question(const char *text, size_t length, struct wire_question *ret_question,
                       struct error *error);
int wire_read_answer(const char *text, size_t length, struct wire_answer *ret_answer,
                     struct wire_rows *rows, struct error *error);
int wire_read_paths(const char *text, size_t length, struct wire_paths *paths, struct error *error);

#endif
