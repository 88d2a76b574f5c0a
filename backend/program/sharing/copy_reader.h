/*
 * Reading the configuration of a peer, part by part; and the other side, what a server answers.
 *
 * It has a connection of its own to the nats-server of the peer. So a large configuration does not
 * wait behind rows, nor rows behind it, and only the owner of that server can answer.
 *
 * A server that follows another one (share.follow) tells only that: what would go round between two
 * that follow each other would never come to rest.
 */
#ifndef STICKY_PROGRAM_SHARING_COPY_READER_H
#define STICKY_PROGRAM_SHARING_COPY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buffer.h"
#include "core/base/error.h"
#include "program/sharing/feed.h"
#include "store/sharing/sharing_copy.h"

struct copy_reader;

/* Begins to connect. 0, or a code with `error` set. */
int copy_reader_open(const struct share_peer *peer, const struct share_setup *setup,
                     struct copy_reader **ret_reader, struct error *error);

/* Takes NULL. */
void copy_reader_close(struct copy_reader *reader);

/* The peer that it reads of, and when that answered last (Unix milliseconds, 0: never). */
const struct share_peer *copy_reader_peer(const struct copy_reader *reader);
int64_t copy_reader_heard_ms(const struct copy_reader *reader);

/* What is wrong with the connection, or was wrong with what was read last; "": nothing. */
const char *copy_reader_problem(const struct copy_reader *reader);

enum copy_state {
    COPY_WAITS, /* for an answer, or for the time to ask again */
    COPY_SAME,  /* the peer has just said that its configuration is ours */
    COPY_READ,  /* copy_reader_copy() is complete, until copy_reader_drop() */
};

/*
 * Asks once a second, unless the peer has our configuration, and collects the parts, as far as it
 * can without waiting for the network.
 */
enum copy_state copy_reader_run(struct copy_reader *reader, const struct feed_turn *turn,
                                struct error *error);

/* What was read. The text is the reader's. */
struct share_copy copy_reader_copy(const struct copy_reader *reader);

/* Keeps what was read; copy_reader_run() gives it again after so many milliseconds. */
void copy_reader_pause(struct copy_reader *reader, int64_t pause_ms);

/* Lets go of what was read. It is asked for again after a pause of at least a second. */
void copy_reader_drop(struct copy_reader *reader, int64_t pause_ms);

/* The same, and says why it is of no use, with a pause of at least ten seconds. */
void copy_reader_refuse(struct copy_reader *reader, const char *why, int64_t pause_ms);

/*
 * Answers the question of a peer that reads our configuration: appends a part to `out`, or nothing
 * when it is no such question.
 */
void copy_answer(struct sharing *sharing, const struct share_setup *setup,
                 const struct transport_message *question, struct buffer *out, struct error *error);

#endif
