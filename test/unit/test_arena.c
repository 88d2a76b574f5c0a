#include "core/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "fixture.h"
#include "suites.h"

static void memory_is_aligned_zeroed_and_apart(void)
{
    static const size_t sizes[] = {1, 7, 8, 15, 16, 17, 100, 16000, 16384, 16385, 100000, 3};
    unsigned char *places[COUNT(sizes)];
    struct arena arena = {0};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        places[i] = arena_alloc(&arena, sizes[i]);
        if (!CHECK(places[i] != NULL, "%zu bytes", sizes[i]))
            continue;
        CHECK_INTEGER((int64_t)((uintptr_t)places[i] % alignof(max_align_t)), 0, "%zu bytes",
                      sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            if (places[i][k] != 0)
                CHECK(places[i][k] == 0, "byte %zu of %zu", k, sizes[i]);
        memset(places[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t k = 0; k < sizes[i]; k++)
            if (places[i][k] != i + 1)
                CHECK(places[i][k] == i + 1, "byte %zu of %zu", k, sizes[i]);
    arena_release(&arena);
    CHECK(!arena.blocks, "released");
    arena_release(&arena);
}

static void texts_are_copied_and_ended(void)
{
    struct arena arena = {0};
    static const struct {
        const char *text;
        size_t length;
        const char *copy;
    } rows[] = {{"example", 7, "example"}, {"example", 3, "exa"}, {"", 0, ""}, {NULL, 0, ""}};
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(arena_copy(&arena, rows[i].text, rows[i].length), rows[i].copy, "row %zu", i);
    const char *bytes = arena_copy(&arena, "a\0b", 3);
    CHECK(bytes && memcmp(bytes, "a\0b", 4) == 0, "a NUL inside");
    arena_release(&arena);
}

static void sizes_beyond_memory_are_refused(void)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX / 2 + 1};
    struct arena arena = {0};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        CHECK(!arena_alloc(&arena, sizes[i]), "row %zu", i);
        CHECK(!arena_copy(&arena, "", sizes[i]), "row %zu", i);
    }
    CHECK(!arena.blocks, "nothing was taken");
}

static void many_small_things_share_a_block(void)
{
    struct arena arena = {0};
    CHECK(arena_alloc(&arena, 16) != NULL, "the first");
    memory_fail_at(1);
    for (int i = 0; i < 500; i++)
        CHECK(arena_alloc(&arena, 16) != NULL, "thing %d", i);
    CHECK(!memory_fail_end(), "no allocation was needed");
    arena_release(&arena);
}

static void a_failed_allocation_changes_nothing(void)
{
    struct arena arena = {0};
    memory_fail_at(1);
    CHECK(!arena_alloc(&arena, 10), "empty");
    CHECK(memory_fail_end() && !arena.blocks, "empty");
    CHECK(arena_alloc(&arena, 10) != NULL, "first block");
    const void *block = arena.blocks;
    memory_fail_at(1);
    CHECK(!arena_copy(&arena, "x", 1000000), "more than a block");
    CHECK(memory_fail_end() && arena.blocks == block, "more than a block");
    CHECK_TEXT(arena_copy(&arena, "x", 1), "x", "it goes on");
    arena_release(&arena);
}

static void check_zeroed(const unsigned char *place, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (place[i] != 0)
            CHECK(place[i] == 0, "byte %zu of %zu", i, size);
}

/* Fills an arena with things of 1000 bytes; it must not allocate unless `allocates`. */
static void fill(struct arena *arena, size_t count, bool allocates)
{
    memory_fail_at(allocates ? 0 : 1);
    for (size_t i = 0; i < count; i++) {
        unsigned char *place = arena_alloc(arena, 1000);
        if (!CHECK(place != NULL, "thing %zu", i))
            continue;
        check_zeroed(place, 1000);
        memset(place, 0xff, 1000);
    }
    memory_fail_end();
}

static void what_is_reset_is_used_again_zeroed(void)
{
    struct arena arena = {0};
    fill(&arena, 500, true);
    for (int round = 0; round < 3; round++) {
        arena_reset(&arena);
        CHECK(!arena.blocks, "nothing is allocated");
        fill(&arena, 500, false);
    }
    arena_release(&arena);
    CHECK(!arena.blocks && !arena.spare, "released");
}

static void a_reset_keeps_only_so_much(void)
{
    struct arena arena = {0};
    CHECK(arena_alloc(&arena, 3 * ARENA_KEPT_MAX) != NULL, "a large thing");
    fill(&arena, 4000, true);
    arena_reset(&arena);
    arena_reset(&arena);
    fill(&arena, 1000, false);
    memory_fail_at(1);
    size_t more = 0;
    while (more < 4000 && arena_alloc(&arena, 1000))
        more++;
    CHECK(memory_fail_end() && more < 1000, "%zu more", more);
    arena_release(&arena);
}

static const CU_TestInfo tests[] = {
    {"memory is aligned, zeroed and apart", memory_is_aligned_zeroed_and_apart},
    {"texts are copied and ended", texts_are_copied_and_ended},
    {"sizes beyond memory are refused", sizes_beyond_memory_are_refused},
    {"many small things share a block", many_small_things_share_a_block},
    {"a failed allocation changes nothing", a_failed_allocation_changes_nothing},
    {"what is reset is used again, zeroed", what_is_reset_is_used_again_zeroed},
    {"a reset keeps only so much", a_reset_keeps_only_so_much},
    CU_TEST_INFO_NULL,
};

const struct suite suite_arena = {"arena", tests};
