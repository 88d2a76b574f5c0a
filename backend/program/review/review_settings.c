/*
 * The settings of pdns.conf. The reasons are those of the sample files in pdns-conf/, which say
 * them above each setting.
 */
#include <regex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "program/review/review_parts.h"
#include "system/run_program.h"

/*
 * A denial that is cached for longer than a few seconds is noticed: somebody has added a name,
 * looks, and finds nothing. The sample files have 1.
 */
#define DENIAL_S 5

/*
 * pdns-sticky answers within 100 ms, even when the database is locked; on a machine that stalls it
 * may take longer. The sample files have 2000.
 */
#define TIMEOUT_MS 1000

/* PowerDNS reads its settings and ends. On a machine that stalls, starting may take seconds. */
#define PARSER_MS 20000

/* What stands before the reason for which it does not start. */
#define FATAL "Fatal error: "

/* PowerDNS logs information from this level on. */
#define LEVEL_OF_INFORMATION 6

/* ---------------------------------------------------------------- reading settings */

const char *review_setting(const struct review_scene *scene, const char *name)
{
    const struct pdns_value *value = pdns_conf_find(&scene->conf, name);
    return value ? value->text : pdns_default(name);
}

long review_number(const struct review_scene *scene, const char *name)
{
    const char *text = review_setting(scene, name);
    return text ? strtol(text, NULL, 0) : 0;
}

static bool is_yes(const char *text)
{
    return text && strcmp(text, "no") != 0 && strcmp(text, "off") != 0;
}

bool review_is_on(const struct review_scene *scene, const char *name)
{
    return is_yes(review_setting(scene, name));
}

/* " (the default)" behind a value that nobody has set. */
static const char *by_default(const struct review_scene *scene, const char *name)
{
    return pdns_conf_find(&scene->conf, name) ? "" : ", the default";
}

bool review_shares_zones(const struct review_scene *scene)
{
    if (!backends_are_overlay(&scene->backends))
        return false;
    if (scene->database_error.code != 0)
        return true;
    const struct snapshot *snapshot = scene->inputs.snapshot;
    for (size_t i = 0; i < snapshot->name_count; i++)
        if (snapshot->names[i].balanced && !snapshot->names[i].zone)
            return true;
    return false;
}

static bool uses_pipe(const struct review_scene *scene)
{
    return scene->backends.way == WAY_PIPE;
}

static bool uses_remote(const struct review_scene *scene)
{
    return scene->backends.sticky && strcmp(scene->backends.sticky->module, "remote") == 0;
}

/* The full name of a setting of pdns-sticky's backend. */
static const char *own_setting(struct review_scene *scene, const char *parameter)
{
    return review_text(scene, "%s-%s", scene->backends.sticky->prefix, parameter);
}

/* ---------------------------------------------------------------- backends */

/*
 * What PowerDNS itself says to its settings. It reads them without starting, from a file called
 * pdns.conf or pdns-NAME.conf (--config in pdns_server(1)).
 */
static void let_powerdns_read(struct review_scene *scene, const char *program)
{
    const char *path = scene->sources->conf, *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    const char *directory =
        slash ? review_text(scene, "%.*s", (int)(slash - path) + 1, path) : "./";
    size_t length = strlen(file);
    const char *arguments[] = {program, review_text(scene, "--config-dir=%s", directory),
                               "--config=check", NULL, NULL};
    struct buffer output = {0};
    struct error error = {0};
    if (length > 10 && strncmp(file, "pdns-", 5) == 0 && strcmp(file + length - 5, ".conf") == 0)
        arguments[3] = review_text(scene, "--config-name=%.*s", (int)length - 10, file + 5);
    else if (strcmp(file, "pdns.conf") != 0)
        return review_skip(scene,
                           "whether PowerDNS takes each line of %s: only a file that is"
                           " called pdns.conf or pdns-NAME.conf can be given to it",
                           path);
    if (run_program(arguments, NULL, PARSER_MS, &output, &error) != 0)
        review_skip(scene, "whether PowerDNS takes each line of %s: %s", path, error.text);
    const char *found = strstr(buffer_text(&output), FATAL);
    if (found)
        review_find(scene, REVIEW_NOWHERE, NULL, "PowerDNS does not start with %s: %.*s", path,
                    (int)strcspn(found + strlen(FATAL), "\n"), found + strlen(FATAL));
    buffer_release(&output);
}

void review_pdns_conf(struct review_scene *scene)
{
    char *program = scene->conf_error.code == 0 ? run_program_find("pdns_server") : NULL;
    if (scene->conf_error.code != 0)
        review_find(scene, REVIEW_NOWHERE, NULL, "%s", scene->conf_error.text);
    if (program) /* else that it is missing is told elsewhere */
        let_powerdns_read(scene, program);
    free(program);
}

void review_launch(struct review_scene *scene)
{
    const char *launch = review_setting(scene, "launch");
    if (!scene->backends.sticky)
        review_find_setting(scene, REVIEW_ANSWERS, "launch",
                            review_text(scene, "pipe%s%s", *launch ? "," : "", launch),
                            "launch is '%s': PowerDNS launches neither of the backends pipe and"
                            " remote, so it never asks pdns-sticky",
                            launch);
    else if (scene->backends.way == WAY_NONE)
        review_find_setting(
            scene, REVIEW_ANSWERS, own_setting(scene, "connection-string"),
            "unix:path=/run/pdns-sticky/socket,timeout=2000",
            "%s is '%s': pdns-sticky speaks on a Unix socket, or as a coprocess;"
            " not by HTTP or ZeroMQ",
            own_setting(scene, "connection-string"),
            backend_setting(&scene->conf, scene->backends.sticky, "connection-string", NULL));
}

const char *review_launch_in_order(struct review_scene *scene)
{
    const struct backends *backends = &scene->backends;
    const char *before = "", *after = "";
    for (size_t i = 0; i < backends->count; i++) {
        const struct backend *backend = &backends->list[i];
        const char *suffix = backend->prefix + strlen(backend->module);
        const char *name = review_text(scene, "%s%s%s", backend->module, *suffix ? ":" : "",
                                       suffix + (*suffix != 0));
        if (backend == backends->sticky)
            after = review_text(scene, "%s%s%s", name, *after ? "," : "", after);
        else if (backend_finds_nothing(&scene->conf, backend))
            before = review_text(scene, "%s%s,", before, name);
        else
            after = review_text(scene, "%s%s%s", after, *after ? "," : "", name);
    }
    return review_text(scene, "%s%s", before, after);
}

void review_launch_order(struct review_scene *scene)
{
    const struct backends *backends = &scene->backends;
    if (!review_shares_zones(scene))
        return;
    for (const struct backend *backend = backends->list; backend < backends->sticky; backend++) {
        if (backend_finds_nothing(&scene->conf, backend))
            continue;
        review_find_setting(scene, REVIEW_STICKINESS, "launch", review_launch_in_order(scene),
                            "launch is '%s': PowerDNS asks %s before pdns-sticky, and the first"
                            " backend that has a record of a name answers for all of that name;"
                            " stand-ins would go to everybody",
                            review_setting(scene, "launch"), backend->prefix);
        return;
    }
}

/* Says whether a backend keeps its zones in SQL, so that its queries can be written anew. */
static bool is_sql(const char *module)
{
    static const char *const modules[] = {"gsqlite3", "gmysql", "gpgsql", "godbc"};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strcmp(modules[i], module) == 0)
            return true;
    return false;
}

void review_launch_metadata(struct review_scene *scene)
{
    static const char reason[] =
        "PowerDNS takes the settings of a zone (NSEC3, who may transfer it) from the first backend"
        " that claims to keep them; the remote backend claims it for every zone and has none.";
    const struct backends *backends = &scene->backends;
    if (!uses_remote(scene) || backends->sticky != backends->list)
        return;
    const char *other = backends->list[1].module, *launch = review_setting(scene, "launch");
    if (is_sql(other))
        review_find_setting(
            scene, REVIEW_ANSWERS, "launch", review_text(scene, "%s:meta,%s", other, launch),
            "%s overlay-remote-gsqlite3.conf has the settings that %s:meta needs", reason, other);
    else
        review_find(scene, REVIEW_NOWHERE, NULL, "%s Beside %s, use the pipe backend", reason,
                    other);
}

/* ---------------------------------------------------------------- caches */

static bool has_caches(const struct review_scene *scene)
{
    return review_number(scene, "cache-ttl") > 0 || review_number(scene, "query-cache-ttl") > 0 ||
           review_number(scene, "negquery-cache-ttl") > 0;
}

void review_abi_version(struct review_scene *scene)
{
    if (!uses_pipe(scene))
        return;
    const struct pdns_value *value;
    const char *name = own_setting(scene, "abi-version");
    const char *text = backend_setting(&scene->conf, scene->backends.sticky, "abi-version", &value);
    const char *whence = value ? "" : ", the default";
    long version = strtol(text, NULL, 0);
    if (version < 1 || version > 5)
        review_find_setting(scene, REVIEW_ANSWERS, name, "5",
                            "%s is '%s': pdns-sticky knows the versions 1 to 5 of the protocol",
                            name, text);
    else if (version < 3 && has_caches(scene))
        review_find_setting(scene, REVIEW_STICKINESS, name, "5",
                            "%s is %ld%s: this version has no mark for answers that are for one"
                            " client only, so PowerDNS's caches give the first resolver's site to"
                            " all others",
                            name, version, whence);
    else if (version < 3)
        review_find_setting(scene, REVIEW_SPEED, name, "5",
                            "%s is %ld%s: without the mark of version 3 all caches have to be off,"
                            " and PowerDNS does not pass on client networks (ECS)",
                            name, version, whence);
}

void review_zone_cache(struct review_scene *scene)
{
    static const char name[] = "zone-cache-refresh-interval";
    long interval_s = review_number(scene, name);
    if (uses_pipe(scene) && interval_s != 0)
        review_find_setting(scene, REVIEW_ANSWERS, name, "0",
                            "%s is %ld%s: the pipe protocol cannot list zones, so PowerDNS does not"
                            " start unless this is 0",
                            name, interval_s, by_default(scene, name));
    else if (uses_remote(scene) && interval_s == 0)
        review_find_setting(scene, REVIEW_SPEED, name, "60",
                            "%s is 0: PowerDNS does not know which zones there are, and asks all"
                            " backends label by label about each name in an unknown zone",
                            name);
}

void review_consistent_backends(struct review_scene *scene)
{
    static const char name[] = "consistent-backends";
    if (!review_is_on(scene, name))
        return;
    bool overlay = review_shares_zones(scene);
    review_find_setting(scene, overlay ? REVIEW_ANSWERS : REVIEW_SPEED, name, "no",
                        "%s is %s%s: %sPowerDNS asks for all records of a name to see whether it is"
                        " delegated, and then asks again to answer, two round trips for each"
                        " question",
                        name, review_setting(scene, name), by_default(scene, name),
                        overlay ? "it promises that each zone is in one backend only; and " : "");
}

void review_cache_ttl(struct review_scene *scene)
{
    static const char name[] = "cache-ttl";
    long ttl_s = review_number(scene, name);
    if (ttl_s > DENIAL_S)
        review_find_setting(
            scene, REVIEW_ANSWERS, name, "1",
            "%s is %ld%s: for so many seconds, everybody is told \"no such name\" or"
            " \"no such type\" because somebody was; of a name that was just added,"
            " or of an address family that only one site lacks",
            name, ttl_s, by_default(scene, name));
    else if (ttl_s == 0)
        review_find_setting(scene, REVIEW_SPEED, name, "1",
                            "%s is 0: each question for a type that does not exist costs a round"
                            " trip, and other signed answers and denials cost a multiple",
                            name);
}

void review_query_cache_ttl(struct review_scene *scene)
{
    static const char name[] = "query-cache-ttl";
    if (review_number(scene, name) == 0)
        review_find_setting(scene, REVIEW_SPEED, name, "20",
                            "%s is 0: PowerDNS asks the backends for the zone and its name servers"
                            " with each question",
                            name);
}

void review_negquery_cache_ttl(struct review_scene *scene)
{
    static const char name[] = "negquery-cache-ttl";
    long ttl_s = review_number(scene, name);
    if (ttl_s > DENIAL_S)
        review_find_setting(scene, REVIEW_ANSWERS, name, "1",
                            "%s is %ld%s: for so many seconds after somebody was told that there is"
                            " no such record, everybody is, even if it was added meanwhile or a"
                            " coprocess had died",
                            name, ttl_s, by_default(scene, name));
    else if (ttl_s == 0)
        review_find_setting(
            scene, REVIEW_SPEED, name, "1",
            "%s is 0: PowerDNS asks with each question whether the name is a zone or"
            " delegated, which halves the throughput",
            name);
}

/* ---------------------------------------------------------------- clients */

static const struct pool *find_pool_with_ecs(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->name_count; i++)
        for (const struct pool *pool = snapshot->names[i].pool; pool; pool = pool->fallback_pool)
            if (pool->persistence_pool->client == CLIENT_ECS)
                return pool;
    return NULL;
}

void review_edns_subnet(struct review_scene *scene)
{
    static const char name[] = "edns-subnet-processing";
    const struct pool *pool = find_pool_with_ecs(scene->inputs.snapshot);
    if (pool && !review_is_on(scene, name))
        review_find_setting(scene, REVIEW_STICKINESS, name, "yes",
                            "%s is %s%s, and pool %s has client 'ecs': PowerDNS ignores the client"
                            " networks that resolvers send, so the pool goes by the resolver's"
                            " address",
                            name, review_setting(scene, name), by_default(scene, name), pool->name);
}

void review_svc_autohints(struct review_scene *scene)
{
    static const char name[] = "svc-autohints";
    if (review_is_on(scene, name))
        review_find_setting(
            scene, REVIEW_STICKINESS, name, "no",
            "%s is %s: PowerDNS fills in the hints of HTTPS and SVCB records without"
            " a client, so everybody gets the addresses of one site; pdns-sticky"
            " fills in ipv4hint=auto and ipv6hint=auto for each client",
            name, review_setting(scene, name));
}

/* ---------------------------------------------------------------- threads */

void review_distributor_threads(struct review_scene *scene)
{
    static const char name[] = "distributor-threads";
    long threads = review_number(scene, name);
    if (threads > 1)
        review_find_setting(scene, REVIEW_SPEED, name, "1",
                            "%s is %ld%s: a question waits in a queue and changes threads; with 1,"
                            " the thread that receives it asks and answers",
                            name, threads, by_default(scene, name));
}

static int processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void review_receiver_threads(struct review_scene *scene)
{
    static const char name[] = "receiver-threads";
    long threads = review_number(scene, name);
    int count = processors();
    if (threads < count)
        review_find_setting(
            scene, REVIEW_SPEED, name, review_text(scene, "%d", count),
            "%s is %ld%s, and there are %d processors: each thread uses one of them", name, threads,
            by_default(scene, name), count);
}

void review_reuseport(struct review_scene *scene)
{
    static const char name[] = "reuseport";
    if (review_is_on(scene, name))
        review_find_setting(
            scene, REVIEW_SPEED, name, "no",
            "%s is %s: the kernel ties each client port to one thread, so a question"
            " can wait for its thread while other threads are idle",
            name, review_setting(scene, name));
}

/* ---------------------------------------------------------------- the coprocess or service */

/* The setting with a timeout that is long enough. */
static const char *with_timeout(struct review_scene *scene)
{
    const struct backends *backends = &scene->backends;
    if (backends->way == WAY_PIPE)
        return "2000";
    if (backends->way == WAY_REMOTE_UNIX)
        return review_text(scene, "unix:path=%s,timeout=2000",
                           backends->socket ? backends->socket : "");
    const char *command = "";
    for (size_t i = 0; i < backends->word_count; i++)
        command = review_text(scene, "%s%s%s", command, i > 0 ? " " : "", backends->words[i]);
    return review_text(scene, "pipe:command=%s,timeout=2000", command);
}

void review_timeout(struct review_scene *scene)
{
    const struct backends *backends = &scene->backends;
    long timeout_ms = backends->timeout ? strtol(backends->timeout, NULL, 0) : TIMEOUT_MS;
    const char *name = own_setting(scene, uses_pipe(scene) ? "timeout" : "connection-string");
    if (backends->way != WAY_NONE && timeout_ms < TIMEOUT_MS)
        review_find_setting(scene, REVIEW_ANSWERS, name, with_timeout(scene),
                            "%s: the timeout is %ld ms, so when the machine stalls for a moment"
                            " PowerDNS gives up on pdns-sticky, which would have answered",
                            name, timeout_ms);
}

/* A name, unless it is a wildcard, that the expression keeps from pdns-sticky; or NULL. */
static const char *find_unmatched(const struct snapshot *snapshot, const regex_t *expression)
{
    for (size_t i = 0; i < snapshot->name_count; i++) {
        const struct name_entry *entry = &snapshot->names[i];
        bool counts = entry->balanced || (entry->zone && entry->record_count > 0);
        if (counts && entry->text[0] != '*' && regexec(expression, entry->text, 0, NULL, 0) != 0)
            return entry->text;
    }
    return NULL;
}

void review_pipe_regex(struct review_scene *scene)
{
    if (!uses_pipe(scene))
        return;
    const char *text = backend_setting(&scene->conf, scene->backends.sticky, "regex", NULL);
    const char *name = own_setting(scene, "regex");
    regex_t expression;
    if (!*text)
        return;
    if (regcomp(&expression, text, REG_ICASE | REG_EXTENDED | REG_NOSUB) != 0) {
        review_find_setting(scene, REVIEW_ANSWERS, name, "",
                            "%s is no extended regular expression, so PowerDNS does not start",
                            name);
        return;
    }
    const char *unmatched = find_unmatched(scene->inputs.snapshot, &expression);
    if (unmatched)
        review_find_setting(
            scene, REVIEW_ANSWERS, name, "",
            "%s does not match %s, so PowerDNS never asks pdns-sticky for that name", name,
            unmatched);
    regfree(&expression);
}

void review_remote_dnssec(struct review_scene *scene)
{
    if (!uses_remote(scene) ||
        !is_yes(backend_setting(&scene->conf, scene->backends.sticky, "dnssec", NULL)))
        return;
    const char *name = own_setting(scene, "dnssec");
    review_find_setting(scene, REVIEW_SPEED, name, "no",
                        "%s is on: PowerDNS asks pdns-sticky for DNSSEC keys, and it has none",
                        name);
}

void review_structured_logging(struct review_scene *scene)
{
    static const char name[] = "logging-structured";
    if (uses_remote(scene) && scene->version >= 501 && review_is_on(scene, name))
        review_find_setting(
            scene, REVIEW_ANSWERS, name, "no",
            "%s is %s: with the remote backend, PowerDNS %s ends with a segmentation"
            " fault",
            name, review_setting(scene, name), scene->review->version.text);
}

void review_loglevel(struct review_scene *scene)
{
    static const char name[] = "loglevel";
    long level = review_number(scene, name);
    if (uses_remote(scene) && level < LEVEL_OF_INFORMATION)
        review_find_setting(scene, REVIEW_WARNING, name, "6",
                            "%s is %ld%s: what pdns-sticky reports, such as a row that cannot be"
                            " used, comes through the remote backend as information, and is not"
                            " logged",
                            name, level, by_default(scene, name));
}
