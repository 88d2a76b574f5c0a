/*
 * With real files, made by test/mmdb.
 */
#include "geo/locator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"
#include "fixture.h"
#include "mmdb.h"
#include "suites.h"

#define COUNTRIES                                                                                  \
    "192.0.2.0/24 NL EU -\n198.51.100.0/24 US NA -\n2001:db8::/32 DE EU -\n10.0.0.0/8 - AF -\n"
#define NUMBERS "192.0.2.0/25 - - 64500\n2001:db8:1::/48 - - 4294967295\n198.51.100.7/32 JP - 1\n"

/* Two files, and a set that was made of them. */
struct files {
    struct place place;
    char countries[PLACE_PATH_MAX], numbers[PLACE_PATH_MAX];
    const char *paths[2];
    struct geo *geo;
};

static void files_init(struct files *files)
{
    *files = (struct files){.geo = NULL};
    place_init(&files->place);
    place_name(&files->place, "countries.mmdb", files->countries);
    place_name(&files->place, "numbers.mmdb", files->numbers);
    files->paths[0] = files->countries;
    files->paths[1] = files->numbers;
}

static void files_release(struct files *files)
{
    geo_free(files->geo);
    place_release(&files->place);
}

/* Makes the set anew, as its owner does. */
static void files_open(struct files *files)
{
    struct geo *geo = NULL;
    CHECK_INTEGER(geo_open(files->paths, COUNT(files->paths), files->geo, &geo), 0, "open");
    geo_take_over(geo, files->geo);
    geo_free(files->geo);
    files->geo = geo;
}

/* "NL EU 64500", with "-" for what is not known. */
static void check_location(const struct files *files, const char *text, const char *expected)
{
    struct address address = address_of(text);
    struct locator locator = geo_locator(files->geo);
    struct location location = {"XX", "XX", 1};
    char found[64];
    locator.locate(locator.context, &address, &location);
    snprintf(found, sizeof found, "%s %s %u", location.country[0] ? location.country : "-",
             location.continent[0] ? location.continent : "-", location.asn);
    CHECK_TEXT(found, expected, "%s", text);
}

static void check_problem(const struct files *files, const char *path, const char *words)
{
    const struct problems *problems = geo_problems(files->geo);
    char expected[2 * PLACE_PATH_MAX];
    snprintf(expected, sizeof expected, "geo_database %s: %s", path, words ? words : "");
    if (CHECK_INTEGER((int64_t)problems->count, words ? 1 : 0, "%s", expected) && words)
        CHECK_TEXT(problems->lines[0], expected, "the problem");
}

static void all_files_are_asked(void)
{
    static const struct {
        const char *address, *location;
    } rows[] = {
        {"192.0.2.1", "NL EU 64500"},
        {"192.0.2.200", "NL EU 0"},
        {"198.51.100.1", "US NA 0"},
        {"198.51.100.7", "US NA 1"}, /* the first file counts */
        {"10.1.2.3", "- AF 0"},
        {"2001:db8::1", "DE EU 0"},
        {"2001:db8:1::1", "DE EU 4294967295"},
        {"203.0.113.1", "- - 0"},
        {"255.255.255.255", "- - 0"},
        {"0.0.0.0", "- - 0"},
        {"::", "- - 0"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "- - 0"},
        {NULL, "- - 0"},
    };
    struct files files;
    files_init(&files);
    mmdb_write(files.countries, "", COUNTRIES);
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    check_problem(&files, "", NULL);
    for (size_t i = 0; i < COUNT(rows); i++)
        check_location(&files, rows[i].address, rows[i].location);
    files_release(&files);
}

static void a_file_of_ipv4_alone_knows_no_ipv6(void)
{
    struct files files;
    files_init(&files);
    mmdb_write(files.countries, "--ipv4", "192.0.2.0/24 NL EU -\n");
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    check_location(&files, "192.0.2.1", "NL EU 64500");
    check_location(&files, "2001:db8:1::1", "- - 4294967295");
    files_release(&files);
}

static void the_fields_of_other_vendors_are_read(void)
{
    static const struct {
        const char *option, *location;
    } rows[] = {
        {"--flat", "NL EU 64500"},
        {"--words", "NL EU 64500"},
        {"--registered", "NL - 0"},
        {"--other", "- - 0"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct files files;
        files_init(&files);
        files.paths[1] = files.countries;
        mmdb_write(files.countries, rows[i].option, "192.0.2.0/24 NL EU 64500\n");
        files_open(&files);
        check_location(&files, "192.0.2.1", rows[i].location);
        const struct problems *problems = geo_problems(files.geo);
        bool told = problems->count > 0 && strstr(problems->lines[0], "in a field that is read");
        CHECK_INTEGER(told, strcmp(rows[i].option, "--other") == 0, "%s", rows[i].option);
        files_release(&files);
    }
}

static void no_files_know_nothing(void)
{
    struct files files = {.geo = NULL};
    CHECK_INTEGER(geo_open(NULL, 0, NULL, &files.geo), 0, "open");
    check_location(&files, "192.0.2.1", "- - 0");
    CHECK(!geo_changed(files.geo, 1), "nothing moves");
    geo_free(files.geo);
    geo_free(NULL);
}

/* Looks a second later each time. */
static bool moved(const struct files *files)
{
    static int64_t now_ms;
    now_ms += GEO_LOOK_MS;
    return geo_changed(files->geo, now_ms);
}

static void a_file_that_is_replaced_is_read_anew(void)
{
    struct files files;
    files_init(&files);
    mmdb_write(files.countries, "", COUNTRIES);
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    CHECK(!moved(&files), "nothing happened");
    mmdb_write(files.countries, "", "192.0.2.0/24 BE EU -\n");
    check_location(&files, "192.0.2.1", "NL EU 64500");
    CHECK(moved(&files), "renamed");
    files_open(&files);
    check_location(&files, "192.0.2.1", "BE EU 64500");
    check_location(&files, "198.51.100.1", "- - 0");
    CHECK(!moved(&files), "read");
    files_release(&files);
}

static void files_are_looked_at_once_a_second(void)
{
    struct files files;
    files_init(&files);
    mmdb_write(files.countries, "", COUNTRIES);
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    CHECK(!geo_changed(files.geo, 5000), "nothing happened");
    unlink(files.countries);
    CHECK(!geo_changed(files.geo, 5000 + GEO_LOOK_MS - 1), "not looked at");
    CHECK(geo_changed(files.geo, 5000 + GEO_LOOK_MS), "looked at");
    files_release(&files);
}

static void what_a_file_said_is_used_while_it_is_bad(void)
{
    struct files files;
    files_init(&files);
    mmdb_write(files.countries, "", COUNTRIES);
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    place_write(&files.place, "countries.mmdb", "not a database");
    CHECK(moved(&files), "overwritten");
    for (int i = 0; i < 2; i++) {
        files_open(&files);
        check_problem(&files, files.countries,
                      "The MaxMind DB file contains invalid metadata; its previous content is still"
                      " used");
        check_location(&files, "192.0.2.1", "NL EU 64500");
        CHECK(!moved(&files), "a bad file is not read again");
    }
    unlink(files.countries);
    CHECK(moved(&files), "deleted");
    files_open(&files);
    check_problem(&files, files.countries,
                  "No such file or directory; its previous content is still used");
    check_location(&files, "192.0.2.1", "NL EU 64500");
    CHECK(!moved(&files), "nothing is looked for twice");
    mmdb_write(files.countries, "", "192.0.2.0/24 BE EU -\n");
    CHECK(moved(&files), "mended");
    files_open(&files);
    check_problem(&files, "", NULL);
    check_location(&files, "192.0.2.1", "BE EU 64500");
    files_release(&files);
}

/* Mapped from the disk, the first look would be the end of the process. */
static void a_file_that_is_cut_short_hurts_nobody(void)
{
    struct files files;
    struct stat whole;
    files_init(&files);
    mmdb_write(files.countries, "", COUNTRIES);
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    CHECK_INTEGER(stat(files.countries, &whole), 0, "stat");
    for (off_t bytes = whole.st_size - 1; bytes >= 0; bytes -= 97) {
        CHECK_INTEGER(truncate(files.countries, bytes), 0, "%ld bytes", (long)bytes);
        check_location(&files, "192.0.2.1", "NL EU 64500");
        CHECK(moved(&files), "%ld bytes", (long)bytes);
        files_open(&files);
        check_location(&files, "198.51.100.7", "US NA 1");
    }
    files_release(&files);
}

static void what_is_no_file_is_reported(void)
{
    struct files files;
    files_init(&files);
    mmdb_write(files.numbers, "", NUMBERS);
    files_open(&files);
    check_problem(&files, files.countries, "No such file or directory");
    check_location(&files, "192.0.2.1", "- - 64500");
    CHECK_INTEGER(mkdir(files.countries, 0700), 0, "mkdir");
    CHECK(moved(&files), "something is there");
    files_open(&files);
    check_problem(&files, files.countries, "is not a file");
    CHECK_INTEGER(rmdir(files.countries), 0, "rmdir");
    CHECK_INTEGER(mkfifo(files.countries, 0600), 0, "mkfifo");
    CHECK(moved(&files), "something else is there");
    files_open(&files);
    check_problem(&files, files.countries, "is not a file");
    unlink(files.countries);
    place_write(&files.place, "countries.mmdb", "");
    CHECK_INTEGER(truncate(files.countries, GEO_BYTES_MAX + 1), 0, "truncate");
    files_open(&files);
    check_problem(&files, files.countries, "is too large");
    CHECK_INTEGER(truncate(files.countries, 0), 0, "truncate");
    files_open(&files);
    check_problem(&files, files.countries, "is empty");
    files_release(&files);
}

static void without_memory_there_is_no_set_and_no_leak(void)
{
    struct files files;
    files_init(&files);
    mmdb_write(files.countries, "", COUNTRIES);
    bool failed = true;
    size_t n;
    for (n = 1; failed; n++) {
        struct geo *geo = NULL;
        memory_fail_at(n);
        int code = geo_open(files.paths, COUNT(files.paths), NULL, &geo);
        failed = memory_fail_end();
        CHECK(code == 0 || (failed && code == ERR_NOMEM), "allocation %zu: %d", n, code);
        CHECK_INTEGER(geo != NULL, code == 0, "allocation %zu", n);
        if (geo)
            CHECK_INTEGER((int64_t)geo_problems(geo)->count, failed ? 2 : 1, "allocation %zu", n);
        geo_free(geo);
    }
    CHECK(n > 6, "%zu allocations", n);
    files_release(&files);
}

static const CU_TestInfo tests[] = {
    {"all files are asked", all_files_are_asked},
    {"a file of IPv4 alone knows no IPv6", a_file_of_ipv4_alone_knows_no_ipv6},
    {"the fields of other vendors are read", the_fields_of_other_vendors_are_read},
    {"no files know nothing", no_files_know_nothing},
    {"a file that is replaced is read anew", a_file_that_is_replaced_is_read_anew},
    {"files are looked at once a second", files_are_looked_at_once_a_second},
    {"what a file said is used while it is bad", what_a_file_said_is_used_while_it_is_bad},
    {"a file that is truncated hurts nobody", a_file_that_is_cut_short_hurts_nobody},
    {"what is no file is reported", what_is_no_file_is_reported},
    {"without memory there is no set and no leak", without_memory_there_is_no_set_and_no_leak},
    CU_TEST_INFO_NULL,
};

const struct suite suite_locator = {"locator", tests};
