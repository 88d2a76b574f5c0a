/*
 * What is wrong with the files by which this server shows who it is, or will be soon. Connections
 * read them by themselves and fail when they are no good; this is so that it is noticed before.
 */
#ifndef STICKY_SHARE_CERTIFICATE_H
#define STICKY_SHARE_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

/* A certificate that ends within this time should be renewed. */
#define CERTIFICATE_SOON_S (30 * 86400)

/* Paths of files in PEM format, "": no TLS; and the name that the certificate should have, or "".
 */
struct certificate_files {
    const char *ca, *certificate, *key, *name;
};

/*
 * Reads the files. `ret_problem` is a sentence, or "" when all is well, with no TLS, and in a build
 * without NATS. Takes a millisecond; for once in a while.
 */
void certificate_check(const struct certificate_files *files, int64_t now_s, char *ret_problem,
                       size_t size);

#endif
