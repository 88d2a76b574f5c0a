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

/* A question that comes within this finds the database as the last one left it. */
#define SOON_MS STORE_KEPT_MS
/* After so many ticks without a question none is expected soon. */
#define SILENT_TICKS_MAX 2

/* How soon housekeeping is looked for, and a parent's end is noticed, while nobody asks. */
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
 * poll() fails when the limit on open files was set below one while we run; then read() waits. A
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
 * Waits until there is something to read, as nobody asked for a while. False when there never will
 * be: our parent is gone. PowerDNS forks in many threads, so PR_SET_PDEATHSIG, which minds the
 * forking thread, would come too soon.
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

/* Waits until read() is the thing to do: it returns at the second tick without a question. */
static bool wait_for_input(struct session *session, int in)
{
    struct pollfd input = {.fd = in, .events = POLLIN};
    bool soon = ticker_start(&session->ticker, SOON_MS) ? session->silent_ticks < SILENT_TICKS_MAX
                                                        : poll_input(&input, SOON_MS) > 0;
    return soon || wait_idle(session, &input);
}

/* Writes all of it: one write() unless the pipe is full or a signal comes in between. */
static int write_all(int descriptor, const char *bytes, size_t count)
{
    while (count > 0) {
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

/* Answers the lines that are whole. 0 or an errno. */
static int answer_lines(struct session *session, int out)
{
    struct line line;
    while (line_reader_next(&session->reader, &line)) {
        buffer_clear(&session->out);
        conversation_handle(&session->conversation, &line, &session->out);
        int problem = write_all(out, buffer_text(&session->out), session->out.length);
        if (problem != 0)
            return problem;
    }
    return 0;
}

static int converse(struct session *session, int in, int out)
{
    while (wait_for_input(session, in)) {
        ssize_t count = line_reader_fill(&session->reader, in);
        if (count < 0 && errno == EINTR) { /* a tick: nobody asks now */
            responder_idle(session->responder);
            session->silent_ticks++;
            continue;
        }
        session->silent_ticks = 0;
        if (count < 0 && errno != EAGAIN && errno != ENOMEM)
            return ERR_IO;
        if (count < 0) { /* without memory, wait until there is some again */
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
