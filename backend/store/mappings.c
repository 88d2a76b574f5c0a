/*
 * The rows of `persistence`: found, claimed, forgotten.
 */
#include <string.h>

#include "store/store_parts.h"
#include "system/clock.h"

/*
 * A look at SQLite's files takes three system calls, a third of what a new mapping takes; a process
 * that writes ten in a millisecond hardly feels them. What is written between two looks may be
 * written to a file that somebody has just truncated.
 */
#define FRESH_MS 1

/* A write takes some tens of microseconds. */
#define BRIEF_WAIT_MS 1

/* After a lock was waited for in vain, how long claims wait only this long. */
#define LOCKED_OUT_MS 1000
#define LOCKED_OUT_BUSY_MS 5

static void bind_key(sqlite3_stmt *statement, int64_t pool_id, const char *key)
{
    sqlite3_bind_int64(statement, 1, pool_id);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
}

static void bind_mapping(sqlite3_stmt *statement, int first, const struct mapping *mapping)
{
    sqlite3_bind_int64(statement, first, mapping->controller_id);
    sqlite3_bind_text(statement, first + 1, mapping->method, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, first + 2, mapping->timestamp_s);
    sqlite3_bind_int64(statement, first + 3, mapping->ttl_s);
}

static void read_mapping(sqlite3_stmt *row, struct mapping *ret_mapping)
{
    const char *method = (const char *)sqlite3_column_text(row, 1);
    *ret_mapping = (struct mapping){.controller_id = sqlite3_column_int64(row, 0),
                                    .timestamp_s = sqlite3_column_int64(row, 2),
                                    .ttl_s = sqlite3_column_int64(row, 3)};
    /* A longer name is no method of ours, and its beginning is none either. */
    if (method && strlen(method) < METHOD_NAME_MAX)
        strcpy(ret_mapping->method, method);
}

static int find(void *context, int64_t pool_id, const char *key, struct mapping *ret_mapping,
                struct error *error)
{
    struct store *store = context;
    struct database *database = &store->database;
    if (!database->connection) /* it was told why */
        return ERR_IO;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_FIND);
    bind_key(statement, pool_id, key);
    int result = sqlite3_step(statement), code = 0;
    if (result == SQLITE_ROW)
        read_mapping(statement, ret_mapping);
    else if (result == SQLITE_DONE)
        code = ERR_NOTFOUND;
    else
        code = database_error(database, result, "a mapping cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

/* Runs a statement and resets it. */
static int run(sqlite3_stmt *statement)
{
    int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result;
}

/* Waits for the lock for so long, other than usual. */
static int run_within(struct store *store, sqlite3_stmt *statement, int64_t wait_ms)
{
    int usual_ms = store->database.lock_wait_ms;
    store->database.lock_wait_ms = (int)wait_ms;
    int result = run(statement);
    store->database.lock_wait_ms = usual_ms;
    return result;
}

/*
 * Runs a writing statement in a transaction of its own, within the time that may be waited for
 * locks: at once, if another one is just about to give up the lock, else when it is our turn.
 */
static int run_alone(struct store *store, sqlite3_stmt *statement)
{
    int64_t until_ms = clock_monotonic_ms() + store->database.lock_wait_ms;
    int result = run_within(store, statement, BRIEF_WAIT_MS);
    if ((result & 0xff) != SQLITE_BUSY)
        return result;
    bool in_line = database_wait_in_line(&store->database, until_ms);
    result = run_within(store, statement, until_ms - clock_monotonic_ms());
    if (in_line)
        database_leave_line(&store->database);
    return result;
}

/*
 * Runs one writing statement, which commits by itself. In the transaction that has read it becomes
 * a writer at once if nobody has written since, and reading goes on behind its commit. If somebody
 * has, or is writing now, SQLite would not wait there, and the transaction is given up.
 */
static int write_rows(struct store *store, sqlite3_stmt *statement, int64_t *ret_changes,
                      struct error *error)
{
    struct database *database = &store->database;
    int result = SQLITE_BUSY;
    if (database->reading && !wal_index_moved(&database->wal_index)) {
        result = run(statement);
        wal_index_commit(&database->wal_index);
    }
    if ((result & 0xff) == SQLITE_BUSY) {
        database_end(database);
        result = run_alone(store, statement);
    }
    if (result != SQLITE_DONE) {
        int code = database_error(database, result, "a mapping cannot be written", error);
        database_end(database);
        return code;
    }
    *ret_changes = sqlite3_changes64(database->connection);
    return 0;
}

/* 0, or why nothing can be written now, with `error` set. */
static int check_writable(struct store *store, bool adds_row, struct error *error)
{
    struct database *database = &store->database;
    if (!database->connection)
        return error_set(error, ERR_IO, "%s is not open", database->path);
    if (database->read_only[0])
        return error_set(error, ERR_READONLY, "%s", database->read_only);
    int code = store_check_limits(store, adds_row, error);
    return code == 0 ? database_check(database, FRESH_MS, store->now_ms, error) : code;
}

/*
 * Writes within the time that is left for a lock. After waiting in vain, that is less for a while,
 * if nobody has committed meanwhile: somebody sits on the lock, and it is not just much in demand.
 */
static int write_in_time(struct store *store, sqlite3_stmt *statement, int64_t *ret_changes,
                         struct error *error)
{
    struct wal_index before = store->database.wal_index;
    bool locked_out = store->now_ms < store->locked_out_ms;
    wal_index_look(&before);
    store->database.lock_wait_ms = locked_out ? LOCKED_OUT_BUSY_MS : STORE_BUSY_MS;
    int code = write_rows(store, statement, ret_changes, error);
    store->database.lock_wait_ms = STORE_BUSY_MS;
    if (code == 0 || wal_index_has_changed(&before))
        store->locked_out_ms = 0;
    else if (!locked_out && code == ERR_BUSY)
        store->locked_out_ms = store->now_ms + LOCKED_OUT_MS;
    return code;
}

static int claim(void *context, int64_t pool_id, const char *key, const struct mapping *seen,
                 const struct mapping *wanted, struct error *error)
{
    struct store *store = context;
    int64_t changes = 0;
    int code = check_writable(store, !seen, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement =
        database_statement(&store->database, seen ? QUERY_MAPPING_REPLACE : QUERY_MAPPING_INSERT);
    bind_key(statement, pool_id, key);
    bind_mapping(statement, 3, wanted);
    if (seen)
        bind_mapping(statement, 7, seen);
    code = write_in_time(store, statement, &changes, error);
    if (code != 0)
        return code;
    return changes > 0 ? 0 : ERR_NOTFOUND;
}

struct mapping_table store_mappings(struct store *store)
{
    return (struct mapping_table){.find = find, .claim = claim, .context = store};
}

int store_forget(struct store *store, const char *key, int64_t pool_id, int64_t *ret_count,
                 struct error *error)
{
    struct database *database = &store->database;
    int code = check_writable(store, false, error);
    if (code != 0)
        return code;
    sqlite3_stmt *statement = database_statement(database, QUERY_MAPPING_FORGET);
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, pool_id);
    return write_rows(store, statement, ret_count, error);
}

int store_each_mapping(struct store *store,
                       bool (*each)(void *context, int64_t pool_id, const char *key,
                                    const struct mapping *mapping),
                       void *context, struct error *error)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_MAPPING_EACH);
    int result, code = 0;
    struct mapping mapping;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
        read_mapping(statement, &mapping);
        const char *key = (const char *)sqlite3_column_text(statement, 5);
        if (!each(context, sqlite3_column_int64(statement, 4), key ? key : "", &mapping))
            break;
    }
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        code = database_error(&store->database, result, "mappings cannot be read", error);
    sqlite3_reset(statement);
    return code;
}
