#include "core/health/verdict.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

#define NOW_S 1700000000

/*
 * A check a second: '.' went well, 'x' failed, '?' is our own trouble. The state after each: 'u'
 * up, 'd' down, '-' none.
 */
static char letter(enum verdict_state state)
{
    return state == VERDICT_UP ? 'u' : state == VERDICT_DOWN ? 'd' : '-';
}

static struct check_result result_of(char c)
{
    return (struct check_result){.reason = c == '.'   ? REASON_OK
                                           : c == 'x' ? REASON_TIMEOUT
                                                      : REASON_INTERNAL,
                                 .rtt_ms = 10};
}

static struct target_verdict run(struct target_verdict verdict, const char *checks,
                                 const struct monitor *monitor, enum verdict_hold hold,
                                 char *ret_states)
{
    size_t i = 0;
    for (; checks[i]; i++) {
        const struct check_result result = result_of(checks[i]);
        enum verdict_state before = verdict.state;
        bool turned = verdict_add_result(&verdict, &result, monitor, hold, NOW_S + (int64_t)i);
        CHECK(turned == (verdict.state != before), "%s, check %zu", checks, i);
        ret_states[i] = letter(verdict.state);
    }
    ret_states[i] = '\0';
    return verdict;
}

static void so_many_checks_in_a_row_turn_it(void)
{
    static const struct {
        enum verdict_state before;
        uint32_t rise, fall;
        const char *checks, *states;
        int64_t flaps;
    } rows[] = {
        {VERDICT_NONE, 2, 3, "...", "uuu", 0},
        {VERDICT_NONE, 2, 3, "xxxx", "--dd", 0},
        {VERDICT_NONE, 2, 3, "xx.xxx", "--uuud", 1},
        {VERDICT_NONE, 2, 1, "x.", "dd", 0},
        {VERDICT_NONE, 2, 3, "??.", "--u", 0},
        {VERDICT_UP, 2, 3, "xx.xx.xxx..", "uuuuuuuuddu", 2},
        {VERDICT_UP, 2, 3, "x?x?x", "uuuud", 1},
        {VERDICT_UP, 1, 1, "x.x.", "dudu", 4},
        {VERDICT_UP, 1, 100, "xxxxxxxxxx", "uuuuuuuuuu", 0},
        {VERDICT_DOWN, 2, 3, ".x.x..", "dddddu", 1},
        {VERDICT_DOWN, 2, 3, ".?.", "ddu", 1},
        {VERDICT_DOWN, 2, 3, "xxxx", "dddd", 0},
        {VERDICT_DOWN, 3, 3, "...xx.", "dduuuu", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char states[32];
        const struct monitor monitor = {.rise = rows[i].rise, .fall = rows[i].fall};
        struct target_verdict verdict = run((struct target_verdict){.state = rows[i].before},
                                            rows[i].checks, &monitor, HOLD_NOTHING, states);
        CHECK_TEXT(states, rows[i].states, "row %zu", i);
        CHECK_INTEGER(verdict.flaps, rows[i].flaps, "row %zu", i);
    }
}

static void what_is_held_moves_when_it_is_let_go(void)
{
    static const struct {
        enum verdict_state before;
        enum verdict_hold hold;
        const char *checks, *states;
        char settled;
    } rows[] = {
        {VERDICT_UP, HOLD_UP, "xxxxx", "uuuuu", 'd'},   {VERDICT_UP, HOLD_BOTH, "xxx", "uuu", 'd'},
        {VERDICT_UP, HOLD_UP, "xxxx.", "uuuuu", 'u'},   {VERDICT_UP, HOLD_UP, "xx", "uu", 'u'},
        {VERDICT_NONE, HOLD_UP, "xxx", "---", 'd'},     {VERDICT_NONE, HOLD_BOTH, ".", "u", 'u'},
        {VERDICT_NONE, HOLD_BOTH, "xxxx", "----", 'd'}, {VERDICT_DOWN, HOLD_UP, "..", "du", 'u'},
        {VERDICT_DOWN, HOLD_BOTH, "...", "ddd", 'u'},   {VERDICT_DOWN, HOLD_BOTH, ".", "d", 'd'},
        {VERDICT_DOWN, HOLD_BOTH, "..x", "ddd", 'd'},   {VERDICT_NONE, HOLD_UP, "", "", '-'},
    };
    const struct monitor monitor = {.rise = 2, .fall = 3};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char states[32];
        struct target_verdict verdict = run((struct target_verdict){.state = rows[i].before},
                                            rows[i].checks, &monitor, rows[i].hold, states);
        CHECK_TEXT(states, rows[i].states, "row %zu", i);
        CHECK(!verdict_catch_up(&verdict, &monitor, HOLD_BOTH, NOW_S), "row %zu", i);
        verdict_catch_up(&verdict, &monitor, HOLD_NOTHING, NOW_S + 100);
        CHECK_INTEGER(letter(verdict.state), rows[i].settled, "row %zu", i);
    }
}

static void it_says_since_when_and_why(void)
{
    const struct monitor monitor = {.rise = 2, .fall = 3};
    char states[32];
    struct target_verdict verdict =
        run((struct target_verdict){0}, "..xxxx", &monitor, HOLD_NOTHING, states);
    CHECK_INTEGER(verdict.since_s, NOW_S + 4, "the third that failed");
    CHECK_INTEGER(verdict.checked_s, NOW_S + 5, "the last");
    CHECK_INTEGER(verdict.reason, REASON_TIMEOUT, "of the last");
    verdict = run(verdict, ".?", &monitor, HOLD_NOTHING, states);
    CHECK_INTEGER(verdict.reason, REASON_OK, "still down, but it answered");
    CHECK_INTEGER(verdict.checked_s, NOW_S, "our own trouble is no check");
    CHECK_INTEGER(verdict.since_s, NOW_S + 4, "and still down since then");
}

static void what_is_taken_back_goes_down_again_at_once(void)
{
    const struct monitor monitor = {.rise = 2, .fall = 3};
    char states[32];
    struct target_verdict verdict = {.state = VERDICT_DOWN};
    verdict_revert(&verdict, NOW_S);
    CHECK_INTEGER(verdict.state, VERDICT_UP, "taken back");
    run(verdict, "x", &monitor, HOLD_NOTHING, states);
    CHECK_TEXT(states, "d", "one more failure");
    run(verdict, ".xx", &monitor, HOLD_NOTHING, states);
    CHECK_TEXT(states, "uuu", "it answered in between");
    struct target_verdict up = {.state = VERDICT_UP, .since_s = 5};
    verdict_revert(&up, NOW_S);
    CHECK_INTEGER(up.since_s, 5, "one that is up stays as it is");
}

static void the_round_trip_is_smoothed(void)
{
    static const struct {
        double rtt_ms, least, most;
    } rows[] = {
        {8, 8, 8}, {16, 9, 9}, {9, 9, 9}, {-1, 9, 9}, {1009, 134, 134}, {9, 118, 119},
    };
    const struct monitor monitor = {.rise = 2, .fall = 3};
    struct target_verdict verdict = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct check_result result = {.rtt_ms = rows[i].rtt_ms};
        verdict_add_result(&verdict, &result, &monitor, HOLD_NOTHING, NOW_S);
        CHECK(verdict.rtt_ms >= rows[i].least && verdict.rtt_ms <= rows[i].most, "row %zu: %f", i,
              verdict.rtt_ms);
    }
    const struct check_result failed = {.reason = REASON_REFUSED, .rtt_ms = 1};
    struct target_verdict before = verdict;
    verdict_add_result(&verdict, &failed, &monitor, HOLD_NOTHING, NOW_S);
    CHECK(verdict.rtt_ms <= before.rtt_ms && verdict.rtt_ms >= before.rtt_ms, "one that failed");
}

/* Random checks; whoever goes down has failed so often in a row, and the other way round. */
static void it_never_turns_without_its_reason(void)
{
    uint64_t seed = 7;
    for (int i = 0; i < 200; i++) {
        const struct monitor monitor = {.rise = 1 + (uint32_t)random_below(&seed, 5),
                                        .fall = 1 + (uint32_t)random_below(&seed, 5)};
        struct target_verdict verdict = {.state = (enum verdict_state)random_below(&seed, 3)};
        uint32_t failed = 0, well = 0;
        for (int j = 0; j < 200; j++) {
            const struct check_result result = result_of(".x.x?"[random_below(&seed, 5)]);
            enum verdict_state before = verdict.state;
            if (result.reason == REASON_OK)
                well++, failed = 0;
            else if (result.reason == REASON_TIMEOUT)
                failed++, well = 0;
            if (!verdict_add_result(&verdict, &result, &monitor, HOLD_NOTHING, NOW_S))
                continue;
            if (verdict.state == VERDICT_DOWN)
                CHECK(failed >= monitor.fall, "%u in a row of %u", failed, monitor.fall);
            else
                CHECK(before == VERDICT_NONE || well >= monitor.rise, "%u in a row of %u", well,
                      monitor.rise);
        }
    }
}

static void states_have_words(void)
{
    static const struct {
        const char *word;
        enum verdict_state state;
    } rows[] = {{"up", VERDICT_UP}, {"down", VERDICT_DOWN}, {"Up", VERDICT_NONE},
                {"", VERDICT_NONE}, {NULL, VERDICT_NONE},   {"none", VERDICT_NONE}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        enum verdict_state state = VERDICT_NONE;
        CHECK(verdict_state_parse(rows[i].word, &state) == (rows[i].state != VERDICT_NONE),
              "row %zu", i);
        CHECK_INTEGER(state, rows[i].state, "row %zu", i);
        if (state != VERDICT_NONE)
            CHECK_TEXT(verdict_state_word(state), rows[i].word, "row %zu", i);
    }
    CHECK_TEXT(verdict_state_word(VERDICT_NONE), NULL, "none");
}

static const CU_TestInfo tests[] = {
    {"so many checks in a row turn it, and no fewer", so_many_checks_in_a_row_turn_it},
    {"what is held moves when it is let go", what_is_held_moves_when_it_is_let_go},
    {"it says since when and why", it_says_since_when_and_why},
    {"what is taken back goes down again at once", what_is_taken_back_goes_down_again_at_once},
    {"the round trip is smoothed", the_round_trip_is_smoothed},
    {"it never turns without its reason", it_never_turns_without_its_reason},
    {"states have words", states_have_words},
    CU_TEST_INFO_NULL,
};

const struct suite suite_verdict = {"verdict", tests};
