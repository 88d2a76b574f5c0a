/*
 * What is checked, how, and with what result: plain values that the parts of the monitor pass on.
 *
 * One check asks one target once. Whether a target counts as up after a number of checks is decided
 * in core/health/verdict.h.
 */
#ifndef STICKY_CORE_HEALTH_CHECK_H
#define STICKY_CORE_HEALTH_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/network/address.h"

/* Why a check ended as it did. The words are those of the column `reason`. */
enum reason {
    REASON_OK,
    REASON_TIMEOUT,     /* no answer, or not all of it, in time */
    REASON_REFUSED,     /* nobody listens */
    REASON_UNREACHABLE, /* no route, or ICMP said so */
    REASON_CLOSED,      /* the connection was reset or ended too early */
    REASON_TLS,         /* the handshake failed, or the certificate does not hold */
    REASON_PROTOCOL,    /* an answer, but not of this protocol, or without end */
    REASON_STATUS,      /* HTTP status, DNS response code or exit status is another */
    REASON_CONTENT,     /* the body, or what TCP sent, does not match */
    REASON_INTERNAL,    /* our own fault: says nothing about the target */
};

/* Constant words such as "timeout"; the parser returns false for any other word. */
const char *reason_word(enum reason reason);
bool reason_parse(const char *word, enum reason *ret_reason);

enum check_type { CHECK_TCP, CHECK_HTTP, CHECK_HTTPS, CHECK_ICMP, CHECK_DNS, CHECK_EXEC };

const char *check_type_word(enum check_type type);
bool check_type_parse(const char *word, enum check_type *ret_type);

/* A row of the table `monitor`. Texts are NULL where the column is. */
struct monitor {
    int64_t id;
    const char *name;
    enum check_type type;
    uint16_t port;              /* 0: the target's own, else what is usual for the type */
    const char *path;           /* of HTTP; the program of exec */
    const char *host;           /* Host header and TLS server name; the name that is asked of DNS */
    const char *query;          /* DNS type */
    int status_min, status_max; /* of HTTP, both count */
    const char *body;           /* extended regular expression (regcomp) that the body must match */
    const char *send, *expect;  /* of TCP: bytes to send first; expression the answer must match */
    bool verify;                /* the certificate must hold */
    uint32_t interval_s, timeout_s;
    uint32_t rise, fall; /* so many checks in a row turn the verdict */
};

struct check {
    const struct monitor *monitor; /* valid while the check runs */
    struct address address;
    uint16_t port; /* of the target, 0: none given */
};

struct check_result {
    enum reason reason;
    double rtt_ms; /* of a check that went well: until the target answered */
};

#endif
