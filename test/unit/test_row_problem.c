#include "core/sharing/row_problem.h"

#include <string.h>

#include "fixture.h"
#include "suites.h"

#define LONGEST_NAME "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UMLAUT "\xc3\xbc"

static const struct shared_row good = {
    "web",
    "192.0.2.1",
    {INT64_C(7000000000000000), 1, false, 1700000000, 3600, "ams", "modulus", "fra"}};

static const char *problem_of(const struct shared_row *row)
{
    const char *problem = shared_row_problem(row);
    return problem ? problem : "";
}

#define NO_POOL "its pool is not 1 to 64 characters without spaces and control characters"
#define NO_KEY "its key is empty, or has control characters"
#define NO_CONTROLLER "its controller is not 1 to 64 characters without control characters"
#define NO_METHOD "its method is not a word of 1 to 32 lower-case letters and hyphens"

static void names_are_those_that_the_schema_takes(void)
{
    static const struct {
        const char *pool, *key, *controller, *method, *problem;
    } rows[] = {
        {"web", "192.0.2.1", "ams", "modulus", ""},
        {LONGEST_NAME, "group:office 7", "new york", "round-robin", ""},
        {"b" UMLAUT "ro", "group:b" UMLAUT "ro", "z" UMLAUT "rich", "rtt", ""},
        {"a\"b\\c", "::1", "'", "-", ""},
        {"", "::1", "ams", "modulus", NO_POOL},
        {"a b", "::1", "ams", "modulus", NO_POOL},
        {"a\x1f", "::1", "ams", "modulus", NO_POOL},
        {"a\xff", "::1", "ams", "modulus", NO_POOL},
        {LONGEST_NAME "x", "::1", "ams", "modulus", NO_POOL},
        {"web", "", "ams", "modulus", NO_KEY},
        {"web", "a\nb", "ams", "modulus", NO_KEY},
        {"web", "a\xc3", "ams", "modulus", NO_KEY},
        {"web", "::1", "", "modulus", NO_CONTROLLER},
        {"web", "::1", "a\tb", "modulus", NO_CONTROLLER},
        {"web", "::1", LONGEST_NAME UMLAUT, "modulus", NO_CONTROLLER},
        {"web", "::1", "ams", "", NO_METHOD},
        {"web", "::1", "ams", "Modulus", NO_METHOD},
        {"web", "::1", "ams", "rtt 2", NO_METHOD},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct shared_row row = good;
        strcpy(row.pool, rows[i].pool);
        strcpy(row.key, rows[i].key);
        strcpy(row.entry.controller, rows[i].controller);
        strcpy(row.entry.method, rows[i].method);
        CHECK_TEXT(problem_of(&row), rows[i].problem, "row %zu", i);
    }
}

static void names_are_utf8_without_control_characters(void)
{
    static const struct {
        const char *text;
        bool is_name;
    } rows[] = {
        {"", false},
        {"ams", true},
        {" ~", true},
        {"m\xc3\xbcnchen", true},
        {"\xe2\x82\xac", true},
        {"\xf0\x9f\x8c\x8d", true},
        {"\xc2\xa0\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
        {"a\tb", false},
        {"\n", false},
        {"\x01", false},
        {"\x1f", false},
        {"\x7f", false},
        {"\xc2\x80", false}, /* a control character as well */
        {"\xc2\x9b", false}, /* for some terminals the begin of a command */
        {"\xc2\x9f", false},
        {"a\x80", false},            /* a continuation alone */
        {"\xc3", false},             /* cut off */
        {"\xe2\x82", false},         /* cut off later */
        {"\xe2\x82z", false},        /* another character within */
        {"\xc0\xaf", false},         /* longer than it need be */
        {"\xc1\xbf", false},         /* longer than it need be */
        {"\xe0\x9f\xbf", false},     /* longer than it need be */
        {"\xf0\x8f\xbf\xbf", false}, /* longer than it need be */
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xed\xbf\xbf", false},     /* a surrogate */
        {"\xed\x9f\xbf", true},      /* just before them */
        {"\xee\x80\x80", true},      /* just after them */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80", false}, /* no such octet */
        {"\xff", false},             /* no such octet */
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(shared_is_controller(rows[i].text) == rows[i].is_name, "row %zu", i);
}

/* Of a character of two, three and four octets, 64 and one more. */
static void names_are_as_long_as_they_have_characters(void)
{
    static const char *const characters[] = {UMLAUT, "\xe2\x82\xac", "\xf0\x9f\x8c\x8d"};
    for (size_t i = 0; i < COUNT(characters); i++) {
        char name[4 * (ROW_NAME_CHARACTERS_MAX + 1) + 1] = "";
        for (int count = 1; count <= ROW_NAME_CHARACTERS_MAX + 1; count++) {
            strcat(name, characters[i]);
            CHECK(shared_is_controller(name) == (count <= ROW_NAME_CHARACTERS_MAX), "%d of %zu",
                  count, i);
        }
    }
}

static void numbers_are_in_their_ranges(void)
{
    static const struct {
        size_t offset;
        int64_t most;
        const char *problem;
    } rows[] = {
        {offsetof(struct entry, decided), INT64_C(1) << 62, "its decided is not 0 to 2^62"},
        {offsetof(struct entry, origin), 65535, "its origin is not 0 to 65535"},
        {offsetof(struct entry, timestamp_s), INT64_C(253402300799),
         "its timestamp is not 0 to 253402300799"},
        {offsetof(struct entry, ttl_s), INT32_MAX, "its ttl is not 0 to 2147483647"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct shared_row row = good;
        int64_t *number = (int64_t *)((char *)&row.entry + rows[i].offset);
        const int64_t values[] = {0, rows[i].most, -1, rows[i].most + 1, INT64_MIN, INT64_MAX};
        for (size_t j = 0; j < COUNT(values); j++) {
            *number = values[j];
            CHECK_TEXT(problem_of(&row), j < 2 ? "" : rows[i].problem, "%zu %zu", i, j);
        }
    }
}

static void a_deleted_row_leads_nowhere(void)
{
    struct shared_row row = good;
    row.entry.gone = true;
    CHECK_TEXT(problem_of(&row), "it is deleted, but leads to a site", "both");
    row.entry.controller[0] = '\0';
    CHECK_TEXT(problem_of(&row), "it is deleted, but leads to a site", "the method");
    row.entry.method[0] = '\0';
    CHECK_TEXT(problem_of(&row), "it is deleted, but leads to a site", "the home");
    row.entry.home[0] = '\0';
    CHECK_TEXT(problem_of(&row), "", "none of them");
}

static void a_home_is_a_controller_or_none(void)
{
    struct shared_row row = good;
    row.entry.home[0] = '\0';
    CHECK_TEXT(problem_of(&row), "", "none");
    strcpy(row.entry.home, "a\tb");
    CHECK_TEXT(problem_of(&row), "its home is not 1 to 64 characters without control characters",
               "a tab");
}

static void a_place_is_a_row_s_or_the_beginning_of_a_pool_or_of_all(void)
{
    static const struct {
        struct shared_place place;
        const char *problem;
    } rows[] = {
        {{"", ""}, NULL},
        {{"web", ""}, NULL},
        {{"web", "192.0.2.1"}, NULL},
        {{"", "192.0.2.1"}, NO_POOL},
        {{"a b", ""}, NO_POOL},
        {{"web", "\x7f"}, "its key has control characters"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_TEXT(shared_place_problem(&rows[i].place), rows[i].problem, "row %zu", i);
}

static const CU_TestInfo tests[] = {
    {"names are those that the schema takes", names_are_those_that_the_schema_takes},
    {"names are UTF-8 without control characters", names_are_utf8_without_control_characters},
    {"names are as long as they have characters", names_are_as_long_as_they_have_characters},
    {"numbers are in their ranges", numbers_are_in_their_ranges},
    {"a deleted row leads nowhere", a_deleted_row_leads_nowhere},
    {"a home is a controller or none", a_home_is_a_controller_or_none},
    {"a place is a row's, or the beginning of a pool or of all",
     a_place_is_a_row_s_or_the_beginning_of_a_pool_or_of_all},
    CU_TEST_INFO_NULL,
};
const struct suite suite_row_problem = {"row_problem", tests};
