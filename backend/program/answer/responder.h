/*
 * Answers questions from a database that may appear, change and disappear meanwhile.
 *
 * Before every question the responder checks whether the configuration has changed, and loads what
 * has; all of it, unless only some controllers, pools or virtual servers were updated. A topology,
 * which may be large, is loaded in the background (topology_loader.h). If the configuration cannot
 * be read, the last good one is used. Until one has been loaded, every question gets "no such
 * record", and listing the zones fails unless the file does not exist. There is always an answer;
 * problems go to the log queue. A responder belongs to one thread.
 */
#ifndef STICKY_PROGRAM_ANSWER_RESPONDER_H
#define STICKY_PROGRAM_ANSWER_RESPONDER_H

#include "core/base/error.h"
#include "core/base/log_queue.h"
#include "core/dns/question.h"
#include "core/sticky/assign.h"
#include "program/answer/topology_loader.h"
#include "store/store.h"

struct responder;

/* 0 or ERR_NOMEM. Does not open the database. `path` is copied. */
int responder_new(const char *path, struct responder **ret_responder);

/* Nobody waits but a person at the shell: what takes long to load is waited for. */
void responder_be_patient(struct responder *responder);

/* Loads the topology at the next responder_begin() although no pool goes by it. */
void responder_want_topology(struct responder *responder);
void responder_free(struct responder *responder);

/* Fills an answer, which was cleared before; its texts are valid until the next call. */
void responder_answer(struct responder *responder, const struct question *question,
                      struct answer *answer);
void responder_list(struct responder *responder, int32_t zone_id, const struct name *name,
                    struct answer *answer);
void responder_zones(struct responder *responder, struct answer *answer);

/* Ends the transaction. To be called when no question is expected soon. */
void responder_idle(struct responder *responder);

/*
 * Starts maintenance of the database if it is due, and returns at once. To be called between
 * questions. Does nothing until a question has opened the database.
 */
void responder_maintain(struct responder *responder);

/*
 * Begins a transaction for a command, and gives what decisions depend on. Everything that is read
 * until responder_end() is of the same moment. 0; or a code with `error` set, and responder_end()
 * must not be called.
 */
int responder_begin(struct responder *responder, struct decision_inputs *ret_inputs,
                    struct error *error);
void responder_end(struct responder *responder);

/*
 * Waits until what was answered before is in the table, as store_unwritten() does, in a transaction
 * of its own. 0 with the number of mappings that are not, or a code with `error` set.
 */
int responder_wait_stored(struct responder *responder, int64_t wait_ms, size_t *ret_unwritten,
                          struct error *error);

/* The revision of the configuration that is loaded. After responder_begin(). */
struct revision responder_revision(const struct responder *responder);

/* The topology and its files; NULL when no pool needs them. After responder_begin(). */
const struct topology_loader *responder_topology_loader(const struct responder *responder);

struct store *responder_store(struct responder *responder);

/* The queue of sentences for the log, to take from; responder_notify() adds one. */
struct log_queue *responder_log_queue(struct responder *responder);
void responder_notify(struct responder *responder, const char *text);

#endif
