#include "rows.h"

#include <stdio.h>
#include <string.h>

#include "values.h"

#define COLUMNS_MAX 21

static const struct table {
    const char *name, *key; /* the column by which a row is found */
    struct column {
        const char *name;
        enum value value;
    } columns[COLUMNS_MAX];
} tables[] = {
    {"zone", "id", {{"id", VALUE_ID}, {"name", VALUE_NAME}}},
    {"record",
     "id",
     {{"id", VALUE_ID},
      {"zone_id", VALUE_ID_OR_NULL},
      {"name", VALUE_NAME},
      {"type", VALUE_TYPE},
      {"content", VALUE_CONTENT},
      {"ttl", VALUE_TTL},
      {"disabled", VALUE_FLAG}}},
    {"controller",
     "id",
     {{"id", VALUE_ID},
      {"name", VALUE_WORD},
      {"address", VALUE_ADDRESS},
      {"state", VALUE_STATE},
      {"monitor_id", VALUE_MONITOR}}},
    {"pool",
     "id",
     {{"id", VALUE_ID},
      {"name", VALUE_WORD},
      {"method", VALUE_METHOD},
      {"ttl", VALUE_TTL},
      {"persistence_ttl", VALUE_TTL},
      {"persistence_timer", VALUE_TIMER},
      {"persistence_pool_id", VALUE_ID_OR_NULL},
      {"client", VALUE_CLIENT},
      {"ipv4_prefix", VALUE_BITS},
      {"ipv6_prefix", VALUE_BITS},
      {"fallback", VALUE_FALLBACK},
      {"fallback_pool_id", VALUE_ID_OR_NULL},
      {"alternate_method", VALUE_METHOD_OR_NULL},
      {"metric", VALUE_METRIC_OR_NULL},
      {"tolerance", VALUE_TOLERANCE},
      {"monitor_id", VALUE_MONITOR},
      {"failback", VALUE_FAILBACK},
      {"failback_delay", VALUE_TTL}}},
    {"virtual_server",
     "id",
     {{"id", VALUE_ID},
      {"pool_id", VALUE_ID},
      {"controller_id", VALUE_ID},
      {"position", VALUE_NUMBER},
      {"ipv4", VALUE_IPV4},
      {"ipv6", VALUE_IPV6},
      {"port", VALUE_PORT},
      {"weight", VALUE_WEIGHT},
      {"state", VALUE_STATE},
      {"monitor_id", VALUE_MONITOR},
      {"check_address", VALUE_ADDRESS},
      {"name", VALUE_NAME}}},
    {"balanced_name", "pool_id", {{"name", VALUE_NAME}, {"pool_id", VALUE_ID}}},
    {"controller_metric",
     "controller_id",
     {{"controller_id", VALUE_ID},
      {"name", VALUE_METRIC},
      {"value", VALUE_REAL},
      {"measured_at", VALUE_TIME}}},
    {"virtual_server_metric",
     "virtual_server_id",
     {{"virtual_server_id", VALUE_ID},
      {"name", VALUE_METRIC},
      {"value", VALUE_REAL},
      {"measured_at", VALUE_TIME}}},
    {"monitor",
     "id",
     {{"id", VALUE_ID},
      {"name", VALUE_WORD},
      {"type", VALUE_CHECK},
      {"port", VALUE_PORT},
      {"path", VALUE_CHECK_PATH},
      {"interval", VALUE_SECONDS},
      {"each_family", VALUE_FLAG}}},
    {"controller_verdict",
     "controller_id",
     {{"controller_id", VALUE_ID},
      {"state", VALUE_VERDICT},
      {"reason", VALUE_REASON},
      {"since", VALUE_TIME},
      {"checked_at", VALUE_TIME}}},
    {"virtual_server_verdict",
     "virtual_server_id",
     {{"virtual_server_id", VALUE_ID},
      {"family", VALUE_FAMILY},
      {"state", VALUE_VERDICT},
      {"reason", VALUE_REASON},
      {"since", VALUE_TIME},
      {"checked_at", VALUE_TIME}}},
    /* Of a topology's four columns exactly one is given. */
    {"topology",
     "id",
     {{"id", VALUE_ID},
      {"cidr", VALUE_CIDR},
      {"controller_id", VALUE_ID},
      {"preference", VALUE_PREFERENCE}}},
    {"topology",
     "id",
     {{"country", VALUE_COUNTRY}, {"controller_id", VALUE_ID}, {"preference", VALUE_PREFERENCE}}},
    {"topology",
     "id",
     {{"continent", VALUE_CONTINENT},
      {"controller_id", VALUE_ID},
      {"preference", VALUE_PREFERENCE}}},
    {"topology",
     "id",
     {{"asn", VALUE_ASN}, {"controller_id", VALUE_ID}, {"preference", VALUE_PREFERENCE}}},
    {"geo_database", "path", {{"path", VALUE_PATH}}},
    {"path_metric",
     "controller_id",
     {{"network", VALUE_NETWORK},
      {"controller_id", VALUE_ID},
      {"rtt", VALUE_ROUND_TRIP},
      {"measured_at", VALUE_TIME},
      {"origin", VALUE_NODE},
      {"changed", VALUE_ANY_NUMBER}}},
    {"ldns_group", "name", {{"cidr", VALUE_CIDR}, {"name", VALUE_WORD}}},
    {"pin",
     "id",
     {{"id", VALUE_ID},
      {"network", VALUE_CIDR},
      {"pool_id", VALUE_ID},
      {"controller_id", VALUE_ID},
      {"until", VALUE_TIME},
      {"comment", VALUE_TEXT}}},
    {"pin",
     "id",
     {{"id", VALUE_ID},
      {"ldns_group", VALUE_WORD},
      {"pool_id", VALUE_ID},
      {"controller_id", VALUE_ID},
      {"until", VALUE_TIME}}},
    {"setting", "name", {{"name", VALUE_SETTING}, {"value", VALUE_LIMIT}}},
    {"persistence",
     "pool_id",
     {{"pool_id", VALUE_ID},
      {"ldns", VALUE_KEY},
      {"controller_id", VALUE_ID},
      {"method", VALUE_METHOD},
      {"timestamp", VALUE_TIME},
      {"ttl", VALUE_TTL}}},
    /* With what was decided elsewhere; the triggers may give it another place. */
    {"persistence",
     "pool_id",
     {{"pool_id", VALUE_ID},
      {"ldns", VALUE_KEY},
      {"controller_id", VALUE_ID},
      {"method", VALUE_METHOD},
      {"timestamp", VALUE_TIME},
      {"ttl", VALUE_TTL},
      {"decided", VALUE_DECIDED},
      {"origin", VALUE_NODE},
      {"lag_ms", VALUE_ANY_NUMBER},
      {"home_id", VALUE_ID_OR_NULL}}},
    {"site_state",
     "pool_id",
     {{"pool_id", VALUE_ID},
      {"controller_id", VALUE_ID},
      {"up_since", VALUE_TIME},
      {"held_since", VALUE_TIME}}},
    {"share",
     "id",
     {{"id", VALUE_ONE},
      {"node", VALUE_NODE},
      {"name", VALUE_SERVER_NAME},
      {"incarnation", VALUE_ANY_NUMBER},
      {"place", VALUE_TEXT},
      {"batch", VALUE_ANY_NUMBER},
      {"url", VALUE_URL},
      {"replaced", VALUE_DECIDED}}},
    {"peer", "node", {{"node", VALUE_NODE}, {"name", VALUE_SERVER_NAME}, {"url", VALUE_URL}}},
    {"share_cursor",
     "node",
     {{"node", VALUE_NODE},
      {"created", VALUE_ANY_NUMBER},
      {"sequence", VALUE_ANY_NUMBER},
      {"incarnation", VALUE_ANY_NUMBER},
      {"batch", VALUE_ANY_NUMBER}}},
    {"share_change",
     "stamp",
     {{"stamp", VALUE_ANY_NUMBER},
      {"pool_id", VALUE_ID},
      {"ldns", VALUE_KEY},
      {"noted_ms", VALUE_ANY_NUMBER}}},
    {"share_deleted",
     "pool_id",
     {{"pool_id", VALUE_ID},
      {"ldns", VALUE_KEY},
      {"decided", VALUE_DECIDED},
      {"origin", VALUE_NODE},
      {"timestamp", VALUE_TIME},
      {"ttl", VALUE_TTL}}},
    {"share_moved",
     "number",
     {{"number", VALUE_ANY_NUMBER},
      {"pool_id", VALUE_ID},
      {"ldns", VALUE_KEY},
      {"decided", VALUE_DECIDED},
      {"controller_id", VALUE_ID},
      {"origin", VALUE_NODE}}},
    {"share_state",
     "id",
     {{"id", VALUE_ONE},
      {"written_at", VALUE_TIME},
      {"connected", VALUE_FLAG},
      {"waiting", VALUE_ANY_NUMBER},
      {"oldest_at", VALUE_TIME},
      {"dropped", VALUE_ANY_NUMBER},
      {"copied", VALUE_FLAG},
      {"problem", VALUE_TEXT},
      {"warning", VALUE_TEXT}}},
    {"peer_state",
     "node",
     {{"node", VALUE_NODE},
      {"written_at", VALUE_TIME},
      {"connected", VALUE_FLAG},
      {"heard_at", VALUE_TIME},
      {"clock_offset_ms", VALUE_ANY_NUMBER},
      {"lag_ms", VALUE_ANY_NUMBER},
      {"newer", VALUE_ANY_NUMBER},
      {"known", VALUE_ANY_NUMBER},
      {"older", VALUE_ANY_NUMBER},
      {"future", VALUE_ANY_NUMBER},
      {"moved", VALUE_ANY_NUMBER},
      {"unknown", VALUE_ANY_NUMBER},
      {"unknown_name", VALUE_TEXT},
      {"no_room", VALUE_ANY_NUMBER},
      {"paths", VALUE_ANY_NUMBER},
      {"refused", VALUE_ANY_NUMBER},
      {"equal_at", VALUE_TIME},
      {"walking", VALUE_FLAG},
      {"differs", VALUE_FLAG},
      {"difference", VALUE_TEXT},
      {"problem", VALUE_TEXT}}},
    {"peer_verdict",
     "node",
     {{"node", VALUE_NODE},
      {"pool", VALUE_WORD},
      {"controller", VALUE_WORD},
      {"position", VALUE_NUMBER},
      {"family", VALUE_FAMILY},
      {"state", VALUE_VERDICT},
      {"heard_at", VALUE_TIME}}},
};

/* INSERT, INSERT OR REPLACE, DELETE, and an UPDATE for each column. */
enum { INSERT, REPLACE, DELETE, UPDATE, STATEMENTS = UPDATE + COLUMNS_MAX };

static sqlite3_stmt *statements[COUNT(tables)][STATEMENTS];

static const char *const beginnings[] = {
    /* A zone with two pools over three sites, as in the example. */
    "INSERT INTO zone (id, name) VALUES (1, 'example.com');"
    "INSERT INTO record (id, zone_id, name, type, content) VALUES"
    " (1, 1, 'example.com', 'SOA', 'ns.example.com h.example.com 1 3600 600 604800 60'),"
    " (2, 1, 'example.com', 'NS', 'ns.example.com'), (3, 1, 'a.b.example.com', 'A', '192.0.2.2');"
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra'), (3, 'nyc');"
    "INSERT INTO pool (id, name) VALUES (1, 'web');"
    "INSERT INTO pool (id, name, persistence_timer, ipv4_prefix, fallback, fallback_pool_id)"
    " VALUES (2, 'api', 'sliding', 24, 'servfail', 1);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', '2001:db8:1::80'),"
    " (2, 1, 2, 2, '198.51.100.80', '2001:db8:2::80'), (3, 1, 3, 3, '203.0.113.80', NULL),"
    " (4, 2, 1, 1, '192.0.2.81', NULL), (5, 2, 3, 2, '203.0.113.81', NULL);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2);"
    "INSERT INTO ldns_group (cidr, name) VALUES ('10.1.0.0/16', 'office');"
    "INSERT INTO pin (id, ldns_group, controller_id) VALUES (1, 'office', 2);"
    "INSERT INTO pin (id, network, pool_id, controller_id) VALUES (2, '192.0.2.0/24', 1, 3),"
    " (3, '2001:db8::/32', 2, 1);",
    /* Names of a zone that lies elsewhere, for client networks, and mappings shared. */
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
    "INSERT INTO pool (id, name, client) VALUES (1, 'web', 'ecs');"
    "INSERT INTO pool (id, name, persistence_pool_id, fallback) VALUES (2, 'api', 1, 'none');"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4) VALUES"
    " (1, 1, 1, 1, '192.0.2.80'), (2, 1, 2, 2, '198.51.100.80'),"
    " (3, 2, 1, 1, '192.0.2.81'), (4, 2, 2, 2, '198.51.100.81'), (5, 2, 1, 3, '192.0.2.82');"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2);"
    "INSERT INTO record (id, name, type, content) VALUES (1, 'www.example.com', 'MX', '0 .');",
    /* Servers that are down, at the zone's own name too, and clients that are all one. */
    "INSERT INTO zone (id, name) VALUES (1, 'example.com');"
    "INSERT INTO record (id, zone_id, name, type, content) VALUES"
    " (1, 1, 'example.com', 'SOA', 'ns.example.com h.example.com 1 3600 600 604800 60');"
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
    "INSERT INTO pool (id, name, fallback) VALUES (1, 'web', 'servfail'), (2, 'api', 'none');"
    "INSERT INTO pool (id, name, client, ipv4_prefix, ipv6_prefix) VALUES (3, 'one', 'ecs', 0, 0);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', NULL), (2, 2, 1, 1, '192.0.2.81', NULL),"
    " (3, 3, 2, 1, '192.0.2.82', NULL), (4, 3, 2, 2, NULL, '2001:db8::82');"
    "INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'availability', 0);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('example.com', 1),"
    " ('api.example.com', 2), ('www.example.com', 3);",
    /* By what was measured and where clients are, several servers to a site, some that drain. */
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra'), (3, 'nyc');"
    "INSERT INTO pool (id, name, method, alternate_method, metric, tolerance, fallback) VALUES"
    " (1, 'web', 'rtt', 'topology', NULL, 20, 'any'), (2, 'api', 'least', 'rtt', 'cpu', 0,"
    " 'servfail'), (3, 'geo', 'topology', NULL, NULL, 20, 'none');"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, weight) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', 1), (2, 1, 1, 2, '192.0.2.81', 0),"
    " (3, 1, 2, 3, '198.51.100.80', 3), (4, 2, 1, 1, '192.0.2.82', 1),"
    " (5, 2, 2, 2, '198.51.100.82', 0), (6, 3, 1, 1, '192.0.2.83', 1),"
    " (7, 3, 1, 2, '192.0.2.84', 1), (8, 3, 3, 3, '203.0.113.84', 1);"
    "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4, weight, state) VALUES"
    " (1, 1, 9, '192.0.2.90', 200, 'draining'), (3, 1, 9, '192.0.2.91', 200, 'draining');"
    "INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'rtt', 20),"
    " (2, 'rtt', 21), (1, 'cpu', 0.5);"
    "INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (1, 'rtt', 12.5),"
    " (5, 'cpu', -3);"
    "INSERT INTO path_metric (network, controller_id, rtt) VALUES ('192.0.2.0/24', 2, 5),"
    " ('192.0.2.10/32', 1, 1), ('2001:db8::/32', 2, 0);"
    "INSERT INTO topology (cidr, controller_id) VALUES ('192.0.2.0/24', 1), ('192.0.2.0/24', 3),"
    " ('192.0.2.11', 2);"
    "INSERT INTO topology (asn, controller_id) VALUES (64500, 1);"
    "INSERT INTO topology (continent, controller_id) VALUES ('NA', 3);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2), ('geo.example.com', 3);",
    /* By turns, remembered or not, and where nobody has a weight. */
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra'), (3, 'nyc');"
    "INSERT INTO pool (id, name, method, persistence_ttl, fallback, alternate_method) VALUES"
    " (1, 'web', 'round-robin', 3600, 'any', NULL), (2, 'api', 'ratio', 0, 'none', NULL),"
    " (3, 'idle', 'ratio', 3600, 'servfail', 'rendezvous'), (4, 'last', 'rtt', 3600, 'none',"
    " 'round-robin');"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, weight) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', 1), (2, 1, 2, 2, '198.51.100.80', 1),"
    " (3, 1, 2, 3, '198.51.100.81', 0), (4, 2, 1, 1, '192.0.2.82', 3),"
    " (5, 2, 2, 2, '198.51.100.82', 2), (6, 2, 3, 3, '203.0.113.82', 0),"
    " (7, 3, 1, 1, '192.0.2.83', 0), (8, 3, 2, 2, '198.51.100.83', 0),"
    " (9, 4, 1, 1, '192.0.2.84', 1), (10, 4, 2, 2, '198.51.100.84', 1);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2), ('idle.example.com', 3), ('last.example.com', 4);",
    /* By weight, by position, and by a method that is not there. */
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra'), (3, 'nyc');"
    "INSERT INTO pool (id, name, method) VALUES (1, 'web', 'rendezvous'), (3, 'new', 'fastest');"
    "INSERT INTO pool (id, name, method, alternate_method, persistence_pool_id, fallback_pool_id)"
    " VALUES (2, 'api', 'failover', 'fastest', 1, 3);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, ipv6, weight) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', '2001:db8:1::80', 1),"
    " (2, 1, 2, 2, '198.51.100.80', '2001:db8:2::80', 200), (3, 1, 3, 3, '203.0.113.80', NULL, 0),"
    " (4, 1, 2, 4, '198.51.100.81', NULL, 1), (5, 2, 3, 1, '203.0.113.82', NULL, 0),"
    " (6, 2, 1, 2, '192.0.2.82', NULL, 1), (7, 2, 3, 3, '203.0.113.83', NULL, 1),"
    " (8, 3, 1, 1, '192.0.2.84', NULL, 1);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1),"
    " ('api.example.com', 2), ('new.example.com', 3);",
    /* Pools that fall back to one which shares their mappings: undecided, draining and down. */
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
    "INSERT INTO pool (id, name) VALUES (1, 'last');"
    "INSERT INTO pool (id, name, method, persistence_pool_id, fallback_pool_id) VALUES"
    " (2, 'web', 'topology', 1, 1), (3, 'api', 'modulus', 1, 1), (4, 'geo', 'modulus', 1, 1);"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4, state) VALUES"
    " (1, 1, 1, 1, '192.0.2.80', 'enabled'), (2, 1, 2, 2, '198.51.100.80', 'enabled'),"
    " (3, 2, 1, 1, '192.0.2.81', 'enabled'), (4, 2, 2, 2, '198.51.100.81', 'enabled'),"
    " (5, 3, 1, 1, '192.0.2.82', 'draining'), (6, 3, 2, 2, '198.51.100.82', 'draining'),"
    " (7, 4, 1, 1, '192.0.2.83', 'enabled'), (8, 4, 2, 2, '198.51.100.83', 'enabled');"
    "INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES"
    " (7, 'availability', 0), (8, 'availability', 0);"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('last.example.com', 1),"
    " ('www.example.com', 2), ('api.example.com', 3), ('geo.example.com', 4);",
    /* One of three name servers that share, with what it has heard of the others. */
    "UPDATE share SET node = 1, name = 'ns1';"
    "INSERT INTO peer VALUES (2, 'ns2', 'nats://127.0.0.1:1'), (3, 'ns3', 'nats://127.0.0.1:2');"
    "INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra');"
    "INSERT INTO pool (id, name, method, alternate_method) VALUES (1, 'web', 'rtt', 'modulus');"
    "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4) VALUES"
    " (1, 1, 1, 1, '192.0.2.80'), (2, 1, 2, 2, '198.51.100.80');"
    "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1);"
    "INSERT INTO path_metric (network, controller_id, rtt) VALUES ('192.0.2.0/24', 1, 5);"
    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
    " VALUES (1, '192.0.2.10', 2, 'rtt', unixepoch(), 3600);"
    "INSERT INTO share_deleted VALUES (1, '192.0.2.11', 7000000000000000, 2, 1700000000, 60);"
    "INSERT INTO share_moved (pool_id, ldns, decided, controller_id, origin)"
    " SELECT pool_id, ldns, decided, 1, 2 FROM persistence;"
    "INSERT INTO peer_verdict (node, pool, controller, position, state, heard_at)"
    " VALUES (2, 'web', 'ams', 1, 'down', 1700000000);",
    "",
};

/* In every beginning: what columns refer to, and no metric that is old. */
static const char always[] =
    "INSERT INTO setting VALUES ('max_writes_per_second', 1000000);"
    "INSERT INTO monitor (id, name, type) VALUES (1, 'tcp', 'tcp'), (2, 'web', 'http');"
    "INSERT INTO geo_database VALUES ('%1$s');"
    "UPDATE controller_metric SET measured_at = %2$lld;"
    "UPDATE virtual_server_metric SET measured_at = %2$lld;"
    "UPDATE path_metric SET measured_at = %2$lld;";

void rows_prepare(sqlite3 *connection)
{
    char sql[1024];
    for (size_t t = 0; t < COUNT(tables); t++) {
        const struct table *table = &tables[t];
        char columns[512] = "", places[128] = "";
        for (size_t c = 0; c < COLUMNS_MAX && table->columns[c].name; c++) {
            snprintf(sql, sizeof sql, "%s%s", c ? ", " : "", table->columns[c].name);
            strcat(columns, sql);
            strcat(places, c ? ", ?" : "?");
            snprintf(sql, sizeof sql, "UPDATE %s SET %s = ? WHERE %s = ?", table->name,
                     table->columns[c].name, table->key);
            sqlite3_prepare_v2(connection, sql, -1, &statements[t][UPDATE + c], NULL);
            REQUIRE(statements[t][UPDATE + c], "%s: %s", sql, sqlite3_errmsg(connection));
        }
        for (int i = INSERT; i <= DELETE; i++) {
            if (i == DELETE)
                snprintf(sql, sizeof sql, "DELETE FROM %s WHERE %s = ?", table->name, table->key);
            else
                snprintf(sql, sizeof sql, "INSERT %sINTO %s (%s) VALUES (%s)",
                         i == REPLACE ? "OR REPLACE " : "", table->name, columns, places);
            sqlite3_prepare_v2(connection, sql, -1, &statements[t][i], NULL);
            REQUIRE(statements[t][i], "%s: %s", sql, sqlite3_errmsg(connection));
        }
    }
}

void rows_reset(sqlite3 *connection, struct input *input)
{
    char sql[2048];
    scratch_run(connection,
                "INSERT OR REPLACE INTO share (id) VALUES (1); DELETE FROM share_change;"
                "DELETE FROM share_deleted; DELETE FROM share_moved; DELETE FROM share_state;"
                "DELETE FROM peer; DELETE FROM share_cursor; DELETE FROM peer_state;"
                "DELETE FROM peer_verdict; DELETE FROM path_metric;"
                "DELETE FROM persistence; DELETE FROM record; DELETE FROM zone;"
                "DELETE FROM balanced_name; DELETE FROM virtual_server; DELETE FROM controller;"
                "UPDATE pool SET fallback_pool_id = NULL, persistence_pool_id = NULL;"
                "DELETE FROM pool; DELETE FROM monitor; DELETE FROM ldns_group; DELETE FROM pin;"
                "DELETE FROM geo_database; DELETE FROM setting; DELETE FROM sqlite_sequence;");
    scratch_run(connection, beginnings[input_below(input, COUNT(beginnings))]);
    snprintf(sql, sizeof sql, always, scratch_geo_database(), (long long)value_lately());
    scratch_run(connection, sql);
}

static enum value key_value(const struct table *table)
{
    for (size_t c = 0; c < COLUMNS_MAX && table->columns[c].name; c++)
        if (strcmp(table->columns[c].name, table->key) == 0)
            return table->columns[c].value;
    return VALUE_ID;
}

void rows_change(struct input *input, size_t count)
{
    /* Inserts are as many as all the others, or the tables would stay empty. */
    static const int kinds[] = {INSERT, INSERT, INSERT, REPLACE, UPDATE, UPDATE, DELETE};
    for (; count > 0 && input->next < input->end; count--) {
        const struct table *table = &tables[input_below(input, COUNT(tables))];
        sqlite3_stmt **of_table = statements[table - tables];
        int kind = kinds[input_below(input, COUNT(kinds))];
        size_t columns = 0;
        while (columns < COLUMNS_MAX && table->columns[columns].name)
            columns++;
        if (kind == INSERT || kind == REPLACE)
            for (size_t c = 0; c < columns; c++)
                value_bind(input, table->columns[c].value, of_table[kind], (int)c + 1);
        else if (kind == DELETE)
            value_bind(input, key_value(table), of_table[DELETE], 1);
        else {
            size_t c = input_below(input, columns);
            kind = UPDATE + (int)c;
            value_bind(input, table->columns[c].value, of_table[kind], 1);
            value_bind(input, key_value(table), of_table[kind], 2);
        }
        sqlite3_step(of_table[kind]);
        sqlite3_reset(of_table[kind]);
    }
}
