/*
 * The table of topics, and gathering what they look at.
 */
#include "program/review/review.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buffer.h"
#include "core/base/vector.h"
#include "program/review/review_parts.h"
#include "store/monitoring.h"

/* New mappings are stored within milliseconds, or not for a while. */
#define UNWRITTEN_MS 1000

/* In the order in which findings are told. pdns-stickyctl(8) has a paragraph for each name. */
static const struct review_topic topics[] = {
    {"pdns-conf", REVIEW_ANSWERS, 0, review_pdns_conf},
    {"launch", REVIEW_ANSWERS, NEEDS_CONF, review_launch},
    {"launch-order", REVIEW_ANSWERS, NEEDS_OVERLAY, review_launch_order},
    {"launch-metadata", REVIEW_ANSWERS, NEEDS_OVERLAY, review_launch_metadata},
    {"pipe-abi-version", REVIEW_STICKINESS, NEEDS_BACKEND, review_abi_version},
    {"zone-cache-refresh-interval", REVIEW_SPEED, NEEDS_BACKEND, review_zone_cache},
    {"consistent-backends", REVIEW_SPEED, NEEDS_BACKEND, review_consistent_backends},
    {"edns-subnet-processing", REVIEW_STICKINESS, NEEDS_BACKEND | NEEDS_DATABASE,
     review_edns_subnet},
    {"svc-autohints", REVIEW_STICKINESS, NEEDS_BACKEND, review_svc_autohints},
    {"cache-ttl", REVIEW_ANSWERS, NEEDS_BACKEND, review_cache_ttl},
    {"query-cache-ttl", REVIEW_SPEED, NEEDS_BACKEND, review_query_cache_ttl},
    {"negquery-cache-ttl", REVIEW_ANSWERS, NEEDS_BACKEND, review_negquery_cache_ttl},
    {"distributor-threads", REVIEW_SPEED, NEEDS_BACKEND, review_distributor_threads},
    {"receiver-threads", REVIEW_SPEED, NEEDS_BACKEND, review_receiver_threads},
    {"reuseport", REVIEW_SPEED, NEEDS_BACKEND, review_reuseport},
    {"timeout", REVIEW_ANSWERS, NEEDS_BACKEND, review_timeout},
    {"pipe-regex", REVIEW_ANSWERS, NEEDS_BACKEND | NEEDS_DATABASE, review_pipe_regex},
    {"remote-dnssec", REVIEW_SPEED, NEEDS_BACKEND, review_remote_dnssec},
    {"logging-structured", REVIEW_ANSWERS, NEEDS_BACKEND, review_structured_logging},
    {"loglevel", REVIEW_WARNING, NEEDS_BACKEND, review_loglevel},
    {"program", REVIEW_ANSWERS, NEEDS_BACKEND, review_program},
    {"socket", REVIEW_ANSWERS, NEEDS_BACKEND, review_socket},
    {"database-path", REVIEW_WARNING, NEEDS_BACKEND, review_database_path},
    {"owner", REVIEW_STICKINESS, 0, review_owner},
    {"mode", REVIEW_STICKINESS, 0, review_mode},
    {"file-system", REVIEW_STICKINESS, 0, review_file_system},
    {"disk", REVIEW_STICKINESS, 0, review_disk},
    {"clock", REVIEW_STICKINESS, NEEDS_DATABASE, review_clock},
    {"units", REVIEW_ANSWERS, 0, review_units},
    {"database", REVIEW_WARNING, 0, review_database},
    {"monitors", REVIEW_ANSWERS, NEEDS_DATABASE, review_monitors},
    {"persistence-ttl", REVIEW_STICKINESS, NEEDS_DATABASE, review_persistence_ttl},
    {"unused-rows", REVIEW_WARNING, NEEDS_DATABASE, review_unused_rows},
    {"powerdns-version", REVIEW_ANSWERS, NEEDS_DATABASE, review_powerdns_version},
    {"stand-ins", REVIEW_ANSWERS, NEEDS_OVERLAY | NEEDS_DATABASE, review_stand_ins},
    {"zone-twice", REVIEW_ANSWERS, NEEDS_OVERLAY | NEEDS_DATABASE, review_zone_twice},
    {"dnssec", REVIEW_ANSWERS, NEEDS_OVERLAY, review_dnssec},
};

/* ---------------------------------------------------------------- words */

const char *review_effect_text(enum review_effect effect)
{
    static const char *const texts[] = {
        [REVIEW_STICKINESS] = "breaks stickiness",
        [REVIEW_ANSWERS] = "breaks answers",
        [REVIEW_SPEED] = "costs speed",
        [REVIEW_WARNING] = "warning",
    };
    return texts[effect];
}

const char *review_effect_word(enum review_effect effect)
{
    static const char *const words[] = {
        [REVIEW_STICKINESS] = "stickiness",
        [REVIEW_ANSWERS] = "answers",
        [REVIEW_SPEED] = "speed",
        [REVIEW_WARNING] = "warning",
    };
    return words[effect];
}

const char *review_place_word(enum review_place place)
{
    static const char *const words[] = {[REVIEW_NOWHERE] = NULL,
                                        [REVIEW_CONF] = "pdns.conf",
                                        [REVIEW_SQL] = "sql",
                                        [REVIEW_SHELL] = "shell"};
    return words[place];
}

/* ---------------------------------------------------------------- telling */

/* The text that was put together, or "" with `failed` set. */
static const char *keep(struct review *review, struct buffer *text)
{
    char *kept = text->failed ? NULL : arena_copy(&review->arena, buffer_text(text), text->length);
    buffer_release(text);
    review->failed |= !kept;
    return kept ? kept : "";
}

const char *review_text(struct review_scene *scene, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    return keep(scene->review, &text);
}

const char *review_quoted(struct review_scene *scene, const char *text)
{
    struct buffer quoted = {0};
    buffer_add_char(&quoted, '\'');
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            buffer_add_char(&quoted, '\'');
        buffer_add_char(&quoted, *c);
    }
    buffer_add_char(&quoted, '\'');
    return keep(scene->review, &quoted);
}

static void add(struct review_scene *scene, const struct review_finding *finding,
                const char *format, va_list arguments)
{
    struct review *review = scene->review;
    struct buffer text = {0};
    buffer_vprintf(&text, format, arguments);
    const char *kept = keep(review, &text);
    struct review_finding *place = VECTOR_ADD(review->findings, review->count, review->capacity);
    if (!place) {
        review->failed = true;
        return;
    }
    *place = *finding;
    place->name = scene->topic->name;
    place->text = kept;
}

void review_find(struct review_scene *scene, enum review_place place, const char *line,
                 const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(scene,
        &(struct review_finding){.effect = scene->topic->effect, .place = place, .line = line},
        format, arguments);
    va_end(arguments);
}

void review_find_as(struct review_scene *scene, enum review_effect effect, enum review_place place,
                    const char *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(scene, &(struct review_finding){.effect = effect, .place = place, .line = line}, format,
        arguments);
    va_end(arguments);
}

void review_find_setting(struct review_scene *scene, enum review_effect effect, const char *name,
                         const char *wanted, const char *format, ...)
{
    const struct pdns_value *value = pdns_conf_find(&scene->conf, name);
    const struct review_finding finding = {
        .effect = effect,
        .place = REVIEW_CONF,
        .line = review_text(scene, "%s=%s", name, wanted),
        .file = review_text(scene, "%s", value ? value->file : scene->sources->conf),
        .file_line = value ? value->line : 0};
    va_list arguments;
    va_start(arguments, format);
    add(scene, &finding, format, arguments);
    va_end(arguments);
}

void review_skip(struct review_scene *scene, const char *format, ...)
{
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    scene->review->failed |=
        text.failed || problems_add(&scene->review->unchecked, "%s", buffer_text(&text)) != 0;
    buffer_release(&text);
}

/* ---------------------------------------------------------------- gathering */

static void read_version(struct review_scene *scene)
{
    struct pdns_version *version = &scene->review->version;
    if (pdns_version_find(version, &scene->version_error) != 0)
        review_skip(scene, "the version of PowerDNS (%s): defaults are those of 4.7",
                    scene->version_error.text);
    scene->version = version->number ? version->number : PDNS_VERSION_FIRST;
    if (scene->version > PDNS_VERSION_LAST)
        review_skip(scene,
                    "the defaults of PowerDNS %s, which is newer than this program: they are"
                    " taken to be those of 5.2",
                    version->text);
}

/* 0 or ERR_NOMEM. */
static int read_conf(struct review_scene *scene)
{
    int code = pdns_conf_read(scene->sources->conf, &scene->conf, &scene->conf_error);
    if (code == ERR_NOMEM)
        return code;
    return code == 0 ? backends_read(&scene->conf, &scene->backends) : 0;
}

/* The user that PowerDNS runs as: under systemd that of its unit, else setuid, else root. */
static const char *name_of_powerdns_user(const struct review_scene *scene)
{
    bool has_unit = scene->has_units && scene->powerdns.loaded;
    if (has_unit && *scene->powerdns.user)
        return scene->powerdns.user;
    const char *name = review_setting(scene, "setuid");
    return has_unit && !*name ? "root" : name;
}

static void find_powerdns_user(struct review_scene *scene)
{
    const char *name = name_of_powerdns_user(scene);
    if (!*name)
        review_skip(scene, "owners and modes: nothing says as which user PowerDNS runs; setuid in"
                           " pdns.conf does");
    else if (!review_find_user(scene->review, name, &scene->powerdns_user))
        review_skip(scene, "owners and modes: there is no user %s, whom PowerDNS is to run as",
                    name);
    scene->review->user = scene->powerdns_user.known ? scene->powerdns_user.name : NULL;
}

/* The user of the service, who made the socket unless systemd did; a coprocess is PowerDNS's. */
static void find_user(struct review_scene *scene)
{
    const char *socket = scene->backends.way == WAY_REMOTE_UNIX ? scene->backends.socket : NULL;
    const char *name = scene->powerdns_user.known ? scene->powerdns_user.name : NULL;
    struct stat status;
    if (socket && scene->has_units && *scene->service.user)
        name = scene->service.user;
    else if (socket && stat(socket, &status) == 0 && S_ISSOCK(status.st_mode))
        name = review_text(scene, "%ld", (long)status.st_uid);
    if (name)
        (void)review_find_user(scene->review, name, &scene->user);
}

/* 0 or ERR_NOMEM; everything else is a finding of the topic `database`. */
static int read_database(struct review_scene *scene)
{
    struct responder *responder = scene->sources->responder;
    struct error *error = &scene->database_error;
    struct settings settings;
    size_t unwritten;
    if (responder_wait_stored(responder, UNWRITTEN_MS, &unwritten, error) != 0 ||
        responder_begin(responder, &scene->inputs, error) != 0)
        return error->code == ERR_NOMEM ? ERR_NOMEM : 0;
    int code = status_gather(responder, &scene->inputs, scene->sources->database, unwritten,
                             &scene->status, error);
    if (code != 0) {
        status_release(&scene->status);
        responder_end(responder);
        return code == ERR_NOMEM ? ERR_NOMEM : 0;
    }
    (void)store_load_targets(responder_store(responder), &scene->targets, &settings, NULL);
    return 0;
}

static unsigned what_is_there(const struct review_scene *scene)
{
    unsigned there = 0;
    if (scene->conf_error.code == 0) {
        there |= NEEDS_CONF;
        there |= scene->backends.sticky ? NEEDS_BACKEND : 0;
        there |= backends_are_overlay(&scene->backends) ? NEEDS_OVERLAY : 0;
    }
    return there | (scene->database_error.code == 0 ? NEEDS_DATABASE : 0);
}

static void look(struct review_scene *scene)
{
    unsigned there = what_is_there(scene);
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        scene->topic = &topics[i];
        if ((topics[i].needs & there) == topics[i].needs)
            topics[i].look(scene);
    }
}

static void release(struct review_scene *scene)
{
    if (scene->database_error.code == 0) {
        targets_release(scene->targets);
        status_release(&scene->status);
        responder_end(scene->sources->responder);
    }
    review_user_release(&scene->powerdns_user);
    review_user_release(&scene->user);
    backends_release(&scene->backends);
    pdns_conf_release(&scene->conf);
}

int review_gather(const struct review_sources *sources, struct review *ret_review)
{
    *ret_review = (struct review){.conf = sources->conf, .database = sources->database};
    struct review_scene scene = {.sources = sources, .review = ret_review};
    read_version(&scene);
    int code = read_conf(&scene);
    if (code == 0) {
        review_find_files(&scene);
        review_read_units(&scene);
        if (scene.conf_error.code == 0) {
            find_powerdns_user(&scene);
            find_user(&scene);
        }
        code = read_database(&scene);
    }
    if (code == 0)
        look(&scene);
    else if (scene.database_error.code == 0)
        scene.database_error.code = code; /* it was not begun */
    release(&scene);
    return ret_review->failed ? ERR_NOMEM : code;
}

void review_release(struct review *review)
{
    free(review->findings);
    problems_release(&review->unchecked);
    arena_release(&review->arena);
}
