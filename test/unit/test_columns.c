/*
 * What stands in a column arrives in the field for it, and what is in a field is written to the
 * column for it. Functions of the store read columns and bind parameters by number, which only the
 * order in queries.c gives a meaning: here every column of a row has a value that no other has.
 */
#include <stdio.h>
#include <string.h>

#include "core/balance/method.h"
#include "fixture.h"
#include "store/monitoring.h"
#include "store/sqlite/queries.h"
#include "store/store_parts.h"
#include "suites.h"

struct desk {
    struct place place;
    struct store *store;
};

/* A database with these rows, in a read transaction. */
static void desk_begin(struct desk *desk, const char *rows)
{
    struct revision revision;
    struct error error = {0};
    place_init(&desk->place);
    place_run(&desk->place, rows);
    CHECK_INTEGER(store_new(desk->place.path, &desk->store), 0, "store_new");
    CHECK_INTEGER(store_begin(desk->store, 1, &revision, &error), 0, "%s", error.text);
}

static void desk_end(struct desk *desk)
{
    store_free(desk->store);
    place_release(&desk->place);
}

/* ---------------------------------------------------------------- which columns there are */

#define POOL_COLUMNS                                                                               \
    "id, name, method, ttl, persistence_ttl, persistence_timer, persistence_pool_id, client,"      \
    " ipv4_prefix, ipv6_prefix, fallback, fallback_pool_id, alternate_method, metric, tolerance,"  \
    " failback, failback_delay"
#define VIRTUAL_SERVER_COLUMNS                                                                     \
    "id, pool_id, controller_id, position, ipv4, ipv6, state, weight, name"

/* All that have columns but the pragmas. Who adds one here looks after its value below, too. */
static const struct {
    enum query query;
    const char *columns;
} queries[] = {
    {QUERY_REVISION, "configuration, metrics, topology, mappings, node"},
    {QUERY_ZONES, "id, name"},
    {QUERY_RECORDS, "id, zone_id, name, type, ttl, content"},
    {QUERY_CONTROLLERS, "id, name, address, state"},
    {QUERY_POOLS, POOL_COLUMNS},
    {QUERY_VIRTUAL_SERVERS, VIRTUAL_SERVER_COLUMNS},
    {QUERY_BALANCED_NAMES, "name, pool_id"},
    {QUERY_GROUPS, "cidr, name"},
    {QUERY_PINS, "id, network, ldns_group, pool_id, controller_id, until, comment"},
    {QUERY_SETTINGS, "name, value"},
    {QUERY_CHANGES, "revision, previous, controller_id, pool_id, virtual_server_id"},
    {QUERY_CONTROLLER_ROW, "id, name, address, state"},
    {QUERY_POOL_ROW, POOL_COLUMNS},
    {QUERY_VIRTUAL_SERVER_ROW, VIRTUAL_SERVER_COLUMNS},
    {QUERY_TOPOLOGY, "id, cidr, country, continent, asn, controller_id, preference"},
    {QUERY_GEO_DATABASES, "path"},
    {QUERY_CONTROLLER_AVAILABILITY, "controller_id, value"},
    {QUERY_SERVER_AVAILABILITY, "virtual_server_id, value"},
    {QUERY_ADDRESSES_DOWN, "virtual_server_id, name = 'availability-ipv6'"},
    {QUERY_SITE_HISTORIES,
     "id, coalesce(s.up_since, 0), iif(k.failback = 'manual', s.held_since, NULL)"},
    {QUERY_GENERATION, "identity, mappings, node"},
    {QUERY_POOL_IDS, "id"},
    {QUERY_SERVER_METRIC, "value, measured_at"},
    {QUERY_CONTROLLER_METRIC, "value, measured_at"},
    {QUERY_PATH_LENGTH, "max(bits)"},
    {QUERY_PATH_METRIC, "rtt, measured_at"},
    {QUERY_SUPPOSE_FIND_POOL, "id"},
    {QUERY_SUPPOSE_FIND_CONTROLLER, "id"},
    {QUERY_SUPPOSE_FIND_SERVER, "1"},
    {QUERY_MAPPING_FIND, "controller_id, method, timestamp, ttl, decided, origin, home_id"},
    {QUERY_MAPPING_RANGE, "controller_id, method, timestamp, ttl, decided, origin, home_id, ldns"},
    {QUERY_MAPPING_EACH,
     "controller_id, method, timestamp, ttl, decided, origin, home_id, pool_id, ldns"},
    {QUERY_ENTRY_FIND, "decided, origin, gone, timestamp, ttl"},
    {QUERY_TOMBSTONE_FIND, "timestamp, ttl, decided, origin"},
    {QUERY_SWEEP_LOOK, "pool_id, ldns, timestamp + ttl <= ?3"},
    {QUERY_MONITORS, "id, name, type, port, path, host, query, status_min, status_max, body, send,"
                     " expect, verify, interval, timeout, rise, fall, http_method, headers, proxy,"
                     " tls, steps, rcode, answer, source, arguments"},
    {QUERY_TARGET_SERVERS, "id, name, name, coalesce(v.check_address, v.ipv4, v.ipv6), port,"
                           " coalesce(v.monitor_id, p.monitor_id), position, other_address, name"},
    {QUERY_TARGET_CONTROLLERS, "id, name, address, monitor_id"},
    {QUERY_CONTROLLER_VERDICTS,
     "controller_id, state, reason, since, checked_at, flaps, value, value, ''"},
    {QUERY_SERVER_VERDICTS,
     "virtual_server_id, state, reason, since, checked_at, flaps, value, value, family"},
    /* Their values are looked after in test_sharing.c. */
    {QUERY_SHARE_POOLS, "id, name"},
    {QUERY_SHARE_CONTROLLERS, "id, name"},
    {QUERY_SHARE_ROW, "node, incarnation, batch, place, name, url, ca, certificate, key, follow, "
                      "written_at"},
    {QUERY_SHARE_PEERS, "node, name, url"},
    {QUERY_SHARE_CHANGES, "max(stamp), pool_id, ldns, count(*)"},
    {QUERY_SHARE_STATE_WRITTEN, "written_at"},
    {QUERY_SHARE_CHANGES_WAITING, "stamp, noted_ms, stamp"},
    {QUERY_SHARE_CURSOR, "created, sequence, incarnation, batch"},
    {QUERY_SHARE_MAPPINGS, "controller_id, method, timestamp, ttl, decided, origin, home_id, ldns"},
    {QUERY_SHARE_TOMBSTONES, "timestamp, ttl, decided, origin, ldns"},
    {QUERY_SHARE_SWEEP_LOOK, "pool_id, ldns, timestamp + ttl <= ?3"},
    {QUERY_SHARE_VIEW, "node, name, written_at, connected, waiting, oldest_at, dropped, copied,"
                       " problem, warning, follow, name, revision, taken_at, heard_at, problem"},
    {QUERY_PEER_VIEW, "name, node, written_at, connected, heard_at, clock_offset_ms, lag_ms, newer,"
                      " known, older, future, moved, unknown, unknown_name, no_room, refused,"
                      " equal_at, walking, differs, problem, paths, difference"},
    {QUERY_SHARE_PATH_LAST, "max(changed)"},
    {QUERY_SHARE_PATHS, "changed, network, controller_id, rtt, measured_at"},
    {QUERY_SHARE_PATH_FIND, "measured_at"},
    {QUERY_SHARE_PATH_COUNT, "count(*)"},
    {QUERY_SHARE_PATH_ORIGIN, "min(origin)"},
    {QUERY_SHARE_PATH_SWEEP_LOOK, "1"},
    {QUERY_PEER_VERDICTS, "pool, controller, position, family"},
    {QUERY_MAPPING_HISTORY, "node, name, name, lag_ms, origin, name, name"},
    {QUERY_HEALTH_PEERS, "pool, controller, address, state, counts, peers"},
    /* In test_review.c. */
    {QUERY_UNUSED_ROWS, "kind, name, count"},
    {QUERY_SHARE_ZONES, "lower(name)"},
    {QUERY_SHARE_RECORDS, "lower(z.name), lower(r.name), type, ttl, content"},
    {QUERY_SHARE_CONTROLLER_TEXTS, "name, state"},
    {QUERY_SHARE_POOL_TEXTS,
     "name, method, ttl, persistence_ttl, persistence_timer, name, client, ipv4_prefix,"
     " ipv6_prefix, fallback, name, alternate_method, metric, tolerance, failback,"
     " failback_delay"},
    {QUERY_SHARE_SERVERS, "name, name, position, ipv4, ipv6, state, weight, name"},
    {QUERY_SHARE_BALANCED_NAMES, "lower(b.name), name"},
    {QUERY_SHARE_GROUPS, "lower(cidr), name"},
    {QUERY_SHARE_PINS, "lower(n.network), ldns_group, name, name, until"},
    {QUERY_SHARE_TOPOLOGY, "lower(t.cidr), country, continent, asn, name, preference"},
    /* In test_sharing_copy.c. */
    {QUERY_COPY_ZONES, "name"},
    {QUERY_COPY_RECORDS, "name, name, type, ttl, content, disabled"},
    {QUERY_COPY_MONITORS,
     "name, type, port, path, host, query, status_min, status_max, body, send, expect, verify,"
     " interval, timeout, rise, fall, http_method, headers, proxy, tls, steps, rcode, answer,"
     " source, arguments, each_family"},
    {QUERY_COPY_CONTROLLERS, "name, address, state, name"},
    {QUERY_COPY_POOLS,
     "name, method, ttl, persistence_ttl, persistence_timer, name, client, ipv4_prefix,"
     " ipv6_prefix, fallback, name, alternate_method, metric, tolerance, name, failback,"
     " failback_delay"},
    {QUERY_COPY_SERVERS, "name, position, name, ipv4, ipv6, port, weight, state, name,"
                         " check_address, checked, name"},
    {QUERY_COPY_BALANCED_NAMES, "name, name"},
    {QUERY_COPY_GROUPS, "cidr, name"},
    {QUERY_COPY_PINS, "network, ldns_group, name, name, until, comment"},
    {QUERY_COPY_TOPOLOGY, "cidr, country, continent, asn, name, preference"},
    {QUERY_DIFFER_POOLS, "row, sum(side)"},
    {QUERY_DIFFER_CONTROLLERS, "row, sum(side)"},
    {QUERY_DIFFER_SERVERS, "row, sum(side)"},
    {QUERY_DIFFER_BALANCED_NAMES, "row, sum(side)"},
    {QUERY_DIFFER_ZONES, "row, sum(side)"},
    {QUERY_DIFFER_RECORDS, "row, sum(side)"},
    {QUERY_DIFFER_GROUPS, "row, sum(side)"},
    {QUERY_DIFFER_PINS, "row, sum(side)"},
    {QUERY_DIFFER_TOPOLOGY, "row, sum(side)"},
};

/* "" for a statement that has none, or a pragma. */
static void columns_of(struct place *place, const char *sql, struct buffer *ret_columns)
{
    sqlite3_stmt *statement = NULL;
    CHECK(sqlite3_prepare_v2(place->shell, sql, -1, &statement, NULL) == SQLITE_OK, "%s", sql);
    buffer_clear(ret_columns);
    for (int i = 0; strncmp(sql, "PRAGMA", 6) != 0 && i < sqlite3_column_count(statement); i++)
        buffer_printf(ret_columns, "%s%s", i ? ", " : "", sqlite3_column_name(statement, i));
    sqlite3_finalize(statement);
}

static void queries_have_the_columns_that_are_tested_here(void)
{
    struct place place;
    struct buffer columns = {0};
    place_init(&place);
    for (int query = 0; query < QUERY_COUNT; query++) {
        const char *expected = "";
        for (size_t i = 0; i < COUNT(queries); i++)
            if (queries[i].query == (enum query)query)
                expected = queries[i].columns;
        columns_of(&place, query_texts[query], &columns);
        if (strncmp(query_texts[query], "CREATE TEMP TABLE", 17) == 0) /* others read it */
            place_run(&place, query_texts[query]);
        CHECK_TEXT(buffer_text(&columns), expected, "%s", query_texts[query]);
    }
    buffer_release(&columns);
    place_release(&place);
}

/* ---------------------------------------------------------------- the configuration */

static const char configuration[] =
    "INSERT INTO zone (id, name) VALUES (3, 'example.org');"
    "INSERT INTO record (id, zone_id, name, type, ttl, content)"
    " VALUES (11, 3, 'a.example.org', 'MX', 12, '13 mx.example.org');"
    "INSERT INTO record (id, zone_id, name, type, ttl, content)"
    " VALUES (14, NULL, 'www.example.net', 'TXT', 15, '\"16\"');"
    "INSERT INTO record (id, zone_id, name, type, ttl, content)"
    " VALUES (17, 3, 'b.example.org', 'A', 18, 'none');"
    "INSERT INTO controller (id, name, address, state)"
    " VALUES (21, 'ams', '192.0.2.22', 'draining'), (23, 'fra', NULL, 'enabled');"
    "INSERT INTO pool (id, name) VALUES (31, 'mappings'), (32, 'last');"
    "INSERT INTO pool (id, name, method, ttl, persistence_ttl, persistence_timer,"
    " persistence_pool_id, client, ipv4_prefix, ipv6_prefix, fallback, fallback_pool_id,"
    " alternate_method, metric, tolerance, failback, failback_delay)"
    " VALUES (33, 'web', 'rtt', 34, 35, 'sliding', 31, 'ecs', 26, 37, 'none', 32, 'least', 'cpu',"
    " 38, 'delayed', 40);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6, state, weight)"
    " VALUES (41, 33, 21, 42, '192.0.2.43', '2001:db8::44', 'disabled', 45),"
    " (46, 31, 23, 1, '192.0.2.46', NULL, 'enabled', 1),"
    " (47, 32, 23, 1, '192.0.2.47', NULL, 'enabled', 1);"
    "INSERT INTO pool (id, name) VALUES (39, 'cloud');"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, name)"
    " VALUES (48, 39, 23, 1, 'lb-49.cloud.example');"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.net', 33);"
    "INSERT INTO ldns_group (cidr, name) VALUES ('198.51.100.0/24', 'office');"
    "INSERT INTO pin (id, network, pool_id, controller_id, until, comment)"
    " VALUES (52, '198.51.100.0/26', 33, 21, 4102444853, 'why');"
    "INSERT INTO pin (id, ldns_group, controller_id) VALUES (54, 'office', 23);"
    "UPDATE setting SET value = 51 WHERE name = 'max_checks';"
    "INSERT INTO controller_metric (controller_id, name, value) VALUES (23, 'availability', 0);"
    "INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
    " VALUES (41, 'availability', 0);";

static bool names_row(const struct problems *problems, const char *row)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strstr(problems->lines[i], row))
            return true;
    return false;
}

static void check_names(const struct snapshot *snapshot)
{
    struct name name;
    bool below;
    const struct zone *zone = snapshot_zone(snapshot, 3);
    CHECK_TEXT(zone ? zone->name : NULL, "example.org", "zone");
    CHECK_INTEGER(name_parse("a.example.org", 13, &name), 0, "a name");
    const struct name_entry *entry = snapshot_find(snapshot, &name, &below);
    if (CHECK(entry && entry->record_count == 1, "a record")) {
        CHECK(entry->records->zone == zone, "its zone");
        CHECK_TEXT(entry->records->type, "MX", "type");
        CHECK_TEXT(entry->records->content, "13 mx.example.org", "content");
        CHECK_INTEGER(entry->records->ttl_s, 12, "ttl");
    }
    CHECK_INTEGER(name_parse("www.example.net", 15, &name), 0, "a name");
    entry = snapshot_find(snapshot, &name, &below);
    if (CHECK(entry && entry->record_count == 1, "a balanced name")) {
        CHECK(entry->records->zone == NULL, "without a zone");
        CHECK(entry->balanced && entry->pool == snapshot_pool(snapshot, 33), "its pool");
    }
    CHECK(names_row(&snapshot->problems, "record 17 "), "the id of a record");
}

static void check_pool(const struct snapshot *snapshot)
{
    const struct pool *pool = snapshot_pool(snapshot, 33);
    if (!CHECK(pool != NULL, "pool"))
        return;
    CHECK_TEXT(pool->name, "web", "name");
    CHECK(pool->method == &method_rtt, "method");
    CHECK_INTEGER(pool->ttl_s, 34, "ttl");
    CHECK_INTEGER(pool->persistence_ttl_s, 35, "persistence_ttl");
    CHECK_INTEGER(pool->timer, TIMER_SLIDING, "persistence_timer");
    CHECK(pool->persistence_pool == snapshot_pool(snapshot, 31), "persistence_pool_id");
    CHECK_INTEGER(pool->client, CLIENT_ECS, "client");
    CHECK_INTEGER(pool->ipv4_prefix_bits, 26, "ipv4_prefix");
    CHECK_INTEGER(pool->ipv6_prefix_bits, 37, "ipv6_prefix");
    CHECK_INTEGER(pool->fallback, FALLBACK_NONE, "fallback");
    CHECK(pool->fallback_pool == snapshot_pool(snapshot, 32), "fallback_pool_id");
    CHECK(pool->alternate == &method_least, "alternate_method");
    CHECK_TEXT(pool->metric, "cpu", "metric");
    CHECK_INTEGER(pool->tolerance_percent, 38, "tolerance");
    CHECK_INTEGER(pool->failback, FAILBACK_DELAYED, "failback");
    CHECK_INTEGER(pool->failback_delay_s, 40, "failback_delay");
}

static void check_server(const struct snapshot *snapshot)
{
    const struct virtual_server *server = snapshot_server(snapshot, 41);
    const struct controller *controller = snapshot_controller(snapshot, 21);
    if (!CHECK(server && controller, "server and controller"))
        return;
    CHECK(server->controller == controller, "controller_id");
    CHECK_INTEGER(server->position, 42, "position");
    CHECK_TEXT(server->ipv4, "192.0.2.43", "ipv4");
    CHECK_TEXT(server->ipv6, "2001:db8::44", "ipv6");
    CHECK_INTEGER(server->state, STATE_DISABLED, "state");
    CHECK_INTEGER(server->weight, 45, "weight");
    CHECK_TEXT(snapshot_server(snapshot, 48)->name, "lb-49.cloud.example", "name");
    CHECK_TEXT(controller->name, "ams", "name");
    CHECK_TEXT(controller->address, "192.0.2.22", "address");
    CHECK_INTEGER(controller->state, STATE_DRAINING, "state");
}

static void check_pins(const struct snapshot *snapshot)
{
    if (!CHECK_INTEGER((int64_t)snapshot->pins.count, 2, "pins"))
        return;
    const struct pin *group = &snapshot->pins.pins[0], *pin = &snapshot->pins.pins[1];
    char text[PIN_TEXT_MAX];
    CHECK_INTEGER(pin->id, 52, "id");
    CHECK_TEXT(pin_format(pin, text), "198.51.100.0/26", "network");
    CHECK(pin->pool == snapshot_pool(snapshot, 33), "pool_id");
    CHECK(pin->controller == snapshot_controller(snapshot, 21), "controller_id");
    CHECK_INTEGER(pin->until_s, 4102444853, "until");
    CHECK_TEXT(pin->comment, "why", "comment");
    CHECK_INTEGER(group->id, 54, "id");
    CHECK_TEXT(group->group, "office", "ldns_group");
    CHECK(!group->pool && !group->comment && group->until_s == PIN_WITHOUT_END, "NULLs");
}

static void check_availability(const struct snapshot *snapshot,
                               const struct availability *availability)
{
    const struct controller *down = snapshot_controller(snapshot, 23);
    const struct virtual_server *server = snapshot_server(snapshot, 41);
    if (!CHECK(down && server, "a controller and a server"))
        return;
    CHECK(availability->controller_down[down->index], "controller_metric");
    CHECK(availability->server_down[server->index], "virtual_server_metric");
}

static void the_configuration_is_read_column_by_column(void)
{
    struct desk desk;
    struct error error = {0};
    struct snapshot *snapshot = NULL;
    struct availability *availability = NULL;
    const struct address member = address_of("198.51.100.7");
    desk_begin(&desk, configuration);
    if (CHECK_INTEGER(store_load(desk.store, &snapshot, &error), 0, "%s", error.text) &&
        CHECK_INTEGER(store_load_availability(desk.store, snapshot, &availability, &error), 0, "%s",
                      error.text)) {
        check_names(snapshot);
        check_pool(snapshot);
        check_server(snapshot);
        CHECK_TEXT(prefix_map_find(&snapshot->groups, &member), "office", "ldns_group");
        CHECK_INTEGER(snapshot->settings.max_checks, 51, "setting");
        check_pins(snapshot);
        check_availability(snapshot, availability);
    }
    availability_free(availability);
    snapshot_free(snapshot);
    desk_end(&desk);
}

/* ---------------------------------------------------------------- topology and metrics */

static const char topology_rows[] =
    "INSERT INTO controller (id, name) VALUES (61, 'ams'), (62, 'fra'), (63, 'nyc'), (64, 'syd');"
    "INSERT INTO topology (id, cidr, controller_id, preference) VALUES (71, '192.0.2.0/24', 61, 1);"
    "INSERT INTO topology (id, asn, controller_id, preference) VALUES (72, 64500, 62, 2);"
    "INSERT INTO topology (id, country, controller_id, preference) VALUES (73, 'NL', 63, 3);"
    "INSERT INTO topology (id, continent, controller_id, preference) VALUES (74, 'EU', 64, 4);"
    "INSERT INTO topology (id, cidr, controller_id) VALUES (75, '192.0.2.999', 61);"
    "INSERT INTO geo_database (path) VALUES ('/nonexistent/geo.mmdb');";

static void check_preference(const struct topology_match *match, bool found, int64_t controller_id,
                             uint32_t expected, const char *what)
{
    uint32_t preference = 0;
    if (CHECK(found, "%s", what) &&
        CHECK(topology_match_preference(match, controller_id, &preference), "%s", what))
        CHECK_INTEGER(preference, expected, "%s", what);
}

static void topology_is_read_column_by_column(void)
{
    struct desk desk;
    struct error error = {0};
    struct topology *topology = NULL;
    struct topology_match match;
    size_t count;
    const struct prefix client = network_of("192.0.2.7");
    const struct location location = {.asn = 64500, .country = "NL", .continent = "EU"};
    desk_begin(&desk, topology_rows);
    if (CHECK_INTEGER(store_load_topology(desk.store, &topology, &error), 0, "%s", error.text)) {
        check_preference(&match, topology_match_network(topology, &client, &match), 61, 1, "cidr");
        check_preference(&match, topology_match_location(topology, TOPOLOGY_ASN, &location, &match),
                         62, 2, "asn");
        check_preference(&match,
                         topology_match_location(topology, TOPOLOGY_COUNTRY, &location, &match), 63,
                         3, "country");
        check_preference(&match,
                         topology_match_location(topology, TOPOLOGY_CONTINENT, &location, &match),
                         64, 4, "continent");
        CHECK(names_row(topology_problems(topology), "topology 75"), "the id");
        CHECK_TEXT(topology_geo_databases(topology, &count)[0], "/nonexistent/geo.mmdb", "path");
    }
    topology_free(topology);
    desk_end(&desk);
}

static void metrics_are_read_column_by_column(void)
{
    struct desk desk;
    struct metric metric = {0};
    const struct prefix client = network_of("198.51.100.7");
    desk_begin(&desk,
               "INSERT INTO controller (id, name) VALUES (81, 'ams');"
               "INSERT INTO pool (id, name) VALUES (82, 'web');"
               "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
               " VALUES (83, 82, 81, 1, '192.0.2.1');"
               "INSERT INTO controller_metric VALUES (81, 'rtt', 84, 85), (81, 'cpu', 1, 2);"
               "INSERT INTO virtual_server_metric VALUES (83, 'rtt', 86, 87), (83, 'cpu', 3, 4);"
               "INSERT INTO path_metric (network, controller_id, rtt, measured_at)"
               " VALUES ('198.51.100.0/24', 81, 88, 89), ('198.51.0.0/16', 81, 5, 6);");
    struct metric_table table = store_measurements(desk.store);
    CHECK_INTEGER(table.controller(table.context, 81, "rtt", &metric), 0, "controller");
    CHECK(metric.value == 84 && metric.measured_at_s == 85, "controller_metric");
    CHECK_INTEGER(table.server(table.context, 83, "rtt", &metric), 0, "server");
    CHECK(metric.value == 86 && metric.measured_at_s == 87, "virtual_server_metric");
    CHECK_INTEGER(table.path(table.context, &client, 81, &metric), 0, "path");
    CHECK(metric.value == 88 && metric.measured_at_s == 89, "path_metric");
    desk_end(&desk);
}

/* ---------------------------------------------------------------- mappings */

static void check_one_row(struct desk *desk, const char *table, const char *condition)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE %s", table, condition);
    CHECK_INTEGER(place_number(&desk->place, sql), 1, "%s", condition);
}

static bool is_the_row(void *context, int64_t pool_id, const char *key,
                       const struct mapping *mapping)
{
    (void)context;
    CHECK_INTEGER(pool_id, 91, "pool_id");
    CHECK_TEXT(key, "192.0.2.92", "ldns");
    CHECK(mapping_equal(mapping, &(struct mapping){98, "other", 99, 100, 106, 107, 109}),
          "the mapping");
    return true;
}

static void mappings_are_read_and_written_column_by_column(void)
{
    struct desk desk;
    struct error error = {0};
    struct revision revision;
    const struct mapping first = {93, "method", 94, 95, 104, 105, 108},
                         second = {98, "other", 99, 100, 106, 107, 109};
    struct mapping found;
    desk_begin(&desk, "INSERT INTO pool (id, name) VALUES (91, 'web');"
                      "INSERT INTO controller (id, name) VALUES (93, 'ams'), (98, 'fra')");
    struct mapping_table table = store_mappings(desk.store);
    CHECK_INTEGER(store_begin(desk.store, 2 * STORE_KEPT_MS, &revision, &error), 0, "claims");
    CHECK_INTEGER(table.claim(table.context, 91, "192.0.2.92", NULL, &first, &error), 0, "insert");
    store_write_claims(desk.store);
    check_one_row(&desk, "persistence",
                  "pool_id = 91 AND ldns = '192.0.2.92' AND controller_id = 93"
                  " AND method = 'method' AND timestamp = 94 AND ttl = 95"
                  " AND decided = 104 AND origin = 105 AND home_id = 108");
    CHECK_INTEGER(table.find(table.context, 91, "192.0.2.92", &found, &error), 0, "find");
    CHECK(mapping_equal(&found, &first), "the mapping");
    CHECK_INTEGER(table.claim(table.context, 91, "192.0.2.92", &first, &second, &error), 0,
                  "replace");
    store_write_claims(desk.store);
    check_one_row(&desk, "persistence",
                  "pool_id = 91 AND ldns = '192.0.2.92' AND controller_id = 98"
                  " AND method = 'other' AND timestamp = 99 AND ttl = 100"
                  " AND decided = 106 AND origin = 107 AND home_id = 109");
    store_rest(desk.store);
    CHECK_INTEGER(store_each_mapping(desk.store, is_the_row, NULL, &error), 0, "%s", error.text);
    desk_end(&desk);
}

/* ---------------------------------------------------------------- what the monitor reads */

static const char monitored[] =
    "INSERT INTO monitor (id, name, type, port, path, host, status_min, status_max, body, verify,"
    " interval, timeout, rise, fall, http_method, headers, proxy, source) VALUES (101, 'web', "
    "'https',"
    " 102, '/103', 'host', 204, 305, NULL, 0, 106, 7, 8, 9, 'HEAD', 'X-A: b', 1, '192.0.2.109');"
    "INSERT INTO monitor (id, name, type, send, expect) VALUES (111, 'port', 'tcp', 'say', 'hear');"
    "INSERT INTO monitor (id, name, type, host, query, answer, rcode) VALUES (112, 'name', 'dns', "
    "'x',"
    " 'MX', '^1', 'NOERROR'), (113, 'not', 'dns', 'x', 'A', NULL, 'REFUSED');"
    "INSERT INTO monitor (id, name, type, tls, steps, proxy) VALUES (114, 'ldaps', 'tcp', 1,"
    " 'send x', 2);"
    "INSERT INTO monitor (id, name, type, path, arguments) VALUES (115, 'run', 'exec', 'p', '-v');"
    "INSERT INTO monitor (id, name, type, body) VALUES (116, 'page', 'http', 'body');"
    "INSERT INTO controller (id, name, address, monitor_id) VALUES (121, 'ams', '192.0.2.122',"
    " 116);"
    "INSERT INTO pool (id, name, monitor_id) VALUES (123, 'pool', 112);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, port, monitor_id,"
    " check_address) VALUES (124, 123, 121, 1, '192.0.2.125', 126, 101, '192.0.2.127');"
    "UPDATE setting SET value = 128 WHERE name = 'max_checks';";

static const struct monitor *monitor_of(const struct targets *targets, int64_t id)
{
    for (size_t i = 0; i < targets_monitor_count(targets); i++)
        if (targets_monitor_at(targets, i)->id == id)
            return targets_monitor_at(targets, i);
    return NULL;
}

static void check_monitors(const struct targets *targets)
{
    const struct monitor *web = monitor_of(targets, 101), *port = monitor_of(targets, 111);
    if (!CHECK_INTEGER((int64_t)targets_monitor_count(targets), 7, "monitors"))
        return;
    CHECK_TEXT(web->name, "web", "name");
    CHECK_INTEGER(web->type, CHECK_HTTPS, "type");
    CHECK_INTEGER(web->port, 102, "port");
    CHECK_TEXT(web->path, "/103", "path");
    CHECK_TEXT(web->host, "host", "host");
    CHECK_INTEGER(web->status_min, 204, "status_min");
    CHECK_INTEGER(web->status_max, 305, "status_max");
    CHECK(!web->verify && port->verify, "verify");
    CHECK_INTEGER(web->interval_s, 106, "interval");
    CHECK_INTEGER(web->timeout_s, 7, "timeout");
    CHECK_INTEGER(web->rise, 8, "rise");
    CHECK_INTEGER(web->fall, 9, "fall");
    CHECK_TEXT(port->send, "say", "send");
    CHECK_TEXT(port->expect, "hear", "expect");
    CHECK_TEXT(monitor_of(targets, 112)->query, "MX", "query");
    CHECK_TEXT(monitor_of(targets, 116)->body, "body", "body");
}

/* Those that came to the end of the table. */
static void check_later_columns(const struct targets *targets)
{
    const struct monitor *web = monitor_of(targets, 101), *port = monitor_of(targets, 111);
    const struct monitor *name = monitor_of(targets, 112), *ldaps = monitor_of(targets, 114);
    if (!CHECK(web && port && name && ldaps, "monitors"))
        return;
    CHECK(web->http_method == METHOD_HEAD && port->http_method == METHOD_GET, "http_method");
    CHECK_TEXT(web->headers, "X-A: b", "headers");
    CHECK(web->proxy == PROXY_VERSION_1 && port->proxy == PROXY_NONE &&
              ldaps->proxy == PROXY_VERSION_2,
          "proxy");
    CHECK(ldaps->tls && !port->tls, "tls");
    CHECK_TEXT(ldaps->steps, "send x", "steps");
    CHECK_TEXT(name->answer, "^1", "answer");
    CHECK_TEXT(monitor_of(targets, 113)->rcode, "REFUSED", "rcode");
    CHECK(web->source.family == FAMILY_IPV4 && web->source.bytes[3] == 109 &&
              port->source.family == FAMILY_NONE,
          "source");
    CHECK_TEXT(monitor_of(targets, 115)->arguments, "-v", "arguments");
}

static void check_target(const struct target *target, int64_t id, int64_t monitor_id,
                         const char *address, uint16_t port, const char *name)
{
    char text[ADDRESS_TEXT_MAX];
    CHECK_INTEGER(target->key.id, id, "%s", name);
    CHECK_INTEGER(target->monitor->id, monitor_id, "%s: monitor_id", name);
    CHECK_TEXT(address_format(&target->address, text), address, "%s: address", name);
    CHECK_INTEGER(target->port, port, "%s: port", name);
    CHECK_TEXT(target->name, name, "%s: name", name);
}

static void targets_are_read_column_by_column(void)
{
    struct desk desk;
    struct error error = {0};
    struct targets *targets = NULL;
    struct settings settings = settings_default();
    desk_begin(&desk, monitored);
    int code = store_load_targets(desk.store, &targets, &settings, &error);
    if (CHECK_INTEGER(code, 0, "%s", error.text)) {
        CHECK_INTEGER(settings.max_checks, 128, "setting");
        check_monitors(targets);
        check_later_columns(targets);
        if (CHECK_INTEGER((int64_t)targets_count(targets), 2, "targets")) {
            check_target(targets_at(targets, 0), 121, 116, "192.0.2.122", 0,
                         "controller ams, 192.0.2.122:80");
            check_target(targets_at(targets, 1), 124, 101, "192.0.2.127", 126,
                         "pool pool, controller ams, 192.0.2.127:102");
        }
    }
    targets_release(targets);
    desk_end(&desk);
}

static int take(void *context, const struct verdict_row *row)
{
    struct verdict_row *taken = context;
    taken[row->key.kind] = *row;
    return 0;
}

static void check_verdict(const struct verdict_row *read, const struct verdict_row *written)
{
    const struct target_verdict *now = &read->verdict, *before = &written->verdict;
    CHECK_INTEGER(read->key.id, written->key.id, "id");
    CHECK_INTEGER(now->state, before->state, "state");
    CHECK_INTEGER(now->reason, before->reason, "reason");
    CHECK_INTEGER(now->since_s, before->since_s, "since");
    CHECK_INTEGER(now->checked_s, before->checked_s, "checked_at");
    CHECK_INTEGER(now->flaps, before->flaps, "flaps");
    CHECK(now->has_rtt && now->rtt_ms == before->rtt_ms, "rtt");
}

static void verdicts_are_read_and_written_column_by_column(void)
{
    const struct verdict_row rows[] = {
        [TARGET_CONTROLLER] = {.key = {TARGET_CONTROLLER, 121, FAMILY_NONE},
                               .verdict = {VERDICT_UP, REASON_OK, 131, 132, 133, true, 134.5, 0},
                               .measured = true},
        [TARGET_SERVER] = {.key = {TARGET_SERVER, 124, FAMILY_NONE},
                           .verdict = {VERDICT_DOWN, REASON_TLS, 141, 142, 143, true, 144.5, 0},
                           .measured = true},
    };
    struct desk desk;
    struct error error = {0};
    struct verdict_row read[2] = {0};
    desk_begin(&desk, monitored);
    int code = store_write_verdicts(desk.store, rows, COUNT(rows), NULL, 0, 1000, &error);
    CHECK_INTEGER(code, 0, "%s", error.text);
    check_one_row(&desk, "controller_verdict",
                  "controller_id = 121 AND state = 'up' AND reason = 'ok' AND since = 131"
                  " AND checked_at = 132 AND flaps = 133");
    check_one_row(&desk, "virtual_server_verdict",
                  "virtual_server_id = 124 AND state = 'down' AND reason = 'tls' AND since = 141"
                  " AND checked_at = 142 AND flaps = 143");
    check_one_row(&desk, "controller_metric",
                  "controller_id = 121 AND name = 'availability' AND value = 1"
                  " AND measured_at = 132");
    check_one_row(&desk, "controller_metric",
                  "controller_id = 121 AND name = 'rtt' AND value = 134.5 AND measured_at = 132");
    check_one_row(&desk, "virtual_server_metric",
                  "virtual_server_id = 124 AND name = 'availability' AND value = 0"
                  " AND measured_at = 142");
    check_one_row(&desk, "virtual_server_metric",
                  "virtual_server_id = 124 AND name = 'rtt' AND value = 144.5"
                  " AND measured_at = 142");
    CHECK_INTEGER(store_each_verdict(desk.store, take, read, &error), 0, "%s", error.text);
    check_verdict(&read[TARGET_CONTROLLER], &rows[TARGET_CONTROLLER]);
    check_verdict(&read[TARGET_SERVER], &rows[TARGET_SERVER]);
    desk_end(&desk);
}

static const CU_TestInfo tests[] = {
    {"queries have the columns that are tested here",
     queries_have_the_columns_that_are_tested_here},
    {"the configuration is read column by column", the_configuration_is_read_column_by_column},
    {"topology is read column by column", topology_is_read_column_by_column},
    {"metrics are read column by column", metrics_are_read_column_by_column},
    {"mappings are read and written column by column",
     mappings_are_read_and_written_column_by_column},
    {"targets are read column by column", targets_are_read_column_by_column},
    {"verdicts are read and written column by column",
     verdicts_are_read_and_written_column_by_column},
    CU_TEST_INFO_NULL,
};

const struct suite suite_columns = {"columns", tests};
