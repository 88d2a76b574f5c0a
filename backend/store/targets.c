/*
 * Rows of the tables become the set of what is to be checked.
 */
#include "store/monitoring.h"
#include "store/store_parts.h"

static const char *text(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

/* What rows are read into. */
struct reading {
    struct targets *targets;
    struct settings *settings;
};

/* A newer program may have written a type that is not known here. */
static int add_monitor(struct reading *reading, sqlite3_stmt *row)
{
    struct monitor monitor = {.id = sqlite3_column_int64(row, 0),
                              .name = text(row, 1),
                              .port = (uint16_t)sqlite3_column_int(row, 3),
                              .path = text(row, 4),
                              .host = text(row, 5),
                              .query = text(row, 6),
                              .status_min = sqlite3_column_int(row, 7),
                              .status_max = sqlite3_column_int(row, 8),
                              .body = text(row, 9),
                              .send = text(row, 10),
                              .expect = text(row, 11),
                              .verify = sqlite3_column_int(row, 12) != 0,
                              .interval_s = (uint32_t)sqlite3_column_int64(row, 13),
                              .timeout_s = (uint32_t)sqlite3_column_int64(row, 14),
                              .rise = (uint32_t)sqlite3_column_int64(row, 15),
                              .fall = (uint32_t)sqlite3_column_int64(row, 16)};
    if (!check_type_parse(text(row, 2), &monitor.type))
        return targets_complain(reading->targets, "a monitor has a type that is not known here");
    return targets_add_monitor(reading->targets, &monitor);
}

static int add_server(struct reading *reading, sqlite3_stmt *row)
{
    return targets_add(reading->targets,
                       &(struct target_row){.key = {TARGET_SERVER, sqlite3_column_int64(row, 0)},
                                            .pool = text(row, 1),
                                            .controller = text(row, 2),
                                            .address = text(row, 3),
                                            .port = sqlite3_column_int64(row, 4),
                                            .monitor_id = sqlite3_column_int64(row, 5)});
}

static int add_controller(struct reading *reading, sqlite3_stmt *row)
{
    return targets_add(
        reading->targets,
        &(struct target_row){.key = {TARGET_CONTROLLER, sqlite3_column_int64(row, 0)},
                             .controller = text(row, 1),
                             .address = text(row, 2),
                             .monitor_id = sqlite3_column_int64(row, 3)});
}

/* One that is unknown or out of range is the backend's to complain of. */
static int add_setting(struct reading *reading, sqlite3_stmt *row)
{
    const char *name = text(row, 0);
    if (name)
        (void)settings_set(reading->settings, name, sqlite3_column_int64(row, 1));
    return 0;
}

static const struct reader {
    enum query query;
    int (*add)(struct reading *reading, sqlite3_stmt *row);
} readers[] = {
    {QUERY_MONITORS, add_monitor},
    {QUERY_TARGET_SERVERS, add_server},
    {QUERY_TARGET_CONTROLLERS, add_controller},
    {QUERY_SETTINGS, add_setting},
};

/* A text that SQLite has no memory to convert must not look like NULL. */
static int read_rows(struct store *store, const struct reader *reader, struct reading *reading,
                     struct error *error)
{
    struct database *database = &store->database;
    sqlite3_stmt *statement = database_statement(database, reader->query);
    int code = 0, result = SQLITE_DONE;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        code = reader->add(reading, statement);
        if (sqlite3_errcode(database->connection) == SQLITE_NOMEM)
            code = ERR_NOMEM;
    }
    if (code != 0)
        error_set(error, code, "%s: targets cannot be loaded: %s", database->path,
                  error_text(code));
    else if (result != SQLITE_DONE)
        code = database_error(database, result, "targets cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

int store_load_targets(struct store *store, struct targets **ret_targets,
                       struct settings *ret_settings, struct error *error)
{
    struct settings settings = settings_default();
    struct reading reading = {.settings = &settings};
    int code = targets_new(&reading.targets);
    if (code != 0)
        return error_set(error, code, "%s: targets cannot be loaded: %s", store->database.path,
                         error_text(code));
    for (size_t i = 0; code == 0 && i < sizeof readers / sizeof *readers; i++)
        code = read_rows(store, &readers[i], &reading, error);
    if (code != 0) {
        targets_release(reading.targets);
        return code;
    }
    targets_finish(reading.targets);
    *ret_targets = reading.targets;
    *ret_settings = settings;
    return 0;
}
