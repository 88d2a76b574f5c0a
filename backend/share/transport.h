/*
 * Messages between name servers, over NATS. The only file that knows libnats is transport_nats.c.
 *
 * Each name server has a nats-server of its own with one log, the JetStream stream STICKY (subject
 * sticky.log, one replica, files, max_age 1 h, max_bytes 256 MiB). Only its owner appends to it;
 * its peers read it from a place that they remember. Beats (sticky.beat) and the questions of a
 * walk (sticky.walk) are plain messages on the same server.
 *
 * Nothing here blocks for longer than a millisecond, whatever has become of the servers: what is
 * not there yet is not there yet. A transport is one connection, for one thread; it connects, and
 * connects again, by itself and for ever. A thread of the transport waits for the network. The
 * functions only give it something to do, and take what it has received.
 */
#ifndef STICKY_SHARE_TRANSPORT_H
#define STICKY_SHARE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct transport;

/*
 * Octets of a message: the usual max_payload of a nats-server, which refuses longer ones. What is
 * received and longer arrives empty.
 */
#define TRANSPORT_BYTES_MAX (1 << 20)

/* No log gets there. A server may say anything. */
#define SEQUENCE_MAX (INT64_C(1) << 62)

/* An append and a question have failed after so long; an unreachable server is left after it. */
#define TRANSPORT_TIMEOUT_MS 2000

struct transport_options {
    const char *url; /* nats://host:port or tls://host:port */
    const char
        *peer_name; /* the host name that its certificate must have; NULL or "": that of url */
    const char *ca, *certificate, *key; /* paths; NULL or "": no TLS */
    bool is_home; /* our own server: makes the log, appends, answers questions */
};

/*
 * Begins to connect. Options are copied. 0, or a code with `error` set: a file that cannot be read,
 * or a build without NATS. Files are read again with each connection, so they may be replaced.
 */
int transport_open(const struct transport_options *options, struct transport **ret_transport,
                   struct error *error);

/* Takes NULL. Its thread ends by itself, within some seconds if it waits for the network. */
void transport_close(struct transport *transport);

/*
 * Waits until the threads of all closed transports have ended, for no longer than `timeout_ms`, and
 * says whether they have. Only for the end of a process.
 */
bool transport_await_end(int64_t timeout_ms);

/* Whether there is a connection, and the server has shown life over it. */
bool transport_is_connected(struct transport *transport);

/*
 * Why it is not connected, or what the server refused in the last ten seconds; "" when all is well.
 * Valid until the next call.
 */
const char *transport_problem(struct transport *transport);

/*
 * Says whether the server of a peer has let us write to its log, which it should not. Tried once
 * for each connection with a certificate, by a message that names a stream that does not exist: it
 * is refused either for us or for that.
 */
bool transport_may_write(struct transport *transport);

/* ---------------------------------------------------------------- home: our log */

enum append_state {
    APPEND_NONE,    /* nothing was given */
    APPEND_WAITING, /* not acknowledged yet */
    APPEND_DONE,    /* it is in the log */
    APPEND_FAILED   /* it may be in the log or not: give it again */
};

/*
 * Whether the log can take a message now: not while the last one is waiting, without a connection,
 * before the log is known (transport_bounds()), or within a second after the server refused one.
 */
bool transport_may_append(struct transport *transport);

/*
 * Gives one message to the log. 0; ERR_BUSY when it can take none now; ERR_NOMEM. Without an
 * acknowledgement for two seconds, or with the end of the connection, it has failed.
 */
int transport_append(struct transport *transport, const char *bytes, size_t length);
enum append_state transport_append_state(struct transport *transport);

/* Tells all who listen now. Nobody knows whether anybody does. */
void transport_beat(struct transport *transport, const char *bytes, size_t length);

/* ---------------------------------------------------------------- a peer: its log and beats */

/* A message, valid until the next one is taken from the same transport. */
struct transport_message {
    const char *bytes;
    size_t length;
    int64_t sequence; /* in the log, up to SEQUENCE_MAX; 0 for others */
};

/* What the peer's log is, or was about a second ago. */
struct transport_bounds {
    int64_t created;     /* Unix nanoseconds: another value, another log */
    int64_t first, last; /* sequences; without messages, first is last + 1 */
    int64_t readers;     /* subscriptions to it */
    int64_t number;      /* of the answer that said so, from 1: another number, a newer answer */
};

/*
 * The bounds of the log. They are asked for in the background each second. False until they are
 * known for this connection.
 */
bool transport_bounds(struct transport *transport, struct transport_bounds *ret_bounds);

/*
 * Reads the log from a sequence on, which need not exist yet, and over every new connection. Called
 * again to read from elsewhere. A subscription that shows nothing for 1.5 s although the log is
 * longer is made anew, with more patience each time.
 *
 * It holds for the log that transport_bounds() told last. Once there is another one (`created`),
 * nothing is read until it is called again. Called before bounds were known, it is for the log that
 * is found.
 */
void transport_tail(struct transport *transport, int64_t from);

/* The next message of the log; false when there is none now. */
bool transport_next(struct transport *transport, struct transport_message *ret_message);

/* The next beat of the peer, or at home of anybody there; false when there is none now. The oldest
 * are dropped above 16. */
bool transport_next_beat(struct transport *transport, struct transport_message *ret_message);

/* ---------------------------------------------------------------- questions */

#define TRANSPORT_QUESTIONS_MAX 4

/*
 * Asks the owner of this server. Up to TRANSPORT_QUESTIONS_MAX may be open; `id` tells them apart.
 * 0; ERR_BUSY when there are as many, or no connection; ERR_NOMEM. Each gets an answer: an empty
 * one when none comes within two seconds, or as soon as it is known that none will.
 *
 * Several who ask over one connection have ids of their own, and take only answers to those from
 * `least` to `most`.
 */
int transport_ask(struct transport *transport, int64_t id, const char *bytes, size_t length);
bool transport_next_answer(struct transport *transport, int64_t least, int64_t most,
                           int64_t *ret_id, struct transport_message *ret_message);

/*
 * Home: a question that somebody asks, and the answer to the one that was taken last. A question
 * that waited longer than TRANSPORT_TIMEOUT_MS is left out: nobody waits for its answer any more.
 */
bool transport_next_question(struct transport *transport, struct transport_message *ret_message);
void transport_answer(struct transport *transport, const char *bytes, size_t length);

#endif
