#include "store/sqlite/wal_index.h"

#include <string.h>

#include "store/sqlite/sqlite_file.h"

/* The size in which SQLite maps the wal-index. */
#define REGION_BYTES 32768

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
