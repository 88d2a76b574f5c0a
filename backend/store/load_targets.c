/*
 * Rows of the tables become the set of what is to be checked.
 */
#include <string.h>

#include "store/monitoring.h"
#include "store/sqlite/table_reader.h"
#include "store/store_parts.h"

/* What rows are read into. */
struct loaded {
    struct targets *targets;
    struct settings *settings;
};

/* All columns but those that have to be parsed. */
static struct monitor read_monitor(sqlite3_stmt *row)
{
    return (struct monitor){.id = sqlite3_column_int64(row, 0),
                            .name = row_text(row, 1),
                            .port = (uint16_t)sqlite3_column_int(row, 3),
                            .path = row_text(row, 4),
                            .host = row_text(row, 5),
                            .query = row_text(row, 6),
                            .status_min = sqlite3_column_int(row, 7),
                            .status_max = sqlite3_column_int(row, 8),
                            .body = row_text(row, 9),
                            .send = row_text(row, 10),
                            .expect = row_text(row, 11),
                            .verify = sqlite3_column_int(row, 12) != 0,
                            .interval_s = (uint32_t)sqlite3_column_int64(row, 13),
                            .timeout_s = (uint32_t)sqlite3_column_int64(row, 14),
                            .rise = (uint32_t)sqlite3_column_int64(row, 15),
                            .fall = (uint32_t)sqlite3_column_int64(row, 16),
                            .headers = row_text(row, 18),
                            .proxy = (enum proxy_header)sqlite3_column_int(row, 19),
                            .tls = sqlite3_column_int(row, 20) != 0,
                            .steps = row_text(row, 21),
                            .rcode = row_text(row, 22),
                            .answer = row_text(row, 23),
                            .arguments = row_text(row, 25)};
}

static bool read_source(const char *text, struct address *ret_source)
{
    return !text || address_parse(text, strlen(text), ret_source) == 0;
}

/* A newer program may have written a word that is not known here. */
static int add_monitor(void *context, sqlite3_stmt *row)
{
    struct loaded *loaded = context;
    struct monitor monitor = read_monitor(row);
    if (!check_type_parse(row_text(row, 2), &monitor.type))
        return targets_refuse_monitor(loaded->targets, monitor.name, "its type is not known here");
    if (!http_method_parse(row_text(row, 17), &monitor.http_method))
        return targets_refuse_monitor(loaded->targets, monitor.name,
                                      "its http_method is not known here");
    if (!read_source(row_text(row, 24), &monitor.source))
        return targets_refuse_monitor(loaded->targets, monitor.name,
                                      "its source is not an address");
    return targets_add_monitor(loaded->targets, &monitor);
}

/* A server, or each of its two addresses. */
static int add_server(void *context, sqlite3_stmt *row)
{
    struct loaded *loaded = context;
    const char *other_address = row_text(row, 7);
    struct target_row target = {.key = {.kind = TARGET_SERVER, .id = sqlite3_column_int64(row, 0)},
                                .pool = row_text(row, 1),
                                .controller = row_text(row, 2),
                                .address = row_text(row, 3),
                                .port = sqlite3_column_int64(row, 4),
                                .monitor_id = sqlite3_column_int64(row, 5),
                                .position = sqlite3_column_int64(row, 6),
                                .host = row_text(row, 8)};
    if (!other_address)
        return targets_add(loaded->targets, &target);
    target.key.family = FAMILY_IPV4;
    int code = targets_add(loaded->targets, &target);
    target.key.family = FAMILY_IPV6;
    target.address = other_address;
    return code == 0 ? targets_add(loaded->targets, &target) : code;
}

static int add_controller(void *context, sqlite3_stmt *row)
{
    struct loaded *loaded = context;
    return targets_add(
        loaded->targets,
        &(struct target_row){.key = {.kind = TARGET_CONTROLLER, .id = sqlite3_column_int64(row, 0)},
                             .controller = row_text(row, 1),
                             .address = row_text(row, 2),
                             .monitor_id = sqlite3_column_int64(row, 3)});
}

/* One that is unknown or out of range is the backend's to report. */
static int add_setting(void *context, sqlite3_stmt *row)
{
    struct loaded *loaded = context;
    const char *name = row_text(row, 0);
    if (name)
        (void)settings_set(loaded->settings, name, sqlite3_column_int64(row, 1));
    return 0;
}

static const struct table_reader tables[] = {
    {QUERY_MONITORS, add_monitor},
    {QUERY_TARGET_SERVERS, add_server},
    {QUERY_TARGET_CONTROLLERS, add_controller},
    {QUERY_SETTINGS, add_setting},
};

int store_load_targets(struct store *store, struct targets **ret_targets,
                       struct settings *ret_settings, struct error *error)
{
    struct settings settings = settings_default();
    struct loaded loaded = {.settings = &settings};
    int code = targets_new(&loaded.targets);
    if (code != 0)
        return error_set(error, code, "%s: targets cannot be loaded: %s", store->database.path,
                         error_text(code));
    code = database_read_tables(&store->database, tables, sizeof tables / sizeof *tables, &loaded,
                                error);
    if (code != 0) {
        targets_release(loaded.targets);
        return code;
    }
    targets_finish(loaded.targets);
    *ret_targets = loaded.targets;
    *ret_settings = settings;
    return 0;
}
