/*
 * Asks a coprocess without PowerDNS, and tells what that cost.
 *
 *   replay [OPTION...] -- PROGRAM [ARGUMENT...]      numbers as one JSON object
 *
 *   --crowd N      so many resolvers have mappings, or could have (1000000)
 *   --count N      questions that are measured, after some that are not (100000)
 *   --first N      where in the crowd's order to begin (0)
 *   --strangers    resolvers that have no mapping; otherwise those that have
 *   --stuck        each answer must be the server that its resolver's mapping names
 *   --in-a-row     all questions as fast as they are taken; otherwise each waits for the last
 *   --rate N       and for its time, of N a second (0: at once)
 *   --starts N     instead: so many starts, with one question each
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "coprocess.h"
#include "histogram.h"
#include "question.h"
#include "resolvers.h"

#define WARM_UP_SHARE 10 /* one in so many */

struct options {
    uint64_t crowd, count, first, starts, rate;
    bool strangers, stuck, in_a_row;
};

/* The questions as PowerDNS writes them, one after the other. */
struct recording {
    char *text;
    size_t *ends;     /* where each ends */
    uint8_t *servers; /* that each must get; 0 for any */
    size_t count, asked, wrong;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("out of memory");
    return memory;
}

static void record(const struct options *options, struct recording *ret_recording)
{
    struct recording recording = {.count = options->count + options->count / WARM_UP_SHARE};
    struct crowd crowd;
    size_t length = 0;
    crowd_init(&crowd, options->crowd);
    recording.text = allocate(recording.count, QUESTION_BYTES_MAX);
    recording.ends = allocate(recording.count, sizeof *recording.ends);
    recording.servers = allocate(recording.count, 1);
    for (size_t i = 0; i < recording.count; i++) {
        struct resolver resolver;
        uint64_t step = options->first + i;
        if (options->strangers)
            crowd_stranger(&crowd, step, &resolver);
        else if (options->stuck)
            recording.servers[i] = (uint8_t)(1 + crowd_known(&crowd, step, &resolver) % SERVERS);
        else
            crowd_known(&crowd, step, &resolver);
        length += question_write(&resolver, recording.text + length, QUESTION_BYTES_MAX);
        recording.ends[i] = length;
    }
    *ret_recording = recording;
}

static void judge(void *context, const char *answer)
{
    struct recording *recording = context;
    int server = answer_server(answer), wanted = recording->servers[recording->asked++];
    if (server == 0 || (wanted != 0 && server != wanted)) {
        if (recording->wrong++ == 0)
            fprintf(stderr, "a wrong answer: %s\n", answer);
    }
}

static void ask_one_by_one(struct coprocess *coprocess, struct recording *recording, size_t end,
                           uint64_t rate, struct histogram *times)
{
    size_t first = recording->asked, start = first > 0 ? recording->ends[first - 1] : 0;
    uint64_t start_ns = clock_ns();
    while (recording->asked < end) {
        if (rate > 0)
            clock_wait_until(start_ns + (recording->asked - first) * SECOND_NS / rate);
        size_t stop = recording->ends[recording->asked];
        uint64_t before_ns = clock_ns();
        const char *answer = coprocess_ask(coprocess, recording->text + start, stop - start);
        histogram_add(times, clock_ns() - before_ns);
        judge(recording, answer);
        start = stop;
    }
}

static void ask_in_a_row(struct coprocess *coprocess, struct recording *recording, size_t end)
{
    size_t start = recording->asked > 0 ? recording->ends[recording->asked - 1] : 0;
    struct coprocess_lines lines = {recording->text + start, recording->ends[end - 1] - start};
    coprocess_ask_all(coprocess, &lines, judge, recording);
}

static void print_times(const struct histogram *times)
{
    printf(", \"p50_us\": %.1f, \"p99_us\": %.1f, \"longest_us\": %.1f",
           (double)histogram_quantile_ns(times, 0.5) / 1e3,
           (double)histogram_quantile_ns(times, 0.99) / 1e3, (double)times->longest_ns / 1e3);
}

static void print_memory(const struct coprocess *coprocess)
{
    long clean = coprocess_memory_kib(coprocess, "Private_Clean");
    long dirty = coprocess_memory_kib(coprocess, "Private_Dirty");
    long anonymous = coprocess_memory_kib(coprocess, "Anonymous");
    printf(", \"private_kib\": %ld, \"private_dirty_kib\": %ld, \"anonymous_kib\": %ld}\n",
           clean + dirty, dirty, anonymous);
}

static void replay(const struct options *options, char *const argv[])
{
    static struct coprocess coprocess;
    static struct histogram warm_up, times;
    struct recording recording;
    record(options, &recording);
    coprocess_start(&coprocess, argv);
    ask_one_by_one(&coprocess, &recording, recording.count - options->count, 0, &warm_up);
    uint64_t cpu_ns = coprocess_cpu_ns(&coprocess), wall_ns = clock_ns();
    uint64_t main_ns = coprocess_main_cpu_ns(&coprocess);
    if (options->in_a_row)
        ask_in_a_row(&coprocess, &recording, recording.count);
    else
        ask_one_by_one(&coprocess, &recording, recording.count, options->rate, &times);
    wall_ns = clock_ns() - wall_ns;
    cpu_ns = coprocess_cpu_ns(&coprocess) - cpu_ns;
    main_ns = coprocess_main_cpu_ns(&coprocess) - main_ns;
    printf("{\"questions\": %llu, \"wrong\": %zu, \"cpu_us\": %.4f, \"main_cpu_us\": %.4f,"
           " \"wall_us\": %.4f",
           (unsigned long long)options->count, recording.wrong,
           (double)cpu_ns / 1e3 / (double)options->count,
           (double)main_ns / 1e3 / (double)options->count,
           (double)wall_ns / 1e3 / (double)options->count);
    print_times(&times);
    print_memory(&coprocess);
    coprocess_end(&coprocess);
}

static void restart(const struct options *options, char *const argv[])
{
    static struct coprocess coprocess;
    static struct histogram banners, answers;
    struct options one = *options;
    struct recording recording;
    one.count = options->starts;
    record(&one, &recording);
    for (uint64_t i = 0; i < options->starts; i++) {
        coprocess_start(&coprocess, argv);
        histogram_add(&banners, coprocess.banner_ns);
        ask_one_by_one(&coprocess, &recording, i + 1, 0, &answers);
        coprocess_end(&coprocess);
    }
    printf("{\"wrong\": %zu, \"banner_ms\": %.3f, \"longest_banner_ms\": %.3f,"
           " \"first_answer_ms\": %.3f}\n",
           recording.wrong, (double)histogram_quantile_ns(&banners, 0.5) / 1e6,
           (double)banners.longest_ns / 1e6, (double)histogram_quantile_ns(&answers, 0.5) / 1e6);
}

static void parse(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"crowd", required_argument, NULL, 'n'},
        {"count", required_argument, NULL, 'c'},
        {"first", required_argument, NULL, 'f'},
        {"strangers", no_argument, NULL, 'x'},
        {"stuck", no_argument, NULL, 's'},
        {"in-a-row", no_argument, NULL, 'r'},
        {"starts", required_argument, NULL, 'b'},
        {"rate", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    int option;
    *ret_options = (struct options){.crowd = 1000000, .count = 100000};
    while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'n')
            ret_options->crowd = number;
        else if (option == 'c')
            ret_options->count = number;
        else if (option == 'f')
            ret_options->first = number;
        else if (option == 'b')
            ret_options->starts = number;
        else if (option == 'p')
            ret_options->rate = number;
        else if (option == '?')
            exit(64);
        ret_options->strangers |= option == 'x';
        ret_options->stuck |= option == 's';
        ret_options->in_a_row |= option == 'r';
    }
    if (optind >= argc || ret_options->crowd < 4 || ret_options->count == 0)
        fail("usage: replay [OPTION...] -- PROGRAM [ARGUMENT...]");
}

int main(int argc, char **argv)
{
    struct options options;
    parse(argc, argv, &options);
    if (options.starts > 0)
        restart(&options, argv + optind);
    else
        replay(&options, argv + optind);
    return EXIT_SUCCESS;
}
