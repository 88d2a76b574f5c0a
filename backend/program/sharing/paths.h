/*
 * What a peer has measured: round trip times are asked of it, page by page, in the order in which
 * they changed there. Its beats say how far that goes.
 *
 * Where the reading stands is kept in memory only: after a restart, with another database of the
 * peer, and once in share_walk seconds it begins at the beginning. So a server that was away, or
 * has lost its rows, has them again within seconds, and what was left out for now comes later.
 *
 * At most one question is open, beside those of the walk.
 */
#ifndef STICKY_PROGRAM_SHARING_PATHS_H
#define STICKY_PROGRAM_SHARING_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "share/transport.h"
#include "share/wire.h"
#include "store/sharing/sharing.h"

/* Zeros at first. */
struct path_reader {
    int64_t told;        /* how far the peer says that they go */
    int64_t after;       /* how far they were read */
    int64_t restart_ms;  /* monotonic: when it begins at the beginning again; 0: it has not begun */
    int64_t retry_ms;    /* not before; after an answer that did not come or brought nothing */
    bool asked;          /* a question is open */
    int64_t question;    /* its number */
    int64_t asked_up_to; /* `told` when it was asked */
    struct wire_paths *page;  /* owned; the last answer */
    bool has_page;            /* it is not written yet */
    int64_t cost;             /* of its octets, in rows */
    int64_t kept, counted_ms; /* rows of this peer here, and when they were counted */
    int64_t refused;          /* answers that make no sense */
};

/* Frees what it holds and leaves zeros. */
void paths_release(struct path_reader *reader);

/* Begins at the beginning. */
void paths_restart(struct path_reader *reader);

/* The same, but not before a minute has passed: some were left out that may be taken then. */
void paths_restart_later(struct path_reader *reader, int64_t now_ms);

/*
 * Takes the answer and writes its rows, as those of `origin`. Adds to `counts`, and takes what it
 * cost from `allowance`, in rows. 0, or a code with `error` set: then it is done the next time.
 */
int paths_take(struct path_reader *reader, struct transport *transport, struct sharing *sharing,
               int64_t origin, int64_t now_ms, int64_t now_unix_ms, int64_t *allowance,
               struct share_counts *counts, struct error *error);

/* Asks for the next page, if there is one that is to be had now. Each `every_ms` it restarts. */
void paths_ask(struct path_reader *reader, struct transport *transport, int64_t now_ms,
               int64_t every_ms);

/* Answers the question of a peer. `page` is room for it. */
void paths_answer(struct sharing *sharing, const struct wire_question *question,
                  int64_t now_unix_ms, struct wire_paths *page, struct buffer *out,
                  struct error *error);

#endif
