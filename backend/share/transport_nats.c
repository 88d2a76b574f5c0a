/*
 * The thread of a transport, and all that libnats does for it.
 *
 * A connection of libnats holds a lock while it connects, connects again or writes, and its
 * functions wait for that lock. So only this thread calls them. It does not let libnats connect
 * again by itself: libnats gives up after two refused logins, and keeps certificates that were
 * replaced. A connection that ended is destroyed and another one is made.
 *
 * JetStream is asked with plain messages, since the functions for it wait for the reply. Threads of
 * libnats run the handlers below, which take the mutex of the transport and never wait.
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buffer.h"
#include "share/jetstream.h"
#include "share/transport_parts.h"
#include "system/clock.h"
#include "system/thread.h"

/* How long one attempt to connect may take, and the pause before the next. */
#define CONNECT_MS 2000
#define RETRY_MS 300

/*
 * Options are kept for so long, and so is what they have read of certificates: to read those of the
 * whole world, which libnats does each time, takes 30 ms.
 */
#define OPTIONS_MS 10000

/*
 * libnats 3.4 uses a subscription that it receives a message for without holding it, so none is
 * freed while there is a connection. After so many the connection is made anew.
 */
#define STOPPED_MAX 1000

/*
 * A peer's server that sends more in a second is left alone for a while. Beats and replies are a
 * few in a second. Messages of the log cost less, and thousands of them may be on their way.
 */
#define LOAD_MAX 200000
#define LOAD_OF_LOG 1
#define LOAD_OF_OTHERS 100
#define FLOOD_PAUSE_MS 10000

enum { REPLIES, BEATS, QUESTIONS, LISTENED_MAX };

/* One connection, and one after the other. Changes with the mutex of the transport held. */
struct link {
    struct transport *transport;
    natsOptions *options; /* or NULL; from `options_ms` */
    int64_t options_ms;
    natsConnection *connection;
    natsSubscription *listened[LISTENED_MAX];
    natsSubscription *log; /* or NULL: the log is not read */
    natsSubscription *stopped[STOPPED_MAX];
    int stopped_count;
    char inbox[64]; /* replies come to this, a point and the `reply` of what was sent */
    bool is_lost;
    int64_t load_ms, load; /* since when it is counted, and how much came */
    bool is_flooded;
    char why[ERROR_TEXT_MAX];
    int running; /* handlers that will be told of an end */
};

static void link_lose(struct link *link, const char *why)
{
    if (!link->is_lost)
        snprintf(link->why, sizeof link->why, "%s", why);
    link->is_lost = true;
    pthread_cond_signal(&link->transport->changed);
}

/* ---------------------------------------------------------------- handlers, in other threads */

/* The code of a message without content, "" if it has none. */
static const char *status_of(natsMsg *message)
{
    const char *status = NULL;
    if (natsMsgHeader_Get(message, "Status", &status) != NATS_OK || !status)
        return "";
    return status;
}

static size_t length_of(const natsMsg *message)
{
    int length = natsMsg_GetDataLength(message);
    return length > 0 ? (size_t)length : 0;
}

/* Our own server is not left alone: its queues are bounded. */
static void count_load(struct link *link, int64_t load, int64_t now_ms)
{
    if (now_ms - link->load_ms >= 1000) {
        link->load_ms = now_ms;
        link->load = 0;
    }
    link->load += load;
    if (link->load <= LOAD_MAX || link->transport->is_home)
        return;
    link->is_flooded = true;
    link_lose(link, "the server sends too many messages");
}

static struct transport *enter(struct link *link, int64_t load)
{
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&link->transport->mutex);
    transport_heard(link->transport, now_ms);
    count_load(link, load, now_ms);
    return link->transport;
}

static void leave(struct link *link, natsMsg *message)
{
    pthread_mutex_unlock(&link->transport->mutex);
    natsMsg_Destroy(message);
}

static void on_reply(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                     void *context)
{
    (void)connection;
    (void)subscription;
    struct link *link = context;
    const char *subject = natsMsg_GetSubject(message);
    size_t prefix = strlen(link->inbox) + 1;
    bool is_empty = natsMsg_IsNoResponders(message);
    struct transport *transport = enter(link, LOAD_OF_OTHERS);
    if (strlen(subject) > prefix)
        transport_replied(transport, subject + prefix, is_empty ? NULL : natsMsg_GetData(message),
                          length_of(message), transport->heard_ms);
    leave(link, message);
}

static void on_beat(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                    void *context)
{
    (void)connection;
    (void)subscription;
    struct transport *transport = enter(context, LOAD_OF_OTHERS);
    transport_heard_beat(transport, natsMsg_GetData(message), length_of(message));
    leave(context, message);
}

static void on_question(natsConnection *connection, natsSubscription *subscription,
                        natsMsg *message, void *context)
{
    (void)connection;
    (void)subscription;
    struct transport *transport = enter(context, LOAD_OF_OTHERS);
    const char *reply = natsMsg_GetReply(message);
    if (reply)
        transport_asked(transport, reply, natsMsg_GetData(message), length_of(message),
                        transport->heard_ms);
    leave(context, message);
}

/* Flow control asks for a reply; a heartbeat repeats the question that was not answered. */
static void take_control(struct transport *transport, natsMsg *message)
{
    const char *subject = natsMsg_GetReply(message);
    if (!subject && natsMsgHeader_Get(message, "Nats-Consumer-Stalled", &subject) != NATS_OK)
        subject = NULL;
    if (subject)
        transport_flow_control(transport, subject);
}

static void take_logged(struct transport *transport, natsMsg *message)
{
    jsMsgMetaData *place = NULL;
    if (natsMsg_GetMetaData(&place, message) != NATS_OK)
        return;
    transport_read(transport, (int64_t)place->Sequence.Stream, (int64_t)place->Sequence.Consumer,
                   natsMsg_GetData(message), length_of(message), transport->heard_ms);
    jsMsgMetaData_Destroy(place);
}

static void on_log(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                   void *context)
{
    (void)connection;
    struct link *link = context;
    struct transport *transport = enter(link, LOAD_OF_LOG);
    if (subscription == link->log && !link->is_lost) {
        if (status_of(message)[0])
            take_control(transport, message);
        else
            take_logged(transport, message);
    }
    leave(link, message);
}

static void on_end_of_subscription(void *context)
{
    struct link *link = context;
    pthread_mutex_lock(&link->transport->mutex);
    link->running--;
    pthread_cond_signal(&link->transport->changed);
    pthread_mutex_unlock(&link->transport->mutex);
}

static void on_close(natsConnection *connection, void *context)
{
    (void)connection;
    struct link *link = context;
    pthread_mutex_lock(&link->transport->mutex);
    link->running--;
    link_lose(link, "the server closed the connection");
    pthread_mutex_unlock(&link->transport->mutex);
}

/* For what the server refuses: without a handler, libnats prints it. */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *context)
{
    (void)subscription;
    const char *text = NULL;
    natsConnection_GetLastError(connection, &text);
    if (!text || !text[0])
        text = natsStatus_GetText(status);
    struct transport *transport = enter(context, LOAD_OF_OTHERS);
    /* That our probe is refused is as it should be. */
    if (transport->is_home || !transport->certificate || !strstr(text, LOG_SUBJECT))
        transport_refused(transport, text, transport->heard_ms);
    leave(context, NULL);
}

/* ---------------------------------------------------------------- connecting */

static natsStatus set_tls(natsOptions *options, const struct transport *transport)
{
    bool is_secure = transport->ca || transport->certificate ||
                     strncmp(transport->url, "tls://", strlen("tls://")) == 0;
    natsStatus status = is_secure ? natsOptions_SetSecure(options, true) : NATS_OK;
    if (status == NATS_OK && transport->ca)
        status = natsOptions_LoadCATrustedCertificates(options, transport->ca);
    if (status == NATS_OK && transport->certificate && transport->key)
        status = natsOptions_LoadCertificatesChain(options, transport->certificate, transport->key);
    if (status == NATS_OK) /* a server can ask for TLS in any case */
        status = natsOptions_SetExpectedHostname(options, transport->host);
    return status;
}

/* libnats' own pings are few, because what is silent is noticed here. */
static natsStatus set_options(natsOptions *options, struct link *link)
{
    natsStatus status = natsOptions_SetURL(options, link->transport->url);
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK)
        status = natsOptions_SetIgnoreDiscoveredServers(options, true);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, CONNECT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetWriteDeadline(options, CONNECT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetSendAsap(options, true);
    if (status == NATS_OK)
        status = natsOptions_UseGlobalMessageDelivery(options, true);
    if (status == NATS_OK)
        status = natsOptions_SetErrorHandler(options, on_error, link);
    if (status == NATS_OK)
        status = natsOptions_SetClosedCB(options, on_close, link);
    return status == NATS_OK ? set_tls(options, link->transport) : status;
}

static natsStatus renew_options(struct link *link)
{
    int64_t now_ms = clock_monotonic_ms();
    if (link->options && now_ms - link->options_ms < OPTIONS_MS)
        return NATS_OK;
    natsOptions_Destroy(link->options);
    link->options = NULL;
    link->options_ms = now_ms;
    natsStatus status = natsOptions_Create(&link->options);
    return status == NATS_OK ? set_options(link->options, link) : status;
}

static natsStatus connect(struct link *link)
{
    natsStatus status = renew_options(link);
    if (status != NATS_OK) {
        natsOptions_Destroy(link->options);
        link->options = NULL;
        return status;
    }
    link->running = 1; /* on_close() may run before the next line ends */
    status = natsConnection_Connect(&link->connection, link->options);
    if (status != NATS_OK)
        link->running = 0;
    return status;
}

static natsStatus subscribe(struct link *link, const char *subject, natsMsgHandler handler,
                            natsSubscription **ret_subscription)
{
    natsStatus status =
        natsConnection_Subscribe(ret_subscription, link->connection, subject, handler, link);
    if (status != NATS_OK)
        return status;
    pthread_mutex_lock(&link->transport->mutex);
    link->running++;
    pthread_mutex_unlock(&link->transport->mutex);
    status = natsSubscription_SetOnCompleteCB(*ret_subscription, on_end_of_subscription, link);
    if (status != NATS_OK) /* it has ended already */
        on_end_of_subscription(link);
    return status;
}

static natsStatus new_inbox(char *ret_inbox, size_t size)
{
    natsInbox *inbox = NULL;
    natsStatus status = natsInbox_Create(&inbox);
    if (status == NATS_OK)
        snprintf(ret_inbox, size, "%s", inbox);
    natsInbox_Destroy(inbox);
    return status;
}

static natsStatus listen_to_all(struct link *link)
{
    char replies[sizeof link->inbox + 2];
    natsStatus status = new_inbox(link->inbox, sizeof link->inbox);
    if (status != NATS_OK)
        return status;
    snprintf(replies, sizeof replies, "%s.>", link->inbox);
    status = subscribe(link, replies, on_reply, &link->listened[REPLIES]);
    if (status == NATS_OK) /* at home, too: another server may say that it is us */
        status = subscribe(link, BEAT_SUBJECT, on_beat, &link->listened[BEATS]);
    if (status == NATS_OK && link->transport->is_home)
        status = subscribe(link, WALK_SUBJECT, on_question, &link->listened[QUESTIONS]);
    return status;
}

/* The words of libnats, without the line of its source that they begin with. */
static const char *last_error(natsStatus status)
{
    natsStatus last = NATS_OK;
    const char *text = nats_GetLastError(&last);
    if (last != status || !text || !text[0])
        return natsStatus_GetText(status);
    const char *end = text[0] == '(' ? strstr(text, "): ") : NULL;
    return end ? end + strlen("): ") : text;
}

/* Host and port, without a password. */
static const char *place_of(const char *url)
{
    const char *at = strrchr(url, '@');
    const char *scheme = strstr(url, "://");
    return at ? at + 1 : scheme ? scheme + strlen("://") : url;
}

static void fail_to_connect(struct link *link, natsStatus status)
{
    char text[ERROR_TEXT_MAX];
    const char *why = status == NATS_NO_SERVER ? "nothing listens there, or it cannot be reached"
                                               : last_error(status);
    snprintf(text, sizeof text, "cannot connect to %.200s: %.400s", place_of(link->transport->url),
             why);
    pthread_mutex_lock(&link->transport->mutex);
    link_lose(link, text);
    pthread_mutex_unlock(&link->transport->mutex);
}

static bool link_open(struct link *link)
{
    struct transport *transport = link->transport;
    *link = (struct link){
        .transport = transport, .options = link->options, .options_ms = link->options_ms};
    natsStatus status = connect(link);
    if (status == NATS_OK)
        status = listen_to_all(link);
    if (status != NATS_OK) {
        fail_to_connect(link, status);
        return false;
    }
    pthread_mutex_lock(&transport->mutex);
    transport_connected(transport, clock_monotonic_ms());
    pthread_mutex_unlock(&transport->mutex);
    return true;
}

/* Afterwards no handler runs for it any more. */
static void link_close(struct link *link)
{
    struct transport *transport = link->transport;
    pthread_mutex_lock(&transport->mutex);
    transport_disconnected(transport, link->why);
    pthread_mutex_unlock(&transport->mutex);
    natsConnection_Close(link->connection);
    pthread_mutex_lock(&transport->mutex);
    while (link->running > 0)
        pthread_cond_wait(&transport->changed, &transport->mutex);
    pthread_mutex_unlock(&transport->mutex);
    for (int i = 0; i < LISTENED_MAX; i++)
        natsSubscription_Destroy(link->listened[i]);
    for (int i = 0; i < link->stopped_count; i++)
        natsSubscription_Destroy(link->stopped[i]);
    natsSubscription_Destroy(link->log);
    natsConnection_Destroy(link->connection);
}

/* ---------------------------------------------------------------- the work */

/* What cannot be sent is as if nobody had replied. */
static void fail_to_send(struct link *link, const struct message *message, natsStatus status)
{
    struct transport *transport = link->transport;
    int64_t now_ms = clock_monotonic_ms();
    char text[ERROR_TEXT_MAX];
    snprintf(text, sizeof text, "cannot send to %.100s: %.400s", message->subject,
             last_error(status));
    pthread_mutex_lock(&transport->mutex);
    if (message->reply[0])
        transport_replied(transport, message->reply, NULL, 0, now_ms);
    if (status == NATS_CONNECTION_CLOSED || status == NATS_IO_ERROR || status == NATS_TIMEOUT)
        link_lose(link, text);
    else
        transport_refused(transport, text, now_ms);
    pthread_mutex_unlock(&transport->mutex);
}

/* JetStream takes no message for another stream than its own. */
static natsStatus publish_probe(struct link *link, const char *reply)
{
    natsMsg *probe = NULL;
    natsStatus status = natsMsg_Create(&probe, LOG_SUBJECT, reply, "", 0);
    if (status == NATS_OK)
        status = natsMsgHeader_Set(probe, "Nats-Expected-Stream", PROBE_STREAM);
    if (status == NATS_OK)
        status = natsConnection_PublishMsg(link->connection, probe);
    natsMsg_Destroy(probe);
    return status;
}

static natsStatus publish(struct link *link, const struct message *message)
{
    char reply[sizeof link->inbox + 40];
    if (!message->reply[0])
        return natsConnection_Publish(link->connection, message->subject, message->bytes,
                                      (int)message->length);
    snprintf(reply, sizeof reply, "%s.%.32s", link->inbox, message->reply);
    if (strcmp(message->reply, PROBE_REPLY) == 0)
        return publish_probe(link, reply);
    return natsConnection_PublishRequest(link->connection, message->subject, reply, message->bytes,
                                         (int)message->length);
}

static void send_message(struct link *link, struct message *message)
{
    natsStatus status = publish(link, message);
    if (status != NATS_OK)
        fail_to_send(link, message, status);
    free(message);
}

static void read_log(struct link *link, int64_t from)
{
    char inbox[sizeof link->inbox];
    struct buffer text = {0};
    natsSubscription *log = NULL;
    natsStatus status = new_inbox(inbox, sizeof inbox);
    if (status == NATS_OK)
        status = subscribe(link, inbox, on_log, &log);
    jetstream_read_text(&text, inbox, from);
    pthread_mutex_lock(&link->transport->mutex);
    link->log = log;
    if (status != NATS_OK || text.failed)
        link_lose(link, "the log cannot be subscribed to");
    else
        transport_send(link->transport, JETSTREAM_READ, "read", text.data, text.length);
    pthread_mutex_unlock(&link->transport->mutex);
    buffer_release(&text);
}

static void stop_reading(struct link *link)
{
    pthread_mutex_lock(&link->transport->mutex);
    natsSubscription *log = link->log;
    link->log = NULL;
    if (log)
        link->stopped[link->stopped_count++] = log;
    if (link->stopped_count == STOPPED_MAX)
        link_lose(link, "too many subscriptions");
    pthread_mutex_unlock(&link->transport->mutex);
    if (log)
        natsSubscription_Unsubscribe(log);
}

static void do_task(struct link *link, const struct task *task)
{
    if (task->kind == TASK_SEND)
        send_message(link, task->message);
    else if (task->kind == TASK_READ)
        read_log(link, task->from);
    else
        stop_reading(link);
}

/* With the mutex held. */
static void wait_until(struct transport *transport, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    pthread_cond_clockwait(&transport->changed, &transport->mutex, CLOCK_MONOTONIC, &until);
}

/* Works until the connection is lost or the transport is closed. */
static void serve(struct link *link)
{
    struct transport *transport = link->transport;
    pthread_mutex_lock(&transport->mutex);
    while (!transport->is_closing && !link->is_lost) {
        int64_t now_ms = clock_monotonic_ms();
        if (transport_is_silent(transport, now_ms)) {
            link_lose(link, "the server does not answer");
            break;
        }
        struct task task = transport_next_task(transport, now_ms);
        if (task.kind == TASK_WAIT) {
            wait_until(transport, task.until_ms);
            continue;
        }
        pthread_mutex_unlock(&transport->mutex);
        do_task(link, &task);
        pthread_mutex_lock(&transport->mutex);
    }
    pthread_mutex_unlock(&transport->mutex);
}

/* Waits before the next attempt; false when there is none, because the transport is closed. */
static bool pause_between(const struct link *link)
{
    struct transport *transport = link->transport;
    int64_t until_ms = clock_monotonic_ms() + (link->is_flooded ? FLOOD_PAUSE_MS : RETRY_MS);
    pthread_mutex_lock(&transport->mutex);
    while (!transport->is_closing && clock_monotonic_ms() < until_ms)
        wait_until(transport, until_ms);
    bool goes_on = !transport->is_closing;
    pthread_mutex_unlock(&transport->mutex);
    return goes_on;
}

static void *work(void *context)
{
    struct transport *transport = context;
    struct link link = {.transport = transport};
    do {
        if (link_open(&link))
            serve(&link);
        link_close(&link);
    } while (pause_between(&link));
    natsOptions_Destroy(link.options);
    nats_ReleaseThreadMemory();
    transport_free(transport);
    return NULL;
}

bool transport_start(struct transport *transport, struct error *error)
{
    pthread_t thread;
    if (!thread_start(work, transport, &thread)) {
        error_set(error, ERR_IO, "no more threads");
        return false;
    }
    pthread_detach(thread);
    return true;
}
