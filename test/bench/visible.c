/*
 * Asks a coprocess at a steady rate, each time for a resolver without mapping, and tells how long
 * after the answer another connection to the database finds the row.
 *
 *   visible [OPTION...] -- PROGRAM [ARGUMENT...]      numbers as one JSON object
 *
 *   --database FILE   where the rows are to appear
 *   --crowd N         so many resolvers have mappings (1000000)
 *   --first N         where in the order of strangers to begin (0)
 *   --rate N          questions a second (1000)
 *   --seconds N       for so long (10), after a second that does not count
 *   --every N         looks for one row of so many (1)
 *   --look N          microseconds between two looks for a row that is not there yet (200)
 *
 * One thread asks, another one looks for the rows in the order of the answers. The times may be too
 * long by the time between two looks.
 */
#include <getopt.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "coprocess.h"
#include "histogram.h"
#include "question.h"
#include "resolvers.h"

/* Faster than this, several are asked at once. */
#define STEPS_PER_SECOND 1000

/* One that comes too late asks so many at once at most. */
#define BATCH_MAX 256

/*
 * A row that is not there after so long is missing: the writer could not follow, and the resolver
 * was answered without a mapping.
 */
#define PATIENCE_NS (2 * SECOND_NS)

struct options {
    const char *database;
    uint64_t crowd, first, rate, seconds, every, look_us;
};

struct trial {
    struct options options;
    struct crowd crowd;
    uint64_t warm_up, count; /* questions; the first of them do not count */
    uint64_t *answered_ns;   /* by question */
    atomic_uint_fast64_t answered;
    uint64_t wrong, missing;
    uint64_t moment_ns; /* the rows that are looked at are of this moment or later */
    struct histogram delays;
};

/* ---------------------------------------------------------------- looking for the rows */

static sqlite3_stmt *prepare(sqlite3 **ret_connection, const char *path)
{
    sqlite3_stmt *statement;
    if (sqlite3_open_v2(path, ret_connection, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(*ret_connection,
                           "SELECT 1 FROM persistence WHERE pool_id = 1 AND ldns = ?1", -1,
                           &statement, NULL) != SQLITE_OK)
        fail("%s: %s", path, sqlite3_errmsg(*ret_connection));
    return statement;
}

static bool has_row(sqlite3_stmt *statement, const char *key)
{
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        fail("a row cannot be looked for: %s", sqlite3_errstr(result));
    return result == SQLITE_ROW;
}

static void run_sql(sqlite3 *connection, const char *sql)
{
    if (sqlite3_exec(connection, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(connection));
}

/* All that is looked at between two naps is of one moment, which costs the machine least. */
static void nap(struct trial *trial, sqlite3 *connection)
{
    run_sql(connection, "COMMIT");
    nanosleep(&(struct timespec){.tv_nsec = (long)(trial->options.look_us * 1000)}, NULL);
    trial->moment_ns = clock_ns();
    run_sql(connection, "BEGIN");
}

static void await_row(struct trial *trial, sqlite3_stmt *statement, uint64_t number)
{
    sqlite3 *connection = sqlite3_db_handle(statement);
    struct resolver resolver;
    crowd_stranger(&trial->crowd, trial->options.first + number, &resolver);
    while (atomic_load(&trial->answered) <= number)
        nap(trial, connection);
    uint64_t answered_ns = trial->answered_ns[number];
    while (!has_row(statement, resolver.text)) {
        if (trial->moment_ns > answered_ns + PATIENCE_NS) {
            trial->missing++;
            return;
        }
        nap(trial, connection);
    }
    if (number >= trial->warm_up)
        histogram_add(&trial->delays, clock_ns() - answered_ns);
}

static void *look(void *context)
{
    struct trial *trial = context;
    sqlite3 *connection;
    sqlite3_stmt *statement = prepare(&connection, trial->options.database);
    run_sql(connection, "PRAGMA mmap_size = 1000000000; BEGIN");
    for (uint64_t i = 0; i < trial->count; i += trial->options.every)
        await_row(trial, statement, i);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return NULL;
}

/* ---------------------------------------------------------------- asking */

static void judge(void *context, const char *answer)
{
    struct trial *trial = context;
    uint64_t number = atomic_load(&trial->answered);
    trial->wrong += answer_server(answer) == 0;
    trial->answered_ns[number] = clock_ns();
    atomic_store(&trial->answered, number + 1);
}

static void ask_some(struct trial *trial, struct coprocess *coprocess, uint64_t count)
{
    static char text[BATCH_MAX * QUESTION_BYTES_MAX];
    struct coprocess_lines lines = {.text = text};
    uint64_t first = trial->options.first + atomic_load(&trial->answered);
    count = count < BATCH_MAX ? count : BATCH_MAX;
    for (uint64_t i = 0; i < count; i++) {
        struct resolver resolver;
        crowd_stranger(&trial->crowd, first + i, &resolver);
        lines.length += question_write(&resolver, text + lines.length, QUESTION_BYTES_MAX);
    }
    coprocess_ask_all(coprocess, &lines, judge, trial);
}

/* Asks until so many questions are answered. */
static void ask(struct trial *trial, struct coprocess *coprocess, uint64_t count)
{
    uint64_t rate = trial->options.rate, first = atomic_load(&trial->answered);
    uint64_t steps = rate < STEPS_PER_SECOND ? rate : STEPS_PER_SECOND;
    uint64_t start_ns = clock_ns();
    for (uint64_t step = 1; atomic_load(&trial->answered) < count; step++) {
        uint64_t due = first + step * rate / steps, answered = atomic_load(&trial->answered);
        clock_wait_until(start_ns + step * SECOND_NS / steps);
        if (due > answered)
            ask_some(trial, coprocess, (due < count ? due : count) - answered);
    }
}

static void run(struct trial *trial, char *const argv[])
{
    static struct coprocess coprocess;
    pthread_t looking;
    coprocess_start(&coprocess, argv);
    if (pthread_create(&looking, NULL, look, trial) != 0)
        fail("no thread");
    ask(trial, &coprocess, trial->warm_up);
    uint64_t own_ns = coprocess_cpu_ns(&coprocess), main_ns = coprocess_main_cpu_ns(&coprocess);
    uint64_t start_ns = clock_ns();
    ask(trial, &coprocess, trial->count);
    uint64_t wall_ns = clock_ns() - start_ns;
    pthread_join(looking, NULL);
    own_ns = coprocess_cpu_ns(&coprocess) - own_ns;
    main_ns = coprocess_main_cpu_ns(&coprocess) - main_ns;
    double count = (double)(trial->count - trial->warm_up);
    printf("{\"questions\": %llu, \"wrong\": %llu, \"missing\": %llu, \"per_second\": %.1f, "
           "\"answer_cpu_us\": %.4f,"
           " \"writer_cpu_us\": %.4f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"longest_ms\": %.3f}\n",
           (unsigned long long)(trial->count - trial->warm_up), (unsigned long long)trial->wrong,
           (unsigned long long)trial->missing, count / ((double)wall_ns / 1e9),
           (double)main_ns / 1e3 / count, (double)(own_ns - main_ns) / 1e3 / count,
           (double)histogram_quantile_ns(&trial->delays, 0.5) / 1e6,
           (double)histogram_quantile_ns(&trial->delays, 0.99) / 1e6,
           (double)trial->delays.longest_ns / 1e6);
    coprocess_end(&coprocess);
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"database", required_argument, NULL, 'd'}, {"crowd", required_argument, NULL, 'n'},
        {"first", required_argument, NULL, 'f'},    {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'},  {"every", required_argument, NULL, 'e'},
        {"look", required_argument, NULL, 'l'},     {NULL, 0, NULL, 0},
    };
    int option;
    *ret_options =
        (struct options){.crowd = 1000000, .rate = 1000, .seconds = 10, .every = 1, .look_us = 200};
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'd')
            ret_options->database = optarg;
        else if (option == 'n')
            ret_options->crowd = number;
        else if (option == 'f')
            ret_options->first = number;
        else if (option == 'r')
            ret_options->rate = number;
        else if (option == 's')
            ret_options->seconds = number;
        else if (option == 'e')
            ret_options->every = number;
        else if (option == 'l')
            ret_options->look_us = number;
        else
            exit(64);
    }
    if (optind >= argc || !ret_options->database || ret_options->crowd < 4 ||
        ret_options->rate * ret_options->seconds * ret_options->every == 0)
        fail("usage: visible --database FILE [OPTION...] -- PROGRAM [ARGUMENT...]");
}

int main(int argc, char **argv)
{
    static struct trial trial;
    parse(argc, argv, &trial.options);
    crowd_init(&trial.crowd, trial.options.crowd);
    trial.warm_up = trial.options.rate;
    trial.count = trial.options.rate * (trial.options.seconds + 1);
    trial.answered_ns = calloc(trial.count, sizeof *trial.answered_ns);
    if (!trial.answered_ns)
        fail("out of memory");
    run(&trial, argv + optind);
    return EXIT_SUCCESS;
}
