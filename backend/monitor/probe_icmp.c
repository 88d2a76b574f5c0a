/*
 * Pings with datagram sockets, which need no privilege if net.ipv4.ping_group_range allows them.
 *
 * All checks of a family and a source address share a socket, whose identifier the system chooses.
 * The sequence number of an echo request is the check's slot in an array. Its payload begins with
 * random bytes, so neither a late reply to the previous user of the slot nor a forged one counts.
 * An ICMP error from a router counts only if it quotes these bytes too.
 */
#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs <time.h> */

#include "core/base/vector.h"
#include "monitor/probe.h"

#define ECHO_REQUEST 8
#define ECHO_REPLY 0
#define ECHO_REQUEST_IPV6 128
#define ECHO_REPLY_IPV6 129

/* A sequence number has 16 bits. */
#define SLOTS_MAX 65536

/* Room for a thousand replies; the system may grant less. */
#define SOCKET_BYTES (1024 * 1024)

/* How many replies, and how many errors, are read before other events are handled. */
#define READS_MAX 64

/* A send fails with the pending error of an earlier request, once for each pending error. */
#define SENDS_MAX 3

/* Like ping: small, but not so small that a router takes it for malformed. */
#define FILLING 48

struct echo {
    uint8_t type, code;
    uint16_t checksum, identifier; /* filled in by the system */
    uint16_t sequence;             /* in network byte order */
    uint8_t secret[8];
    uint8_t filling[FILLING];
};

/* It stays open until the prober ends: there are few families and source addresses. */
struct ping_socket {
    enum address_family family;
    struct address source; /* FAMILY_NONE: what the system chooses */
    int descriptor;
    struct event event;
    struct ping_socket *next;
};

struct slot {
    struct icmp *icmp;
    size_t next; /* next free slot; `count`: none */
};

/* Slots are never freed, only reused. */
struct pings {
    struct event_base *base;
    struct ping_socket *sockets;
    struct slot *slots;
    size_t count, capacity, free;
};

struct icmp {
    struct probe probe;
    size_t slot;
    bool has_slot;
    uint8_t secret[8];
};

/* Says whether the source is the target; the port that the system reports has no meaning. */
static bool is_from(const struct probe *probe, const struct sockaddr_storage *source)
{
    struct sockaddr_storage target;
    probe_target(probe, &target);
    if (source->ss_family != target.ss_family)
        return false;
    if (source->ss_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)source)->sin_addr, probe->address.bytes, 4) ==
               0;
    return memcmp(&((const struct sockaddr_in6 *)source)->sin6_addr, probe->address.bytes, 16) == 0;
}

/* The check whose request this is, by payload and address; NULL if none is waiting for it. */
static struct icmp *find_request(struct pings *pings, const struct echo *echo, size_t length,
                                 const struct sockaddr_storage *target)
{
    size_t slot = ntohs(echo->sequence);
    if (length < offsetof(struct echo, filling) || slot >= pings->count)
        return NULL;
    struct icmp *icmp = pings->slots[slot].icmp;
    if (!icmp || memcmp(icmp->secret, echo->secret, sizeof echo->secret) != 0 ||
        !is_from(&icmp->probe, target))
        return NULL;
    return icmp;
}

static void take_reply(struct pings *pings, const struct echo *echo, size_t length,
                       const struct sockaddr_storage *source)
{
    uint8_t type = source->ss_family == AF_INET6 ? ECHO_REPLY_IPV6 : ECHO_REPLY;
    struct icmp *icmp = find_request(pings, echo, length, source);
    if (!icmp || length < sizeof *echo || echo->type != type)
        return;
    probe_answered(&icmp->probe);
    probe_end(&icmp->probe, REASON_OK);
}

/* The reason of an ICMP error; REASON_OK if there is none that ends a check. */
static enum reason reason_in(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        struct sock_extended_err told;
        bool ipv4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
        bool ipv6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
        if (!ipv4 && !ipv6)
            continue;
        memcpy(&told, CMSG_DATA(part), sizeof told);
        enum reason reason = probe_reason_of((int)told.ee_errno);
        bool is_icmp = told.ee_origin == SO_EE_ORIGIN_ICMP || told.ee_origin == SO_EE_ORIGIN_ICMP6;
        return is_icmp && reason != REASON_INTERNAL ? reason : REASON_OK;
    }
    return REASON_OK;
}

/* Reads an ICMP error: the system passes the quoted request, and where it was sent to. */
static bool read_error(struct pings *pings, int descriptor)
{
    struct echo echo;
    struct sockaddr_storage target;
    char control[512];
    struct iovec quotation = {.iov_base = &echo, .iov_len = sizeof echo};
    struct msghdr message = {.msg_name = &target,
                             .msg_namelen = sizeof target,
                             .msg_iov = &quotation,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(descriptor, &message, MSG_ERRQUEUE);
    if (length < 0)
        return false;
    enum reason reason = reason_in(&message);
    struct icmp *icmp = find_request(pings, &echo, (size_t)length, &target);
    if (icmp && reason != REASON_OK)
        probe_end(&icmp->probe, reason);
    return true;
}

static bool read_reply(struct pings *pings, int descriptor)
{
    struct echo echo;
    struct sockaddr_storage source;
    socklen_t size = sizeof source;
    ssize_t length = recvfrom(descriptor, &echo, sizeof echo, 0, (void *)&source, &size);
    if (length < 0)
        return false;
    take_reply(pings, &echo, (size_t)length, &source);
    return true;
}

/* Errors first: a pending one would make the next read fail. */
static void on_reply(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    for (int i = 0; i < READS_MAX && read_error(context, descriptor); i++)
        ;
    for (int i = 0; i < READS_MAX && read_reply(context, descriptor); i++)
        ;
}

/* Makes room for bursts; not essential. */
static void grow_buffers(int descriptor)
{
    static const int bytes = SOCKET_BYTES;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

/* Without these, a target that a router reports as unreachable would only time out. */
static void ask_for_errors(int descriptor, bool ipv6)
{
    static const int on = 1;
    if (ipv6)
        (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    else
        (void)setsockopt(descriptor, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
}

static struct ping_socket *find_socket(const struct pings *pings, enum address_family family,
                                       const struct address *source)
{
    struct ping_socket *found = pings->sockets;
    while (found && (found->family != family || !address_equal(&found->source, source)))
        found = found->next;
    return found;
}

/* A descriptor, or -1 with errno. */
static int open_descriptor(enum address_family family, const struct address *source)
{
    bool ipv6 = family == FAMILY_IPV6;
    int descriptor = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                            ipv6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
    if (descriptor < 0)
        return -1;
    if (probe_bind_to(source, descriptor) != 0) {
        int problem = errno;
        close(descriptor);
        errno = problem;
        return -1;
    }
    grow_buffers(descriptor);
    ask_for_errors(descriptor, ipv6);
    return descriptor;
}

static bool watch_socket(struct pings *pings, struct ping_socket *ping_socket)
{
    if (event_assign(&ping_socket->event, pings->base, ping_socket->descriptor,
                     EV_READ | EV_PERSIST, on_reply, pings) != 0 ||
        event_add(&ping_socket->event, NULL) != 0) {
        errno = ENOMEM;
        return false;
    }
    return true;
}

/*
 * Opened when it is first needed, as the permission may be granted while the program runs. Returns
 * a descriptor, or -1 with errno.
 */
static int open_ping_socket(struct pings *pings, enum address_family family,
                            const struct address *source)
{
    struct ping_socket *ping_socket = find_socket(pings, family, source);
    if (ping_socket)
        return ping_socket->descriptor;
    int descriptor = open_descriptor(family, source);
    ping_socket = descriptor >= 0 ? calloc(1, sizeof *ping_socket) : NULL;
    if (ping_socket) {
        *ping_socket = (struct ping_socket){
            .family = family, .source = *source, .descriptor = descriptor, .next = pings->sockets};
        if (watch_socket(pings, ping_socket)) {
            pings->sockets = ping_socket;
            return descriptor;
        }
    }
    int problem = errno;
    free(ping_socket);
    if (descriptor >= 0)
        close(descriptor);
    errno = problem;
    return -1;
}

static int open_pings(struct prober *prober, void **ret_shared, struct error *error)
{
    struct pings *pings = calloc(1, sizeof *pings);
    if (!pings)
        return error_set(error, ERR_NOMEM, "out of memory");
    pings->base = prober->base;
    *ret_shared = pings;
    return 0;
}

static void close_pings(void *shared)
{
    struct pings *pings = shared;
    for (struct ping_socket *each = pings->sockets, *next; each; each = next) {
        next = each->next;
        event_del(&each->event);
        close(each->descriptor);
        free(each);
    }
    free(pings->slots);
    free(pings);
}

static void refuse(struct prober *prober, const struct monitor *monitor, struct error *error)
{
    (void)monitor;
    static const struct address any = {0};
    if (open_ping_socket(prober->shared[CHECK_ICMP], FAMILY_IPV4, &any) >= 0)
        return;
    if (errno == EACCES || errno == EPERM)
        error_set(error, ERR_IO,
                  "no group of this process may send ICMP; "
                  "sysctl -w net.ipv4.ping_group_range='%ld %ld' allows it",
                  (long)getegid(), (long)getegid());
    else
        error_set(error, ERR_IO, "ICMP cannot be sent: %s", strerror(errno));
}

static bool take_slot(struct pings *pings, struct icmp *icmp)
{
    if (pings->free == pings->count) {
        if (pings->count == SLOTS_MAX)
            return false;
        struct slot *slot = VECTOR_ADD(pings->slots, pings->count, pings->capacity);
        if (!slot)
            return false;
        *slot = (struct slot){.next = pings->count};
    }
    icmp->slot = pings->free;
    icmp->has_slot = true;
    pings->free = pings->slots[icmp->slot].next;
    pings->slots[icmp->slot].icmp = icmp;
    return true;
}

static void give_slot(struct pings *pings, struct icmp *icmp)
{
    pings->slots[icmp->slot] = (struct slot){.next = pings->free};
    pings->free = icmp->slot;
}

static int send_request(int descriptor, struct icmp *icmp)
{
    struct sockaddr_storage target;
    socklen_t size = probe_target(&icmp->probe, &target);
    struct echo echo = {.sequence = htons((uint16_t)icmp->slot)};
    echo.type = target.ss_family == AF_INET6 ? ECHO_REQUEST_IPV6 : ECHO_REQUEST;
    evutil_secure_rng_get_bytes(icmp->secret, sizeof icmp->secret);
    memcpy(echo.secret, icmp->secret, sizeof echo.secret);
    for (int i = 0; i < SENDS_MAX; i++)
        if (sendto(descriptor, &echo, sizeof echo, 0, (void *)&target, size) >= 0)
            return 0;
    return errno;
}

static void start(struct probe *probe)
{
    struct icmp *icmp = (struct icmp *)probe;
    struct pings *pings = probe_shared(probe);
    int descriptor = open_ping_socket(pings, probe->address.family, &probe->monitor->source);
    if (descriptor < 0 || !take_slot(pings, icmp)) {
        probe_end(probe, REASON_INTERNAL);
        return;
    }
    int problem = send_request(descriptor, icmp);
    if (problem != 0)
        probe_end(probe, probe_reason_of(problem));
}

static void stop(struct probe *probe)
{
    struct icmp *icmp = (struct icmp *)probe;
    if (icmp->has_slot)
        give_slot(probe_shared(probe), icmp);
}

const struct probe_type probe_icmp = {
    .size = sizeof(struct icmp),
    .open = open_pings,
    .close = close_pings,
    .refuse = refuse,
    .start = start,
    .stop = stop,
};
