/*
 * Which PowerDNS is installed, and the values that its settings have when nobody sets them.
 *
 * The defaults are those of pdns/auth-main.cc, and of modules/pipebackend, modules/remotebackend
 * and modules/gsqlite3backend, in PowerDNS 4.7 to 5.2. None of those here has changed in these
 * versions. A test compares them with what the installed pdns_server prints.
 */
#ifndef STICKY_PROGRAM_REVIEW_PDNS_VERSION_H
#define STICKY_PROGRAM_REVIEW_PDNS_VERSION_H

#include <stdbool.h>

#include "core/base/error.h"

/* The oldest that pdns-sticky is for, and the newest whose defaults are known. */
#define PDNS_VERSION_FIRST 407
#define PDNS_VERSION_LAST 502

struct pdns_version {
    int number;    /* 100 * major + minor, as the setting powerdns_version; 0: not known */
    char text[32]; /* "4.7.3"; "" */
};

/* Finds the version in what `pdns_server --version` prints. False: there is none. */
bool pdns_version_parse(const char *output, struct pdns_version *ret_version);

/*
 * Runs `pdns_server --version`. 0; ERR_NOTFOUND if there is no such program; or another code; with
 * `error` set.
 */
int pdns_version_find(struct pdns_version *ret_version, struct error *error);

/* The default of a setting of the server or, for one of a backend, by module and name; or NULL. */
const char *pdns_default(const char *name);
const char *pdns_backend_default(const char *module, const char *parameter);

#endif
