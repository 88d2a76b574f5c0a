/*
 * One connection to the database file with its prepared statements. Inside of the store only; this
 * and the files beside it are the only ones that know SQLite.
 */
#ifndef STICKY_STORE_SQLITE_DATABASE_H
#define STICKY_STORE_SQLITE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "store/sqlite/queries.h"
#include "store/sqlite/wal_index.h"

/* "PSTY" in the file's header (PRAGMA application_id). */
#define DATABASE_APPLICATION_ID 0x50535459
/* The version of schema/schema.sql (PRAGMA user_version). */
#define DATABASE_VERSION 1

struct database {
    char *path;          /* owned */
    sqlite3 *connection; /* NULL: not open */
    sqlite3_stmt *statements[QUERY_COUNT];
    struct stat identity; /* of the file that is open */
    int64_t openings;     /* how often one was */
    unsigned losses;      /* of mapped pages, when it was opened (page_guard.h) */
    bool immutable;       /* open without log and locks, since those cannot be made beside it */
    int64_t reopen_ms;    /* monotonic: until when one that is read-only or older may stay open */
    bool log;             /* in WAL mode, as it should be */
    bool reading;         /* a read transaction is begun */
    int lock_wait_ms;     /* how long a lock is waited for */
    int64_t waiting_ms;   /* monotonic: when that began */
    struct wal_index wal_index;
    bool stale;                     /* an error that a new connection may mend has happened */
    char read_only[ERROR_TEXT_MAX]; /* why nothing can be written, or "" */
    int64_t version;                /* of the file */
    char older[ERROR_TEXT_MAX];     /* that it is of an older version, or "" */
};

/*
 * Opens the file unless the one that `path` means is open already. `now_ms` is monotonic. 0, or a
 * code with `error` set.
 */
int database_open(struct database *database, int64_t now_ms, struct error *error);

/* Closes the connection, if any; the struct can be opened again. */
void database_close(struct database *database);

/* A statement that is reset and has no bindings. */
sqlite3_stmt *database_statement(struct database *database, enum query query);

/*
 * Steps a statement that gives no rows and resets it. 0, or a code with `error` set, where `doing`
 * says what failed.
 */
int database_run(struct database *database, sqlite3_stmt *statement, const char *doing,
                 struct error *error);

/*
 * Begins a read transaction, and gives the row that it begins with: the numbers of table
 * `revision`. A statement that writes then commits by itself, and reading goes on from there. 0, or
 * a code with `error` set.
 */
int database_begin(struct database *database, int64_t *ret_configuration, int64_t *ret_metrics,
                   int64_t *ret_topology, struct error *error);

/*
 * SQLite's handle of a connection's file (SQLITE_FCNTL_FILE_POINTER) or of its log
 * (SQLITE_FCNTL_JOURNAL_POINTER); NULL when that is not open.
 */
sqlite3_file *database_file(sqlite3 *connection, int which);

/* Ends the transaction, if there is one. */
void database_end(struct database *database);

/* Turns SQLite's last error into ours, with words; `doing` says what failed. */
int database_error(struct database *database, int result, const char *doing, struct error *error);

#endif
