/*
 * One connection to the database file with its prepared statements, and what lies beside the file:
 * its lock file, and the watch over SQLite's own files. Only the rooms of the store know it.
 *
 * The path may lead through symbolic links. They are followed when the file is opened, as SQLite
 * does it, so the files beside it (-wal, -shm, -lock) are those of the file itself, whatever path a
 * process was given. A link that leads elsewhere means another file.
 *
 * One struct belongs to one thread. Times are monotonic.
 */
#ifndef STICKY_STORE_SQLITE_DATABASE_H
#define STICKY_STORE_SQLITE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "store/sqlite/file_check.h"
#include "store/sqlite/queries.h"
#include "store/sqlite/wal_index.h"
#include "system/lock_file.h"

/* "PSTY" in the file's header (PRAGMA application_id). */
#define DATABASE_APPLICATION_ID 0x50535459
/* The version of schema/schema.sql (PRAGMA user_version). */
#define DATABASE_VERSION 1

/*
 * Gives a row if the tables are ours but the header does not say so: `.dump` of the sqlite3 shell
 * leaves out both pragmas.
 */
#define DATABASE_WITHOUT_HEADER_SQL                                                                \
    "SELECT 1 FROM pragma_application_id AS a, pragma_user_version AS v"                           \
    " WHERE a.application_id = 0 AND v.user_version = 0"                                           \
    " AND (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN"                    \
    " ('balanced_name', 'controller', 'persistence', 'pool', 'record', 'revision', 'setting',"     \
    " 'virtual_server', 'zone')) = 9"

struct database {
    char *path;          /* as it was given; owned */
    char *real_path;     /* of the file that was opened last; owned; NULL: none was */
    sqlite3 *connection; /* NULL: not open */
    sqlite3_stmt *statements[QUERY_COUNT];
    struct stat identity; /* of the file that is open */
    int64_t openings;     /* how often one was */
    int64_t reopen_ms;    /* until when one that can only be read may stay open */
    bool ready;           /* it is open, and is a database of ours */
    bool immutable;       /* open without log and locks, since those cannot be made beside it */
    bool log;             /* in WAL mode, as it should be */
    bool in_transaction;  /* a read transaction is begun */
    bool stale;           /* an error that a new connection may mend has happened */
    bool no_triggers;     /* the schema's triggers do not run; set by the owner after the init */
    int usual_wait_ms;    /* how long a lock is waited for, as the owner wants it */
    int lock_wait_ms;     /* how long the next one is */
    int64_t waited_ns;    /* how long that one was waited for */
    int64_t log_pages;    /* in the log at the last commit of this connection */
    struct wal_index wal_index;
    struct lock_file lock;
    struct file_check check;
    bool is_newer;                  /* of a version that this program does not know */
    char read_only[ERROR_TEXT_MAX]; /* why nothing can be written, or "" */
};

/* Touches no file. `path` is copied. 0 or ERR_NOMEM. */
int database_init(struct database *database, const char *path, int usual_wait_ms);

/* Closes everything; may be called on a struct of zeros. */
void database_release(struct database *database);

/*
 * Opens the file unless the one that `path` means is open already. 0, or a code with `error` set.
 */
int database_open(struct database *database, int64_t now_ms, struct error *error);

/* Closes the connection, if any, and keeps the lock file; the struct can be opened again. */
void database_close(struct database *database);

/*
 * Looks whether the files beside the database are still those that were opened. If they are not,
 * closes the connection and returns ERR_IO with `error` set; see file_check.h. To be called before
 * each transaction and each write. Does not look again when it did so in the last `fresh_ms`,
 * unless SQLite has found damage since.
 */
int database_check(struct database *database, int fresh_ms, int64_t now_ms, struct error *error);

/* Opens the lock file if that could not be done before. */
void database_open_lock(struct database *database);

/*
 * A statement that is reset and has no bindings, prepared at its first use: most processes use few.
 * NULL where that failed, which SQLite's functions take; database_error() knows why.
 */
sqlite3_stmt *database_statement(struct database *database, enum query query);

/*
 * Steps a statement that gives no rows and resets it. 0, or a code with `error` set, where `doing`
 * says what failed.
 */
int database_run(struct database *database, sqlite3_stmt *statement, const char *doing,
                 struct error *error);

/* Numbers of table `revision`, drawn at random when what they stand for changes. */
struct revision_row {
    int64_t configuration, metrics, topology;
    int64_t mappings; /* changes by others than the writer */
    int64_t node;     /* of table `share`; 0: nothing is shared */
};

/*
 * Begins a read transaction, and gives the row that it begins with. 0, or a code with `error` set.
 */
int database_begin(struct database *database, struct revision_row *ret_row, struct error *error);

/* The numbers that decide what claims on this database are worth. */
struct generation {
    int64_t identity; /* of this database, from its making on; a copy has the same */
    int64_t mappings; /* see struct revision_row */
    int64_t node;     /* likewise */
};

/* 0, or a code with `error` set. */
int database_read_generation(struct database *database, struct generation *ret_generation,
                             struct error *error);

/* Ends the transaction, if there is one. */
void database_end(struct database *database);

/* The log as a file: its size, and by the rest whether it is the same one. Zeros without one. */
struct stat database_log_file(const struct database *database);

/* Turns SQLite's last error into ours, with a sentence; `doing` says what failed. */
int database_error(struct database *database, int result, const char *doing, struct error *error);

/*
 * For the two files of this header alone. Opens the connection to `real_path`: 0, or a code with
 * `error` set and no connection. Closes it.
 */
int database_connect(struct database *database, struct error *error);
void database_disconnect(struct database *database);

/* ERR_FOREIGN with `error` set. */
int database_is_foreign(const struct database *database, struct error *error);

/* What to say where SQLite gives up (SQLITE_PROTOCOL): its header stays half written. */
#define DATABASE_STUCK "a process that is stopped was just committing"

/* A restored backup (VACUUM INTO), as long as somebody keeps it from being put right. */
#define DATABASE_NO_LOG                                                                            \
    "it is not in WAL mode, as a restored backup is not, so whoever reads it delays new mappings;" \
    " it is changed as soon as no other program reads it"

/* Takes the owner's and our own uid. */
#define DATABASE_ADVICE                                                                            \
    "it belongs to uid %ld, this is uid %ld; it, its -wal and -shm and the directory must belong"  \
    " to the user PowerDNS runs as, who can write them"

#endif
