/*
 * Checks this server's certificate, then the CA's, then the permissions of the key, and reports
 * only the first problem. Of each certificate file only the first certificate is read; the key
 * itself is not read. A build without NATS uses certificate_none.c instead.
 */
#include "share/certificate.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SECONDS_PER_DAY 86400

/* Each writes a problem and returns false, or true. */

static bool read_certificate(const char *path, X509 **ret_certificate, char *ret_problem,
                             size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(ret_problem, size, "%s: %s", path, strerror(errno));
        return false;
    }
    *ret_certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    if (!*ret_certificate)
        snprintf(ret_problem, size, "%s: there is no certificate in it", path);
    return *ret_certificate;
}

static bool check_time(const X509 *certificate, const char *path, int64_t now_s, char *ret_problem,
                       size_t size)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1) {
        snprintf(ret_problem, size, "%s: it does not say until when it is valid", path);
        return false;
    }
    int64_t left_s = (int64_t)timegm(&tm) - now_s;
    if (left_s >= CERTIFICATE_SOON_S)
        return true;
    if (left_s < 0)
        snprintf(ret_problem, size, "%s: it has expired", path);
    else
        snprintf(ret_problem, size, "%s: it expires in %" PRId64 " days", path,
                 left_s / SECONDS_PER_DAY);
    return false;
}

static bool check_name(X509 *certificate, const char *path, const char *name, char *ret_problem,
                       size_t size)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int index = -1; /* of the last CN, as nats-server has it */
    for (int next = -1; (next = X509_NAME_get_index_by_NID(subject, NID_commonName, next)) >= 0;)
        index = next;
    unsigned char *text = NULL;
    int length = -1;
    if (index >= 0)
        length = ASN1_STRING_to_UTF8(&text,
                                     X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
    bool same =
        length >= 0 && (size_t)length == strlen(name) && memcmp(text, name, strlen(name)) == 0;
    if (!same)
        snprintf(ret_problem, size, "%s: it is of '%.64s', and share.name is '%.64s'", path,
                 length >= 0 ? (const char *)text : "", name);
    OPENSSL_free(text);
    return same;
}

/* nats-server and pdns-stickyd may read it by their group. */
static bool check_key(const char *path, char *ret_problem, size_t size)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        snprintf(ret_problem, size, "%s: %s", path, strerror(errno));
        return false;
    }
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) == 0)
        return true;
    snprintf(ret_problem, size, "%s: others can read or change it: chmod 640 or 600", path);
    return false;
}

static bool check_file(const char *path, const char *name, int64_t now_s, char *ret_problem,
                       size_t size)
{
    X509 *certificate = NULL;
    if (!read_certificate(path, &certificate, ret_problem, size))
        return false;
    bool good = (!*name || check_name(certificate, path, name, ret_problem, size)) &&
                check_time(certificate, path, now_s, ret_problem, size);
    X509_free(certificate);
    return good;
}

void certificate_check(const struct certificate_files *files, int64_t now_s, char *ret_problem,
                       size_t size)
{
    ret_problem[0] = '\0';
    if (*files->certificate &&
        !check_file(files->certificate, files->name, now_s, ret_problem, size))
        return;
    if (*files->ca && !check_file(files->ca, "", now_s, ret_problem, size))
        return;
    if (*files->key)
        check_key(files->key, ret_problem, size);
}
