#include "monitor/content.h"

#include <string.h>
#include <time.h>

#include "fixture.h"
#include "suites.h"

/* Patterns that take far longer without a limit. */
#define SLOW_MS 500

static void a_pattern_is_found_anywhere(void)
{
    static const struct {
        const char *pattern, *bytes;
        size_t length;
        bool found;
    } rows[] = {
        {"ok", "status: ok", 10, true},
        {"ok", "status: bad", 11, false},
        {"^ok", "status: ok", 10, false},
        {"^ok", "ok then", 7, true},
        {"ok$", "status: ok", 10, true},
        {"ok$", "ok then", 7, false},
        {"up|ok", "is ok", 5, true},
        {"^up|ok$", "up and down", 11, true},
        {"ok", "line\nok\n", 8, true},
        {"ok", "\0\0ok", 4, true},
        {"a.c", "abc\0", 4, true},
        {"ok", "\xff\xfeok", 4, true},
        {"[[:digit:]]{3}", "code 200", 8, true},
        {"", "anything", 8, true},
        {"^$", "", 0, true},
        {"a\\)b", "a)b", 3, true},
        {"(a)(b)", "ab", 2, true},
        {"code \\d{3}", "code 200", 8, true},
        {"\\w+: up\\Z", "site: up\n", 9, true},
        {"(?i)HEALTHY", "is healthy", 10, true},
        {"ok$", "ok\n", 3, true},
        {"(.)\\1", "abb", 3, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct content content = {0};
        struct error error = {0};
        content_refuse("body", rows[i].pattern, &error);
        CHECK_TEXT(error.text, "", "%s", rows[i].pattern);
        CHECK_INTEGER(content_init(&content, rows[i].pattern), 0, "%s", rows[i].pattern);
        enum content_state state = content_add(&content, rows[i].bytes, rows[i].length);
        CHECK(rows[i].length == 0 || (state == CONTENT_MATCHES) == rows[i].found, "row %zu", i);
        CHECK_INTEGER(content_matches(&content), rows[i].found, "row %zu", i);
        content_release(&content);
    }
}

/* What is missing now may come, so this is said at the end. */
static void what_must_not_be_there_is_looked_for_to_the_end(void)
{
    static const char *const pieces[] = {"all is well", "", "but for one error"};
    for (size_t count = 1; count <= COUNT(pieces); count++) {
        struct content content = {0};
        CHECK_INTEGER(content_init(&content, "^(?!.*error)"), 0, "init");
        for (size_t i = 0; i < count; i++)
            CHECK_INTEGER(content_add(&content, pieces[i], strlen(pieces[i])), CONTENT_MORE,
                          "piece %zu", i);
        CHECK_INTEGER(content_matches(&content), count < COUNT(pieces), "%zu pieces", count);
        content_release(&content);
    }
}

/* A page has an end, and until then more may follow. */
static void the_end_of_a_page_is_waited_for(void)
{
    static const char *const patterns[] = {"up$", "up\\Z", "up\\z", "^[^E]*$"};
    for (size_t i = 0; i < COUNT(patterns); i++)
        for (int has_end = 0; has_end < 2; has_end++) {
            struct content content = {.has_end = has_end};
            CHECK_INTEGER(content_init(&content, patterns[i]), 0, "%s", patterns[i]);
            CHECK_INTEGER(content_add(&content, "site: up", 8),
                          has_end ? CONTENT_MORE : CONTENT_MATCHES, "%s", patterns[i]);
            CHECK(content_matches(&content), "%s, at the end", patterns[i]);
            content_add(&content, ", but with 3 Errors", 19);
            CHECK(!content_matches(&content), "%s, and more", patterns[i]);
            content_release(&content);
        }
}

static void what_comes_in_pieces_is_found(void)
{
    struct content content = {0};
    static const char text[] = "is ok";
    CHECK_INTEGER(content_init(&content, "ok"), 0, "init");
    for (size_t i = 0; i < 4; i++)
        CHECK_INTEGER(content_add(&content, text + i, 1), CONTENT_MORE, "byte %zu", i);
    CHECK_INTEGER(content_add(&content, "k", 1), CONTENT_MATCHES, "the last");
    content_release(&content);
}

static void what_the_last_look_left_out_is_found_in_the_end(void)
{
    struct content content = {0};
    char line[1000];
    memset(line, '-', sizeof line);
    CHECK_INTEGER(content_init(&content, "ok"), 0, "init");
    CHECK_INTEGER(content_add(&content, line, sizeof line), CONTENT_MORE, "a line");
    CHECK_INTEGER(content_add(&content, "ok", 2), CONTENT_MORE, "too little for another look");
    CHECK(content_matches(&content), "in the end");
    content_release(&content);
}

static void no_more_is_kept_than_the_bound(void)
{
    static char block[CONTENT_MAX + 100];
    static const struct {
        size_t first, second;
        enum content_state state;
    } rows[] = {
        {CONTENT_MAX - 2, 1, CONTENT_MORE},
        {CONTENT_MAX - 1, 1, CONTENT_FULL},
        {CONTENT_MAX - 1, 100, CONTENT_FULL},
        {1, CONTENT_MAX + 50, CONTENT_FULL},
    };
    memset(block, '-', sizeof block);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct content content = {0};
        CHECK_INTEGER(content_init(&content, "ok"), 0, "init");
        CHECK_INTEGER(content_add(&content, block, rows[i].first), CONTENT_MORE, "row %zu", i);
        CHECK_INTEGER(content_add(&content, block, rows[i].second), rows[i].state, "row %zu", i);
        CHECK(content.bytes.length <= CONTENT_MAX, "row %zu: %zu", i, content.bytes.length);
        content_release(&content);
    }
}

static int64_t cpu_ms(void)
{
    return (int64_t)clock() * 1000 / CLOCKS_PER_SEC;
}

static void no_answer_takes_long_to_search(void)
{
    static const char *const patterns[] = {"a.*b", "(a+)+b", "a.*a.*b", "(a|aa)*b"};
    static char block[CONTENT_MAX];
    memset(block, 'a', sizeof block);
    for (size_t i = 0; i < COUNT(patterns); i++)
        for (size_t step = 1; step <= sizeof block; step *= 256) {
            struct content content = {0};
            int64_t begin_ms = cpu_ms();
            content_init(&content, patterns[i]);
            for (size_t at = 0; at < sizeof block; at += step)
                content_add(&content, block + at, step);
            CHECK(!content_matches(&content), "%s", patterns[i]);
            CHECK(cpu_ms() - begin_ms < SLOW_MS, "%s by %zu: %d ms", patterns[i], step,
                  (int)(cpu_ms() - begin_ms));
            content_release(&content);
        }
}

static void a_pattern_that_cannot_be_used_is_refused_with_words(void)
{
    static const struct {
        const char *pattern, *words;
    } rows[] = {
        {"(a", "body '(a' is not a regular expression: "},
        {"[a", "body '[a' is not a regular expression: "},
        {"a\\", "body 'a\\' is not a regular expression: "},
        {"a)b", "body 'a)b' is not a regular expression: unmatched closing parenthesis"},
        {"a)|(b", "body 'a)|(b' is not a regular expression: "},
        {"[:digit:]", "body '[:digit:]' is not a regular expression: "},
        {"(?<=a+)b", "body '(?<=a+)b' is not a regular expression: "},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error error = {0};
        content_refuse("body", rows[i].pattern, &error);
        CHECK(strncmp(error.text, rows[i].words, strlen(rows[i].words)) == 0, "%s", error.text);
        struct content content = {0};
        CHECK_INTEGER(content_init(&content, rows[i].pattern), ERR_INVAL, "%s", rows[i].pattern);
        content_release(&content);
    }
}

static void without_memory_that_is_said(void)
{
    bool failing = true;
    for (size_t n = 1; failing && n < 20; n++) {
        struct content content = {0};
        memory_fail_at(n);
        int code = content_init(&content, "ok");
        enum content_state state = code == 0 ? content_add(&content, "is", 2) : CONTENT_FAILED;
        failing = memory_fail_end();
        CHECK_INTEGER(state, failing ? CONTENT_FAILED : CONTENT_MORE, "allocation %zu", n);
        content_release(&content);
    }
    CHECK(!failing, "some allocations");
}

/* One pattern after the other, as in the steps of a check. */
static void the_next_pattern_is_searched_for_behind_the_last_one(void)
{
    static const struct {
        const char *bytes, *first, *second;
        bool by_line;
        enum content_state state;
    } rows[] = {
        {"one two", "one", "two", false, CONTENT_MATCHES},
        {"one two", "two", "one", false, CONTENT_MORE},
        {"one", "one", "one", false, CONTENT_MORE},
        {"one", "one", "", false, CONTENT_MORE},
        {"oneone", "one", "one", false, CONTENT_MATCHES},
        {"220 a\r\n250 b", "220 ", "^250 ", true, CONTENT_MATCHES},
        {"220 a\r\n250 b", "220 ", "^250 ", false, CONTENT_MORE},
        {"220 a", "220 ", "^a", true, CONTENT_MORE},
        {"a b", "", "^a", true, CONTENT_MATCHES},
        {"one two", "one", "^(?!.*three)", true, CONTENT_MORE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct content content = {.by_line = rows[i].by_line};
        CHECK_INTEGER(content_init(&content, rows[i].first), 0, "row %zu", i);
        CHECK_INTEGER(content_add(&content, rows[i].bytes, strlen(rows[i].bytes)), CONTENT_MATCHES,
                      "row %zu", i);
        CHECK_INTEGER(content_next(&content, rows[i].second), 0, "row %zu", i);
        CHECK_INTEGER(content_look(&content), rows[i].state, "row %zu", i);
        content_release(&content);
    }
}

static void a_next_pattern_that_is_none_matches_nothing(void)
{
    struct content content = {0};
    CHECK_INTEGER(content_init(&content, "a"), 0, "the first");
    CHECK_INTEGER(content_add(&content, "ab", 2), CONTENT_MATCHES, "the first");
    CHECK_INTEGER(content_next(&content, "("), ERR_INVAL, "the second");
    CHECK(content_look(&content) == CONTENT_MORE && !content_matches(&content), "nothing");
    content_release(&content);
}

static const CU_TestInfo tests[] = {
    {"a pattern is found anywhere", a_pattern_is_found_anywhere},
    {"what must not be there is looked for to the end",
     what_must_not_be_there_is_looked_for_to_the_end},
    {"the end of a page is waited for", the_end_of_a_page_is_waited_for},
    {"what comes in pieces is found", what_comes_in_pieces_is_found},
    {"what the last look left out is found in the end",
     what_the_last_look_left_out_is_found_in_the_end},
    {"no more is kept than the bound", no_more_is_kept_than_the_bound},
    {"no answer takes long to search", no_answer_takes_long_to_search},
    {"a pattern that cannot be used is refused with a reason",
     a_pattern_that_cannot_be_used_is_refused_with_words},
    {"without memory that is said", without_memory_that_is_said},
    {"the next pattern is searched for behind the last one",
     the_next_pattern_is_searched_for_behind_the_last_one},
    {"a next pattern that is none matches nothing", a_next_pattern_that_is_none_matches_nothing},
    CU_TEST_INFO_NULL,
};

const struct suite suite_content = {"content", tests};
