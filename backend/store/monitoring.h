/*
 * The side of the database that the monitor needs: what is to be checked, the verdicts, and the
 * signs of life by which other processes know of it.
 *
 * The monitor has the metrics `availability` and `rtt` of every target that has a verdict row, and
 * no others: what somebody wrote for a server without a monitor stays. Where the addresses of a
 * server are targets, it has such metrics of each, and those of the server follow from them. What
 * cannot be done is returned with a sentence for the log, as with the rest of the store, and may be
 * tried again.
 */
#ifndef STICKY_STORE_MONITORING_H
#define STICKY_STORE_MONITORING_H

#include "core/base/error.h"
#include "core/configuration/settings.h"
#include "core/health/targets.h"
#include "core/health/verdict.h"
#include "store/store.h"

/*
 * Reads the targets and the settings, after store_begin(). The set is the caller's. 0, or a code
 * with `error` set.
 */
int store_load_targets(struct store *store, struct targets **ret_targets,
                       struct settings *ret_settings, struct error *error);

/*
 * Calls `each` for every stored verdict until it returns another code than 0, which is returned
 * then. 0, or a code with `error` set. After store_begin(). Rows whose words are unknown are left
 * out.
 */
int store_each_verdict(struct store *store,
                       int (*each)(void *context, const struct verdict_row *row), void *context,
                       struct error *error);

/* What the peers say of a target, of the view `health`. Texts are valid during the call. */
struct peers_row {
    const char *pool;       /* NULL for a controller */
    const char *controller; /* names */
    const char *address;    /* NULL: none */
    const char *state;      /* the verdict here: up, down, or unknown */
    const char *counts;     /* what answers go by: up or down */
    const char *peers;      /* "ns2 down, ns3 up" */
};

/*
 * Calls `each` for every target that peers have verdicts on and that anybody finds down, or that
 * counts as down. 0, or a code with `error` set. After store_begin().
 */
int store_each_peers_row(struct store *store,
                         void (*each)(void *context, const struct peers_row *row), void *context,
                         struct error *error);

/*
 * Writes verdicts with their metrics, and deletes those of targets that have ended, in one
 * transaction that waits `wait_ms` for the lock. Targets that are gone meanwhile are left out. Ends
 * the read transaction. 0, or a code with `error` set and nothing written.
 */
int store_write_verdicts(struct store *store, const struct verdict_row *rows, size_t count,
                         const struct target_key *ended, size_t ended_count, int wait_ms,
                         struct error *error);

/*
 * Takes the place of the only monitor, which is kept until the store is freed; to be called after
 * every store_begin(), since another file has another place. 0, ERR_BUSY with `error` set while
 * another process has it, or ERR_IO where there is no lock file to hold it by.
 */
int store_be_monitor(struct store *store, struct error *error);

/* Says whether any process has that place. */
bool store_has_monitor(const struct store *store);

/* What the monitor tells: sentences, one a line, of what is wrong. Longer ones are cut. */
#define STORE_REPORT_MAX 4000

/* Leaves word that the monitor is alive. `now_ms` is monotonic. */
void store_report(const struct store *store, int64_t now_ms, const char *problems);

/*
 * What was left, and how long ago; false when there is nothing, or of before the machine's start.
 */
bool store_read_report(const struct store *store, int64_t now_ms, int64_t *ret_ago_ms,
                       char ret_problems[static STORE_REPORT_MAX]);

#endif
