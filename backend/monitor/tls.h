/*
 * What checks over TLS share: whom to trust, and what a failed handshake means. With stream.c, the
 * one place that knows OpenSSL.
 */
#ifndef STICKY_MONITOR_TLS_H
#define STICKY_MONITOR_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/health/check.h"

/*
 * The certificates that are trusted: those of a file, or of the system. They are read when they are
 * first needed, and again after ten minutes, as an operator may have replaced the file.
 */
struct tls_trust {
    const char *ca_file; /* NULL: those of the system */
    SSL_CTX *settings;   /* NULL: not read yet */
    int64_t read_ms;     /* monotonic */
};

void tls_trust_release(struct tls_trust *trust);

/* What connections are made from; valid until the next call. NULL if they cannot be read. */
SSL_CTX *tls_trust_settings(struct tls_trust *trust);

/* Sets `error` if the certificates cannot be read. */
void tls_trust_refuse(const char *ca_file, struct error *error);

/* The reason for a result of OpenSSL's verification (X509_V_ERR_*) of a handshake that failed. */
enum reason tls_reason(long verification);

/*
 * Sets *ret_no_tls when what the peer sends is not TLS. OpenSSL tells of it by error codes that
 * differ from version to version; the octets do not.
 */
void tls_watch_settings(SSL_CTX *settings, bool *ret_no_tls);
void tls_watch(SSL *connection, bool *ret_no_tls);

#endif
