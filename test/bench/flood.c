/*
 * Asks two coprocesses on one database, as a PowerDNS with two receiver threads does: for resolvers
 * that have a mapping there, and meanwhile for any number of forged ones.
 *
 *   flood FILE PHASE... -- PROGRAM [ARGUMENT...]      numbers as a JSON list
 *
 *   quiet:SECONDS      those who have a mapping in FILE at the start, the honest ones, ask
 *   flood:SECONDS:N    and so do N forged ones, each once, or as many as are answered in that time
 *   drain:SECONDS      like quiet, but over as soon as the mappings of all others are gone
 *
 * The coprocesses run through all phases. An honest answer must be the server that the resolver's
 * row names, a forged one any of the pool.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "asker.h"
#include "clock.h"
#include "gauge.h"

#define ASKERS 2
#define HONEST_MAX 100000
#define PHASES_MAX 8

/* Of all honest ones together; with 1,000 of them each asks once in a second. */
#define HONEST_PER_SECOND 1000

/* Forged resolvers live between so many; more than ever ask, so that none asks twice. */
#define CROWD 20000000

#define LOOK_NS 20000000L
#define LOOKS_OF_COUNT 25 /* counting reads the whole table */

struct plan {
    char kind[8];
    double seconds;
    uint64_t forged;
};

struct bench {
    struct plan plans[PHASES_MAX];
    size_t plan_count, honest_count;
    struct honest honest[HONEST_MAX];
    struct crowd crowd;
    struct gauge gauge;
    struct asker askers[ASKERS];
    _Atomic uint64_t forged_step;
};

static void add_honest(struct bench *bench, sqlite3_stmt *row)
{
    struct honest *honest = &bench->honest[bench->honest_count];
    const char *ldns = (const char *)sqlite3_column_text(row, 0);
    struct resolver resolver = {.ipv6 = strchr(ldns, ':') != NULL};
    if (bench->honest_count++ == HONEST_MAX)
        fail("more than %d resolvers have a mapping", HONEST_MAX);
    snprintf(resolver.text, sizeof resolver.text, "%s", ldns);
    honest->length = question_write(&resolver, honest->question, sizeof honest->question);
    honest->server = sqlite3_column_int(row, 1);
}

/* All who have a mapping, in an order that is not the table's. */
static void read_honest(struct bench *bench)
{
    const char *sql = "SELECT ldns, controller_id FROM persistence WHERE pool_id = 1"
                      " ORDER BY random()";
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(bench->gauge.database, sql, -1, &statement, NULL) != SQLITE_OK)
        fail("%s: %s", sql, sqlite3_errmsg(bench->gauge.database));
    while (sqlite3_step(statement) == SQLITE_ROW)
        add_honest(bench, statement);
    sqlite3_finalize(statement);
    if (bench->honest_count == 0)
        fail("nobody has a mapping");
}

/* Watches the sizes until the phase is over; returns its seconds. */
static double watch(struct bench *bench, const struct plan *plan, struct phase *phase)
{
    uint64_t start_ns = clock_ns(), end_ns = start_ns + (uint64_t)(plan->seconds * 1e9);
    bool drain = strcmp(plan->kind, "drain") == 0;
    for (unsigned look = 0; !atomic_load(&phase->over) && clock_ns() < end_ns; look++) {
        gauge_look(&bench->gauge);
        if (drain && look % LOOKS_OF_COUNT == 0 &&
            gauge_rows(&bench->gauge) <= (int64_t)bench->honest_count)
            break;
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    atomic_store(&phase->over, true);
    return (double)(clock_ns() - start_ns) / 1e9;
}

static void add_tally(struct tally *sum, const struct tally *tally)
{
    sum->honest += tally->honest;
    sum->moved += tally->moved;
    sum->forged += tally->forged;
    sum->forged_wrong += tally->forged_wrong;
    sum->full_notices += tally->full_notices;
    sum->rate_notices += tally->rate_notices;
    sum->other_notices += tally->other_notices;
    histogram_merge(&sum->times, &tally->times);
    if (tally->longest_gap_ns > sum->longest_gap_ns)
        sum->longest_gap_ns = tally->longest_gap_ns;
}

static void print_times(const struct histogram *times)
{
    printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"longest_ms\": %.3f",
           (double)histogram_quantile_ns(times, 0.5) / 1e3,
           (double)histogram_quantile_ns(times, 0.99) / 1e3,
           (double)histogram_quantile_ns(times, 0.999) / 1e3, (double)times->longest_ns / 1e6);
}

static void print_tally(const struct tally *tally)
{
    printf(", \"honest\": %llu, \"moved\": %llu", (unsigned long long)tally->honest,
           (unsigned long long)tally->moved);
    print_times(&tally->times);
    printf(", \"longest_gap_ms\": %.3f", (double)tally->longest_gap_ns / 1e6);
    printf(", \"forged\": %llu, \"forged_wrong\": %llu", (unsigned long long)tally->forged,
           (unsigned long long)tally->forged_wrong);
    printf(", \"full_notices\": %llu, \"rate_notices\": %llu, \"other_notices\": %llu",
           (unsigned long long)tally->full_notices, (unsigned long long)tally->rate_notices,
           (unsigned long long)tally->other_notices);
}

static void print_gauge(struct gauge *gauge)
{
    printf(", \"file_bytes\": %lld, \"log_bytes\": %lld, \"used_bytes\": %lld, \"rows\": %lld}",
           (long long)gauge->file_bytes, (long long)gauge->log_bytes, (long long)gauge->used_bytes,
           (long long)gauge_rows(gauge));
}

static struct phase phase_of(struct bench *bench, const struct plan *plan)
{
    double forged_per_second = (double)plan->forged / plan->seconds;
    return (struct phase){.honest = bench->honest,
                          .crowd = &bench->crowd,
                          .honest_count = bench->honest_count,
                          .honest_pace_ns = ASKERS * 1000000000ULL / HONEST_PER_SECOND,
                          .forged_pace_ns =
                              (uint64_t)(ASKERS * FORGED_AT_ONCE * 1e9 / (forged_per_second + 1)),
                          .forged_step = plan->forged > 0 ? &bench->forged_step : NULL,
                          .forged_end = bench->forged_step + plan->forged};
}

static double cpu_s(const struct bench *bench)
{
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < ASKERS; i++)
        sum_ns += coprocess_cpu_ns(&bench->askers[i].coprocess);
    return (double)sum_ns / 1e9;
}

static void run_phase(struct bench *bench, const struct plan *plan)
{
    static struct tally sum;
    struct phase phase = phase_of(bench, plan);
    double before_s = cpu_s(bench);
    sum = (struct tally){0};
    gauge_reset(&bench->gauge);
    for (size_t i = 0; i < ASKERS; i++)
        asker_begin(&bench->askers[i], &phase);
    double seconds = watch(bench, plan, &phase);
    for (size_t i = 0; i < ASKERS; i++) {
        asker_wait(&bench->askers[i]);
        add_tally(&sum, &bench->askers[i].tally);
    }
    printf("{\"kind\": \"%s\", \"seconds\": %.3f, \"cpu_s\": %.3f", plan->kind, seconds,
           cpu_s(bench) - before_s);
    print_tally(&sum);
    print_gauge(&bench->gauge);
}

static void run_all(struct bench *bench, char *const argv[])
{
    for (size_t i = 0; i < ASKERS; i++)
        asker_start(&bench->askers[i], argv, i * bench->honest_count / ASKERS);
    for (size_t i = 0; i < bench->plan_count; i++) {
        fputs(i == 0 ? "[" : ",\n ", stdout);
        run_phase(bench, &bench->plans[i]);
    }
    puts("]");
    for (size_t i = 0; i < ASKERS; i++)
        asker_end(&bench->askers[i]);
}

static void usage(void)
{
    fail("usage: flood FILE PHASE... -- PROGRAM [ARGUMENT...]");
}

static void parse_phase(struct bench *bench, const char *text)
{
    struct plan *plan = &bench->plans[bench->plan_count++];
    if (bench->plan_count > PHASES_MAX)
        usage();
    int found = sscanf(text, "%7[^:]:%lf:%" SCNu64, plan->kind, &plan->seconds, &plan->forged);
    bool flood = strcmp(plan->kind, "flood") == 0;
    bool known = flood || strcmp(plan->kind, "quiet") == 0 || strcmp(plan->kind, "drain") == 0;
    if (!known || found != (flood ? 3 : 2) || !(plan->seconds > 0))
        usage();
}

/* Returns where PROGRAM is. */
static int parse(int argc, char **argv, struct bench *bench)
{
    int place;
    for (place = 2; place < argc && strcmp(argv[place], "--") != 0; place++)
        parse_phase(bench, argv[place]);
    if (place + 1 >= argc || bench->plan_count == 0)
        usage();
    return place + 1;
}

int main(int argc, char **argv)
{
    static struct bench bench;
    int program = parse(argc, argv, &bench);
    crowd_init(&bench.crowd, CROWD);
    gauge_open(&bench.gauge, argv[1]);
    read_honest(&bench);
    run_all(&bench, argv + program);
    gauge_close(&bench.gauge);
    return EXIT_SUCCESS;
}
