#include "store/limits.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "store/maintenance/writer.h"
#include "store/store_parts.h"
#include "suites.h"

#define NOW_S 1700000000
#define START_MS 1000000

/* ---------------------------------------------------------------- the token bucket */

/* How many of `tries` pass at one moment. */
static int64_t taken(struct rate *rate, int64_t per_second, int64_t now_ms, int64_t tries)
{
    int64_t count = 0;
    for (int64_t i = 0; i < tries; i++)
        count += rate_take(rate, per_second, now_ms);
    return count;
}

static void a_burst_passes_at_once(void)
{
    static const int64_t rates[] = {1, 2, 7, 1000, 1000000};
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct rate rate = {0};
        int64_t full = rates[i] * RATE_BURST_S;
        int64_t tries = full < 100000 ? full : 100000;
        CHECK_INTEGER(taken(&rate, rates[i], 5000, tries), tries, "%lld a second",
                      (long long)rates[i]);
        if (tries == full)
            CHECK(!rate_take(&rate, rates[i], 5000), "%lld a second", (long long)rates[i]);
    }
}

/* An empty bucket, and how many pass after a while. */
static void tokens_come_back_with_time(void)
{
    static const struct {
        int64_t per_second, passed_ms, passing;
    } rows[] = {
        {1, 0, 0},      {1, 999, 0},     {1, 1000, 1}, {1, 1999, 1},     {1, 9999, 9},
        {1, 10000, 10}, {1, 100000, 10}, {10, 99, 0},  {10, 100, 1},     {10, 1000, 10},
        {3, 1000, 3},   {3, 999, 2},     {1000, 1, 1}, {1000, 500, 500}, {3, INT64_MAX / 2, 30},
        {5, -1, 0},     {5, -100000, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rate rate = {0};
        const int64_t start_ms = 1700000000000;
        taken(&rate, rows[i].per_second, start_ms, rows[i].per_second * RATE_BURST_S);
        CHECK_INTEGER(taken(&rate, rows[i].per_second, start_ms + rows[i].passed_ms, 20000),
                      rows[i].passing, "row %zu", i);
    }
}

static void small_steps_add_up(void)
{
    struct rate rate = {0};
    int64_t count = 0;
    taken(&rate, 7, 0, 70);
    for (int64_t now_ms = 1; now_ms <= 60000; now_ms++)
        count += rate_take(&rate, 7, now_ms);
    CHECK_INTEGER(count, 7 * 60, "7 a second for a minute");
}

static void a_clock_that_goes_back_takes_nothing(void)
{
    struct rate rate = {0};
    CHECK_INTEGER(taken(&rate, 2, 100000, 5), 5, "five of twenty");
    CHECK_INTEGER(taken(&rate, 2, 50000, 100), 15, "the rest, fifty seconds earlier");
    CHECK_INTEGER(taken(&rate, 2, 50500, 100), 1, "and time goes on from there");
}

static void the_rate_may_change(void)
{
    struct rate rate = {0};
    CHECK_INTEGER(taken(&rate, 100, 1000, 1), 1, "a full bucket of 1000");
    CHECK_INTEGER(taken(&rate, 1, 1000, 5000), 10, "a smaller one holds 10");
    CHECK_INTEGER(taken(&rate, 100, 1000, 5000), 0, "a larger one begins empty");
    CHECK_INTEGER(taken(&rate, 100, 2000, 5000), 100, "and fills faster");
}

/* ---------------------------------------------------------------- claims on a real database */

/* A database and a store on it. */
struct play {
    struct place place;
    struct store *store;
    struct mapping_table table;
    struct settings settings;
    struct error error; /* of the last claim */
};

static void begin_at(struct play *play, int64_t now_ms)
{
    struct revision revision;
    struct error error = {0};
    CHECK_INTEGER(store_begin(play->store, now_ms, &revision, &error), 0, "%s", error.text);
}

static void play_begin(struct play *play)
{
    *play = (struct play){.settings = settings_default()};
    place_init(&play->place);
    place_run(&play->place, "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
                            "INSERT INTO pool (id, name) VALUES (1, 'web');");
    CHECK_INTEGER(store_new(play->place.path, &play->store), 0, "store_new");
    play->table = store_mappings(play->store);
    begin_at(play, START_MS);
}

static void play_end(struct play *play)
{
    store_free(play->store);
    place_release(&play->place);
}

static void limit(struct play *play, int64_t megabytes, int64_t writes_per_second)
{
    play->settings.max_megabytes = megabytes;
    play->settings.max_writes_per_second = writes_per_second;
    store_limit(play->store, &play->settings);
}

static struct mapping mapping_of(int64_t controller_id)
{
    return (struct mapping){
        .controller_id = controller_id, .method = "modulus", .timestamp_s = NOW_S, .ttl_s = 60};
}

static int claim(struct play *play, int number, const struct mapping *seen, int64_t controller_id)
{
    char key[32];
    struct mapping wanted = mapping_of(controller_id);
    snprintf(key, sizeof key, "client%d", number);
    play->error = (struct error){0};
    return play->table.claim(play->table.context, 1, key, seen, &wanted, &play->error);
}

/* How many of the clients from `first` on are kept before one is refused. */
static int kept_before_refusal(struct play *play, int first, int tries)
{
    for (int i = 0; i < tries; i++) {
        int code = claim(play, first + i, NULL, 1);
        if (code == ERR_LIMIT)
            return i;
        CHECK_INTEGER(code, 0, "client %d", first + i);
    }
    return tries;
}

static void check_words(struct play *play, const char *setting)
{
    const char *text = play->error.text;
    CHECK(strstr(text, setting) && strstr(text, play->place.path), "%s", text);
}

static void so_many_mappings_a_second_are_kept_and_no_more(void)
{
    static const struct {
        int64_t per_second, passed_ms;
        int kept;
    } rows[] = {
        {1, 0, 0}, {1, 999, 0}, {1, 1000, 1}, {3, 2000, 6}, {20, 500, 10}, {3, 60000, 30},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct play play;
        int burst = (int)rows[i].per_second * RATE_BURST_S;
        play_begin(&play);
        limit(&play, 1024, rows[i].per_second);
        CHECK_INTEGER(kept_before_refusal(&play, 0, 1000), burst, "row %zu, the burst", i);
        check_words(&play, "max_writes_per_second");
        begin_at(&play, START_MS + rows[i].passed_ms);
        CHECK_INTEGER(kept_before_refusal(&play, 1000, 1000), rows[i].kept, "row %zu, later", i);
        play_end(&play);
    }
}

static void what_was_refused_is_not_there_and_what_was_kept_is(void)
{
    struct play play;
    struct mapping found;
    play_begin(&play);
    limit(&play, 1024, 1);
    int kept = kept_before_refusal(&play, 0, 100);
    for (int i = 0; i < kept + 5; i++) {
        char key[32];
        snprintf(key, sizeof key, "client%d", i);
        CHECK_INTEGER(play.table.find(play.table.context, 1, key, &found, NULL),
                      i < kept ? 0 : ERR_NOTFOUND, "client %d", i);
    }
    play_end(&play);
}

static void a_mapping_that_is_moved_counts_for_the_rate(void)
{
    struct play play;
    struct mapping seen = mapping_of(1);
    int moves = 0;
    play_begin(&play);
    limit(&play, 1024, 1);
    CHECK_INTEGER(claim(&play, 1, NULL, 1), 0, "the row");
    for (int code = 0; code == 0 && moves < 100; seen.controller_id = 1 + ++moves % 2)
        code = claim(&play, 1, &seen, 1 + (moves + 1) % 2);
    CHECK_INTEGER(moves, RATE_BURST_S, "those that were left, and the one that was refused");
    check_words(&play, "max_writes_per_second");
    play_end(&play);
}

/* The writer tells how large the file is. */
static void look_at_size(struct play *play, int64_t now_ms)
{
    struct writer *writer = NULL;
    store_rest(play->store);
    CHECK_INTEGER(writer_start(play->place.path, WRITER_MAIN, false,
                               settings_max_bytes(&play->settings), &writer),
                  0, "writer_start");
    writer_stop(writer);
    begin_at(play, now_ms);
}

static void a_full_file_takes_no_new_mapping_and_moves_the_old(void)
{
    struct play play;
    const struct mapping seen = mapping_of(1);
    play_begin(&play);
    CHECK_INTEGER(claim(&play, 1, NULL, 1), 0, "there is room");
    CHECK(!store_full(play.store), "there is room");
    place_run(&play.place, "CREATE TABLE ballast AS SELECT randomblob(1200000)");
    limit(&play, 1, 1000);
    look_at_size(&play, START_MS + 2000);
    CHECK(store_full(play.store), "1.2 of 1 megabytes");
    CHECK_INTEGER(claim(&play, 2, NULL, 1), ERR_LIMIT, "a new one");
    check_words(&play, "max_megabytes");
    CHECK_INTEGER(claim(&play, 1, &seen, 2), 0, "an old one");
    limit(&play, 2, 1000);
    look_at_size(&play, START_MS + 4000);
    CHECK(!store_full(play.store), "1.2 of 2 megabytes");
    CHECK_INTEGER(claim(&play, 2, NULL, 1), 0, "a larger bound");
    play_end(&play);
}

static void pages_that_wait_to_be_used_again_do_not_count(void)
{
    struct play play;
    play_begin(&play);
    place_run(&play.place,
              "CREATE TABLE ballast AS SELECT randomblob(3000000); DROP TABLE ballast");
    limit(&play, 1, 1000);
    look_at_size(&play, START_MS + 2000);
    CHECK(!store_full(play.store), "3 megabytes of free pages");
    CHECK_INTEGER(claim(&play, 1, NULL, 1), 0, "there is room");
    play_end(&play);
}

static void a_refusal_for_size_costs_nothing_of_the_rate(void)
{
    struct play play;
    play_begin(&play);
    place_run(&play.place, "CREATE TABLE ballast AS SELECT randomblob(1200000)");
    limit(&play, 1, 1);
    look_at_size(&play, START_MS + 2000);
    for (int i = 0; i < 100; i++)
        CHECK_INTEGER(claim(&play, i, NULL, 1), ERR_LIMIT, "full");
    limit(&play, 2, 1);
    look_at_size(&play, START_MS + 4000);
    CHECK_INTEGER(kept_before_refusal(&play, 0, 100), RATE_BURST_S, "the whole burst");
    play_end(&play);
}

static void a_refusal_is_known_to_others(void)
{
    struct play play;
    play_begin(&play);
    limit(&play, 10, 1);
    CHECK_INTEGER(store_refused_ago_ms(play.store, START_MS), -1, "nothing was refused yet");
    kept_before_refusal(&play, 0, 100);
    struct store *other = NULL;
    struct revision revision;
    struct error error = {0};
    CHECK_INTEGER(store_new(play.place.path, &other), 0, "another process");
    CHECK_INTEGER(store_begin(other, START_MS + 7000, &revision, &error), 0, "%s", error.text);
    CHECK_INTEGER(store_refused_ago_ms(other, START_MS + 7000), 7000, "seven seconds later");
    CHECK_INTEGER(store_refused_ago_ms(other, START_MS - 1), -1, "before the machine's start");
    store_free(other);
    play_end(&play);
}

static const CU_TestInfo tests[] = {
    {"a burst passes at once, and no more", a_burst_passes_at_once},
    {"tokens come back with time", tokens_come_back_with_time},
    {"small steps add up", small_steps_add_up},
    {"a clock that goes back takes nothing and gives nothing",
     a_clock_that_goes_back_takes_nothing},
    {"the rate may change", the_rate_may_change},
    {"so many mappings a second are kept, and no more",
     so_many_mappings_a_second_are_kept_and_no_more},
    {"what was refused is not there, and what was kept is",
     what_was_refused_is_not_there_and_what_was_kept_is},
    {"a mapping that is moved counts for the rate", a_mapping_that_is_moved_counts_for_the_rate},
    {"a full file takes no new mapping and moves the old",
     a_full_file_takes_no_new_mapping_and_moves_the_old},
    {"pages that wait to be used again do not count",
     pages_that_wait_to_be_used_again_do_not_count},
    {"a refusal for size costs nothing of the rate", a_refusal_for_size_costs_nothing_of_the_rate},
    {"a refusal is known to others", a_refusal_is_known_to_others},
    CU_TEST_INFO_NULL,
};

const struct suite suite_limits = {"limits", tests};
