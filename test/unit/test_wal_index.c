#include "store/sqlite/wal_index.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "suites.h"

#define HALF_INDEX 16384
#define REGION 32768

/* Where the salts stand in the log's header, and a frame of 4096 bytes. */
#define SALT_AT 16
#define FRAME_BYTES 4120

struct bench {
    struct place place;
    struct wal_index index;
    char log[PLACE_PATH_MAX], table[PLACE_PATH_MAX]; /* FILE-wal, FILE-shm */
};

/* A database whose log has at least so many pages, none of them copied back. */
static void bench_init(struct bench *bench, int pages)
{
    char sql[128];
    *bench = (struct bench){.index = {.header = NULL}};
    place_init(&bench->place);
    place_name(&bench->place, "sticky.sqlite-wal", bench->log);
    place_name(&bench->place, "sticky.sqlite-shm", bench->table);
    place_run(&bench->place, "PRAGMA wal_autocheckpoint = 0; PRAGMA wal_checkpoint(TRUNCATE);"
                             "CREATE TABLE filler (id INTEGER PRIMARY KEY, bytes BLOB);");
    snprintf(sql, sizeof sql, "INSERT INTO filler (bytes) VALUES (zeroblob(%d));", pages * 4096);
    place_run(&bench->place, sql);
    place_run(&bench->place, "INSERT INTO filler (bytes) VALUES ('the last');");
    wal_index_attach(&bench->index, bench->place.shell);
    CHECK(bench->index.header != NULL, "the index is found");
}

static void check_sound(struct bench *bench, bool finds_frames, bool fits_log, const char *what)
{
    CHECK(wal_index_finds_frames(&bench->index) == finds_frames, "%s: frames", what);
    CHECK(wal_index_fits_log(&bench->index, bench->place.shell) == fits_log, "%s: log", what);
}

static void write_at(const char *path, long at, const char *bytes, size_t count)
{
    FILE *file = fopen(path, "r+b");
    if (!CHECK(file != NULL, "%s", path))
        return;
    CHECK(fseek(file, at, SEEK_SET) == 0 && fwrite(bytes, 1, count, file) == count, "%s", path);
    fclose(file);
}

static void any_length_of_log_is_sound(void)
{
    /* around the ends of the first region, which has 4062 frames, and of the second */
    static const int pages[] = {1, 4050, 4055, 4060, 4065, 8146, 8150, 8155, 8160, 13000};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct bench bench;
        bench_init(&bench, pages[i]);
        CHECK(wal_index_pages(&bench.index) >= (uint32_t)pages[i], "%d pages", pages[i]);
        check_sound(&bench, true, true, "as it was written");
        place_run(&bench.place, "PRAGMA wal_checkpoint;");
        check_sound(&bench, true, true, "copied back");
        place_run(&bench.place, "INSERT INTO filler (bytes) VALUES ('begins a new one');");
        check_sound(&bench, true, true, "started over");
        place_run(&bench.place, "PRAGMA wal_checkpoint(TRUNCATE);");
        check_sound(&bench, true, true, "empty");
        place_release(&bench.place);
    }
}

static void a_log_that_was_cut_or_overwritten_does_not_fit(void)
{
    struct bench bench;
    bench_init(&bench, 10);
    long last = 32 + (long)(wal_index_pages(&bench.index) - 1) * FRAME_BYTES;
    CHECK(truncate(bench.log, last) == 0, "%s", bench.log);
    check_sound(&bench, true, false, "without its last frame");
    CHECK(truncate(bench.log, last + FRAME_BYTES) == 0, "%s", bench.log);
    check_sound(&bench, true, false, "with zeros for it");
    CHECK(truncate(bench.log, 0) == 0, "%s", bench.log);
    check_sound(&bench, true, false, "empty");
    place_release(&bench.place);

    bench_init(&bench, 10);
    write_at(bench.log, SALT_AT, "else", 4);
    check_sound(&bench, true, false, "with another header");
    place_release(&bench.place);

    bench_init(&bench, 10);
    write_at(bench.log, last + 16, "else", 4);
    check_sound(&bench, true, false, "with another checksum");
    place_release(&bench.place);
}

static void an_index_that_was_cut_is_built_anew(void)
{
    static const struct {
        int pages;
        off_t left;
        const char *what;
    } rows[] = {
        {10, HALF_INDEX, "the table of the first part"},
        {5000, REGION, "the second part"},
        {5000, REGION + HALF_INDEX, "the table of the second part"},
        {9000, 2 * REGION, "the third part"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench bench;
        bench_init(&bench, rows[i].pages);
        CHECK(truncate(bench.table, rows[i].left) == 0, "%s", rows[i].what);
        CHECK(truncate(bench.table, 3 * REGION) == 0, "%s", rows[i].what);
        check_sound(&bench, false, true, rows[i].what);
        wal_index_invalidate(&bench.index);
        CHECK_INTEGER(place_number(&bench.place, "SELECT count(*) FROM filler"), 2, "%s",
                      rows[i].what);
        check_sound(&bench, true, true, rows[i].what);
        place_release(&bench.place);
    }
}

static void a_database_without_a_log_has_no_index(void)
{
    struct bench bench = {.index = {.header = NULL}};
    place_init_from(&bench.place, "/dev/null");
    place_run(&bench.place, "CREATE TABLE filler (id INTEGER);");
    check_sound(&bench, true, true, "nothing to be told");
    wal_index_invalidate(&bench.index);
    CHECK(wal_index_moved(&bench.index), "it counts as moved");
    place_release(&bench.place);
}

static const CU_TestInfo tests[] = {
    {"any length of log is sound", any_length_of_log_is_sound},
    {"a log that was cut or overwritten does not fit",
     a_log_that_was_cut_or_overwritten_does_not_fit},
    {"an index that was cut is built anew", an_index_that_was_cut_is_built_anew},
    {"a database without a log has no index", a_database_without_a_log_has_no_index},
    CU_TEST_INFO_NULL,
};

const struct suite suite_wal_index = {"wal_index", tests};
