/*
 * The walk: a peer's table is compared with ours, range by range, and what it knows better is taken
 * over. It repairs what the logs could not carry: a new or an empty server, a log that has expired
 * or was lost.
 *
 * A range is compared by a digest first. Where it differs, the rows are asked for, and then those
 * of the following ranges at once, until a range is equal again. The next question is on its way
 * while the rows of the last answer are written.
 */
#ifndef STICKY_PROGRAM_SHARING_WALK_H
#define STICKY_PROGRAM_SHARING_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "share/transport.h"
#include "share/wire.h"
#include "store/sharing/sharing.h"

/* Questions of a walk have numbers up to this one; those of others have higher ones. */
#define WALK_QUESTION_MAX ((INT64_C(1) << 40) - 1)

struct walk {
    bool running;
    bool asked;                /* a question is open */
    int64_t question;          /* its number */
    int64_t retry_ms;          /* monotonic: not before; after an answer that did not come */
    struct shared_place after; /* of the question */
    bool wants_rows;
    int64_t ended_unix_ms; /* of the last one that came to its end */
    int64_t refused;       /* answers, of all walks */
    bool has_answer;       /* its rows are not written yet */
    struct wire_answer answer;
    struct wire_rows answer_rows;
};

/* Begins at the beginning; one that is running starts over. */
void walk_begin(struct walk *walk);

/*
 * Asks, compares, writes; as far as it can without waiting. Adds to `counts`. True when there is
 * more to do at once.
 */
bool walk_run(struct walk *walk, struct transport *transport, struct sharing *sharing,
              int64_t now_ms, int64_t now_unix_ms, struct share_counts *counts,
              struct error *error);

/* Answers the question of a peer: a page of our table. */
void walk_answer(struct sharing *sharing, const struct wire_question *question, int64_t now_unix_ms,
                 struct shared_rows *room, struct buffer *out, struct error *error);

/* Frees what it holds; it can be used again. */
void walk_release(struct walk *walk);

#endif
