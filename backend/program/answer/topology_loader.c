/*
 * Loads in a thread, with a store of its own. The thread works on a struct load, which no other
 * code uses until the thread has ended; its results then replace the previous ones.
 */
#include "program/answer/topology_loader.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "geo/locator.h"
#include "system/clock.h"
#include "system/thread.h"

/* What a thread works on; nothing else uses it until the thread has ended. */
struct load {
    struct store *store; /* the thread's; NULL: the rows have not changed */
    int64_t began_ms, ended_ms;
    const struct topology *topology_before; /* only read, by both threads */
    const struct geo *geo_before;
    struct topology *topology; /* the result; NULL: none */
    struct geo *geo;
    struct revision revision; /* `opening` is the loader's, the rest is what was read */
    struct error error;
    pthread_t thread;
    bool has_thread;
};

struct topology_loader {
    char *path; /* owned */
    struct topology *topology;
    struct geo *geo;
    struct locator locator;
    struct revision loaded;
    struct load *load;  /* NULL: none is running */
    struct error error; /* of the last load */
    int64_t next_ms;    /* monotonic: not before */
    int64_t first_wait_ms;
};

int topology_loader_new(const char *path, struct topology_loader **ret_loader)
{
    struct topology_loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return ERR_NOMEM;
    loader->path = strdup(path);
    if (!loader->path) {
        free(loader);
        return ERR_NOMEM;
    }
    loader->first_wait_ms = TOPOLOGY_LOADER_FIRST_WAIT_MS;
    *ret_loader = loader;
    return 0;
}

void topology_loader_be_patient(struct topology_loader *loader)
{
    loader->first_wait_ms = TOPOLOGY_LOADER_SHELL_WAIT_MS;
}

static void load_free(struct load *load)
{
    if (!load)
        return;
    topology_free(load->topology);
    geo_free(load->geo);
    store_free(load->store);
    free(load);
}

void topology_loader_free(struct topology_loader *loader)
{
    if (!loader)
        return;
    if (loader->load && loader->load->has_thread)
        pthread_join(loader->load->thread, NULL);
    load_free(loader->load);
    topology_free(loader->topology);
    geo_free(loader->geo);
    free(loader->path);
    free(loader);
}

/* The revision comes from the transaction in which the rows are read. */
static int load_rows(struct load *load)
{
    struct revision revision;
    int code = store_begin(load->store, load->began_ms, &revision, &load->error);
    if (code != 0)
        return code;
    code = store_load_topology(load->store, &load->topology, &load->error);
    store_rest(load->store);
    if (code == 0)
        load->revision.topology = revision.topology;
    return code;
}

static void *load_all(void *context)
{
    struct load *load = context;
    size_t count;
    if (!load->store || load_rows(load) == 0) {
        const struct topology *topology = load->topology ? load->topology : load->topology_before;
        const char *const *paths = topology_geo_databases(topology, &count);
        int code = geo_open(paths, count, load->geo_before, &load->geo);
        if (code != 0)
            error_set(&load->error, code, "geo_database: cannot be loaded: %s", error_text(code));
    }
    load->ended_ms = clock_monotonic_ms();
    return NULL;
}

/* If no thread can be started, loads here. */
static void start(struct load *load)
{
    load->has_thread = thread_start(load_all, load, &load->thread);
    if (!load->has_thread)
        load_all(load);
}

/* Waits for the running load, at most so long, and says whether it has ended. */
static bool has_ended(const struct load *load, int64_t wait_ms)
{
    struct timespec until;
    if (!load->has_thread)
        return true;
    if (wait_ms == 0)
        return pthread_tryjoin_np(load->thread, NULL) == 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += wait_ms % 1000 * 1000000;
    until.tv_sec += wait_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return pthread_clockjoin_np(load->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

/* Replaces what was loaded before. */
static void replace(struct topology_loader *loader, struct load *load)
{
    if (load->topology) {
        topology_free(loader->topology);
        loader->topology = load->topology;
        load->topology = NULL;
    }
    geo_take_over(load->geo, loader->geo);
    geo_free(loader->geo);
    loader->geo = load->geo;
    load->geo = NULL;
    loader->locator = geo_locator(loader->geo);
    loader->loaded = load->revision;
}

static void take_over(struct topology_loader *loader, int64_t now_ms, struct log_queue *queue)
{
    struct load *load = loader->load;
    bool slow = load->ended_ms - load->began_ms > TOPOLOGY_LOADER_WAIT_MS;
    loader->load = NULL;
    loader->error = load->error;
    if (slow || load->error.code)
        loader->next_ms = load->ended_ms + TOPOLOGY_LOADER_PAUSE_MS;
    if (load->error.code) {
        log_queue_add(queue, now_ms, load->error.text);
        load_free(load);
        return;
    }
    log_queue_add_problems(queue, now_ms, load->topology ? topology_problems(load->topology) : NULL,
                           loader->topology ? topology_problems(loader->topology) : NULL);
    log_queue_add_problems(queue, now_ms, geo_problems(load->geo),
                           loader->geo ? geo_problems(loader->geo) : NULL);
    replace(loader, load);
    load_free(load);
}

static bool rows_changed(const struct topology_loader *loader, const struct revision *revision)
{
    return !loader->topology || loader->loaded.opening != revision->opening ||
           loader->loaded.topology != revision->topology;
}

/* Without memory, nothing begins; it is tried again with the next question. */
static void begin(struct topology_loader *loader, bool rows, const struct revision *revision,
                  int64_t now_ms)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load || (rows && store_new(loader->path, &load->store) != 0)) {
        free(load);
        return;
    }
    load->began_ms = now_ms;
    load->topology_before = loader->topology;
    load->geo_before = loader->geo;
    load->revision =
        (struct revision){.opening = revision->opening, .topology = revision->topology};
    loader->load = load;
    start(load);
}

void topology_loader_refresh(struct topology_loader *loader, const struct revision *revision,
                             int64_t now_ms, struct log_queue *queue)
{
    int64_t wait_ms = 0;
    if (loader->load && has_ended(loader->load, 0))
        take_over(loader, now_ms, queue);
    if (!loader->load && now_ms >= loader->next_ms) {
        bool rows = rows_changed(loader, revision);
        if (rows || geo_changed(loader->geo, now_ms)) {
            begin(loader, rows, revision, now_ms);
            wait_ms = loader->topology ? TOPOLOGY_LOADER_WAIT_MS : loader->first_wait_ms;
        }
    }
    if (loader->load && wait_ms > 0 && has_ended(loader->load, wait_ms))
        take_over(loader, now_ms, queue);
}

const struct topology *topology_loader_topology(const struct topology_loader *loader)
{
    return loader->topology;
}

const struct locator *topology_loader_locator(const struct topology_loader *loader)
{
    return loader->geo ? &loader->locator : NULL;
}

bool topology_loader_is_loading(const struct topology_loader *loader)
{
    return loader->load != NULL;
}

const char *topology_loader_problem(const struct topology_loader *loader, size_t index)
{
    const struct problems *lists[] = {
        loader->topology ? topology_problems(loader->topology) : NULL,
        loader->geo ? geo_problems(loader->geo) : NULL,
    };
    if (loader->error.code && index-- == 0)
        return loader->error.text;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!lists[i])
            continue;
        if (index < lists[i]->count)
            return lists[i]->lines[index];
        index -= lists[i]->count;
    }
    return NULL;
}
