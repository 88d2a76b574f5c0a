/*
 * A check and its result: plain values, used by the monitor, the store and `status`.
 *
 * A check asks a target once. Whether the target counts as up after several checks is decided in
 * verdict.h.
 */
#ifndef STICKY_CORE_HEALTH_CHECK_H
#define STICKY_CORE_HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/network/address.h"

/* The outcome of a check. The words are those of the column `reason`. */
enum reason {
    REASON_OK,
    REASON_TIMEOUT,     /* no answer, or no complete answer, in time */
    REASON_REFUSED,     /* nothing listens on the port */
    REASON_UNREACHABLE, /* no route, or an ICMP error */
    REASON_CLOSED,      /* the connection was reset or ended too early */
    REASON_TLS,         /* the TLS handshake failed in another way than those below */
    REASON_PROTOCOL,    /* an answer that is not of this protocol, or is too long */
    REASON_STATUS,      /* unexpected HTTP status, DNS response code or exit status */
    REASON_CONTENT,     /* the HTTP body, or what a TCP target sent, does not match */
    REASON_UNRESOLVED,  /* the target's name has no address */
    REASON_INTERNAL,    /* our own failure: says nothing about the target */
    REASON_NO_TLS,      /* what answered the handshake is not TLS */
    REASON_UNTRUSTED,   /* the certificate: nobody who is trusted has signed it */
    REASON_EXPIRED,     /* it is no longer valid, or not yet */
    REASON_WRONG_NAME,  /* it is for another host */
};

#define REASON_COUNT (REASON_WRONG_NAME + 1)

/* Constant words such as "timeout". The parsers return false for an unknown word. */
const char *reason_word(enum reason reason);
bool reason_parse(const char *word, enum reason *ret_reason);

enum check_type { CHECK_TCP, CHECK_HTTP, CHECK_HTTPS, CHECK_ICMP, CHECK_DNS, CHECK_EXEC };

const char *check_type_word(enum check_type type);
bool check_type_parse(const char *word, enum check_type *ret_type);

/* HEAD asks for the headers of a page alone. */
enum http_method { METHOD_GET, METHOD_HEAD };

const char *http_method_word(enum http_method method);
bool http_method_parse(const char *word, enum http_method *ret_method);

/* The header that goes ahead of a connection, by the version of the PROXY protocol. */
enum proxy_header { PROXY_NONE, PROXY_VERSION_1, PROXY_VERSION_2 };

/* A row of the table `monitor`. Texts are NULL if the column is. */
struct monitor {
    int64_t id;
    const char *name;
    enum check_type type;
    uint16_t port;              /* 0: the target's, else the default of the type */
    const char *path;           /* HTTP: of the URL; exec: of the program */
    const char *host;           /* Host header and TLS server name; DNS: the name to ask for */
    const char *query;          /* DNS: the record type to ask for */
    int status_min, status_max; /* HTTP: the accepted range, both included */
    const char *body;           /* HTTP: regular expression (PCRE2) that the body must match */
    const char *send, *expect; /* TCP: bytes to send first; expression that the answer must match */
    bool verify;               /* TLS: the certificate must be valid */
    uint32_t interval_s, timeout_s;
    uint32_t rise, fall; /* checks in a row that change the verdict */
    enum http_method http_method;
    const char *headers;     /* HTTP: lines to send in addition */
    enum proxy_header proxy; /* TCP, HTTP */
    bool tls;                /* TCP: a TLS handshake goes first */
    const char *steps;       /* TCP: lines of `send` and `expect`, in place of those columns */
    const char *rcode;       /* DNS: the response code that is wanted; NULL: NOERROR */
    const char *answer;      /* DNS: expression that a record of the answer must match */
    struct address source;   /* to check from; FAMILY_NONE: what the system chooses */
    const char *arguments;   /* exec: words for the program */
};

/*
 * The port that is checked when the target's own is `port`: that of the monitor, else of the
 * target, else the usual one of the type, else 0. It is 0 for icmp.
 */
uint16_t monitor_port(const struct monitor *monitor, uint16_t port);

struct check {
    const struct monitor *monitor; /* valid while the check runs */
    struct address address;
    uint16_t port;    /* of the target; 0: none */
    const char *name; /* of the target; resolved if there is no address. NULL: none. As monitor */
};

struct check_result {
    enum reason reason;
    double rtt_ms; /* of a successful check: until the target answered */
};

#endif
