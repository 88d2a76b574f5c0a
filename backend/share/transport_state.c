/*
 * What follows from an event of the connection, and what the thread has to do next. No function
 * here waits, locks or knows NATS; the mutex of the transport is held.
 */
#include "share/transport_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buffer.h"
#include "share/jetstream.h"

/* How often the bounds of the log are asked for, and how often while there is no log yet. */
#define INFO_MS 1000
#define FIRST_INFO_MS 200

/* A subscription that shows nothing for so long is made anew; on a slow line that doubles. */
#define PATIENCE_MS 1500
#define PATIENCE_MAX_MS 60000

/* How soon the log is read again after the server refused it, or left something out. */
#define READ_AGAIN_MS 1000

/* How soon something is given to the log again that the server has refused, and has logged. */
#define APPEND_AGAIN_MS 1000

/* Three replies to the question for bounds are missing. */
#define SILENCE_MS 3500

#define INFO_REPLY "info"
#define READ_REPLY "read"
#define APPEND_REPLY "append."
#define ANSWER_REPLY "answer."

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* What a server says goes to logs and terminals. */
static void copy_printable(char *to, const char *text)
{
    snprintf(to, ERROR_TEXT_MAX, "%s", text);
    for (char *at = to; *at; at++)
        if (*at < ' ' || *at > '~') /* where char is signed, octets above 127 are below ' ' */
            *at = ' ';
}

void transport_refused(struct transport *transport, const char *text, int64_t now_ms)
{
    copy_printable(transport->refusal, text);
    transport->refused_ms = now_ms;
}

bool transport_is_silent(const struct transport *transport, int64_t now_ms)
{
    return now_ms - transport->heard_ms > SILENCE_MS;
}

int transport_send(struct transport *transport, const char *subject, const char *reply,
                   const char *bytes, size_t length)
{
    struct message_queue *outbox = &transport->outbox;
    if (outbox->count >= OUTBOX_COUNT_MAX || outbox->bytes + length > OUTBOX_BYTES_MAX)
        return ERR_BUSY;
    struct message *message = message_new(subject, reply, bytes, length);
    if (!message)
        return ERR_NOMEM;
    message_queue_add(outbox, message);
    pthread_cond_signal(&transport->changed);
    return 0;
}

/* ---------------------------------------------------------------- the connection */

void transport_heard(struct transport *transport, int64_t now_ms)
{
    transport->heard_ms = now_ms;
    if (transport->is_connected)
        transport->problem[0] = '\0';
}

/* A server that stands still lets us connect, and then does nothing: the problem stays. */
void transport_connected(struct transport *transport, int64_t now_ms)
{
    transport->is_connected = true;
    transport->heard_ms = now_ms;
    transport->info_due_ms = now_ms;
    transport->append_not_before_ms = 0;
    transport->tail.not_before_ms = 0;
    transport->may_write = false;
}

static void answer_nothing(struct open_question *question)
{
    if (question->state == QUESTION_OPEN)
        question->state = QUESTION_ANSWERED;
}

void transport_disconnected(struct transport *transport, const char *why)
{
    copy_printable(transport->problem, why);
    transport->is_connected = false;
    transport->has_bounds = false;
    if (transport->append == APPEND_WAITING)
        transport->append = APPEND_FAILED;
    for (int i = 0; i < TRANSPORT_QUESTIONS_MAX; i++)
        answer_nothing(&transport->questions[i]);
    message_queue_clear(&transport->outbox);
    message_queue_clear(&transport->asked);
    transport->tail.is_active = false;
    transport->tail.is_stale = false;
}

/* ---------------------------------------------------------------- replies */

/* Sets `ret_number` if the reply is one of those that begin with `kind`. */
static bool is_numbered(const char *reply, const char *kind, int64_t *ret_number)
{
    if (!begins_with(reply, kind))
        return false;
    *ret_number = strtoll(reply + strlen(kind), NULL, 10);
    return true;
}

/* Whether the log has messages that have not been read. */
static bool is_behind(const struct tail *tail, const struct transport_bounds *bounds)
{
    return tail->next <= bounds->last && bounds->first <= bounds->last;
}

static void compare_with_log(struct transport *transport, int64_t now_ms)
{
    struct tail *tail = &transport->tail;
    if (!tail->is_wanted)
        return;
    if (tail->created == 0)
        tail->created = transport->bounds.created;
    if (tail->created != transport->bounds.created) {
        tail->is_wanted = false;
        tail->is_stale = true;
        message_queue_clear(&transport->log);
        tail->is_full = false;
    } else if (!tail->is_active || !is_behind(tail, &transport->bounds)) {
        tail->behind_since_ms = 0;
    } else if (tail->behind_since_ms == 0) {
        tail->behind_since_ms = now_ms;
    }
}

/* The log is known for the first time over this connection. */
static void begin_with_log(struct transport *transport)
{
    transport->refusal[0] = '\0'; /* such as: there is no log yet */
    transport->probe_is_due = !transport->is_home && transport->certificate;
}

/* See transport_may_write(). */
static void probe(struct transport *transport)
{
    transport->probe_is_due = false;
    transport_send(transport, LOG_SUBJECT, PROBE_REPLY, "", 0);
}

static void take_bounds(struct transport *transport, const char *bytes, size_t length,
                        int64_t now_ms)
{
    struct error error = {0};
    int code = jetstream_parse_bounds(bytes, length, &transport->bounds, &error);
    transport->bounds.number = ++transport->bounds_number;
    if (code == 0 && !transport->has_bounds)
        begin_with_log(transport);
    transport->has_bounds = code == 0;
    if (code == 0 && transport->probe_is_due)
        probe(transport);
    if (code == 0)
        compare_with_log(transport, now_ms);
    else if (code == ERR_NOTFOUND && transport->is_home)
        transport_send(transport, JETSTREAM_MAKE, INFO_REPLY, jetstream_make_text(),
                       strlen(jetstream_make_text()));
    else
        transport_refused(transport, error.text, now_ms);
}

static void read_again(struct transport *transport, int64_t now_ms)
{
    transport->tail.is_stale = true;
    transport->tail.not_before_ms = now_ms + READ_AGAIN_MS;
}

/* 0 when the server has done it. */
static int check_done(struct transport *transport, const char *bytes, size_t length, int64_t now_ms)
{
    struct error error = {0};
    int code = jetstream_parse_done(bytes, length, &error);
    if (code != 0)
        transport_refused(transport, error.text, now_ms);
    return code;
}

static void take_acknowledgement(struct transport *transport, int64_t number, const char *bytes,
                                 size_t length, int64_t now_ms)
{
    if (transport->append != APPEND_WAITING || number != transport->append_number)
        return;
    int code = bytes ? check_done(transport, bytes, length, now_ms) : ERR_IO;
    transport->append = code == 0 ? APPEND_DONE : APPEND_FAILED;
    if (code != 0)
        transport->append_not_before_ms = now_ms + APPEND_AGAIN_MS;
}

static void take_answer(struct transport *transport, int64_t number, const char *bytes,
                        size_t length)
{
    for (int i = 0; i < TRANSPORT_QUESTIONS_MAX; i++) {
        struct open_question *question = &transport->questions[i];
        if (question->state != QUESTION_OPEN || question->number != number)
            continue;
        if (bytes && length <= TRANSPORT_BYTES_MAX)
            question->answer = message_new("", "", bytes, length);
        question->state = QUESTION_ANSWERED;
    }
}

void transport_replied(struct transport *transport, const char *reply, const char *bytes,
                       size_t length, int64_t now_ms)
{
    int64_t number;
    if (!transport->is_connected) /* it comes while the connection is closed */
        return;
    if (is_numbered(reply, APPEND_REPLY, &number)) {
        take_acknowledgement(transport, number, bytes, length, now_ms);
    } else if (is_numbered(reply, ANSWER_REPLY, &number)) {
        take_answer(transport, number, bytes, length);
    } else if (strcmp(reply, PROBE_REPLY) == 0) {
        transport->may_write = bytes != NULL; /* JetStream itself has refused */
        transport->probe_is_due = !bytes;     /* it does not listen to its log yet */
    } else if (!bytes) {
        transport->has_bounds = false;
        transport_refused(transport,
                          transport->bounds_number > 0
                              ? "JetStream is no longer enabled: see the log of nats-server"
                              : "JetStream is not enabled on this server or for this user",
                          now_ms);
    } else if (strcmp(reply, INFO_REPLY) == 0) {
        take_bounds(transport, bytes, length, now_ms);
    } else if (strcmp(reply, READ_REPLY) == 0) {
        if (check_done(transport, bytes, length, now_ms) != 0)
            read_again(transport, now_ms);
    }
    pthread_cond_signal(&transport->changed);
}

/* ---------------------------------------------------------------- what is received */

static bool has_room(const struct message_queue *queue, size_t length, size_t bytes_max,
                     size_t count_max)
{
    return queue->count == 0 || (queue->count < count_max && queue->bytes + length <= bytes_max);
}

static size_t admitted(size_t length)
{
    return length <= TRANSPORT_BYTES_MAX ? length : 0;
}

void transport_read(struct transport *transport, int64_t sequence, int64_t delivered,
                    const char *bytes, size_t length, int64_t now_ms)
{
    struct tail *tail = &transport->tail;
    if (!tail->is_active || tail->is_stale || sequence <= 0 || sequence > SEQUENCE_MAX)
        return;
    if (delivered != tail->delivered + 1) {
        read_again(transport, now_ms);
        return;
    }
    tail->delivered = delivered;
    tail->behind_since_ms = 0;
    tail->patience_ms = PATIENCE_MS;
    if (sequence < tail->next)
        return;
    length = admitted(length);
    tail->is_full = !has_room(&transport->log, length, LOG_BYTES_MAX, LOG_COUNT_MAX);
    struct message *message = tail->is_full ? NULL : message_new("", "", bytes, length);
    if (!message) {
        tail->is_stale = true;
        pthread_cond_signal(&transport->changed);
        return;
    }
    message->sequence = sequence;
    message_queue_add(&transport->log, message);
    tail->next = sequence + 1;
}

void transport_flow_control(struct transport *transport, const char *subject)
{
    if (begins_with(subject, "$JS.FC."))
        transport_send(transport, subject, "", "", 0);
}

void transport_heard_beat(struct transport *transport, const char *bytes, size_t length)
{
    while (transport->beats.count >= BEATS_MAX)
        free(message_queue_take(&transport->beats));
    message_queue_add(&transport->beats, message_new("", "", bytes, admitted(length)));
}

void transport_asked(struct transport *transport, const char *reply, const char *bytes,
                     size_t length, int64_t now_ms)
{
    length = admitted(length);
    /*
     * We may write everywhere, and whoever asks may not: an answer goes to an inbox only, or to the
     * place that stands for an inbox of another account.
     */
    if (!(begins_with(reply, "_INBOX.") || begins_with(reply, "_R_.")) || !transport->is_connected)
        return;
    if (!has_room(&transport->asked, length, ASKED_BYTES_MAX, ASKED_COUNT_MAX))
        return;
    struct message *question = message_new("", reply, bytes, length);
    if (question)
        question->received_ms = now_ms;
    message_queue_add(&transport->asked, question);
}

/* ---------------------------------------------------------------- what to do next */

static void ask_for_bounds(struct transport *transport, int64_t now_ms)
{
    if (now_ms < transport->info_due_ms)
        return;
    transport->info_due_ms = now_ms + (transport->has_bounds ? INFO_MS : FIRST_INFO_MS);
    transport_send(transport, JETSTREAM_INFO, INFO_REPLY, "", 0);
}

static void lose_patience(struct tail *tail, int64_t now_ms)
{
    if (!tail->is_active || tail->is_stale || tail->behind_since_ms == 0 ||
        now_ms - tail->behind_since_ms < tail->patience_ms)
        return;
    tail->is_stale = true;
    tail->patience_ms *= 2;
    if (tail->patience_ms > PATIENCE_MAX_MS)
        tail->patience_ms = PATIENCE_MAX_MS;
}

static struct task begin_reading(struct tail *tail)
{
    tail->is_active = true;
    tail->is_stale = false;
    tail->delivered = 0;
    tail->behind_since_ms = 0;
    if (tail->patience_ms == 0)
        tail->patience_ms = PATIENCE_MS;
    return (struct task){.kind = TASK_READ, .from = tail->next};
}

/* Whether a subscription has to be made, now or at `not_before_ms`. */
static bool may_read(const struct transport *transport)
{
    const struct tail *tail = &transport->tail;
    return tail->is_wanted && !tail->is_active && !tail->is_full && transport->has_bounds;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_look(const struct transport *transport)
{
    const struct tail *tail = &transport->tail;
    int64_t until_ms = transport->info_due_ms;
    if (may_read(transport))
        until_ms = earlier(until_ms, tail->not_before_ms);
    if (tail->is_active && tail->behind_since_ms > 0)
        until_ms = earlier(until_ms, tail->behind_since_ms + tail->patience_ms);
    return until_ms;
}

struct task transport_next_task(struct transport *transport, int64_t now_ms)
{
    struct tail *tail = &transport->tail;
    ask_for_bounds(transport, now_ms);
    struct message *message = message_queue_take(&transport->outbox);
    if (message)
        return (struct task){.kind = TASK_SEND, .message = message};
    lose_patience(tail, now_ms);
    if (tail->is_active && tail->is_stale) {
        tail->is_active = false;
        return (struct task){.kind = TASK_STOP_READING};
    }
    if (may_read(transport) && now_ms >= tail->not_before_ms)
        return begin_reading(tail);
    return (struct task){.kind = TASK_WAIT, .until_ms = next_look(transport)};
}
