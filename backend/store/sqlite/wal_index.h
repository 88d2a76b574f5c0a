/*
 * Tells without a system call whether anybody has committed since we looked, and how long the log
 * is.
 *
 * Every commit changes the header of the wal-index, the shared memory behind FILE-shm, and so does
 * starting the log over (https://sqlite.org/walformat.html, section 2.1). SQLite maps that memory
 * for each connection; here its header is only compared. Beginning and ending a read transaction
 * costs two thirds of finding a mapping, so a transaction is kept as long as the header stays the
 * same.
 */
#ifndef STICKY_STORE_SQLITE_WAL_INDEX_H
#define STICKY_STORE_SQLITE_WAL_INDEX_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* The header stands there twice, 48 bytes each. */
#define WAL_INDEX_HEADER_WORDS (2 * 48 / 4)

struct wal_index {
    volatile uint32_t *header; /* SQLite's; valid while the connection is open; NULL: none */
    sqlite3_file *file;        /* the same */
    uint32_t seen[WAL_INDEX_HEADER_WORDS];
};

/*
 * Finds the header of a connection that has read from a database in WAL mode. Without one,
 * everything counts as moved.
 */
void wal_index_attach(struct wal_index *index, sqlite3 *connection);

/* Remembers the header as it is now. */
void wal_index_look(struct wal_index *index);

/*
 * After a commit of our own: takes the header for seen if nobody else has committed since it was
 * looked at.
 */
void wal_index_commit(struct wal_index *index);

/* A number that every commit, by anybody, moves; 0 without a header. */
uint32_t wal_index_commits(const struct wal_index *index);

/* The pages in the log, and those of them that are not copied back yet; 0 without a header. */
uint32_t wal_index_pages(const struct wal_index *index);
uint32_t wal_index_backlog(const struct wal_index *index);

/*
 * Says whether each part of the index finds the first and the last of its frames: what was cut off
 * and has grown again is zeros. True when it cannot be told, since the header changes right now.
 */
bool wal_index_finds_frames(const struct wal_index *index);

/*
 * Makes all programs that have it open, shells too, build the index anew from the log before they
 * read again. The connection must be one that may write.
 */
void wal_index_invalidate(const struct wal_index *index);

/*
 * Says whether the log holds what the header tells of it: the same salts, and as its last frame the
 * one with that checksum. True when it cannot be told, since the header changes right now or the
 * disk does not answer.
 */
bool wal_index_fits_log(const struct wal_index *index, sqlite3 *connection);

/* Says whether it has changed since, or may have. */
bool wal_index_moved(const struct wal_index *index);

#endif
