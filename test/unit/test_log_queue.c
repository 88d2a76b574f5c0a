#include "core/base/log_queue.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

static void sentences_come_out_once_and_in_order(void)
{
    struct log_queue log_queue = {0};
    CHECK_TEXT(log_queue_take(&log_queue), NULL, "nothing was said");
    log_queue_add(&log_queue, 1, "one");
    log_queue_add(&log_queue, 2, "two");
    CHECK_TEXT(log_queue_take(&log_queue), "one", "the older");
    log_queue_add(&log_queue, 3, "three");
    CHECK_TEXT(log_queue_take(&log_queue), "two", "the next");
    CHECK_TEXT(log_queue_take(&log_queue), "three", "the last");
    CHECK_TEXT(log_queue_take(&log_queue), NULL, "no more");
}

static void the_same_sentence_is_said_once_a_minute(void)
{
    static const struct {
        int64_t now_ms;
        bool said;
    } rows[] = {
        {1, true},
        {1, false},
        {2, false},
        {LOG_QUEUE_QUIET_MS, false},
        {LOG_QUEUE_QUIET_MS + 1, true},
        {LOG_QUEUE_QUIET_MS + 2, false},
        {2 * LOG_QUEUE_QUIET_MS, false},
        {2 * LOG_QUEUE_QUIET_MS + 1, true},
    };
    struct log_queue log_queue = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        log_queue_add(&log_queue, rows[i].now_ms, "the same");
        CHECK_TEXT(log_queue_take(&log_queue), rows[i].said ? "the same" : NULL, "row %zu", i);
    }
}

static void it_stays_quiet_whether_or_not_somebody_took_the_first(void)
{
    struct log_queue log_queue = {0};
    log_queue_add(&log_queue, 1, "the same");
    log_queue_add(&log_queue, 2, "the same");
    CHECK_TEXT(log_queue_take(&log_queue), "the same", "once");
    CHECK_TEXT(log_queue_take(&log_queue), NULL, "not twice");
}

static void a_sentence_is_one_line_and_an_empty_one_none(void)
{
    static const struct {
        const char *said, *taken;
    } rows[] = {
        {"", NULL}, {"a\tb", "a b"}, {"a\nb\r\n", "a b  "}, {"\t", " "}, {"plain", "plain"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct log_queue log_queue = {0};
        log_queue_add(&log_queue, 1, rows[i].said);
        CHECK_TEXT(log_queue_take(&log_queue), rows[i].taken, "row %zu", i);
    }
}

static void a_long_sentence_is_cut(void)
{
    char text[3 * LOG_QUEUE_TEXT_MAX];
    struct log_queue log_queue = {0};
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    log_queue_add(&log_queue, 1, text);
    const char *taken = log_queue_take(&log_queue);
    if (CHECK(taken != NULL, "something was said"))
        CHECK_INTEGER((int64_t)strlen(taken), LOG_QUEUE_TEXT_MAX - 1, "cut");
}

static void say_numbered(struct log_queue *log_queue, int64_t now_ms, int first, int count)
{
    char text[32];
    for (int i = first; i < first + count; i++) {
        snprintf(text, sizeof text, "sentence %d", i);
        log_queue_add(log_queue, now_ms, text);
    }
}

static void of_too_many_sentences_the_oldest_are_dropped(void)
{
    char text[32];
    struct log_queue log_queue = {0};
    say_numbered(&log_queue, 1, 0, LOG_QUEUE_WAITING_MAX + 3);
    for (int i = 3; i < LOG_QUEUE_WAITING_MAX + 3; i++) {
        snprintf(text, sizeof text, "sentence %d", i);
        CHECK_TEXT(log_queue_take(&log_queue), text, "sentence %d", i);
    }
    CHECK_TEXT(log_queue_take(&log_queue), NULL, "no more");
}

static void as_many_sentences_as_are_remembered_are_not_said_again(void)
{
    struct log_queue log_queue = {0};
    say_numbered(&log_queue, 1, 0, LOG_QUEUE_REMEMBERED_MAX);
    while (log_queue_take(&log_queue))
        ;
    say_numbered(&log_queue, 2, 0, LOG_QUEUE_REMEMBERED_MAX);
    CHECK_TEXT(log_queue_take(&log_queue), NULL, "all of them are remembered");
    say_numbered(&log_queue, 3, LOG_QUEUE_REMEMBERED_MAX, 1);
    CHECK(log_queue_take(&log_queue) != NULL, "a new one is said");
}

static void what_is_taken_outlives_what_is_said_next(void)
{
    struct log_queue log_queue = {0};
    log_queue_add(&log_queue, 1, "first");
    const char *taken = log_queue_take(&log_queue);
    say_numbered(&log_queue, 1, 0, 2 * LOG_QUEUE_WAITING_MAX);
    CHECK_TEXT(taken, "first", "still there");
}

static const CU_TestInfo tests[] = {
    {"sentences come out once and in order", sentences_come_out_once_and_in_order},
    {"the same sentence is said once a minute", the_same_sentence_is_said_once_a_minute},
    {"it stays quiet whether or not somebody took the first",
     it_stays_quiet_whether_or_not_somebody_took_the_first},
    {"a sentence is one line, and an empty one none", a_sentence_is_one_line_and_an_empty_one_none},
    {"a long sentence is cut", a_long_sentence_is_cut},
    {"of too many sentences the oldest are dropped", of_too_many_sentences_the_oldest_are_dropped},
    {"as many sentences as are remembered are not said again",
     as_many_sentences_as_are_remembered_are_not_said_again},
    {"what is taken outlives what is said next", what_is_taken_outlives_what_is_said_next},
    CU_TEST_INFO_NULL,
};

const struct suite suite_log_queue = {"log_queue", tests};
