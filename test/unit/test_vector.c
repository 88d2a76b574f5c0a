#include "core/base/vector.h"

#include "fixture.h"
#include "suites.h"

struct numbers {
    int *items;
    size_t count, capacity;
};

static bool add(struct numbers *numbers, int value)
{
    int *place = VECTOR_ADD(numbers->items, numbers->count, numbers->capacity);
    if (place)
        *place = value;
    return place != NULL;
}

static void what_was_added_stays_in_order(void)
{
    struct numbers numbers = {0};
    for (int i = 0; i < 1000; i++)
        CHECK(add(&numbers, i), "%d", i);
    CHECK_INTEGER((int64_t)numbers.count, 1000, "count");
    for (int i = 0; i < 1000; i++)
        CHECK_INTEGER(numbers.items[i], i, "item %d", i);
    free(numbers.items);
}

/* A thousand elements take eight allocations. */
static void without_memory_nothing_changes(void)
{
    for (size_t n = 1; n <= 8; n++) {
        struct numbers numbers = {0};
        int added = 0;
        memory_fail_at(n);
        while (add(&numbers, added) && added < 1000)
            added++;
        CHECK(memory_fail_end(), "allocation %zu", n);
        CHECK_INTEGER((int64_t)numbers.count, added, "allocation %zu", n);
        CHECK(add(&numbers, added), "allocation %zu, and then there is memory", n);
        for (int i = 0; i <= added; i++)
            CHECK_INTEGER(numbers.items[i], i, "allocation %zu", n);
        free(numbers.items);
    }
}

static void sizes_beyond_memory_are_refused(void)
{
    static const size_t capacities[] = {SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 4 / sizeof(int)};
    for (size_t i = 0; i < COUNT(capacities); i++) {
        int *items = NULL;
        size_t capacity = capacities[i];
        memory_fail_at(1);
        CHECK(!vector_grow(&items, capacity, &capacity, 2 * sizeof *items), "row %zu", i);
        CHECK(!memory_fail_end(), "row %zu: not even asked for", i);
        CHECK(!items && capacity == capacities[i], "row %zu: untouched", i);
    }
}

static const CU_TestInfo tests[] = {
    {"what was added stays, in order", what_was_added_stays_in_order},
    {"without memory nothing changes", without_memory_nothing_changes},
    {"sizes beyond memory are refused", sizes_beyond_memory_are_refused},
    CU_TEST_INFO_NULL,
};

const struct suite suite_vector = {"vector", tests};
