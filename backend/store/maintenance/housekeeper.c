/*
 * A round of housekeeping in a thread of its own.
 *
 * A process that is asked all the time has no moment in which the disk may take a tenth of a
 * second. The thread has a store of its own, so nothing is shared while it runs; it opens the
 * database anew each time, since a connection that lies idle would keep files that somebody has
 * deleted.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "store/store_parts.h"
#include "system/thread.h"

/* From the start of one round to that of the next, where one is due already. */
#define ROUND_PAUSE_MS 100

struct housekeeper {
    struct store *store;   /* the thread's */
    struct lock_file held; /* LOCK_HOUSEKEEPING, taken by who has started the round */
    struct round round;
    struct error error;
    pthread_t thread;
    bool has_thread;
    atomic_bool finished;
};

static void *keep_house(void *context)
{
    struct housekeeper *keeper = context;
    struct store *store = keeper->store;
    struct revision revision;
    if (store_begin(store, keeper->round.now_ms, &revision, &keeper->error) == 0) {
        store_rest(store);
        if (!store_read_only(store))
            store_do_round(store, &keeper->round, &keeper->error);
    }
    database_close(&store->database);
    lock_file_give(&keeper->held, LOCK_HOUSEKEEPING);
    atomic_store(&keeper->finished, true);
    return NULL;
}

static void free_keeper(struct housekeeper *keeper)
{
    if (!keeper)
        return;
    lock_file_close(&keeper->held);
    store_free(keeper->store);
    free(keeper);
}

/* Takes the lock in the place of the thread, or fails where another process has it. */
static struct housekeeper *new_keeper(struct store *store)
{
    struct housekeeper *keeper = calloc(1, sizeof *keeper);
    if (!keeper)
        return NULL;
    keeper->held.descriptor = -1;
    if (store_new(store->database.path, &keeper->store) == 0 &&
        lock_file_share(&store->lock, &keeper->held) == 0 &&
        lock_file_take(&keeper->held, LOCK_HOUSEKEEPING))
        return keeper;
    free_keeper(keeper);
    return NULL;
}

/*
 * The lock comes first: of a thousand processes that find a round due, one alone opens the database
 * for it. Without a thread, the round runs here. Without memory it has to wait.
 */
static int start_round(struct store *store, const struct round *round, struct error *error)
{
    store->round_ms = round->now_ms;
    if (store->lock.descriptor < 0)
        return error_set(error, ERR_IO, "%s-lock cannot be opened, so no housekeeping is done",
                         store->database.path);
    struct housekeeper *keeper = new_keeper(store);
    if (!keeper)
        return 0;
    keeper->round = *round;
    store->housekeeper = keeper;
    store->limits.disk_short = false; /* until it is looked at again */
    keeper->has_thread = thread_start(keep_house, keeper, &keeper->thread);
    if (!keeper->has_thread)
        keep_house(keeper);
    return 0;
}

int store_end_round(struct store *store, struct error *error)
{
    struct housekeeper *keeper = store->housekeeper;
    if (!keeper)
        return 0;
    if (keeper->has_thread)
        pthread_join(keeper->thread, NULL);
    store->rounds = keeper->store->rounds;
    store->housekeeper = NULL;
    int code = keeper->error.code;
    if (code != 0)
        error_set(error, code, "%s", keeper->error.text);
    free_keeper(keeper);
    return code;
}

/*
 * Another process may have done it; what it left says so. And pdns-stickyd, where it runs, does it
 * so that no process that answers has to.
 */
static bool is_due(struct store *store, struct round *round)
{
    struct rounds rounds;
    if (!store_is_round_due(store, round))
        return false;
    round->left_to_monitor = !store->is_monitor && lock_file_is_taken(&store->lock, LOCK_MONITOR);
    if (lock_file_read(&store->lock, LOCK_FILE_ROUNDS, &rounds, sizeof rounds))
        store->rounds = rounds;
    return store_is_round_due(store, round);
}

int store_keep_house(struct store *store, const struct settings *settings, int64_t now_s,
                     int64_t now_ms, struct error *error)
{
    struct round round = {.settings = *settings,
                          .now_s = now_s,
                          .now_ms = now_ms,
                          .disk_short = store->limits.disk_short};
    bool paused = now_ms >= store->round_ms && now_ms - store->round_ms < ROUND_PAUSE_MS;
    int code = 0;
    if (store->housekeeper && atomic_load(&store->housekeeper->finished))
        code = store_end_round(store, error);
    file_check_run(store, now_ms);
    if (store->housekeeper || paused || !store->database.connection || store->database.read_only[0])
        return code;
    /* It could not be opened, perhaps for want of descriptors. */
    if (store->lock.descriptor < 0)
        lock_file_open(&store->lock, store->database.path, &store->database.identity);
    if (code == 0 && is_due(store, &round))
        return start_round(store, &round, error);
    if (round.left_to_monitor)
        store->round_ms = now_ms; /* it need not be looked at with every question */
    return code;
}
