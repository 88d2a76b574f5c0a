/*
 * Runs all suites, or those named on the command line. Exit status 1 when an assertion fails, 64
 * for a suite that is not there.
 */
#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "suites.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 64

/*
 * For LeakSanitizer. libnats does not free the buffer of a message that is cut off when its
 * connection is closed, as happens on a busy machine. A connection that we forget to close still
 * shows, by the rest of its memory. And the record that libnats keeps of a thread's last error was
 * seen once in hundreds of runs, at the end of the program; it is freed with its thread, so this
 * hides nothing that could grow.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:natsBuf_Create\nleak:nats_setErrorReal\n";
}

static const struct suite *const suites[] = {
#define X(name) &suite_##name,
    SUITES(X)
#undef X
};

#define SUITE_COUNT (sizeof suites / sizeof *suites)

static bool add_suite(const struct suite *suite)
{
    CU_pSuite added = CU_add_suite(suite->name, NULL, NULL);
    if (!added)
        return false;
    for (const CU_TestInfo *test = suite->tests; test->pName; test++)
        if (!CU_add_test(added, test->pName, test->pTestFunc))
            return false;
    return true;
}

static const struct suite *find_suite(const char *name)
{
    for (size_t i = 0; i < SUITE_COUNT; i++)
        if (strcmp(suites[i]->name, name) == 0)
            return suites[i];
    return NULL;
}

static int add_named(int count, char *const *names)
{
    for (int i = 0; i < count; i++) {
        const struct suite *suite = find_suite(names[i]);
        if (!suite) {
            fprintf(stderr, "unit: there is no suite %s\n", names[i]);
            return EXIT_USAGE;
        }
        if (!add_suite(suite))
            return EXIT_FAILED;
    }
    return 0;
}

static int add_all(void)
{
    for (size_t i = 0; i < SUITE_COUNT; i++)
        if (!add_suite(suites[i]))
            return EXIT_FAILED;
    return 0;
}

static int run(int count, char *const *names)
{
    int code = count > 0 ? add_named(count, names) : add_all();
    if (code != 0)
        return code;
    CU_basic_set_mode(CU_BRM_NORMAL);
    if (CU_basic_run_tests() != CUE_SUCCESS)
        return EXIT_FAILED;
    return CU_get_number_of_failures() > 0 ? EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS) {
        fprintf(stderr, "unit: %s\n", CU_get_error_msg());
        return EXIT_FAILED;
    }
    int code = run(argc - 1, argv + 1);
    if (CU_get_error() != CUE_SUCCESS)
        fprintf(stderr, "unit: %s\n", CU_get_error_msg());
    CU_cleanup_registry();
    return code;
}
