/*
 * The statements of store/sharing/sharing_copy.h, for queries.c alone: all rows of each table of
 * the configuration, and how those of another server are put in their place.
 */
#ifndef STICKY_STORE_SQLITE_QUERIES_COPY_H
#define STICKY_STORE_SQLITE_QUERIES_COPY_H

/* It would break lines within the arguments of macros. */
/* clang-format off */

/*
 * ?1 of TAKE_* is a JSON object with an array of rows for each table, which have the columns of
 * ALL_*. Rows are compared as the text that json_array() makes of them, so NULLs and spelling count.
 */
#define COPY(table) "json_each(?1, '$." table "') AS j"
#define J(n) "j.value ->> " #n
#define J2 J(0) ", " J(1)
#define J4 J2 ", " J(2) ", " J(3)
#define J6 J4 ", " J(4) ", " J(5)
#define J15 J6 ", " J(6) ", " J(7) ", " J(8) ", " J(9) ", " J(10) ", " J(11) ", " J(12) ", " J(13) \
            ", " J(14)
#define J17 J15 ", " J(15) ", " J(16)
#define J25 J15 ", " J(15) ", " J(16) ", " J(17) ", " J(18) ", " J(19) ", " J(20) ", " J(21) ", " \
            J(22) ", " J(23) ", " J(24)
#define NAMES_OF(table) "(SELECT " J(0) " FROM " COPY(table) ")"
#define NEW_NAMES(table)                                                                           \
    "SELECT name FROM (SELECT " J(0) " COLLATE NOCASE AS name FROM " COPY(table) ")"               \
    " WHERE name NOT IN (SELECT name FROM " table ")"

#define COPY_RECORDS "z.name, r.name, r.type, r.ttl, r.content, r.disabled"
#define OF_RECORDS " FROM record AS r LEFT JOIN zone AS z ON z.id = r.zone_id"
#define COPY_MONITORS                                                                              \
    "x.name, x.type, x.port, x.path, x.host, x.query, x.status_min, x.status_max, x.body, x.send," \
    " x.expect, x.verify, x.interval, x.timeout, x.rise, x.fall, x.http_method, x.headers,"         \
    " x.proxy, x.tls, x.steps, x.rcode, x.answer, x.source, x.arguments, x.each_family"
#define COPY_CONTROLLERS "c.name, c.address, c.state, m.name"
#define OF_CONTROLLERS " FROM controller AS c LEFT JOIN monitor AS m ON m.id = c.monitor_id"
#define COPY_POOLS                                                                                 \
    "p.name, p.method, p.ttl, p.persistence_ttl, p.persistence_timer, s.name, p.client,"           \
    " p.ipv4_prefix, p.ipv6_prefix, p.fallback, f.name, p.alternate_method, p.metric,"             \
    " p.tolerance, m.name, p.failback, p.failback_delay"
#define OF_POOLS                                                                                   \
    " FROM pool AS p LEFT JOIN pool AS s ON s.id = p.persistence_pool_id"                          \
    " LEFT JOIN pool AS f ON f.id = p.fallback_pool_id"                                            \
    " LEFT JOIN monitor AS m ON m.id = p.monitor_id"
#define COPY_BALANCED_NAMES "b.name, p.name"
#define OF_BALANCED_NAMES " FROM balanced_name AS b LEFT JOIN pool AS p ON p.id = b.pool_id"
#define COPY_TOPOLOGY "t.cidr, t.country, t.continent, t.asn, c.name, t.preference"
#define OF_TOPOLOGY " FROM topology AS t LEFT JOIN controller AS c ON c.id = t.controller_id"
/*
 * Pins that can match somebody. Others have lost their servers or their group, and could not be
 * written where they are taken over; nothing depends on them.
 */
#define COPY_PINS "n.network, n.ldns_group, p.name, c.name, n.until, n.comment"
#define EACH_PIN                                                                                   \
    " FROM pin AS n LEFT JOIN pool AS p ON p.id = n.pool_id"                                       \
    " JOIN controller AS c ON c.id = n.controller_id"
#define OF_PINS                                                                                    \
    EACH_PIN " WHERE (n.ldns_group IS NULL OR n.ldns_group IN (SELECT name FROM ldns_group))"      \
    " AND EXISTS (SELECT 1 FROM virtual_server AS v WHERE v.controller_id = n.controller_id"       \
    " AND v.pool_id = coalesce(n.pool_id, v.pool_id))"

/*
 * A virtual server is known by its pool, controller, and addresses or name; of equal ones, by their
 * order. The case of pool and controller does not matter, since it may be about to change. Both sides
 * are sorted together: in a join SQLite, which expects few rows of json_each(), would compare each
 * row with each.
 */
#define WITH_SERVERS                                                                               \
    "WITH own (id, position, key) AS ("                                                            \
    "SELECT v.id, v.position, json_array(lower(p.name), lower(c.name), v.ipv4, v.ipv6, v.name,"    \
    " row_number() OVER (PARTITION BY v.pool_id, v.controller_id, v.ipv4, v.ipv6, v.name"          \
    " ORDER BY v.position))"                                                                       \
    " FROM virtual_server AS v LEFT JOIN pool AS p ON p.id = v.pool_id"                            \
    " LEFT JOIN controller AS c ON c.id = v.controller_id),"                                       \
    " theirs (value, position, key) AS MATERIALIZED ("                                             \
    "SELECT j.value, " J(1) ", json_array(lower(" J(0) "), lower(" J(2) "), " J(3) ", " J(4)       \
    ", " J(11) ", row_number() OVER (PARTITION BY lower(" J(0) "), lower(" J(2) "), " J(3) ", "    \
    J(4) ", " J(11) " ORDER BY " J(1) "))"                                                         \
    " FROM " COPY("virtual_server") "),"                                                           \
    " both (id, value, has_moved) AS ("                                                            \
    "SELECT max(id), max(value), min(position) <> max(position)"                                   \
    " FROM (SELECT id, NULL AS value, position, key FROM own"                                      \
    " UNION ALL SELECT NULL, value, position, key FROM theirs)"                                    \
    " GROUP BY key HAVING count(*) = 2) "

#define ALL_ZONES \
    "SELECT name FROM zone"
#define ALL_RECORDS \
    "SELECT " COPY_RECORDS OF_RECORDS
#define ALL_MONITORS \
    "SELECT " COPY_MONITORS " FROM monitor AS x"
#define ALL_CONTROLLERS \
    "SELECT " COPY_CONTROLLERS OF_CONTROLLERS
#define ALL_POOLS \
    "SELECT " COPY_POOLS OF_POOLS
#define OF_SERVERS                                                                                 \
    " FROM virtual_server AS v LEFT JOIN pool AS p ON p.id = v.pool_id"                            \
    " LEFT JOIN controller AS c ON c.id = v.controller_id"                                         \
    " LEFT JOIN monitor AS m ON m.id = v.monitor_id"
#define ALL_SERVERS \
    "SELECT p.name, v.position, c.name, v.ipv4, v.ipv6, v.port, v.weight, v.state, m.name," \
    " v.check_address, v.checked, v.name" OF_SERVERS
#define ALL_BALANCED_NAMES \
    "SELECT " COPY_BALANCED_NAMES OF_BALANCED_NAMES
#define ALL_GROUPS \
    "SELECT cidr, name FROM ldns_group"
#define ALL_PINS \
    "SELECT " COPY_PINS OF_PINS
#define ALL_TOPOLOGY \
    "SELECT " COPY_TOPOLOGY OF_TOPOLOGY
#define TAKE_BALANCED_NAMES_END \
    "DELETE FROM balanced_name WHERE name IN (SELECT b.name" OF_BALANCED_NAMES \
    " WHERE json_array(" COPY_BALANCED_NAMES ") NOT IN" \
    " (SELECT json_array(" J2 ") FROM " COPY("balanced_name") "))"
#define TAKE_RECORDS_END \
    "DELETE FROM record WHERE id IN (SELECT r.id" OF_RECORDS \
    " WHERE json_array(" COPY_RECORDS ") NOT IN" \
    " (SELECT json_array(" J6 ") FROM " COPY("record") "))"
#define TAKE_TOPOLOGY_END \
    "DELETE FROM topology WHERE id IN (SELECT t.id" OF_TOPOLOGY \
    " WHERE json_array(" COPY_TOPOLOGY ") NOT IN" \
    " (SELECT json_array(" J6 ") FROM " COPY("topology") "))"
#define TAKE_GROUPS_END \
    "DELETE FROM ldns_group WHERE json_array(cidr, name) NOT IN" \
    " (SELECT json_array(" J2 ") FROM " COPY("ldns_group") ")"
#define TAKE_ZONES_END \
    "DELETE FROM zone WHERE name NOT IN " NAMES_OF("zone")
#define TAKE_ZONES_RENAME \
    "UPDATE zone SET name = " J(0) " FROM " COPY("zone") \
    " WHERE zone.name = " J(0) " AND zone.name COLLATE BINARY <> " J(0)
#define TAKE_ZONES_NEW \
    "INSERT INTO zone (name) " NEW_NAMES("zone")
#define TAKE_MONITORS_NEW \
    "INSERT INTO monitor (name, type)" \
    " SELECT name, 'tcp' FROM (" NEW_NAMES("monitor") ")"
#define TAKE_MONITORS \
    "UPDATE monitor AS x SET name = " J(0) ", type = " J(1) ", port = " J(2) ", path = " J(3) \
    ", host = " J(4) ", query = " J(5) ", status_min = " J(6) ", status_max = " J(7) \
    ", body = " J(8) ", send = " J(9) ", expect = " J(10) ", verify = " J(11) \
    ", interval = " J(12) ", timeout = " J(13) ", rise = " J(14) ", fall = " J(15) \
    ", http_method = " J(16) ", headers = " J(17) ", proxy = " J(18) ", tls = " J(19) \
    ", steps = " J(20) ", rcode = " J(21) ", answer = " J(22) ", source = " J(23) \
    ", arguments = " J(24) ", each_family = " J(25) \
    " FROM " COPY("monitor") " WHERE x.name = " J(0) \
    " AND json_array(" COPY_MONITORS ") <> json_array(" J25 ", " J(25) ")"
#define TAKE_CONTROLLERS_NEW \
    "INSERT INTO controller (name) " NEW_NAMES("controller")
#define TAKE_CONTROLLERS \
    "UPDATE controller SET name = " J(0) ", address = " J(1) ", state = " J(2) \
    ", monitor_id = (SELECT id FROM monitor WHERE name = " J(3) ")" \
    " FROM " COPY("controller") " WHERE controller.name = " J(0) \
    " AND json_array(controller.name, controller.address, controller.state," \
    " (SELECT name FROM monitor WHERE id = controller.monitor_id)) <> json_array(" J4 ")"
#define TAKE_POOLS_NEW \
    "INSERT INTO pool (name) " NEW_NAMES("pool")
#define TAKE_POOLS_LOOSE \
    "UPDATE pool SET fallback_pool_id = NULL, persistence_pool_id = NULL" \
    " WHERE (fallback_pool_id IS NOT NULL OR persistence_pool_id IS NOT NULL)" \
    " AND id IN (SELECT p.id" OF_POOLS " WHERE json_array(" COPY_POOLS ") NOT IN" \
    " (SELECT json_array(" J17 ") FROM " COPY("pool") "))"
#define TAKE_POOLS \
    "UPDATE pool SET name = " J(0) ", method = " J(1) ", ttl = " J(2) \
    ", persistence_ttl = " J(3) ", persistence_timer = " J(4) \
    ", persistence_pool_id = (SELECT id FROM pool WHERE name = " J(5) ")" \
    ", client = " J(6) ", ipv4_prefix = " J(7) ", ipv6_prefix = " J(8) ", fallback = " J(9) \
    ", fallback_pool_id = (SELECT id FROM pool WHERE name = " J(10) ")" \
    ", alternate_method = " J(11) ", metric = " J(12) ", tolerance = " J(13) \
    ", monitor_id = (SELECT id FROM monitor WHERE name = " J(14) ")" \
    ", failback = " J(15) ", failback_delay = " J(16) \
    " FROM " COPY("pool") " WHERE pool.name = " J(0) " AND json_array(" J17 ") NOT IN" \
    " (SELECT json_array(" COPY_POOLS ")" OF_POOLS ")"
#define TAKE_SERVERS_END \
    WITH_SERVERS "DELETE FROM virtual_server WHERE id IN" \
    " (SELECT id FROM own WHERE key NOT IN (SELECT key FROM theirs))"
#define TAKE_SERVERS_ASIDE \
    WITH_SERVERS "UPDATE virtual_server SET position = position + 4294967296" \
    " WHERE id IN (SELECT id FROM both WHERE has_moved)"
#define TAKE_SERVERS \
    WITH_SERVERS \
    "UPDATE virtual_server AS v SET position = " J(1) ", port = " J(5) ", weight = " J(6) \
    ", state = " J(7) ", monitor_id = (SELECT id FROM monitor WHERE name = " J(8) ")" \
    ", check_address = " J(9) ", checked = " J(10) \
    " FROM both AS j WHERE v.id = j.id AND json_array(v.position, v.port, v.weight, v.state," \
    " (SELECT name FROM monitor WHERE id = v.monitor_id), v.check_address, v.checked)" \
    " <> json_array(" J(1) ", " J(5) ", " J(6) ", " J(7) ", " J(8) ", " J(9) ", " J(10) ")"
#define TAKE_SERVERS_NEW \
    WITH_SERVERS \
    "INSERT INTO virtual_server (pool_id, position, controller_id, ipv4, ipv6, port, weight," \
    " state, monitor_id, check_address, checked, name)" \
    " SELECT (SELECT id FROM pool WHERE name = " J(0) "), " J(1) \
    ", (SELECT id FROM controller WHERE name = " J(2) "), " J(3) ", " J(4) ", " J(5) ", " J(6) \
    ", " J(7) ", (SELECT id FROM monitor WHERE name = " J(8) "), " J(9) ", " J(10) ", " J(11) \
    " FROM theirs AS j WHERE key NOT IN (SELECT key FROM own)"
#define TAKE_RECORDS_NEW \
    "INSERT INTO record (zone_id, name, type, ttl, content, disabled)" \
    " SELECT (SELECT id FROM zone WHERE name = " J(0) "), " J(1) ", " J(2) ", " J(3) ", " J(4) \
    ", " J(5) " FROM " COPY("record") " WHERE json_array(" J6 ") NOT IN" \
    " (SELECT json_array(" COPY_RECORDS ")" OF_RECORDS ")"
#define TAKE_BALANCED_NAMES_NEW \
    "INSERT INTO balanced_name (name, pool_id)" \
    " SELECT " J(0) ", (SELECT id FROM pool WHERE name = " J(1) ") FROM " COPY("balanced_name") \
    " WHERE json_array(" J2 ") NOT IN" \
    " (SELECT json_array(" COPY_BALANCED_NAMES ")" OF_BALANCED_NAMES ")"
#define TAKE_POOLS_END \
    "DELETE FROM pool WHERE name NOT IN " NAMES_OF("pool")
#define TAKE_CONTROLLERS_END \
    "DELETE FROM controller WHERE name NOT IN " NAMES_OF("controller")
#define TAKE_MONITORS_END \
    "DELETE FROM monitor WHERE name NOT IN " NAMES_OF("monitor")
#define TAKE_GROUPS_NEW \
    "INSERT INTO ldns_group (cidr, name) SELECT " J2 " FROM " COPY("ldns_group") \
    " WHERE json_array(" J2 ") NOT IN (SELECT json_array(cidr, name) FROM ldns_group)"
#define TAKE_TOPOLOGY_NEW \
    "INSERT INTO topology (cidr, country, continent, asn, controller_id, preference)" \
    " SELECT " J4 ", (SELECT id FROM controller WHERE name = " J(4) "), " J(5) \
    " FROM " COPY("topology") " WHERE json_array(" J6 ") NOT IN" \
    " (SELECT json_array(" COPY_TOPOLOGY ")" OF_TOPOLOGY ")"
/* A pin may be over; an INSERT of such a one is rejected, and an UPDATE is not. */
#define TAKE_PINS_END \
    "DELETE FROM pin WHERE id IN (SELECT n.id" EACH_PIN \
    " WHERE json_array(" COPY_PINS ") NOT IN" \
    " (SELECT json_array(" J6 ") FROM " COPY("pin") "))"
#define TAKE_PINS_NEW \
    "INSERT INTO pin (network, ldns_group, pool_id, controller_id, comment)" \
    " SELECT " J2 ", (SELECT id FROM pool WHERE name = " J(2) ")" \
    ", (SELECT id FROM controller WHERE name = " J(3) "), " J(5) \
    " FROM " COPY("pin") " WHERE json_array(" J6 ") NOT IN" \
    " (SELECT json_array(" COPY_PINS ")" EACH_PIN ")"
/* Matched as servers are, see WITH_SERVERS. Pools have the names of the copy by now. */
#define TAKE_PINS \
    "WITH both (id, until) AS (" \
    "SELECT max(id), max(until) FROM (" \
    "SELECT n.id, NULL AS until, json_array(n.network, n.ldns_group, p.name) AS key" EACH_PIN \
    " UNION ALL SELECT NULL, " J(4) ", json_array(" J(0) ", " J(1) ", " J(2) ") FROM " COPY("pin") \
    ") GROUP BY key HAVING count(*) = 2)" \
    " UPDATE pin SET until = both.until FROM both" \
    " WHERE pin.id = both.id AND pin.until IS NOT both.until"

/*
 * What answers depend on: the columns that the digest of a configuration counts (DIGEST_*), and the
 * same ones of a row of a copy (THEIR_*).
 */
#define DIGEST_ZONES "lower(name)"
#define THEIR_ZONES "lower(" J(0) ")"
#define OF_ZONES " FROM zone"
#define DIGEST_RECORDS "lower(z.name), lower(r.name), r.type, r.ttl, r.content"
#define THEIR_RECORDS "lower(" J(0) "), lower(" J(1) "), " J(2) ", " J(3) ", " J(4)
#define ENABLED_RECORDS " WHERE r.disabled = 0"
#define DIGEST_CONTROLLERS "c.name, c.state"
#define THEIR_CONTROLLERS J(0) ", " J(2)
#define DIGEST_POOLS                                                                               \
    "p.name, p.method, p.ttl, p.persistence_ttl, p.persistence_timer, s.name, p.client,"           \
    " p.ipv4_prefix, p.ipv6_prefix, p.fallback, f.name, p.alternate_method, p.metric,"             \
    " p.tolerance, p.failback, p.failback_delay"
#define THEIR_POOLS                                                                                \
    J6 ", " J(6) ", " J(7) ", " J(8) ", " J(9) ", " J(10) ", " J(11) ", " J(12) ", " J(13) ", "    \
    J(15) ", " J(16)
#define DIGEST_SERVERS "p.name, c.name, v.position, v.ipv4, v.ipv6, v.state, v.weight, v.name"
#define THEIR_SERVERS J(0) ", " J(2) ", " J(1) ", " J(3) ", " J(4) ", " J(7) ", " J(6) ", " J(11)
#define DIGEST_BALANCED_NAMES "lower(b.name), p.name"
#define THEIR_BALANCED_NAMES "lower(" J(0) "), " J(1)
#define DIGEST_GROUPS "lower(cidr), name"
#define THEIR_GROUPS "lower(" J(0) "), " J(1)
#define OF_GROUPS " FROM ldns_group"
#define DIGEST_PINS "lower(n.network), n.ldns_group, p.name, c.name, n.until"
#define THEIR_PINS "lower(" J(0) "), " J(1) ", " J(2) ", " J(3) ", " J(4)
#define DIGEST_TOPOLOGY "lower(t.cidr), t.country, t.continent, t.asn, c.name, t.preference"
#define THEIR_TOPOLOGY "lower(" J(0) "), " J(1) ", " J(2) ", " J(3) ", " J(4) ", " J(5)

/* The first row that one side has more often than the other, and how much more often we have it. */
#define DIFFER(ours, of, theirs, copy)                                                             \
    "SELECT row, sum(side) FROM (SELECT json_array(" ours ") AS row, 1 AS side" of                 \
    " UNION ALL SELECT json_array(" theirs "), -1 FROM " copy ")"                                  \
    " GROUP BY row HAVING sum(side) <> 0 ORDER BY row LIMIT 1"

#endif
