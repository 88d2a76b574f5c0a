/*
 * Asks a DNS server a question over UDP. The C library's resolver writes the question and parses
 * the answer.
 *
 * Anyone can send a datagram that looks as if it came from the target. So one that does not answer
 * the question does not end the check; it counts only if nothing better arrives in time.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "monitor/content.h"
#include "monitor/dns_question.h"
#include "monitor/dns_text.h"
#include "monitor/probe.h"

/* Without EDNS, answers are shorter. */
#define ANSWER_MAX 4096

struct dns {
    struct probe probe;
    int descriptor;
    struct event event;
    bool waiting, heard; /* heard: something arrived that was not an answer */
    uint8_t question[NS_PACKETSZ];
    size_t question_length;
    int rcode;             /* that is wanted */
    struct content wanted; /* what a record must match, if the monitor says so */
};

static const struct {
    const char *word;
    int type;
} types[] = {
    {"A", ns_t_a},           {"AAAA", ns_t_aaaa}, {"NS", ns_t_ns},       {"SOA", ns_t_soa},
    {"TXT", ns_t_txt},       {"MX", ns_t_mx},     {"CNAME", ns_t_cname}, {"PTR", ns_t_ptr},
    {"SRV", ns_t_srv},       {"CAA", ns_t_caa},   {"NAPTR", ns_t_naptr}, {"DS", ns_t_ds},
    {"DNSKEY", ns_t_dnskey}, {"SVCB", 64},        {"HTTPS", 65},
};

static const struct {
    const char *word;
    int code;
} rcodes[] = {
    {"NOERROR", ns_r_noerror},   {"FORMERR", ns_r_formerr}, {"SERVFAIL", ns_r_servfail},
    {"NXDOMAIN", ns_r_nxdomain}, {"NOTIMP", ns_r_notimpl},  {"REFUSED", ns_r_refused},
};

/* The type of a word; 0 for an unknown one. */
static int type_of(const char *query)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcasecmp(types[i].word, query) == 0)
            return types[i].type;
    return 0;
}

/* -1 for an unknown word. */
static int rcode_of(const struct monitor *monitor)
{
    const char *word = monitor->rcode ? monitor->rcode : "NOERROR";
    for (size_t i = 0; i < sizeof rcodes / sizeof *rcodes; i++)
        if (strcmp(rcodes[i].word, word) == 0)
            return rcodes[i].code;
    return -1;
}

/* Returns its length, or 0 if it is not valid. */
static size_t write_question(const struct monitor *monitor, uint8_t question[static NS_PACKETSZ])
{
    int type = type_of(monitor->query ? monitor->query : "A");
    return monitor->host && type != 0 ? dns_question_write(monitor->host, type, question) : 0;
}

static void refuse(struct prober *prober, const struct monitor *monitor, struct error *error)
{
    (void)prober;
    uint8_t question[NS_PACKETSZ];
    if (!monitor->host)
        error_set(error, ERR_INVAL, "host, the name to ask for, is missing");
    else if (type_of(monitor->query ? monitor->query : "A") == 0)
        error_set(error, ERR_INVAL, "query '%s' is not a type that can be asked for",
                  monitor->query);
    else if (rcode_of(monitor) < 0)
        error_set(error, ERR_INVAL, "rcode '%s' is not known", monitor->rcode);
    else if (write_question(monitor, question) == 0)
        error_set(error, ERR_INVAL, "host '%s' is not a DNS name", monitor->host);
    if (monitor->answer)
        content_refuse("answer", monitor->answer, error);
}

/* Names are compared without regard to case. */
static bool is_same_question(const struct dns *dns, const uint8_t *answer, size_t length)
{
    if (length < dns->question_length)
        return false;
    for (size_t i = NS_HFIXEDSZ; i < dns->question_length; i++)
        if (answer[i] != dns->question[i] &&
            strncasecmp((const char *)answer + i, (const char *)dns->question + i, 1) != 0)
            return false;
    return true;
}

/* A server that does not understand the question may omit it from the answer. */
static bool is_answer(const struct dns *dns, const ns_msg *message)
{
    uint16_t questions = ns_msg_count(*message, ns_s_qd);
    if (ns_msg_id(*message) != ns_get16(dns->question) || !ns_msg_getflag(*message, ns_f_qr))
        return false;
    if (questions == 0)
        return ns_msg_getflag(*message, ns_f_rcode) != ns_r_noerror;
    return questions == 1 &&
           is_same_question(dns, ns_msg_base(*message), (size_t)ns_msg_size(*message));
}

/* Says whether the text of a record matches. One whose data is not of its type does not. */
static bool is_wanted(struct dns *dns, const ns_msg *message, const ns_rr *record)
{
    const struct dns_data data = {.message = ns_msg_base(*message),
                                  .message_end = ns_msg_end(*message),
                                  .type = (int)ns_rr_type(*record),
                                  .begin = ns_rr_rdata(*record),
                                  .end = ns_rr_rdata(*record) + ns_rr_rdlen(*record)};
    buffer_clear(&dns->wanted.bytes);
    return dns_text_add(&data, &dns->wanted.bytes) == 0 && content_matches(&dns->wanted);
}

static bool has_wanted(struct dns *dns, ns_msg *message)
{
    ns_rr record;
    for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++)
        if (ns_parserr(message, ns_s_an, i, &record) == 0 && is_wanted(dns, message, &record))
            return true;
    return false;
}

/* An answer that was cut off has records, even if none of them fitted. */
static enum reason judge(struct dns *dns, ns_msg *message)
{
    if (ns_msg_getflag(*message, ns_f_rcode) != dns->rcode)
        return REASON_STATUS;
    if (dns->rcode != ns_r_noerror)
        return REASON_OK;
    if (dns->probe.monitor->answer)
        return has_wanted(dns, message) ? REASON_OK : REASON_CONTENT;
    bool has_records = ns_msg_count(*message, ns_s_an) > 0;
    return has_records || ns_msg_getflag(*message, ns_f_tc) ? REASON_OK : REASON_CONTENT;
}

static void on_answer(evutil_socket_t descriptor, short what, void *context)
{
    (void)what;
    struct dns *dns = context;
    uint8_t bytes[ANSWER_MAX];
    ns_msg message;
    ssize_t length = recv(descriptor, bytes, sizeof bytes, 0);
    if (length < 0) {
        if (errno != EAGAIN && errno != EINTR)
            probe_end(&dns->probe, probe_reason_of(errno));
    } else if (ns_initparse(bytes, (int)length, &message) == 0 && is_answer(dns, &message)) {
        probe_answered(&dns->probe);
        probe_end(&dns->probe, judge(dns, &message));
    } else
        dns->heard = true;
}

/* Without this option, the system does not report ICMP errors of routers on the socket. */
static int open_socket(const struct probe *probe)
{
    struct sockaddr_storage target;
    socklen_t size = probe_target(probe, &target);
    bool ipv6 = target.ss_family == AF_INET6;
    int on = 1, descriptor = socket(target.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, ipv6 ? IPV6_RECVERR : IP_RECVERR, &on,
               sizeof on);
    if (probe_bind(probe, descriptor) == 0 &&
        connect(descriptor, (struct sockaddr *)&target, size) == 0)
        return descriptor;
    int problem = errno;
    close(descriptor);
    errno = problem;
    return -1;
}

static bool await(struct dns *dns)
{
    dns->waiting = event_assign(&dns->event, dns->probe.prober->base, dns->descriptor,
                                EV_READ | EV_PERSIST, on_answer, dns) == 0 &&
                   event_add(&dns->event, NULL) == 0;
    return dns->waiting;
}

/* False if the monitor cannot be used; see refuse(). */
static bool prepare(struct dns *dns)
{
    const struct monitor *monitor = dns->probe.monitor;
    dns->question_length = write_question(monitor, dns->question);
    dns->rcode = rcode_of(monitor);
    return dns->question_length > 0 && dns->rcode >= 0 &&
           (!monitor->answer || content_init(&dns->wanted, monitor->answer) == 0);
}

static void start(struct probe *probe)
{
    struct dns *dns = (struct dns *)probe;
    dns->descriptor = -1;
    if (!prepare(dns)) {
        probe_end(probe, REASON_INTERNAL);
        return;
    }
    dns->descriptor = open_socket(probe);
    if (dns->descriptor < 0)
        probe_end(probe, probe_reason_of(errno));
    else if (send(dns->descriptor, dns->question, dns->question_length, 0) < 0)
        probe_end(probe, probe_reason_of(errno));
    else if (!await(dns))
        probe_end(probe, REASON_INTERNAL);
}

static enum reason expire(struct probe *probe)
{
    return ((struct dns *)probe)->heard ? REASON_PROTOCOL : REASON_TIMEOUT;
}

static void stop(struct probe *probe)
{
    struct dns *dns = (struct dns *)probe;
    if (dns->waiting)
        event_del(&dns->event);
    if (dns->descriptor >= 0)
        close(dns->descriptor);
    content_release(&dns->wanted);
}

const struct probe_type probe_dns = {
    .size = sizeof(struct dns),
    .needs_port = true,
    .refuse = refuse,
    .start = start,
    .stop = stop,
    .expire = expire,
};
