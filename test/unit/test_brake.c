#include "monitor/brake.h"

#include <stdlib.h>

#include "fixture.h"
#include "suites.h"

#define WINDOW_S 30
#define START_S 100000

/* So many targets of some fail at once. */
static void it_is_on_above_the_share(void)
{
    static const struct {
        size_t targets, failing;
        int64_t percent;
        bool engaged;
    } rows[] = {
        {1, 1, 50, false},       {2, 1, 50, false},     {2, 2, 50, true},
        {3, 1, 50, false},       {3, 2, 50, true},      {3, 1, 1, false},
        {3, 2, 66, true},        {3, 2, 67, false},     {9, 3, 50, false},
        {10, 5, 50, false},      {10, 6, 50, true},     {10000, 5000, 50, false},
        {10000, 5001, 50, true}, {10, 10, 100, false},  {10, 10, 99, true},
        {10, 10, 0, false},      {10000, 101, 1, true}, {10000, 100, 1, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct brake brake = {0};
        for (size_t j = 0; j < rows[i].failing; j++)
            brake_begin(&brake, START_S);
        bool changed =
            brake_update(&brake, rows[i].targets, rows[i].percent, WINDOW_S, START_S + 1);
        CHECK_INTEGER(brake.engaged, rows[i].engaged, "row %zu", i);
        CHECK_INTEGER(changed, rows[i].engaged, "row %zu", i);
    }
}

/* Ten targets; one begins to fail every so many seconds. */
static void only_what_begins_within_the_window_counts(void)
{
    static const struct {
        int64_t every_s, window_s;
        bool engaged;
    } rows[] = {{1, 30, true}, {5, 30, true},      {6, 30, false}, {10, 30, false},
                {5, 26, true}, {5, 25, false},     {1, 1, false},  {400, 3600, true},
                {0, 1, true},  {7200, 3600, false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct brake brake = {0};
        bool engaged = false;
        for (int64_t j = 0; j < 10; j++) {
            int64_t now_s = START_S + j * rows[i].every_s;
            brake_begin(&brake, now_s);
            brake_update(&brake, 10, 50, rows[i].window_s, now_s);
            engaged |= brake.engaged;
        }
        CHECK_INTEGER(engaged, rows[i].engaged, "row %zu", i);
    }
}

static void it_lets_go_when_enough_answer_again(void)
{
    struct brake brake = {0};
    int64_t began_s[10];
    for (int i = 0; i < 8; i++)
        began_s[i] = brake_begin(&brake, START_S + i);
    brake_update(&brake, 10, 50, WINDOW_S, START_S + 8);
    CHECK(brake.engaged, "8 of 10");
    brake_update(&brake, 10, 50, WINDOW_S, START_S + 100000);
    CHECK(brake.engaged, "time alone does not let go");
    brake_end(&brake, began_s[0]);
    brake_end(&brake, began_s[1]);
    CHECK(!brake_update(&brake, 10, 50, WINDOW_S, START_S + 100001), "6 of 10");
    brake_end(&brake, began_s[2]);
    CHECK(brake_update(&brake, 10, 50, WINDOW_S, START_S + 100002), "5 of 10");
    CHECK(!brake.engaged, "it is off");
    int64_t later_s = brake_begin(&brake, START_S + 100002);
    for (int i = 3; i < 8; i++)
        brake_end(&brake, began_s[i]);
    brake_end(&brake, later_s);
    CHECK_INTEGER((int64_t)brake.failing, 0, "those of before count no more, the later one did");
}

static void those_that_went_on_failing_do_not_count_again(void)
{
    struct brake brake = {0};
    int64_t began_s[8];
    for (int i = 0; i < 8; i++)
        began_s[i] = brake_begin(&brake, START_S);
    brake_update(&brake, 10, 50, WINDOW_S, START_S);
    for (int i = 0; i < 3; i++)
        brake_end(&brake, began_s[i]);
    brake_update(&brake, 10, 50, WINDOW_S, START_S + 1);
    for (int i = 0; i < 5; i++)
        brake_begin(&brake, START_S + 2);
    brake_update(&brake, 10, 50, WINDOW_S, START_S + 2);
    CHECK(!brake.engaged, "five that fail anew, and five of before");
    brake_begin(&brake, START_S + 3);
    brake_update(&brake, 10, 50, WINDOW_S, START_S + 3);
    CHECK(brake.engaged, "and a sixth");
}

static void the_setting_turns_it_off(void)
{
    struct brake brake = {0};
    for (int i = 0; i < 8; i++)
        brake_begin(&brake, START_S);
    brake_update(&brake, 10, 50, WINDOW_S, START_S);
    CHECK(brake.engaged, "8 of 10");
    CHECK(brake_update(&brake, 10, 0, WINDOW_S, START_S), "0 percent");
    CHECK(!brake.engaged, "off");
}

static void a_clock_that_goes_back_stands_still(void)
{
    struct brake brake = {0};
    int64_t first_s = brake_begin(&brake, START_S);
    brake_update(&brake, 2, 50, WINDOW_S, START_S);
    int64_t second_s = brake_begin(&brake, START_S - 1000);
    brake_update(&brake, 2, 50, WINDOW_S, START_S - 1000);
    CHECK(brake.engaged, "both of two");
    brake_end(&brake, second_s);
    brake_end(&brake, first_s);
    CHECK_INTEGER((int64_t)brake.failing, 0, "both answer");
}

/* Against a list that is gone through each time. */
static void it_counts_as_a_list_would(void)
{
    enum { TARGETS = 40, STEPS = 20000 };
    static struct brake brake;
    int64_t began_s[TARGETS] = {0}, now_s = START_S;
    uint64_t seed = 11;
    brake = (struct brake){0};
    for (int i = 0; i < STEPS; i++) {
        size_t target = random_below(&seed, TARGETS);
        now_s += (int64_t)random_below(&seed, 100) == 0 ? (int64_t)random_below(&seed, 9000)
                                                        : (int64_t)random_below(&seed, 3);
        if (began_s[target] == 0)
            began_s[target] = brake_begin(&brake, now_s);
        else {
            brake_end(&brake, began_s[target]);
            began_s[target] = 0;
        }
        brake_update(&brake, TARGETS, 50, WINDOW_S, now_s);
        size_t expected = 0;
        for (int j = 0; j < TARGETS; j++)
            expected += began_s[j] != 0 && brake_counts(&brake, began_s[j]);
        if (!CHECK_INTEGER((int64_t)brake.failing, (int64_t)expected, "step %d", i))
            return;
    }
}

static const CU_TestInfo tests[] = {
    {"it is on above the share, and never for one alone", it_is_on_above_the_share},
    {"only what begins within the window counts", only_what_begins_within_the_window_counts},
    {"it lets go when enough answer again", it_lets_go_when_enough_answer_again},
    {"those that went on failing do not count again",
     those_that_went_on_failing_do_not_count_again},
    {"the setting turns it off", the_setting_turns_it_off},
    {"a clock that goes back stands still", a_clock_that_goes_back_stands_still},
    {"it counts as a list would", it_counts_as_a_list_would},
    CU_TEST_INFO_NULL,
};

const struct suite suite_brake = {"brake", tests};
