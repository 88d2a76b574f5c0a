#include "system/page_guard.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

#define PAGES 3

/* A mapped file of so many pages full of 'x', of which only the first is left. */
static char *map_and_cut(FILE *file, size_t page)
{
    int descriptor = fileno(file);
    if (ftruncate(descriptor, (off_t)(PAGES * page)) != 0)
        return MAP_FAILED;
    char *start = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (start == MAP_FAILED)
        return start;
    memset(start, 'x', PAGES * page);
    return ftruncate(descriptor, (off_t)page) == 0 ? start : MAP_FAILED;
}

static void lost_pages_are_zeros_and_counted(void)
{
    struct sigaction before;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();
    sigaction(SIGBUS, NULL, &before);
    page_guard_install();
    char *mapped = file ? map_and_cut(file, page) : MAP_FAILED;
    if (CHECK(mapped != MAP_FAILED, "a file to cut")) {
        volatile char *start = mapped;
        unsigned losses = page_guard_losses();
        CHECK_INTEGER(start[page - 1], 'x', "what is left of the file");
        CHECK_INTEGER(page_guard_losses() - losses, 0, "nothing was lost by that");
        CHECK_INTEGER(start[page + 7], 0, "a page that is gone");
        CHECK_INTEGER(start[2 * page - 1], 0, "the same page once more");
        CHECK_INTEGER(page_guard_losses() - losses, 1, "one page was lost");
        start[2 * page] = 'y';
        CHECK_INTEGER(start[2 * page], 'y', "a page that is written to");
        CHECK_INTEGER(page_guard_losses() - losses, 2, "and one more");
        munmap(mapped, PAGES * page);
    }
    if (file)
        fclose(file);
    sigaction(SIGBUS, &before, NULL);
}

static const CU_TestInfo tests[] = {
    {"lost pages are zeros and are counted", lost_pages_are_zeros_and_counted},
    CU_TEST_INFO_NULL,
};

const struct suite suite_page_guard = {"page_guard", tests};
