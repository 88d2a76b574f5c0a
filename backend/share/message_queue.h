/*
 * Messages in the order in which they came. A queue counts what it holds; limits are the business
 * of those who add. It has no lock of its own.
 */
#ifndef STICKY_SHARE_MESSAGE_QUEUE_H
#define STICKY_SHARE_MESSAGE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* One piece of memory; free() releases it. */
struct message {
    struct message *next;
    int64_t sequence;    /* in the log, or 0 */
    int64_t received_ms; /* monotonic; of questions */
    const char *subject; /* where to, or "" */
    const char *reply;   /* where the answer goes, or "" */
    const char *bytes;
    size_t length;
};

/* Copies its arguments. NULL when there is no memory. */
struct message *message_new(const char *subject, const char *reply, const char *bytes,
                            size_t length);

struct message_queue {
    struct message *first, *last;
    size_t count;
    size_t bytes; /* the lengths of all */
};

/* Takes the message over, which may be NULL: then nothing happens. */
void message_queue_add(struct message_queue *queue, struct message *message);

/* The first message, which is the caller's now; NULL when there is none. */
struct message *message_queue_take(struct message_queue *queue);

/* Frees all messages. */
void message_queue_clear(struct message_queue *queue);

#endif
