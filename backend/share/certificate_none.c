/*
 * Files for TLS in a build without NATS: nobody uses them.
 */
#include "share/certificate.h"

void certificate_check(const struct certificate_files *files, int64_t now_s, char *ret_problem,
                       size_t size)
{
    (void)files;
    (void)now_s;
    (void)size;
    ret_problem[0] = '\0';
}
