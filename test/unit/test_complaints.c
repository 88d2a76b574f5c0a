#include "core/complaints.h"

#include "core/error.h"
#include "fixture.h"
#include "suites.h"

static void sentences_are_kept_in_order(void)
{
    struct complaints complaints = {0};
    for (int i = 0; i < 50; i++)
        CHECK_INTEGER(complaints_add(&complaints, "row %d: %s", i, "bad"), 0, "row %d", i);
    CHECK_INTEGER((int64_t)complaints.count, 50, "count");
    CHECK_TEXT(complaints.lines[0], "row 0: bad", "first");
    CHECK_TEXT(complaints.lines[49], "row 49: bad", "last");
    complaints_release(&complaints);
    CHECK(!complaints.lines && complaints.count == 0, "released");
    complaints_release(&complaints);
}

static void a_sentence_may_be_empty_or_long(void)
{
    struct complaints complaints = {0};
    const char *const nothing = "";
    CHECK_INTEGER(complaints_add(&complaints, "%s", nothing), 0, "empty");
    CHECK_INTEGER(complaints_add(&complaints, "%5000d", 1), 0, "long");
    CHECK_TEXT(complaints.lines[0], "", "empty");
    CHECK(complaints.lines[1][4999] == '1' && !complaints.lines[1][5000], "long");
    complaints_release(&complaints);
}

static void without_memory_nothing_is_added(void)
{
    bool failing = true;
    for (size_t n = 1; failing; n++) {
        struct complaints complaints = {0};
        size_t added = 0, refused = 0;
        memory_fail_at(n);
        for (int i = 0; i < 20; i++) {
            int code = complaints_add(&complaints, "row %d", i);
            added += code == 0;
            refused += code == ERR_NOMEM;
        }
        failing = memory_fail_end();
        CHECK_INTEGER((int64_t)refused, failing, "allocation %zu", n);
        CHECK_INTEGER((int64_t)added, failing ? 19 : 20, "allocation %zu", n);
        CHECK_INTEGER((int64_t)complaints.count, (int64_t)added, "allocation %zu", n);
        complaints_release(&complaints);
    }
}

static void a_sentence_is_found_whole(void)
{
    struct complaints complaints = {0};
    CHECK_INTEGER(complaints_add(&complaints, "pool web"), 0, "added");
    CHECK(complaints_has(&complaints, "pool web"), "the same");
    CHECK(!complaints_has(&complaints, "pool"), "its beginning");
    CHECK(!complaints_has(&complaints, "pool web "), "more");
    CHECK(!complaints_has(NULL, "pool web"), "of none");
    complaints_release(&complaints);
}

static const CU_TestInfo tests[] = {
    {"sentences are kept in order", sentences_are_kept_in_order},
    {"a sentence may be empty or long", a_sentence_may_be_empty_or_long},
    {"without memory nothing is added", without_memory_nothing_is_added},
    {"a sentence is found whole", a_sentence_is_found_whole},
    CU_TEST_INFO_NULL,
};

const struct suite suite_complaints = {"complaints", tests};
