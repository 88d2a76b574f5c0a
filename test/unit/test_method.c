#include "core/method.h"

#include "fixture.h"
#include "suites.h"

static void methods_are_found_by_name(void)
{
    static const struct {
        const char *name;
        const struct method *method;
    } rows[] = {
        {"modulus", &method_modulus},
        {"Modulus", NULL},
        {"modulus ", NULL},
        {"", NULL},
        {"modulu", NULL},
        {"weighted", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(method_find(rows[i].name) == rows[i].method, "%s", rows[i].name);
    CHECK_TEXT(method_modulus.name, "modulus", "its own name");
}

/* Index of the picked server, from 0. The rows follow the claim: remainder, plus one, one greater.
 */
static void modulus_counts_on_from_the_last_to_the_first(void)
{
    static const struct {
        struct number client;
        size_t count, index;
    } rows[] = {
        {{0, 0}, 1, 0},
        {{0, 7}, 1, 0},
        {{0, 0}, 2, 1},
        {{0, 1}, 2, 0},
        {{0, 0}, 3, 1},
        {{0, 1}, 3, 2},
        {{0, 2}, 3, 0},
        {{0, 3}, 3, 1},
        {{0, 63}, 64, 0},
        {{0, 62}, 64, 63},
        {{0, 3221225994}, 3, 1},
        {{0, 3221225994}, 2, 1},
        {{UINT64_MAX, UINT64_MAX}, 3, 1},
        {{UINT64_MAX, UINT64_MAX}, 1024, 0},
        {{1, 0}, 10, 7},
        {{0, 1022}, POOL_SERVERS_MAX, 1023},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct client client = {.number = rows[i].client};
        const struct election election = {.client = &client, .count = rows[i].count};
        CHECK_INTEGER((int64_t)method_modulus.pick(&election), (int64_t)rows[i].index, "row %zu",
                      i);
    }
}

static const CU_TestInfo tests[] = {
    {"methods are found by name", methods_are_found_by_name},
    {"modulus counts on from the last server to the first",
     modulus_counts_on_from_the_last_to_the_first},
    CU_TEST_INFO_NULL,
};

const struct suite suite_method = {"method", tests};
