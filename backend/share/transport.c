/*
 * The caller's half of a transport: gives the thread something to do, and takes what it received.
 */
#include "share/transport.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "share/jetstream.h"
#include "share/transport_parts.h"
#include "system/clock.h"

/* How long transport_problem() tells what was refused. */
#define REFUSAL_MS 10000

/* Transports whose threads have not ended. */
static pthread_mutex_t living_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t living_changed = PTHREAD_COND_INITIALIZER;
static int living_count;

static void count_living(int change)
{
    pthread_mutex_lock(&living_mutex);
    living_count += change;
    pthread_cond_broadcast(&living_changed);
    pthread_mutex_unlock(&living_mutex);
}

bool transport_await_end(int64_t timeout_ms)
{
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    int code = 0;
    pthread_mutex_lock(&living_mutex);
    while (living_count > 0 && code == 0)
        code = pthread_cond_clockwait(&living_changed, &living_mutex, CLOCK_MONOTONIC, &until);
    bool ended = living_count == 0;
    pthread_mutex_unlock(&living_mutex);
    return ended;
}

/* ---------------------------------------------------------------- opening and closing */

static int check_file(const char *path, struct error *error)
{
    if (path && *path && access(path, R_OK) != 0)
        return error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    return 0;
}

static bool copy(const char *text, char **ret_copy)
{
    bool is_given = text && *text;
    *ret_copy = is_given ? strdup(text) : NULL;
    return *ret_copy || !is_given;
}

/* The host of SCHEME://USER@HOST:PORT; an IPv6 address has brackets there. NULL: no memory. */
static char *host_of(const char *url)
{
    const char *begin = strstr(url, "://");
    begin = begin ? begin + 3 : url;
    const char *at = strrchr(begin, '@');
    if (at)
        begin = at + 1;
    if (*begin == '[')
        return strndup(begin + 1, strcspn(begin + 1, "]"));
    return strndup(begin, strcspn(begin, ":/"));
}

static bool copy_options(struct transport *transport, const struct transport_options *options)
{
    transport->is_home = options->is_home;
    bool is_named = options->peer_name && *options->peer_name;
    transport->host = is_named ? strdup(options->peer_name) : host_of(options->url);
    return transport->host && copy(options->url, &transport->url) &&
           copy(options->ca, &transport->ca) &&
           copy(options->certificate, &transport->certificate) &&
           copy(options->key, &transport->key);
}

static struct transport *transport_new(const struct transport_options *options)
{
    struct transport *transport = calloc(1, sizeof *transport);
    if (!transport)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&transport->mutex, NULL);
    pthread_cond_init(&transport->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    count_living(1);
    if (copy_options(transport, options)) {
        snprintf(transport->problem, sizeof transport->problem, "connecting to %.200s",
                 options->url);
        return transport;
    }
    transport_free(transport);
    return NULL;
}

void transport_free(struct transport *transport)
{
    message_queue_clear(&transport->outbox);
    message_queue_clear(&transport->log);
    message_queue_clear(&transport->beats);
    message_queue_clear(&transport->asked);
    for (int i = 0; i < TRANSPORT_QUESTIONS_MAX; i++)
        free(transport->questions[i].answer);
    free(transport->taken);
    free(transport->question);
    free(transport->url);
    free(transport->host);
    free(transport->ca);
    free(transport->certificate);
    free(transport->key);
    pthread_cond_destroy(&transport->changed);
    pthread_mutex_destroy(&transport->mutex);
    free(transport);
    count_living(-1);
}

int transport_open(const struct transport_options *options, struct transport **ret_transport,
                   struct error *error)
{
    if (check_file(options->ca, error) != 0 || check_file(options->certificate, error) != 0 ||
        check_file(options->key, error) != 0)
        return ERR_IO;
    struct transport *transport = transport_new(options);
    if (!transport)
        return error_set(error, ERR_NOMEM, "out of memory");
    if (!transport_start(transport, error)) {
        transport_free(transport);
        return ERR_IO;
    }
    *ret_transport = transport;
    return 0;
}

void transport_close(struct transport *transport)
{
    if (!transport)
        return;
    pthread_mutex_lock(&transport->mutex);
    transport->is_closing = true;
    pthread_cond_signal(&transport->changed);
    pthread_mutex_unlock(&transport->mutex);
}

/* ---------------------------------------------------------------- how it is */

bool transport_is_connected(struct transport *transport)
{
    pthread_mutex_lock(&transport->mutex);
    bool is_connected = transport->is_connected && !transport->problem[0];
    pthread_mutex_unlock(&transport->mutex);
    return is_connected;
}

const char *transport_problem(struct transport *transport)
{
    int64_t now_ms = clock_monotonic_ms();
    const char *text = "";
    pthread_mutex_lock(&transport->mutex);
    if (!transport->is_connected || transport->problem[0])
        text = transport->problem;
    else if (transport->refusal[0] && now_ms - transport->refused_ms < REFUSAL_MS)
        text = transport->refusal;
    snprintf(transport->told, sizeof transport->told, "%s", text);
    pthread_mutex_unlock(&transport->mutex);
    return transport->told;
}

bool transport_may_write(struct transport *transport)
{
    pthread_mutex_lock(&transport->mutex);
    bool may_write = transport->is_connected && transport->may_write;
    pthread_mutex_unlock(&transport->mutex);
    return may_write;
}

bool transport_bounds(struct transport *transport, struct transport_bounds *ret_bounds)
{
    pthread_mutex_lock(&transport->mutex);
    bool has_bounds = transport->has_bounds;
    if (has_bounds)
        *ret_bounds = transport->bounds;
    pthread_mutex_unlock(&transport->mutex);
    return has_bounds;
}

/* ---------------------------------------------------------------- sending */

/* An acknowledgement that is late will not come; the thread may be waiting itself. */
static void expire_append(struct transport *transport)
{
    if (transport->append == APPEND_WAITING &&
        clock_monotonic_ms() >= transport->append_deadline_ms)
        transport->append = APPEND_FAILED;
}

/* With the mutex held. */
static bool may_append(struct transport *transport)
{
    expire_append(transport);
    return transport->has_bounds && transport->append != APPEND_WAITING &&
           clock_monotonic_ms() >= transport->append_not_before_ms;
}

bool transport_may_append(struct transport *transport)
{
    pthread_mutex_lock(&transport->mutex);
    bool may = may_append(transport);
    pthread_mutex_unlock(&transport->mutex);
    return may;
}

int transport_append(struct transport *transport, const char *bytes, size_t length)
{
    char reply[32];
    int code = ERR_BUSY;
    pthread_mutex_lock(&transport->mutex);
    if (may_append(transport)) {
        snprintf(reply, sizeof reply, "append.%" PRId64, ++transport->append_number);
        code = transport_send(transport, LOG_SUBJECT, reply, bytes, length);
    }
    if (code == 0) {
        transport->append = APPEND_WAITING;
        transport->append_deadline_ms = clock_monotonic_ms() + TRANSPORT_TIMEOUT_MS;
    }
    pthread_mutex_unlock(&transport->mutex);
    return code;
}

enum append_state transport_append_state(struct transport *transport)
{
    pthread_mutex_lock(&transport->mutex);
    expire_append(transport);
    enum append_state state = transport->append;
    pthread_mutex_unlock(&transport->mutex);
    return state;
}

void transport_beat(struct transport *transport, const char *bytes, size_t length)
{
    pthread_mutex_lock(&transport->mutex);
    if (transport->is_connected)
        transport_send(transport, BEAT_SUBJECT, "", bytes, length);
    pthread_mutex_unlock(&transport->mutex);
}

/* ---------------------------------------------------------------- receiving */

/* Hands the message to the caller until the next one is taken; NULL: there is none. */
static bool hand_over(struct transport *transport, struct message *message,
                      struct transport_message *ret_message)
{
    if (!message)
        return false;
    free(transport->taken);
    transport->taken = message;
    *ret_message = (struct transport_message){
        .bytes = message->bytes, .length = message->length, .sequence = message->sequence};
    return true;
}

void transport_tail(struct transport *transport, int64_t from)
{
    struct tail *tail = &transport->tail;
    pthread_mutex_lock(&transport->mutex);
    message_queue_clear(&transport->log);
    tail->is_wanted = true;
    tail->is_full = false;
    tail->is_stale = true;
    tail->created = transport->bounds.created;
    tail->next = from > 0 ? from : 1;
    tail->not_before_ms = 0;
    pthread_cond_signal(&transport->changed);
    pthread_mutex_unlock(&transport->mutex);
}

bool transport_next(struct transport *transport, struct transport_message *ret_message)
{
    pthread_mutex_lock(&transport->mutex);
    struct message *message = message_queue_take(&transport->log);
    if (transport->tail.is_full && transport->log.bytes <= LOG_BYTES_MAX / 2 &&
        transport->log.count <= LOG_COUNT_MAX / 2) {
        transport->tail.is_full = false;
        pthread_cond_signal(&transport->changed);
    }
    pthread_mutex_unlock(&transport->mutex);
    return hand_over(transport, message, ret_message);
}

bool transport_next_beat(struct transport *transport, struct transport_message *ret_message)
{
    pthread_mutex_lock(&transport->mutex);
    struct message *message = message_queue_take(&transport->beats);
    pthread_mutex_unlock(&transport->mutex);
    return hand_over(transport, message, ret_message);
}

/* ---------------------------------------------------------------- questions */

static struct open_question *free_question(struct transport *transport)
{
    for (int i = 0; i < TRANSPORT_QUESTIONS_MAX; i++)
        if (transport->questions[i].state == QUESTION_FREE)
            return &transport->questions[i];
    return NULL;
}

int transport_ask(struct transport *transport, int64_t id, const char *bytes, size_t length)
{
    char reply[32];
    int code = ERR_BUSY;
    pthread_mutex_lock(&transport->mutex);
    struct open_question *question = free_question(transport);
    if (question && transport->is_connected) {
        snprintf(reply, sizeof reply, "answer.%" PRId64, ++transport->question_number);
        code = transport_send(transport, WALK_SUBJECT, reply, bytes, length);
    }
    if (code == 0)
        *question = (struct open_question){
            .state = QUESTION_OPEN,
            .id = id,
            .number = transport->question_number,
            .deadline_ms = clock_monotonic_ms() + TRANSPORT_TIMEOUT_MS,
        };
    pthread_mutex_unlock(&transport->mutex);
    return code;
}

static bool is_answered(const struct open_question *question, int64_t now_ms)
{
    return question->state == QUESTION_ANSWERED ||
           (question->state == QUESTION_OPEN && now_ms >= question->deadline_ms);
}

bool transport_next_answer(struct transport *transport, int64_t least, int64_t most,
                           int64_t *ret_id, struct transport_message *ret_message)
{
    int64_t now_ms = clock_monotonic_ms();
    struct open_question found = {.state = QUESTION_FREE};
    pthread_mutex_lock(&transport->mutex);
    for (int i = 0; i < TRANSPORT_QUESTIONS_MAX && found.state == QUESTION_FREE; i++)
        if (is_answered(&transport->questions[i], now_ms) && transport->questions[i].id >= least &&
            transport->questions[i].id <= most) {
            found = transport->questions[i];
            transport->questions[i] = (struct open_question){.state = QUESTION_FREE};
        }
    pthread_mutex_unlock(&transport->mutex);
    if (found.state == QUESTION_FREE)
        return false;
    *ret_id = found.id;
    if (!hand_over(transport, found.answer, ret_message))
        *ret_message = (struct transport_message){.bytes = ""};
    return true;
}

bool transport_next_question(struct transport *transport, struct transport_message *ret_message)
{
    int64_t oldest_ms = clock_monotonic_ms() - TRANSPORT_TIMEOUT_MS;
    pthread_mutex_lock(&transport->mutex);
    struct message *question;
    while ((question = message_queue_take(&transport->asked)) && question->received_ms < oldest_ms)
        free(question);
    pthread_mutex_unlock(&transport->mutex);
    if (!question)
        return false;
    free(transport->question);
    transport->question = question;
    transport->has_to_answer = true;
    *ret_message = (struct transport_message){.bytes = question->bytes, .length = question->length};
    return true;
}

void transport_answer(struct transport *transport, const char *bytes, size_t length)
{
    if (!transport->has_to_answer)
        return;
    transport->has_to_answer = false;
    pthread_mutex_lock(&transport->mutex);
    if (transport->is_connected)
        transport_send(transport, transport->question->reply, "", bytes, length);
    pthread_mutex_unlock(&transport->mutex);
}
