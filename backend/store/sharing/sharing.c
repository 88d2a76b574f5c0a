/*
 * The connection, its transactions, and what is set up: the tables `share`, `peer` and `setting`.
 * What was changed here is in sharing_changes.c, what comes from others in sharing_apply.c, and all
 * rows in order in sharing_pages.c.
 */
#include "store/sharing/sharing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/sharing/sharing_parts.h"
#include "system/clock.h"
#include "system/machine.h"

/* SQLite's lock is held for some milliseconds at a time; the thread has other things to do. */
#define LOCK_WAIT_MS 200

/* A look at SQLite's files takes three system calls, so it holds for so long. */
#define FRESH_MS 1

int sharing_new(const char *path, struct sharing **ret_sharing)
{
    struct sharing *sharing = calloc(1, sizeof *sharing);
    if (!sharing)
        return ERR_NOMEM;
    if (database_init(&sharing->database, path, LOCK_WAIT_MS) != 0) {
        free(sharing);
        return ERR_NOMEM;
    }
    sharing->database.no_triggers = true;
    sharing->settings = settings_default();
    *ret_sharing = sharing;
    return 0;
}

void sharing_free(struct sharing *sharing)
{
    if (!sharing)
        return;
    sharing_names_release(&sharing->names);
    buffer_release(&sharing->copied.text);
    database_release(&sharing->database);
    free(sharing);
}

/* ---------------------------------------------------------------- transactions */

static int open_database(struct sharing *sharing, struct error *error)
{
    int64_t now_ms = clock_monotonic_ms();
    int code = database_check(&sharing->database, FRESH_MS, now_ms, error);
    return code == 0 ? database_open(&sharing->database, now_ms, error) : code;
}

int sharing_begin(struct sharing *sharing, struct error *error)
{
    int code = open_database(sharing, error);
    if (code == 0)
        code = database_begin(&sharing->database, &sharing->revision, error);
    if (code != 0)
        return code;
    code = sharing_names_refresh(&sharing->names, &sharing->database,
                                 sharing->revision.configuration, error);
    if (code != 0)
        sharing_end(sharing);
    return code;
}

void sharing_end(struct sharing *sharing)
{
    database_end(&sharing->database);
}

/*
 * Nothing is written into a database that is older than what was written to it last: a backup was
 * restored. sharing_load() compares the same two times, and tells of it.
 */
static int check_not_restored(struct sharing *sharing, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_STATE_WRITTEN);
    int code = sharing_step(sharing, statement, error);
    int64_t written_at = code == 0 ? sqlite3_column_int64(statement, 0) : sharing->state_at;
    sqlite3_reset(statement);
    if (code == ERR_NOTFOUND || (code == 0 && written_at >= sharing->state_at))
        return 0;
    return code != 0 ? code : error_set(error, ERR_BUSY, "a backup was just restored");
}

int sharing_begin_writing(struct sharing *sharing, struct error *error)
{
    struct database *database = &sharing->database;
    int code = open_database(sharing, error);
    if (code == 0 && database->read_only[0])
        code = error_set(error, ERR_READONLY, "%s", database->read_only);
    if (code == 0)
        code = database_run(database, database_statement(database, QUERY_BEGIN),
                            "mappings of other name servers cannot be written", error);
    if (code == ERR_BUSY)
        database->lock_wait_ms = 0;
    if (code != 0)
        return code;
    code = database_begin(database, &sharing->revision, error);
    database_end(database);
    if (code == 0)
        code = sharing_names_refresh(&sharing->names, database, sharing->revision.configuration,
                                     error);
    if (code == 0)
        code = check_not_restored(sharing, error);
    return code == 0 ? 0 : sharing_end_writing(sharing, code, error);
}

void sharing_begin_turn(struct sharing *sharing)
{
    sharing->database.lock_wait_ms = sharing->database.usual_wait_ms;
}

int sharing_end_writing(struct sharing *sharing, int code, struct error *error)
{
    struct database *database = &sharing->database;
    if (code == 0)
        code = database_run(database, database_statement(database, QUERY_COMMIT),
                            "mappings of other name servers cannot be written", error);
    if (code != 0 && !sqlite3_get_autocommit(database->connection))
        (void)database_run(database, database_statement(database, QUERY_ROLLBACK), "", NULL);
    return code;
}

int sharing_step(struct sharing *sharing, sqlite3_stmt *statement, struct error *error)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 0;
    int code = result == SQLITE_DONE
                   ? ERR_NOTFOUND
                   : database_error(&sharing->database, result, "cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/* ---------------------------------------------------------------- what is set up */

bool share_peer_equal(const struct share_peer *a, const struct share_peer *b)
{
    return a->node == b->node && strcmp(a->url, b->url) == 0 && strcmp(a->name, b->name) == 0;
}

/* NULL becomes "". False when there is not enough room. */
static bool copy_text(sqlite3_stmt *row, int column, char *ret_text, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return snprintf(ret_text, size, "%s", text ? text : "") < (int)size;
}

static int too_long(struct sharing *sharing, const char *table, struct error *error)
{
    return error_set(error, ERR_INVAL, "%s: a text of table %s is longer than %d octets",
                     sharing->database.path, table, SHARE_PATH_MAX - 1);
}

static bool copy_row(sqlite3_stmt *row, struct share_setup *setup)
{
    setup->node = sqlite3_column_int64(row, 0);
    setup->incarnation = sqlite3_column_int64(row, 1);
    setup->batch = sqlite3_column_int64(row, 2);
    setup->follow = sqlite3_column_int64(row, 9);
    return copy_text(row, 4, setup->name, sizeof setup->name) &&
           copy_text(row, 5, setup->url, sizeof setup->url) &&
           copy_text(row, 6, setup->ca, sizeof setup->ca) &&
           copy_text(row, 7, setup->certificate, sizeof setup->certificate) &&
           copy_text(row, 8, setup->key, sizeof setup->key);
}

/* Where the file is: on which machine, and which one there. */
static void write_place(const struct sharing *sharing, char ret_place[static 64])
{
    snprintf(ret_place, 64, "%016" PRIx64 ":%" PRIu64, machine_number(),
             (uint64_t)sharing->database.identity.st_ino);
}

/* Notes when the state was written (0: not yet), and says whether it was known as a later one. */
static bool note_state(struct sharing *sharing, int64_t written_at)
{
    bool is_older = written_at != 0 && written_at < sharing->state_at;
    sharing->state_at = written_at;
    return is_older;
}

/* `ret_moved`: the row was written for a file that was somewhere else. */
static int read_row(struct sharing *sharing, struct share_setup *setup, bool *ret_moved,
                    struct error *error)
{
    char here[64], there[64];
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_ROW);
    int code = sharing_step(sharing, statement, error);
    if (code == ERR_NOTFOUND)
        return error_set(error, ERR_CORRUPT, "%s: the row of table share is gone",
                         sharing->database.path);
    if (code != 0)
        return code;
    if (!copy_row(statement, setup))
        code = too_long(sharing, "share", error);
    write_place(sharing, here);
    copy_text(statement, 3, there, sizeof there);
    *ret_moved = strcmp(here, there) != 0;
    setup->restored = note_state(sharing, sqlite3_column_int64(statement, 10));
    sqlite3_reset(statement);
    return code;
}

static bool copy_peer(sqlite3_stmt *row, struct share_setup *setup)
{
    struct share_peer *peer = &setup->peers[setup->peer_count++];
    peer->node = sqlite3_column_int64(row, 0);
    return copy_text(row, 1, peer->name, sizeof peer->name) &&
           copy_text(row, 2, peer->url, sizeof peer->url);
}

static int read_peers(struct sharing *sharing, struct share_setup *setup, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_PEERS);
    int code = 0;
    while (code == 0 && setup->peer_count < SHARE_PEERS_MAX &&
           (code = sharing_step(sharing, statement, error)) == 0)
        if (!copy_peer(statement, setup))
            code = too_long(sharing, "peer", error);
    sqlite3_reset(statement);
    return code == ERR_NOTFOUND ? 0 : code;
}

/* One that is unknown or out of range is the backend's to report. */
static int read_settings(struct sharing *sharing, struct settings *settings, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SETTINGS);
    int code;
    *settings = settings_default();
    while ((code = sharing_step(sharing, statement, error)) == 0) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        if (name)
            (void)settings_set(settings, name, sqlite3_column_int64(statement, 1));
    }
    return code == ERR_NOTFOUND ? 0 : code;
}

static int read_setup(struct sharing *sharing, struct share_setup *setup, bool *ret_moved,
                      struct error *error)
{
    int code = sharing_begin(sharing, error);
    if (code != 0)
        return code;
    code = read_row(sharing, setup, ret_moved, error);
    if (code == 0)
        code = read_peers(sharing, setup, error);
    if (code == 0)
        code = read_settings(sharing, &setup->settings, error);
    sharing_end(sharing);
    return code;
}

/* What a copy of a database tells must not be taken for what the original tells. */
static int renew_incarnation(struct sharing *sharing, struct error *error)
{
    char here[64];
    int code = sharing_begin_writing(sharing, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(&sharing->database, QUERY_SHARE_INCARNATION);
    write_place(sharing, here);
    sqlite3_bind_text(statement, 1, here, -1, SQLITE_TRANSIENT);
    code = database_run(&sharing->database, statement, "table share cannot be written", error);
    return sharing_end_writing(sharing, code, error);
}

int sharing_load(struct sharing *sharing, struct share_setup *ret_setup, struct error *error)
{
    struct share_setup setup = {0};
    bool moved = false;
    int code = read_setup(sharing, &setup, &moved, error);
    if (code == 0 && moved && setup.node != 0) {
        code = renew_incarnation(sharing, error);
        setup = (struct share_setup){0};
        if (code == 0)
            code = read_setup(sharing, &setup, &moved, error);
    }
    if (code != 0)
        return code;
    sharing->settings = setup.settings;
    *ret_setup = setup;
    return 0;
}

bool sharing_has_changed(struct sharing *sharing)
{
    struct database *database = &sharing->database;
    if (!database->connection)
        return true;
    bool is_same = sharing->opening != 0 && sharing->opening == database->openings;
    if (is_same && !wal_index_moved(&database->wal_index))
        return false;
    wal_index_look(&database->wal_index);
    sqlite3_stmt *statement = database_statement(database, QUERY_DATA_VERSION);
    bool known = sqlite3_step(statement) == SQLITE_ROW;
    int64_t version = known ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    if (known && is_same && sharing->data_version == version)
        return false;
    sharing->opening = known ? database->openings : 0;
    sharing->data_version = version;
    return true;
}
