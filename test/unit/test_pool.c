#include "core/balance/pool.h"

#include "fixture.h"
#include "suites.h"

static const char *const nonsense[] = {"",     "Enabled", "enabled ", " any", "NONE",
                                       "ecs2", "slide",   "0",        "nil"};

static void states_are_words(void)
{
    static const struct {
        const char *word;
        enum state state;
    } rows[] = {
        {"enabled", STATE_ENABLED}, {"draining", STATE_DRAINING}, {"disabled", STATE_DISABLED}};
    enum state state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(state_parse(rows[i].word, &state), "%s", rows[i].word);
        CHECK_INTEGER(state, rows[i].state, "%s", rows[i].word);
        CHECK_TEXT(state_word(rows[i].state), rows[i].word, "%s", rows[i].word);
    }
    for (size_t i = 0; i < COUNT(nonsense); i++)
        CHECK(!state_parse(nonsense[i], &state), "%s", nonsense[i]);
    CHECK_INTEGER(state, STATE_DISABLED, "untouched");
}

static void fallbacks_are_words(void)
{
    static const struct {
        const char *word;
        enum fallback fallback;
    } rows[] = {{"any", FALLBACK_ANY}, {"none", FALLBACK_NONE}, {"servfail", FALLBACK_SERVFAIL}};
    enum fallback fallback;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(fallback_parse(rows[i].word, &fallback), "%s", rows[i].word);
        CHECK_INTEGER(fallback, rows[i].fallback, "%s", rows[i].word);
        CHECK_TEXT(fallback_word(rows[i].fallback), rows[i].word, "%s", rows[i].word);
    }
    for (size_t i = 0; i < COUNT(nonsense); i++)
        CHECK(!fallback_parse(nonsense[i], &fallback), "%s", nonsense[i]);
    CHECK_INTEGER(fallback, FALLBACK_SERVFAIL, "untouched");
}

static void kinds_of_client_are_words(void)
{
    static const struct {
        const char *word;
        enum client_kind kind;
    } rows[] = {{"ldns", CLIENT_LDNS}, {"ecs", CLIENT_ECS}};
    enum client_kind kind;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(client_kind_parse(rows[i].word, &kind), "%s", rows[i].word);
        CHECK_INTEGER(kind, rows[i].kind, "%s", rows[i].word);
        CHECK_TEXT(client_kind_word(rows[i].kind), rows[i].word, "%s", rows[i].word);
    }
    for (size_t i = 0; i < COUNT(nonsense); i++)
        CHECK(!client_kind_parse(nonsense[i], &kind), "%s", nonsense[i]);
    CHECK_INTEGER(kind, CLIENT_ECS, "untouched");
}

static void timers_are_words(void)
{
    static const struct {
        const char *word;
        enum persistence_timer timer;
    } rows[] = {{"fixed", TIMER_FIXED}, {"sliding", TIMER_SLIDING}};
    enum persistence_timer timer;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(persistence_timer_parse(rows[i].word, &timer), "%s", rows[i].word);
        CHECK_INTEGER(timer, rows[i].timer, "%s", rows[i].word);
        CHECK_TEXT(persistence_timer_word(rows[i].timer), rows[i].word, "%s", rows[i].word);
    }
    for (size_t i = 0; i < COUNT(nonsense); i++)
        CHECK(!persistence_timer_parse(nonsense[i], &timer), "%s", nonsense[i]);
    CHECK_INTEGER(timer, TIMER_SLIDING, "untouched");
}

static void the_more_restrictive_state_counts(void)
{
    static const struct {
        enum state server, controller, both;
    } rows[] = {
        {STATE_ENABLED, STATE_ENABLED, STATE_ENABLED},
        {STATE_ENABLED, STATE_DRAINING, STATE_DRAINING},
        {STATE_ENABLED, STATE_DISABLED, STATE_DISABLED},
        {STATE_DRAINING, STATE_ENABLED, STATE_DRAINING},
        {STATE_DRAINING, STATE_DRAINING, STATE_DRAINING},
        {STATE_DRAINING, STATE_DISABLED, STATE_DISABLED},
        {STATE_DISABLED, STATE_ENABLED, STATE_DISABLED},
        {STATE_DISABLED, STATE_DRAINING, STATE_DISABLED},
        {STATE_DISABLED, STATE_DISABLED, STATE_DISABLED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct controller controller = {.state = rows[i].controller};
        const struct virtual_server server = {.controller = &controller, .state = rows[i].server};
        CHECK_INTEGER(virtual_server_state(&server), rows[i].both, "row %zu", i);
    }
}

static const CU_TestInfo tests[] = {
    {"states are read from words and written", states_are_words},
    {"fallbacks are read from words and written", fallbacks_are_words},
    {"kinds of client are read from words and written", kinds_of_client_are_words},
    {"timers are read from words and written", timers_are_words},
    {"of server and controller the more restrictive state counts",
     the_more_restrictive_state_counts},
    CU_TEST_INFO_NULL,
};

const struct suite suite_pool = {"pool", tests};
