#include "store/sqlite/kept_map.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "suites.h"

/* A place whose shell writes, and a connection of the kind that keeps its map. */
struct pair {
    struct place place;
    sqlite3 *reader;
};

static void pair_init(struct pair *pair)
{
    place_init(&pair->place);
    place_run(&pair->place, "CREATE TABLE filler (id INTEGER PRIMARY KEY, bytes BLOB);"
                            "INSERT INTO filler (bytes) WITH RECURSIVE n (i) AS"
                            " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
                            " SELECT randomblob(3000) FROM n;"
                            "PRAGMA wal_checkpoint;");
    CHECK_INTEGER(
        sqlite3_open_v2(pair->place.path, &pair->reader, SQLITE_OPEN_READWRITE, kept_map_vfs()),
        SQLITE_OK, "opened");
    sqlite3_exec(pair->reader, "PRAGMA mmap_size = 1000000000", NULL, NULL, NULL);
}

static void pair_release(struct pair *pair)
{
    CHECK_INTEGER(sqlite3_close(pair->reader), SQLITE_OK, "closed");
    place_release(&pair->place);
}

/* Both see the same rows. */
static void check_rows(struct pair *pair, const char *what)
{
    static const char sum[] = "SELECT count(*) * 1000 + sum(unicode(hex(bytes))) FROM filler";
    sqlite3_stmt *statement = NULL;
    sqlite3_int64 found = -1;
    if (sqlite3_prepare_v2(pair->reader, sum, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        found = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    CHECK_INTEGER(found, place_number(&pair->place, sum), "%s", what);
}

/* Says whether a line of maps or smaps ends with the database, wherever its directory really is. */
static bool is_line_of(const struct pair *pair, const char *line)
{
    const char *end = strstr(pair->place.path, "/pdns-sticky-unit-");
    size_t length = strcspn(line, "\n"), wanted = end ? strlen(end) : 0;
    return end && length >= wanted && strncmp(line + length - wanted, end, wanted) == 0;
}

/* Where this process has the database mapped, and how much of it; false when it has not. */
static bool find_map(const struct pair *pair, unsigned long *ret_start, unsigned long *ret_bytes)
{
    char line[PLACE_PATH_MAX + 128];
    unsigned long start, end;
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && !found && fgets(line, sizeof line, maps))
        found = is_line_of(pair, line) && sscanf(line, "%lx-%lx", &start, &end) == 2;
    if (maps)
        fclose(maps);
    if (found) {
        *ret_start = start;
        *ret_bytes = end - start;
    }
    return found;
}

/* The reader has read all. */
static void pair_init_mapped(struct pair *pair, unsigned long *ret_start, unsigned long *ret_bytes)
{
    pair_init(pair);
    check_rows(pair, "the first rows");
    CHECK(find_map(pair, ret_start, ret_bytes), "it is mapped");
}

static void commits_of_others_leave_the_map(void)
{
    struct pair pair;
    unsigned long start = 0, bytes = 0, start_now = 0, bytes_now = 0;
    pair_init_mapped(&pair, &start, &bytes);
    for (int i = 0; i < 20; i++) {
        place_run(&pair.place, "UPDATE filler SET bytes = randomblob(3000) WHERE id % 7 = 0;"
                               "INSERT INTO filler (bytes) VALUES (randomblob(3000));");
        check_rows(&pair, "out of the log");
        if (i % 3 == 0)
            place_run(&pair.place, "PRAGMA wal_checkpoint(RESTART);");
        check_rows(&pair, "after a checkpoint");
    }
    CHECK(find_map(&pair, &start_now, &bytes_now), "it is mapped still");
    CHECK(start_now == start && bytes_now == bytes, "by the same map");
    pair_release(&pair);
}

static void a_file_that_grows_or_shrinks_is_mapped_anew(void)
{
    struct pair pair;
    unsigned long start = 0, bytes = 0, grown = 0, shrunk = 0;
    pair_init_mapped(&pair, &start, &bytes);
    place_run(&pair.place, "INSERT INTO filler (bytes) SELECT randomblob(3000) FROM filler;"
                           "PRAGMA wal_checkpoint(RESTART);");
    check_rows(&pair, "twice as many");
    place_run(&pair.place, "INSERT INTO filler (bytes) VALUES ('and one');");
    check_rows(&pair, "and one");
    CHECK(find_map(&pair, &start, &grown) && grown > bytes * 3 / 2, "%lu, now %lu", bytes, grown);
    place_run(&pair.place, "DELETE FROM filler WHERE id > 10; VACUUM;"
                           "PRAGMA wal_checkpoint(TRUNCATE);");
    check_rows(&pair, "ten are left");
    CHECK(find_map(&pair, &start, &shrunk) && shrunk < bytes, "%lu, now %lu", grown, shrunk);
    pair_release(&pair);
}

/* Says whether all pages of the map are in our page tables. */
static bool is_filled(const struct pair *pair)
{
    char line[PLACE_PATH_MAX + 128];
    bool here = false;
    long size = -1, resident = -1;
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps && resident < 0 && fgets(line, sizeof line, maps)) {
        here |= is_line_of(pair, line);
        if (here && strncmp(line, "Size:", 5) == 0)
            size = strtol(line + 5, NULL, 10);
        if (here && strncmp(line, "Rss:", 4) == 0)
            resident = strtol(line + 4, NULL, 10);
    }
    if (maps)
        fclose(maps);
    CHECK(size > 0 && resident > 0, "%ld KiB, %ld of them resident", size, resident);
    return resident == size;
}

static void what_is_in_memory_is_entered_into_the_page_tables(void)
{
    struct pair pair;
    pair_init(&pair);
    kept_map_fill(pair.place.shell); /* none of ours: nothing happens */
    kept_map_fill(pair.reader);      /* not mapped yet */
    sqlite3_exec(pair.reader, "SELECT bytes FROM filler WHERE id = 1", NULL, NULL, NULL);
    CHECK(!is_filled(&pair), "some pages were read");
    kept_map_fill(pair.reader);
    bool filled = is_filled(&pair);
    for (int i = 0; i < 1000 && !filled; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        filled = is_filled(&pair);
    }
    CHECK(filled, "all pages are there");
    kept_map_fill(pair.reader); /* done already */
    check_rows(&pair, "what they hold");
    pair_release(&pair);
}

static void other_files_are_left_to_sqlite(void)
{
    sqlite3 *connection = NULL;
    CHECK_INTEGER(sqlite3_open_v2(":memory:", &connection,
                                  SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, kept_map_vfs()),
                  SQLITE_OK, "opened");
    CHECK_INTEGER(sqlite3_exec(connection,
                               "PRAGMA temp_store = FILE; CREATE TEMP TABLE t (a);"
                               "INSERT INTO t VALUES (1); CREATE INDEX temp.i ON t (a);",
                               NULL, NULL, NULL),
                  SQLITE_OK, "a temporary file");
    CHECK_INTEGER(sqlite3_close(connection), SQLITE_OK, "closed");
}

/* As on a busy machine, where a pause takes much longer than was asked for. */
static void pauses_end_after_some_time(void)
{
    static const struct {
        bool brief;
        int most, least_us;
    } rows[] = {{false, 84, 12000}, {true, 125, 4000}, {false, 84, 12000}};
    sqlite3_vfs *vfs = sqlite3_vfs_find(kept_map_vfs());
    for (size_t i = 0; i < COUNT(rows); i++) {
        int pauses = 0;
        kept_map_be_brief(rows[i].brief);
        vfs->xSleep(vfs, 1);
        while (pauses < 1000 && vfs->xSleep(vfs, 300000) >= rows[i].least_us)
            pauses++;
        CHECK(pauses > 0 && pauses <= rows[i].most, "row %zu: %d pauses", i, pauses);
        CHECK(vfs->xSleep(vfs, 1) > 0, "the next wait begins anew");
        CHECK(vfs->xSleep(vfs, 300000) > 0, "and goes on");
    }
}

static const CU_TestInfo tests[] = {
    {"commits of others leave the map", commits_of_others_leave_the_map},
    {"a file that grows or shrinks is mapped anew", a_file_that_grows_or_shrinks_is_mapped_anew},
    {"what is in memory is entered into the page tables",
     what_is_in_memory_is_entered_into_the_page_tables},
    {"other files are left to SQLite", other_files_are_left_to_sqlite},
    {"pauses end after some time", pauses_end_after_some_time},
    CU_TEST_INFO_NULL,
};

const struct suite suite_kept_map = {"kept_map", tests};
