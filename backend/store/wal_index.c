#include "store/wal_index.h"

#include <stddef.h>

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

bool wal_index_moved(const struct wal_index *index)
{
    if (!index->header)
        return true;
    for (int i = 0; i < WAL_INDEX_HEADER_WORDS; i++)
        if (index->seen[i] != index->header[i])
            return true;
    return false;
}
