/*
 * Reading and writing have two versions, for the plain socket and for OpenSSL; each turns its
 * errors into a state or a reason. All connections of a thread share OpenSSL's error queue, so it
 * is emptied before each operation: an old error must not count for this one.
 */
#include "monitor/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "monitor/probe.h"

/* Of a host, with NUL: monitor.host has 255 characters at most. */
#define NAME_MAX_BYTES 256

/* Sets whom the certificate must be for, and whom the server is told that we want. */
static bool set_name(SSL *tls, const char *host, const struct address *address)
{
    char text[ADDRESS_TEXT_MAX], name[NAME_MAX_BYTES];
    struct address parsed;
    X509_VERIFY_PARAM *parameters = SSL_get0_param(tls);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!host)
        host = address_format(address, text);
    if (address_parse(host, strlen(host), &parsed) == 0)
        return X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1;
    snprintf(name, sizeof name, "%s", host); /* OpenSSL's macro takes no constant text */
    return X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1 &&
           SSL_set_tlsext_host_name(tls, name) == 1;
}

bool stream_begin_tls(struct stream *stream, struct tls_trust *trust, const char *host,
                      const struct address *address, bool verify)
{
    SSL_CTX *settings = tls_trust_settings(trust);
    stream->tls = settings ? SSL_new(settings) : NULL;
    if (!stream->tls)
        return false;
    tls_watch(stream->tls, &stream->no_tls);
    SSL_set_verify(stream->tls, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    return set_name(stream->tls, host, address) && SSL_set_fd(stream->tls, stream->descriptor) == 1;
}

static enum stream_state fail(struct stream *stream, enum reason reason)
{
    stream->failure = reason;
    return STREAM_FAILED;
}

static enum reason handshake_failure(const struct stream *stream)
{
    return stream->no_tls ? REASON_NO_TLS : tls_reason(SSL_get_verify_result(stream->tls));
}

/* What a call of OpenSSL that returned `result` waits for; STREAM_FAILED for anything else. */
static enum stream_state awaited(const struct stream *stream, int result)
{
    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_WANT_READ:
        return STREAM_READABLE;
    case SSL_ERROR_WANT_WRITE:
        return STREAM_WRITABLE;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_ENDED;
    default:
        return STREAM_FAILED;
    }
}

enum stream_state stream_shake_hands(struct stream *stream)
{
    ERR_clear_error();
    int result = SSL_connect(stream->tls);
    if (result == 1)
        return STREAM_DONE;
    enum stream_state state = awaited(stream, result);
    if (state == STREAM_READABLE || state == STREAM_WRITABLE)
        return state;
    return fail(stream, handshake_failure(stream));
}

/* An end without the words of TLS for it is an end; what was said before it counts. */
static enum stream_state judge_tls(struct stream *stream, int result)
{
    int problem = errno;
    enum stream_state state = awaited(stream, result);
    if (state != STREAM_FAILED)
        return state;
    if (SSL_get_error(stream->tls, result) == SSL_ERROR_SYSCALL && problem != 0)
        return fail(stream, probe_reason_of(problem));
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return STREAM_ENDED;
    return fail(stream, REASON_TLS);
}

static enum stream_state judge_plain(struct stream *stream, enum stream_state awaited_state)
{
    if (errno == EAGAIN || errno == EINTR)
        return awaited_state;
    return fail(stream, probe_reason_of(errno));
}

static enum stream_state read_plain(struct stream *stream, void *bytes, size_t room,
                                    size_t *ret_count)
{
    ssize_t count = recv(stream->descriptor, bytes, room, 0);
    if (count < 0)
        return judge_plain(stream, STREAM_READABLE);
    *ret_count = (size_t)count;
    return count > 0 ? STREAM_DONE : STREAM_ENDED;
}

enum stream_state stream_read(struct stream *stream, void *bytes, size_t room, size_t *ret_count)
{
    if (!stream->tls)
        return read_plain(stream, bytes, room, ret_count);
    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(stream->tls, bytes, room, ret_count);
    return result == 1 ? STREAM_DONE : judge_tls(stream, result);
}

static enum stream_state write_plain(struct stream *stream, const void *bytes, size_t count,
                                     size_t *ret_count)
{
    ssize_t sent = send(stream->descriptor, bytes, count, MSG_NOSIGNAL);
    if (sent < 0)
        return judge_plain(stream, STREAM_WRITABLE);
    *ret_count = (size_t)sent;
    return sent > 0 ? STREAM_DONE : STREAM_WRITABLE;
}

enum stream_state stream_write(struct stream *stream, const void *bytes, size_t count,
                               size_t *ret_count)
{
    if (!stream->tls)
        return write_plain(stream, bytes, count, ret_count);
    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(stream->tls, bytes, count, ret_count);
    return result == 1 ? STREAM_DONE : judge_tls(stream, result);
}

void stream_release(struct stream *stream, bool politely)
{
    if (!stream->tls)
        return;
    ERR_clear_error();
    if (politely)
        (void)SSL_shutdown(stream->tls);
    SSL_free(stream->tls);
    ERR_clear_error();
    stream->tls = NULL;
}
