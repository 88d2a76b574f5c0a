#include "store/sqlite/wal_index.h"

#include <string.h>
#include <sys/stat.h>

#include "fixture.h"
#include "suites.h"

/* Where the header counts commits. */
#define COMMITS_WORD 2

/* A header of our own in the place of SQLite's. */
struct header {
    volatile uint32_t words[2 * WAL_INDEX_HEADER_WORDS];
    struct wal_index index;
};

static void header_init(struct header *header)
{
    for (size_t i = 0; i < COUNT(header->words); i++)
        header->words[i] = 100 + (uint32_t)(i % WAL_INDEX_HEADER_WORDS);
    header->words[0] = header->words[WAL_INDEX_HEADER_WORDS] = WAL_INDEX_FORMAT;
    header->index = (struct wal_index){.headers = header->words};
}

/* Another transaction was committed; with `whole` false only the second copy tells of it yet. */
static void commit(struct header *header, bool whole)
{
    header->words[WAL_INDEX_HEADER_WORDS + COMMITS_WORD]++;
    if (whole)
        header->words[COMMITS_WORD]++;
}

static void what_is_looked_at_has_not_moved_until_it_changes(void)
{
    for (int word = 0; word < 2 * WAL_INDEX_HEADER_WORDS; word++) {
        struct header header;
        header_init(&header);
        CHECK(wal_index_moved(&header.index), "not looked at yet");
        CHECK(!wal_index_has_changed(&header.index), "nor known to have changed");
        wal_index_look(&header.index);
        CHECK(!wal_index_moved(&header.index), "as it was seen");
        header.words[word] ^= 1;
        CHECK(wal_index_moved(&header.index), "word %d", word);
        CHECK(wal_index_has_changed(&header.index), "word %d", word);
    }
}

static void two_copies_that_differ_are_not_trusted(void)
{
    struct header header;
    header_init(&header);
    commit(&header, false);
    wal_index_look(&header.index);
    CHECK(!header.index.has_seen, "somebody is writing it");
    CHECK(wal_index_moved(&header.index), "so it counts as moved");
    CHECK(!wal_index_has_changed(&header.index), "but is not known to have changed");
    header.words[COMMITS_WORD]++;
    wal_index_look(&header.index);
    CHECK(!wal_index_moved(&header.index), "both are the same again");
}

static void a_header_of_another_format_is_not_trusted(void)
{
    static const uint32_t formats[] = {0, WAL_INDEX_FORMAT - 1, WAL_INDEX_FORMAT + 1,
                                       __builtin_bswap32(WAL_INDEX_FORMAT), UINT32_MAX};
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct header header;
        header_init(&header);
        header.words[0] = header.words[WAL_INDEX_HEADER_WORDS] = formats[i];
        wal_index_look(&header.index);
        CHECK(wal_index_moved(&header.index), "format %u", formats[i]);
    }
}

static void a_version_that_was_not_tested_is_not_trusted(void)
{
    static const struct {
        int version;
        bool tested;
    } rows[] = {{3040001, true},  {3046001, true},  {3040000, false}, {3040002, false},
                {3046000, false}, {3046002, false}, {3037000, false}, {3051003, false},
                {0, false},       {4000000, false}};
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK(wal_index_is_tested(rows[i].version) == rows[i].tested, "%d", rows[i].version);
}

/* With a version of SQLite that was not tested there is no header, which is checked as well. */
static void a_connection_with_a_log_has_a_header(void)
{
    struct place place;
    struct wal_index index;
    struct stat status;
    char log[PLACE_PATH_MAX];
    bool tested = wal_index_is_tested(sqlite3_libversion_number());
    place_init(&place);
    CHECK(place_number(&place, "SELECT count(*) FROM pool") == 0, "it has read");
    wal_index_attach(&index, place.shell);
    CHECK((index.headers != NULL) == tested, "%s", sqlite3_libversion());
    wal_index_look(&index);
    CHECK(wal_index_moved(&index) == !tested, "nobody has written");
    place_run(&place, "INSERT INTO ldns_group (cidr, name) VALUES ('192.0.2.0/24', 'office')");
    CHECK(wal_index_moved(&index), "a commit");
    wal_index_look(&index);
    CHECK(wal_index_moved(&index) == !tested, "it was looked at again");
    place_run(&place, "PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK(wal_index_has_changed(&index) == tested, "the log is started over");
    wal_index_look(&index);
    CHECK_INTEGER(wal_index_log_bytes(&index), 0, "nothing has to be there");
    place_run(&place, "DELETE FROM ldns_group");
    place_name(&place, "sticky.sqlite-wal", log);
    CHECK(stat(log, &status) == 0, "%s", log);
    wal_index_look(&index);
    CHECK_INTEGER(wal_index_log_bytes(&index), tested ? status.st_size : 0, "all of it");
    wal_index_detach(&index);
    CHECK(wal_index_moved(&index) && !wal_index_has_changed(&index), "closed");
    place_release(&place);
}

static const CU_TestInfo tests[] = {
    {"what is looked at has not moved until it changes",
     what_is_looked_at_has_not_moved_until_it_changes},
    {"two copies that differ are not trusted", two_copies_that_differ_are_not_trusted},
    {"a header of another format is not trusted", a_header_of_another_format_is_not_trusted},
    {"a version that was not tested is not trusted", a_version_that_was_not_tested_is_not_trusted},
    {"a connection with a log has a header", a_connection_with_a_log_has_a_header},
    CU_TEST_INFO_NULL,
};

const struct suite suite_wal_index = {"wal_index", tests};
