/*
 * Requests a page from an HTTP server, with libcurl.
 *
 * Every check uses a new connection to the target's address, whatever the host is called: no name
 * is resolved here, no proxy used, no redirect followed. Without a pattern for the body, the check
 * ends after the headers: they have the status, and the body would only cost time. With a pattern,
 * it ends when the pattern is found, at the latest after CONTENT_MAX bytes.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/content.h"
#include "monitor/probe.h"
#include "monitor/tls.h"

/* Servers usually send a hundredth of that; Apache and nginx accept no more than 32 KiB. */
#define HEADERS_MAX (64 * 1024)

/* How much libcurl reads at once: each of a thousand checks has such a buffer. */
#define READ_BYTES 4096L

/* How long the certificates of the system are kept before they are read again. */
#define TRUST_MAX_AGE_S 600L

/* CURLE_TOO_LARGE of libcurl 8.6: an endless header line. */
#define CODE_TOO_LARGE ((CURLcode)100)

/* "https://[address]:65535/", or a host name in place of the address. */
#define URL_MAX 512
#define HOST_MAX 262 /* a name of 255, and a port */

struct web {
    CURLM *multi;
    struct event_base *base;
    struct event timer;
};

struct http {
    struct probe probe;
    CURL *easy;
    bool added; /* to web.multi */
    struct curl_slist *route, *headers;
    size_t header_bytes;
    bool judged, has_status; /* `verdict` is set; the headers are complete and accepted */
    enum reason verdict;     /* with which a callback ended the transfer */
    struct event unwatched;  /* the socket could not be watched */
    bool no_tls;             /* what the server sends is not TLS */
    struct content body;
};

/* Ends the transfer from within a callback of libcurl, where handles must not be removed. */
static bool judge(struct http *http, enum reason verdict)
{
    http->judged = true;
    http->verdict = verdict;
    return false;
}

/* Called at the end of headers; there are several if 1xx responses come first. */
static bool take_status(struct http *http)
{
    const struct monitor *monitor = http->probe.monitor;
    long status = 0;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return true;
    if (status < monitor->status_min || status > monitor->status_max)
        return judge(http, REASON_STATUS);
    http->has_status = true;
    return monitor->body || judge(http, REASON_OK);
}

/* `descriptor`, or -1 after it was closed. */
static int bind_or_close(const struct http *http, int descriptor)
{
    if (probe_bind(&http->probe, descriptor) == 0)
        return descriptor;
    close(descriptor);
    return -1;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct http *http = context;
    size_t length = size * count;
    bool ends = length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
    if (http->header_bytes == 0)
        probe_answered(&http->probe);
    http->header_bytes += length;
    bool goes_on = http->header_bytes > HEADERS_MAX ? judge(http, REASON_PROTOCOL)
                                                    : !ends || take_status(http);
    return goes_on ? length : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct http *http = context;
    static const enum reason reasons[] = {[CONTENT_MATCHES] = REASON_OK,
                                          [CONTENT_FULL] = REASON_CONTENT,
                                          [CONTENT_FAILED] = REASON_INTERNAL};
    enum content_state state = content_add(&http->body, bytes, size * count);
    if (state == CONTENT_MORE)
        return size * count;
    judge(http, reasons[state]);
    return 0;
}

/* Opens the socket itself, so that a failure here is known not to be the target's. */
static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct http *http = context;
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                            address->protocol);
    if (descriptor >= 0)
        descriptor = bind_or_close(http, descriptor);
    if (descriptor < 0)
        judge(http, REASON_INTERNAL);
    return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

/* The reason for a code of libcurl; for some, the errno decides. */
static const struct meaning {
    CURLcode code;
    enum reason reason;
    bool has_errno;
} meanings[] = {
    {CURLE_OK, REASON_CONTENT, false}, /* the whole body, without a match */
    {CURLE_OPERATION_TIMEDOUT, REASON_TIMEOUT, false},
    {CURLE_COULDNT_CONNECT, REASON_REFUSED, true},
    {CURLE_SEND_ERROR, REASON_CLOSED, true},
    {CURLE_RECV_ERROR, REASON_CLOSED, true},
    {CURLE_GOT_NOTHING, REASON_CLOSED, false},
    {CURLE_PARTIAL_FILE, REASON_CLOSED, false},
    {CURLE_SSL_CONNECT_ERROR, REASON_TLS, false},
    {CURLE_SSL_CIPHER, REASON_TLS, false},
    {CURLE_PEER_FAILED_VERIFICATION, REASON_TLS, false},
    {CURLE_SSL_ISSUER_ERROR, REASON_TLS, false},
    {CURLE_SSL_INVALIDCERTSTATUS, REASON_TLS, false},
    {CURLE_UNSUPPORTED_PROTOCOL, REASON_PROTOCOL, false}, /* HTTP/0.9 */
    {CURLE_WEIRD_SERVER_REPLY, REASON_PROTOCOL, false},
    {CURLE_BAD_CONTENT_ENCODING, REASON_PROTOCOL, false},
    {CURLE_HTTP2, REASON_PROTOCOL, false},
    {CURLE_HTTP2_STREAM, REASON_PROTOCOL, false},
    {CODE_TOO_LARGE, REASON_PROTOCOL, false},
};

static struct meaning meaning_of(CURLcode code)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].code == code)
            return meanings[i];
    return (struct meaning){code, REASON_INTERNAL, false};
}

/* After the request has been sent, "out of memory" means a header line of more than 100 KB. */
static bool is_endless_line(const struct http *http, CURLcode code)
{
    curl_off_t before_us = 0;
    curl_easy_getinfo(http->easy, CURLINFO_PRETRANSFER_TIME_T, &before_us);
    return code == CURLE_OUT_OF_MEMORY && before_us > 0;
}

/*
 * Why a handshake failed. libcurl compares the names itself, after OpenSSL has verified the
 * certificate: then that result is 0, or still 1, its value for "not yet known".
 */
static enum reason tls_reason_of(const struct http *http, CURLcode code)
{
    long verification = 0;
    if (http->no_tls)
        return REASON_NO_TLS;
    if (code != CURLE_PEER_FAILED_VERIFICATION)
        return REASON_TLS;
    curl_easy_getinfo(http->easy, CURLINFO_SSL_VERIFYRESULT, &verification);
    return verification <= 1 ? REASON_WRONG_NAME : tls_reason(verification);
}

static enum reason reason_of(const struct http *http, CURLcode code)
{
    struct meaning meaning = meaning_of(code);
    long problem = 0;
    curl_easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &problem);
    if (is_endless_line(http, code))
        return REASON_PROTOCOL;
    if (meaning.has_errno && problem != 0)
        return probe_reason_of((int)problem);
    if (code == CURLE_RECV_ERROR && http->has_status)
        return REASON_PROTOCOL; /* bad chunks */
    return meaning.reason == REASON_TLS ? tls_reason_of(http, code) : meaning.reason;
}

/* A page that was cut off might have said something else. */
static bool has_matched(const struct http *http, bool is_whole)
{
    return http->has_status && (is_whole || !content_waits(&http->body)) &&
           content_matches(&http->body);
}

static void finish(struct http *http, CURLcode code)
{
    bool found = has_matched(http, code == CURLE_OK || http->judged);
    enum reason reason = http->judged ? http->verdict : reason_of(http, code);
    probe_end(&http->probe, found ? REASON_OK : reason);
}

/* Reports finished transfers. A message is freed with its handle. */
static void collect(struct web *web)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(web->multi, &left));) {
        struct http *http = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &http);
        if (message->msg == CURLMSG_DONE)
            finish(http, code);
    }
}

static void on_socket(evutil_socket_t descriptor, short what, void *context)
{
    struct web *web = context;
    int running,
        flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(web->multi, descriptor, flags, &running);
    collect(web);
}

static void on_time(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct web *web = context;
    int running;
    curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(web);
}

static int on_timer_change(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct web *web = context;
    const struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    if (timeout_ms < 0)
        event_del(&web->timer);
    else if (event_add(&web->timer, &timeout) != 0)
        event_active(&web->timer, EV_TIMEOUT, 0); /* too early is better than never */
    return 0;
}

static bool watch(struct web *web, curl_socket_t descriptor, int what, struct event *event)
{
    short flags = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                          (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);
    return event_assign(event, web->base, descriptor, flags, on_socket, web) == 0 &&
           event_add(event, NULL) == 0;
}

static void on_unwatched(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct http *http = context;
    probe_end(&http->probe, REASON_INTERNAL);
}

/*
 * It must not return an error: libcurl would abort all transfers, present and future. Nor may it
 * end this one, which comes next.
 */
static int on_socket_change(CURL *easy, curl_socket_t descriptor, int what, void *context,
                            void *assigned)
{
    struct web *web = context;
    struct event *event = assigned;
    struct http *http = NULL;
    if (event)
        event_del(event);
    if (what == CURL_POLL_REMOVE) {
        free(event);
        return 0;
    }
    if (!event)
        event = calloc(1, sizeof *event);
    curl_multi_assign(web->multi, descriptor, event);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &http);
    if ((!event || !watch(web, descriptor, what, event)) && http)
        event_active(&http->unwatched, EV_TIMEOUT, 0);
    return 0;
}

static void close_web(void *shared)
{
    struct web *web = shared;
    if (web->multi)
        curl_multi_cleanup(web->multi);
    event_del(&web->timer);
    curl_global_cleanup();
    free(web);
}

static bool set_up(struct web *web)
{
    web->multi = curl_multi_init();
    return web->multi &&
           curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change) == CURLM_OK &&
           curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web) == CURLM_OK &&
           curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, on_timer_change) == CURLM_OK &&
           curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web) == CURLM_OK &&
           curl_multi_setopt(web->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING) == CURLM_OK;
}

static int open_web(struct prober *prober, void **ret_shared, struct error *error)
{
    struct web *web = calloc(1, sizeof *web);
    if (!web)
        return error_set(error, ERR_NOMEM, "out of memory");
    web->base = prober->base;
    event_assign(&web->timer, web->base, -1, 0, on_time, web);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(web);
        return error_set(error, ERR_INTERNAL, "libcurl cannot be set up");
    }
    if (!set_up(web)) {
        close_web(web);
        return error_set(error, ERR_INTERNAL, "libcurl cannot be set up");
    }
    *ret_shared = web;
    return 0;
}

/* A host must not contain characters that have another meaning in a URL. */
static bool is_host(const char *host)
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789.-_:[]";
    char text[URL_MAX];
    size_t length = strlen(host);
    if (length == 0 || length > HOST_MAX || strspn(host, characters) != length)
        return false;
    snprintf(text, sizeof text, "http://%s/", host);
    CURLU *url = curl_url();
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
    curl_url_cleanup(url);
    return code == CURLUE_OK;
}

/* The path is sent as it is, so it must be valid in a request. */
static bool is_path(const char *path)
{
    if (*path != '/')
        return false;
    while (*path > ' ' && *path <= '~')
        path++;
    return *path == '\0';
}

/* Each line is a name, a colon, a space and a value; libcurl takes other lines in other ways. */
static bool are_headers(const char *lines)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    while (lines[strspn(lines, "\n")] != '\0') { /* newlines at the end begin no line */
        size_t length = strcspn(lines, "\n"), named = strspn(lines, name);
        if (named == 0 || length < named + 3 || strncmp(lines + named, ": ", 2) != 0)
            return false;
        for (size_t i = 0; i < length; i++)
            if (lines[i] < ' ' || lines[i] > '~')
                return false;
        lines += length + (lines[length] == '\n');
    }
    return true;
}

/* Without a configured file libcurl uses the system's certificates, which may not be installed. */
static void refuse_without_certificates(const struct prober *prober, struct error *error)
{
    const char *ca_file = prober->options.ca_file;
    CURL *easy = curl_easy_init();
    if (!ca_file && easy)
        curl_easy_getinfo(easy, CURLINFO_CAINFO, &ca_file);
    if (ca_file && access(ca_file, R_OK) != 0)
        error_set(error, ERR_IO,
                  "%s: certificates cannot be read: %s (the system's are in Debian's package"
                  " ca-certificates)",
                  ca_file, strerror(errno));
    curl_easy_cleanup(easy);
}

static void refuse(struct prober *prober, const struct monitor *monitor, struct error *error)
{
    if (monitor->host && !is_host(monitor->host))
        error_set(error, ERR_INVAL, "host '%s' is not a host name", monitor->host);
    if (monitor->path && !is_path(monitor->path))
        error_set(error, ERR_INVAL, "path '%s' is not '/' followed by what a URL may contain",
                  monitor->path);
    if (monitor->headers && !are_headers(monitor->headers))
        error_set(error, ERR_INVAL,
                  "a line of headers is not a name, a colon, a space and a value");
    if (monitor->proxy == PROXY_VERSION_2)
        error_set(error, ERR_INVAL, "proxy 2 is not possible for %s: use 1",
                  check_type_word(monitor->type));
    if (monitor->body)
        content_refuse("body", monitor->body, error);
    if (monitor->type == CHECK_HTTPS && monitor->verify)
        refuse_without_certificates(prober, error);
}

/* The address and port as in a URL. */
static const char *format_target(const struct probe *probe, char text[static URL_MAX])
{
    char address[ADDRESS_TEXT_MAX];
    const char *form = probe->address.family == FAMILY_IPV6 ? "[%s]:%u" : "%s:%u";
    address_format(&probe->address, address);
    snprintf(text, URL_MAX, form, address, probe->port);
    return text;
}

/*
 * The URL names the host, for the Host header and the TLS server name; CURLOPT_CONNECT_TO directs
 * every connection to the target.
 */
static bool set_target(struct http *http)
{
    const struct monitor *monitor = http->probe.monitor;
    const char *host = probe_host(&http->probe);
    char target[URL_MAX], text[URL_MAX + sizeof "https:///"];
    format_target(&http->probe, target);
    if (host) {
        snprintf(text, sizeof text, "::%s", target);
        http->route = curl_slist_append(NULL, text);
        if (!http->route ||
            curl_easy_setopt(http->easy, CURLOPT_CONNECT_TO, http->route) != CURLE_OK)
            return false;
    }
    snprintf(text, sizeof text, "%s://%s/", check_type_word(monitor->type), host ? host : target);
    return curl_easy_setopt(http->easy, CURLOPT_URL, text) == CURLE_OK &&
           curl_easy_setopt(http->easy, CURLOPT_REQUEST_TARGET,
                            monitor->path ? monitor->path : "/") == CURLE_OK;
}

static bool set_numbers(struct http *http)
{
    const struct monitor *monitor = http->probe.monitor;
    const struct {
        CURLoption option;
        long value;
    } rows[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS}, /* HTTP/1.1 unless TLS negotiates HTTP/2 */
        {CURLOPT_FRESH_CONNECT, 1},
        {CURLOPT_FORBID_REUSE, 1},
        {CURLOPT_SSL_SESSIONID_CACHE, 0}, /* else the server would not send its certificate again */
        {CURLOPT_CA_CACHE_TIMEOUT, TRUST_MAX_AGE_S},
        {CURLOPT_SSL_VERIFYPEER, monitor->verify},
        {CURLOPT_SSL_VERIFYHOST, monitor->verify ? 2 : 0},
        {CURLOPT_BUFFERSIZE, READ_BYTES},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_NOBODY, monitor->http_method == METHOD_HEAD},
        {CURLOPT_HAPROXYPROTOCOL, monitor->proxy == PROXY_VERSION_1},
        {CURLOPT_CONNECTTIMEOUT_MS, (long)monitor->timeout_s * 1000 + 1000}, /* ours goes first */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (curl_easy_setopt(http->easy, rows[i].option, rows[i].value) != CURLE_OK)
            return false;
    return true;
}

/*
 * Certificates come from a file and not from a directory, because libcurl caches only files;
 * reading them for each check would take ten times as long as the check.
 */
static bool set_texts(struct http *http)
{
    const char *ca_file = http->probe.prober->options.ca_file;
    CURL *easy = http->easy;
    return curl_easy_setopt(easy, CURLOPT_USERAGENT, "pdns-sticky/" PACKAGE_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
           (!ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK);
}

static CURLcode on_tls(CURL *easy, void *settings, void *context)
{
    (void)easy;
    struct http *http = context;
    tls_watch_settings(settings, &http->no_tls);
    return CURLE_OK;
}

static bool set_callbacks(struct http *http)
{
    CURL *easy = http->easy;
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PRIVATE, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http) == CURLE_OK;
}

static bool is_sound(const struct monitor *monitor)
{
    return (!monitor->host || is_host(monitor->host)) &&
           (!monitor->path || is_path(monitor->path)) &&
           (!monitor->headers || are_headers(monitor->headers)) &&
           monitor->proxy != PROXY_VERSION_2;
}

/* Adds a copy of the line; false without memory. */
static bool add_header(struct http *http, const char *line, size_t length)
{
    char *copy = strndup(line, length);
    struct curl_slist *longer = copy ? curl_slist_append(http->headers, copy) : NULL;
    free(copy);
    if (longer)
        http->headers = longer;
    return longer != NULL;
}

static bool set_headers(struct http *http)
{
    const char *line = http->probe.monitor->headers;
    for (size_t length; line && line[strspn(line, "\n")] != '\0';
         line += length + (line[length] == '\n')) {
        length = strcspn(line, "\n");
        if (!add_header(http, line, length))
            return false;
    }
    return !http->headers ||
           curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, http->headers) == CURLE_OK;
}

static bool prepare(struct http *http)
{
    const struct monitor *monitor = http->probe.monitor;
    http->body.has_end = true;
    if (!is_sound(monitor) || (monitor->body && content_init(&http->body, monitor->body) != 0))
        return false;
    http->easy = curl_easy_init();
    return http->easy && set_target(http) && set_numbers(http) && set_texts(http) &&
           set_headers(http) && set_callbacks(http);
}

static void start(struct probe *probe)
{
    struct http *http = (struct http *)probe;
    const struct web *web = probe_shared(probe);
    event_assign(&http->unwatched, web->base, -1, 0, on_unwatched, http);
    http->added = prepare(http) && curl_multi_add_handle(web->multi, http->easy) == CURLM_OK;
    if (!http->added)
        probe_end(probe, REASON_INTERNAL);
}

static enum reason expire(struct probe *probe)
{
    const struct http *http = (const struct http *)probe;
    return has_matched(http, false) ? REASON_OK : REASON_TIMEOUT;
}

static void stop(struct probe *probe)
{
    struct http *http = (struct http *)probe;
    const struct web *web = probe_shared(probe);
    if (http->added)
        curl_multi_remove_handle(web->multi, http->easy);
    event_del(&http->unwatched);
    curl_easy_cleanup(http->easy);
    curl_slist_free_all(http->route);
    curl_slist_free_all(http->headers);
    content_release(&http->body);
}

#define WEB_TYPE                                                                                   \
    {                                                                                              \
        .size = sizeof(struct http),                                                               \
        .needs_port = true,                                                                        \
        .open = open_web,                                                                          \
        .close = close_web,                                                                        \
        .refuse = refuse,                                                                          \
        .start = start,                                                                            \
        .stop = stop,                                                                              \
        .expire = expire,                                                                          \
    }

const struct probe_type probe_http = WEB_TYPE;
const struct probe_type probe_https = WEB_TYPE;
