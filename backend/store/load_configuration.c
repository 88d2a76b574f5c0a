/*
 * Rows of the configuration tables become a snapshot or patch one, rows of the metric tables become
 * metrics, and rows of table topology a topology.
 */
#include <stdlib.h>

#include "core/configuration/snapshot_builder.h"
#include "core/configuration/snapshot_patch.h"
#include "store/store_parts.h"

static bool has(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) != SQLITE_NULL;
}

static int add_zone(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_zone(
        builder, &(struct zone_row){.id = sqlite3_column_int64(row, 0), .name = row_text(row, 1)});
}

static int add_record(void *builder, sqlite3_stmt *row)
{
    return snapshot_add_record(builder,
                               &(struct record_row){.id = sqlite3_column_int64(row, 0),
                                                    .has_zone = has(row, 1),
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
    return snapshot_add_pool(
        builder, &(struct pool_row){.id = sqlite3_column_int64(row, 0),
                                    .name = row_text(row, 1),
                                    .method = row_text(row, 2),
                                    .ttl_s = sqlite3_column_int64(row, 3),
                                    .persistence_ttl_s = sqlite3_column_int64(row, 4),
                                    .persistence_timer = row_text(row, 5),
                                    .has_persistence_pool = has(row, 6),
                                    .persistence_pool_id = sqlite3_column_int64(row, 6),
                                    .client = row_text(row, 7),
                                    .ipv4_prefix_bits = sqlite3_column_int64(row, 8),
                                    .ipv6_prefix_bits = sqlite3_column_int64(row, 9),
                                    .fallback = row_text(row, 10),
                                    .has_fallback_pool = has(row, 11),
                                    .fallback_pool_id = sqlite3_column_int64(row, 11),
                                    .alternate_method = row_text(row, 12),
                                    .metric = row_text(row, 13),
                                    .tolerance_percent = sqlite3_column_int64(row, 14)});
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
};

/*
 * SQLite gives NULL for a text column it has no memory to convert; such a row must not look like
 * one with NULL in it.
 */
static int read_rows(struct store *store, const struct table_reader *reader, void *context,
                     struct error *error)
{
    struct database *database = &store->database;
    sqlite3_stmt *statement = database_statement(database, reader->query);
    int code = 0, result = SQLITE_DONE;
    while (code == 0 && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        code = reader->add(context, statement);
        if (sqlite3_errcode(database->connection) == SQLITE_NOMEM)
            code = ERR_NOMEM;
    }
    if (code != 0)
        error_set(error, code, "%s: cannot be loaded: %s", database->path, error_text(code));
    else if (result != SQLITE_DONE)
        code = database_error(database, result, "cannot be read", error);
    sqlite3_reset(statement);
    return code;
}

int store_read_tables(struct store *store, const struct table_reader *readers, size_t count,
                      void *context, struct error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = read_rows(store, &readers[i], context, error);
    return code;
}

int store_load(struct store *store, struct snapshot **ret_snapshot, struct error *error)
{
    struct snapshot_builder *builder = NULL;
    int code = snapshot_builder_new(&builder);
    if (code == 0)
        code = store_read_tables(store, configuration, sizeof configuration / sizeof *configuration,
                                 builder, error);
    if (code == 0)
        code = snapshot_builder_finish(builder, ret_snapshot);
    snapshot_builder_free(builder);
    return code == 0 ? 0
                     : error_set(error, code, "%s: cannot be loaded: %s", store->database.path,
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
        if (has(row, (int)table + 2))
            return add_changed_row(changes, table, sqlite3_column_int64(row, (int)table + 2));
    return false;
}

/*
 * Follows the changes from the present revision back to `since`. Each names the revision before it,
 * so that none is overlooked, not even in a database that was restored.
 */
static bool read_changes(struct store *store, int64_t since, struct changes *changes)
{
    sqlite3_stmt *statement = database_statement(&store->database, QUERY_CHANGES);
    int64_t revision = store->revision.configuration;
    while (revision != since && sqlite3_step(statement) == SQLITE_ROW &&
           sqlite3_column_int64(statement, 0) == revision && add_change(changes, statement))
        revision = sqlite3_column_int64(statement, 1);
    sqlite3_reset(statement);
    return revision == since;
}

static int read_changed_rows(struct store *store, const struct changes *changes,
                             struct snapshot_builder *builder)
{
    struct error error = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < changes->count; i++) {
        const struct table_reader *reader = &patched[changes->rows[i].table];
        sqlite3_stmt *statement = database_statement(&store->database, reader->query);
        sqlite3_bind_int64(statement, 1, changes->rows[i].id);
        code = read_rows(store, reader, builder, &error);
    }
    return code;
}

bool store_patch(struct store *store, int64_t since, struct snapshot *snapshot)
{
    struct changes changes = {.count = 0};
    struct snapshot_builder *builder = NULL;
    bool done = read_changes(store, since, &changes) &&
                snapshot_patch_begin(snapshot, changes.count, &builder) == 0 &&
                read_changed_rows(store, &changes, builder) == 0 &&
                snapshot_patch_finish(snapshot, builder);
    snapshot_builder_free(builder);
    return done;
}

/* ---------------------------------------------------------------- topology and metrics */

static int add_topology(void *builder, sqlite3_stmt *row)
{
    return topology_add(builder,
                        &(struct topology_row){.id = sqlite3_column_int64(row, 0),
                                               .cidr = row_text(row, 1),
                                               .country = row_text(row, 2),
                                               .continent = row_text(row, 3),
                                               .has_asn = has(row, 4),
                                               .asn = sqlite3_column_int64(row, 4),
                                               .controller_id = sqlite3_column_int64(row, 5),
                                               .preference = sqlite3_column_int64(row, 6)});
}

static int add_geo_database(void *builder, sqlite3_stmt *row)
{
    return topology_add_geo_database(builder, row_text(row, 0));
}

static const struct table_reader places[] = {
    {QUERY_TOPOLOGY, add_topology},
    {QUERY_GEO_DATABASES, add_geo_database},
};

int store_load_topology(struct store *store, struct topology **ret_topology, struct error *error)
{
    struct topology_builder *builder = NULL;
    int code = topology_builder_new(&builder);
    if (code == 0)
        code = store_read_tables(store, places, sizeof places / sizeof *places, builder, error);
    if (code == 0)
        code = topology_builder_finish(builder, ret_topology);
    topology_builder_free(builder);
    return code == 0 ? 0
                     : error_set(error, code, "%s: topology cannot be loaded: %s",
                                 store->database.path, error_text(code));
}

/* The metrics being filled and the snapshot whose ids they use. */
struct measured {
    const struct snapshot *snapshot;
    struct availability *availability;
};

static int add_controller_availability(void *context, sqlite3_stmt *row)
{
    const struct measured *measured = context;
    const struct controller *controller =
        snapshot_controller(measured->snapshot, sqlite3_column_int64(row, 0));
    if (controller)
        measured->availability->controller_down[controller->index] =
            sqlite3_column_double(row, 1) <= 0;
    return 0;
}

static int add_server_availability(void *context, sqlite3_stmt *row)
{
    const struct measured *measured = context;
    const struct virtual_server *server =
        snapshot_server(measured->snapshot, sqlite3_column_int64(row, 0));
    if (server)
        measured->availability->server_down[server->index] = sqlite3_column_double(row, 1) <= 0;
    return 0;
}

static int add_address_down(void *context, sqlite3_stmt *row)
{
    const struct measured *measured = context;
    const struct virtual_server *server =
        snapshot_server(measured->snapshot, sqlite3_column_int64(row, 0));
    enum address_family family = sqlite3_column_int(row, 1) ? FAMILY_IPV6 : FAMILY_IPV4;
    return server ? availability_set_address_down(measured->availability, server, family) : 0;
}

static const struct table_reader availability[] = {
    {QUERY_CONTROLLER_AVAILABILITY, add_controller_availability},
    {QUERY_SERVER_AVAILABILITY, add_server_availability},
    {QUERY_ADDRESSES_DOWN, add_address_down}, /* last: may make a server down */
};

int store_load_availability(struct store *store, const struct snapshot *snapshot,
                            struct availability **ret_availability, struct error *error)
{
    struct measured measured = {.snapshot = snapshot};
    int code = availability_new(snapshot->server_count, snapshot->controller_count,
                                &measured.availability);
    if (code != 0)
        return error_set(error, code, "%s: metrics cannot be loaded: %s", store->database.path,
                         error_text(code));
    code = store_read_tables(store, availability, sizeof availability / sizeof *availability,
                             &measured, error);
    if (code == 0)
        *ret_availability = measured.availability;
    else
        availability_free(measured.availability);
    return code;
}
