#include "store/sqlite/queries.h"

/* 0 when nothing is shared. */
#define SHARE_NODE " (SELECT node FROM share WHERE id = 1) AS node"
#define SELECT_CONTROLLERS "SELECT id, name, address, state FROM controller"
#define SELECT_POOLS                                                                               \
    "SELECT id, name, method, ttl, persistence_ttl, persistence_timer,"                            \
    " persistence_pool_id, client, ipv4_prefix, ipv6_prefix, fallback,"                            \
    " fallback_pool_id, alternate_method, metric, tolerance FROM pool"
#define SELECT_VIRTUAL_SERVERS                                                                     \
    "SELECT id, pool_id, controller_id, position, ipv4, ipv6, state, weight FROM virtual_server"

const char *const query_texts[QUERY_COUNT] = {
    [QUERY_REVISION] = "SELECT configuration, metrics, topology, mappings," SHARE_NODE
                       " FROM revision WHERE id = 1",
    [QUERY_GENERATION] = "SELECT identity, mappings," SHARE_NODE " FROM revision WHERE id = 1",
    [QUERY_POOL_IDS] = "SELECT id FROM pool ORDER BY id",
    [QUERY_ZONES] = "SELECT id, name FROM zone",
    [QUERY_RECORDS] = "SELECT id, zone_id, name, type, ttl, content FROM record WHERE disabled = 0",
    [QUERY_CONTROLLERS] = SELECT_CONTROLLERS,
    [QUERY_POOLS] = SELECT_POOLS,
    [QUERY_VIRTUAL_SERVERS] = SELECT_VIRTUAL_SERVERS,
    [QUERY_BALANCED_NAMES] = "SELECT name, pool_id FROM balanced_name",
    [QUERY_GROUPS] = "SELECT cidr, name FROM ldns_group",
    [QUERY_SETTINGS] = "SELECT name, value FROM setting",
    [QUERY_CHANGES] = "SELECT revision, previous, controller_id, pool_id, virtual_server_id"
                      " FROM configuration_change ORDER BY number DESC",
    [QUERY_CONTROLLER_ROW] = SELECT_CONTROLLERS " WHERE id = ?1",
    [QUERY_POOL_ROW] = SELECT_POOLS " WHERE id = ?1",
    [QUERY_VIRTUAL_SERVER_ROW] = SELECT_VIRTUAL_SERVERS " WHERE id = ?1",
    [QUERY_TOPOLOGY] = "SELECT id, cidr, country, continent, asn, controller_id, preference"
                       " FROM topology",
    [QUERY_GEO_DATABASES] = "SELECT path FROM geo_database ORDER BY path",
    [QUERY_CONTROLLER_AVAILABILITY] = "SELECT controller_id, value FROM controller_metric"
                                      " WHERE name = 'availability'",
    [QUERY_SERVER_AVAILABILITY] = "SELECT virtual_server_id, value FROM virtual_server_metric"
                                  " WHERE name = 'availability'",
    [QUERY_SERVER_METRIC] = "SELECT value, measured_at FROM virtual_server_metric"
                            " WHERE virtual_server_id = ?1 AND name = ?2",
    [QUERY_CONTROLLER_METRIC] = "SELECT value, measured_at FROM controller_metric"
                                " WHERE controller_id = ?1 AND name = ?2",
    [QUERY_PATH_LENGTH] = "SELECT max(bits) FROM path_metric WHERE ipv6 = ?1 AND bits <= ?2",
    [QUERY_PATH_METRIC] = "SELECT rtt, measured_at FROM path_metric"
                          " WHERE network = ?1 AND controller_id = ?2",
    [QUERY_MAPPING_FIND] =
        "SELECT controller_id, method, timestamp, ttl, decided, origin FROM persistence"
        " WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_MAPPING_WRITE] =
        "INSERT INTO persistence"
        " (pool_id, ldns, controller_id, method, timestamp, ttl, decided, origin)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM pool WHERE id = ?1)"
        " AND EXISTS (SELECT 1 FROM controller WHERE id = ?3)"
        " ON CONFLICT DO UPDATE SET controller_id = excluded.controller_id,"
        " method = excluded.method, timestamp = excluded.timestamp, ttl = excluded.ttl,"
        " decided = excluded.decided, origin = excluded.origin",
    [QUERY_MAPPING_DELETE] = "DELETE FROM persistence WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_MAPPING_EACH] =
        "SELECT controller_id, method, timestamp, ttl, decided, origin, pool_id, ldns"
        " FROM persistence ORDER BY pool_id, ldns",
    [QUERY_ENTRY_FIND] = "SELECT decided, origin, 0 AS gone, timestamp, ttl FROM persistence"
                         " WHERE pool_id = ?1 AND ldns = ?2 UNION ALL"
                         " SELECT decided, origin, 1, timestamp, ttl FROM share_deleted"
                         " WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_TOMBSTONE_WRITE] =
        "INSERT INTO share_deleted (pool_id, ldns, timestamp, ttl, decided, origin)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM pool WHERE id = ?1)"
        " ON CONFLICT DO UPDATE SET timestamp = excluded.timestamp, ttl = excluded.ttl,"
        " decided = excluded.decided, origin = excluded.origin",
    [QUERY_TOMBSTONE_DELETE] = "DELETE FROM share_deleted WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_TOMBSTONE_DECIDED] =
        "SELECT decided FROM share_deleted WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_CHANGE_NOTE] = "INSERT INTO share_change (pool_id, ldns, noted_ms) VALUES (?1, ?2, ?3)",
    [QUERY_PAGE_COUNT] = "PRAGMA page_count",
    [QUERY_FREE_PAGES] = "PRAGMA freelist_count",
    [QUERY_PAGE_SIZE] = "PRAGMA page_size",
    [QUERY_TOUCH] = "PRAGMA application_id = 0x50535459",
    [QUERY_DATA_VERSION] = "PRAGMA data_version",
    [QUERY_SWEEP_LOOK] = "SELECT pool_id, ldns, timestamp + ttl <= ?3 FROM persistence"
                         " WHERE (pool_id, ldns) > (?1, ?2) ORDER BY pool_id, ldns LIMIT ?4",
    [QUERY_SWEEP_DELETE] = "DELETE FROM persistence"
                           " WHERE (pool_id, ldns) > (?1, ?2) AND (pool_id, ldns) <= (?4, ?5)"
                           " AND timestamp + ttl <= ?3",
    [QUERY_BEGIN] = "BEGIN IMMEDIATE",
    [QUERY_COMMIT] = "COMMIT",
    [QUERY_ROLLBACK] = "ROLLBACK",
    [QUERY_MONITORS] =
        "SELECT id, name, type, port, path, host, query, status_min, status_max,"
        " body, send, expect, verify, interval, timeout, rise, fall FROM monitor ORDER BY id",
    [QUERY_TARGET_SERVERS] =
        "SELECT v.id, p.name, c.name,"
        " coalesce(v.check_address, v.ipv4, v.ipv6), v.port, coalesce(v.monitor_id, p.monitor_id)"
        " FROM virtual_server AS v JOIN pool AS p ON p.id = v.pool_id"
        " JOIN controller AS c ON c.id = v.controller_id"
        " WHERE coalesce(v.monitor_id, p.monitor_id) IS NOT NULL",
    [QUERY_TARGET_CONTROLLERS] = "SELECT id, name, address, monitor_id FROM controller"
                                 " WHERE monitor_id IS NOT NULL",
    [QUERY_CONTROLLER_VERDICTS] =
        "SELECT d.controller_id, d.state, d.reason, d.since, d.checked_at,"
        " d.flaps, m.value FROM controller_verdict AS d"
        " LEFT JOIN controller_metric AS m ON m.controller_id = d.controller_id AND m.name = 'rtt'",
    [QUERY_CONTROLLER_VERDICT_WRITE] =
        "INSERT INTO controller_verdict"
        " (controller_id, state, reason, since, checked_at, flaps)"
        " SELECT id, ?2, ?3, ?4, ?5, ?6 FROM controller WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET state = ?2, reason = ?3, since = ?4, checked_at = ?5,"
        " flaps = ?6",
    [QUERY_CONTROLLER_AVAILABILITY_WRITE] =
        "INSERT INTO controller_metric"
        " (controller_id, name, value, measured_at)"
        " SELECT id, 'availability', ?2, ?3 FROM controller WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET value = ?2, measured_at = ?3",
    [QUERY_CONTROLLER_RTT_WRITE] = "INSERT INTO controller_metric"
                                   " (controller_id, name, value, measured_at)"
                                   " SELECT id, 'rtt', ?2, ?3 FROM controller WHERE id = ?1"
                                   " ON CONFLICT DO UPDATE SET value = ?2, measured_at = ?3",
    [QUERY_CONTROLLER_METRICS_END] =
        "DELETE FROM controller_metric WHERE controller_id = ?1"
        " AND name IN ('availability', 'rtt')"
        " AND EXISTS (SELECT 1 FROM controller_verdict WHERE controller_id = ?1)",
    [QUERY_CONTROLLER_VERDICT_END] = "DELETE FROM controller_verdict WHERE controller_id = ?1",
    [QUERY_SERVER_VERDICTS] =
        "SELECT d.virtual_server_id, d.state, d.reason, d.since, d.checked_at,"
        " d.flaps, m.value FROM virtual_server_verdict AS d"
        " LEFT JOIN virtual_server_metric AS m ON m.virtual_server_id = d.virtual_server_id AND "
        "m.name = 'rtt'",
    [QUERY_SERVER_VERDICT_WRITE] =
        "INSERT INTO virtual_server_verdict"
        " (virtual_server_id, state, reason, since, checked_at, flaps)"
        " SELECT id, ?2, ?3, ?4, ?5, ?6 FROM virtual_server WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET state = ?2, reason = ?3, since = ?4, checked_at = ?5,"
        " flaps = ?6",
    [QUERY_SERVER_AVAILABILITY_WRITE] =
        "INSERT INTO virtual_server_metric"
        " (virtual_server_id, name, value, measured_at)"
        " SELECT id, 'availability', ?2, ?3 FROM virtual_server WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET value = ?2, measured_at = ?3",
    [QUERY_SERVER_RTT_WRITE] = "INSERT INTO virtual_server_metric"
                               " (virtual_server_id, name, value, measured_at)"
                               " SELECT id, 'rtt', ?2, ?3 FROM virtual_server WHERE id = ?1"
                               " ON CONFLICT DO UPDATE SET value = ?2, measured_at = ?3",
    [QUERY_SERVER_METRICS_END] =
        "DELETE FROM virtual_server_metric WHERE virtual_server_id = ?1"
        " AND name IN ('availability', 'rtt')"
        " AND EXISTS (SELECT 1 FROM virtual_server_verdict WHERE virtual_server_id = ?1)",
    [QUERY_SERVER_VERDICT_END] = "DELETE FROM virtual_server_verdict WHERE virtual_server_id = ?1",
    [QUERY_SHARE_VIEW] =
        "SELECT s.node, s.name, t.written_at, t.connected, t.waiting, t.oldest_at, t.dropped,"
        " t.copied, t.problem FROM share AS s LEFT JOIN share_state AS t ON t.id = s.id",
    [QUERY_PEER_VIEW] =
        "SELECT p.name, p.node, t.written_at, t.connected, t.heard_at, t.clock_offset_ms,"
        " t.lag_ms, t.newer, t.known, t.older, t.future, t.moved, t.unknown, t.unknown_name,"
        " t.no_room, t.refused, t.equal_at, t.walking, t.differs, t.problem"
        " FROM peer AS p LEFT JOIN peer_state AS t ON t.node = p.node ORDER BY p.node",
};
