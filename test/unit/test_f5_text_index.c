#include "f5/text_index.h"

#include <stdio.h>

#include "fixture.h"
#include "suites.h"

#define NAMES 1000

static void what_was_added_is_found(void)
{
    static char names[NAMES][16];
    struct arena arena = {0};
    struct f5_work work = {&arena, NULL};
    struct text_index index = {0};
    CHECK(!text_index_find(&index, "n0"), "an empty index has nothing");
    for (int i = 0; i < NAMES; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        CHECK_INTEGER(text_index_add(&work, &index, names[i], names[i]), 0, "name %d", i);
    }
    for (int i = 0; i < NAMES; i++)
        CHECK(text_index_find(&index, names[i]) == names[i], "name %d", i);
    CHECK(!text_index_find(&index, "n1000"), "a name that was not added");
    CHECK(!text_index_find(&index, "N1"), "case matters");
    CHECK(!text_index_find(&index, ""), "the empty name");
    arena_release(&arena);
}

static const CU_TestInfo tests[] = {
    {"what was added is found", what_was_added_is_found},
    CU_TEST_INFO_NULL,
};

const struct suite suite_f5_text_index = {"f5_text_index", tests};
