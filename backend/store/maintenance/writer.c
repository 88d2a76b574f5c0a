/*
 * The thread of the writer: when to write, and what to do when that fails.
 */
#include "store/maintenance/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/claims/claims_file.h"
#include "store/maintenance/claim_rows.h"
#include "store/maintenance/room.h"
#include "store/sqlite/database.h"
#include "system/clock.h"
#include "system/thread.h"

/* Claims are collected for so long: some tens of rows for each transaction of a busy server. */
#define COLLECT_NS 2000000L

/* How long it sleeps without claims, and so how late it finds that it should end. */
#define IDLE_MS 250

/* How often all buckets are looked at: a process may have been killed before it told of a claim. */
#define SCAN_MS 1000

/* A look at SQLite's files takes three system calls, so it holds for so long. */
#define FRESH_MS 1

/* How long it waits for SQLite's lock, and then before it tries again. */
#define LOCK_WAIT_MS 400
#define RETRY_MS 100

/* A database that is locked for less than that is not told of: somebody changes many rows. */
#define LOCKED_MS 2000

/* A writer without a sign of life for so long is stopped or hangs, if claims wait. */
#define SILENT_MS 2000

/* How often the sizes of file and disk are looked at. */
#define ROOM_MS 1000

struct writer {
    struct database database;
    struct lock_file lock; /* holds LOCK_WRITER or LOCK_STANDBY */
    struct claims *claims; /* NULL: not open; changes with `mutex` held */
    int64_t identity;      /* of the database that they are for */
    struct taken_claims *taken;
    int64_t scanned_ms, room_ms;
    int64_t locked_ms; /* since when SQLite's lock could not be got; 0: it could */
    enum writer_role role;
    bool is_monitor;
    atomic_bool stopping, ended;
    _Atomic enum room room;
    _Atomic int64_t max_bytes, log_pages;
    pthread_mutex_t mutex; /* of what both threads use: the next three, and `claims` */
    struct error problem;
    bool told;         /* it was given out already */
    struct error loss; /* claims that are lost or were dropped; until it is given out */
    pthread_t thread;
};

static bool is_silent(const struct claims *claims, int64_t now_ms)
{
    return now_ms - claims_alive_ms(claims) > SILENT_MS;
}

enum writer_role writer_free_role(const struct lock_file *lock, const struct claims *claims,
                                  bool is_monitor, int64_t now_ms)
{
    if (!lock_file_is_taken(lock, LOCK_WRITER) &&
        (is_monitor || !lock_file_is_taken(lock, LOCK_MONITOR)))
        return WRITER_MAIN;
    if (claims && is_silent(claims, now_ms) && claims_count(claims) > 0 &&
        !lock_file_is_taken(lock, LOCK_STANDBY))
        return WRITER_STANDBY;
    return WRITER_NONE;
}

static void set_problem(struct writer *writer, const struct error *error)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->problem.code != error->code) {
        writer->problem = *error;
        writer->told = false;
    }
    pthread_mutex_unlock(&writer->mutex);
}

int writer_problem(struct writer *writer, struct error *error)
{
    struct error found = {0};
    if (error && error->code != 0)
        return 0;
    pthread_mutex_lock(&writer->mutex);
    if (writer->loss.code != 0) {
        found = writer->loss;
        writer->loss = (struct error){0};
    } else if (!writer->told) {
        found = writer->problem;
        writer->told = true;
    }
    pthread_mutex_unlock(&writer->mutex);
    return found.code != 0 ? error_set(error, found.code, "%s", found.text) : 0;
}

/* ---------------------------------------------------------------- the thread: what it needs */

static void use_claims(struct writer *writer, struct claims *claims)
{
    pthread_mutex_lock(&writer->mutex);
    struct claims *old = writer->claims;
    writer->claims = claims;
    pthread_mutex_unlock(&writer->mutex);
    claims_close(old);
}

static void note_replacement(struct writer *writer, const struct claims *claims)
{
    pthread_mutex_lock(&writer->mutex);
    claims_replaced(claims, &writer->loss);
    pthread_mutex_unlock(&writer->mutex);
}

/* They were answered, so somebody may be surprised. */
static void note_outdated(struct writer *writer, size_t count)
{
    if (count == 0)
        return;
    pthread_mutex_lock(&writer->mutex);
    error_set(&writer->loss, ERR_NOTFOUND,
              "%s: %zu new mapping%s not stored, because somebody changed mappings meanwhile or"
              " restored a copy",
              writer->database.path, count, count == 1 ? " was" : "s were");
    pthread_mutex_unlock(&writer->mutex);
}

/* The claims of a file that was deleted or replaced are written before it is let go. */
static int open_claims(struct writer *writer, struct error *error)
{
    struct database *database = &writer->database;
    struct claims *claims = NULL;
    if (writer->claims && claims_are_current(writer->claims))
        return 0;
    if (writer->claims) {
        claim_rows_write(database, writer->claims, writer->identity, true, writer->taken, NULL);
        use_claims(writer, NULL);
    }
    struct generation generation;
    int code = database_read_generation(database, &generation, error);
    if (code == 0)
        code = claims_open(database->real_path, &database->identity, generation.identity,
                           &writer->lock, LOCK_WAIT_MS, &claims, error);
    if (code != 0)
        return code;
    note_replacement(writer, claims);
    use_claims(writer, claims);
    writer->identity = generation.identity;
    writer->scanned_ms = 0;
    return 0;
}

static int open_all(struct writer *writer, int64_t now_ms, struct error *error)
{
    struct database *database = &writer->database;
    int code = database_check(database, FRESH_MS, now_ms, error);
    if (code == 0)
        code = database_open(database, now_ms, error);
    if (code == 0 && database->read_only[0])
        code = error_set(error, ERR_READONLY, "%s", database->read_only);
    return code == 0 ? open_claims(writer, error) : code;
}

/* ---------------------------------------------------------------- the thread: its work */

/*
 * A database that is as large as it may be takes no new clients. On a disk that is nearly full
 * nothing is written, since a checkpoint needs the room that is left; claims wait until there is
 * more.
 */
static int check_room(struct writer *writer, int64_t now_ms, struct error *error)
{
    if (now_ms - writer->room_ms >= ROOM_MS) {
        writer->room_ms = now_ms;
        enum room room = room_of(&writer->database, atomic_load(&writer->max_bytes));
        claims_set_bound(writer->claims, room == ROOM_TABLE_FULL ? CLAIMS_TABLE_FULL : CLAIMS_FREE);
        atomic_store(&writer->room, room);
    }
    if (!writer_is_short_of_disk(writer))
        return 0;
    return error_set(error, ERR_FULL, "%s: its disk is nearly full, new mappings wait in memory",
                     writer->database.path);
}

static int write_claims(struct writer *writer, int64_t now_ms, struct error *error)
{
    struct claims *claims = writer->claims;
    bool all = now_ms - writer->scanned_ms >= SCAN_MS;
    writer->taken->more = false;
    if (!claims_have_changed(claims) && !(all && claims_count(claims) > 0)) {
        writer->scanned_ms = all ? now_ms : writer->scanned_ms;
        return 0;
    }
    int code =
        claim_rows_write(&writer->database, claims, writer->identity, all, writer->taken, error);
    atomic_store(&writer->log_pages, writer->database.log_pages);
    if (code != 0) /* what was taken has to be found again */
        writer->scanned_ms = 0;
    else if (all)
        writer->scanned_ms = now_ms;
    if (code == 0)
        note_outdated(writer, writer->taken->outdated);
    return code;
}

/* Without a log, whoever reads keeps others from writing: that is then what "locked" means. */
static bool lacks_log(const struct database *database)
{
    return database->ready && !database->log;
}

static int work(struct writer *writer, int64_t now_ms, struct error *error)
{
    int code = open_all(writer, now_ms, error);
    if (writer->claims && writer->role == WRITER_MAIN)
        claims_set_alive(writer->claims, now_ms);
    if (code == 0)
        code = check_room(writer, now_ms, error);
    if (code == 0)
        code = write_claims(writer, now_ms, error);
    if (lacks_log(&writer->database) && (code == 0 || code == ERR_BUSY)) {
        *error = (struct error){0};
        error_set(error, ERR_BUSY, "%s: " DATABASE_NO_LOG, writer->database.path);
    }
    return code;
}

/* Another one is the writer now: pdns-stickyd was started, or the one that was stopped goes on. */
static bool is_relieved(const struct writer *writer, int64_t now_ms)
{
    if (writer->role == WRITER_STANDBY)
        return writer->claims && !is_silent(writer->claims, now_ms);
    return !writer->is_monitor && lock_file_is_taken(&writer->lock, LOCK_MONITOR);
}

static void pause_ns(long wait_ns)
{
    nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
}

/* Says whether a turn failed for a reason that may pass in a moment. */
static bool may_pass(struct writer *writer, int code, int64_t now_ms)
{
    if (code != ERR_BUSY)
        writer->locked_ms = 0;
    else if (writer->locked_ms == 0)
        writer->locked_ms = now_ms;
    return code == ERR_BUSY && now_ms - writer->locked_ms < LOCKED_MS;
}

/* One turn: writes, then waits for more. False when it is to end. */
static bool take_turn(struct writer *writer, bool stopping)
{
    int64_t now_ms = clock_monotonic_ms();
    uint32_t seen = writer->claims ? claims_made(writer->claims) : 0;
    struct error error = {0};
    int code = work(writer, now_ms, &error);
    if (!may_pass(writer, code, now_ms))
        set_problem(writer, &error);
    if (stopping || is_relieved(writer, now_ms))
        return code == 0 && writer->taken->more;
    if (code != 0) {
        pause_ns(RETRY_MS * 1000000L);
    } else if (!writer->taken->more) {
        claims_wait(writer->claims, seen, IDLE_MS);
        pause_ns(COLLECT_NS);
    }
    return true;
}

static void *run(void *context)
{
    struct writer *writer = context;
    if (lock_file_take(&writer->lock, writer->role == WRITER_MAIN ? LOCK_WRITER : LOCK_STANDBY)) {
        bool stopping;
        do
            stopping = atomic_load(&writer->stopping);
        while (take_turn(writer, stopping));
    }
    use_claims(writer, NULL);
    database_close(&writer->database);
    lock_file_close(&writer->lock);
    atomic_store(&writer->ended, true);
    return NULL;
}

/* ---------------------------------------------------------------- from another thread */

static void free_writer(struct writer *writer)
{
    lock_file_close(&writer->lock);
    database_release(&writer->database);
    pthread_mutex_destroy(&writer->mutex);
    free(writer->taken);
    free(writer);
}

static int new_writer(const char *path, enum writer_role role, bool is_monitor, int64_t max_bytes,
                      struct writer **ret_writer)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return ERR_NOMEM;
    pthread_mutex_init(&writer->mutex, NULL);
    writer->lock.descriptor = -1;
    writer->role = role;
    writer->is_monitor = is_monitor;
    writer->max_bytes = max_bytes;
    writer->taken = calloc(1, sizeof *writer->taken);
    int code = writer->taken ? database_init(&writer->database, path, LOCK_WAIT_MS) : ERR_NOMEM;
    writer->database.no_triggers = true;
    if (code == 0)
        code = lock_file_open(&writer->lock, path, false, NULL);
    if (code == 0)
        *ret_writer = writer;
    else
        free_writer(writer);
    return code;
}

int writer_start(const char *path, enum writer_role role, bool is_monitor, int64_t max_bytes,
                 struct writer **ret_writer)
{
    struct writer *writer;
    int code = new_writer(path, role, is_monitor, max_bytes, &writer);
    if (code == 0 && !thread_start(run, writer, &writer->thread)) {
        free_writer(writer);
        code = ERR_IO;
    }
    if (code == 0)
        *ret_writer = writer;
    return code;
}

void writer_write_here(const char *path, bool is_monitor, int64_t max_bytes)
{
    struct writer *writer;
    if (new_writer(path, WRITER_MAIN, is_monitor, max_bytes, &writer) != 0)
        return;
    atomic_store(&writer->stopping, true);
    run(writer);
    free_writer(writer);
}

bool writer_is_of(const struct writer *writer, const char *path)
{
    return strcmp(writer->database.path, path) == 0;
}

void writer_limit(struct writer *writer, int64_t max_bytes)
{
    atomic_store(&writer->max_bytes, max_bytes);
}

int64_t writer_log_pages(const struct writer *writer)
{
    return atomic_load(&writer->log_pages);
}

bool writer_is_short_of_disk(const struct writer *writer)
{
    return atomic_load(&writer->room) == ROOM_DISK_SHORT;
}

bool writer_has_ended(const struct writer *writer)
{
    return atomic_load(&writer->ended);
}

void writer_stop(struct writer *writer)
{
    if (!writer)
        return;
    atomic_store(&writer->stopping, true);
    pthread_mutex_lock(&writer->mutex);
    if (writer->claims)
        claims_wake(writer->claims);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    free_writer(writer);
}
