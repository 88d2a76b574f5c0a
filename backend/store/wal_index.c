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

/* The word of the header that every commit adds one to. */
#define CHANGES_WORD 2

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
