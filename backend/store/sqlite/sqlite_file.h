/*
 * SQLite's handle of one of a connection's files: the way to ask its VFS for what the SQL interface
 * does not offer.
 */
#ifndef STICKY_STORE_SQLITE_SQLITE_FILE_H
#define STICKY_STORE_SQLITE_SQLITE_FILE_H

#include <sqlite3.h>

/* The handle of the database file, owned by the connection; NULL when it is not open. */
static inline sqlite3_file *sqlite_file(sqlite3 *connection)
{
    sqlite3_file *file = NULL;
    int result = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return result == SQLITE_OK && file && file->pMethods ? file : NULL;
}

#endif
