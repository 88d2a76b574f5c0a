/*
 * Tells without a system call whether anybody has committed since we looked.
 *
 * SQLite describes the log in shared memory, the wal-index behind FILE-shm. Every commit changes
 * its header, and so does starting the log over. Beginning and ending a read transaction costs two
 * thirds of finding a mapping, so a transaction is kept for as long as the header stays the same.
 *
 * The header is SQLite's own (https://sqlite.org/walformat.html, section 2.1) and may look
 * different in a version to come. So it is used only when
 *
 *   - this version of SQLite was tested, see wal_index_is_tested(),
 *   - the header says that it has the format which is known here, and
 *   - its two copies agree.
 *
 * Otherwise everything counts as moved: each question begins a transaction of its own, which is
 * slower and always right. The memory is only read, never written.
 */
#ifndef STICKY_STORE_SQLITE_WAL_INDEX_H
#define STICKY_STORE_SQLITE_WAL_INDEX_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* The first word of a header of the format that is known here. */
#define WAL_INDEX_FORMAT 3007000

/* 48 bytes; the header stands there twice, one copy behind the other. */
#define WAL_INDEX_HEADER_WORDS 12

struct wal_index {
    const volatile uint32_t *headers; /* SQLite's, both copies; NULL: there are none to be used */
    uint32_t seen[WAL_INDEX_HEADER_WORDS];
    bool has_seen; /* both copies were whole and the same */
};

/* Says whether the comparison was tested with a version, a number as SQLITE_VERSION_NUMBER is. */
bool wal_index_is_tested(int sqlite_version);

/*
 * Finds the header of a connection that has read from a database in WAL mode. It is valid until the
 * connection is closed.
 */
void wal_index_attach(struct wal_index *index, sqlite3 *connection);

/* Forgets the header, since the connection is closed. */
void wal_index_detach(struct wal_index *index);

/* Remembers the header as it is now. */
void wal_index_look(struct wal_index *index);

/*
 * How long the log must be at least by the header that was seen; 0 without one. Pages are written
 * before the header says so, and the header changes before a log is truncated.
 */
int64_t wal_index_log_bytes(const struct wal_index *index);

/* Says whether it has changed since, or may have. */
bool wal_index_moved(const struct wal_index *index);

/* Says whether it was looked at and is known to have changed since. */
bool wal_index_has_changed(const struct wal_index *index);

#endif
