/*
 * The states of controllers and virtual servers, as operators set them.
 */
#include "store/store_parts.h"
#include "system/clock.h"

static int set_each(struct database *database, const struct state_target *targets, size_t count,
                    enum state state, struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++) {
        sqlite3_stmt *statement =
            database_statement(database, targets[i].is_server ? QUERY_SERVER_STATE_WRITE
                                                              : QUERY_CONTROLLER_STATE_WRITE);
        sqlite3_bind_int64(statement, 1, targets[i].id);
        sqlite3_bind_text(statement, 2, state_word(state), -1, SQLITE_STATIC);
        code = database_run(database, statement, "the state cannot be changed", error);
    }
    return code;
}

static int set_all(struct database *database, const struct state_target *targets, size_t count,
                   enum state state, struct error *error)
{
    int code = database_open(database, clock_monotonic_ms(), error);
    if (code == 0 && database->read_only[0])
        code = error_set(error, ERR_READONLY, "%s", database->read_only);
    if (code == 0)
        code = database_run(database, database_statement(database, QUERY_BEGIN),
                            "the state cannot be changed", error);
    if (code != 0)
        return code;
    code = set_each(database, targets, count, state, error);
    if (code == 0)
        code = database_run(database, database_statement(database, QUERY_COMMIT),
                            "the state cannot be changed", error);
    if (code != 0 && !sqlite3_get_autocommit(database->connection))
        (void)database_run(database, database_statement(database, QUERY_ROLLBACK), "", NULL);
    return code;
}

/* By a connection of its own: that of the store waits no longer than a question may. */
int store_set_state(struct store *store, const struct state_target *targets, size_t count,
                    enum state state, int wait_ms, struct error *error)
{
    struct database database;
    store_rest(store);
    if (database_init(&database, store->database.path, wait_ms) != 0)
        return error_set(error, ERR_NOMEM, "out of memory");
    int code = set_all(&database, targets, count, state, error);
    database_release(&database);
    return code;
}
