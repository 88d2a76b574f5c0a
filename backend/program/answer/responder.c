/*
 * Keeps what answers are made from: store, snapshot, availability, turns and topology. Before each
 * question it compares revisions and loads what has changed.
 */
#include "program/answer/responder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/balance/method.h"
#include "core/balance/turns.h"
#include "core/sticky/contradictions.h"
#include "core/sticky/resolve.h"
#include "system/clock.h"

/*
 * If loading the configuration fails, it is not tried again before this time; a large one takes a
 * while.
 */
#define RELOAD_PAUSE_MS 1000

/*
 * So long the first question of a process waits for a database that is locked, and between two
 * tries; PowerDNS waits for 2000 ms.
 */
#define FIRST_WAIT_MS 1000
#define FIRST_RETRY_NS 2000000L

/* So often a question is decided anew because what it was decided on has changed meanwhile. */
#define DECISIONS_MAX 4

struct responder {
    struct store *store;
    struct mapping_table mappings;
    struct snapshot *snapshot;      /* NULL until one was loaded */
    struct problems contradictions; /* of the snapshot, when they were looked for last */
    bool is_patched;                /* since then */
    struct availability *availability;
    struct metric_table measurements;
    struct turns *turns; /* for the snapshot's pools; taken over by the next snapshot */
    struct topology_loader *loader;
    bool needs_topology; /* a pool of the snapshot uses method topology */
    bool wants_topology; /* somebody asks for it although none does */
    struct warnings warnings;
    struct revision loaded;
    bool missing;      /* the database file did not exist when it was last opened */
    int64_t reload_ms; /* monotonic: not before */
    bool has_waited;   /* for the database to be opened the first time */
    struct log_queue log_queue;
};

static void warn(void *context, const char *sentence)
{
    struct responder *responder = context;
    log_queue_add(&responder->log_queue, clock_monotonic_ms(), sentence);
}

int responder_new(const char *path, struct responder **ret_responder)
{
    struct responder *responder = calloc(1, sizeof *responder);
    if (!responder)
        return ERR_NOMEM;
    if (store_new(path, &responder->store) != 0 ||
        topology_loader_new(path, &responder->loader) != 0) {
        store_free(responder->store);
        free(responder);
        return ERR_NOMEM;
    }
    responder->mappings = store_mappings(responder->store);
    responder->measurements = store_measurements(responder->store);
    responder->warnings = (struct warnings){.add = warn, .context = responder};
    *ret_responder = responder;
    return 0;
}

void responder_be_patient(struct responder *responder)
{
    topology_loader_be_patient(responder->loader);
}

void responder_want_topology(struct responder *responder)
{
    responder->wants_topology = true;
}

void responder_free(struct responder *responder)
{
    if (!responder)
        return;
    problems_release(&responder->contradictions);
    turns_free(responder->turns);
    availability_free(responder->availability);
    snapshot_free(responder->snapshot);
    topology_loader_free(responder->loader);
    store_free(responder->store);
    free(responder);
}

/* Where turns begin. If there is no random number, any other will do. */
static uint64_t random_number(void)
{
    uint64_t number = (uint64_t)clock_monotonic_ms();
    (void)!getrandom(&number, sizeof number, GRND_NONBLOCK);
    return number;
}

static bool uses_topology(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->pool_count; i++)
        if (snapshot->pools[i].method == &method_topology ||
            snapshot->pools[i].alternate == &method_topology)
            return true;
    return false;
}

/* Logs those that were not known before, and takes them over. */
static void set_contradictions(struct responder *responder, int64_t now_ms,
                               const struct problems *contradictions)
{
    log_queue_add_problems(&responder->log_queue, now_ms, contradictions,
                           &responder->contradictions);
    problems_release(&responder->contradictions);
    responder->contradictions = *contradictions;
    responder->is_patched = false;
}

static int load_configuration(struct responder *responder, int64_t now_ms, struct error *error)
{
    struct snapshot *snapshot = NULL;
    struct availability *availability = NULL;
    struct turns *turns = NULL;
    struct problems contradictions = {0};
    int code = store_load(responder->store, &snapshot, error);
    if (code == 0)
        code = store_load_availability(responder->store, snapshot, &availability, error);
    if (code == 0 && (contradictions_add(snapshot, &contradictions) != 0 ||
                      turns_new(snapshot->pools, snapshot->pool_count, responder->turns,
                                random_number(), &turns) != 0))
        code = error_set(error, ERR_NOMEM, "out of memory");
    if (code != 0) {
        problems_release(&contradictions);
        availability_free(availability);
        snapshot_free(snapshot);
        return code;
    }
    log_queue_add_problems(&responder->log_queue, now_ms, &snapshot->problems,
                           responder->snapshot ? &responder->snapshot->problems : NULL);
    set_contradictions(responder, now_ms, &contradictions);
    turns_free(responder->turns);
    availability_free(responder->availability);
    snapshot_free(responder->snapshot);
    responder->snapshot = snapshot;
    responder->availability = availability;
    responder->turns = turns;
    responder->needs_topology = uses_topology(snapshot);
    store_limit(responder->store, &snapshot->settings);
    return 0;
}

/* Loads what has changed since the configuration that is loaded, if it is only some rows. */
static bool patch_configuration(struct responder *responder, const struct revision *revision)
{
    if (!store_patch(responder->store, responder->loaded.configuration, responder->snapshot))
        return false;
    responder->needs_topology = uses_topology(responder->snapshot);
    responder->loaded.configuration = revision->configuration;
    responder->is_patched = true;
    return true;
}

static int load_metrics(struct responder *responder, struct error *error)
{
    struct availability *availability = NULL;
    int code = store_load_availability(responder->store, responder->snapshot, &availability, error);
    if (code != 0)
        return code;
    availability_free(responder->availability);
    responder->availability = availability;
    return 0;
}

/* Loads what has changed since the revision that is loaded. What fails is tried again later. */
static int follow_revision(struct responder *responder, const struct revision *revision,
                           int64_t now_ms, struct error *error)
{
    const struct revision *loaded = &responder->loaded;
    bool same_file = responder->snapshot && loaded->opening == revision->opening;
    bool same_configuration = same_file && loaded->configuration == revision->configuration;
    bool same_metrics = loaded->metrics == revision->metrics;
    int code = 0;
    if (same_configuration && same_metrics)
        return 0;
    if (now_ms < responder->reload_ms)
        return ERR_BUSY;
    if (same_file && !same_configuration)
        same_configuration = patch_configuration(responder, revision);
    if (!same_configuration)
        code = load_configuration(responder, now_ms, error);
    else if (!same_metrics)
        code = load_metrics(responder, error);
    if (code == 0)
        responder->loaded = *revision;
    else
        responder->reload_ms = now_ms + RELOAD_PAUSE_MS;
    return code;
}

/*
 * A process without a configuration has to answer that there is nothing, and PowerDNS caches that.
 * Another process may hold SQLite's lock for a moment, as when it recovers the log, so a new one
 * waits for it once.
 */
static int begin(struct responder *responder, int64_t now_ms, struct revision *ret_revision,
                 struct error *error)
{
    int64_t until_ms = now_ms + FIRST_WAIT_MS;
    int code = store_begin(responder->store, now_ms, ret_revision, error);
    while (code == ERR_BUSY && !responder->snapshot && !responder->has_waited &&
           (now_ms = clock_monotonic_ms()) < until_ms) {
        nanosleep(&(struct timespec){.tv_nsec = FIRST_RETRY_NS}, NULL);
        *error = (struct error){0};
        code = store_begin(responder->store, now_ms, ret_revision, error);
    }
    responder->has_waited = true;
    return code;
}

/*
 * Begins a transaction and loads what has changed. False when the database cannot be read; the
 * reason is logged.
 */
static bool refresh(struct responder *responder)
{
    struct revision revision;
    struct error error = {0};
    int64_t now_ms = clock_monotonic_ms();
    int code = begin(responder, now_ms, &revision, &error);
    bool readable = code == 0;
    responder->missing = code == ERR_NOTFOUND;
    if (readable) {
        (void)follow_revision(responder, &revision, now_ms, &error);
        if (responder->needs_topology)
            topology_loader_refresh(responder->loader, &revision, now_ms, &responder->log_queue);
    }
    if (error.code)
        log_queue_add(&responder->log_queue, now_ms, error.text);
    if (readable && store_read_only(responder->store))
        log_queue_add(&responder->log_queue, now_ms, store_read_only(responder->store));
    return readable;
}

static int find_nothing(void *context, int64_t pool_id, const char *key,
                        struct mapping *ret_mapping, struct error *error)
{
    (void)context, (void)pool_id, (void)key, (void)ret_mapping, (void)error;
    return ERR_IO;
}

/*
 * Takes the place of mappings that cannot be read, which has been logged already: every choice is
 * made without them.
 */
static const struct mapping_table unreadable = {.find = find_nothing};

static struct decision_inputs inputs_of(const struct responder *responder, bool readable)
{
    return (struct decision_inputs){.snapshot = responder->snapshot,
                                    .availability = responder->availability,
                                    .mappings = readable ? &responder->mappings : &unreadable,
                                    .now_s = clock_unix_s(),
                                    .measured = readable ? &responder->measurements : NULL,
                                    .topology = topology_loader_topology(responder->loader),
                                    .locator = topology_loader_locator(responder->loader),
                                    .turns = responder->turns,
                                    .warnings = &responder->warnings};
}

/*
 * A process that is stopped for a while between reading the verdicts and claiming a mapping would
 * move clients by verdicts that are not true any more; so the store does not take such a mapping.
 */
void responder_answer(struct responder *responder, const struct question *question,
                      struct answer *answer)
{
    for (int i = 0; i < DECISIONS_MAX; i++) {
        bool readable = refresh(responder);
        if (!responder->snapshot)
            return;
        struct decision_inputs inputs = inputs_of(responder, readable);
        answer_clear(answer);
        resolve(&inputs, question, answer);
        if (!store_is_outdated(responder->store))
            return;
    }
    responder_notify(responder, "the configuration or the availability of servers changes all the"
                                " time, so some mappings are not kept");
}

void responder_list(struct responder *responder, int32_t zone_id, const struct name *name,
                    struct answer *answer)
{
    bool readable = refresh(responder);
    if (responder->snapshot) {
        struct decision_inputs inputs = inputs_of(responder, readable);
        resolve_zone(&inputs, zone_id, name, answer);
    }
}

/*
 * A file that does not exist has no zones. One that cannot be read may have any, and PowerDNS would
 * not serve the zones that are not listed.
 */
void responder_zones(struct responder *responder, struct answer *answer)
{
    (void)refresh(responder);
    if (responder->snapshot)
        resolve_zones(responder->snapshot, answer);
    else if (!responder->missing)
        answer_fail(answer);
}

void responder_idle(struct responder *responder)
{
    store_rest(responder->store);
}

/* The whole snapshot is searched, so no question waits for it after a small change. */
static void report_contradictions(struct responder *responder, int64_t now_ms)
{
    struct problems contradictions = {0};
    if (!responder->is_patched)
        return;
    if (contradictions_add(responder->snapshot, &contradictions) == 0)
        set_contradictions(responder, now_ms, &contradictions);
    else
        problems_release(&contradictions);
}

void responder_maintain(struct responder *responder)
{
    struct error error = {0};
    int64_t now_ms = clock_monotonic_ms();
    if (!responder->snapshot)
        return;
    report_contradictions(responder, now_ms);
    store_maintain(responder->store, &responder->snapshot->settings, clock_unix_s(), now_ms,
                   &error);
    if (error.code)
        log_queue_add(&responder->log_queue, now_ms, error.text);
}

int responder_begin(struct responder *responder, struct decision_inputs *ret_inputs,
                    struct error *error)
{
    struct revision revision;
    int64_t now_ms = clock_monotonic_ms();
    int code = store_begin(responder->store, now_ms, &revision, error);
    if (code != 0)
        return code;
    responder->reload_ms = now_ms; /* somebody waits for a command, and wants to know why */
    code = follow_revision(responder, &revision, now_ms, error);
    if (code != 0) {
        store_rest(responder->store);
        return code;
    }
    if (responder->needs_topology || responder->wants_topology)
        topology_loader_refresh(responder->loader, &revision, now_ms, &responder->log_queue);
    *ret_inputs = inputs_of(responder, true);
    return 0;
}

void responder_end(struct responder *responder)
{
    store_rest(responder->store);
}

int responder_wait_stored(struct responder *responder, int64_t wait_ms, size_t *ret_unwritten,
                          struct error *error)
{
    struct decision_inputs inputs;
    int code = responder_begin(responder, &inputs, error);
    if (code != 0)
        return code;
    *ret_unwritten = store_unwritten(responder->store, wait_ms);
    responder_end(responder);
    return 0;
}

struct revision responder_revision(const struct responder *responder)
{
    return responder->loaded;
}

const struct topology_loader *responder_topology_loader(const struct responder *responder)
{
    return responder->needs_topology ? responder->loader : NULL;
}

struct store *responder_store(struct responder *responder)
{
    return responder->store;
}

void responder_notify(struct responder *responder, const char *text)
{
    log_queue_add(&responder->log_queue, clock_monotonic_ms(), text);
}

struct log_queue *responder_log_queue(struct responder *responder)
{
    return &responder->log_queue;
}
