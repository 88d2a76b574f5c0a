#include "store/sqlite/zone_import.h"

#include "store/sqlite/direct.h"

/* The zone and what it has; made if it is not there. */
struct target {
    sqlite3 *connection;
    const char *path;
    int64_t zone_id; /* 0: not known */
};

/* Runs a statement for the zone of that name; one that gives a row gives its id. */
static int run_for_zone(struct target *target, const char *sql, const char *zone,
                        struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(target->connection, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        sqlite3_bind_text(statement, 1, zone, -1, SQLITE_STATIC);
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_ROW)
        target->zone_id = sqlite3_column_int64(statement, 0);
    int code = result == SQLITE_ROW || result == SQLITE_DONE
                   ? 0
                   : direct_error(target->connection, target->path, error);
    sqlite3_finalize(statement);
    return code;
}

static int find_zone(struct target *target, const struct zone_import *import, struct error *error)
{
    int code = run_for_zone(target, "SELECT id FROM zone WHERE name = ?1", import->zone, error);
    if (code != 0)
        return code;
    if (target->zone_id == 0)
        return run_for_zone(target, "INSERT INTO zone (name) VALUES (?1) RETURNING id",
                            import->zone, error);
    if (!import->replaces)
        return error_set(error, ERR_INVAL,
                         "zone %s is there already; --replace exchanges all of its records",
                         import->zone);
    return run_for_zone(target,
                        "DELETE FROM record WHERE zone_id = (SELECT id FROM zone WHERE name = ?1)",
                        import->zone, error);
}

/* What the database rejects is told, and no error. */
static int add_record(struct target *target, sqlite3_stmt *statement,
                      const struct zone_import *import, const struct imported_record *record,
                      size_t *count, struct error *error)
{
    sqlite3_bind_int64(statement, 1, target->zone_id);
    sqlite3_bind_text(statement, 2, record->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, record->type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, record->ttl_s);
    sqlite3_bind_text(statement, 5, record->content, -1, SQLITE_STATIC);
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_DONE)
        ++*count;
    else if ((result & 0xff) == SQLITE_CONSTRAINT)
        import->reject(import->context, record, sqlite3_errmsg(target->connection));
    else
        code = direct_error(target->connection, target->path, error);
    sqlite3_reset(statement);
    return code;
}

static int add_records(struct target *target, const struct zone_import *import, size_t *count,
                       struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = 0;
    if (sqlite3_prepare_v2(target->connection,
                           "INSERT INTO record (zone_id, name, type, ttl, content)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
                           -1, &statement, NULL) != SQLITE_OK)
        code = direct_error(target->connection, target->path, error);
    for (size_t i = 0; code == 0 && i < import->count; i++)
        code = add_record(target, statement, import, &import->records[i], count, error);
    sqlite3_finalize(statement);
    return code;
}

int store_import_zone(const char *path, const struct zone_import *import, size_t *ret_count,
                      struct error *error)
{
    struct target target = {.path = path};
    size_t count = 0;
    int code = direct_open(path, SQLITE_OPEN_READWRITE, &target.connection, error);
    if (code == 0)
        code = direct_execute(target.connection, "BEGIN IMMEDIATE", path, error);
    if (code == 0)
        code = find_zone(&target, import, error);
    if (code == 0)
        code = add_records(&target, import, &count, error);
    if (code == 0)
        code = direct_execute(target.connection, "COMMIT", path, error);
    direct_close(target.connection); /* rolls back what was not committed */
    if (code == 0)
        *ret_count = count;
    return code;
}
