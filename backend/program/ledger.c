#include "program/ledger.h"

#include <stdlib.h>

#include "store/clock.h"
#include "store/monitoring.h"

/* A configuration that cannot be read is not tried again before. */
#define RELOAD_PAUSE_MS 1000

/*
 * How long a write waits for the lock: writers come in between each other within milliseconds. Once
 * it was waited for in vain somebody sits on it, and checks should not be late for that.
 */
#define WAIT_MS STORE_BUSY_MS
#define LOCKED_OUT_WAIT_MS 2

struct ledger {
    struct store *store;
    struct watch *watch;
    struct settings settings;
    struct revision loaded;
    bool has_loaded;
    bool locked_out;
    int64_t reload_ms; /* monotonic: not before */
};

int ledger_new(const char *path, struct ledger **ret_ledger)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (!ledger || store_new(path, &ledger->store) != 0) {
        free(ledger);
        return ERR_NOMEM;
    }
    ledger->settings = settings_default();
    *ret_ledger = ledger;
    return 0;
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    store_free(ledger->store);
    free(ledger);
}

void ledger_attach(struct ledger *ledger, struct watch *watch)
{
    ledger->watch = watch;
}

static int adopt(void *context, const struct verdict_row *row)
{
    return watch_adopt(context, row);
}

static int configure(struct ledger *ledger, struct error *error)
{
    struct targets *targets = NULL;
    int code = store_load_targets(ledger->store, &targets, &ledger->settings, error);
    if (code != 0)
        return code;
    const struct settings *settings = &ledger->settings;
    const struct watch_limits limits = {.max_checks = settings->max_checks,
                                        .brake_percent = settings->brake_percent,
                                        .brake_window_s = settings->brake_window_s};
    code = watch_configure(ledger->watch, targets, &limits);
    targets_release(targets);
    return code == 0 ? 0 : error_set(error, code, "the targets cannot be taken up: out of memory");
}

/* Another file knows nothing of our verdicts, and perhaps of others. */
static int take_up_file(struct ledger *ledger, struct error *error)
{
    int code = store_each_verdict(ledger->store, adopt, ledger->watch, error);
    if (code != 0)
        return error_set(error, code, "stored verdicts cannot be taken up: out of memory");
    if (ledger->has_loaded)
        watch_rewrite(ledger->watch);
    return 0;
}

static int load(struct ledger *ledger, const struct revision *revision, struct error *error)
{
    bool same_file = ledger->has_loaded && ledger->loaded.opening == revision->opening;
    if (same_file && ledger->loaded.configuration == revision->configuration)
        return 0;
    if (clock_monotonic_ms() < ledger->reload_ms)
        return 0; /* it was told why */
    int code = configure(ledger, error);
    if (code == 0 && !same_file)
        code = take_up_file(ledger, error);
    if (code != 0) {
        ledger->reload_ms = clock_monotonic_ms() + RELOAD_PAUSE_MS;
        return code == ERR_BUSY ? ERR_IO : code; /* not our rival */
    }
    ledger->loaded = *revision;
    ledger->has_loaded = true;
    return 0;
}

int ledger_follow(struct ledger *ledger, struct error *error)
{
    struct revision revision;
    int code = store_begin(ledger->store, clock_monotonic_ms(), &revision, error);
    if (code != 0)
        return code == ERR_BUSY ? ERR_IO : code;
    code = store_be_monitor(ledger->store, error);
    if (code == 0 && store_read_only(ledger->store))
        error_set(error, ERR_READONLY, "%s", store_read_only(ledger->store));
    if (code == 0 && store_older(ledger->store))
        error_set(error, ERR_FOREIGN, "%s", store_older(ledger->store));
    if (code != ERR_BUSY) {
        int loaded = load(ledger, &revision, error);
        code = code == 0 ? loaded : code;
    }
    store_rest(ledger->store);
    return code;
}

int ledger_keep_house(struct ledger *ledger, struct error *error)
{
    return store_keep_house(ledger->store, &ledger->settings, clock_unix_s(), clock_monotonic_ms(),
                            error);
}

int ledger_write(struct ledger *ledger, const struct verdict_row *rows, size_t count,
                 const struct target_key *ended, size_t ended_count, struct error *error)
{
    int code = store_write_verdicts(ledger->store, rows, count, ended, ended_count,
                                    ledger->locked_out ? LOCKED_OUT_WAIT_MS : WAIT_MS, error);
    ledger->locked_out = code == ERR_BUSY;
    return code;
}

void ledger_report(struct ledger *ledger)
{
    struct buffer problems = {0};
    watch_report(ledger->watch, &problems);
    store_report(ledger->store, clock_monotonic_ms(), buffer_text(&problems));
    buffer_release(&problems);
}
