/*
 * Starts probes by type, and ends them by result, timeout or cancellation. The result is always
 * reported from the event loop, after everything else of the probe has been released.
 */
#include "monitor/prober.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "monitor/probe.h"

static const struct probe_type *const types[PROBE_TYPES] = {
    [CHECK_TCP] = &probe_tcp,   [CHECK_HTTP] = &probe_http, [CHECK_HTTPS] = &probe_https,
    [CHECK_ICMP] = &probe_icmp, [CHECK_DNS] = &probe_dns,   [CHECK_EXEC] = &probe_exec,
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What types share is made for all of them at once, so that it cannot fail later. */
static int open_types(struct prober *prober, struct error *error)
{
    int code = 0;
    for (size_t i = 0; i < PROBE_TYPES && code == 0; i++)
        if (types[i]->open)
            code = types[i]->open(prober, &prober->shared[i], error);
    return code;
}

int prober_new(struct event_base *base, const struct prober_options *options,
               struct prober **ret_prober, struct error *error)
{
    struct prober *prober = calloc(1, sizeof *prober);
    if (!prober)
        return error_set(error, ERR_NOMEM, "out of memory");
    *prober = (struct prober){.base = base, .options = *options};
    int code = open_types(prober, error);
    if (code == 0)
        *ret_prober = prober;
    else
        prober_free(prober);
    return code;
}

void prober_free(struct prober *prober)
{
    if (!prober)
        return;
    while (prober->probes)
        prober_cancel(prober, prober->probes);
    for (size_t i = 0; i < PROBE_TYPES; i++)
        if (prober->shared[i])
            types[i]->close(prober->shared[i]);
    free(prober);
}

int probe_bind_to(const struct address *source, int descriptor)
{
    struct sockaddr_storage address;
    if (source->family == FAMILY_NONE)
        return 0;
    socklen_t size = address_to_socket(source, 0, &address);
    return bind(descriptor, (struct sockaddr *)&address, size);
}

static void refuse_source(const struct address *source, struct error *error)
{
    char text[ADDRESS_TEXT_MAX];
    int descriptor =
        socket(source->family == FAMILY_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || probe_bind_to(source, descriptor) != 0)
        error_set(error, ERR_IO, "it is not possible to check from %s: %s",
                  address_format(source, text), strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
}

const char *prober_refusal(struct prober *prober, const struct monitor *monitor,
                           struct error *ret_error)
{
    const struct probe_type *type = types[monitor->type];
    *ret_error = (struct error){0};
    if (type->refuse)
        type->refuse(prober, monitor, ret_error);
    if (ret_error->code == 0 && monitor->source.family != FAMILY_NONE)
        refuse_source(&monitor->source, ret_error);
    return ret_error->code == 0 ? NULL : ret_error->text;
}

/* Stops everything of the check; only the report remains. */
static void conclude(struct probe *probe, enum reason reason)
{
    probe->ended = true;
    probe->result.reason = reason;
    lookup_end(probe->lookup);
    probe->lookup = NULL;
    if (probe->started)
        probe->type->stop(probe);
}

static void probe_remove(struct probe *probe)
{
    *probe->link = probe->next;
    if (probe->next)
        probe->next->link = probe->link;
    event_del(&probe->timer);
    free(probe);
}

/* What it means that the time is over. */
static enum reason expire(struct probe *probe)
{
    if (probe->lookup)
        return REASON_UNRESOLVED;
    return probe->type->expire ? probe->type->expire(probe) : REASON_TIMEOUT;
}

/* The time is over, or the check has ended and is reported here. */
static void on_timer(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct probe *probe = context;
    if (!probe->ended)
        conclude(probe, expire(probe));
    struct probe last = *probe;
    probe_remove(probe);
    last.done(last.context, &last.result);
}

static void probe_insert(struct probe *probe)
{
    struct probe **first = &probe->prober->probes;
    probe->next = *first;
    probe->link = first;
    if (probe->next)
        probe->next->link = &probe->next;
    *first = probe;
}

/* 0.0.0.0 and :: would mean this machine. */
static bool has_target(const struct probe *probe)
{
    return probe->address.family != FAMILY_NONE && !address_is_unspecified(&probe->address) &&
           (probe->port != 0 || !probe->type->needs_port);
}

static void probe_start(struct probe *probe)
{
    if (!has_target(probe)) {
        probe_end(probe, REASON_INTERNAL);
        return;
    }
    probe->started = true;
    probe->started_us = now_us();
    probe->type->start(probe);
}

static void on_resolved(void *context, const struct address *address)
{
    struct probe *probe = context;
    lookup_end(probe->lookup);
    probe->lookup = NULL;
    if (!address) {
        probe_end(probe, REASON_UNRESOLVED);
        return;
    }
    probe->address = *address;
    probe_start(probe);
}

static void probe_resolve(struct probe *probe)
{
    const char *path = probe->prober->options.resolv_conf;
    if (lookup_begin(probe->prober->base, path ? path : RESOLV_CONF, probe->name,
                     probe->monitor->source.family, on_resolved, probe, &probe->lookup) != 0)
        probe_end(probe, REASON_INTERNAL);
}

int prober_start(struct prober *prober, const struct check *check,
                 void (*done)(void *context, const struct check_result *result), void *context,
                 struct probe **ret_probe)
{
    const struct probe_type *type = types[check->monitor->type];
    struct timeval timeout = {.tv_sec = (time_t)check->monitor->timeout_s};
    struct probe *probe = calloc(1, type->size);
    if (!probe)
        return ERR_NOMEM;
    *probe = (struct probe){.prober = prober,
                            .type = type,
                            .monitor = check->monitor,
                            .address = check->address,
                            .name = check->name,
                            .port = monitor_port(check->monitor, check->port),
                            .result = {.reason = REASON_INTERNAL},
                            .done = done,
                            .context = context};
    if (event_assign(&probe->timer, prober->base, -1, 0, on_timer, probe) != 0 ||
        event_add(&probe->timer, &timeout) != 0) {
        free(probe);
        return ERR_NOMEM;
    }
    probe_insert(probe);
    *ret_probe = probe;
    if (probe->name && probe->address.family == FAMILY_NONE)
        probe_resolve(probe);
    else
        probe_start(probe);
    return 0;
}

void prober_cancel(struct prober *prober, struct probe *probe)
{
    (void)prober;
    if (!probe->ended)
        conclude(probe, REASON_INTERNAL);
    probe_remove(probe);
}

void *probe_shared(const struct probe *probe)
{
    return probe->prober->shared[probe->monitor->type];
}

const char *probe_host(const struct probe *probe)
{
    return probe->monitor->host ? probe->monitor->host : probe->name;
}

socklen_t probe_target(const struct probe *probe, struct sockaddr_storage *ret_target)
{
    return address_to_socket(&probe->address, probe->port, ret_target);
}

/* A port of ours is taken by connect() alone, which may use one again for another target. */
int probe_bind(const struct probe *probe, int descriptor)
{
    static const int on = 1;
    if (probe->monitor->source.family != FAMILY_NONE)
        (void)setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return probe_bind_to(&probe->monitor->source, descriptor);
}

void probe_answered(struct probe *probe)
{
    probe->result.rtt_ms = (double)(now_us() - probe->started_us) / 1000;
}

void probe_end(struct probe *probe, enum reason reason)
{
    if (probe->ended)
        return;
    conclude(probe, reason);
    event_active(&probe->timer, EV_TIMEOUT, 0);
}

enum reason probe_reason_of(int problem)
{
    static const struct {
        int problem;
        enum reason reason;
    } rows[] = {
        {ECONNREFUSED, REASON_REFUSED},    {EHOSTUNREACH, REASON_UNREACHABLE},
        {ENETUNREACH, REASON_UNREACHABLE}, {EHOSTDOWN, REASON_UNREACHABLE},
        {ENOPROTOOPT, REASON_UNREACHABLE}, {ETIMEDOUT, REASON_TIMEOUT},
        {ECONNRESET, REASON_CLOSED},       {EPIPE, REASON_CLOSED},
        {ECONNABORTED, REASON_CLOSED},     {ENONET, REASON_UNREACHABLE},
        {EACCES, REASON_UNREACHABLE}, /* administratively prohibited, reported by ICMPv6 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].problem == problem)
            return rows[i].reason;
    return REASON_INTERNAL;
}
