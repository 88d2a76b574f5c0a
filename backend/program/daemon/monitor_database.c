/*
 * Connects the engine with a store: loads targets and stored verdicts when they have changed,
 * writes verdicts, and reports.
 */
#include "program/daemon/monitor_database.h"

#include <stdlib.h>

#include "store/monitoring.h"
#include "system/clock.h"

/* If loading the configuration fails, it is not tried again before this time. */
#define RELOAD_PAUSE_MS 1000

/*
 * After this time, monitors that could not be run are tried again: an address may have come to this
 * machine, a program been installed, or a group been allowed to ping.
 */
#define REFUSED_PAUSE_MS 5000

/*
 * How long a write waits for the lock, and how long after a wait that was in vain. Checks run in
 * the same thread, and a reply that comes during the wait is measured as so much slower. Mappings
 * and sweeps hold the lock for up to some 30 ms: it is waited for, or each of them would be
 * reported. Whoever holds it for longer may do so for minutes: then each try of the ten in a second
 * is short.
 */
#define USUAL_WAIT_MS STORE_BUSY_MS
#define LOCKED_WAIT_MS 2

struct monitor_database {
    struct store *store;
    struct watch *watch;
    struct settings settings;
    struct revision loaded;
    bool has_loaded;
    int wait_ms;       /* for the next write */
    int64_t reload_ms; /* monotonic: not before */
    int64_t retry_ms;  /* monotonic: when monitors that could not be run are tried again */
};

int monitor_database_new(const char *path, struct monitor_database **ret_database)
{
    struct monitor_database *database = calloc(1, sizeof *database);
    if (!database || store_new(path, &database->store) != 0) {
        free(database);
        return ERR_NOMEM;
    }
    database->settings = settings_default();
    database->wait_ms = USUAL_WAIT_MS;
    *ret_database = database;
    return 0;
}

void monitor_database_free(struct monitor_database *database)
{
    if (!database)
        return;
    store_free(database->store);
    free(database);
}

void monitor_database_attach(struct monitor_database *database, struct watch *watch)
{
    database->watch = watch;
}

static int adopt(void *context, const struct verdict_row *row)
{
    return watch_adopt(context, row);
}

static int configure(struct monitor_database *database, struct error *error)
{
    struct targets *targets = NULL;
    int code = store_load_targets(database->store, &targets, &database->settings, error);
    if (code != 0)
        return code;
    const struct settings *settings = &database->settings;
    const struct watch_limits limits = {.max_checks = settings->max_checks,
                                        .brake_percent = settings->brake_percent,
                                        .brake_window_s = settings->brake_window_s};
    code = watch_configure(database->watch, targets, &limits);
    database->retry_ms = clock_monotonic_ms() + REFUSED_PAUSE_MS;
    targets_release(targets);
    return code == 0 ? 0 : error_set(error, code, "the targets cannot be loaded: out of memory");
}

/* A new file has none of our verdicts, but may have others. */
static int adopt_file(struct monitor_database *database, struct error *error)
{
    int code = store_each_verdict(database->store, adopt, database->watch, error);
    if (code != 0)
        return error_set(error, code, "stored verdicts cannot be loaded: out of memory");
    if (database->has_loaded)
        watch_rewrite(database->watch);
    return 0;
}

static bool is_current(const struct monitor_database *database, const struct revision *revision)
{
    bool retries =
        watch_has_refusals(database->watch) && clock_monotonic_ms() >= database->retry_ms;
    return database->loaded.configuration == revision->configuration && !retries;
}

static int load(struct monitor_database *database, const struct revision *revision,
                struct error *error)
{
    bool same_file = database->has_loaded && database->loaded.opening == revision->opening;
    if (same_file && is_current(database, revision))
        return 0;
    if (clock_monotonic_ms() < database->reload_ms)
        return 0; /* the reason was reported before */
    int code = configure(database, error);
    if (code == 0 && !same_file)
        code = adopt_file(database, error);
    if (code != 0) {
        database->reload_ms = clock_monotonic_ms() + RELOAD_PAUSE_MS;
        return code == ERR_BUSY ? ERR_IO : code; /* ERR_BUSY is only for a second monitor */
    }
    database->loaded = *revision;
    database->has_loaded = true;
    return 0;
}

int monitor_database_refresh(struct monitor_database *database, struct error *error)
{
    struct revision revision;
    int code = store_begin(database->store, clock_monotonic_ms(), &revision, error);
    if (code != 0)
        return code == ERR_BUSY ? ERR_IO : code;
    code = store_be_monitor(database->store, error);
    if (code == 0 && store_read_only(database->store))
        error_set(error, ERR_READONLY, "%s", store_read_only(database->store));
    if (code != ERR_BUSY) {
        int loaded = load(database, &revision, error);
        code = code == 0 ? loaded : code;
    }
    store_rest(database->store);
    return code;
}

int64_t monitor_database_quorum(const struct monitor_database *database)
{
    return database->settings.share_quorum;
}

int monitor_database_maintain(struct monitor_database *database, struct error *error)
{
    return store_maintain(database->store, &database->settings, clock_unix_s(),
                          clock_monotonic_ms(), error);
}

int monitor_database_write(struct monitor_database *database, const struct verdict_row *rows,
                           size_t count, const struct target_key *ended, size_t ended_count,
                           struct error *error)
{
    int code = store_write_verdicts(database->store, rows, count, ended, ended_count,
                                    database->wait_ms, error);
    database->wait_ms = code == ERR_BUSY ? LOCKED_WAIT_MS : USUAL_WAIT_MS;
    return code;
}

void monitor_database_report(struct monitor_database *database)
{
    struct buffer problems = {0};
    watch_report(database->watch, &problems);
    store_report(database->store, clock_monotonic_ms(), buffer_text(&problems));
    buffer_release(&problems);
}
