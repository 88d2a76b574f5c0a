/*
 * Decides what is due and starts the threads. A process goes first by the progress that it saw
 * last. If something seems due, it reads the current progress from the lock file, and reads it
 * again once it has taken the lock, since another process may have been faster.
 */
#include "store/maintenance/maintenance.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "store/sqlite/lock_bytes.h"
#include "system/thread.h"

/* From the start of one round to that of the next, where one is due already. */
#define PAUSE_MS 100

/* How often a process that is not the writer looks whether there is one. */
#define WRITER_LOOK_MS 100

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

static struct due what_is_due(const struct maintenance *maintenance,
                              const struct occasion *occasion)
{
    const struct progress *progress = &maintenance->progress;
    const struct settings *settings = &occasion->settings;
    const struct writer *writer = maintenance->writer;
    int64_t now_ms = occasion->now_ms;
    return (struct due){
        .sweep = has_passed(progress->sweep_ms, settings->sweep_interval_s, now_ms),
        .checkpoint =
            has_passed(progress->checkpoint_ms, settings->checkpoint_interval_s, now_ms) ||
            writer_is_short_of_disk(writer) ||
            writer_log_pages(writer) > progress->log.pages + CHECKPOINT_PAGES_MAX};
}

/* What is due by what the last round of any process has left, if nobody has overwritten it. */
static struct due look(struct maintenance *maintenance, const struct database *served,
                       const struct occasion *occasion)
{
    struct progress progress;
    if (!lock_file_read(&served->lock, LOCK_BYTES_MAINTENANCE, &progress, sizeof progress))
        progress = (struct progress){0};
    progress.sweep.key[SWEEP_KEY_MAX - 1] = '\0';
    key_check_verify(&progress.check);
    maintenance->progress = progress;
    return what_is_due(maintenance, occasion);
}

/* ---------------------------------------------------------------- a round */

/* All of it is the thread's, until that has finished. */
struct round {
    struct database database;
    struct lock_file lock; /* holds LOCK_MAINTENANCE */
    struct occasion occasion;
    struct due due;
    bool disk_short; /* the log takes the room that is left */
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
        code = sweep_run(&round->database, &progress->sweep, &progress->check,
                         occasion->settings.sweep_batch, occasion->settings.share_grace_s,
                         occasion->now_s, error);
    }
    if (code == 0 && round->due.checkpoint) {
        progress->checkpoint_ms = now_ms;
        code = checkpoint_run(&round->database, &progress->log, round->disk_short, error);
    }
    return code == 0 ? key_check_tell(&progress->check, error) : code;
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
    int code = database_init(&round->database, served->real_path, ROUND_LOCK_WAIT_MS);
    round->database.no_triggers = true;
    if (code == 0 && lock_file_open(&round->lock, served->real_path, false, NULL) == 0 &&
        lock_file_take(&round->lock, LOCK_MAINTENANCE))
        return round;
    free_round(round);
    return NULL;
}

/* Without a thread, the round runs here. Without memory or descriptors it has to wait. */
static void start_round(struct maintenance *maintenance, struct database *served,
                        const struct occasion *occasion)
{
    maintenance->looked_ms = occasion->now_ms;
    struct round *round = new_round(served);
    if (!round)
        return;
    round->due = look(maintenance, served, occasion);
    if (!round->due.sweep && !round->due.checkpoint) { /* another process was faster */
        free_round(round);
        return;
    }
    round->occasion = *occasion;
    round->disk_short = writer_is_short_of_disk(maintenance->writer);
    round->progress = maintenance->progress;
    maintenance->round = round;
    round->has_thread = thread_start(run_round, round, &round->thread);
    if (!round->has_thread)
        run_round(round);
}

static int finish_round(struct maintenance *maintenance, struct error *error)
{
    struct round *round = maintenance->round;
    if (!round)
        return 0;
    if (round->has_thread)
        pthread_join(round->thread, NULL);
    maintenance->progress = round->progress;
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
    int64_t passed_ms = occasion->now_ms - maintenance->looked_ms;
    if (maintenance->round || (passed_ms >= 0 && passed_ms < PAUSE_MS))
        return;
    struct due due = what_is_due(maintenance, occasion);
    if (due.sweep || due.checkpoint)
        due = look(maintenance, served, occasion);
    if (due.sweep || due.checkpoint)
        start_round(maintenance, served, occasion);
}

/* ---------------------------------------------------------------- the writer */

static void start_writer(struct maintenance *maintenance, const struct database *served,
                         const struct occasion *occasion)
{
    int64_t passed_ms = occasion->now_ms - maintenance->writer_look_ms;
    if (passed_ms >= 0 && passed_ms < WRITER_LOOK_MS)
        return;
    maintenance->writer_look_ms = occasion->now_ms;
    enum writer_role role =
        writer_free_role(&served->lock, occasion->claims, occasion->is_monitor, occasion->now_ms);
    int64_t max_bytes = settings_max_bytes(&occasion->settings);
    if (role != WRITER_NONE && writer_start(served->real_path, role, occasion->is_monitor,
                                            max_bytes, &maintenance->writer) == ERR_IO)
        writer_write_here(served->real_path, occasion->is_monitor, max_bytes);
}

/*
 * Starts a writer where none is, and says what it could not do. One that has ended, or that writes
 * another database since a link was led elsewhere, is let go.
 */
static int follow_writer(struct maintenance *maintenance, const struct database *served,
                         const struct occasion *occasion, struct error *error)
{
    int code = maintenance->writer ? writer_problem(maintenance->writer, error) : 0;
    if (maintenance->writer && (writer_has_ended(maintenance->writer) ||
                                !writer_is_of(maintenance->writer, served->real_path))) {
        writer_stop(maintenance->writer);
        maintenance->writer = NULL;
    }
    if (!maintenance->writer)
        start_writer(maintenance, served, occasion);
    else
        writer_limit(maintenance->writer, settings_max_bytes(&occasion->settings));
    return code;
}

/* ---------------------------------------------------------------- both */

int maintenance_run(struct maintenance *maintenance, struct database *served,
                    const struct occasion *occasion, struct error *error)
{
    int code = 0;
    if (maintenance->round && atomic_load(&maintenance->round->finished))
        code = finish_round(maintenance, error);
    if (!served->connection || served->read_only[0])
        return code;
    database_open_lock(served); /* perhaps there were no descriptors for it before */
    if (served->lock.descriptor < 0)
        return error_set(error, ERR_IO,
                         "%s-lock cannot be opened, so no mappings are kept, no checkpoints are run"
                         " and no expired mappings deleted",
                         served->real_path);
    int problem = follow_writer(maintenance, served, occasion, error);
    if (maintenance->writer)
        start_if_due(maintenance, served, occasion);
    return code != 0 ? code : problem;
}

int maintenance_finish(struct maintenance *maintenance, struct error *error)
{
    int code = finish_round(maintenance, error);
    writer_stop(maintenance->writer);
    maintenance->writer = NULL;
    return code;
}

bool maintenance_is_blocked(const struct lock_file *lock)
{
    struct progress progress;
    return lock_file_read(lock, LOCK_BYTES_MAINTENANCE, &progress, sizeof progress) &&
           checkpoint_is_blocked(&progress.log);
}
