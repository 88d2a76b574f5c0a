/*
 * Follows BackendMakerClass::launch(), CoProcess::CoProcess() and RemoteBackend::build() of
 * PowerDNS.
 */
#include "program/review/backends.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buffer.h"
#include "program/review/pdns_version.h"

#define OWN_NAME "pdns-sticky"

void backends_release(struct backends *backends)
{
    arena_release(&backends->arena);
    *backends = (struct backends){0};
}

static char *copy(struct backends *backends, const char *text)
{
    return arena_copy(&backends->arena, text, strlen(text));
}

/* ---------------------------------------------------------------- settings of a backend */

const char *backend_setting(const struct pdns_conf *conf, const struct backend *backend,
                            const char *parameter, const struct pdns_value **ret_value)
{
    struct buffer name = {0};
    buffer_printf(&name, "%s-%s", backend->prefix, parameter);
    const struct pdns_value *value = pdns_conf_find(conf, buffer_text(&name));
    buffer_release(&name);
    if (ret_value)
        *ret_value = value;
    return value ? value->text : pdns_backend_default(backend->module, parameter);
}

bool backend_finds_nothing(const struct pdns_conf *conf, const struct backend *backend)
{
    static const char *const queries[] = {"basic-query", "id-query", "any-query", "any-id-query"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        const char *text = backend_setting(conf, backend, queries[i], NULL);
        const char *where = text ? strcasestr(text, "WHERE 0") : NULL;
        if (!where || strlen(where) != strlen("WHERE 0"))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- launch */

/* One word of `launch`, such as gsqlite3:meta. 0 or ERR_NOMEM. */
static int add(struct backends *backends, char *word)
{
    struct buffer prefix = {0};
    char *rest, *module = strtok_r(word, ": ", &rest), *suffix = strtok_r(NULL, ": ", &rest);
    if (!module || backends->count == BACKENDS_MAX)
        return 0;
    buffer_printf(&prefix, "%s%s%s", module, suffix ? "-" : "", suffix ? suffix : "");
    struct backend backend = {.module = module,
                              .prefix = prefix.failed ? NULL : copy(backends, prefix.data)};
    buffer_release(&prefix);
    if (!backend.prefix)
        return ERR_NOMEM;
    backends->list[backends->count++] = backend;
    return 0;
}

static int read_launch(const struct pdns_conf *conf, struct backends *backends)
{
    const struct pdns_value *launch = pdns_conf_find(conf, "launch");
    char *rest = NULL, *text = copy(backends, launch ? launch->text : "");
    int code = text ? 0 : ERR_NOMEM;
    for (char *word = code == 0 ? strtok_r(text, ", ", &rest) : NULL; word && code == 0;
         word = strtok_r(NULL, ", ", &rest))
        code = add(backends, word);
    return code;
}

/* Where a backend finds its program or socket; NULL: it runs none. */
static const char *target(const struct pdns_conf *conf, const struct backend *backend)
{
    if (strcmp(backend->module, "pipe") == 0)
        return backend_setting(conf, backend, "command", NULL);
    if (strcmp(backend->module, "remote") == 0)
        return backend_setting(conf, backend, "connection-string", NULL);
    return NULL;
}

static const struct backend *find_sticky(const struct pdns_conf *conf,
                                         const struct backends *backends)
{
    const struct backend *first = NULL;
    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->list[i];
        const char *text = target(conf, backend);
        if (text && strstr(text, OWN_NAME))
            return backend;
        if (text && !first)
            first = backend;
    }
    return first;
}

/* ---------------------------------------------------------------- how it is reached */

/* At every single space: two spaces in a row make an empty word. */
static void split_command(char *command, struct backends *backends)
{
    for (char *word; (word = strsep(&command, " "));)
        if (backends->word_count < COMMAND_WORDS_OF_BACKEND_MAX)
            backends->words[backends->word_count++] = word;
}

static void take_option(char *option, struct backends *backends)
{
    char *equals = strchr(option, '=');
    if (!equals)
        return;
    *equals = '\0';
    if (strcmp(option, "timeout") == 0)
        backends->timeout = equals + 1;
    else if (strcmp(option, "path") == 0 && backends->way == WAY_REMOTE_UNIX)
        backends->socket = equals + 1;
    else if (strcmp(option, "command") == 0 && backends->way == WAY_REMOTE_PIPE)
        split_command(equals + 1, backends);
}

/* TYPE:NAME=VALUE,NAME=VALUE */
static int read_connection(const struct pdns_conf *conf, struct backends *backends)
{
    char *text = copy(backends, backend_setting(conf, backends->sticky, "connection-string", NULL));
    if (!text)
        return ERR_NOMEM;
    char *type = strsep(&text, ":");
    backends->timeout = "2000";
    backends->way = strcmp(type, "unix") == 0   ? WAY_REMOTE_UNIX
                    : strcmp(type, "pipe") == 0 ? WAY_REMOTE_PIPE
                                                : WAY_NONE;
    for (char *option; text && (option = strsep(&text, ","));)
        take_option(option, backends);
    return 0;
}

static int read_command(const struct pdns_conf *conf, struct backends *backends)
{
    char *text = copy(backends, backend_setting(conf, backends->sticky, "command", NULL));
    if (!text)
        return ERR_NOMEM;
    backends->way = WAY_PIPE;
    backends->timeout = backend_setting(conf, backends->sticky, "timeout", NULL);
    split_command(text, backends);
    return 0;
}

int backends_read(const struct pdns_conf *conf, struct backends *ret_backends)
{
    *ret_backends = (struct backends){0};
    int code = read_launch(conf, ret_backends);
    if (code != 0)
        return code;
    ret_backends->sticky = find_sticky(conf, ret_backends);
    if (!ret_backends->sticky)
        return 0;
    bool pipes = strcmp(ret_backends->sticky->module, "pipe") == 0;
    return (pipes ? read_command : read_connection)(conf, ret_backends);
}

/* ---------------------------------------------------------------- questions */

const char *backends_database(const struct backends *backends)
{
    static const char option[] = "--database";
    const char *database = NULL;
    for (size_t i = 1; i < backends->word_count; i++) {
        const char *word = backends->words[i];
        bool is_long = strncmp(word, option, sizeof option - 1) == 0;
        if (is_long && word[sizeof option - 1] == '=')
            database = word + sizeof option;
        else if ((strcmp(word, option) == 0 || strcmp(word, "-d") == 0) &&
                 i + 1 < backends->word_count)
            database = backends->words[++i];
    }
    return database;
}

bool backends_are_overlay(const struct backends *backends)
{
    return backends->sticky && backends->count > 1;
}
