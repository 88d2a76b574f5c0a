/*
 * Connects, shakes hands over TLS if the monitor says so, and carries out its steps: sends a text,
 * or reads until what has arrived matches.
 *
 * A successful check closes the connection in the normal way, so that servers log no reset. The
 * connection then stays in TIME_WAIT here for a minute, which costs a few hundred bytes, and no
 * port that other targets need: local ports are separate for each address and port of a peer. After
 * a failed check the connection is reset, because a FIN to a target that is gone would be
 * retransmitted for minutes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "monitor/content.h"
#include "monitor/escapes.h"
#include "monitor/probe.h"
#include "monitor/proxy_header.h"
#include "monitor/steps.h"
#include "monitor/stream.h"

#define READ_BYTES 4096

struct tcp {
    struct probe probe;
    struct stream stream;
    struct event event; /* the event that is waited for, once `waiting` */
    bool waiting;
    struct buffer header; /* of the PROXY protocol */
    struct steps steps;
    size_t step;           /* the present one */
    struct buffer request; /* what the present step or the header sends */
    size_t sent;
    struct content answer;
    bool looks; /* what has arrived already is to be searched */
};

static int open_trust(struct prober *prober, void **ret_shared, struct error *error)
{
    struct tls_trust *trust = calloc(1, sizeof *trust);
    if (!trust)
        return error_set(error, ERR_NOMEM, "out of memory");
    trust->ca_file = prober->options.ca_file;
    *ret_shared = trust;
    return 0;
}

static void close_trust(void *shared)
{
    tls_trust_release(shared);
    free(shared);
}

static void refuse_step(const struct step *step, struct error *error)
{
    struct buffer bytes = {0};
    if (step->send && escapes_decode(step->send, &bytes) != 0)
        error_set(error, ERR_INVAL, "send '%s' has a \\ that is not followed by r, n, t, \\ or xHH",
                  step->send);
    buffer_release(&bytes);
    if (step->expect)
        content_refuse("expect", step->expect, error);
}

static void refuse(struct prober *prober, const struct monitor *monitor, struct error *error)
{
    struct steps steps;
    if (steps_init(monitor, &steps, error) == 0)
        for (size_t i = 0; i < steps.count; i++)
            refuse_step(&steps.list[i], error);
    steps_release(&steps);
    if (monitor->tls && monitor->verify)
        tls_trust_refuse(prober->options.ca_file, error);
}

/* ---------------------------------------------------------------- waiting */

static void await(struct tcp *tcp, short what, event_callback_fn then)
{
    if (tcp->waiting)
        event_del(&tcp->event);
    tcp->waiting = event_assign(&tcp->event, tcp->probe.prober->base, tcp->stream.descriptor, what,
                                then, tcp) == 0 &&
                   event_add(&tcp->event, NULL) == 0;
    if (!tcp->waiting)
        probe_end(&tcp->probe, REASON_INTERNAL);
}

static const struct step *present_step(const struct tcp *tcp)
{
    return tcp->step < tcp->steps.count ? &tcp->steps.list[tcp->step] : NULL;
}

/* Even a pattern that matches an empty text needs an answer. */
static bool has_matched(const struct tcp *tcp)
{
    return tcp->answer.bytes.length > tcp->answer.from && content_matches(&tcp->answer);
}

/* When nothing more will arrive: says whether the last step was an expression that matches. */
static bool has_finished(const struct tcp *tcp)
{
    const struct step *step = present_step(tcp);
    return step && step->expect && tcp->step + 1 == tcp->steps.count && has_matched(tcp);
}

/* The peer closed, or the connection failed. */
static void judge_end(struct tcp *tcp, enum stream_state state)
{
    enum reason reason =
        tcp->answer.bytes.length > tcp->answer.from ? REASON_CONTENT : REASON_CLOSED;
    if (state == STREAM_FAILED)
        reason = tcp->stream.failure;
    probe_end(&tcp->probe, has_finished(tcp) ? REASON_OK : reason);
}

static void on_event(evutil_socket_t descriptor, short what, void *context);

/* After anything but STREAM_DONE. */
static void await_stream(struct tcp *tcp, enum stream_state state)
{
    if (state == STREAM_READABLE)
        await(tcp, EV_READ, on_event);
    else if (state == STREAM_WRITABLE)
        await(tcp, EV_WRITE, on_event);
    else
        judge_end(tcp, state);
}

/* ---------------------------------------------------------------- what is done in turn */

/*
 * Each of these does one part of the work and says whether it is done. If it is not, the check has
 * ended or waits for an event, after which it is called again.
 */

/* Sends what is left of `bytes`. */
static bool send_rest(struct tcp *tcp, const struct buffer *bytes)
{
    while (tcp->sent < bytes->length) {
        size_t count = 0;
        enum stream_state state =
            stream_write(&tcp->stream, bytes->data + tcp->sent, bytes->length - tcp->sent, &count);
        tcp->sent += count;
        if (state != STREAM_DONE) {
            await_stream(tcp, state);
            return false;
        }
    }
    tcp->sent = 0;
    return true;
}

/* The header goes ahead of TLS. */
static bool send_header(struct tcp *tcp)
{
    if (tcp->header.length > 0 && !send_rest(tcp, &tcp->header))
        return false;
    buffer_truncate(&tcp->header, 0);
    return true;
}

static bool begin_tls(struct tcp *tcp)
{
    const struct monitor *monitor = tcp->probe.monitor;
    if (stream_begin_tls(&tcp->stream, probe_shared(&tcp->probe), probe_host(&tcp->probe),
                         &tcp->probe.address, monitor->verify))
        return true;
    probe_end(&tcp->probe, REASON_INTERNAL);
    return false;
}

static bool shake_hands(struct tcp *tcp)
{
    if (!tcp->probe.monitor->tls)
        return true;
    if (!tcp->stream.tls && !begin_tls(tcp))
        return false;
    enum stream_state state = stream_shake_hands(&tcp->stream);
    if (state == STREAM_ENDED || state == STREAM_FAILED)
        probe_end(&tcp->probe, tcp->stream.failure);
    else if (state != STREAM_DONE)
        await_stream(tcp, state);
    return state == STREAM_DONE;
}

/* Reads until the pattern was found. */
static bool hear(struct tcp *tcp)
{
    char part[READ_BYTES];
    enum content_state found = tcp->looks ? content_look(&tcp->answer) : CONTENT_MORE;
    tcp->looks = false;
    while (found == CONTENT_MORE) {
        size_t count = 0;
        enum stream_state state = stream_read(&tcp->stream, part, sizeof part, &count);
        if (state != STREAM_DONE) {
            await_stream(tcp, state);
            return false;
        }
        found = content_add(&tcp->answer, part, count);
    }
    if (found != CONTENT_MATCHES)
        probe_end(&tcp->probe, found == CONTENT_FULL ? REASON_CONTENT : REASON_INTERNAL);
    return found == CONTENT_MATCHES;
}

/* Makes ready what the present step needs. */
static bool begin_step(struct tcp *tcp)
{
    const struct step *step = present_step(tcp);
    if (!step)
        return true;
    buffer_truncate(&tcp->request, 0);
    tcp->looks = true;
    int code = step->send ? escapes_decode(step->send, &tcp->request)
                          : content_next(&tcp->answer, step->expect);
    if (code != 0)
        probe_end(&tcp->probe, REASON_INTERNAL);
    return code == 0;
}

static void carry_out_steps(struct tcp *tcp)
{
    for (const struct step *step; (step = present_step(tcp));) {
        if (!(step->send ? send_rest(tcp, &tcp->request) : hear(tcp)))
            return;
        tcp->step++;
        if (!begin_step(tcp))
            return;
    }
    probe_end(&tcp->probe, REASON_OK);
}

static void proceed(struct tcp *tcp)
{
    if (send_header(tcp) && shake_hands(tcp))
        carry_out_steps(tcp);
}

static void on_event(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct tcp *tcp = context;
    tcp->waiting = false;
    proceed(tcp);
}

/* ---------------------------------------------------------------- connecting */

static bool read_own_end(const struct tcp *tcp, struct sockaddr_storage *ret_own)
{
    socklen_t size = sizeof *ret_own;
    memset(ret_own, 0, sizeof *ret_own);
    return getsockname(tcp->stream.descriptor, (struct sockaddr *)ret_own, &size) == 0;
}

static bool make_header(struct tcp *tcp, const struct sockaddr_storage *own,
                        const struct sockaddr_storage *target)
{
    if (tcp->probe.monitor->proxy != PROXY_NONE)
        proxy_header_add(tcp->probe.monitor->proxy, own, target, &tcp->header);
    return !tcp->header.failed;
}

/*
 * A connection to a local port on which nothing listens may get that very port as its own, and is
 * then connected to itself.
 */
static void connected(struct tcp *tcp)
{
    struct sockaddr_storage target, own;
    socklen_t size = probe_target(&tcp->probe, &target);
    probe_answered(&tcp->probe);
    if (!read_own_end(tcp, &own))
        probe_end(&tcp->probe, REASON_CLOSED);
    else if (memcmp(&own, &target, size) == 0)
        probe_end(&tcp->probe, REASON_REFUSED);
    else if (!make_header(tcp, &own, &target))
        probe_end(&tcp->probe, REASON_INTERNAL);
    else
        proceed(tcp);
}

static void on_connected(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct tcp *tcp = context;
    int problem = 0;
    socklen_t size = sizeof problem;
    tcp->waiting = false;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    if (problem == 0)
        connected(tcp);
    else
        probe_end(&tcp->probe, probe_reason_of(problem));
}

/* Those after the first one. A bad one would say nothing about the target. */
static bool are_valid(const struct steps *steps)
{
    struct error error = {0};
    for (size_t i = 1; i < steps->count; i++)
        refuse_step(&steps->list[i], &error);
    return error.code == 0;
}

/* In a list of steps, `^` and `$` match at each line. */
static bool prepare(struct tcp *tcp)
{
    tcp->answer.by_line = tcp->probe.monitor->steps != NULL;
    return steps_init(tcp->probe.monitor, &tcp->steps, NULL) == 0 && are_valid(&tcp->steps) &&
           begin_step(tcp);
}

static void begin_connection(struct tcp *tcp)
{
    struct sockaddr_storage target;
    socklen_t size = probe_target(&tcp->probe, &target);
    int descriptor =
        socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    tcp->stream.descriptor = descriptor;
    if (descriptor < 0 || probe_bind(&tcp->probe, descriptor) != 0)
        probe_end(&tcp->probe, REASON_INTERNAL);
    else if (connect(descriptor, (struct sockaddr *)&target, size) == 0)
        connected(tcp);
    else if (errno == EINPROGRESS)
        await(tcp, EV_WRITE, on_connected);
    else
        probe_end(&tcp->probe, probe_reason_of(errno));
}

static void start(struct probe *probe)
{
    struct tcp *tcp = (struct tcp *)probe;
    tcp->stream.descriptor = -1;
    if (prepare(tcp))
        begin_connection(tcp);
    else
        probe_end(probe, REASON_INTERNAL);
}

/* What arrived in small pieces may not have been searched completely. */
static enum reason expire(struct probe *probe)
{
    return has_finished((struct tcp *)probe) ? REASON_OK : REASON_TIMEOUT;
}

static void stop(struct probe *probe)
{
    struct tcp *tcp = (struct tcp *)probe;
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    bool well = probe->result.reason == REASON_OK;
    int descriptor = tcp->stream.descriptor;
    if (tcp->waiting)
        event_del(&tcp->event);
    stream_release(&tcp->stream, well);
    if (descriptor >= 0 && !well)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (descriptor >= 0)
        close(descriptor);
    content_release(&tcp->answer);
    steps_release(&tcp->steps);
    buffer_release(&tcp->header);
    buffer_release(&tcp->request);
}

const struct probe_type probe_tcp = {
    .size = sizeof(struct tcp),
    .needs_port = true,
    .open = open_trust,
    .close = close_trust,
    .refuse = refuse,
    .start = start,
    .stop = stop,
    .expire = expire,
};
