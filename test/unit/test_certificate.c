#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "share/certificate.h"
#include "suites.h"
#include "system/clock.h"

static char directory[] = "/tmp/sticky-certificate-XXXXXX";
static char ca[64], certificate[64], key[64], other[64];

/* Made by openssl: an authority and a certificate of ns1, for 100 days. */
static void make_files(void)
{
    char command[600];
    CHECK(mkdtemp(directory), "a directory");
    snprintf(ca, sizeof ca, "%s/ca.pem", directory);
    snprintf(certificate, sizeof certificate, "%s/ns1.pem", directory);
    snprintf(key, sizeof key, "%s/ns1.key", directory);
    snprintf(other, sizeof other, "%s/other", directory);
    snprintf(command, sizeof command,
             "for f in ca ns1; do openssl req -x509 -newkey rsa:2048 -nodes -days 100"
             " -subj /CN=$f -keyout %s/$f.key -out %s/$f.pem 2>/dev/null || exit 1; done;"
             " echo no certificate >%s",
             directory, directory, other);
    CHECK_INTEGER(system(command), 0, "openssl"); /* NOLINT: a test */
    chmod(key, 0600);
}

static void remove_files(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK_INTEGER(system(command), 0, "removed"); /* NOLINT: a test */
}

static void problems_are_named(void)
{
    enum { DAY_S = 86400 };
    const struct row {
        struct certificate_files files;
        int64_t in_s;
        mode_t mode;
        const char *words;
    } rows[] = {
        {{"", "", "", ""}, 0, 0600, ""},
        {{ca, certificate, key, "ns1"}, 0, 0640, ""},
        {{ca, certificate, key, ""}, 69 * DAY_S, 0600, ""},
        {{ca, certificate, key, "ns2"}, 0, 0600, "it is of 'ns1', and share.name is 'ns2'"},
        {{ca, certificate, key, "ns"}, 0, 0600, "it is of 'ns1'"},
        {{ca, certificate, key, "ns1"}, 71 * DAY_S, 0600, "ns1.pem: it expires in 2"},
        {{ca, certificate, key, "ns1"}, 101 * DAY_S, 0600, "ns1.pem: it has expired"},
        {{ca, "", "", ""}, 71 * DAY_S, 0600, "ca.pem: it expires in 2"},
        {{ca, other, key, "ns1"}, 0, 0600, "other: there is no certificate in it"},
        {{ca, "/nonexistent", key, "ns1"}, 0, 0600, "/nonexistent: No such file"},
        {{ca, certificate, "/nonexistent", "ns1"}, 0, 0600, "/nonexistent: No such file"},
        {{ca, certificate, key, "ns1"}, 0, 0644, "ns1.key: others can read"},
        {{ca, certificate, key, "ns1"}, 0, 0660, "ns1.key: others can read"},
    };
    make_files();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char problem[256];
        chmod(key, rows[i].mode);
        certificate_check(&rows[i].files, clock_unix_s() + rows[i].in_s, problem, sizeof problem);
        CHECK(*rows[i].words ? strstr(problem, rows[i].words) != NULL : !*problem, "row %zu: %s", i,
              problem);
    }
    remove_files();
}

static const CU_TestInfo tests[] = {
    {"problems of certificates and keys are named", problems_are_named},
    CU_TEST_INFO_NULL,
};

const struct suite suite_certificate = {"certificate", tests};
