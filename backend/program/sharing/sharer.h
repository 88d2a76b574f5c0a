/*
 * Sharing between name servers: the thread of pdns-stickyd that hands over what is decided here and
 * takes in what is decided elsewhere (claim 17).
 *
 * It looks for changes a hundred times a second, so a mapping that is made here is in the tables of
 * the others some ten milliseconds later. Nobody waits for it: an answer is given from this
 * server's own table, and all that is not handed over yet stands in table `share_change`.
 *
 * It runs also while nothing is shared (share.node = 0), and looks twice a second whether something
 * is to be.
 */
#ifndef STICKY_PROGRAM_SHARING_SHARER_H
#define STICKY_PROGRAM_SHARING_SHARER_H

#include "core/base/error.h"
#include "program/sharing/ballot_box.h"

struct sharer;

/*
 * Starts the thread. The path is copied; the box must live as long. 0, ERR_NOMEM, or ERR_IO when
 * there can be no thread.
 */
int sharer_start(const char *path, struct ballot_box *box, struct sharer **ret_sharer);

/*
 * What is wrong and was not told yet: a sentence for the log, or false. To be called again until
 * there is none.
 */
bool sharer_take_problem(struct sharer *sharer, struct error *ret_error);

/* Ends the thread within a second, or when a copy that it is writing is written; waits for it and
 * frees it. Takes NULL. */
void sharer_stop(struct sharer *sharer);

#endif
