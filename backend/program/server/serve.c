/*
 * The loop of a coprocess: waits for lines, answers each with one write, and does maintenance
 * between questions. The transaction of a question is kept for the next one as long as questions
 * keep coming.
 */
#include "program/server/serve.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "dialect/conversation.h"
#include "dialect/line_reader.h"
#include "program/command/command.h"
#include "system/memory.h"
#include "system/ticker.h"

/* A question that comes within this time uses the transaction of the last one. */
#define SOON_MS STORE_KEPT_MS
/* After so many ticks without a question, none is expected soon. */
#define SILENT_TICKS_MAX 2

/*
 * While there are no questions: how often due maintenance and the end of the parent are looked for.
 */
#define IDLE_MS 500

struct session {
    struct responder *responder;
    const char *database;
    struct service service;
    struct conversation conversation;
    struct line_reader reader;
    struct buffer out;
    struct ticker ticker;
    int silent_ticks;
    pid_t parent;
};

static void answer(void *context, const struct question *question, struct answer *ret_answer)
{
    struct session *session = context;
    responder_answer(session->responder, question, ret_answer);
}

static void list(void *context, int32_t zone_id, const struct name *name, struct answer *ret_answer)
{
    struct session *session = context;
    responder_list(session->responder, zone_id, name, ret_answer);
}

static void zones(void *context, struct answer *ret_answer)
{
    struct session *session = context;
    responder_zones(session->responder, ret_answer);
}

static void command(void *context, const char *text, struct buffer *out)
{
    struct session *session = context;
    command_run_text(session->responder, session->database, text, out);
}

static const char *next_notice(void *context)
{
    struct session *session = context;
    return log_queue_take(responder_log_queue(session->responder));
}

static void notify(void *context, const char *text)
{
    struct session *session = context;
    responder_notify(session->responder, text);
}

/*
 * poll() fails if the limit of open files is set to 0 meanwhile; then read() waits instead. A
 * signal counts as a timeout.
 */
static int poll_input(struct pollfd *input, int timeout_ms)
{
    int ready = poll(input, 1, timeout_ms);
    if (ready < 0)
        return errno == EINTR ? 0 : 1;
    return ready;
}

/*
 * Waits for input after a while without questions. False when there cannot be any, because the
 * parent is gone. PR_SET_PDEATHSIG would not do: it fires when the thread that forked ends, and
 * PowerDNS forks in many threads.
 */
static bool wait_idle(struct session *session, struct pollfd *input)
{
    ticker_stop(&session->ticker);
    session->silent_ticks = 0;
    responder_idle(session->responder);
    for (bool first = true;; first = false) {
        int ready = poll_input(input, IDLE_MS);
        if (ready > 0)
            return true;
        if (getppid() != session->parent)
            return false;
        if (ready == 0)
            responder_maintain(session->responder);
        if (first)
            memory_return_freed();
    }
}

/* Waits until read() should be called; a tick interrupts it when no question comes. */
static bool wait_for_input(struct session *session, int in)
{
    struct pollfd input = {.fd = in, .events = POLLIN};
    bool soon = ticker_start(&session->ticker, SOON_MS) ? session->silent_ticks < SILENT_TICKS_MAX
                                                        : poll_input(&input, SOON_MS) > 0;
    return soon || wait_idle(session, &input);
}

/*
 * Writes all bytes, with one write() unless the pipe is full or a signal interrupts it. While the
 * reader does not read, no transaction is kept open, and maintenance goes on.
 */
static int write_all(struct session *session, int descriptor, const char *bytes, size_t count)
{
    ticker_start(&session->ticker, SOON_MS);
    for (bool first = true; count > 0; first = false) {
        if (!first) {
            responder_idle(session->responder);
            responder_maintain(session->responder);
        }
        ssize_t written = write(descriptor, bytes, count);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return errno;
        if (written < 0 && errno == EAGAIN)
            poll(&(struct pollfd){.fd = descriptor, .events = POLLOUT}, 1, IDLE_MS);
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        }
    }
    return 0;
}

/* Answers the lines that are complete. 0 or an errno. */
static int answer_lines(struct session *session, int out)
{
    struct line line;
    while (line_reader_next(&session->reader, &line)) {
        buffer_clear(&session->out);
        conversation_handle(&session->conversation, &line, &session->out);
        int problem = write_all(session, out, buffer_text(&session->out), session->out.length);
        if (problem != 0)
            return problem;
    }
    return 0;
}

static int converse(struct session *session, int in, int out)
{
    while (wait_for_input(session, in)) {
        ssize_t count = line_reader_fill(&session->reader, in);
        if (count < 0 && errno == EINTR) { /* a tick: no question came */
            responder_idle(session->responder);
            session->silent_ticks++;
            continue;
        }
        session->silent_ticks = 0;
        if (count < 0 && errno != EAGAIN && errno != ENOMEM)
            return ERR_IO;
        if (count < 0) { /* out of memory: try again a little later */
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            continue;
        }
        int problem = answer_lines(session, out);
        if (problem != 0)
            return problem == EPIPE ? 0 : ERR_IO;
        if (count == 0)
            return 0;
        responder_maintain(session->responder);
    }
    return 0;
}

int serve(struct responder *responder, const char *database, int in, int out)
{
    struct session session = {.responder = responder, .database = database, .parent = getppid()};
    session.service = (struct service){.context = &session,
                                       .answer = answer,
                                       .list = list,
                                       .zones = zones,
                                       .command = command,
                                       .next_notice = next_notice,
                                       .notify = notify};
    conversation_init(&session.conversation, &session.service);
    ticker_init(&session.ticker);
    int code = converse(&session, in, out);
    ticker_release(&session.ticker);
    conversation_release(&session.conversation);
    line_reader_release(&session.reader);
    buffer_release(&session.out);
    return code;
}
