#include "program/review/pdns_version.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buffer.h"
#include "system/run_program.h"

/* It prints a line and ends. On a machine that stalls, starting may take seconds. */
#define VERSION_MS 20000

#define PRODUCT "PowerDNS Authoritative Server "

static const struct {
    const char *module; /* NULL: of the server */
    const char *name, *text;
} defaults[] = {
    {NULL, "cache-ttl", "20"},
    {NULL, "consistent-backends", "yes"},
    {NULL, "distributor-threads", "3"},
    {NULL, "edns-subnet-processing", "no"},
    {NULL, "include-dir", ""},
    {NULL, "launch", ""},
    {NULL, "loglevel", "4"},
    {NULL, "negquery-cache-ttl", "60"},
    {NULL, "query-cache-ttl", "20"},
    {NULL, "receiver-threads", "1"},
    {NULL, "reuseport", "no"},
    {NULL, "setgid", ""},
    {NULL, "setuid", ""},
    {NULL, "svc-autohints", "no"},
    {NULL, "zone-cache-refresh-interval", "300"},
    {NULL, "logging-structured", "no"}, /* from 5.1 on */
    {"pipe", "abi-version", "1"},
    {"pipe", "command", ""},
    {"pipe", "regex", ""},
    {"pipe", "timeout", "2000"},
    {"remote", "connection-string", ""},
    {"remote", "dnssec", "no"},
    {"gsqlite3", "database", ""},
    {"gsqlite3", "dnssec", "no"},
};

#define DEFAULTS (sizeof defaults / sizeof *defaults)

bool pdns_version_parse(const char *output, struct pdns_version *ret_version)
{
    const char *found = strstr(output, PRODUCT);
    if (!found)
        return false;
    found += strlen(PRODUCT);
    char *end;
    long major = strtol(found, &end, 10);
    if (!isdigit((unsigned char)*found) || *end != '.' || !isdigit((unsigned char)end[1]) ||
        major > 99)
        return false;
    long minor = strtol(end + 1, NULL, 10);
    if (minor > 99)
        return false;
    ret_version->number = (int)(100 * major + minor);
    snprintf(ret_version->text, sizeof ret_version->text, "%.*s", (int)strcspn(found, " \t\r\n"),
             found);
    return true;
}

int pdns_version_find(struct pdns_version *ret_version, struct error *error)
{
    struct buffer output = {0};
    char *program = run_program_find("pdns_server");
    if (!program)
        return error_set(error, ERR_NOTFOUND, "pdns_server is not installed here");
    const char *const arguments[] = {program, "--version", NULL};
    int code = run_program(arguments, NULL, VERSION_MS, &output, error);
    if (code == 0 && !pdns_version_parse(buffer_text(&output), ret_version))
        code = error_set(error, ERR_INVAL, "%s --version does not say its version", program);
    buffer_release(&output);
    free(program);
    return code;
}

static const char *find(const char *module, const char *name)
{
    for (size_t i = 0; i < DEFAULTS; i++) {
        bool same = module ? defaults[i].module && strcmp(defaults[i].module, module) == 0
                           : !defaults[i].module;
        if (same && strcmp(defaults[i].name, name) == 0)
            return defaults[i].text;
    }
    return NULL;
}

const char *pdns_default(const char *name)
{
    return find(NULL, name);
}

const char *pdns_backend_default(const char *module, const char *parameter)
{
    return find(module, parameter);
}
