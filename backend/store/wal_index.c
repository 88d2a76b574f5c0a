#include "store/wal_index.h"

#include <stddef.h>
#include <string.h>

/* The size in which SQLite maps the wal-index. */
#define WAL_INDEX_REGION_BYTES 32768

void wal_index_attach(struct wal_index *index, sqlite3 *connection)
{
    sqlite3_file *file = NULL;
    volatile void *region = NULL;
    index->header = NULL;
    if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
        file && file->pMethods && file->pMethods->iVersion >= 2 &&
        file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION_BYTES, 0, &region) == SQLITE_OK)
        index->header = region;
}

void wal_index_look(struct wal_index *index)
{
    for (int i = 0; index->header && i < WAL_INDEX_HEADER_WORDS; i++)
        index->seen[i] = index->header[i];
}

/* Words of the header: every commit adds one to the first; the others count pages. */
#define CHANGES_WORD 2
#define PAGES_WORD 4
#define COPIED_WORD WAL_INDEX_HEADER_WORDS /* right behind it */

void wal_index_commit(struct wal_index *index)
{
    struct wal_index now = *index;
    wal_index_look(&now);
    bool whole = memcmp(now.seen, now.seen + WAL_INDEX_HEADER_WORDS / 2, sizeof now.seen / 2) == 0;
    if (whole && now.seen[CHANGES_WORD] == index->seen[CHANGES_WORD] + 1)
        *index = now;
}

bool wal_index_moved(const struct wal_index *index)
{
    if (!index->header)
        return true;
    for (int i = 0; i < WAL_INDEX_HEADER_WORDS; i++)
        if (index->seen[i] != index->header[i])
            return true;
    return false;
}

uint32_t wal_index_commits(const struct wal_index *index)
{
    return index->header ? index->header[CHANGES_WORD] : 0;
}

uint32_t wal_index_pages(const struct wal_index *index)
{
    return index->header ? index->header[PAGES_WORD] : 0;
}

uint32_t wal_index_backlog(const struct wal_index *index)
{
    uint32_t pages = wal_index_pages(index);
    uint32_t copied = index->header ? index->header[COPIED_WORD] : 0;
    return pages > copied ? pages - copied : 0; /* between two looks the log may start over */
}
