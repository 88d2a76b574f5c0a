/*
 * Connects, sends a text if the monitor has one, and reads until the answer matches.
 *
 * A successful check closes the connection in the normal way, so that servers log no reset. The
 * connection then stays in TIME_WAIT here for a minute, which costs a few hundred bytes, and no
 * port that other targets need: local ports are separate for each address and port of a peer. After
 * a failed check the connection is reset, because a FIN to a target that is gone would be
 * retransmitted for minutes.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buffer.h"
#include "monitor/content.h"
#include "monitor/escapes.h"
#include "monitor/probe.h"

#define READ_BYTES 4096

struct tcp {
    struct probe probe;
    int descriptor;
    struct event event; /* the event that is waited for, once `waiting` */
    bool waiting;
    struct buffer request;
    size_t sent;
    struct content answer;
};

static void refuse(struct prober *prober, const struct monitor *monitor, struct error *error)
{
    (void)prober;
    struct buffer bytes = {0};
    if (monitor->send && escapes_decode(monitor->send, &bytes) != 0)
        error_set(error, ERR_INVAL, "send '%s' has a \\ that is not followed by r, n, t, \\ or xHH",
                  monitor->send);
    buffer_release(&bytes);
    if (monitor->expect)
        content_refuse("expect", monitor->expect, error);
}

static void await(struct tcp *tcp, short what, event_callback_fn then)
{
    if (tcp->waiting)
        event_del(&tcp->event);
    tcp->waiting = event_assign(&tcp->event, tcp->probe.prober->base, tcp->descriptor,
                                (short)(what | EV_PERSIST), then, tcp) == 0 &&
                   event_add(&tcp->event, NULL) == 0;
    if (!tcp->waiting)
        probe_end(&tcp->probe, REASON_INTERNAL);
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Even a pattern that matches an empty text needs an answer. */
static bool has_matched(const struct tcp *tcp)
{
    return tcp->answer.bytes.length > 0 && content_matches(&tcp->answer);
}

/* The peer closed, or the connection failed: nothing more will arrive. */
static void judge_end(struct tcp *tcp, int problem)
{
    enum reason reason = tcp->answer.bytes.length > 0 ? REASON_CONTENT : REASON_CLOSED;
    if (problem != 0)
        reason = probe_reason_of(problem);
    probe_end(&tcp->probe, has_matched(tcp) ? REASON_OK : reason);
}

static void on_answer(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct tcp *tcp = context;
    char part[READ_BYTES];
    static const enum reason reasons[] = {[CONTENT_MATCHES] = REASON_OK,
                                          [CONTENT_FULL] = REASON_CONTENT,
                                          [CONTENT_FAILED] = REASON_INTERNAL};
    ssize_t count = recv(descriptor, part, sizeof part, 0);
    if (count > 0) {
        enum content_state state = content_add(&tcp->answer, part, (size_t)count);
        if (state != CONTENT_MORE)
            probe_end(&tcp->probe, reasons[state]);
    } else if (count == 0 || !would_block())
        judge_end(tcp, count == 0 ? 0 : errno);
}

static void read_answer(struct tcp *tcp)
{
    if (tcp->probe.monitor->expect)
        await(tcp, EV_READ, on_answer);
    else
        probe_end(&tcp->probe, REASON_OK);
}

static void on_writable(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct tcp *tcp = context;
    ssize_t count = send(descriptor, tcp->request.data + tcp->sent, tcp->request.length - tcp->sent,
                         MSG_NOSIGNAL);
    if (count < 0 && !would_block())
        probe_end(&tcp->probe, probe_reason_of(errno));
    tcp->sent += count > 0 ? (size_t)count : 0;
    if (count > 0 && tcp->sent == tcp->request.length)
        read_answer(tcp);
}

/*
 * A connection to a local port on which nothing listens may get that very port as its own, and is
 * then connected to itself.
 */
static bool is_own_end(const struct tcp *tcp)
{
    struct sockaddr_storage target, own = {0};
    socklen_t target_size = probe_target(&tcp->probe, &target), own_size = sizeof own;
    return getsockname(tcp->descriptor, (struct sockaddr *)&own, &own_size) == 0 &&
           own_size == target_size && memcmp(&own, &target, target_size) == 0;
}

static void connected(struct tcp *tcp)
{
    probe_answered(&tcp->probe);
    if (is_own_end(tcp))
        probe_end(&tcp->probe, REASON_REFUSED);
    else if (tcp->request.length > 0)
        await(tcp, EV_WRITE, on_writable);
    else
        read_answer(tcp);
}

static void on_connected(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct tcp *tcp = context;
    int problem = 0;
    socklen_t size = sizeof problem;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    if (problem == 0)
        connected(tcp);
    else
        probe_end(&tcp->probe, probe_reason_of(problem));
}

static bool prepare(struct tcp *tcp)
{
    const struct monitor *monitor = tcp->probe.monitor;
    if (monitor->send && escapes_decode(monitor->send, &tcp->request) != 0)
        return false;
    return !monitor->expect || content_init(&tcp->answer, monitor->expect) == 0;
}

static void start(struct probe *probe)
{
    struct tcp *tcp = (struct tcp *)probe;
    struct sockaddr_storage target;
    socklen_t size = probe_target(probe, &target);
    tcp->descriptor = -1;
    if (!prepare(tcp)) {
        probe_end(probe, REASON_INTERNAL);
        return;
    }
    tcp->descriptor =
        socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (tcp->descriptor < 0)
        probe_end(probe, REASON_INTERNAL);
    else if (connect(tcp->descriptor, (struct sockaddr *)&target, size) == 0)
        connected(tcp);
    else if (errno == EINPROGRESS)
        await(tcp, EV_WRITE, on_connected);
    else
        probe_end(probe, probe_reason_of(errno));
}

/* What arrived in small pieces may not have been searched completely. */
static enum reason expire(struct probe *probe)
{
    return has_matched((struct tcp *)probe) ? REASON_OK : REASON_TIMEOUT;
}

static void stop(struct probe *probe)
{
    struct tcp *tcp = (struct tcp *)probe;
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (tcp->waiting)
        event_del(&tcp->event);
    if (tcp->descriptor >= 0 && probe->result.reason != REASON_OK)
        setsockopt(tcp->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (tcp->descriptor >= 0)
        close(tcp->descriptor);
    content_release(&tcp->answer);
    buffer_release(&tcp->request);
}

const struct probe_type probe_tcp = {
    .size = sizeof(struct tcp),
    .needs_port = true,
    .refuse = refuse,
    .start = start,
    .stop = stop,
    .expire = expire,
};
