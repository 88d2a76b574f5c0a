#include "store/maintenance/maintenance.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fixture.h"
#include "store/claims/claims_file.h"
#include "store/sqlite/lock_bytes.h"
#include "suites.h"

#define NOW_S 1700000000
#define START_MS 1000000

/* For another thread to do what it has to; a test that waits so long has failed. */
#define WAIT_MS 60000

/* When the writer is started and no round is due. */
#define BEFORE_ALL_MS 200

/* A process that answers and is the writer, and what it does besides. */
struct process {
    struct place place;
    struct database database;
    struct claims *claims;
    struct maintenance maintenance;
    struct settings settings;
};

static void open_database(struct process *process)
{
    struct error error = {0};
    CHECK_INTEGER(database_open(&process->database, 1, &error), 0, "%s", error.text);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Starts what is due. */
static int run(struct process *process, int64_t now_ms, struct error *error)
{
    const struct occasion occasion = {
        .settings = process->settings, .now_s = NOW_S, .now_ms = now_ms, .claims = process->claims};
    return maintenance_run(&process->maintenance, &process->database, &occasion, error);
}

static int64_t revision_of(struct process *process, int64_t *ret_identity)
{
    struct error error = {0};
    struct generation generation = {0};
    CHECK_INTEGER(database_read_generation(&process->database, &generation, &error), 0, "%s",
                  error.text);
    *ret_identity = generation.identity;
    return generation.mappings;
}

static void open_claims(struct process *process)
{
    struct database *database = &process->database;
    struct error error = {0};
    int64_t identity;
    revision_of(process, &identity);
    CHECK_INTEGER(claims_open(database->real_path, &database->identity, identity, &database->lock,
                              0, &process->claims, &error),
                  0, "%s", error.text);
}

/* The writer has opened the database before the first round, so it reads nothing meanwhile. */
static void start_writer(struct process *process)
{
    struct error error = {0};
    CHECK_INTEGER(run(process, BEFORE_ALL_MS, &error), 0, "%s", error.text);
    for (int i = 0; claims_alive_ms(process->claims) == 0 && i < WAIT_MS; i++)
        nap();
    CHECK(claims_alive_ms(process->claims) != 0, "the writer runs");
}

static void process_init(struct process *process)
{
    *process = (struct process){.settings = settings_default()};
    place_init_served(&process->place);
    place_run(&process->place, "PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK_INTEGER(database_init(&process->database, process->place.path, 40), 0, "database_init");
    open_database(process);
    open_claims(process);
    start_writer(process);
}

static void process_release(struct process *process)
{
    maintenance_finish(&process->maintenance, NULL);
    claims_close(process->claims);
    database_release(&process->database);
    place_release(&process->place);
}

static void insert_mappings(struct process *process, int count, const char *key, int64_t at_s)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
             " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
             " FROM n WHERE i < %d) SELECT 1, '%s' || i, 1, 'modulus', %lld, 60 FROM n",
             count, key, (long long)at_s);
    place_run(&process->place, sql);
}

static int64_t rows(struct process *process)
{
    return place_number(&process->place, "SELECT count(*) FROM persistence");
}

/* The number of rows in the file as it lies, without the log. */
static int64_t rows_in_the_file_itself(const struct process *process)
{
    char uri[PLACE_PATH_MAX + 32];
    struct place bare = process->place;
    snprintf(uri, sizeof uri, "file:%s?immutable=1", process->place.path);
    CHECK(sqlite3_open_v2(uri, &bare.shell, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) ==
              SQLITE_OK,
          "%s", uri);
    int64_t count = place_number(&bare, "SELECT count(*) FROM persistence");
    sqlite3_close(bare.shell);
    return count;
}

/* Looks whether something is due, and waits until it is done. */
static int maintain(struct process *process, int64_t now_ms, struct error *error)
{
    int code = run(process, now_ms, error);
    for (int i = 0; process->maintenance.round && i < WAIT_MS; i++) {
        nap();
        int done = run(process, now_ms, error);
        code = code != 0 ? code : done;
    }
    CHECK(!process->maintenance.round, "the round has ended");
    return code;
}

static void check_maintain(struct process *process, int64_t now_ms)
{
    struct error error = {0};
    CHECK_INTEGER(maintain(process, now_ms, &error), 0, "%s", error.text);
    CHECK_TEXT(error.text, "", "nothing to be said");
}

/* As when the lock file was gone: the writer finds that at its next look, and says so then. */
static void check_recovers(struct process *process, int64_t now_ms)
{
    struct error error = {0};
    for (int i = 0; maintain(process, now_ms, &error) != 0 && i < WAIT_MS; i++) {
        error = (struct error){0};
        now_ms += START_MS; /* everything is due again */
        nap();
    }
    CHECK_TEXT(error.text, "", "nothing to be said any more");
}

static struct stat log_of(const struct process *process)
{
    return database_log_file(&process->database);
}

static bool same_time(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* ---------------------------------------------------------------- sweeping */

static void the_sweep_takes_what_has_expired_in_batches_of_any_size(void)
{
    static const int64_t batches[] = {10, 17, 25, 1000};
    for (size_t i = 0; i < COUNT(batches); i++) {
        struct process process;
        process_init(&process);
        process.settings.sweep_batch = batches[i];
        insert_mappings(&process, 25, "old", NOW_S - 60);      /* ends now */
        insert_mappings(&process, 25, "192.0.2.", NOW_S - 59); /* a second left */
        for (int round = 1; round <= 10; round++)
            check_maintain(&process, START_MS + round * process.settings.sweep_interval_s * 1000);
        CHECK_INTEGER(rows(&process), 25, "the live ones");
        CHECK_INTEGER(place_number(&process.place,
                                   "SELECT count(*) FROM persistence WHERE ldns GLOB '192.*'"),
                      25, "batches of %lld", (long long)batches[i]);
        process_release(&process);
    }
}

/* Keys that SQL put in: longer than those of clients, and with a NUL. */
static void the_sweep_passes_keys_of_any_form(void)
{
    struct process process;
    process_init(&process);
    process.settings.sweep_batch = 10;
    insert_mappings(&process, 25, "old", NOW_S - 60);
    place_run(&process.place,
              "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)"
              " INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
              " SELECT pool_id, prefix || i, controller_id, method, timestamp, ttl FROM n,"
              " (SELECT replace(hex(zeroblob(50)), '00', 'é') AS prefix"
              "  UNION ALL SELECT 'k' || char(0)),"
              " (SELECT * FROM persistence LIMIT 1)");
    CHECK_INTEGER(rows(&process), 75, "rows");
    for (int round = 1; round <= 20; round++)
        check_maintain(&process, START_MS + round * process.settings.sweep_interval_s * 1000);
    CHECK_INTEGER(rows(&process), 0, "all have expired");
    process_release(&process);
}

/* A sweep on a busy machine may need several rounds. */
static void check_told(struct process *process, int64_t *now_ms, const char *sentence)
{
    struct error error = {0};
    for (int round = 0; round < 100 && error.code == 0; round++)
        maintain(process, *now_ms += process->settings.sweep_interval_s * 1000, &error);
    CHECK_TEXT(error.text, sentence, "told");
}

static void mappings_that_nobody_can_have_are_told_once_after_each_change(void)
{
    struct process process;
    process_init(&process);
    process.settings.sweep_batch = 10;
    int64_t now_ms = START_MS;
    insert_mappings(&process, 25, "192.0.2.", NOW_S);
    insert_mappings(&process, 25, "2001:DB8::", NOW_S);
    insert_mappings(&process, 25, "expired", NOW_S - 60);
    check_told(&process, &now_ms,
               "25 mappings can never be found, by the pool's prefixes and kind of client; the"
               " first is 2001:DB8::1 in pool web");
    for (int round = 0; round < 5; round++)
        check_maintain(&process, now_ms += process.settings.sweep_interval_s * 1000);
    place_run(&process.place, "DELETE FROM persistence WHERE ldns <> '2001:DB8::7'");
    check_told(&process, &now_ms,
               "1 mapping can never be found, by the pool's prefixes and kind of client; the first"
               " is 2001:DB8::7 in pool web");
    process_release(&process);
}

static void the_sweep_waits_for_its_interval(void)
{
    struct process process;
    process_init(&process);
    const int64_t interval_ms = process.settings.sweep_interval_s * 1000;
    check_maintain(&process, START_MS);
    insert_mappings(&process, 5, "old", NOW_S - 60);
    check_maintain(&process, START_MS + 1);
    check_maintain(&process, START_MS + interval_ms - 1);
    CHECK_INTEGER(rows(&process), 5, "not due");
    check_maintain(&process, START_MS + interval_ms);
    CHECK_INTEGER(rows(&process), 0, "due");
    insert_mappings(&process, 5, "old", NOW_S - 60);
    check_maintain(&process, 1000); /* as after a start of the machine */
    CHECK_INTEGER(rows(&process), 0, "the clock went back");
    process_release(&process);
}

static void while_mappings_are_shared_expired_ones_are_kept_for_a_while(void)
{
    struct process process;
    process_init(&process);
    process.settings.share_grace_s = 10;
    insert_mappings(&process, 5, "old", NOW_S - 60 - 10);
    insert_mappings(&process, 5, "192.0.2.", NOW_S - 60 - 9);
    place_run(&process.place, "UPDATE share SET node = 7");
    check_maintain(&process, START_MS);
    CHECK_INTEGER(rows(&process), 5, "those whose time is over");
    CHECK_INTEGER(place_number(&process.place, "SELECT count(*) FROM share_deleted"), 0,
                  "they leave no tombstones");
    place_run(&process.place, "UPDATE share SET node = 0");
    check_maintain(&process, 2 * START_MS);
    CHECK_INTEGER(rows(&process), 0, "not shared any more");
    process_release(&process);
}

/* ---------------------------------------------------------------- one process for all */

static void one_process_does_it_at_a_time(void)
{
    struct process process;
    struct lock_file other = {.descriptor = -1};
    process_init(&process);
    insert_mappings(&process, 5, "old", NOW_S - 60);
    CHECK_INTEGER(lock_file_open(&other, process.place.path, false, NULL), 0, "the lock file");
    CHECK(lock_file_take(&other, LOCK_MAINTENANCE), "somebody else's");
    check_maintain(&process, START_MS);
    CHECK_INTEGER(rows(&process), 5, "left alone");
    lock_file_give(&other, LOCK_MAINTENANCE);
    check_maintain(&process, 2 * START_MS);
    CHECK_INTEGER(rows(&process), 0, "swept");
    lock_file_close(&other);
    process_release(&process);
}

static void what_another_process_did_is_not_done_again(void)
{
    struct process process;
    process_init(&process);
    insert_mappings(&process, 5, "old", NOW_S - 60);
    const struct progress done = {.sweep_ms = START_MS, .checkpoint_ms = START_MS};
    lock_file_write(&process.database.lock, LOCK_BYTES_MAINTENANCE, &done, sizeof done);
    check_maintain(&process, START_MS + 1);
    CHECK_INTEGER(rows(&process), 5, "it was done just now");
    check_maintain(&process, START_MS + 60000);
    CHECK_INTEGER(rows(&process), 0, "a minute later");
    process_release(&process);
}

static void a_lock_in_the_way_is_no_error(void)
{
    struct process process;
    process_init(&process);
    insert_mappings(&process, 5, "old", NOW_S - 60);
    place_run(&process.place, "BEGIN IMMEDIATE");
    check_maintain(&process, START_MS);
    place_run(&process.place, "COMMIT");
    CHECK_INTEGER(rows(&process), 5, "left for later");
    check_maintain(&process, 2 * START_MS);
    CHECK_INTEGER(rows(&process), 0, "swept");
    process_release(&process);
}

static void without_a_lock_file_nothing_is_done_and_it_is_said(void)
{
    struct process process;
    struct error error = {0};
    char name[PLACE_PATH_MAX];
    process_init(&process);
    place_name(&process.place, "sticky.sqlite-lock", name);
    lock_file_close(&process.database.lock);
    CHECK(remove(name) == 0 && mkdir(name, 0700) == 0, "a directory in its place");
    CHECK_INTEGER(maintain(&process, START_MS, &error), ERR_IO, "no lock file");
    CHECK(strstr(error.text, "-lock cannot be opened"), "%s", error.text);
    CHECK(remove(name) == 0, "rmdir");
    check_recovers(&process, 2 * START_MS);
    process_release(&process);
}

/* ---------------------------------------------------------------- checkpoints */

static void a_checkpoint_brings_the_log_into_the_file(void)
{
    struct process process;
    process_init(&process);
    insert_mappings(&process, 5, "192.0.2.", NOW_S);
    CHECK_INTEGER(rows_in_the_file_itself(&process), 0, "in the log alone");
    check_maintain(&process, START_MS);
    CHECK_INTEGER(rows_in_the_file_itself(&process), 5, "in the file");
    CHECK_INTEGER(rows(&process), 5, "and nothing is lost");
    process_release(&process);
}

/* As when the answer starts a round while its transaction still reads what was before the row. */
static void what_a_reader_kept_from_being_copied_is_copied_later(void)
{
    struct process process;
    struct error error = {0};
    struct revision_row row;
    process_init(&process);
    struct database *database = &process.database;
    const int64_t interval_ms = process.settings.checkpoint_interval_s * 1000;
    CHECK_INTEGER(database_begin(database, &row, &error), 0, "%s", error.text);
    CHECK(sqlite3_exec(
              database->connection,
              "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
              " VALUES (1, '192.0.2.1', 1, 'modulus', 1700000000, 60)",
              NULL, NULL, NULL) == SQLITE_OK,
          "the transaction goes on behind this commit");
    check_maintain(&process, START_MS);
    CHECK_INTEGER(rows_in_the_file_itself(&process), 0, "a page short");
    database_end(database);
    check_maintain(&process, START_MS + interval_ms);
    CHECK_INTEGER(rows_in_the_file_itself(&process), 1, "the newest one");
    process_release(&process);
}

static void the_disk_is_left_alone_while_nobody_writes(void)
{
    struct process process;
    process_init(&process);
    const int64_t interval_ms = process.settings.checkpoint_interval_s * 1000;
    insert_mappings(&process, 5, "192.0.2.", NOW_S);
    check_maintain(&process, START_MS);
    struct stat before = log_of(&process);
    for (int i = 1; i < 4; i++)
        check_maintain(&process, START_MS + i * interval_ms);
    struct stat after = log_of(&process);
    CHECK(same_time(&before, &after), "the log was not written");
    insert_mappings(&process, 1, "198.51.100.", NOW_S); /* one page, as a round leaves */
    check_maintain(&process, START_MS + 4 * interval_ms);
    CHECK_INTEGER(rows_in_the_file_itself(&process), 6, "the one that came then");
    process_release(&process);
}

static void a_commit_right_behind_a_round_is_not_missed(void)
{
    struct process process;
    process_init(&process);
    const int64_t interval_ms = process.settings.checkpoint_interval_s * 1000;
    for (int i = 0; i < 20; i++) {
        check_maintain(&process, START_MS + 2 * i * interval_ms);
        insert_mappings(&process, 1, i % 2 ? "192.0.2." : "198.51.100.", NOW_S + i);
        check_maintain(&process, START_MS + (2 * i + 1) * interval_ms);
        CHECK_INTEGER(rows_in_the_file_itself(&process), 1, "round %d", i);
        place_run(&process.place, "DELETE FROM persistence");
    }
    process_release(&process);
}

static void a_large_log_is_truncated_when_nobody_writes(void)
{
    struct process process;
    process_init(&process);
    const int64_t interval_ms = process.settings.checkpoint_interval_s * 1000;
    place_run(&process.place, "CREATE TABLE ballast AS SELECT randomblob(5000000) AS bytes");
    CHECK(log_of(&process).st_size > 5000000, "a large log");
    check_maintain(&process, START_MS);
    CHECK(log_of(&process).st_size > 5000000, "somebody has just written");
    /* On a busy machine another thread may be in the way; the round after the next does it. */
    for (int i = 1; log_of(&process).st_size >= 100000 && i < 50; i++)
        check_maintain(&process, START_MS + i * interval_ms);
    CHECK(log_of(&process).st_size < 100000, "truncated");
    CHECK(file_check_passes(&process.database.check, &process.database.lock,
                            process.database.real_path, 0, START_MS),
          "which is no damage");
    CHECK_INTEGER(place_number(&process.place, "SELECT length(bytes) FROM ballast"), 5000000,
                  "all is there");
    process_release(&process);
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

/* Makes a claim, and waits until the writer knows how long the log is after it. */
static void check_written(struct process *process, int64_t timestamp_s, int64_t pages_min)
{
    int64_t identity;
    const struct claim claim = {.maps = true,
                                .wanted = MAPPING(1, "modulus", timestamp_s, 60),
                                .revision = revision_of(process, &identity)};
    CHECK_INTEGER(claims_put(process->claims, 1, "claimed", NULL, &claim, yes, NULL), 0, "a claim");
    for (int i = 0; i < WAIT_MS && (claims_count(process->claims) > 0 ||
                                    writer_log_pages(process->maintenance.writer) < pages_min);
         i++)
        nap();
    CHECK_INTEGER((int64_t)claims_count(process->claims), 0, "written");
}

/* The writer sees how long the log is when it has written. */
static void a_log_that_grows_far_is_copied_before_its_time(void)
{
    struct process process;
    process_init(&process);
    const struct progress *progress = &process.maintenance.progress;
    check_maintain(&process, START_MS);
    place_run(&process.place, "CREATE TABLE ballast (bytes)");
    check_written(&process, NOW_S, 1);
    check_maintain(&process, START_MS + 200);
    CHECK_INTEGER(progress->checkpoint_ms, START_MS, "not yet");
    place_run(&process.place, "INSERT INTO ballast VALUES (zeroblob(4096 * 16500))");
    check_written(&process, NOW_S + 1, 16500);
    check_maintain(&process, START_MS + 400);
    CHECK_INTEGER(progress->checkpoint_ms, START_MS + 400, "at once");
    CHECK(progress->log.pages < 10, "and started over");
    check_written(&process, NOW_S + 2, 1);
    check_maintain(&process, START_MS + 600);
    CHECK_INTEGER(progress->checkpoint_ms, START_MS + 400, "once");
    process_release(&process);
}

static void who_reads_for_long_is_named(void)
{
    struct process process;
    struct error error = {0};
    struct revision_row row;
    process_init(&process);
    struct database *database = &process.database;
    const int64_t interval_ms = process.settings.checkpoint_interval_s * 1000;
    CHECK_INTEGER(database_begin(database, &row, &error), 0, "%s", error.text);
    place_run(&process.place, "CREATE TABLE ballast AS SELECT zeroblob(4096 * 16500) AS bytes");
    CHECK_INTEGER(maintain(&process, START_MS, &error), ERR_LIMIT, "blocked");
    CHECK(strstr(error.text, "keeps a transaction open"), "%s", error.text);
    CHECK(maintenance_is_blocked(&database->lock), "others know it");
    database_end(database);
    check_maintain(&process, START_MS + interval_ms);
    CHECK(!maintenance_is_blocked(&database->lock), "no longer");
    process_release(&process);
}

static const CU_TestInfo tests[] = {
    {"the sweep takes what has expired, in batches of any size",
     the_sweep_takes_what_has_expired_in_batches_of_any_size},
    {"the sweep passes keys of any form", the_sweep_passes_keys_of_any_form},
    {"mappings that nobody can have are told once after each change",
     mappings_that_nobody_can_have_are_told_once_after_each_change},
    {"the sweep waits for its interval", the_sweep_waits_for_its_interval},
    {"while mappings are shared, expired ones are kept for a while",
     while_mappings_are_shared_expired_ones_are_kept_for_a_while},
    {"one process does it at a time", one_process_does_it_at_a_time},
    {"what another process did is not done again", what_another_process_did_is_not_done_again},
    {"a lock in the way is no error", a_lock_in_the_way_is_no_error},
    {"without a lock file nothing is done, and it is said",
     without_a_lock_file_nothing_is_done_and_it_is_said},
    {"a checkpoint brings the log into the file", a_checkpoint_brings_the_log_into_the_file},
    {"what a reader kept from being copied is copied later",
     what_a_reader_kept_from_being_copied_is_copied_later},
    {"the disk is left alone while nobody writes", the_disk_is_left_alone_while_nobody_writes},
    {"a commit right behind a round is not missed", a_commit_right_behind_a_round_is_not_missed},
    {"a large log is truncated when nobody writes", a_large_log_is_truncated_when_nobody_writes},
    {"a log that grows far is copied before its time",
     a_log_that_grows_far_is_copied_before_its_time},
    {"who reads for long is named", who_reads_for_long_is_named},
    CU_TEST_INFO_NULL,
};

const struct suite suite_maintenance = {"maintenance", tests};
