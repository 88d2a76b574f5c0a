/*
 * The files that SQLite keeps beside the database, FILE-wal and FILE-shm, and whether they are
 * still those that a connection has open.
 *
 * Somebody may delete or truncate them while we serve. SQLite does not notice: it goes on in files
 * that nobody else can reach, and processes that came later use other ones, each sure of its locks.
 */
#ifndef STICKY_STORE_SQLITE_SIDECARS_H
#define STICKY_STORE_SQLITE_SIDECARS_H

#include <stdbool.h>
#include <sys/stat.h>

enum sidecars_state {
    SIDECARS_SAME,
    SIDECARS_LOG_GONE,   /* FILE-wal alone */
    SIDECARS_INDEX_GONE, /* FILE-shm, or it is shorter than it was */
    SIDECARS_LOG_SPOILT, /* it is there, but does not hold what the index says; not found here */
};

struct sidecars {
    bool known;
    struct stat log, index;
};

/* Remembers both as they are now; not known when one is not there. */
void sidecars_look(struct sidecars *sidecars, const char *path);

/* Compares. Those that are not known count as the same. */
enum sidecars_state sidecars_check(struct sidecars *sidecars, const char *path);

#endif
