/*
 * Answers questions from a database that may come, change and go while they are asked.
 *
 * Before every question the responder looks whether the configuration moved, and reads it anew if
 * it did. A topology, which may be large, follows a little later (loader.h). When it cannot be
 * read, the last good one serves on; as long as there never was one, every question gets "no such
 * record", and the list of zones fails unless there is no file. Problems go to the log_queue, never
 * to the caller: there is always an answer. One responder belongs to one thread.
 */
#ifndef STICKY_PROGRAM_ANSWER_RESPONDER_H
#define STICKY_PROGRAM_ANSWER_RESPONDER_H

#include "core/base/error.h"
#include "core/dns/question.h"
#include "core/sticky/assign.h"
#include "program/answer/log_queue.h"
#include "program/answer/topology_loader.h"
#include "store/store.h"

struct responder;

/* 0 or ERR_NOMEM. Does not touch the database. `path` is copied. */
int responder_new(const char *path, struct responder **ret_responder);
void responder_free(struct responder *responder);

/* Fills an answer that was cleared; its texts are valid until the next call. */
void responder_answer(struct responder *responder, const struct question *question,
                      struct answer *answer);
void responder_list(struct responder *responder, int32_t zone_id, const struct name *name,
                    struct answer *answer);
void responder_zones(struct responder *responder, struct answer *answer);

/* Lets go of the database, when no question comes soon. */
void responder_idle(struct responder *responder);

/*
 * Housekeeping, to be seen to between questions. Does nothing until the database was opened by a
 * question, and returns at once.
 */
void responder_maintain(struct responder *responder);

/*
 * What decisions depend on at this moment, for commands: all that is read until responder_end()
 * is of one moment. 0, or a code with `error` set and nothing to leave.
 */
int responder_begin(struct responder *responder, struct decision_inputs *ret_inputs,
                    struct error *error);
void responder_end(struct responder *responder);

/* The revision of the configuration that is loaded; see responder_begin(). */
struct revision responder_revision(const struct responder *responder);

/* The topology and its files, NULL when no pool needs them; see responder_begin(). */
const struct topology_loader *responder_topology_loader(const struct responder *responder);

struct store *responder_store(struct responder *responder);

/* The log_queue, to take from; what somebody else has to tell goes in by responder_notify(). */
struct log_queue *responder_log_queue(struct responder *responder);
void responder_notify(struct responder *responder, const char *text);

#endif
