#include "store/sqlite/configuration.h"

#include "core/configuration/snapshot_builder.h"
#include "core/configuration/snapshot_patch.h"
#include "store/sqlite/table_reader.h"

static int add_zone(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_zone(
        builder, &(struct zone_row){.id = sqlite3_column_int64(row, 0), .name = row_text(row, 1)});
}

static int add_record(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_record(builder,
                               &(struct record_row){.id = sqlite3_column_int64(row, 0),
                                                    .has_zone = row_has(row, 1),
                                                    .zone_id = sqlite3_column_int64(row, 1),
                                                    .name = row_text(row, 2),
                                                    .type = row_text(row, 3),
                                                    .ttl_s = sqlite3_column_int64(row, 4),
                                                    .content = row_text(row, 5)});
}

static int add_controller(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_controller(builder,
                                   &(struct controller_row){.id = sqlite3_column_int64(row, 0),
                                                            .name = row_text(row, 1),
                                                            .address = row_text(row, 2),
                                                            .state = row_text(row, 3)});
}

static int add_pool(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_pool(builder,
                             &(struct pool_row){.id = sqlite3_column_int64(row, 0),
                                                .name = row_text(row, 1),
                                                .method = row_text(row, 2),
                                                .ttl_s = sqlite3_column_int64(row, 3),
                                                .persistence_ttl_s = sqlite3_column_int64(row, 4),
                                                .persistence_timer = row_text(row, 5),
                                                .has_persistence_pool = row_has(row, 6),
                                                .persistence_pool_id = sqlite3_column_int64(row, 6),
                                                .client = row_text(row, 7),
                                                .ipv4_prefix_bits = sqlite3_column_int64(row, 8),
                                                .ipv6_prefix_bits = sqlite3_column_int64(row, 9),
                                                .fallback = row_text(row, 10),
                                                .has_fallback_pool = row_has(row, 11),
                                                .fallback_pool_id = sqlite3_column_int64(row, 11),
                                                .alternate_method = row_text(row, 12),
                                                .metric = row_text(row, 13),
                                                .tolerance_percent = sqlite3_column_int64(row, 14),
                                                .failback = row_text(row, 15),
                                                .failback_delay_s = sqlite3_column_int64(row, 16)});
}

static int add_virtual_server(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_virtual_server(
        builder, &(struct virtual_server_row){.id = sqlite3_column_int64(row, 0),
                                              .pool_id = sqlite3_column_int64(row, 1),
                                              .controller_id = sqlite3_column_int64(row, 2),
                                              .position = sqlite3_column_int64(row, 3),
                                              .ipv4 = row_text(row, 4),
                                              .ipv6 = row_text(row, 5),
                                              .state = row_text(row, 6),
                                              .weight = sqlite3_column_int64(row, 7),
                                              .name = row_text(row, 8)});
}

static int add_balanced_name(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_balanced_name(
        builder, &(struct balanced_name_row){.name = row_text(row, 0),
                                             .pool_id = sqlite3_column_int64(row, 1)});
}

static int add_group(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_group(
        builder, &(struct group_row){.cidr = row_text(row, 0), .name = row_text(row, 1)});
}

static int add_pin(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_pin(builder,
                            &(struct pin_row){.id = sqlite3_column_int64(row, 0),
                                              .network = row_text(row, 1),
                                              .group = row_text(row, 2),
                                              .has_pool = row_has(row, 3),
                                              .pool_id = sqlite3_column_int64(row, 3),
                                              .controller_id = sqlite3_column_int64(row, 4),
                                              .has_until = row_has(row, 5),
                                              .until_s = sqlite3_column_int64(row, 5),
                                              .comment = row_text(row, 6)});
}

static int add_setting(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_setting(
        builder,
        &(struct setting_row){.name = row_text(row, 0), .value = sqlite3_column_int64(row, 1)});
}

/* What records may say depends on a setting. */
static const struct table_reader configuration[] = {
    {QUERY_SETTINGS, add_setting},
    {QUERY_ZONES, add_zone},
    {QUERY_RECORDS, add_record},
    {QUERY_CONTROLLERS, add_controller},
    {QUERY_POOLS, add_pool},
    {QUERY_VIRTUAL_SERVERS, add_virtual_server},
    {QUERY_BALANCED_NAMES, add_balanced_name},
    {QUERY_GROUPS, add_group},
    {QUERY_PINS, add_pin},
};

int database_load_configuration(struct database *database, struct snapshot **ret_snapshot,
                                struct error *error)
{
    struct snapshot_builder *builder = NULL;
    int code = snapshot_builder_new(&builder);
    if (code == 0)
        code = database_read_tables(database, configuration,
                                    sizeof configuration / sizeof *configuration, builder, error);
    if (code == 0)
        code = snapshot_builder_finish(builder, ret_snapshot);
    snapshot_builder_free(builder);
    return code == 0 ? 0
                     : error_set(error, code, "%s: cannot be loaded: %s", database->path,
                                 error_text(code));
}

/* ---------------------------------------------------------------- what has changed */

/* The schema keeps as many. To read so many rows is still faster than to load everything. */
#define CHANGES_MAX 256

/* Tables whose rows are patched, in the order of their columns in QUERY_CHANGES, from the third. */
static const struct table_reader patched[] = {
    {QUERY_CONTROLLER_ROW, add_controller},
    {QUERY_POOL_ROW, add_pool},
    {QUERY_VIRTUAL_SERVER_ROW, add_virtual_server},
};

/* A row that has changed, of one of these tables. */
struct changed_row {
    size_t table;
    int64_t id;
};

struct changes {
    struct changed_row rows[CHANGES_MAX]; /* each once */
    size_t count;
};

static bool add_changed_row(struct changes *changes, size_t table, int64_t id)
{
    for (size_t i = 0; i < changes->count; i++)
        if (changes->rows[i].table == table && changes->rows[i].id == id)
            return true;
    if (changes->count == CHANGES_MAX)
        return false;
    changes->rows[changes->count++] = (struct changed_row){table, id};
    return true;
}

/* False for a change of more than one row, or of another kind. */
static bool add_change(struct changes *changes, sqlite3_stmt *row)
{
    for (size_t table = 0; table < sizeof patched / sizeof *patched; table++)
        if (row_has(row, (int)table + 2))
            return add_changed_row(changes, table, sqlite3_column_int64(row, (int)table + 2));
    return false;
}

/*
 * Follows the changes from the present revision back to `since`. Each names the revision before it,
 * so that none is overlooked, not even in a database that was restored.
 */
static bool read_changes(struct database *database, int64_t revision, int64_t since,
                         struct changes *changes)
{
    sqlite3_stmt *statement = database_statement(database, QUERY_CHANGES);
    while (revision != since && sqlite3_step(statement) == SQLITE_ROW &&
           sqlite3_column_int64(statement, 0) == revision && add_change(changes, statement))
        revision = sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return revision == since;
}

static int read_changed_rows(struct database *database, const struct changes *changes,
                             struct snapshot_builder *builder)
{
    struct error error = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < changes->count; i++) {
        const struct table_reader *reader = &patched[changes->rows[i].table];
        sqlite3_stmt *statement = database_statement(database, reader->query);
        sqlite3_bind_int64(statement, 1, changes->rows[i].id);
        code = database_read_rows(database, reader, builder, &error);
    }
    return code;
}

bool database_patch_configuration(struct database *database, int64_t revision, int64_t since,
                                  struct snapshot *snapshot)
{
    struct changes changes = {.count = 0};
    struct snapshot_builder *builder = NULL;
    bool done = read_changes(database, revision, since, &changes) &&
                snapshot_patch_begin(snapshot, changes.count, &builder) == 0 &&
                read_changed_rows(database, &changes, builder) == 0 &&
                snapshot_patch_finish(snapshot, builder);
    snapshot_builder_free(builder);
    return done;
}
