/*
 * The two halves of a transport (transport.h). transport.c has the functions of the caller and
 * transport_state.c what follows from an event; both know no NATS. transport_nats.c is the thread
 * that connects, sends and receives. They share struct transport, under its mutex, which nobody
 * holds while waiting for anything else.
 */
#ifndef STICKY_SHARE_TRANSPORT_PARTS_H
#define STICKY_SHARE_TRANSPORT_PARTS_H

#include <pthread.h>

#include "share/message_queue.h"
#include "share/transport.h"

/* The reply that shows whether a peer's log can be written to, and the stream that is named. */
#define PROBE_REPLY "probe"
#define PROBE_STREAM "none-of-this-name"

#define BEAT_SUBJECT "sticky.beat"
#define WALK_SUBJECT "sticky.walk"

/* So much may wait to be sent: a batch, answers of a page each, and small things. */
#define OUTBOX_BYTES_MAX (8 << 20)
#define OUTBOX_COUNT_MAX 64

/* The log is read no further than this before it is taken: at least four messages. */
#define LOG_BYTES_MAX (4 << 20)
#define LOG_COUNT_MAX 10000

/* Beats are worth something while they are new. */
#define BEATS_MAX 16

/* Questions that are not answered yet: all that 64 peers may have open. */
#define ASKED_COUNT_MAX 256
#define ASKED_BYTES_MAX (1 << 20)

enum question_state { QUESTION_FREE, QUESTION_OPEN, QUESTION_ANSWERED };

/* A question of ours. */
struct open_question {
    enum question_state state;
    int64_t id;
    int64_t number; /* in the name of its reply */
    int64_t deadline_ms;
    struct message *answer; /* NULL: empty */
};

/* How the log is read. */
struct tail {
    bool is_wanted;
    bool is_active;          /* a subscription exists */
    bool is_stale;           /* the subscription has to go */
    bool is_full;            /* so much waits that nothing more is read */
    int64_t created;         /* of the log that is read, or 0: whichever there is */
    int64_t next;            /* the sequence that comes next */
    int64_t delivered;       /* what the subscription has brought, to see a gap */
    int64_t behind_since_ms; /* since when the log is longer and nothing has come, or 0 */
    int64_t patience_ms;     /* how long that may last */
    int64_t not_before_ms;   /* when the next subscription may be tried */
};

struct transport {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* wakes the thread */

    char *url, *host, *ca, *certificate, *key; /* never change; NULL: none */
    bool is_home;

    bool is_closing;              /* no more calls will come */
    bool is_connected;            /* and its subscriptions are made */
    int64_t heard_ms;             /* when anything was last received */
    char problem[ERROR_TEXT_MAX]; /* until the next server shows life */
    char refusal[ERROR_TEXT_MAX];
    int64_t refused_ms;

    bool may_write;    /* to the log of a peer */
    bool probe_is_due; /* the message by which that is tried is to be sent, or was not taken */
    bool has_bounds;
    struct transport_bounds bounds;
    int64_t bounds_number; /* answers so far */
    int64_t info_due_ms;   /* when to ask for them */

    struct message_queue outbox; /* to be sent; a reply is the end of a subject of our own */
    enum append_state append;
    int64_t append_number, append_deadline_ms;
    int64_t append_not_before_ms; /* after one was refused */
    int64_t question_number;
    struct open_question questions[TRANSPORT_QUESTIONS_MAX];

    struct tail tail;
    struct message_queue log, beats, asked;

    struct message *taken;     /* what the caller looks at */
    struct message *question;  /* that transport_answer() is for */
    bool has_to_answer;        /* and it was not called yet */
    char told[ERROR_TEXT_MAX]; /* what transport_problem() returned */
};

/* Frees all of it. Only for the thread, when it ends. */
void transport_free(struct transport *transport);

/*
 * Starts the thread. False when that is not possible, with `error` set: then the transport is the
 * caller's still. The thread ends after `is_closing`, and frees the transport.
 */
bool transport_start(struct transport *transport, struct error *error);

/* ---------------------------------------------------------------- with the mutex held */

/* What the thread has to do next. */
enum task_kind {
    TASK_WAIT, /* nothing; until `until_ms` or `changed` */
    TASK_SEND, /* the message, which is the thread's now */
    TASK_READ, /* a subscription, from `from` on */
    TASK_STOP_READING
};

struct task {
    enum task_kind kind;
    int64_t until_ms;
    int64_t from;
    struct message *message;
};

struct task transport_next_task(struct transport *transport, int64_t now_ms);

/* Keeps a text for transport_problem(). */
void transport_refused(struct transport *transport, const char *text, int64_t now_ms);

/* Whether a connection shows no life any more, although it is asked for some each second. */
bool transport_is_silent(const struct transport *transport, int64_t now_ms);

/* Anything was received. */
void transport_heard(struct transport *transport, int64_t now_ms);

/* There is a connection; or there is none any more, or still none, and why. */
void transport_connected(struct transport *transport, int64_t now_ms);
void transport_disconnected(struct transport *transport, const char *why);

/* A reply to what was sent with this `reply`; `bytes` is NULL when there will be none. */
void transport_replied(struct transport *transport, const char *reply, const char *bytes,
                       size_t length, int64_t now_ms);

/* A message of the log; `delivered` counts those of one subscription. */
void transport_read(struct transport *transport, int64_t sequence, int64_t delivered,
                    const char *bytes, size_t length, int64_t now_ms);

/* The server wants to know that messages arrive: something is sent to `subject`. */
void transport_flow_control(struct transport *transport, const char *subject);

void transport_heard_beat(struct transport *transport, const char *bytes, size_t length);
void transport_asked(struct transport *transport, const char *reply, const char *bytes,
                     size_t length, int64_t now_ms);

/* Puts a message into the outbox. 0, ERR_BUSY when it is full, ERR_NOMEM. */
int transport_send(struct transport *transport, const char *subject, const char *reply,
                   const char *bytes, size_t length);

#endif
