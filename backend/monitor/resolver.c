/*
 * A stub resolver on the event loop: one question at a time to one server at a time. libevent's own
 * cannot be cancelled without leaving callbacks behind, and asks for names of its own.
 */
#include "monitor/resolver.h"

#include <arpa/nameser.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/error.h"
#include "monitor/dns_question.h"

/* As many as the C library asks. */
#define SERVERS_MAX 3

/* How long a server has before the next one is asked. A check has 1 to 60 seconds. */
#define TRY_MS 400

/* Octets that come through nearly all networks in one piece. */
#define ANSWER_MAX 1232

/* Of the file; longer lines are not valid. */
#define LINE_MAX_BYTES 256

struct server {
    struct sockaddr_storage address;
    socklen_t size;
};

struct lookup {
    struct event_base *base;
    char *name;
    void (*done)(void *context, const struct address *address);
    void *context;
    struct server servers[SERVERS_MAX];
    size_t server_count, asked; /* `asked` in turn, so far */
    size_t errors;              /* how many have answered with an error */
    ns_type type;               /* what is asked for now */
    bool is_of_one_family;      /* and it is never the other type */
    bool is_plain;              /* without EDNS, which a server may not take */
    uint8_t question[NS_PACKETSZ];
    size_t question_length;
    int descriptor;
    struct event event;
    bool waiting;
};

/* ---------------------------------------------------------------- the file */

static void set_server(struct server *server, const struct address *address, uint16_t port)
{
    server->size = address_to_socket(address, port, &server->address);
}

/* Reads `ADDRESS` or `[ADDRESS]:PORT`; false if it is neither. */
static bool read_server(const char *text, struct server *ret_server)
{
    struct address address;
    unsigned port = NS_DEFAULTPORT;
    size_t length = strlen(text);
    if (*text == '[') {
        const char *end = strchr(++text, ']');
        char rest;
        if (!end || sscanf(end, "]:%5u%c", &port, &rest) != 1 || port < 1 || port > UINT16_MAX)
            return false;
        length = (size_t)(end - text);
    }
    if (address_parse(text, length, &address) != 0)
        return false;
    set_server(ret_server, &address, (uint16_t)port);
    return true;
}

static void read_servers(struct lookup *lookup, const char *path)
{
    static const struct address local = {.family = FAMILY_IPV4, .bytes = {127, 0, 0, 1}};
    char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
    FILE *file = fopen(path, "re");
    while (file && lookup->server_count < SERVERS_MAX && fgets(line, sizeof line, file))
        if (sscanf(line, "nameserver %255s", text) == 1 &&
            read_server(text, &lookup->servers[lookup->server_count]))
            lookup->server_count++;
    if (file)
        fclose(file);
    if (lookup->server_count == 0)
        set_server(&lookup->servers[lookup->server_count++], &local, NS_DEFAULTPORT);
}

/* ---------------------------------------------------------------- the question */

/* With a new id; false if the name is not a DNS name. */
static bool write_question(struct lookup *lookup)
{
    size_t length = dns_question_write(lookup->name, (int)lookup->type, lookup->question);
    if (length > 0 && !lookup->is_plain)
        length = dns_question_add_edns(lookup->question, length, ANSWER_MAX);
    lookup->question_length = length;
    return length > 0;
}

static void stop_waiting(struct lookup *lookup)
{
    if (lookup->waiting)
        event_del(&lookup->event);
    lookup->waiting = false;
    if (lookup->descriptor >= 0)
        close(lookup->descriptor);
    lookup->descriptor = -1;
}

static void on_event(evutil_socket_t descriptor, short what, void *context);

/* Sends the question to the next server. Whatever fails, the one after it is asked in time. */
static void ask_next(struct lookup *lookup)
{
    const struct timeval interval = {.tv_usec = TRY_MS * 1000};
    const struct server *server = &lookup->servers[lookup->asked++ % lookup->server_count];
    stop_waiting(lookup);
    lookup->descriptor =
        socket(server->address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (lookup->descriptor >= 0 &&
        connect(lookup->descriptor, (const struct sockaddr *)&server->address, server->size) == 0)
        (void)!send(lookup->descriptor, lookup->question, lookup->question_length, 0);
    lookup->waiting =
        event_assign(&lookup->event, lookup->base, lookup->descriptor,
                     lookup->descriptor >= 0 ? EV_READ | EV_PERSIST : 0, on_event, lookup) == 0 &&
        event_add(&lookup->event, &interval) == 0;
}

static void conclude(struct lookup *lookup, const struct address *address)
{
    stop_waiting(lookup);
    lookup->done(lookup->context, address);
}

/* ---------------------------------------------------------------- the answer */

static bool is_answer(const struct lookup *lookup, const uint8_t *bytes, size_t length,
                      ns_msg *ret_message)
{
    return ns_initparse(bytes, (int)length, ret_message) == 0 &&
           ns_msg_id(*ret_message) == ns_get16(lookup->question) &&
           ns_msg_getflag(*ret_message, ns_f_qr);
}

/*
 * The first record of the type that was asked for, which may follow CNAME records. 0.0.0.0 and ::
 * are no addresses of anybody; some servers answer so for names that are gone or blocked.
 */
static bool find_address(const struct lookup *lookup, ns_msg *message, struct address *ret_address)
{
    bool ipv4 = lookup->type == ns_t_a;
    size_t size = ipv4 ? NS_INADDRSZ : NS_IN6ADDRSZ;
    for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
        ns_rr record;
        if (ns_parserr(message, ns_s_an, i, &record) != 0)
            return false;
        if (ns_rr_type(record) != lookup->type || ns_rr_rdlen(record) != size)
            continue;
        *ret_address = (struct address){.family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6};
        memcpy(ret_address->bytes, ns_rr_rdata(record), size);
        if (!address_is_unspecified(ret_address))
            return true;
    }
    return false;
}

static void ask_again(struct lookup *lookup)
{
    lookup->asked--;
    if (write_question(lookup))
        ask_next(lookup);
    else
        conclude(lookup, NULL);
}

static bool asks_for_both(const struct lookup *lookup)
{
    return !lookup->is_of_one_family && lookup->type == ns_t_a;
}

static void ask_for_ipv6(struct lookup *lookup)
{
    lookup->type = ns_t_aaaa;
    lookup->errors = 0;
    ask_again(lookup);
}

/*
 * A name without A records is asked for AAAA records, of the same server. Of an answer that was cut
 * off before the address, nothing is known. A server that answers with an error, of whatever kind,
 * is asked once more without EDNS.
 */
static void take_answer(struct lookup *lookup, ns_msg *message)
{
    struct address address;
    int code = ns_msg_getflag(*message, ns_f_rcode);
    bool is_error = code != ns_r_noerror && code != ns_r_nxdomain;
    bool is_whole = !ns_msg_getflag(*message, ns_f_tc);
    if (code == ns_r_noerror && find_address(lookup, message, &address)) {
        conclude(lookup, &address);
    } else if (is_error && !lookup->is_plain) {
        lookup->is_plain = true;
        ask_again(lookup);
    } else if ((is_error || !is_whole) && ++lookup->errors < lookup->server_count) {
        ask_next(lookup);
    } else if (code == ns_r_noerror && asks_for_both(lookup)) {
        ask_for_ipv6(lookup);
    } else {
        conclude(lookup, NULL);
    }
}

/* When no server has answered: something on the way may drop questions with EDNS. */
static void ask_after_silence(struct lookup *lookup)
{
    bool all_were_asked = lookup->asked % lookup->server_count == 0;
    if (all_were_asked && !lookup->is_plain) {
        lookup->is_plain = true;
        (void)write_question(lookup); /* it was a name before */
    }
    ask_next(lookup);
}

static void on_event(evutil_socket_t descriptor, short what, void *context)
{
    struct lookup *lookup = context;
    uint8_t bytes[ANSWER_MAX];
    ns_msg message;
    if (what & EV_TIMEOUT) {
        ask_after_silence(lookup);
        return;
    }
    ssize_t length = recv(descriptor, bytes, sizeof bytes, 0);
    if (length > 0 && is_answer(lookup, bytes, (size_t)length, &message))
        take_answer(lookup, &message);
}

/* ---------------------------------------------------------------- begin and end */

int lookup_begin(struct event_base *base, const char *resolv_conf, const char *name,
                 enum address_family family,
                 void (*done)(void *context, const struct address *address), void *context,
                 struct lookup **ret_lookup)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return ERR_NOMEM;
    *lookup = (struct lookup){.base = base,
                              .name = strdup(name),
                              .done = done,
                              .context = context,
                              .type = family == FAMILY_IPV6 ? ns_t_aaaa : ns_t_a,
                              .is_of_one_family = family != FAMILY_NONE,
                              .descriptor = -1};
    int code = lookup->name ? 0 : ERR_NOMEM;
    if (code == 0 && !write_question(lookup))
        code = ERR_INVAL;
    if (code != 0) {
        lookup_end(lookup);
        return code;
    }
    read_servers(lookup, resolv_conf);
    *ret_lookup = lookup;
    ask_next(lookup);
    return 0;
}

void lookup_end(struct lookup *lookup)
{
    if (!lookup)
        return;
    stop_waiting(lookup);
    free(lookup->name);
    free(lookup);
}
