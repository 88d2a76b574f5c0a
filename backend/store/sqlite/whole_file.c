#include "store/sqlite/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/database.h"
#include "store/sqlite/direct.h"

/* ---------------------------------------------------------------- making one */

/* Deletes what was begun, with SQLite's files beside it. */
static void delete_files(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    struct buffer name = {0};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        buffer_clear(&name);
        buffer_printf(&name, "%s%s", path, ends[i]);
        if (!name.failed)
            unlink(name.data);
    }
    buffer_release(&name);
}

static int run_schema(const char *path, const char *sql, const char *schema, struct error *error)
{
    sqlite3 *connection = NULL;
    int code = direct_open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &connection, error);
    if (code == 0)
        code = direct_execute(connection, sql, schema, error);
    direct_close(connection);
    if (code != 0)
        delete_files(path);
    return code;
}

int store_create(const char *path, const char *schema, struct error *error)
{
    struct buffer sql = {0};
    struct stat status;
    if (stat(path, &status) == 0 && status.st_size > 0)
        return error_set(error, ERR_INVAL, "%s is there already; nothing changed", path);
    int code = direct_read_file(schema, &sql, error);
    if (code == ERR_NOTFOUND)
        code = error_set(error, code, "%s is not there: is pdns-sticky installed?", schema);
    if (code == 0)
        code = run_schema(path, sql.data, schema, error);
    buffer_release(&sql);
    return code;
}

/* ---------------------------------------------------------------- whether it is one */

/* ERR_FOREIGN, with `error` set, unless it is a database of this version. */
static int check_version(sqlite3 *connection, const char *path, struct error *error)
{
    int64_t application = 0, version = 0;
    int code = direct_read_number(connection, "PRAGMA application_id", &application, path, error);
    if (code == 0)
        code = direct_read_number(connection, "PRAGMA user_version", &version, path, error);
    if (code == 0 && application != DATABASE_APPLICATION_ID)
        code = error_set(error, ERR_FOREIGN,
                         "%s is not a pdns-sticky database; if it was made from a dump, run:"
                         " pdns-stickyctl --database %s migrate",
                         path, path);
    if (code == 0 && version < DATABASE_VERSION)
        code = error_set(error, ERR_FOREIGN,
                         "%s is of version %lld; run: pdns-stickyctl --database %s migrate", path,
                         (long long)version, path);
    if (code == 0 && version > DATABASE_VERSION)
        code = error_set(error, ERR_FOREIGN, "%s is of version %lld, newer than this program's %d",
                         path, (long long)version, DATABASE_VERSION);
    return code;
}

/* One result of the check is "ok"; the others are what is wrong. */
static int check_content(sqlite3 *connection, const char *path, struct error *error)
{
    int64_t wrong = 0;
    int code = direct_read_number(connection,
                                  "SELECT count(*) FROM pragma_quick_check"
                                  " WHERE quick_check <> 'ok'",
                                  &wrong, path, error);
    if (code == 0 && wrong > 0)
        code =
            error_set(error, ERR_CORRUPT, "%s is damaged: PRAGMA integrity_check says how", path);
    return code;
}

/* ---------------------------------------------------------------- a copy of it */

static int sync_file(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    bool done = descriptor >= 0 && fsync(descriptor) == 0;
    int code = done ? 0 : error_set(error, ERR_IO, "%s: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return code;
}

static int copy_into(sqlite3 *connection, const char *part, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(connection, "VACUUM INTO ?1", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text(statement, 1, part, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_DONE)
        code = direct_error(connection, part, error);
    sqlite3_finalize(statement);
    return code;
}

static int write_copy(const char *path, const char *part, const char *file, struct error *error)
{
    sqlite3 *connection = NULL;
    int code = direct_open(path, SQLITE_OPEN_READWRITE, &connection, error);
    if (code == 0)
        code = check_version(connection, path, error);
    delete_files(part); /* of a copy that was not finished */
    if (code == 0)
        code = copy_into(connection, part, error);
    if (code == 0)
        code = sync_file(part, error);
    direct_close(connection);
    if (code == 0 && rename(part, file) != 0)
        code = error_set(error, ERR_IO, "%s: %s", file, strerror(errno));
    if (code != 0)
        delete_files(part);
    return code;
}

int store_back_up(const char *path, const char *file, struct error *error)
{
    struct buffer part = {0};
    if (access(file, F_OK) == 0)
        return error_set(error, ERR_INVAL, "%s is there already; nothing written", file);
    buffer_printf(&part, "%s.part", file);
    int code = part.failed ? error_set(error, ERR_NOMEM, "out of memory")
                           : write_copy(path, part.data, file, error);
    buffer_release(&part);
    return code;
}

/* ---------------------------------------------------------------- replacing it */

/* A server that got the mappings of another as its own would tell them as its own. */
static int check_node(sqlite3 *from, const char *file, sqlite3 *to, struct error *error)
{
    static const char node[] = "SELECT coalesce((SELECT node FROM share WHERE id = 1), 0)";
    int64_t theirs = 0, ours = 0;
    int code = direct_read_number(from, node, &theirs, file, error);
    (void)direct_read_number(to, node, &ours, file, NULL); /* it may be damaged */
    if (code == 0 && ours != 0 && theirs != ours)
        code = error_set(error, ERR_INVAL,
                         "%s is of node %lld, and this name server is node %lld: a backup is"
                         " restored only on the server that it was made on",
                         file, (long long)theirs, (long long)ours);
    return code;
}

/*
 * `to` has read before, so that SQLite knows that it is in WAL mode, and leaves it so
 * (sqlite3_backup_step() asks the pager of the destination).
 */
static int copy_back(sqlite3 *from, sqlite3 *to, const char *path, struct error *error)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int result = SQLITE_BUSY;
    for (int waited_ms = 0; backup && waited_ms <= DIRECT_BUSY_MS; waited_ms += 100) {
        result = sqlite3_backup_step(backup, -1);
        if (result != SQLITE_BUSY && result != SQLITE_LOCKED)
            break;
        sqlite3_sleep(100);
    }
    int finished = sqlite3_backup_finish(backup);
    if (backup && result == SQLITE_DONE && finished == SQLITE_OK)
        return 0;
    if (result == SQLITE_BUSY || result == SQLITE_LOCKED)
        return error_set(error, ERR_BUSY, "%s: somebody holds it with a transaction", path);
    return direct_error(to, path, error);
}

/* So that processes load everything anew, and drop what waits in memory and was decided before. */
static int change_revisions(sqlite3 *to, const char *path, struct error *error)
{
    return direct_execute(to,
                          "UPDATE revision SET configuration = random(), metrics = random(),"
                          " topology = random(), mappings = random()",
                          path, error);
}

/* ERR_FOREIGN, with `error` set, if it lacks a table, view or trigger that the database has now. */
static int check_tables(sqlite3 *from, const char *file, sqlite3 *to, struct error *error)
{
    sqlite3_stmt *wanted = NULL, *found = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(to,
                           "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
                           " AND type IN ('table', 'view', 'trigger')",
                           -1, &wanted, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(from, "SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2", -1,
                           &found, NULL) != SQLITE_OK) {
        sqlite3_finalize(wanted); /* the database may be damaged, and is to be replaced */
        return 0;
    }
    while (code == 0 && sqlite3_step(wanted) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(wanted, 0);
        const char *name = (const char *)sqlite3_column_text(wanted, 1);
        sqlite3_bind_text(found, 1, type, -1, SQLITE_STATIC);
        sqlite3_bind_text(found, 2, name, -1, SQLITE_STATIC);
        if (sqlite3_step(found) != SQLITE_ROW)
            code = error_set(error, ERR_FOREIGN, "%s has no %s %s, which this database has", file,
                             type, name);
        sqlite3_reset(found);
    }
    sqlite3_finalize(wanted);
    sqlite3_finalize(found);
    return code;
}

static int restore(sqlite3 *from, const char *file, const char *path, struct error *error)
{
    sqlite3 *to = NULL;
    int code = check_version(from, file, error);
    if (code == 0)
        code = check_content(from, file, error);
    if (code == 0)
        code = direct_open(path, SQLITE_OPEN_READWRITE, &to, error);
    if (code == 0)
        (void)direct_execute(to, "PRAGMA journal_mode = WAL", path, NULL);
    if (code == 0)
        code = check_node(from, file, to, error);
    if (code == 0)
        code = check_tables(from, file, to, error);
    if (code == 0)
        code = copy_back(from, to, path, error);
    if (code == 0)
        code = change_revisions(to, path, error);
    direct_close(to);
    return code;
}

int store_restore(const char *path, const char *file, struct error *error)
{
    sqlite3 *from = NULL;
    struct stat found;
    if (stat(file, &found) != 0 || access(file, R_OK) != 0)
        return error_set(error, ERR_IO, "%s: %s", file, strerror(errno));
    if (!S_ISREG(found.st_mode))
        return error_set(error, ERR_IO, "%s is not a file", file);
    int code = direct_open(file, SQLITE_OPEN_READONLY, &from, error);
    if (code == 0)
        code = restore(from, file, path, error);
    direct_close(from);
    return code;
}
