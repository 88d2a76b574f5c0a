#include "program/review/review.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "program/review/review_parts.h"
#include "store/powerdns_zones.h"
#include "store/unused_rows.h"
#include "suites.h"
#include "system/clock.h"
#include "system/run_program.h"

static void versions_are_found_in_what_powerdns_prints(void)
{
    static const struct {
        const char *output;
        int number;
        const char *text;
    } rows[] = {
        {"Nov 30 12:00:00 PowerDNS Authoritative Server 4.7.3 (C) 2001-2022\nUsing", 407, "4.7.3"},
        {"PowerDNS Authoritative Server 4.10.1\n", 410, "4.10.1"},
        {"PowerDNS Authoritative Server 5.2.0-alpha0 (C)", 502, "5.2.0-alpha0"},
        {"PowerDNS Authoritative Server 5.1", 501, "5.1"},
        {"PowerDNS Authoritative Server git-1234 (C)", 0, ""},
        {"PowerDNS Authoritative Server 5 (C)", 0, ""},
        {"PowerDNS Authoritative Server 5.x (C)", 0, ""},
        {"PowerDNS Authoritative Server 99999999999.1 (C)", 0, ""},
        {"PowerDNS Recursor 5.1.2", 0, ""},
        {"", 0, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pdns_version version = {0};
        bool found = pdns_version_parse(rows[i].output, &version);
        CHECK_INTEGER(found, rows[i].number != 0, "%s", rows[i].output);
        CHECK_INTEGER(version.number, rows[i].number, "%s", rows[i].output);
        CHECK_TEXT(version.text, rows[i].text, "%s", rows[i].output);
    }
}

static void network_file_systems_are_known_by_their_numbers(void)
{
    CHECK_TEXT(review_network_file_system(0x6969), "NFS", "nfs");
    CHECK_TEXT(review_network_file_system(0xff534d42), "CIFS", "cifs");
    CHECK_TEXT(review_network_file_system((unsigned long)(int)0xff534d42), "CIFS", "as an int");
    CHECK_TEXT(review_network_file_system(0x65735546), "FUSE", "fuse");
    CHECK_TEXT(review_network_file_system(0xef53), NULL, "ext4");
    CHECK_TEXT(review_network_file_system(0x01021994), NULL, "tmpfs");
    CHECK_TEXT(review_network_file_system(0x794c7630), NULL, "overlayfs");
}

static void users_may_what_owner_group_and_mode_say(void)
{
    gid_t groups[] = {20, 21};
    static const struct {
        mode_t mode;
        uid_t owner; /* the file's, beside the user 10 */
        gid_t group;
        int bits;
        bool may;
    } rows[] = {
        {0600, 10, 99, R_OK | W_OK, true}, {0500, 10, 99, W_OK, false}, {0070, 10, 20, R_OK, false},
        {0060, 9, 21, R_OK | W_OK, true},  {0606, 9, 20, R_OK, false},  {0001, 9, 99, X_OK, true},
        {0770, 9, 99, X_OK, false},
    };
    struct place place;
    char path[PLACE_PATH_MAX];
    struct review_user user = {.known = true, .user = 10, .groups = groups, .group_count = 2};
    if (geteuid() != 0)
        return; /* only root can give files away */
    place_init(&place);
    place_write(&place, "file", "");
    place_name(&place, "file", path);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(chown(path, rows[i].owner, rows[i].group) == 0, "chown %zu", i);
        CHECK(chmod(path, rows[i].mode) == 0, "chmod %zu", i);
        CHECK_INTEGER(review_user_may(&user, path, rows[i].bits), rows[i].may, "row %zu", i);
    }
    user.user = 0;
    CHECK(review_user_may(&user, path, R_OK | W_OK), "root");
    place_release(&place);
}

/* ---------------------------------------------------------------- programs */

static int run_shell(const char *script, int limit_ms, struct buffer *output, struct error *error)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    return run_program(arguments, NULL, limit_ms, output, error);
}

static void a_program_is_run_and_read(void)
{
    struct buffer output = {0};
    struct error error = {0};
    CHECK_INTEGER(run_shell("echo out; echo err >&2; cat; exit 3", 60000, &output, &error), 0, "%s",
                  error.text);
    CHECK_TEXT(buffer_text(&output), "out\nerr\n", "both, and no input");
    buffer_clear(&output);
    CHECK_INTEGER(run_shell("head -c 1000000 /dev/zero | tr '\\0' x", 60000, &output, &error), 0,
                  "%s", error.text);
    CHECK(output.length >= RUN_OUTPUT_MAX && output.length < 2 * RUN_OUTPUT_MAX, "%zu",
          output.length);
    buffer_release(&output);
}

static void a_program_that_does_not_end_is_killed_with_its_children(void)
{
    struct buffer output = {0};
    struct error error = {0};
    int64_t begin_ms = clock_monotonic_ms();
    CHECK_INTEGER(run_shell("sleep 600 & sleep 600", 100, &output, &error), ERR_BUSY, "%s",
                  error.text);
    CHECK(clock_monotonic_ms() - begin_ms < 300000, "it does not wait for them");
    buffer_release(&output);
}

static void a_program_that_is_not_there_is_told(void)
{
    const char *const arguments[] = {"/nowhere/program", NULL};
    struct buffer output = {0};
    struct error error = {0};
    CHECK_INTEGER(run_program(arguments, NULL, 60000, &output, &error), ERR_NOTFOUND, "%s",
                  error.text);
    CHECK(run_program_find("no-program-of-this-name") == NULL, "not in $PATH");
    char *shell = run_program_find("sh");
    CHECK(shell && access(shell, X_OK) == 0, "a shell");
    free(shell);
    buffer_release(&output);
}

/* ---------------------------------------------------------------- tables */

static void note_row(void *context, const struct unused_row *row)
{
    buffer_printf(context, "%s:%s:%lld\n", row->kind, row->name, (long long)row->count);
}

static void unused_rows_are_told_with_their_kind(void)
{
    struct place place;
    struct store *store = NULL;
    struct revision revision;
    struct buffer rows = {0};
    place_init_served(&place);
    place_run(&place, "INSERT INTO pool (name) VALUES ('spare');"
                      "INSERT INTO topology (asn, controller_id) VALUES (1, 1), (2, 1), (3, 1);");
    CHECK_INTEGER(store_new(place.path, &store), 0, "new");
    CHECK_INTEGER(store_begin(store, 1, &revision, NULL), 0, "begin");
    CHECK_INTEGER(store_each_unused_row(store, note_row, &rows, NULL), 0, "each");
    CHECK_TEXT(buffer_text(&rows), "pool:spare:1\ntopology::3\n", "two kinds");
    store_free(store);
    buffer_release(&rows);
    place_release(&place);
}

static const char powerdns_tables[] =
    "CREATE TABLE domains (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE);"
    "CREATE TABLE records (name TEXT, type TEXT, disabled BOOLEAN DEFAULT 0);"
    "CREATE TABLE cryptokeys (domain_id INTEGER, active BOOL);"
    "INSERT INTO domains (name) VALUES ('example.com'), ('sub.example.com'), ('odd\\.label.net');"
    "INSERT INTO records VALUES ('www.example.com', 'A', 0), ('www.example.com', 'AAAA', 1),"
    " ('eu.example.com', NULL, 0), ('old.example.com', 'A', NULL);"
    "INSERT INTO cryptokeys VALUES (1, 1), (1, 1), (2, 0);";

static void zones_of_powerdns_are_read(void)
{
    struct place place;
    struct powerdns_zones *zones = NULL;
    struct error error = {0};
    char path[PLACE_PATH_MAX];
    sqlite3 *shell;
    place_init(&place);
    place_name(&place, "pdns.sqlite3", path);
    CHECK(sqlite3_open(path, &shell) == SQLITE_OK, "open");
    CHECK(sqlite3_exec(shell, powerdns_tables, NULL, NULL, NULL) == SQLITE_OK, "tables");
    sqlite3_close(shell);
    CHECK_INTEGER(powerdns_zones_open(path, &zones, &error), 0, "%s", error.text);
    CHECK_TEXT(powerdns_zones_find(zones, "a.sub.example.com"), "sub.example.com", "the deepest");
    CHECK_TEXT(powerdns_zones_find(zones, "www.example.com"), "example.com", "above");
    CHECK_TEXT(powerdns_zones_find(zones, "example.com"), "example.com", "the apex");
    CHECK_TEXT(powerdns_zones_find(zones, "example.net"), NULL, "none");
    CHECK_TEXT(powerdns_zones_find(zones, "x.odd\\.label.net"), "odd\\.label.net",
               "an escaped dot");
    CHECK(powerdns_zones_have_record(zones, "www.example.com", "A"), "A");
    CHECK(!powerdns_zones_have_record(zones, "www.example.com", "AAAA"), "it is disabled");
    CHECK(powerdns_zones_have_record(zones, "www.example.com", NULL), "any");
    CHECK(powerdns_zones_have_record(zones, "old.example.com", "A"), "of an old schema");
    CHECK(!powerdns_zones_have_record(zones, "eu.example.com", NULL), "an empty non-terminal");
    CHECK_INTEGER(powerdns_zones_signed(zones), 1, "keys");
    CHECK_INTEGER(powerdns_zones_error(zones, &error), 0, "%s", error.text);
    powerdns_zones_close(zones);
    place_release(&place);
}

static void a_file_that_is_no_database_of_powerdns_is_told(void)
{
    struct place place;
    struct powerdns_zones *zones = NULL;
    char path[PLACE_PATH_MAX];
    place_init(&place);
    place_write(&place, "text", "This is not a database, but long enough to be taken for one.");
    for (int i = 0; i < 3; i++) {
        struct error error = {0};
        place_name(&place, i == 0 ? "none" : "text", path);
        CHECK_INTEGER(powerdns_zones_open(i == 2 ? place.path : path, &zones, &error), ERR_IO,
                      "file %d", i);
        CHECK(*error.text, "file %d", i);
    }
    CHECK(!zones, "none was opened");
    powerdns_zones_close(NULL);
    place_release(&place);
}

static CU_TestInfo tests[] = {
    {"versions are found in what PowerDNS prints", versions_are_found_in_what_powerdns_prints},
    {"network file systems are known by their numbers",
     network_file_systems_are_known_by_their_numbers},
    {"users may what owner, group and mode say", users_may_what_owner_group_and_mode_say},
    {"a program is run and read", a_program_is_run_and_read},
    {"a program that does not end is killed with its children",
     a_program_that_does_not_end_is_killed_with_its_children},
    {"a program that is not there is told", a_program_that_is_not_there_is_told},
    {"unused rows are told with their kind", unused_rows_are_told_with_their_kind},
    {"zones of PowerDNS are read", zones_of_powerdns_are_read},
    {"a file that is no database of PowerDNS is told",
     a_file_that_is_no_database_of_powerdns_is_told},
    CU_TEST_INFO_NULL,
};

const struct suite suite_review = {"review", tests};
