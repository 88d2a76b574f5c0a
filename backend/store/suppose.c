#include "store/suppose.h"

#include <string.h>

#include "core/network/address.h"
#include "store/store_parts.h"
#include "system/clock.h"

/* The rows that a change is about. */
struct place {
    int64_t pool_id; /* 0: all pools */
    int64_t controller_id;
};

static int copy_tables(struct database *database, struct error *error)
{
    int code = 0;
    /* A service may write nowhere but beside the database. */
    sqlite3_exec(database->connection, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    for (enum query query = QUERY_SUPPOSE_COPY_CONTROLLERS;
         code == 0 && query <= QUERY_SUPPOSE_COPY_SERVER_METRICS; query++)
        code = database_run(database, database_statement(database, query),
                            "its tables cannot be copied", error);
    return code;
}

/* Reads the id of a row by its name. ERR_NOTFOUND, with `error` untouched, if there is none. */
static int find_id(struct database *database, enum query query, const char *name, int64_t *ret_id,
                   struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, query);
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int result = sqlite3_step(statement);
    int code = result == SQLITE_ROW    ? 0
               : result == SQLITE_DONE ? ERR_NOTFOUND
                                       : database_error(database, result, "cannot be read", error);
    if (code == 0)
        *ret_id = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return code;
}

/* Runs a statement for the place, with a text as its third parameter. */
static int change_rows(struct database *database, enum query query, const struct place *place,
                       const char *text, struct error *error)
{
    sqlite3_stmt *statement = database_statement(database, query);
    int last = sqlite3_bind_parameter_count(statement);
    if (place->pool_id > 0)
        sqlite3_bind_int64(statement, 1, place->pool_id);
    if (last >= 2)
        sqlite3_bind_int64(statement, 2, place->controller_id);
    if (last >= 3)
        sqlite3_bind_text(statement, 3, text, -1, SQLITE_STATIC);
    return database_run(database, statement, "its copies cannot be changed", error);
}

static int find_controller(struct database *database, const struct supposed_change *change,
                           struct place *place, struct error *error)
{
    int code = find_id(database, QUERY_SUPPOSE_FIND_CONTROLLER, change->site, &place->controller_id,
                       error);
    if (code == ERR_NOTFOUND && change->kind == SUPPOSED_SERVER) {
        code = change_rows(database, QUERY_SUPPOSE_CONTROLLER_NEW, place, change->site, error);
        if (code == 0)
            code = find_id(database, QUERY_SUPPOSE_FIND_CONTROLLER, change->site,
                           &place->controller_id, error);
    }
    return code == ERR_NOTFOUND ? error_set(error, code, "there is no site %s", change->site)
                                : code;
}

static int find_place(struct database *database, const struct supposed_change *change,
                      struct place *ret_place, struct error *error)
{
    int code = 0;
    *ret_place = (struct place){0};
    if (change->pool)
        code = find_id(database, QUERY_SUPPOSE_FIND_POOL, change->pool, &ret_place->pool_id, error);
    if (code == ERR_NOTFOUND)
        return error_set(error, code, "there is no pool %s", change->pool);
    return code == 0 && change->site ? find_controller(database, change, ret_place, error) : code;
}

static int add_server(struct database *database, const struct supposed_change *change,
                      const struct place *place, struct error *error)
{
    struct address address;
    sqlite3_stmt *statement = database_statement(database, QUERY_SUPPOSE_SERVER_NEW);
    int column = 5;
    if (address_parse(change->value, strlen(change->value), &address) == 0)
        column = address.family == FAMILY_IPV4 ? 3 : 4;
    sqlite3_bind_int64(statement, 1, place->pool_id);
    sqlite3_bind_int64(statement, 2, place->controller_id);
    sqlite3_bind_text(statement, column, change->value, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, change->weight);
    return database_run(database, statement, "its copies cannot be changed", error);
}

/* Makes servers, and without a pool their controller, up; then down if that is wanted. */
static int set_availability(struct database *database, const struct place *place, bool down,
                            struct error *error)
{
    int code = change_rows(database, QUERY_SUPPOSE_SERVERS_UP, place, NULL, error);
    if (code == 0 && place->pool_id == 0)
        code = change_rows(database, QUERY_SUPPOSE_CONTROLLER_UP, place, NULL, error);
    if (code != 0 || !down)
        return code;
    return change_rows(
        database, place->pool_id > 0 ? QUERY_SUPPOSE_SERVERS_DOWN : QUERY_SUPPOSE_CONTROLLER_DOWN,
        place, NULL, error);
}

static int make_change(struct database *database, const struct supposed_change *change,
                       const struct place *place, struct error *error)
{
    switch (change->kind) {
    case SUPPOSED_DOWN:
    case SUPPOSED_UP:
        return set_availability(database, place, change->kind == SUPPOSED_DOWN, error);
    case SUPPOSED_STATE:
        return change_rows(
            database, change->pool ? QUERY_SUPPOSE_SERVERS_STATE : QUERY_SUPPOSE_CONTROLLER_STATE,
            place, change->value, error);
    case SUPPOSED_METHOD:
        return change_rows(database, QUERY_SUPPOSE_METHOD, place, change->value, error);
    case SUPPOSED_SERVER:
        return add_server(database, change, place, error);
    }
    return ERR_INTERNAL;
}

/* A pool and a site that have nothing to do with each other: what was meant is something else. */
static int check_place(struct database *database, const struct supposed_change *change,
                       const struct place *place, struct error *error)
{
    if (!change->pool || !change->site || change->kind == SUPPOSED_SERVER)
        return 0;
    sqlite3_stmt *statement = database_statement(database, QUERY_SUPPOSE_FIND_SERVER);
    sqlite3_bind_int64(statement, 1, place->pool_id);
    sqlite3_bind_int64(statement, 2, place->controller_id);
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_reset(statement);
    return found ? 0
                 : error_set(error, ERR_NOTFOUND, "pool %s has no server at site %s", change->pool,
                             change->site);
}

static int change_copies(struct database *database, const struct supposed_change *changes,
                         size_t count, struct error *error)
{
    struct place place;
    int code = copy_tables(database, error);
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = find_place(database, &changes[i], &place, error);
        if (code == 0)
            code = check_place(database, &changes[i], &place, error);
        if (code == 0)
            code = make_change(database, &changes[i], &place, error);
    }
    return code;
}

static int suppose(struct store *copy, const struct supposed_change *changes, size_t count,
                   struct supposition *supposition, struct error *error)
{
    struct revision revision;
    int code = store_begin(copy, clock_monotonic_ms(), &revision, error);
    if (code == 0)
        code = change_copies(&copy->database, changes, count, error);
    if (code == 0)
        code = store_load(copy, &supposition->snapshot, error);
    if (code == 0)
        code =
            store_load_availability(copy, supposition->snapshot, &supposition->availability, error);
    return code;
}

int store_suppose(const struct store *store, const struct supposed_change *changes, size_t count,
                  struct supposition *ret_supposition, struct error *error)
{
    struct supposition supposition = {0};
    struct store *copy = NULL;
    int code = store_new(store->database.path, &copy);
    if (code == 0)
        code = suppose(copy, changes, count, &supposition, error);
    store_free(copy);
    if (code == 0)
        *ret_supposition = supposition;
    else
        supposition_release(&supposition);
    return code;
}

void supposition_release(struct supposition *supposition)
{
    availability_free(supposition->availability);
    snapshot_free(supposition->snapshot);
    *supposition = (struct supposition){0};
}
