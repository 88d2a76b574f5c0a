#include "system/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "fixture.h"
#include "suites.h"

/* Like the pages of a connection's cache. */
#define BLOCKS 400
#define BLOCK_BYTES 4400
#define PAGE_BYTES 4096
#define ROUNDS 20

/* That of the sanitizers, of which nothing is promised. */
#if defined(__SANITIZE_ADDRESS__)
#define OTHER_ALLOCATOR true
#elif defined(__has_feature)
#define OTHER_ALLOCATOR __has_feature(address_sanitizer)
#else
#define OTHER_ALLOCATOR false
#endif

static long page_faults(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_minflt;
}

/* Allocates, uses and frees them all; says how many page faults that took. */
static long use(void)
{
    static char *blocks[BLOCKS];
    long before = page_faults();
    for (size_t i = 0; i < BLOCKS; i++)
        if (CHECK((blocks[i] = malloc(BLOCK_BYTES)) != NULL, "block %zu", i))
            memset(blocks[i], (int)i, BLOCK_BYTES);
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return page_faults() - before;
}

static void what_was_freed_is_used_again_until_it_is_given_back(void)
{
    long faults = 0, anew = (long)BLOCKS * BLOCK_BYTES / PAGE_BYTES;
    memory_keep_freed();
    use();
    for (int i = 0; i < ROUNDS; i++)
        faults += use();
    CHECK(OTHER_ALLOCATOR || faults < anew / 4, "%ld page faults in %d rounds", faults, ROUNDS);
    memory_return_freed();
    faults = use();
    CHECK(OTHER_ALLOCATOR || faults > anew / 2, "%ld page faults, given back were %ld pages",
          faults, anew);
}

static const CU_TestInfo tests[] = {
    {"what was freed is used again until it is given back",
     what_was_freed_is_used_again_until_it_is_given_back},
    CU_TEST_INFO_NULL,
};

const struct suite suite_memory = {"memory", tests};
