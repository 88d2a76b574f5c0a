#include "program/serve.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "dialect/line_reader.h"
#include "dialect/pipe.h"
#include "program/command.h"
#include "store/ticker.h"

/* A question that comes within this finds the database as the last one left it. */
#define SOON_MS STORE_KEPT_MS
/* So many ticks without a question: the first may have come just after one. */
#define SILENT_TICKS_MAX 2

/* How soon housekeeping is looked for, and a parent's end is noticed, while nobody asks. */
#define IDLE_MS 500

struct conversation {
    struct responder *responder;
    const char *database;
    struct service service;
    struct pipe pipe;
    struct line_reader reader;
    struct buffer out;
    struct ticker ticker;
    int silent_ticks;
    pid_t parent;
};

static void answer(void *context, const struct question *question, struct answer *ret_answer)
{
    struct conversation *conversation = context;
    responder_answer(conversation->responder, question, ret_answer);
}

static void list(void *context, int32_t zone_id, const struct name *name, struct answer *ret_answer)
{
    struct conversation *conversation = context;
    responder_list(conversation->responder, zone_id, name, ret_answer);
}

static void command(void *context, const char *text, struct buffer *out)
{
    struct conversation *conversation = context;
    command_run_text(conversation->responder, conversation->database, text, out);
}

static const char *next_notice(void *context)
{
    struct conversation *conversation = context;
    return journal_take(responder_journal(conversation->responder));
}

static void notify(void *context, const char *text)
{
    struct conversation *conversation = context;
    responder_notify(conversation->responder, text);
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
static bool wait_idle(struct conversation *conversation, struct pollfd *input)
{
    ticker_stop(&conversation->ticker);
    conversation->silent_ticks = 0;
    responder_rest(conversation->responder);
    for (;;) {
        int ready = poll_input(input, IDLE_MS);
        if (ready > 0)
            return true;
        if (getppid() != conversation->parent)
            return false;
        if (ready == 0)
            responder_keep_house(conversation->responder);
    }
}

/* Waits until read() is the thing to do: it returns at the second tick without a question. */
static bool wait_for_input(struct conversation *conversation, int in)
{
    struct pollfd input = {.fd = in, .events = POLLIN};
    bool soon = ticker_start(&conversation->ticker, SOON_MS)
                    ? conversation->silent_ticks < SILENT_TICKS_MAX
                    : poll_input(&input, SOON_MS) > 0;
    return soon || wait_idle(conversation, &input);
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
static int answer_lines(struct conversation *conversation, int out)
{
    struct line line;
    while (line_reader_next(&conversation->reader, &line)) {
        buffer_clear(&conversation->out);
        pipe_handle(&conversation->pipe, &line, &conversation->out);
        int problem = write_all(out, buffer_text(&conversation->out), conversation->out.length);
        if (problem != 0)
            return problem;
    }
    return 0;
}

static int converse(struct conversation *conversation, int in, int out)
{
    while (wait_for_input(conversation, in)) {
        ssize_t count = line_reader_fill(&conversation->reader, in);
        if (count < 0 && errno == EINTR) {
            conversation->silent_ticks++;
            continue;
        }
        conversation->silent_ticks = 0;
        if (count < 0 && errno != EAGAIN && errno != ENOMEM)
            return ERR_IO;
        if (count < 0) { /* without memory, wait until there is some again */
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            continue;
        }
        int problem = answer_lines(conversation, out);
        if (problem != 0)
            return problem == EPIPE ? 0 : ERR_IO;
        if (count == 0)
            return 0;
        responder_keep_house(conversation->responder);
    }
    return 0;
}

int serve(struct responder *responder, const char *database, int in, int out)
{
    struct conversation conversation = {
        .responder = responder, .database = database, .parent = getppid()};
    conversation.service = (struct service){.context = &conversation,
                                            .answer = answer,
                                            .list = list,
                                            .command = command,
                                            .next_notice = next_notice,
                                            .notify = notify};
    pipe_init(&conversation.pipe, &conversation.service);
    ticker_init(&conversation.ticker);
    int code = converse(&conversation, in, out);
    ticker_release(&conversation.ticker);
    pipe_release(&conversation.pipe);
    line_reader_release(&conversation.reader);
    buffer_release(&conversation.out);
    return code;
}
