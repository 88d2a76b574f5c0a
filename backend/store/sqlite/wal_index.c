#include "store/sqlite/wal_index.h"

#include <string.h>

#include "store/sqlite/sqlite_file.h"

/* The size in which SQLite maps the wal-index. */
#define REGION_BYTES 32768

/* Where the header says how large a page is, and how many pages the log has. */
#define PAGE_BYTES_AT 14
#define LOG_PAGES_WORD 4

/* What the log has besides: a header, and one for each page. */
#define LOG_HEADER_BYTES 32
#define PAGE_HEADER_BYTES 24

/*
 * The versions with which test/unit/test_wal_index.c and the whole of test/integration passed. A
 * row is added when they have passed with another one.
 */
static const struct {
    int first, last;
} tested[] = {
    {3040001, 3040001}, /* Debian 12 */
    {3046001, 3046001}, /* Debian 13 */
};

bool wal_index_is_tested(int sqlite_version)
{
    for (size_t i = 0; i < sizeof tested / sizeof *tested; i++)
        if (sqlite_version >= tested[i].first && sqlite_version <= tested[i].last)
            return true;
    return false;
}

void wal_index_attach(struct wal_index *index, sqlite3 *connection)
{
    volatile void *region = NULL;
    sqlite3_file *file = sqlite_file(connection);
    *index = (struct wal_index){.headers = NULL};
    if (file && file->pMethods->iVersion >= 2 && wal_index_is_tested(sqlite3_libversion_number()) &&
        file->pMethods->xShmMap(file, 0, REGION_BYTES, 0, &region) == SQLITE_OK)
        index->headers = region;
}

void wal_index_detach(struct wal_index *index)
{
    *index = (struct wal_index){.headers = NULL};
}

/*
 * SQLite writes the second copy first and the first one last, so that one which is being written
 * differs from the other.
 */
void wal_index_look(struct wal_index *index)
{
    bool same = index->headers != NULL;
    for (int i = 0; same && i < WAL_INDEX_HEADER_WORDS; i++) {
        index->seen[i] = index->headers[i];
        same = index->seen[i] == index->headers[WAL_INDEX_HEADER_WORDS + i];
    }
    index->has_seen = same && index->seen[0] == WAL_INDEX_FORMAT;
}

int64_t wal_index_log_bytes(const struct wal_index *index)
{
    uint16_t page_bytes;
    if (!index->has_seen || index->seen[LOG_PAGES_WORD] == 0)
        return 0;
    memcpy(&page_bytes, (const char *)index->seen + PAGE_BYTES_AT, sizeof page_bytes);
    int64_t bytes = page_bytes == 1 ? 65536 : page_bytes; /* which 16 bits cannot say */
    return LOG_HEADER_BYTES + index->seen[LOG_PAGES_WORD] * (PAGE_HEADER_BYTES + bytes);
}

bool wal_index_has_changed(const struct wal_index *index)
{
    if (!index->has_seen)
        return false;
    for (int i = 0; i < WAL_INDEX_HEADER_WORDS; i++)
        if (index->seen[i] != index->headers[i] ||
            index->seen[i] != index->headers[WAL_INDEX_HEADER_WORDS + i])
            return true;
    return false;
}

bool wal_index_moved(const struct wal_index *index)
{
    return !index->has_seen || wal_index_has_changed(index);
}
