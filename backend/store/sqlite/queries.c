/*
 * One text for each enum query. Parts that several statements share are macros: at the top, and in
 * queries_copy.h for comparing and taking over a configuration. An INSERT that selects from pool,
 * controller, virtual_server or peer writes nothing when the row there was deleted meanwhile.
 */
#include "store/sqlite/queries.h"

#include "store/sqlite/queries_copy.h"

/* 0 when nothing is shared. */
#define SHARE_NODE " (SELECT node FROM share WHERE id = 1) AS node"
#define SELECT_CONTROLLERS "SELECT id, name, address, state FROM controller"
#define SELECT_POOLS                                                                               \
    "SELECT id, name, method, ttl, persistence_ttl, persistence_timer,"                            \
    " persistence_pool_id, client, ipv4_prefix, ipv6_prefix, fallback,"                            \
    " fallback_pool_id, alternate_method, metric, tolerance, failback, failback_delay FROM pool"
#define SELECT_VIRTUAL_SERVERS                                                                     \
    "SELECT id, pool_id, controller_id, position, ipv4, ipv6, state, weight, name"                 \
    " FROM virtual_server"

/* Whole rows are copied: what the loader reads of the tables it finds in their copies, too. */
#define SUPPOSE_COPY(table) "CREATE TEMP TABLE " table " AS SELECT * FROM main." table
/* The virtual servers of a controller, in one pool or, for NULL, in all. */
#define SUPPOSED_SERVERS                                                                           \
    " FROM temp.virtual_server WHERE (?1 IS NULL OR pool_id = ?1) AND controller_id = ?2"
/* The id that the next row of the table will get, since rendezvous chooses by ids. */
#define SUPPOSED_ID(table)                                                                         \
    "SELECT max(coalesce((SELECT max(id) FROM temp." table "), 0),"                                \
    " coalesce((SELECT seq FROM main.sqlite_sequence WHERE name = '" table "'), 0)) + 1"

/* What follows the name of a metric of an address: "-ipv4"; nothing in that of a server. */
#define OF_FAMILY(family) " || iif(" family " = '', '', '-' || " family ")"
#define OF_D_FAMILY OF_FAMILY("d.family")
#define OF_FAMILY_2 OF_FAMILY("?2")
#define OF_FAMILY_4 OF_FAMILY("?4")

/*
 * Pools that answer a name, by themselves or for another pool, and the methods by which they do.
 * Rows of the kind that follows are of no use without them.
 */
#define USED_POOLS                                                                                 \
    "WITH RECURSIVE used (id) AS (SELECT pool_id FROM balanced_name"                               \
    " UNION SELECT n.id FROM used AS u JOIN pool AS p ON p.id = u.id"                              \
    " JOIN pool AS n ON n.id IN (p.fallback_pool_id, p.persistence_pool_id)),"                     \
    " method (name) AS (SELECT method FROM pool WHERE id IN used"                                  \
    " UNION SELECT alternate_method FROM pool WHERE id IN used)"
#define COUNT_UNLESS(kind, table, method)                                                          \
    " UNION ALL SELECT '" kind "', '', count(*) FROM " table                                       \
    " WHERE NOT EXISTS (SELECT 1 FROM method WHERE name = '" method "') HAVING count(*) > 0"
#define COUNT_METRICS(table)                                                                       \
    " UNION ALL SELECT 'metric', name, count(*) FROM " table                                       \
    " WHERE name NOT IN ('availability', 'availability-ipv4', 'availability-ipv6', 'rtt',"         \
    " 'rtt-ipv4', 'rtt-ipv6')"                                                                     \
    " AND name NOT IN (SELECT metric FROM pool WHERE metric IS NOT NULL) GROUP BY name"
/* Settings that were changed, and that only one part of the program reads. */
#define CHANGED_SETTINGS(kind, names, unless)                                                      \
    " UNION ALL SELECT '" kind "', s.name, 1 FROM setting AS s"                                    \
    " JOIN allowed_setting AS a ON a.name = s.name AND a.value <> s.value"                         \
    " WHERE s.name GLOB '" names "' AND NOT EXISTS (" unless ")"

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
    [QUERY_PINS] =
        "SELECT id, network, ldns_group, pool_id, controller_id, until, comment FROM pin",
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
    [QUERY_ADDRESSES_DOWN] = "SELECT virtual_server_id, name = 'availability-ipv6'"
                             " FROM virtual_server_metric"
                             " WHERE name IN ('availability-ipv4', 'availability-ipv6')"
                             " AND value <= 0",
    [QUERY_SITE_HISTORIES] =
        "SELECT v.id, coalesce(s.up_since, 0), iif(k.failback = 'manual', s.held_since, NULL)"
        " FROM site_state AS s"
        " JOIN virtual_server AS v ON v.controller_id = s.controller_id AND v.pool_id = s.pool_id"
        " JOIN pool AS p ON p.id = s.pool_id"
        " JOIN pool AS k ON k.id = coalesce(p.persistence_pool_id, p.id)",
    [QUERY_SERVER_METRIC] = "SELECT value, measured_at FROM virtual_server_metric"
                            " WHERE virtual_server_id = ?1 AND name = ?2",
    [QUERY_CONTROLLER_METRIC] = "SELECT value, measured_at FROM controller_metric"
                                " WHERE controller_id = ?1 AND name = ?2",
    [QUERY_PATH_LENGTH] = "SELECT max(bits) FROM path_metric WHERE ipv6 = ?1 AND bits <= ?2",
    [QUERY_PATH_METRIC] = "SELECT rtt, measured_at FROM path_metric"
                          " WHERE network = ?1 AND controller_id = ?2",
    [QUERY_MAPPING_FIND] =
        "SELECT controller_id, method, timestamp, ttl, decided, origin, home_id FROM persistence"
        " WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_MAPPING_WRITE] =
        "INSERT INTO persistence"
        " (pool_id, ldns, controller_id, method, timestamp, ttl, decided, origin, home_id)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"
        " WHERE EXISTS (SELECT 1 FROM pool WHERE id = ?1)"
        " AND EXISTS (SELECT 1 FROM controller WHERE id = ?3)"
        " ON CONFLICT DO UPDATE SET controller_id = excluded.controller_id,"
        " method = excluded.method, timestamp = excluded.timestamp, ttl = excluded.ttl,"
        " decided = excluded.decided, origin = excluded.origin, home_id = excluded.home_id",
    [QUERY_MAPPING_DELETE] = "DELETE FROM persistence WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_MAPPING_RANGE] =
        "SELECT controller_id, method, timestamp, ttl, decided, origin, home_id, ldns"
        " FROM persistence WHERE pool_id = ?1 AND ldns > ?2 AND ldns < ?3 ORDER BY ldns LIMIT ?4",
    [QUERY_MAPPING_EACH] =
        "SELECT controller_id, method, timestamp, ttl, decided, origin, home_id, pool_id, ldns"
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
    [QUERY_TOMBSTONE_FIND] = "SELECT timestamp, ttl, decided, origin"
                             " FROM share_deleted WHERE pool_id = ?1 AND ldns = ?2",
    [QUERY_CHANGE_NOTE] = "INSERT INTO share_change (pool_id, ldns, noted_ms) VALUES (?1, ?2, ?3)",
    [QUERY_SUPPOSE_COPY_CONTROLLERS] = SUPPOSE_COPY("controller"),
    [QUERY_SUPPOSE_COPY_POOLS] = SUPPOSE_COPY("pool"),
    [QUERY_SUPPOSE_COPY_SERVERS] = SUPPOSE_COPY("virtual_server"),
    [QUERY_SUPPOSE_COPY_CONTROLLER_METRICS] = SUPPOSE_COPY("controller_metric"),
    [QUERY_SUPPOSE_COPY_SERVER_METRICS] = SUPPOSE_COPY("virtual_server_metric"),
    [QUERY_SUPPOSE_FIND_POOL] = "SELECT id FROM temp.pool WHERE name = ?1 COLLATE NOCASE",
    [QUERY_SUPPOSE_FIND_CONTROLLER] =
        "SELECT id FROM temp.controller WHERE name = ?1 COLLATE NOCASE",
    [QUERY_SUPPOSE_FIND_SERVER] = "SELECT 1" SUPPOSED_SERVERS,
    [QUERY_SUPPOSE_CONTROLLER_UP] = "DELETE FROM temp.controller_metric"
                                    " WHERE controller_id = ?2 AND name = 'availability'",
    [QUERY_SUPPOSE_CONTROLLER_DOWN] =
        "INSERT INTO temp.controller_metric (controller_id, name, value, measured_at)"
        " VALUES (?2, 'availability', 0, 0)",
    [QUERY_SUPPOSE_CONTROLLER_STATE] = "UPDATE temp.controller SET state = ?3 WHERE id = ?2",
    [QUERY_SUPPOSE_CONTROLLER_NEW] = "INSERT INTO temp.controller (id, name, state)"
                                     " VALUES ((" SUPPOSED_ID("controller") "), ?3, 'enabled')",
    [QUERY_SUPPOSE_SERVERS_UP] =
        "DELETE FROM temp.virtual_server_metric WHERE name GLOB 'availability*'"
        " AND virtual_server_id IN (SELECT id" SUPPOSED_SERVERS ")",
    [QUERY_SUPPOSE_SERVERS_DOWN] =
        "INSERT INTO temp.virtual_server_metric (virtual_server_id, name, value, measured_at)"
        " SELECT id, 'availability', 0, 0" SUPPOSED_SERVERS,
    [QUERY_SUPPOSE_SERVERS_STATE] =
        "UPDATE temp.virtual_server SET state = ?3 WHERE pool_id = ?1 AND controller_id = ?2",
    [QUERY_SUPPOSE_SERVER_NEW] =
        "INSERT INTO temp.virtual_server"
        " (pool_id, controller_id, ipv4, ipv6, name, weight, state, id, position)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'enabled', (" SUPPOSED_ID(
            "virtual_server") "),"
                              " coalesce(max(position), 0) + 1 FROM temp.virtual_server WHERE "
                              "pool_id = ?1",
    [QUERY_SUPPOSE_METHOD] = "UPDATE temp.pool SET method = ?3 WHERE id = ?1",
    [QUERY_CONTROLLER_STATE_WRITE] =
        "UPDATE controller SET state = ?2 WHERE id = ?1 AND state <> ?2",
    [QUERY_SERVER_STATE_WRITE] =
        "UPDATE virtual_server SET state = ?2 WHERE id = ?1 AND state <> ?2",
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
        " body, send, expect, verify, interval, timeout, rise, fall, http_method, headers, proxy,"
        " tls, steps, rcode, answer, source, arguments FROM monitor ORDER BY id",
    [QUERY_TARGET_SERVERS] =
        "SELECT v.id, p.name, c.name,"
        " coalesce(v.check_address, v.ipv4, v.ipv6), v.port,"
        " coalesce(v.monitor_id, p.monitor_id),"
        " v.position, iif(m.each_family AND v.check_address IS NULL AND v.ipv4 IS NOT NULL,"
        " v.ipv6, NULL) AS other_address, v.name"
        " FROM virtual_server AS v JOIN pool AS p ON p.id = v.pool_id"
        " JOIN controller AS c ON c.id = v.controller_id"
        " LEFT JOIN monitor AS m ON m.id = coalesce(v.monitor_id, p.monitor_id)"
        " WHERE v.checked = 1 AND coalesce(v.monitor_id, p.monitor_id) IS NOT NULL",
    [QUERY_TARGET_CONTROLLERS] = "SELECT id, name, address, monitor_id FROM controller"
                                 " WHERE monitor_id IS NOT NULL",
    [QUERY_CONTROLLER_VERDICTS] =
        "SELECT d.controller_id, d.state, d.reason, d.since, d.checked_at,"
        " d.flaps, m.value, a.value, '' FROM controller_verdict AS d"
        " LEFT JOIN controller_metric AS m ON m.controller_id = d.controller_id AND m.name = 'rtt'"
        " LEFT JOIN controller_metric AS a ON a.controller_id = d.controller_id"
        " AND a.name = 'availability'",
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
        " d.flaps, m.value, a.value, d.family FROM virtual_server_verdict AS d"
        " LEFT JOIN virtual_server_metric AS m ON m.virtual_server_id = d.virtual_server_id"
        " AND m.name = 'rtt'" OF_D_FAMILY
        " LEFT JOIN virtual_server_metric AS a ON a.virtual_server_id = d.virtual_server_id"
        " AND a.name = 'availability'" OF_D_FAMILY,
    [QUERY_SERVER_VERDICT_WRITE] =
        "INSERT INTO virtual_server_verdict"
        " (virtual_server_id, state, reason, since, checked_at, flaps, family)"
        " SELECT id, ?2, ?3, ?4, ?5, ?6, ?7 FROM virtual_server WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET state = ?2, reason = ?3, since = ?4, checked_at = ?5,"
        " flaps = ?6",
    [QUERY_SERVER_AVAILABILITY_WRITE] =
        "INSERT INTO virtual_server_metric"
        " (virtual_server_id, name, value, measured_at)"
        " SELECT id, 'availability'" OF_FAMILY_4 ", ?2, ?3 FROM virtual_server WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET value = ?2, measured_at = ?3",
    [QUERY_SERVER_RTT_WRITE] =
        "INSERT INTO virtual_server_metric"
        " (virtual_server_id, name, value, measured_at)"
        " SELECT id, 'rtt'" OF_FAMILY_4 ", ?2, ?3 FROM virtual_server WHERE id = ?1"
        " ON CONFLICT DO UPDATE SET value = ?2, measured_at = ?3",
    [QUERY_SERVER_AVAILABILITY_SUM] =
        "INSERT INTO virtual_server_metric"
        " (virtual_server_id, name, value, measured_at)"
        " SELECT virtual_server_id, 'availability', iif(count(*) = 2, max(value), 1),"
        " max(measured_at)"
        " FROM virtual_server_metric WHERE virtual_server_id = ?1"
        " AND name IN ('availability-ipv4', 'availability-ipv6') GROUP BY virtual_server_id"
        " ON CONFLICT DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at",
    [QUERY_SERVER_RTT_SUM] =
        "INSERT INTO virtual_server_metric"
        " (virtual_server_id, name, value, measured_at)"
        " SELECT r.virtual_server_id, 'rtt', r.value, r.measured_at"
        " FROM virtual_server_metric AS r JOIN virtual_server_metric AS a"
        " ON a.virtual_server_id = r.virtual_server_id"
        " AND a.name = 'availability' || substr(r.name, 4) AND a.value > 0"
        " WHERE r.virtual_server_id = ?1 AND r.name IN ('rtt-ipv4', 'rtt-ipv6')"
        " ORDER BY r.value LIMIT 1"
        " ON CONFLICT DO UPDATE SET value = excluded.value, measured_at = excluded.measured_at",
    [QUERY_SERVER_METRICS_END] =
        "DELETE FROM virtual_server_metric WHERE virtual_server_id = ?1"
        " AND (name IN ('availability'" OF_FAMILY_2 ", 'rtt'" OF_FAMILY_2 ")"
        " OR name IN ('availability', 'rtt') AND NOT EXISTS (SELECT 1 FROM virtual_server_verdict"
        " WHERE virtual_server_id = ?1 AND family <> ?2))"
        " AND EXISTS (SELECT 1 FROM virtual_server_verdict"
        " WHERE virtual_server_id = ?1 AND family = ?2)",
    [QUERY_SERVER_VERDICT_END] =
        "DELETE FROM virtual_server_verdict WHERE virtual_server_id = ?1 AND family = ?2",
    [QUERY_SHARE_VIEW] =
        "SELECT s.node, s.name, t.written_at, t.connected, t.waiting, t.oldest_at, t.dropped,"
        " t.copied, t.problem, t.warning, coalesce(s.follow, 0) AS follow, p.name, f.revision,"
        " f.taken_at, f.heard_at, f.problem FROM share AS s"
        " LEFT JOIN share_state AS t ON t.id = s.id LEFT JOIN peer AS p ON p.node = s.follow"
        " LEFT JOIN share_follow AS f ON f.id = s.id AND f.node = s.follow",
    [QUERY_PEER_VIEW] =
        "SELECT p.name, p.node, t.written_at, t.connected, t.heard_at, t.clock_offset_ms,"
        " t.lag_ms, t.newer, t.known, t.older, t.future, t.moved, t.unknown, t.unknown_name,"
        " t.no_room, t.refused, t.equal_at, t.walking, t.differs, t.problem, t.paths, t.difference"
        " FROM peer AS p LEFT JOIN peer_state AS t ON t.node = p.node ORDER BY p.node",
    [QUERY_SHARE_POOLS] = "SELECT id, name FROM pool ORDER BY name COLLATE BINARY",
    [QUERY_SHARE_CONTROLLERS] = "SELECT id, name FROM controller ORDER BY name COLLATE BINARY",
    [QUERY_SHARE_ROW] = "SELECT node, incarnation, batch, place, name, url, ca, certificate, key,"
                        " follow, (SELECT written_at FROM share_state) AS written_at"
                        " FROM share WHERE id = 1",
    [QUERY_SHARE_PEERS] = "SELECT node, name, url FROM peer ORDER BY node",
    [QUERY_SHARE_INCARNATION] =
        "UPDATE share SET incarnation = random(), batch = 0, place = ?1 WHERE id = 1",
    [QUERY_SHARE_CHANGES] =
        "SELECT max(stamp), pool_id, ldns, count(*)"
        " FROM (SELECT stamp, pool_id, ldns FROM share_change ORDER BY stamp LIMIT ?1)"
        " GROUP BY pool_id, ldns",
    [QUERY_SHARE_CHANGES_WAITING] = "SELECT first.stamp, first.noted_ms, last.stamp"
                                    " FROM share_change AS first, share_change AS last"
                                    " WHERE first.stamp = (SELECT min(stamp) FROM share_change)"
                                    " AND last.stamp = (SELECT max(stamp) FROM share_change)",
    [QUERY_SHARE_CHANGES_END] = "DELETE FROM share_change WHERE stamp <= ?1",
    [QUERY_SHARE_BATCH] = "UPDATE share SET batch = ?1 WHERE id = 1",
    [QUERY_SHARE_CURSOR] =
        "SELECT created, sequence, incarnation, batch FROM share_cursor WHERE node = ?1",
    [QUERY_SHARE_CURSOR_WRITE] =
        "INSERT INTO share_cursor (node, created, sequence, incarnation, batch)"
        " SELECT node, ?2, ?3, ?4, ?5 FROM peer WHERE node = ?1"
        " ON CONFLICT DO UPDATE SET created = ?2, sequence = ?3, incarnation = ?4, batch = ?5",
    [QUERY_SHARE_MAPPINGS] =
        "SELECT controller_id, method, timestamp, ttl, decided, origin, home_id,"
        " ldns FROM persistence WHERE pool_id = ?1 AND ldns > ?2 ORDER BY ldns",
    [QUERY_SHARE_TOMBSTONES] = "SELECT timestamp, ttl, decided, origin, ldns"
                               " FROM share_deleted WHERE pool_id = ?1 AND ldns > ?2 ORDER BY ldns",
    [QUERY_SHARE_SWEEP_LOOK] = "SELECT pool_id, ldns, timestamp + ttl <= ?3 FROM share_deleted"
                               " WHERE (pool_id, ldns) > (?1, ?2) ORDER BY pool_id, ldns LIMIT ?4",
    [QUERY_SHARE_SWEEP_DELETE] = "DELETE FROM share_deleted"
                                 " WHERE (pool_id, ldns) > (?1, ?2) AND (pool_id, ldns) <= (?4, ?5)"
                                 " AND timestamp + ttl <= ?3",
    [QUERY_SHARE_ZONES] = "SELECT " DIGEST_ZONES OF_ZONES,
    [QUERY_SHARE_RECORDS] = "SELECT " DIGEST_RECORDS OF_RECORDS ENABLED_RECORDS,
    [QUERY_SHARE_CONTROLLER_TEXTS] = "SELECT " DIGEST_CONTROLLERS OF_CONTROLLERS,
    [QUERY_SHARE_POOL_TEXTS] = "SELECT " DIGEST_POOLS OF_POOLS,
    [QUERY_SHARE_SERVERS] = "SELECT " DIGEST_SERVERS OF_SERVERS,
    [QUERY_SHARE_BALANCED_NAMES] = "SELECT " DIGEST_BALANCED_NAMES OF_BALANCED_NAMES,
    [QUERY_SHARE_GROUPS] = "SELECT " DIGEST_GROUPS OF_GROUPS,
    [QUERY_SHARE_PINS] = "SELECT " DIGEST_PINS OF_PINS,
    [QUERY_SHARE_TOPOLOGY] = "SELECT " DIGEST_TOPOLOGY OF_TOPOLOGY,
    [QUERY_SHARE_STATE_WRITTEN] = "SELECT written_at FROM share_state",
    [QUERY_SHARE_STATE_WRITE] =
        "INSERT INTO share_state"
        " (id, written_at, connected, waiting, oldest_at, dropped, copied, problem, warning)"
        " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        " ON CONFLICT DO UPDATE SET written_at = ?1, connected = ?2, waiting = ?3, oldest_at = ?4,"
        " dropped = ?5, copied = ?6, problem = ?7, warning = ?8",
    [QUERY_PEER_STATE_WRITE] =
        "INSERT INTO peer_state (node, written_at, connected, heard_at, clock_offset_ms, lag_ms,"
        " newer, known, older, future, moved, unknown, unknown_name, no_room, refused, equal_at,"
        " walking, differs, problem, paths, difference)"
        " SELECT node, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
        " ?19, ?20, ?21 FROM peer WHERE node = ?1"
        " ON CONFLICT DO UPDATE SET written_at = ?2, connected = ?3, heard_at = ?4,"
        " clock_offset_ms = ?5, lag_ms = ?6, newer = ?7, known = ?8, older = ?9, future = ?10,"
        " moved = ?11, unknown = ?12, unknown_name = ?13, no_room = ?14, refused = ?15,"
        " equal_at = ?16, walking = ?17, differs = ?18, problem = ?19, paths = ?20,"
        " difference = ?21",
    [QUERY_PEER_VERDICT_WRITE] =
        "INSERT INTO peer_verdict (node, pool, controller, position, family, state, heard_at)"
        " SELECT node, ?2, ?3, ?4, ?5, ?6, ?7 FROM peer WHERE node = ?1"
        " ON CONFLICT DO UPDATE SET state = ?6, heard_at = ?7 WHERE state <> ?6",
    [QUERY_PEER_VERDICTS] =
        "SELECT pool, controller, position, family FROM peer_verdict WHERE node = ?1",
    [QUERY_PEER_VERDICT_END] = "DELETE FROM peer_verdict WHERE node = ?1 AND pool = ?2"
                               " AND controller = ?3 AND position = ?4 AND family = ?5",
    [QUERY_MAPPING_HISTORY] =
        "SELECT s.node, s.name, p.name, m.lag_ms, r.origin, q.name, c.name FROM share AS s"
        " LEFT JOIN peer AS p ON p.node = ?4"
        " LEFT JOIN persistence AS m"
        " ON m.pool_id = ?1 AND m.ldns = ?2 AND m.decided = ?3 AND m.origin = ?4"
        " LEFT JOIN share_moved AS r"
        " ON r.pool_id = m.pool_id AND r.ldns = m.ldns AND r.decided = m.decided"
        " LEFT JOIN peer AS q ON q.node = r.origin"
        " LEFT JOIN controller AS c ON c.id = r.controller_id LIMIT 1",
    [QUERY_SHARE_MAPPING_WRITE] =
        "INSERT INTO persistence"
        " (pool_id, ldns, controller_id, method, timestamp, ttl, decided, origin, home_id, lag_ms)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"
        " WHERE EXISTS (SELECT 1 FROM pool WHERE id = ?1)"
        " AND EXISTS (SELECT 1 FROM controller WHERE id = ?3)"
        " ON CONFLICT DO UPDATE SET controller_id = excluded.controller_id,"
        " method = excluded.method, timestamp = excluded.timestamp, ttl = excluded.ttl,"
        " decided = excluded.decided, origin = excluded.origin, home_id = excluded.home_id,"
        " lag_ms = excluded.lag_ms",
    [QUERY_SHARE_MOVED_NOTE] =
        "INSERT INTO share_moved (pool_id, ldns, decided, controller_id, origin)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [QUERY_SHARE_MOVED_END] = "DELETE FROM share_moved"
                              " WHERE number <= (SELECT max(number) FROM share_moved) - ?1",
    [QUERY_SHARE_PATH_LAST] = "SELECT max(changed) FROM path_metric WHERE changed > 0",
    [QUERY_SHARE_PATHS] = "SELECT changed, network, controller_id, rtt, measured_at"
                          " FROM path_metric WHERE changed > 0 AND changed > ?1"
                          " ORDER BY changed LIMIT ?2",
    [QUERY_SHARE_PATH_FIND] =
        "SELECT measured_at FROM path_metric WHERE network = ?1 AND controller_id = ?2",
    [QUERY_SHARE_PATH_ADD] =
        "INSERT OR IGNORE INTO path_metric (network, controller_id, rtt, measured_at, origin)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [QUERY_SHARE_PATH_REPLACE] =
        "UPDATE path_metric SET rtt = ?3, measured_at = ?4, origin = ?5, changed = 0"
        " WHERE network = ?1 AND controller_id = ?2",
    [QUERY_SHARE_PATH_COUNT] = "SELECT count(*) FROM path_metric WHERE origin > 0 AND origin = ?1",
    [QUERY_SHARE_PATH_ORIGIN] =
        "SELECT min(origin) FROM path_metric WHERE origin > 0 AND origin > ?1",
    [QUERY_SHARE_PATH_SWEEP_LOOK] = "SELECT 1 FROM path_metric"
                                    " WHERE origin > 0 AND origin = ?1 AND measured_at < ?2",
    [QUERY_SHARE_PATH_SWEEP_DELETE] =
        "DELETE FROM path_metric WHERE (network, controller_id) IN"
        " (SELECT network, controller_id FROM path_metric"
        " WHERE origin > 0 AND origin = ?1 AND measured_at < ?2 LIMIT ?3)",
    [QUERY_HEALTH_PEERS] = "SELECT pool, controller, address, state, counts, peers FROM health"
                           " WHERE peers IS NOT NULL AND (state = 'down' OR counts = 'down'"
                           " OR peers LIKE '% down%')",
    [QUERY_UNUSED_ROWS] = USED_POOLS
    " SELECT 'pool' AS kind, name, 1 AS count FROM pool WHERE id NOT IN used"
    " UNION ALL SELECT 'controller', name, 1 FROM controller"
    " WHERE id NOT IN (SELECT controller_id FROM virtual_server)"
    " UNION ALL SELECT 'monitor', name, 1 FROM monitor AS m"
    " WHERE NOT EXISTS (SELECT 1 FROM pool WHERE monitor_id = m.id)"
    " AND NOT EXISTS (SELECT 1 FROM virtual_server WHERE monitor_id = m.id)"
    " AND NOT EXISTS (SELECT 1 FROM controller WHERE monitor_id = m.id)"
    " UNION ALL SELECT 'pool.metric', name, 1 FROM pool WHERE metric IS NOT NULL"
    " AND method <> 'least' AND coalesce(alternate_method, '') <> 'least'"
    " UNION ALL SELECT 'pool.alternate_method', name, 1 FROM pool"
    " WHERE alternate_method IS NOT NULL AND method IN ('modulus', 'round-robin', "
    "'failover')" COUNT_UNLESS("topology", "topology",
                               "topology") COUNT_UNLESS("geo_database", "geo_database", "topology")
        COUNT_UNLESS("path_metric", "path_metric", "rtt") COUNT_METRICS("controller_metric")
            COUNT_METRICS("virtual_server_metric") CHANGED_SETTINGS(
                "setting of sharing", "share_*", "SELECT 1 FROM share WHERE node <> 0")
                CHANGED_SETTINGS("setting of checks", "brake_*", "SELECT 1 FROM monitor")
                    CHANGED_SETTINGS("setting of checks", "max_checks", "SELECT 1 FROM monitor"),
    [QUERY_FOLLOW_WRITE] =
        "INSERT INTO share_follow (id, node, revision, taken_at, heard_at, problem)"
        " VALUES (1, ?1, ?2, ?3, ?4, '')"
        " ON CONFLICT DO UPDATE SET node = ?1, revision = ?2, taken_at = ?3, heard_at = ?4,"
        " problem = ''",
    [QUERY_FOLLOW_NOTE] =
        "INSERT INTO share_follow (id, node, revision, taken_at, heard_at, problem)"
        " SELECT 1, ?1, '', 0, ?2, ?3 FROM share WHERE follow = ?1"
        " ON CONFLICT DO UPDATE SET revision = iif(node = ?1, revision, ''),"
        " taken_at = iif(node = ?1, taken_at, 0), node = ?1, heard_at = ?2, problem = ?3",
    [QUERY_SHARE_FOLLOW] = "UPDATE share SET follow = ?1 WHERE id = 1 AND follow = ?2",
    [QUERY_COPY_ZONES] = ALL_ZONES,
    [QUERY_COPY_RECORDS] = ALL_RECORDS,
    [QUERY_COPY_MONITORS] = ALL_MONITORS,
    [QUERY_COPY_CONTROLLERS] = ALL_CONTROLLERS,
    [QUERY_COPY_POOLS] = ALL_POOLS,
    [QUERY_COPY_SERVERS] = ALL_SERVERS,
    [QUERY_COPY_BALANCED_NAMES] = ALL_BALANCED_NAMES,
    [QUERY_COPY_GROUPS] = ALL_GROUPS,
    [QUERY_COPY_PINS] = ALL_PINS,
    [QUERY_COPY_TOPOLOGY] = ALL_TOPOLOGY,
    [QUERY_DIFFER_POOLS] = DIFFER(DIGEST_POOLS, OF_POOLS, THEIR_POOLS, COPY("pool")),
    [QUERY_DIFFER_CONTROLLERS] =
        DIFFER(DIGEST_CONTROLLERS, OF_CONTROLLERS, THEIR_CONTROLLERS, COPY("controller")),
    [QUERY_DIFFER_SERVERS] =
        DIFFER(DIGEST_SERVERS, OF_SERVERS, THEIR_SERVERS, COPY("virtual_server")),
    [QUERY_DIFFER_BALANCED_NAMES] = DIFFER(DIGEST_BALANCED_NAMES, OF_BALANCED_NAMES,
                                           THEIR_BALANCED_NAMES, COPY("balanced_name")),
    [QUERY_DIFFER_ZONES] = DIFFER(DIGEST_ZONES, OF_ZONES, THEIR_ZONES, COPY("zone")),
    [QUERY_DIFFER_RECORDS] = DIFFER(DIGEST_RECORDS, OF_RECORDS ENABLED_RECORDS, THEIR_RECORDS,
                                    COPY("record") " WHERE " J(5) " = 0"),
    [QUERY_DIFFER_GROUPS] = DIFFER(DIGEST_GROUPS, OF_GROUPS, THEIR_GROUPS, COPY("ldns_group")),
    [QUERY_DIFFER_PINS] = DIFFER(DIGEST_PINS, OF_PINS, THEIR_PINS, COPY("pin")),
    [QUERY_DIFFER_TOPOLOGY] =
        DIFFER(DIGEST_TOPOLOGY, OF_TOPOLOGY, THEIR_TOPOLOGY, COPY("topology")),
    [QUERY_TAKE_BALANCED_NAMES_END] = TAKE_BALANCED_NAMES_END,
    [QUERY_TAKE_RECORDS_END] = TAKE_RECORDS_END,
    [QUERY_TAKE_TOPOLOGY_END] = TAKE_TOPOLOGY_END,
    [QUERY_TAKE_GROUPS_END] = TAKE_GROUPS_END,
    [QUERY_TAKE_ZONES_END] = TAKE_ZONES_END,
    [QUERY_TAKE_SERVERS_END] = TAKE_SERVERS_END,
    [QUERY_TAKE_POOLS_LOOSE] = TAKE_POOLS_LOOSE,
    [QUERY_TAKE_ZONES_RENAME] = TAKE_ZONES_RENAME,
    [QUERY_TAKE_ZONES_NEW] = TAKE_ZONES_NEW,
    [QUERY_TAKE_MONITORS_NEW] = TAKE_MONITORS_NEW,
    [QUERY_TAKE_MONITORS] = TAKE_MONITORS,
    [QUERY_TAKE_CONTROLLERS_NEW] = TAKE_CONTROLLERS_NEW,
    [QUERY_TAKE_CONTROLLERS] = TAKE_CONTROLLERS,
    [QUERY_TAKE_POOLS_NEW] = TAKE_POOLS_NEW,
    [QUERY_TAKE_POOLS] = TAKE_POOLS,
    [QUERY_TAKE_SERVERS_ASIDE] = TAKE_SERVERS_ASIDE,
    [QUERY_TAKE_SERVERS] = TAKE_SERVERS,
    [QUERY_TAKE_SERVERS_NEW] = TAKE_SERVERS_NEW,
    [QUERY_TAKE_RECORDS_NEW] = TAKE_RECORDS_NEW,
    [QUERY_TAKE_BALANCED_NAMES_NEW] = TAKE_BALANCED_NAMES_NEW,
    [QUERY_TAKE_POOLS_END] = TAKE_POOLS_END,
    [QUERY_TAKE_CONTROLLERS_END] = TAKE_CONTROLLERS_END,
    [QUERY_TAKE_MONITORS_END] = TAKE_MONITORS_END,
    [QUERY_TAKE_GROUPS_NEW] = TAKE_GROUPS_NEW,
    [QUERY_TAKE_TOPOLOGY_NEW] = TAKE_TOPOLOGY_NEW,
    [QUERY_TAKE_PINS_END] = TAKE_PINS_END,
    [QUERY_TAKE_PINS_NEW] = TAKE_PINS_NEW,
    [QUERY_TAKE_PINS] = TAKE_PINS,
};
