/*
 * Changes the configuration while a coprocess is being asked, and tells how long it took until an
 * answer showed the change and how long the longest question waited.
 *
 *   reload FILE one|all ROUNDS -- PROGRAM [ARGUMENT...]      numbers as one JSON object
 *
 * FILE has the pools 1 to 1000 with the names www-1 to www-1000 in bench.example. A change moves
 * the answers' TTL: that of pool 1 alone, or that of all pools, and with them every virtual server.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "coprocess.h"
#include "histogram.h"
#include "resolvers.h"

#define POOLS 1000
#define QUIET_QUESTIONS 5000 /* between two changes */
#define SLICES 50            /* of a large change; questions go on in between */
#define QUESTIONS_IN_SLICE 40

struct bench {
    struct coprocess coprocess;
    sqlite3 *database;
    char questions[POOLS][128];
    size_t next;
    long ttl_s; /* of pool 1, committed */
    uint64_t longest_ns, late_answers;
    struct histogram quiet, reloads, waits;
};

static void run(struct bench *bench, const char *sql)
{
    if (sqlite3_exec(bench->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(bench->database));
}

static void write_questions(struct bench *bench)
{
    struct crowd crowd;
    struct resolver resolver;
    crowd_init(&crowd, POOLS);
    for (uint64_t i = 0; i < POOLS; i++) {
        crowd_member(&crowd, i, 0, &resolver);
        snprintf(bench->questions[i], sizeof bench->questions[i],
                 "Q\twww-%u.bench.example\tIN\tANY\t1\t%s\t127.0.0.1\t%s/%s\n", (unsigned)i + 1,
                 resolver.text, resolver.text, resolver.ipv6 ? "128" : "32");
    }
}

/* The TTL stands behind the type: DATA 1 1 www-1.bench.example IN A 30 1 192.0.2.81. */
static long ttl_in(const char *answer)
{
    const char *type = strstr(answer, "\tIN\tA\t");
    if (!type)
        fail("not an answer: %s", answer);
    return strtol(type + 6, NULL, 10);
}

/* Asks for that pool; returns the TTL. */
static long ask(struct bench *bench, size_t pool)
{
    const char *line = bench->questions[pool];
    uint64_t start_ns = clock_ns();
    const char *answer = coprocess_ask(&bench->coprocess, line, strlen(line));
    uint64_t wait_ns = clock_ns() - start_ns;
    if (wait_ns > bench->longest_ns)
        bench->longest_ns = wait_ns;
    return ttl_in(answer);
}

/* Asks for other pools. */
static void ask_around(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ask(bench, 1 + bench->next++ % (POOLS - 1));
}

/* Writes a change up to its COMMIT. A large one in slices, so that questions need not wait. */
static void write_change(struct bench *bench, bool all)
{
    char sql[512];
    run(bench, "BEGIN IMMEDIATE");
    bench->ttl_s++;
    if (!all) {
        snprintf(sql, sizeof sql, "UPDATE pool SET ttl = %ld WHERE id = 1", bench->ttl_s);
        run(bench, sql);
    }
    for (int i = 0; all && i < SLICES; i++) {
        snprintf(sql, sizeof sql,
                 "UPDATE pool SET ttl = %ld WHERE id %% %d = %d;"
                 " UPDATE virtual_server SET weight = weight %% 100 + 1 WHERE pool_id %% %d = %d",
                 bench->ttl_s, SLICES, i, SLICES, i);
        run(bench, sql);
        ask_around(bench, QUESTIONS_IN_SLICE);
    }
}

/* Commits, and asks until it shows. Every old answer until then breaks a promise. */
static void commit_and_watch(struct bench *bench)
{
    uint64_t start_ns = clock_ns();
    run(bench, "COMMIT");
    while (ask(bench, 0) != bench->ttl_s) {
        bench->late_answers++;
        ask_around(bench, 1);
        if (clock_ns() - start_ns > 5000000000)
            fail("a committed change does not show");
    }
    histogram_add(&bench->reloads, clock_ns() - start_ns);
}

static void change(struct bench *bench, bool all)
{
    bench->longest_ns = 0;
    ask_around(bench, QUIET_QUESTIONS);
    histogram_add(&bench->quiet, bench->longest_ns);
    write_change(bench, all);
    bench->longest_ns = 0;
    commit_and_watch(bench);
    ask_around(bench, QUIET_QUESTIONS / 10);
    histogram_add(&bench->waits, bench->longest_ns);
}

static void print_times(const char *name, const struct histogram *times)
{
    printf(", \"%s_ms\": %.3f, \"longest_%s_ms\": %.3f", name,
           (double)histogram_quantile_ns(times, 0.5) / 1e6, name, (double)times->longest_ns / 1e6);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    if (argc < 6 || strcmp(argv[4], "--") != 0)
        fail("usage: reload FILE one|all ROUNDS -- PROGRAM [ARGUMENT...]");
    if (sqlite3_open_v2(argv[1], &bench.database, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        fail("%s: %s", argv[1], sqlite3_errmsg(bench.database));
    run(&bench, "PRAGMA busy_timeout = 5000; PRAGMA synchronous = OFF");
    write_questions(&bench);
    coprocess_start(&bench.coprocess, argv + 5);
    bench.ttl_s = ask(&bench, 0);
    ask_around(&bench, POOLS);
    for (long round = atol(argv[3]); round > 0; round--)
        change(&bench, strcmp(argv[2], "all") == 0);
    coprocess_end(&bench.coprocess);
    sqlite3_close(bench.database);
    printf("{\"late_answers\": %llu", (unsigned long long)bench.late_answers);
    print_times("reload", &bench.reloads);
    print_times("wait", &bench.waits);
    print_times("quiet_wait", &bench.quiet);
    puts("}");
    return EXIT_SUCCESS;
}
