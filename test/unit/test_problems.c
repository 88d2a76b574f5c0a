#include "core/base/problems.h"

#include "core/base/error.h"
#include "fixture.h"
#include "suites.h"

static void sentences_are_kept_in_order(void)
{
    struct problems problems = {0};
    for (int i = 0; i < 50; i++)
        CHECK_INTEGER(problems_add(&problems, "row %d: %s", i, "bad"), 0, "row %d", i);
    CHECK_INTEGER((int64_t)problems.count, 50, "count");
    CHECK_TEXT(problems.lines[0], "row 0: bad", "first");
    CHECK_TEXT(problems.lines[49], "row 49: bad", "last");
    problems_release(&problems);
    CHECK(!problems.lines && problems.count == 0, "released");
    problems_release(&problems);
}

static void a_sentence_may_be_empty_or_long(void)
{
    struct problems problems = {0};
    const char *const nothing = "";
    CHECK_INTEGER(problems_add(&problems, "%s", nothing), 0, "empty");
    CHECK_INTEGER(problems_add(&problems, "%5000d", 1), 0, "long");
    CHECK_TEXT(problems.lines[0], "", "empty");
    CHECK(problems.lines[1][4999] == '1' && !problems.lines[1][5000], "long");
    problems_release(&problems);
}

static void without_memory_nothing_is_added(void)
{
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct problems problems = {0};
        size_t added = 0, refused = 0;
        memory_fail_at(n);
        for (int i = 0; i < 20; i++) {
            int code = problems_add(&problems, "row %d", i);
            added += code == 0;
            refused += code == ERR_NOMEM;
        }
        failing = memory_fail_end();
        CHECK_INTEGER((int64_t)refused, failing, "allocation %zu", n);
        CHECK_INTEGER((int64_t)added, failing ? 19 : 20, "allocation %zu", n);
        CHECK_INTEGER((int64_t)problems.count, (int64_t)added, "allocation %zu", n);
        problems_release(&problems);
    }
}

static void a_sentence_is_found_whole(void)
{
    struct problems problems = {0};
    CHECK_INTEGER(problems_add(&problems, "pool web"), 0, "added");
    CHECK(problems_has(&problems, "pool web"), "the same");
    CHECK(!problems_has(&problems, "pool"), "its beginning");
    CHECK(!problems_has(&problems, "pool web "), "more");
    CHECK(!problems_has(NULL, "pool web"), "of none");
    problems_release(&problems);
}

static const CU_TestInfo tests[] = {
    {"sentences are kept in order", sentences_are_kept_in_order},
    {"a sentence may be empty or long", a_sentence_may_be_empty_or_long},
    {"without memory nothing is added", without_memory_nothing_is_added},
    {"a sentence is found whole", a_sentence_is_found_whole},
    CU_TEST_INFO_NULL,
};

const struct suite suite_problems = {"problems", tests};
