#include "core/sharing/path.h"

#include <string.h>

#include "core/sharing/row_problem.h"
#include "fixture.h"
#include "suites.h"

#define NOW_S INT64_C(1700000000)

static const struct path_judge judge = {NOW_S, 10, 1000};

static void the_later_one_stays(void)
{
    static const struct {
        int64_t told_s;
        bool stands;
        int64_t standing_s;
        enum entry_fate fate;
    } rows[] = {
        {NOW_S, false, 0, ENTRY_NEWER},
        {NOW_S, true, NOW_S - 1, ENTRY_NEWER},
        {NOW_S, true, NOW_S, ENTRY_KNOWN},
        {NOW_S, true, NOW_S + 1, ENTRY_OLDER},
        {NOW_S + 10, true, NOW_S, ENTRY_NEWER},
        {NOW_S + 11, true, NOW_S, ENTRY_FUTURE},
        {NOW_S + 11, false, 0, ENTRY_FUTURE},
        {SHARED_TIMESTAMP_MAX_S, false, 0, ENTRY_FUTURE},
        {NOW_S - 1000, false, 0, ENTRY_NEWER},
        {NOW_S - 1001, false, 0, ENTRY_OLDER},
        {0, false, 0, ENTRY_OLDER},
        {0, true, SHARED_TIMESTAMP_MAX_S, ENTRY_OLDER},
        /* What stands there was measured before our clock was set back. */
        {NOW_S - 5, true, NOW_S + 11, ENTRY_NEWER},
        {NOW_S - 5, true, NOW_S + 10, ENTRY_OLDER},
        {NOW_S + 11, true, NOW_S + 11, ENTRY_FUTURE},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INTEGER(
            path_fate(&judge, rows[i].told_s, rows[i].stands ? &rows[i].standing_s : NULL),
            rows[i].fate, "row %zu", i);
}

static void only_what_is_looked_up_is_shared(void)
{
    static const char *const good[] = {"0.0.0.0/0", "192.0.2.53/32", "::/0", "2001:db8::53/128",
                                       "2001:db8:0:1::/64"};
    static const char *const bad[] = {"",       "192.0.2.53", "192.0.2.53/24", "2001:DB8::/32",
                                      "::/129", "0.0.0.0/00", "1.2.3.4/32 ",   "2001:db8:0::/48"};
    struct shared_path path = {.controller = "ams", .rtt_ms = 1, .measured_at_s = 1};
    for (size_t i = 0; i < COUNT(good); i++) {
        strcpy(path.network, good[i]);
        CHECK(!shared_path_problem(&path), "%s", good[i]);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        strcpy(path.network, bad[i]);
        CHECK(shared_path_problem(&path), "%s", bad[i]);
    }
}

static const CU_TestInfo tests[] = {
    {"the later one stays", the_later_one_stays},
    {"only what is looked up is shared", only_what_is_looked_up_is_shared},
    CU_TEST_INFO_NULL,
};
const struct suite suite_path = {"path", tests};
