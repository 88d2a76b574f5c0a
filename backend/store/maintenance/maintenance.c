#include "store/maintenance/maintenance.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "store/sqlite/lock_bytes.h"
#include "system/thread.h"

/* From the start of one round to that of the next, where one is due already. */
#define PAUSE_MS 100

/* So long behind its time, pdns-stickyd is taken to hang. */
#define MONITOR_LATE_S 5

/* No question waits for this connection, and those who write hold the lock for microseconds. */
#define ROUND_LOCK_WAIT_MS 40

_Static_assert(LOCK_BYTES_MAINTENANCE + sizeof(struct progress) <= LOCK_BYTES_OPENINGS,
               "the progress fits in its place");

/* ---------------------------------------------------------------- what is due */

struct due {
    bool sweep, checkpoint;
};

/* Says whether an interval has passed; a time to come is of before the machine's last start. */
static bool has_passed(int64_t last_ms, int64_t interval_s, int64_t now_ms)
{
    return last_ms > now_ms || now_ms - last_ms >= interval_s * 1000;
}

/*
 * `log_pages` are in the log as far as this process knows. What is left to pdns-stickyd is due only
 * when that is late, as one is that hangs; it looks several times a second.
 */
static struct due what_is_due(const struct progress *progress, const struct occasion *occasion,
                              int64_t log_pages, bool left_to_monitor)
{
    const struct settings *settings = &occasion->settings;
    int64_t grace_s = left_to_monitor ? MONITOR_LATE_S : 0, now_ms = occasion->now_ms;
    int64_t pages = left_to_monitor ? 2 * CHECKPOINT_PAGES_MAX : CHECKPOINT_PAGES_MAX;
    return (struct due){
        .sweep = has_passed(progress->sweep_ms, settings->sweep_interval_s + grace_s, now_ms),
        .checkpoint = has_passed(progress->checkpoint_ms, settings->checkpoint_interval_s + grace_s,
                                 now_ms) ||
                      occasion->disk_short || log_pages > progress->log.pages + pages};
}

/* Another process may have done it; then what this one knows of the log is of before that. */
static void learn(struct maintenance *maintenance, struct database *served,
                  const struct progress *progress)
{
    if (progress->checkpoint_ms != maintenance->progress.checkpoint_ms)
        served->log_pages = 0;
    maintenance->progress = *progress;
}

/* What is due by what the last round of any process has left. */
static struct due look(struct maintenance *maintenance, struct database *served,
                       const struct occasion *occasion, bool left_to_monitor)
{
    struct progress progress;
    if (!lock_file_read(&served->lock, LOCK_BYTES_MAINTENANCE, &progress, sizeof progress))
        progress = (struct progress){0};
    learn(maintenance, served, &progress);
    return what_is_due(&maintenance->progress, occasion, served->log_pages, left_to_monitor);
}

/* ---------------------------------------------------------------- a round */

/* All of it is the thread's, until that has finished. */
struct round {
    struct database database;
    struct lock_file lock; /* holds LOCK_MAINTENANCE */
    struct occasion occasion;
    struct due due;
    struct progress progress;
    struct error error;
    pthread_t thread;
    bool has_thread;
    atomic_bool finished;
};

static int do_what_is_due(struct round *round, struct error *error)
{
    const struct occasion *occasion = &round->occasion;
    struct progress *progress = &round->progress;
    int64_t now_ms = occasion->now_ms;
    int code = 0;
    if (round->due.sweep) {
        progress->sweep_ms = now_ms;
        code = sweep_run(&round->database, &progress->sweep, occasion->settings.sweep_batch,
                         occasion->now_s, now_ms, error);
    }
    if (code == 0 && round->due.checkpoint) {
        progress->checkpoint_ms = now_ms;
        code =
            checkpoint_run(&round->database, &progress->log, occasion->disk_short, now_ms, error);
    }
    return code;
}

static void *run_round(void *context)
{
    struct round *round = context;
    struct database *database = &round->database;
    struct error error = {0};
    int code = database_open(database, round->occasion.now_ms, &error);
    if (code == 0 && !database->read_only[0]) {
        code = do_what_is_due(round, &error);
        lock_file_write(&round->lock, LOCK_BYTES_MAINTENANCE, &round->progress,
                        sizeof round->progress);
    }
    if (code != 0 && code != ERR_BUSY) /* then the next round does it */
        error_set(&round->error, code, "%s", error.text);
    database_close(database);
    lock_file_give(&round->lock, LOCK_MAINTENANCE);
    atomic_store(&round->finished, true);
    return NULL;
}

static void free_round(struct round *round)
{
    if (!round)
        return;
    lock_file_close(&round->lock);
    database_release(&round->database);
    free(round);
}

/* Takes the lock in the place of the thread; NULL where another process has it. */
static struct round *new_round(const struct database *served)
{
    struct round *round = calloc(1, sizeof *round);
    if (!round)
        return NULL;
    round->lock.descriptor = -1;
    if (database_init(&round->database, served->real_path, ROUND_LOCK_WAIT_MS) == 0 &&
        lock_file_open(&round->lock, served->real_path, false, NULL) == 0 &&
        lock_file_take(&round->lock, LOCK_MAINTENANCE))
        return round;
    free_round(round);
    return NULL;
}

/* Without a thread, the round runs here. Without memory or descriptors it has to wait. */
static void start_round(struct maintenance *maintenance, struct database *served,
                        const struct occasion *occasion, bool left_to_monitor)
{
    maintenance->looked_ms = occasion->now_ms;
    struct round *round = new_round(served);
    if (!round)
        return;
    round->due = look(maintenance, served, occasion, left_to_monitor);
    if (!round->due.sweep && !round->due.checkpoint) { /* another process was faster */
        free_round(round);
        return;
    }
    round->occasion = *occasion;
    round->progress = maintenance->progress;
    maintenance->round = round;
    round->has_thread = thread_start(run_round, round, &round->thread);
    if (!round->has_thread)
        run_round(round);
}

int maintenance_finish(struct maintenance *maintenance, struct database *served,
                       struct error *error)
{
    struct round *round = maintenance->round;
    if (!round)
        return 0;
    if (round->has_thread)
        pthread_join(round->thread, NULL);
    learn(maintenance, served, &round->progress);
    maintenance->round = NULL;
    int code = round->error.code;
    if (code != 0)
        error_set(error, code, "%s", round->error.text);
    free_round(round);
    return code;
}

static void start_if_due(struct maintenance *maintenance, struct database *served,
                         const struct occasion *occasion)
{
    struct due due = what_is_due(&maintenance->progress, occasion, served->log_pages, false);
    if (!due.sweep && !due.checkpoint)
        return;
    bool left = !occasion->is_monitor && lock_file_is_taken(&served->lock, LOCK_MONITOR);
    due = look(maintenance, served, occasion, left);
    if (due.sweep || due.checkpoint)
        start_round(maintenance, served, occasion, left);
    else if (left) /* it need not be looked at with every question */
        maintenance->looked_ms = occasion->now_ms;
}

int maintenance_run(struct maintenance *maintenance, struct database *served,
                    const struct occasion *occasion, struct error *error)
{
    int64_t passed_ms = occasion->now_ms - maintenance->looked_ms;
    bool paused = passed_ms >= 0 && passed_ms < PAUSE_MS;
    int code = 0;
    if (maintenance->round && atomic_load(&maintenance->round->finished))
        code = maintenance_finish(maintenance, served, error);
    if (code != 0 || maintenance->round || paused || !served->connection || served->read_only[0])
        return code;
    database_open_lock(served); /* perhaps there were no descriptors for it before */
    if (served->lock.descriptor < 0) {
        maintenance->looked_ms = occasion->now_ms;
        return error_set(error, ERR_IO,
                         "%s-lock cannot be opened, so no checkpoints are run and no expired"
                         " mappings deleted",
                         served->real_path);
    }
    start_if_due(maintenance, served, occasion);
    return 0;
}

bool maintenance_is_blocked(const struct lock_file *lock)
{
    struct progress progress;
    return lock_file_read(lock, LOCK_BYTES_MAINTENANCE, &progress, sizeof progress) &&
           checkpoint_is_blocked(&progress.log);
}
