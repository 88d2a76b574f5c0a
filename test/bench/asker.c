#include "asker.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

/* The log line that begins at `text`. */
static void count_notice(struct tally *tally, const char *text)
{
    size_t length = strcspn(text, "\n");
    if (memmem(text, length, "max_megabytes", strlen("max_megabytes")))
        tally->full_notices++;
    else if (memmem(text, length, "max_writes_per_second", strlen("max_writes_per_second")))
        tally->rate_notices++;
    else if (tally->other_notices++ == 0)
        fprintf(stderr, "  the coprocess says: %.*s\n", (int)length, text);
}

/* They stand between an answer's records and its end. */
static void count_notices(struct tally *tally, const char *answer)
{
    for (const char *found = answer; (found = strstr(found, "\nLOG\t")); found++)
        count_notice(tally, found + strlen("\nLOG\t"));
}

/* Somebody waited since then; a question that had been alone would have waited as long. */
static void note_gap(struct asker *asker, uint64_t since_ns)
{
    asker->answered_ns = clock_ns();
    if (asker->answered_ns - since_ns > asker->tally.longest_gap_ns)
        asker->tally.longest_gap_ns = asker->answered_ns - since_ns;
}

static void ask_honest(struct asker *asker)
{
    const struct phase *phase = asker->phase;
    const struct honest *honest = &phase->honest[asker->next_honest++ % phase->honest_count];
    uint64_t start_ns = clock_ns();
    const char *answer = coprocess_ask(&asker->coprocess, honest->question, honest->length);
    histogram_add(&asker->tally.times, clock_ns() - start_ns);
    asker->tally.honest++;
    note_gap(asker, start_ns);
    if (answer_server(answer) != honest->server && asker->tally.moved++ == 0)
        fprintf(stderr, "moved from %d: %s%s\n", honest->server, honest->question, answer);
    count_notices(&asker->tally, answer);
}

static void judge_forged(void *context, const char *answer)
{
    struct asker *asker = context;
    struct tally *tally = &asker->tally;
    tally->forged++;
    note_gap(asker, asker->answered_ns);
    if (answer_server(answer) == 0 && tally->forged_wrong++ == 0)
        fprintf(stderr, "not an address of the pool: %s\n", answer);
    count_notices(tally, answer);
}

/* Asks for some who never asked before, all in one write. */
static void ask_forged(struct asker *asker)
{
    struct phase *phase = asker->phase;
    char text[FORGED_AT_ONCE * QUESTION_BYTES_MAX];
    size_t length = 0;
    uint64_t step = atomic_fetch_add(phase->forged_step, FORGED_AT_ONCE);
    for (uint64_t i = 0; i < FORGED_AT_ONCE; i++) {
        struct resolver resolver;
        crowd_stranger(phase->crowd, step + i, &resolver);
        length += question_write(&resolver, text + length, QUESTION_BYTES_MAX);
    }
    struct coprocess_lines lines = {text, length};
    asker->answered_ns = clock_ns();
    coprocess_ask_all(&asker->coprocess, &lines, judge_forged, asker);
    if (step + FORGED_AT_ONCE >= phase->forged_end)
        atomic_store(&phase->over, true);
}

static void sleep_until(uint64_t time_ns)
{
    struct timespec time = {.tv_sec = (time_t)(time_ns / 1000000000),
                            .tv_nsec = (long)(time_ns % 1000000000)};
    if (clock_ns() < time_ns)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

/* What was late is not made up for: one long wait would be followed by many short ones. */
static uint64_t next_honest_ns(uint64_t due_ns, uint64_t pace_ns)
{
    uint64_t now_ns = clock_ns();
    return (due_ns + pace_ns > now_ns ? due_ns : now_ns) + pace_ns;
}

static void *drive(void *context)
{
    struct asker *asker = context;
    const struct phase *phase = asker->phase;
    uint64_t honest_ns = clock_ns(), forged_ns = phase->forged_step ? honest_ns : UINT64_MAX;
    while (!atomic_load(&phase->over)) {
        if (clock_ns() >= honest_ns) {
            ask_honest(asker);
            honest_ns = next_honest_ns(honest_ns, phase->honest_pace_ns);
        }
        if (clock_ns() >= forged_ns) { /* a flood does make up for it */
            ask_forged(asker);
            forged_ns += phase->forged_pace_ns;
        }
        sleep_until(honest_ns < forged_ns ? honest_ns : forged_ns);
    }
    return NULL;
}

void asker_start(struct asker *asker, char *const argv[], uint64_t first_honest)
{
    asker->next_honest = first_honest;
    coprocess_start(&asker->coprocess, argv);
}

void asker_begin(struct asker *asker, struct phase *phase)
{
    asker->phase = phase;
    asker->tally = (struct tally){0};
    if (pthread_create(&asker->thread, NULL, drive, asker) != 0)
        fail("no thread");
}

void asker_wait(struct asker *asker)
{
    pthread_join(asker->thread, NULL);
}

void asker_end(struct asker *asker)
{
    coprocess_end(&asker->coprocess);
}
