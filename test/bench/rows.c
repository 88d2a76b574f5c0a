/*
 * Writes new mappings with SQLite and nothing else, and tells what a row costs: the limit of the
 * thread that stores them.
 *
 *   rows [OPTION...] FILE       numbers as one JSON object
 *
 *   --crowd N         so many resolvers have mappings (1000000)
 *   --first N         where in the order of strangers to begin (0)
 *   --rate N          rows a second (10000)
 *   --seconds N       for so long (10), after a second that does not count
 *
 * As the writer of pdns-sticky does it: some rows in each transaction, and checkpoints in another
 * thread, on a connection of its own. FILE has the schema and the pool 1 with the controllers 1 to
 * 3 already, and nobody uses it.
 */
#include <getopt.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "resolvers.h"

#define CONTROLLERS 3
#define TTL_S (30 * 24 * 3600) /* outlives the benchmark */

/* Transactions a second: the writer collects for 2 ms, and then needs some time. */
#define TRANSACTIONS_PER_SECOND 400

/* Pages of the log between two checkpoints. */
#define CHECKPOINT_PAGES 16384

struct options {
    const char *path;
    uint64_t crowd, first, rate, seconds;
};

struct trial {
    struct options options;
    struct crowd crowd;
    uint64_t written;
    atomic_int pages; /* written since the last checkpoint began */
    atomic_bool ended;
};

static void run_sql(sqlite3 *connection, const char *sql)
{
    if (sqlite3_exec(connection, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(connection));
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *connection;
    if (sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fail("%s: %s", path, sqlite3_errmsg(connection));
    run_sql(connection, "PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 2147418112;"
                        " PRAGMA wal_autocheckpoint = 0");
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    return connection;
}

static sqlite3_stmt *prepare(sqlite3 *connection)
{
    sqlite3_stmt *statement = NULL;
    const char *sql = "INSERT INTO persistence"
                      " (pool_id, ldns, controller_id, method, timestamp, ttl)"
                      " VALUES (1, ?1, ?2, 'modulus', ?3, ?4)";
    if (sqlite3_prepare_v2(connection, sql, -1, &statement, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(connection));
    sqlite3_bind_int64(statement, 3, time(NULL));
    sqlite3_bind_int64(statement, 4, TTL_S);
    return statement;
}

static void write_row(struct trial *trial, sqlite3_stmt *statement)
{
    struct resolver resolver;
    crowd_stranger(&trial->crowd, trial->options.first + trial->written, &resolver);
    sqlite3_bind_text(statement, 1, resolver.text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)(1 + trial->written % CONTROLLERS));
    if (sqlite3_step(statement) != SQLITE_DONE)
        fail("a row cannot be written: %s", sqlite3_errmsg(sqlite3_db_handle(statement)));
    sqlite3_reset(statement);
    trial->written++;
}

/* One transaction after the other until so many seconds have passed. */
static void write_rows(struct trial *trial, sqlite3_stmt *statement, uint64_t seconds)
{
    sqlite3 *connection = sqlite3_db_handle(statement);
    uint64_t start_ns = clock_ns(), first = trial->written;
    for (uint64_t i = 1; i <= seconds * TRANSACTIONS_PER_SECOND; i++) {
        uint64_t due = first + i * trial->options.rate / TRANSACTIONS_PER_SECOND;
        clock_wait_until(start_ns + i * SECOND_NS / TRANSACTIONS_PER_SECOND);
        if (due == trial->written)
            continue;
        run_sql(connection, "BEGIN IMMEDIATE");
        atomic_fetch_add(&trial->pages, (int)(due - trial->written));
        while (trial->written < due)
            write_row(trial, statement);
        run_sql(connection, "COMMIT");
    }
}

static void *checkpoint(void *context)
{
    struct trial *trial = context;
    sqlite3 *connection = open_database(trial->options.path);
    while (!atomic_load(&trial->ended)) {
        if (atomic_load(&trial->pages) >= CHECKPOINT_PAGES) {
            atomic_store(&trial->pages, 0);
            sqlite3_wal_checkpoint_v2(connection, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        }
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    sqlite3_close(connection);
    return NULL;
}

static uint64_t cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * SECOND_NS + (uint64_t)time.tv_nsec;
}

static void run(struct trial *trial)
{
    sqlite3 *connection = open_database(trial->options.path);
    sqlite3_stmt *statement = prepare(connection);
    pthread_t checkpoints;
    if (pthread_create(&checkpoints, NULL, checkpoint, trial) != 0)
        fail("no thread");
    write_rows(trial, statement, 1);
    uint64_t own_ns = cpu_ns(), start_ns = clock_ns(), first = trial->written;
    write_rows(trial, statement, trial->options.seconds);
    own_ns = cpu_ns() - own_ns;
    double rows = (double)(trial->written - first);
    double seconds = (double)(clock_ns() - start_ns) / (double)SECOND_NS;
    atomic_store(&trial->ended, true);
    pthread_join(checkpoints, NULL);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    printf("{\"per_second\": %.1f, \"cpu_us\": %.4f}\n", rows / seconds,
           (double)own_ns / 1e3 / rows);
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"crowd", required_argument, NULL, 'n'},
        {"first", required_argument, NULL, 'f'},
        {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'},
        {NULL, 0, NULL, 0},
    };
    int option;
    *ret_options = (struct options){.crowd = 1000000, .rate = 10000, .seconds = 10};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'n')
            ret_options->crowd = number;
        else if (option == 'f')
            ret_options->first = number;
        else if (option == 'r')
            ret_options->rate = number;
        else if (option == 's')
            ret_options->seconds = number;
        else
            exit(64);
    }
    if (optind != argc - 1 || ret_options->crowd < 4 || ret_options->rate == 0 ||
        ret_options->seconds == 0)
        fail("usage: rows [OPTION...] FILE");
    ret_options->path = argv[optind];
}

int main(int argc, char **argv)
{
    static struct trial trial;
    parse(argc, argv, &trial.options);
    crowd_init(&trial.crowd, trial.options.crowd);
    run(&trial);
    return EXIT_SUCCESS;
}
