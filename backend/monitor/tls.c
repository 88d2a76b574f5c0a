/*
 * Reads the trusted certificates into an SSL_CTX, from which checks over TCP make their
 * connections. The reason for a failed handshake and the look at the heads of records also serve
 * probe_http.c, where libcurl makes the connections.
 */
#include "monitor/tls.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"

#define TRUST_MAX_AGE_MS 600000

/* The types of records (RFC 8446 section 5.1): change_cipher_spec to heartbeat. */
#define RECORD_TYPE_MIN 20
#define RECORD_TYPE_MAX 24

/* Of all versions since SSL 3.0. */
#define RECORD_MAJOR_VERSION 3

/* Old versions and ciphers are the server's business: a check asks whether it works. */
static SSL_CTX *read_trust(const char *ca_file)
{
    SSL_CTX *settings = SSL_CTX_new(TLS_client_method());
    if (!settings)
        return NULL;
    SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(settings, SSL_SESS_CACHE_OFF);
    int read = ca_file ? SSL_CTX_load_verify_file(settings, ca_file)
                       : SSL_CTX_set_default_verify_paths(settings);
    if (read == 1)
        return settings;
    SSL_CTX_free(settings);
    return NULL;
}

void tls_trust_release(struct tls_trust *trust)
{
    SSL_CTX_free(trust->settings);
    trust->settings = NULL;
}

/* If it cannot be read again, what was read before is used. */
SSL_CTX *tls_trust_settings(struct tls_trust *trust)
{
    if (trust->settings && clock_monotonic_ms() - trust->read_ms < TRUST_MAX_AGE_MS)
        return trust->settings;
    SSL_CTX *settings = read_trust(trust->ca_file);
    if (settings) {
        SSL_CTX_free(trust->settings);
        trust->settings = settings;
    }
    trust->read_ms = clock_monotonic_ms();
    return trust->settings;
}

/* The system's are in a file or in a directory. */
void tls_trust_refuse(const char *ca_file, struct error *error)
{
    const char *place = ca_file ? ca_file : X509_get_default_cert_dir();
    bool is_there = access(place, R_OK) == 0;
    if (!ca_file && !is_there)
        is_there = access(X509_get_default_cert_file(), R_OK) == 0;
    if (!is_there) {
        error_set(error, ERR_IO,
                  "%s: certificates cannot be read: %s (the system's are in Debian's package"
                  " ca-certificates)",
                  place, strerror(errno));
        return;
    }
    SSL_CTX *settings = read_trust(ca_file);
    if (!settings)
        error_set(error, ERR_INVAL, "%s: there are no certificates in it", place);
    SSL_CTX_free(settings);
}

enum reason tls_reason(long verification)
{
    switch (verification) {
    case X509_V_OK:
        return REASON_TLS;
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return REASON_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return REASON_WRONG_NAME;
    default:
        return REASON_UNTRUSTED;
    }
}

/* Sees the head of each record, in both directions, before OpenSSL judges it. */
static void on_record(int is_sent, int version, int type, const void *bytes, size_t length,
                      SSL *connection, void *context)
{
    (void)version, (void)connection;
    const uint8_t *head = bytes;
    bool *no_tls = context;
    if (is_sent || type != SSL3_RT_HEADER || length < 2)
        return;
    *no_tls |=
        head[0] < RECORD_TYPE_MIN || head[0] > RECORD_TYPE_MAX || head[1] != RECORD_MAJOR_VERSION;
}

void tls_watch_settings(SSL_CTX *settings, bool *ret_no_tls)
{
    SSL_CTX_set_msg_callback(settings, on_record);
    SSL_CTX_set_msg_callback_arg(settings, ret_no_tls);
}

void tls_watch(SSL *connection, bool *ret_no_tls)
{
    SSL_set_msg_callback(connection, on_record);
    SSL_set_msg_callback_arg(connection, ret_no_tls);
}
