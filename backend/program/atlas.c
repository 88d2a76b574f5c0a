#include "program/atlas.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "geo/locator.h"
#include "store/clock.h"
#include "store/thread.h"

/* What a thread works on; nobody else touches it until the thread has ended. */
struct load {
    struct store *store; /* the thread's; NULL: the rows have not moved */
    int64_t began_ms, ended_ms;
    const struct topology *topology_before; /* read by both threads */
    const struct geo *geo_before;
    struct topology *topology; /* what was read, NULL: nothing */
    struct geo *geo;
    struct revision revision; /* `opening` as the atlas knows it, the rest of what was read */
    struct error error;
    pthread_t thread;
    bool has_thread;
};

struct atlas {
    char *path; /* owned */
    struct topology *topology;
    struct geo *geo;
    struct locator locator;
    struct revision loaded;
    struct load *load;  /* NULL: none runs */
    struct error error; /* of the last load */
    int64_t next_ms;    /* monotonic: not before */
};

int atlas_new(const char *path, struct atlas **ret_atlas)
{
    struct atlas *atlas = calloc(1, sizeof *atlas);
    if (!atlas)
        return ERR_NOMEM;
    atlas->path = strdup(path);
    if (!atlas->path) {
        free(atlas);
        return ERR_NOMEM;
    }
    *ret_atlas = atlas;
    return 0;
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

void atlas_free(struct atlas *atlas)
{
    if (!atlas)
        return;
    if (atlas->load && atlas->load->has_thread)
        pthread_join(atlas->load->thread, NULL);
    load_free(atlas->load);
    topology_free(atlas->topology);
    geo_free(atlas->geo);
    free(atlas->path);
    free(atlas);
}

/* The revision is that of the transaction which the rows are read in. */
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

/* Without a thread, it is loaded here. */
static void start(struct load *load)
{
    load->has_thread = thread_start(load_all, load, &load->thread);
    if (!load->has_thread)
        load_all(load);
}

/* Waits so long for the end of the load that runs, and says whether it has come. */
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

/* Puts what was loaded in place of what was before. */
static void replace(struct atlas *atlas, struct load *load)
{
    if (load->topology) {
        topology_free(atlas->topology);
        atlas->topology = load->topology;
        load->topology = NULL;
    }
    geo_inherit(load->geo, atlas->geo);
    geo_free(atlas->geo);
    atlas->geo = load->geo;
    load->geo = NULL;
    atlas->locator = geo_locator(atlas->geo);
    atlas->loaded = load->revision;
}

static void take_over(struct atlas *atlas, int64_t now_ms, struct journal *journal)
{
    struct load *load = atlas->load;
    bool slow = load->ended_ms - load->began_ms > ATLAS_WAIT_MS;
    atlas->load = NULL;
    atlas->error = load->error;
    if (slow || load->error.code)
        atlas->next_ms = load->ended_ms + ATLAS_PAUSE_MS;
    if (load->error.code) {
        journal_say(journal, now_ms, load->error.text);
        load_free(load);
        return;
    }
    journal_complain(journal, now_ms, load->topology ? topology_complaints(load->topology) : NULL,
                     atlas->topology ? topology_complaints(atlas->topology) : NULL);
    journal_complain(journal, now_ms, geo_complaints(load->geo),
                     atlas->geo ? geo_complaints(atlas->geo) : NULL);
    replace(atlas, load);
    load_free(load);
}

static bool rows_moved(const struct atlas *atlas, const struct revision *revision)
{
    return !atlas->topology || atlas->loaded.opening != revision->opening ||
           atlas->loaded.topology != revision->topology;
}

/* Without memory it has to wait. */
static void begin(struct atlas *atlas, bool rows, const struct revision *revision, int64_t now_ms)
{
    struct load *load = calloc(1, sizeof *load);
    if (!load || (rows && store_new(atlas->path, &load->store) != 0)) {
        free(load);
        return;
    }
    load->began_ms = now_ms;
    load->topology_before = atlas->topology;
    load->geo_before = atlas->geo;
    load->revision =
        (struct revision){.opening = revision->opening, .topology = revision->topology};
    atlas->load = load;
    start(load);
}

void atlas_follow(struct atlas *atlas, const struct revision *revision, int64_t now_ms,
                  struct journal *journal)
{
    int64_t wait_ms = 0;
    if (atlas->load && has_ended(atlas->load, 0))
        take_over(atlas, now_ms, journal);
    if (!atlas->load && now_ms >= atlas->next_ms) {
        bool rows = rows_moved(atlas, revision);
        if (rows || geo_moved(atlas->geo, now_ms)) {
            begin(atlas, rows, revision, now_ms);
            wait_ms = atlas->topology ? ATLAS_WAIT_MS : ATLAS_FIRST_WAIT_MS;
        }
    }
    if (atlas->load && wait_ms > 0 && has_ended(atlas->load, wait_ms))
        take_over(atlas, now_ms, journal);
}

const struct topology *atlas_topology(const struct atlas *atlas)
{
    return atlas->topology;
}

const struct locator *atlas_locator(const struct atlas *atlas)
{
    return atlas->geo ? &atlas->locator : NULL;
}

bool atlas_is_loading(const struct atlas *atlas)
{
    return atlas->load != NULL;
}

const char *atlas_problem(const struct atlas *atlas, size_t index)
{
    const struct complaints *lists[] = {
        atlas->topology ? topology_complaints(atlas->topology) : NULL,
        atlas->geo ? geo_complaints(atlas->geo) : NULL,
    };
    if (atlas->error.code && index-- == 0)
        return atlas->error.text;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!lists[i])
            continue;
        if (index < lists[i]->count)
            return lists[i]->lines[index];
        index -= lists[i]->count;
    }
    return NULL;
}
