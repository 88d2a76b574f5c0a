/*
 * Checks of real targets on loopback: the servers run in the same event loop as the prober. All
 * rows of a table are checked at once, so that those that time out cost their second together.
 */
#include "monitor/prober.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

/* Longer than any check here, in case one is never reported. */
#define GUARD_S 90

/* Between two pieces of what a server sends. */
static const struct timeval pause_between = {.tv_usec = 10000};

/* What a server does with each connection. */
struct script {
    const char *wants; /* what it must have read before it says anything */
    const char *says[4];
    enum { STAY, CLOSE, RESET } then;
    bool accepts_nobody; /* its backlog is full */
};

struct server {
    const struct script *script;
    int listener, client;
    uint16_t port;
    struct event *on_client, *on_turn;
    size_t said;
    char heard[256];
    size_t heard_length;
    int crowd[8]; /* connections that fill the backlog */
};

struct outcome {
    int reports;
    struct check_result result;
};

struct yard {
    struct event_base *base;
    struct prober *prober;
    int awaited; /* reports that are still to come */
};

struct arrival {
    struct yard *yard;
    struct outcome *outcome;
};

static void server_end(struct server *server)
{
    static const struct linger reset = {.l_onoff = 1};
    event_free(server->on_turn);
    server->on_turn = NULL;
    if (server->script->then == STAY)
        return;
    if (server->script->then == RESET)
        setsockopt(server->client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(server->client);
    server->client = -1;
}

static void server_speak(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct server *server = context;
    const char *piece = server->said < 4 ? server->script->says[server->said] : NULL;
    if (!piece) {
        server_end(server);
        return;
    }
    server->said++;
    send(server->client, piece, strlen(piece), MSG_NOSIGNAL);
    event_add(server->on_turn, &pause_between);
}

static void server_hear(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct server *server = context;
    ssize_t count = recv(descriptor, server->heard + server->heard_length,
                         sizeof server->heard - server->heard_length, 0);
    if (count <= 0)
        return; /* the client is gone */
    server->heard_length += (size_t)count;
    const char *wants = server->script->wants;
    if (server->heard_length == strlen(wants) &&
        memcmp(server->heard, wants, server->heard_length) == 0)
        server_speak(descriptor, 0, server);
    else
        event_add(server->on_turn, NULL);
}

static void server_accept(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct server *server = context;
    struct event_base *base = event_get_base(server->on_client);
    int on = 1;
    server->client = accept(descriptor, NULL, NULL);
    setsockopt(server->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bool listens = server->script->wants != NULL;
    server->on_turn = event_new(base, listens ? server->client : -1, listens ? EV_READ : 0,
                                listens ? server_hear : server_speak, server);
    if (listens)
        event_add(server->on_turn, NULL);
    else
        server_speak(descriptor, 0, server);
}

static void server_crowd(struct server *server, const struct sockaddr_in *address)
{
    for (size_t i = 0; i < COUNT(server->crowd); i++) {
        server->crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(server->crowd[i], (const void *)address, sizeof *address);
    }
}

static void server_begin(struct server *server, struct event_base *base,
                         const struct script *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    *server = (struct server){.script = script, .client = -1};
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(server->listener, (void *)&address, size) == 0 && listen(server->listener, 0) == 0 &&
              getsockname(server->listener, (void *)&address, &size) == 0,
          "a server");
    server->port = ntohs(address.sin_port);
    memset(server->crowd, -1, sizeof server->crowd);
    if (script->accepts_nobody)
        server_crowd(server, &address);
    server->on_client = event_new(base, server->listener, EV_READ, server_accept, server);
    if (!script->accepts_nobody)
        event_add(server->on_client, NULL);
}

static void server_finish(struct server *server)
{
    for (size_t i = 0; i < COUNT(server->crowd); i++)
        if (server->crowd[i] >= 0)
            close(server->crowd[i]);
    if (server->on_turn)
        event_free(server->on_turn);
    event_free(server->on_client);
    if (server->client >= 0)
        close(server->client);
    close(server->listener);
}

static void yard_begin(struct yard *yard, const char *exec_directory)
{
    struct error error = {0};
    const struct prober_options options = {.exec_directory = exec_directory};
    signal(SIGPIPE, SIG_IGN);
    *yard = (struct yard){.base = event_base_new()};
    CHECK_INTEGER(prober_new(yard->base, &options, &yard->prober, &error), 0, "%s", error.text);
}

static void yard_end(struct yard *yard)
{
    prober_free(yard->prober);
    event_base_free(yard->base);
}

static void on_report(void *context, const struct check_result *result)
{
    struct arrival *arrival = context;
    arrival->outcome->reports++;
    arrival->outcome->result = *result;
    if (--arrival->yard->awaited == 0)
        event_base_loopbreak(arrival->yard->base);
}

static void yard_wait(struct yard *yard)
{
    static const struct timeval guard = {.tv_sec = GUARD_S};
    event_base_loopexit(yard->base, &guard);
    if (yard->awaited > 0)
        event_base_dispatch(yard->base);
    CHECK_INTEGER(yard->awaited, 0, "reports that did not come");
}

static struct monitor tcp_monitor(const char *send, const char *expect)
{
    return (struct monitor){.name = "test",
                            .type = CHECK_TCP,
                            .send = send,
                            .expect = expect,
                            .interval_s = 10,
                            .timeout_s = 1,
                            .rise = 1,
                            .fall = 1};
}

/* One of each type, with an answer that is well, or what comes of it all the same. */
#define PROGRAMS "/usr/bin"
#define MONITOR(kind, ...)                                                                         \
    {.name = "test",                                                                               \
     .type = (kind),                                                                               \
     .status_min = 200,                                                                            \
     .status_max = 299,                                                                            \
     .interval_s = 10,                                                                             \
     .timeout_s = 1,                                                                               \
     .rise = 1,                                                                                    \
     .fall = 1,                                                                                    \
     __VA_ARGS__}

static const struct kind {
    struct monitor monitor;
    struct script script;
    enum reason reason;
} kinds[] = {
    {MONITOR(CHECK_TCP, .send = "PING", .expect = "PONG"),
     {.wants = "PING", .says = {"PONG"}},
     REASON_OK},
    {MONITOR(CHECK_HTTP, .host = "www.example.com", .path = "/health", .body = "well"),
     {.says = {"HTTP/1.1 200 OK\r\n\r\nwell"}},
     REASON_OK},
    {MONITOR(CHECK_HTTPS, .verify = true), {.says = {"no TLS\r\n\r\n"}}, REASON_NO_TLS},
    {MONITOR(CHECK_TCP, .tls = true), {.says = {"no TLS\r\n\r\n"}}, REASON_NO_TLS},
    {MONITOR(CHECK_TCP, .steps = "expect ^220 \nsend QUIT\n"), {.says = {"220 "}}, REASON_OK},
    {MONITOR(CHECK_HTTP, .headers = "X-A: b\nX-B: c", .http_method = METHOD_HEAD),
     {.says = {"HTTP/1.1 200 OK\r\n\r\n"}},
     REASON_OK},
    {MONITOR(CHECK_ICMP, .port = 0), {.then = STAY}, REASON_OK},
    {MONITOR(CHECK_DNS, .host = "www.example.com", .query = "SOA"), {.then = STAY}, REASON_REFUSED},
    {MONITOR(CHECK_EXEC, .path = "true"), {.then = STAY}, REASON_OK},
};

/* Not every system lets everybody ping. */
static enum reason usual_reason(struct yard *yard, const struct kind *kind)
{
    struct error error;
    return prober_refusal(yard->prober, &kind->monitor, &error) ? REASON_INTERNAL : kind->reason;
}

/* One check, from its start to its report. */
static struct check_result check_now(struct yard *yard, const struct monitor *monitor,
                                     const char *address, uint16_t port)
{
    struct outcome outcome = {0};
    struct arrival arrival = {yard, &outcome};
    struct probe *probe;
    const struct check check = {monitor, address_of(address), port, NULL};
    yard->awaited = 1;
    CHECK_INTEGER(prober_start(yard->prober, &check, on_report, &arrival, &probe), 0, "start");
    CHECK_INTEGER(outcome.reports, 0, "never reported from there");
    yard_wait(yard);
    CHECK_INTEGER(outcome.reports, 1, "reported once");
    return outcome.result;
}

static void what_a_server_does_tells_how_the_check_ends(void)
{
    static const struct {
        const char *title;
        struct script script;
        const char *send, *expect;
        enum reason reason;
    } rows[] = {
        {"it accepts", {.then = STAY}, NULL, NULL, REASON_OK},
        {"it accepts and closes", {.then = CLOSE}, NULL, NULL, REASON_OK},
        {"its backlog is full", {.accepts_nobody = true}, NULL, NULL, REASON_TIMEOUT},
        {"it greets", {.says = {"220 hello\r\n"}}, NULL, "^220 ", REASON_OK},
        {"it greets in pieces", {.says = {"2", "2", "0 "}}, NULL, "^220 ", REASON_OK},
        {"it greets and closes", {.says = {"220 "}, .then = CLOSE}, NULL, "^220 $", REASON_OK},
        {"it says something else", {.says = {"554 "}}, NULL, "^220 ", REASON_TIMEOUT},
        {"and closes", {.says = {"554 "}, .then = CLOSE}, NULL, "^220 ", REASON_CONTENT},
        {"and resets", {.says = {"554 "}, .then = RESET}, NULL, "^220 ", REASON_CLOSED},
        {"it is silent", {.then = STAY}, NULL, "^220 ", REASON_TIMEOUT},
        {"a pattern that matches silence", {.then = STAY}, NULL, "^$", REASON_TIMEOUT},
        {"it closes without a word", {.then = CLOSE}, NULL, "^220 ", REASON_CLOSED},
        {"it resets without a word", {.then = RESET}, NULL, "^220 ", REASON_CLOSED},
        {"it is sent something", {.then = STAY}, "PING\\r\\n", NULL, REASON_OK},
        {"it is asked", {.wants = "PING\r\n", .says = {"PONG"}}, "PING\\r\\n", "PONG", REASON_OK},
        {"it waits for more", {.wants = "PING", .says = {"PONG"}}, "PIN", "PONG", REASON_TIMEOUT},
        {"a pattern that cannot be", {.then = STAY}, NULL, "(", REASON_INTERNAL},
        {"an escape that cannot be", {.then = STAY}, "\\q", NULL, REASON_INTERNAL},
    };
    static struct server servers[COUNT(rows)];
    static struct outcome outcomes[COUNT(rows)];
    static struct arrival arrivals[COUNT(rows)];
    static struct monitor monitors[COUNT(rows)];
    struct yard yard;
    struct probe *probe;
    yard_begin(&yard, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        server_begin(&servers[i], yard.base, &rows[i].script);
        outcomes[i] = (struct outcome){0};
        arrivals[i] = (struct arrival){&yard, &outcomes[i]};
        monitors[i] = tcp_monitor(rows[i].send, rows[i].expect);
        const struct check check = {&monitors[i], address_of("127.0.0.1"), servers[i].port, NULL};
        yard.awaited++;
        CHECK_INTEGER(prober_start(yard.prober, &check, on_report, &arrivals[i], &probe), 0, "%s",
                      rows[i].title);
        CHECK_INTEGER(outcomes[i].reports, 0, "%s: not yet", rows[i].title);
    }
    yard_wait(&yard);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INTEGER(outcomes[i].reports, 1, "%s", rows[i].title);
        CHECK_TEXT(reason_word(outcomes[i].result.reason), reason_word(rows[i].reason), "%s",
                   rows[i].title);
        if (rows[i].reason == REASON_OK)
            CHECK(outcomes[i].result.rtt_ms > 0 && outcomes[i].result.rtt_ms < 500, "%s: %f ms",
                  rows[i].title, outcomes[i].result.rtt_ms);
        server_finish(&servers[i]);
    }
    yard_end(&yard);
}

/* A port that nobody listens on. */
static uint16_t closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(descriptor, (void *)&address, size) == 0 &&
              getsockname(descriptor, (void *)&address, &size) == 0,
          "a port");
    close(descriptor);
    return ntohs(address.sin_port);
}

static void what_is_not_there_is_told_apart(void)
{
    const uint16_t closed = closed_port();
    const struct {
        const char *title, *address;
        uint16_t own_port, port;
        enum reason reason;
    } rows[] = {
        {"nobody listens", "127.0.0.1", 0, closed, REASON_REFUSED},
        {"the monitor's port goes first", "127.0.0.1", closed, 1, REASON_REFUSED},
        {"no address", NULL, 0, closed, REASON_INTERNAL},
        {"an address of nobody", "0.0.0.0", 0, closed, REASON_INTERNAL},
        {"an address of nobody in IPv6", "::", 0, closed, REASON_INTERNAL},
        {"no port", "127.0.0.1", 0, 0, REASON_INTERNAL},
    };
    struct yard yard;
    yard_begin(&yard, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct monitor monitor = tcp_monitor(NULL, NULL);
        monitor.port = rows[i].own_port;
        struct check_result result = check_now(&yard, &monitor, rows[i].address, rows[i].port);
        CHECK_TEXT(reason_word(result.reason), reason_word(rows[i].reason), "%s", rows[i].title);
    }
    yard_end(&yard);
}

static void without_descriptors_the_fault_is_ours(void)
{
    struct rlimit before, none;
    struct yard yard;
    struct server server;
    static const struct script script = {.then = STAY};
    const struct monitor monitor = tcp_monitor(NULL, NULL);
    yard_begin(&yard, NULL);
    server_begin(&server, yard.base, &script);
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    struct check_result result = check_now(&yard, &monitor, "127.0.0.1", server.port);
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK_TEXT(reason_word(result.reason), "internal", "EMFILE");
    result = check_now(&yard, &monitor, "127.0.0.1", server.port);
    CHECK_TEXT(reason_word(result.reason), "ok", "afterwards");
    server_finish(&server);
    yard_end(&yard);
}

static void one_of_each_type_is_checked(void)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct yard yard;
        struct server server;
        yard_begin(&yard, PROGRAMS);
        server_begin(&server, yard.base, &kinds[i].script);
        struct check_result result = check_now(&yard, &kinds[i].monitor, "127.0.0.1", server.port);
        CHECK_TEXT(reason_word(result.reason), reason_word(usual_reason(&yard, &kinds[i])), "%s",
                   check_type_word(kinds[i].monitor.type));
        server_finish(&server);
        yard_end(&yard);
    }
}

/* Whatever a check had come to in so many turns of the loop. */
#define TURNS 4

static struct probe *start_and_turn(struct yard *yard, const struct monitor *monitor, uint16_t port,
                                    struct arrival *arrival, int turns)
{
    struct probe *probe = NULL;
    const struct check check = {monitor, address_of("127.0.0.1"), port, NULL};
    CHECK_INTEGER(prober_start(yard->prober, &check, on_report, arrival, &probe), 0, "start");
    while (turns-- > 0 && arrival->outcome->reports == 0)
        event_base_loop(yard->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
    return arrival->outcome->reports == 0 ? probe : NULL;
}

static void a_check_that_is_cancelled_is_not_reported(void)
{
    for (size_t i = 0; i < COUNT(kinds) * TURNS; i++) {
        struct yard yard;
        struct server server;
        struct outcome outcome = {0};
        struct arrival arrival = {&yard, &outcome};
        const struct kind *kind = &kinds[i / TURNS];
        yard_begin(&yard, PROGRAMS);
        server_begin(&server, yard.base, &kind->script);
        struct probe *probe =
            start_and_turn(&yard, &kind->monitor, server.port, &arrival, (int)(i % TURNS));
        if (probe) {
            prober_cancel(yard.prober, probe);
            event_base_loop(yard.base, EVLOOP_NONBLOCK);
            CHECK_INTEGER(outcome.reports, 0, "%s", check_type_word(kind->monitor.type));
        }
        CHECK(probe || i % TURNS > 0, "something was cancelled");
        server_finish(&server);
        yard_end(&yard);
    }
}

static void a_check_that_has_ended_may_still_be_cancelled(void)
{
    struct yard yard;
    struct outcome outcome = {0};
    struct arrival arrival = {&yard, &outcome};
    const struct monitor fails = tcp_monitor(NULL, "(");
    yard_begin(&yard, NULL);
    prober_cancel(yard.prober, start_and_turn(&yard, &fails, 1, &arrival, 0));
    event_base_loop(yard.base, EVLOOP_NONBLOCK);
    CHECK_INTEGER(outcome.reports, 0, "reports");
    yard_end(&yard);
}

static void those_that_run_end_with_the_prober(void)
{
    for (int turns = 0; turns < TURNS; turns++) {
        struct yard yard;
        struct server servers[COUNT(kinds)];
        struct outcome outcomes[COUNT(kinds)] = {0};
        struct arrival arrivals[COUNT(kinds)];
        int before = 0, after = 0;
        yard_begin(&yard, PROGRAMS);
        for (size_t i = 0; i < COUNT(kinds); i++) {
            arrivals[i] = (struct arrival){&yard, &outcomes[i]};
            server_begin(&servers[i], yard.base, &kinds[i].script);
            start_and_turn(&yard, &kinds[i].monitor, servers[i].port, &arrivals[i], turns);
        }
        for (size_t i = 0; i < COUNT(kinds); i++)
            before += outcomes[i].reports;
        prober_free(yard.prober);
        yard.prober = NULL;
        event_base_loop(yard.base, EVLOOP_NONBLOCK);
        for (size_t i = 0; i < COUNT(kinds); i++) {
            after += outcomes[i].reports;
            server_finish(&servers[i]);
        }
        CHECK_INTEGER(after, before, "reports behind its end");
        CHECK(turns > 0 || before == 0, "all were running");
        yard_end(&yard);
    }
}

/* Starts the next check from its own report. */
struct relay {
    struct yard *yard;
    const struct check *check;
    int left, good;
};

static void on_relay(void *context, const struct check_result *result)
{
    struct relay *relay = context;
    struct probe *probe;
    relay->good += result->reason == REASON_REFUSED;
    if (relay->left-- > 0)
        prober_start(relay->yard->prober, relay->check, on_relay, relay, &probe);
    else
        event_base_loopbreak(relay->yard->base);
}

static void a_report_may_start_the_next_check(void)
{
    struct yard yard;
    const struct monitor monitor = tcp_monitor(NULL, NULL);
    const struct check check = {&monitor, address_of("127.0.0.1"), closed_port(), NULL};
    struct relay relay = {&yard, &check, 100, 0};
    struct probe *probe;
    yard_begin(&yard, NULL);
    CHECK_INTEGER(prober_start(yard.prober, &check, on_relay, &relay, &probe), 0, "start");
    event_base_dispatch(yard.base);
    CHECK_INTEGER(relay.good, 101, "all were refused");
    yard_end(&yard);
}

static void monitors_that_cannot_be_run_are_refused_with_words(void)
{
    static const struct {
        struct monitor monitor;
        const char *words;
    } rows[] = {
        {{.type = CHECK_TCP}, NULL},
        {{.type = CHECK_TCP, .send = "a\\r\\n", .expect = "^220"}, NULL},
        {{.type = CHECK_TCP, .send = "\\q"},
         "send '\\q' has a \\ that is not followed by r, n, t, \\ or xHH"},
        {{.type = CHECK_TCP, .expect = "("}, "expect '(' is not a regular expression: "},
        {{.type = CHECK_HTTP, .host = "www.example.com:80", .path = "/a?b", .body = "a|b"}, NULL},
        {{.type = CHECK_HTTPS, .host = "[2001:db8::1]"}, NULL},
        {{.type = CHECK_HTTPS, .verify = true}, NULL},
        {{.type = CHECK_HTTP, .host = "a/b"}, "host 'a/b' is not a host name"},
        {{.type = CHECK_HTTPS, .path = "a"}, "path 'a' is not '/' followed by what a URL"},
        {{.type = CHECK_HTTP, .body = "["}, "body '[' is not a regular expression: "},
        {{.type = CHECK_DNS, .host = "example.com"}, NULL},
        {{.type = CHECK_DNS, .host = "example.com", .query = "AXFR"},
         "query 'AXFR' is not a type that can be asked for"},
        {{.type = CHECK_DNS, .host = "a", .rcode = "BADVERS"}, "rcode 'BADVERS' is not known"},
        {{.type = CHECK_DNS, .host = "a", .answer = "("}, "answer '(' is not a regular expression"},
        {{.type = CHECK_TCP, .steps = "send a\nexpect (\n"}, "expect '(' is not a regular"},
        {{.type = CHECK_TCP, .steps = "send a\nsend \\q"}, "send '\\q' has a \\ that is not"},
        {{.type = CHECK_TCP, .steps = "send a\n\nsend b"}, "line '' of steps is not send or"},
        {{.type = CHECK_TCP, .steps = "sent a"}, "line 'sent a' of steps is not send or"},
        {{.type = CHECK_TCP, .steps = "expect ^2\nsend b\n"}, NULL},
        {{.type = CHECK_TCP, .tls = true, .verify = true}, NULL},
        {{.type = CHECK_TCP, .proxy = PROXY_VERSION_2}, NULL},
        {{.type = CHECK_HTTP, .proxy = PROXY_VERSION_2}, "proxy 2 is not possible for http"},
        {{.type = CHECK_HTTP, .headers = "X-A: b\nX_B:  c\n"}, NULL},
        {{.type = CHECK_HTTP, .headers = "X-A: b\n\n\n"}, NULL},
        {{.type = CHECK_HTTP, .headers = "X-A: b\n\nX-B: c"}, "a line of headers is not a name"},
        {{.type = CHECK_HTTP, .headers = "X-A;"}, "a line of headers is not a name, a colon"},
        {{.type = CHECK_HTTP, .headers = "X-A: b\n @file"}, "a line of headers is not a name"},
        {{.type = CHECK_HTTP, .headers = "X-A: b\r"}, "a line of headers is not a name"},
        {{.type = CHECK_TCP, .source = {FAMILY_IPV4, {127, 0, 0, 9}}}, NULL},
        {{.type = CHECK_TCP, .source = {FAMILY_IPV4, {198, 51, 100, 9}}},
         "it is not possible to check from 198.51.100.9: Cannot assign requested address"},
        {{.type = CHECK_DNS}, "host, the name to ask for, is missing"},
        {{.type = CHECK_DNS, .host = "a..b"}, "host 'a..b' is not a DNS name"},
        {{.type = CHECK_EXEC, .path = "true"}, "pdns-stickyd was started without"},
    };
    struct yard yard;
    yard_begin(&yard, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error;
        const char *said = prober_refusal(yard.prober, &rows[i].monitor, &error);
        if (rows[i].words)
            CHECK(said && strncmp(said, rows[i].words, strlen(rows[i].words)) == 0, "%zu: %s", i,
                  said ? said : "nothing");
        else
            CHECK_TEXT(said, NULL, "%zu", i);
    }
    yard_end(&yard);
}

/* Says whether the n-th allocation of a check was there to fail. */
static bool check_without(const struct kind *kind, size_t n)
{
    struct yard yard;
    struct server server;
    struct outcome outcome = {0};
    struct arrival arrival = {&yard, &outcome};
    struct probe *probe;
    const char *type = check_type_word(kind->monitor.type);
    yard_begin(&yard, PROGRAMS);
    server_begin(&server, yard.base, &kind->script);
    enum reason usual = usual_reason(&yard, kind);
    struct monitor patient =
        kind->monitor; /* on a busy machine with sanitizers, a second is short */
    patient.timeout_s = 60;
    const struct check check = {&patient, address_of("127.0.0.1"), server.port, NULL};
    memory_fail_at(n);
    int code = prober_start(yard.prober, &check, on_report, &arrival, &probe);
    yard.awaited = code == 0;
    yard_wait(&yard);
    bool failed = memory_fail_end();
    CHECK_INTEGER(code, n == 1 ? ERR_NOMEM : 0, "%s: allocation %zu", type, n);
    CHECK_INTEGER(outcome.reports, n > 1, "%s: allocation %zu", type, n);
    /* libcurl goes on where a socket could not be watched, and may well come to an end. */
    bool is_web = kind->monitor.type == CHECK_HTTP || kind->monitor.type == CHECK_HTTPS;
    if (n > 1 && !(is_web && outcome.result.reason == usual))
        CHECK_TEXT(reason_word(outcome.result.reason),
                   reason_word(failed ? REASON_INTERNAL : usual), "%s: allocation %zu", type, n);
    server_finish(&server);
    yard_end(&yard);
    return failed;
}

static void whichever_allocation_fails_the_fault_is_ours(void)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t n = 1;
        while (check_without(&kinds[i], n) && n < 50)
            n++;
        CHECK(n > 1 && n < 50, "%zu allocations", n);
    }
}

static void without_memory_there_is_no_prober(void)
{
    struct event_base *base = event_base_new();
    const struct prober_options options = {0};
    bool failing = true;
    for (size_t n = 1; failing && n < 50; n++) {
        struct prober *prober = NULL;
        struct error error = {0};
        memory_fail_at(n);
        int code = prober_new(base, &options, &prober, &error);
        failing = memory_fail_end();
        CHECK_INTEGER(code, failing ? ERR_NOMEM : 0, "allocation %zu", n);
        CHECK_INTEGER(prober != NULL, !failing, "allocation %zu", n);
        prober_free(prober);
    }
    CHECK(!failing, "some allocations");
    event_base_free(base);
}

static const CU_TestInfo tests[] = {
    {"what a server does tells how the check ends", what_a_server_does_tells_how_the_check_ends},
    {"what is not there is told apart", what_is_not_there_is_told_apart},
    {"without descriptors the fault is ours", without_descriptors_the_fault_is_ours},
    {"one of each type is checked", one_of_each_type_is_checked},
    {"a check that has ended may still be cancelled",
     a_check_that_has_ended_may_still_be_cancelled},
    {"a check that is cancelled is not reported", a_check_that_is_cancelled_is_not_reported},
    {"those that run end with the prober", those_that_run_end_with_the_prober},
    {"a report may start the next check", a_report_may_start_the_next_check},
    {"monitors that cannot be run are refused with a reason",
     monitors_that_cannot_be_run_are_refused_with_words},
    {"whichever allocation fails, the fault is ours", whichever_allocation_fails_the_fault_is_ours},
    {"without memory there is no prober", without_memory_there_is_no_prober},
    CU_TEST_INFO_NULL,
};

const struct suite suite_prober = {"prober", tests};
