/*
 * Rows of the metric tables become metrics, and rows of table topology a topology.
 */
#include <stdlib.h>

#include "store/sqlite/table_reader.h"
#include "store/store_parts.h"

static int add_topology(void *builder, sqlite3_stmt *row)
{
    return topology_add(builder,
                        &(struct topology_row){.id = sqlite3_column_int64(row, 0),
                                               .cidr = row_text(row, 1),
                                               .country = row_text(row, 2),
                                               .continent = row_text(row, 3),
                                               .has_asn = row_has(row, 4),
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
        code = database_read_tables(&store->database, places, sizeof places / sizeof *places,
                                    builder, error);
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

static int add_site_history(void *context, sqlite3_stmt *row)
{
    const struct measured *measured = context;
    const struct virtual_server *server =
        snapshot_server(measured->snapshot, sqlite3_column_int64(row, 0));
    const struct site_history history = {.up_since_s = sqlite3_column_int64(row, 1),
                                         .held_since_s = sqlite3_column_int64(row, 2)};
    return server ? availability_set_site(measured->availability, server, &history) : 0;
}

static const struct table_reader availability[] = {
    {QUERY_CONTROLLER_AVAILABILITY, add_controller_availability},
    {QUERY_SERVER_AVAILABILITY, add_server_availability},
    {QUERY_SITE_HISTORIES, add_site_history},
    {QUERY_ADDRESSES_DOWN, add_address_down},
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
    code = database_read_tables(&store->database, availability,
                                sizeof availability / sizeof *availability, &measured, error);
    if (code == 0)
        *ret_availability = measured.availability;
    else
        availability_free(measured.availability);
    return code;
}
