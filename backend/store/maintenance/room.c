#include "store/maintenance/room.h"

#include <sys/statvfs.h>

/*
 * The log must always find room to be copied to the file, and some more for what is written between
 * two looks.
 */
#define DISK_SPARE_BYTES (8LL * 1024 * 1024)

/*
 * The bytes of the file that are in use, without pages that wait to be used again; -1 on failure.
 */
static int64_t used_bytes(struct database *database)
{
    static const enum query queries[] = {QUERY_PAGE_COUNT, QUERY_FREE_PAGES, QUERY_PAGE_SIZE};
    int64_t values[3];
    for (int i = 0; i < 3; i++) {
        sqlite3_stmt *statement = database_statement(database, queries[i]);
        bool found = sqlite3_step(statement) == SQLITE_ROW;
        values[i] = found ? sqlite3_column_int64(statement, 0) : 0;
        sqlite3_reset(statement);
        if (!found)
            return -1;
    }
    return (values[0] - values[1]) * values[2];
}

/* A file system without blocks, such as a tmpfs without a limit, does not say what is left. */
static bool disk_is_short(const struct database *database)
{
    struct statvfs disk;
    if (statvfs(database->path, &disk) != 0 || disk.f_blocks == 0)
        return false;
    return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize <
           database_log_file(database).st_size + DISK_SPARE_BYTES;
}

enum room room_of(struct database *database, int64_t max_bytes)
{
    if (disk_is_short(database))
        return ROOM_DISK_SHORT;
    return used_bytes(database) > max_bytes ? ROOM_TABLE_FULL : ROOM_ENOUGH;
}
