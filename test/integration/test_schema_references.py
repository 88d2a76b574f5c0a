"""What the triggers refuse: rows that would dangle, that exclude each other, or that lack half."""

import pytest

from schema import assert_needed, assert_refused, assert_untouched, refusing_triggers
from schema_statements import balanced, checked_at, pin, pool, put, record, server, topology

NO_POOL = "pool_id is not the id of a pool"
NO_CONTROLLER = "controller_id is not the id of a controller"
NO_ZONE = "record.zone_id is not the id of a zone"
OUTSIDE = "record.name is not in its zone: write the full name, www.example.com"
NOT_BALANCED = "a balanced name cannot have A, AAAA or CNAME records: its pool answers these"
HAS_ADDRESS = "this name has A, AAAA or CNAME records: delete or disable them first"
ZONE_OUTSIDE = "the zone has records outside this name: delete or rename them first"
ZONE_REPLACED = "this would replace a zone that has records: use UPDATE instead of REPLACE"
CONTROLLER_REPLACED = "this would replace a controller that is in use: use UPDATE instead of REPLACE"
POOL_REPLACED = "this would replace a pool that is in use: use UPDATE instead of REPLACE"
ITSELF_FALLBACK = "pool.fallback_pool_id is the pool itself: use NULL for no other pool"
ITSELF_SHARED = "pool.persistence_pool_id is the pool itself: use NULL for mappings of its own"
CIRCLE = "pool.fallback_pool_id leads back to this pool: fallback pools must not form a loop"
SHARES_A_THIRD = "pool.persistence_pool_id is a pool that shares the mappings of a third: use that one"
SHARED_ALREADY = "other pools share the mappings of this pool, so it must have its own"
NO_SERVER = "virtual_server_metric.virtual_server_id is not the id of a virtual server"
MONITOR_REPLACED = "this would replace a monitor that is in use: use UPDATE instead of REPLACE"
NO_MONITOR = "monitor_id is not the id of a monitor"
NUMERIC = "controller.monitor_id needs a numeric controller.address: 192.0.2.1, 2001:db8::1"
NO_ADDRESS = "a virtual server needs ipv4 or ipv6, or both, or a name"
BOTH = "a virtual server with a name cannot have ipv4 or ipv6"
NAMED = "4, 1, 1, 'lb.cloud.example'"
ONE_OF_FOUR = "topology needs one of cidr, country, continent, asn, or none for the default"
ONE_OF_TWO = "pin needs network or ldns_group, and not both"
NO_GROUP = "pin.ldns_group is not the name of a group: see table ldns_group"
NO_ADDRESS_OF_A_CLIENT = ("pin.network is not an address that a client can have: for all of them,"
                          " pin 0.0.0.0/0 and ::/0")
ABOVE_255 = "pin.network has a number above 255: no client has such an address"
HOST_BITS = "pin.network has bits after its prefix: 192.0.2.0/24, not 192.0.2.1/24"
NO_SERVER_IN_POOL = "pin.controller_id has no virtual server in this pool: the pin never matches"
NO_SERVER_AT_ALL = "pin.controller_id has no virtual server in any pool: the pin never matches"
PAST = "pin.until is in the past: the pin never matches"
SHARED = "UPDATE share SET node = 1"
PEER = "INSERT INTO peer (node, name, url) VALUES (2, 'ns2', 'nats://192.0.2.2:4222')"
PEER_ITSELF = "peer.node is share.node, the number of this server itself"
KEY_CHANGED = ("pool_id and ldns of a shared mapping cannot be changed: insert a new row and"
               " delete this one")
CHECKED = "address = '192.0.2.1', monitor_id"
SITE_HELD = ("of view site, held alone can be set, to 0: "
             "UPDATE site SET held = 0 WHERE controller = 'ams'")
FOLLOWED = "this server follows the peer: UPDATE share SET follow = 0 first"


def peers(number):
    return ("INSERT INTO peer (node, name, url) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
            f" SELECT i + 1 FROM n WHERE i < {number}) SELECT i, 'ns' || i, 'nats://x' FROM n")


ROWS = [
    # Zones and records.
    ("INSERT OR REPLACE INTO zone (name) VALUES ('example.com')", ZONE_REPLACED,
     "INSERT OR REPLACE INTO zone (name) VALUES ('empty.example')"),
    ("UPDATE OR REPLACE zone SET name = 'Example.com' WHERE id = 2", ZONE_REPLACED,
     "UPDATE OR REPLACE zone SET name = 'empty.example' WHERE id = 3"),
    ("INSERT OR REPLACE INTO zone (id, name) VALUES (1, 'example.org')", ZONE_OUTSIDE,
     "INSERT OR REPLACE INTO zone (id, name) VALUES (1, 'com')"),
    ("UPDATE zone SET name = 'ample.com' WHERE id = 1", ZONE_OUTSIDE,
     "UPDATE zone SET name = 'EXAMPLE.COM' WHERE id = 1"),
    ("UPDATE zone SET id = 9 WHERE id = 2",
     "zone.id cannot be changed: insert a new zone and delete this one",
     "UPDATE zone SET id = 2 WHERE id = 2"),
    ("UPDATE zone SET rowid = 9 WHERE id = 2",
     "zone.id cannot be changed: insert a new zone and delete this one",
     "UPDATE zone SET rowid = 2 WHERE id = 2"),
    ("DELETE FROM zone WHERE id = 1", "the zone still has records: delete them first",
     "DELETE FROM zone WHERE id = 2"),
    ("INSERT INTO record (zone_id, name, type, content) VALUES (9, 'x', 'TXT', 'x')", NO_ZONE,
     "INSERT INTO record (zone_id, name, type, content) VALUES (3, 'x', 'TXT', 'x')"),
    ("UPDATE record SET zone_id = 9 WHERE id = 1", NO_ZONE,
     "UPDATE record SET zone_id = 3 WHERE id = 1"),
    (record("type, content", "'TXT', 'x'", "'www.example.org'"), OUTSIDE,
     record("type, content", "'TXT', 'x'", "'WWW.EXAMPLE.COM'")),
    (record("type, content", "'TXT', 'x'", "'wwwexample.com'"), OUTSIDE,
     record("type, content", "'TXT', 'x'", "'a.b.example.com'")),
    (record("type, content", "'TXT', 'x'", "'.'"), OUTSIDE,
     record("type, content", "'TXT', 'x'", "'*.example.com'")),
    (record("type, content", "'TXT', 'x'", "'com'"), OUTSIDE,
     record("type, content", "'TXT', 'x'", "'Example.com'")),
    ("UPDATE record SET name = 'mail' WHERE id = 2", OUTSIDE,
     "UPDATE record SET name = 'mx.example.com' WHERE id = 2"),
    ("UPDATE record SET zone_id = 2 WHERE id = 2", OUTSIDE,
     "UPDATE record SET zone_id = 2, name = 'mail.empty.example' WHERE id = 2"),
    (record("type, content", "'A', '192.0.2.1'", "'WWW.example.com'"), NOT_BALANCED,
     record("type, content", "'MX', '10 mail'", "'WWW.example.com'")),
    (record("type, content", "'AAAA', '::1'", "'www.example.com'"), NOT_BALANCED,
     record("type, content, disabled", "'AAAA', '::1', 1", "'www.example.com'")),
    (record("type, content", "'CNAME', 'x'", "'www.example.com'"), NOT_BALANCED,
     record("type, content", "'CNAME', 'x'", "'www2.example.com'")),
    ("UPDATE record SET name = 'www.example.com' WHERE id = 2", NOT_BALANCED,
     "UPDATE record SET name = 'www.example.com' WHERE id = 3"),
    (("UPDATE record SET name = 'www.example.com' WHERE id = 3",
      "UPDATE record SET disabled = 0 WHERE id = 3"), NOT_BALANCED,
     "UPDATE record SET disabled = 0 WHERE id = 3"),
    (balanced("'MAIL.example.com'"), HAS_ADDRESS, balanced("'old.example.com'")),
    ("UPDATE balanced_name SET name = 'mail.example.com'", HAS_ADDRESS,
     "UPDATE balanced_name SET name = 'old.example.com'"),
    ("INSERT INTO balanced_name VALUES ('new.example.com', 9)", f"balanced_name.{NO_POOL}",
     "INSERT INTO balanced_name VALUES ('new.example.com', 4)"),
    ("UPDATE balanced_name SET pool_id = 9", f"balanced_name.{NO_POOL}",
     "UPDATE balanced_name SET pool_id = 4"),

    # Controllers.
    ("INSERT OR REPLACE INTO controller (name) VALUES ('ams')", CONTROLLER_REPLACED,
     "INSERT OR REPLACE INTO controller (name) VALUES ('idle')"),
    ("UPDATE OR REPLACE controller SET name = 'ams' WHERE id = 3", CONTROLLER_REPLACED,
     "UPDATE OR REPLACE controller SET name = 'idle' WHERE id = 1"),
    ("UPDATE controller SET id = 9 WHERE id = 3",
     "controller.id cannot be changed: insert a new controller and delete this one",
     "UPDATE controller SET id = id"),
    ("DELETE FROM controller WHERE id = 2",
     "the controller still has virtual servers: delete or move them first",
     "DELETE FROM controller WHERE id = 3"),

    ("UPDATE controller SET address = NULL, monitor_id = 1", NUMERIC,
     "UPDATE controller SET address = '192.0.2.1', monitor_id = 1"),
    *[(checked_at(wrong), NUMERIC, checked_at(right)) for wrong, right in (
        ("'lb.example.com'", "'2001:DB8::1'"), ("'192.0.2'", "'::'"),
        ("'192.0.2.1.1'", "'::ffff:192.0.2.1'"), ("'1.2.3.a'", "'1.2.3.4'"),
        ("'fe80::1%eth0'", "'fe80::1'"), ("'2001:db8'", "'2001:db8::'"))],
    (("UPDATE controller SET address = '::1', monitor_id = 1",
      "UPDATE controller SET address = 'lb.example.com'"), NUMERIC,
     "UPDATE controller SET address = 'lb.example.com'"),
    ("INSERT INTO controller (name, monitor_id) VALUES ('new', 1)", NUMERIC,
     "INSERT INTO controller (name, address, monitor_id) VALUES ('new', '::1', 1)"),

    # Pools.
    ("INSERT OR REPLACE INTO pool (name) VALUES ('web')", POOL_REPLACED,
     "INSERT OR REPLACE INTO pool (name) VALUES ('spare')"),
    ("INSERT OR REPLACE INTO pool (name) VALUES ('last')", POOL_REPLACED,
     "INSERT OR REPLACE INTO pool (name) VALUES ('first')"),
    (("DELETE FROM virtual_server", "UPDATE pool SET fallback_pool_id = NULL",
      "UPDATE pool SET persistence_pool_id = NULL",
      "INSERT OR REPLACE INTO pool (name) VALUES ('web')"), POOL_REPLACED,
     ("DELETE FROM virtual_server", "UPDATE pool SET fallback_pool_id = NULL",
      "UPDATE pool SET persistence_pool_id = NULL", "DELETE FROM balanced_name",
      "INSERT OR REPLACE INTO pool (name) VALUES ('web')")),
    (("DELETE FROM virtual_server", "UPDATE pool SET fallback_pool_id = NULL",
      "DELETE FROM balanced_name", "INSERT OR REPLACE INTO pool (name) VALUES ('web')"),
     POOL_REPLACED,
     ("DELETE FROM virtual_server", "UPDATE pool SET fallback_pool_id = NULL",
      "DELETE FROM balanced_name", "INSERT OR REPLACE INTO pool (name) VALUES ('static')")),
    ("UPDATE OR REPLACE pool SET name = 'web' WHERE id = 4", POOL_REPLACED,
     "UPDATE OR REPLACE pool SET name = 'spare' WHERE id = 1"),
    ("UPDATE OR REPLACE pool SET name = 'last' WHERE id = 4", POOL_REPLACED,
     "UPDATE OR REPLACE pool SET name = 'first' WHERE id = 4"),
    ("UPDATE pool SET id = 9 WHERE id = 4",
     "pool.id cannot be changed: insert a new pool and delete this one", "UPDATE pool SET id = id"),
    (pool("id, fallback_pool_id", "9, 9"), ITSELF_FALLBACK, pool("id, fallback_pool_id", "9, 2")),
    (put("pool", fallback_pool_id="id"), ITSELF_FALLBACK, put("pool", fallback_pool_id="NULL")),
    (pool("fallback_pool_id", "99"), "pool.fallback_pool_id is not the id of a pool",
     pool("fallback_pool_id", "4")),
    ("UPDATE pool SET fallback_pool_id = 99 WHERE id = 1",
     "pool.fallback_pool_id is not the id of a pool",
     "UPDATE pool SET fallback_pool_id = 4 WHERE id = 1"),
    ("UPDATE pool SET fallback_pool_id = 2 WHERE id = 1", CIRCLE,
     "UPDATE pool SET fallback_pool_id = 1 WHERE id = 4"),
    (("UPDATE pool SET fallback_pool_id = 2 WHERE id = 4",
      "UPDATE pool SET fallback_pool_id = 4 WHERE id = 1"), CIRCLE,
     ("UPDATE pool SET fallback_pool_id = 2 WHERE id = 4",
      "UPDATE pool SET fallback_pool_id = 4 WHERE id = 5")),
    ("INSERT OR REPLACE INTO pool (id, name, fallback_pool_id) VALUES (1, 'web', 2)", CIRCLE,
     "INSERT OR REPLACE INTO pool (id, name, fallback_pool_id) VALUES (1, 'web', 4)"),
    (pool("id, persistence_pool_id", "9, 9"), ITSELF_SHARED,
     pool("id, persistence_pool_id", "9, 1")),
    ("UPDATE pool SET persistence_pool_id = 4 WHERE id = 4", ITSELF_SHARED,
     "UPDATE pool SET persistence_pool_id = 1 WHERE id = 4"),
    (pool("persistence_pool_id", "99"), "pool.persistence_pool_id is not the id of a pool",
     pool("persistence_pool_id", "4")),
    ("UPDATE pool SET persistence_pool_id = 99 WHERE id = 4",
     "pool.persistence_pool_id is not the id of a pool",
     "UPDATE pool SET persistence_pool_id = NULL WHERE id = 3"),
    (pool("persistence_pool_id", "3"), SHARES_A_THIRD, pool("persistence_pool_id", "1")),
    ("UPDATE pool SET persistence_pool_id = 3 WHERE id = 4", SHARES_A_THIRD,
     "UPDATE pool SET persistence_pool_id = 2 WHERE id = 4"),
    ("UPDATE pool SET persistence_pool_id = 4 WHERE id = 1", SHARED_ALREADY,
     "UPDATE pool SET persistence_pool_id = 4 WHERE id = 2"),
    ("INSERT OR REPLACE INTO pool (id, name, persistence_pool_id) VALUES (1, 'web', 4)",
     SHARED_ALREADY,
     "INSERT OR REPLACE INTO pool (id, name, persistence_pool_id) VALUES (2, 'api', 4)"),
    ("DELETE FROM pool WHERE id = 2",
     "the pool still has virtual servers: delete or move them first",
     "DELETE FROM pool WHERE id = 4"),
    (("DELETE FROM virtual_server", "DELETE FROM pool WHERE id = 1"),
     "the pool still has balanced names: delete or move them first",
     ("DELETE FROM virtual_server", "DELETE FROM pool WHERE id = 2")),
    ("DELETE FROM pool WHERE id = 5",
     "this pool is the fallback of another pool: change its fallback_pool_id first",
     "DELETE FROM pool WHERE id = 6"),
    (("UPDATE pool SET persistence_pool_id = 4 WHERE id = 3", "DELETE FROM pool WHERE id = 4"),
     "another pool shares the mappings of this pool: change its persistence_pool_id first",
     "DELETE FROM pool WHERE id = 3"),

    # Virtual servers and metrics.
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (99, 1, 1, '192.0.2.9')", f"virtual_server.{NO_POOL}",
     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (4, 1, 1, '192.0.2.9')"),
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (1, 2, 1, '192.0.2.9')",
     "virtual_server.position is taken by another server of this pool",
     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (2, 2, 2, '192.0.2.9')"),
    ("UPDATE virtual_server SET pool_id = 99 WHERE id = 3", f"virtual_server.{NO_POOL}",
     "UPDATE virtual_server SET pool_id = 4 WHERE id = 3"),
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (4, 99, 1, '192.0.2.9')", f"virtual_server.{NO_CONTROLLER}",
     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (4, 3, 1, '192.0.2.9')"),
    ("UPDATE virtual_server SET controller_id = 99", f"virtual_server.{NO_CONTROLLER}",
     "UPDATE virtual_server SET controller_id = 3"),
    ("UPDATE virtual_server SET id = 9 WHERE id = 3",
     "virtual_server.id cannot be changed: insert a new one and delete this one",
     "UPDATE virtual_server SET id = id"),
    (server("port", "443"), NO_ADDRESS, server("ipv4, ipv6", "'192.0.2.9', '::9'")),
    (put("virtual_server", ipv4="NULL"), NO_ADDRESS, put("virtual_server", ipv4="NULL", ipv6="'::9'")),
    (f"INSERT INTO virtual_server (pool_id, controller_id, position, name, ipv4) VALUES ({NAMED},"
     " '192.0.2.9')", BOTH,
     f"INSERT INTO virtual_server (pool_id, controller_id, position, name) VALUES ({NAMED})"),
    (f"INSERT INTO virtual_server (pool_id, controller_id, position, name, ipv6) VALUES ({NAMED},"
     " '::9')", BOTH,
     f"INSERT INTO virtual_server (pool_id, controller_id, position, name) VALUES ({NAMED})"),
    (("UPDATE pool SET fallback_pool_id = NULL",
      "UPDATE virtual_server SET name = 'lb.cloud.example' WHERE id = 3"), BOTH,
     ("UPDATE pool SET fallback_pool_id = NULL",
      "UPDATE virtual_server SET name = 'lb.cloud.example', ipv4 = NULL WHERE id = 3")),
    ((f"INSERT INTO virtual_server (pool_id, controller_id, position, name) VALUES ({NAMED})",
      "UPDATE virtual_server SET name = NULL WHERE pool_id = 4"), NO_ADDRESS,
     (f"INSERT INTO virtual_server (pool_id, controller_id, position, name) VALUES ({NAMED})",
      "UPDATE virtual_server SET name = NULL, ipv6 = '::9' WHERE pool_id = 4")),
    ("INSERT INTO controller_metric (controller_id, name, value) VALUES (99, 'rtt', 1)",
     f"controller_metric.{NO_CONTROLLER}",
     "INSERT INTO controller_metric (controller_id, name, value) VALUES (2, 'rtt', 1)"),
    ("UPDATE controller_metric SET controller_id = 99 WHERE controller_id = 3",
     f"controller_metric.{NO_CONTROLLER}",
     "UPDATE controller_metric SET controller_id = 2 WHERE controller_id = 3"),
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (99, 'rtt', 1)",
     NO_SERVER,
     "INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (3, 'rtt', 1)"),
    ("UPDATE virtual_server_metric SET virtual_server_id = 99 WHERE virtual_server_id = 2",
     NO_SERVER,
     "UPDATE virtual_server_metric SET virtual_server_id = 3 WHERE virtual_server_id = 2"),

    # Monitors, and those that name one.
    ("INSERT OR REPLACE INTO monitor (name, type) VALUES ('web', 'tcp')", MONITOR_REPLACED,
     "INSERT OR REPLACE INTO monitor (name, type) VALUES ('idle', 'tcp')"),
    ("INSERT OR REPLACE INTO monitor (name, type) VALUES ('port', 'tcp')", MONITOR_REPLACED,
     "INSERT OR REPLACE INTO monitor (id, name, type) VALUES (2, 'port', 'icmp')"),
    ((f"UPDATE controller SET {CHECKED} = 3",
      "INSERT OR REPLACE INTO monitor (name, type) VALUES ('idle', 'tcp')"), MONITOR_REPLACED,
     (f"UPDATE controller SET {CHECKED} = 3",
      "INSERT INTO monitor (name, type) VALUES ('idle2', 'tcp')")),
    ("UPDATE OR REPLACE monitor SET name = 'web' WHERE id = 3", MONITOR_REPLACED,
     "UPDATE OR REPLACE monitor SET name = 'idle' WHERE id = 1"),
    ("UPDATE monitor SET id = 9 WHERE id = 3",
     "monitor.id cannot be changed: insert a new monitor and delete this one",
     "UPDATE monitor SET id = id"),
    ("DELETE FROM monitor WHERE id = 1",
     "a pool still uses the monitor: change its monitor_id first",
     "DELETE FROM monitor WHERE id = 3"),
    ("DELETE FROM monitor WHERE id = 2",
     "a virtual server still uses the monitor: change its monitor_id first",
     ("UPDATE virtual_server SET monitor_id = NULL", "DELETE FROM monitor WHERE id = 2")),
    ((f"UPDATE controller SET {CHECKED} = 3", "DELETE FROM monitor WHERE id = 3"),
     "a controller still uses the monitor: change its monitor_id first",
     ("UPDATE pool SET monitor_id = NULL", "DELETE FROM monitor WHERE id = 1")),
    (pool("monitor_id", "99"), f"pool.{NO_MONITOR}", pool("monitor_id", "3")),
    ("UPDATE pool SET monitor_id = 99", f"pool.{NO_MONITOR}", "UPDATE pool SET monitor_id = 3"),
    (server("ipv4, monitor_id", "'192.0.2.9', 99"), f"virtual_server.{NO_MONITOR}",
     server("ipv4, monitor_id", "'192.0.2.9', 3")),
    ("UPDATE virtual_server SET monitor_id = 99", f"virtual_server.{NO_MONITOR}",
     "UPDATE virtual_server SET monitor_id = NULL"),
    ("INSERT INTO controller (name, address, monitor_id) VALUES ('new', '::1', 99)",
     f"controller.{NO_MONITOR}",
     "INSERT INTO controller (name, address, monitor_id) VALUES ('new', '::1', 3)"),
    (f"UPDATE controller SET {CHECKED} = 99", f"controller.{NO_MONITOR}",
     f"UPDATE controller SET {CHECKED} = 3"),

    # Verdicts, topology and round trips.
    ("INSERT INTO controller_verdict VALUES (99, 'up', 'ok', 1, 1, 0)",
     f"controller_verdict.{NO_CONTROLLER}",
     "INSERT INTO controller_verdict VALUES (2, 'up', 'ok', 1, 1, 0)"),
    ("UPDATE controller_verdict SET controller_id = 99 WHERE controller_id = 1",
     f"controller_verdict.{NO_CONTROLLER}",
     "UPDATE controller_verdict SET controller_id = 2 WHERE controller_id = 1"),
    ("INSERT INTO virtual_server_verdict VALUES (99, 'up', 'ok', 1, 1, 0, '')",
     "virtual_server_verdict.virtual_server_id is not the id of a virtual server",
     "INSERT INTO virtual_server_verdict VALUES (3, 'up', 'ok', 1, 1, 0, '')"),
    ("UPDATE virtual_server_verdict SET virtual_server_id = 99 WHERE virtual_server_id = 1",
     "virtual_server_verdict.virtual_server_id is not the id of a virtual server",
     "UPDATE virtual_server_verdict SET virtual_server_id = 3 WHERE virtual_server_id = 1"),
    (topology("asn", 1, controller=99), f"topology.{NO_CONTROLLER}", topology("asn", 1)),
    ("UPDATE topology SET controller_id = 99", f"topology.{NO_CONTROLLER}",
     "UPDATE topology SET controller_id = 3"),
    ("INSERT INTO topology (cidr, asn, controller_id) VALUES ('::/0', 1, 1)", ONE_OF_FOUR,
     "INSERT INTO topology (controller_id) VALUES (1)"),
    ("INSERT INTO topology (country, asn, controller_id) VALUES ('NL', 1, 1)", ONE_OF_FOUR,
     "INSERT INTO topology (country, asn, controller_id) VALUES ('NL', NULL, 1)"),
    ("UPDATE topology SET continent = 'AS' WHERE id = 3", ONE_OF_FOUR,
     "UPDATE topology SET continent = 'AS', country = NULL WHERE id = 3"),
    ("UPDATE topology SET asn = 1 WHERE id = 3", ONE_OF_FOUR,
     "UPDATE topology SET country = NULL WHERE id = 3"),
    ("INSERT INTO path_metric (network, controller_id, rtt) VALUES ('::/0', 99, 1)",
     f"path_metric.{NO_CONTROLLER}",
     "INSERT INTO path_metric (network, controller_id, rtt) VALUES ('::/0', 2, 1)"),
    ("UPDATE path_metric SET controller_id = 99 WHERE controller_id = 1",
     f"path_metric.{NO_CONTROLLER}",
     "UPDATE path_metric SET controller_id = 2 WHERE controller_id = 1"),

    # Pins.
    (pin("10.2.0.0/16", pool=1, ldns_group="'office'"), ONE_OF_TWO, pin("10.2.0.0/16")),
    ("INSERT INTO pin (controller_id) VALUES (1)", ONE_OF_TWO, pin("0.0.0.0/0")),
    ("UPDATE pin SET network = NULL WHERE id = 1", ONE_OF_TWO,
     "UPDATE pin SET network = '2001:db8::/32' WHERE id = 1"),
    ("UPDATE pin SET ldns_group = 'home' WHERE id = 2", NO_GROUP,
     "UPDATE pin SET ldns_group = 'office' WHERE id = 2"),
    ("UPDATE pin SET pool_id = 99", "pin.pool_id is not the id of a pool",
     "UPDATE pin SET pool_id = 1"),
    (pin("::/0", controller=99), f"pin.{NO_CONTROLLER}", pin("::/0")),
    *[(pin(wrong), NO_ADDRESS_OF_A_CLIENT, pin(right)) for wrong, right in (
        ("0.0.0.0", "0.0.0.1"), ("0.0.0.0/32", "0.0.0.0/31"), ("::", "::1"),
        ("::/128", "::/127"))],
    *[(pin(wrong), ABOVE_255, pin(right)) for wrong, right in (
        ("256.0.0.0/8", "255.0.0.0/8"), ("10.256.0.0/16", "10.255.0.0/16"),
        ("10.0.256.0/24", "10.0.255.0/24"), ("10.0.0.256", "10.0.0.255"))],
    *[(pin(wrong), HOST_BITS, pin(right)) for wrong, right in (
        ("10.2.0.1/31", "10.2.0.2/31"), ("10.2.0.64/25", "10.2.0.128/25"),
        ("10.2.1.0/23", "10.2.2.0/23"), ("10.3.0.0/15", "10.2.0.0/15"),
        ("11.0.0.0/7", "10.0.0.0/7"), ("128.0.0.0/0", "128.0.0.0/1"),
        ("10.2.0.1/24", "10.2.0.1/32"), ("2001:db8::1/64", "2001:db8::1"),
        ("2001:db8:1::1/112", "2001:db8:1::1/113"), ("2001:db8:0:0:0:0:0:7/48",
                                                       "2001:db8:0:0:0:0:0:0/48"))],
    (pin("10.2.0.0/16", pool=2, controller=2), NO_SERVER_IN_POOL,
     pin("10.2.0.0/16", pool=1, controller=2)),
    ("UPDATE pin SET pool_id = 2 WHERE id = 1", NO_SERVER_IN_POOL,
     "UPDATE pin SET pool_id = 2, controller_id = 1 WHERE id = 1"),
    ("UPDATE pin SET controller_id = 3 WHERE id = 2", NO_SERVER_AT_ALL,
     "UPDATE pin SET controller_id = 2 WHERE id = 2"),
    (pin("10.2.0.0/16", until="unixepoch()"), PAST, pin("10.2.0.0/16", until="unixepoch() + 60")),
    ("UPDATE site SET held = 1", SITE_HELD, "UPDATE site SET held = 0"),
    ("UPDATE site SET held = NULL", SITE_HELD, "UPDATE site SET held = 0 WHERE pool = 'web'"),
    ("UPDATE site SET held = 0, up = 0", SITE_HELD, "UPDATE site SET held = 0, up = 1"),
    ("UPDATE site SET held = 0, pool = 'x'", SITE_HELD,
     "UPDATE site SET held = 0 WHERE controller = 'ams'"),
    ("UPDATE site SET up_since = '2030-01-01'", SITE_HELD, "UPDATE site SET up_since = NULL"),

    ("DELETE FROM revision",
     "the row of revision cannot be deleted: without it no process would notice a change",
     "UPDATE revision SET configuration = configuration + 1"),

    # Sharing.
    ("DELETE FROM share", "the row of share cannot be deleted: set node to 0 to share nothing",
     "UPDATE share SET node = 0"),
    ((PEER, "UPDATE share SET node = 2"), "share.node is the number of a peer: see table peer",
     (PEER, "UPDATE share SET node = 1")),
    ((SHARED, PEER.replace("2,", "1,")), PEER_ITSELF, (SHARED, PEER)),
    ((SHARED, PEER, "UPDATE peer SET node = 1"), PEER_ITSELF,
     (SHARED, PEER, "UPDATE peer SET node = 3")),
    ((PEER, "UPDATE share SET follow = 3"), "share.follow is not the node of a peer: see table peer",
     (PEER, "UPDATE share SET follow = 2")),
    ((PEER, "UPDATE share SET follow = 2", "UPDATE peer SET node = 3"), FOLLOWED,
     (PEER, "UPDATE share SET follow = 2", "UPDATE peer SET name = 'ns3'")),
    ((PEER, "UPDATE share SET follow = 2", "DELETE FROM peer"), FOLLOWED,
     (PEER, "UPDATE share SET follow = 2", "UPDATE share SET follow = 0", "DELETE FROM peer")),
    (peers(65), "there are 64 peers already, which is the most", peers(64)),
    ((SHARED, "UPDATE persistence SET ldns = '::1' WHERE pool_id = 4"), KEY_CHANGED,
     "UPDATE persistence SET ldns = '::1' WHERE pool_id = 4"),
    ((SHARED, "UPDATE persistence SET pool_id = 5 WHERE pool_id = 4"), KEY_CHANGED,
     (SHARED, "UPDATE persistence SET pool_id = 4, ttl = 9 WHERE pool_id = 4")),
]

@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, message, neighbour", ROWS)
def test_an_invalid_row_is_rejected_with_a_message_and_its_neighbour_passes(
        rows_world, statement, message, neighbour, foreign_keys):
    rows_world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    assert_refused(rows_world, statement, message, neighbour)


def test_a_rejected_statement_leaves_every_row_and_the_revision_as_they_were(world):
    assert_untouched(world, ROWS)


@pytest.mark.parametrize("trigger, message", [
    (trigger, message) for trigger, message in refusing_triggers()
    if not trigger.startswith(("allowed_", "site_resume"))])
def test_every_refusal_of_every_trigger_has_a_row_that_passes_without_it(
        rows_world, trigger, message):
    assert_needed(rows_world, trigger, message, ROWS)
