"""What the CHECKs refuse in zones, pools, servers, names and mappings."""

import pytest

from schema import assert_refused, assert_untouched, checks_of
from schema_statements import (
    balanced, check_address, containing, group, id_rows, mapping, named, pin, put, ranged,
    record,
    record_named, server, typed, zone_named)

TABLES = ("zone", "record", "controller", "pool", "virtual_server", "balanced_name", "ldns_group",
          "pin", "setting", "persistence", "revision")

SIZE_64, SIZE_65 = "x" * 64, "x" * 65
GROUP_CIDR = "ldns_group.cidr is a network or an address like 192.0.2.0/24 or 2001:db8::53"
GROUP_SLASH = "ldns_group.cidr ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
PIN_NETWORK = "pin.network is a network or an address like 192.0.2.0/24 or 2001:db8::53"
PIN_SLASH = "pin.network ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
IPV4 = "virtual_server.ipv4 is an address like 192.0.2.80"
IPV6 = "virtual_server.ipv6 is an address like 2001:db8::80"
RECORD_TYPE = "record.type is 1 to 10 capital letters, digits or -, a letter first: A, MX, TYPE99"
ONE_LINE = "record.content is one line: no tab, carriage return, newline or NUL"
MAPPING_METHOD = "persistence.method is a word of 1 to 32 lower-case letters and hyphens"
ADDRESS = "controller.address is one word of 1 to 255 ASCII characters, or NULL"
POOL_METRIC = "pool.metric is a word of 1 to 32 lower-case letters, digits, _ and -, or NULL"
LONG = "x" * 251
SIZE = "has 1 to 253 characters"
LETTERS = "has letters, digits, hyphens, underscores and dots alone"
TRAILING = "has no trailing dot: lb.cloud.example, not lb.cloud.example."
DOTS = "has no leading dot and no two dots in a row"
FULL = "is a full name, not an address: lb.cloud.example"
CHECK_ADDRESS = ("virtual_server.check_address is an address like 192.0.2.80 or 2001:db8::80,"
                 " or NULL")


def name_rows(table, insert, legal):
    """The rules of DNS names; insert and legal are called with the SQL text of a name."""
    label = "x" * 1004
    plain = f"{table}.name is plain ASCII: no space (\\032), tab or newline, xn-- for other letters"
    example = "example.com" if table == "zone" else "www.example.com"
    trailing = f"{table}.name has no trailing dot: {example}, not {example}."
    dots = f"{table}.name has no leading dot and no two dots in a row"
    size = f"{table}.name has 1 to 1004 characters"
    return [
        (insert("''"), size, legal("'a'")),
        (insert(f"'{label}x'"), size, legal(f"'{label}'")),
        (insert("'a b.example'"), plain, legal(r"'a\032b.example'")),
        (insert("'a' || char(9) || 'b.example'"), plain, legal("'a.b.example'")),
        (insert("'ab.example' || char(10)"), plain, legal("'ab.example'")),
        (insert("'a' || char(0) || 'b.example'"), plain, legal("'ab.example'")),
        (insert("'a' || char(127)"), plain, legal("'a~'")),
        (insert("'bücher.example'"), plain, legal("'xn--bcher-kva.example'")),
        (insert("'a.example.'"), trailing, legal(r"'a\.'")),
        (insert(r"'a\\.'"), trailing, legal(r"'a\\'")),
        (insert("'.a.example'"), dots, legal(r"'\.a.example'")),
        (insert("'a..example'"), dots, legal(r"'a\..example'")),
        (insert(r"'a\\..example'"), dots, legal(r"'a.\\.example'")),
        (insert("'..'"), trailing, legal("'.'") if table != "zone" else legal("'_x.example'")),
    ]


ROWS = [
    *name_rows("zone", zone_named, zone_named),
    *id_rows("zone", "INSERT INTO zone (id, name) VALUES (@, 'new.example')"),
    (zone_named("'EXAMPLE.com'"), "UNIQUE constraint failed: zone.name", zone_named("'a.com'")),

    *name_rows("record", record_named, record_named),
    (typed(""), RECORD_TYPE, typed("A")),
    (typed("a"), RECORD_TYPE, typed("NAPTR")),
    (typed("9A"), RECORD_TYPE, typed("A9")),
    (typed("TYPE1234567"), RECORD_TYPE, typed("TYPE123456")),
    (typed("M X"), RECORD_TYPE, typed("NSEC3-X")),
    *ranged(record("type, ttl, content", "'TXT', @, 'x'"), "record.ttl is 0 to 2147483647 seconds",
            0, 2147483647),
    (containing("''"), "record.content is not empty", containing("'x'")),
    (containing("'   '"), "record.content is not empty", containing("' x '")),
    (containing("'10' || char(9) || 'mx'"), ONE_LINE, containing("'10 mx'")),
    (containing("'x' || char(10)"), ONE_LINE, containing("'x'")),
    (containing("'x' || char(13)"), ONE_LINE, containing("'x'")),
    (containing("'x' || char(0)"), ONE_LINE, containing("'x'")),
    *ranged(record("type, content, disabled", "'TXT', 'x', @"), "record.disabled is 0 or 1", 0, 1),
    (record("type, content", "'A', '192.0.2.25'", "'MAIL.example.com'"),
     "UNIQUE constraint failed: record.zone_id, record.name, record.type, record.content",
     record("type, content", "'A', '192.0.2.27'", "'MAIL.example.com'")),
    ("INSERT INTO record (name, type, content) VALUES ('www.elsewhere.example', 'TXT', '\"x\"')",
     "UNIQUE constraint failed: record.name, record.type, record.content",
     "INSERT INTO record (name, type, content) VALUES ('www.elsewhere.example', 'TXT', '\"y\"')"),

    *id_rows("controller", "INSERT INTO controller (id, name) VALUES (@, 'new')"),
    ("INSERT INTO controller (name) VALUES ('')", "controller.name has 1 to 64 characters",
     "INSERT INTO controller (name) VALUES ('x')"),
    (f"INSERT INTO controller (name) VALUES ('{SIZE_65}')",
     "controller.name has 1 to 64 characters",
     f"INSERT INTO controller (name) VALUES ('{SIZE_64}')"),
    ("INSERT INTO controller (name) VALUES ('a' || char(9))",
     "controller.name has no control characters",
     "INSERT INTO controller (name) VALUES ('Den Haag, São Paulo')"),
    ("INSERT INTO controller (name) VALUES ('a' || char(127))",
     "controller.name has no control characters",
     "INSERT INTO controller (name) VALUES ('a-b')"),
    ("INSERT INTO controller (name) VALUES ('a' || char(155))",
     "controller.name has no control characters",
     "INSERT INTO controller (name) VALUES ('a' || char(160))"),
    ("INSERT INTO controller (name) VALUES ('a' || char(0))",
     "controller.name has no control characters",
     "INSERT INTO controller (name) VALUES ('a b')"),
    ("INSERT INTO controller (name) VALUES ('AMS')", "UNIQUE constraint failed: controller.name",
     "INSERT INTO controller (name) VALUES ('ams2')"),
    (put("controller", address="''"), ADDRESS, put("controller", address="NULL")),
    (put("controller", address="'a b'"), ADDRESS, put("controller", address="'lb.example.com'")),
    (put("controller", address=f"'{'x' * 256}'"), ADDRESS,
     put("controller", address=f"'{'x' * 255}'")),

    *id_rows("pool", "INSERT INTO pool (id, name) VALUES (@, 'new')"),
    ("INSERT INTO pool (name) VALUES ('')", "pool.name has 1 to 64 characters",
     "INSERT INTO pool (name) VALUES ('x')"),
    (f"INSERT INTO pool (name) VALUES ('{SIZE_65}')", "pool.name has 1 to 64 characters",
     f"INSERT INTO pool (name) VALUES ('{SIZE_64}')"),
    ("INSERT INTO pool (name) VALUES ('a b')", "pool.name has no spaces or control characters",
     "INSERT INTO pool (name) VALUES ('a_b-ü')"),
    ("INSERT INTO pool (name) VALUES ('a' || char(10))",
     "pool.name has no spaces or control characters", "INSERT INTO pool (name) VALUES ('a')"),
    ("INSERT INTO pool (name) VALUES ('Web')", "UNIQUE constraint failed: pool.name",
     "INSERT INTO pool (name) VALUES ('web2')"),
    *ranged(put("pool", ttl="@"), "pool.ttl is 0 to 2147483647 seconds", 0, 2147483647),
    *ranged(put("pool", persistence_ttl="@"),
            "pool.persistence_ttl is 0 to 2147483647 seconds, 0 to keep no mappings",
            0, 2147483647),
    *ranged(put("pool", ipv4_prefix="@"), "pool.ipv4_prefix is 0 to 32", 0, 32),
    *ranged(put("pool", ipv6_prefix="@"), "pool.ipv6_prefix is 0 to 128", 0, 128),

    *id_rows("virtual_server", "INSERT INTO virtual_server (id, pool_id, controller_id, position, "
             "ipv4) VALUES (@, 1, 1, 9, '192.0.2.9')"),
    *ranged("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
            "VALUES (4, 1, @, '192.0.2.9')", "virtual_server.position is 1 or more", 1, 9)[:1],
    (server("ipv4", "'192.0.2'"), IPV4, server("ipv4", "'192.0.2.1'")),
    (server("ipv4", "'192.0.2.1.1'"), IPV4, server("ipv4", "'255.255.255.255'")),
    (server("ipv4", "'www.example.com.x'"), IPV4, server("ipv4", "'1.1.1.1'")),
    (server("ipv4", "'192.0.2.1 '"), IPV4, server("ipv4", "'192.0.2.10'")),
    (server("ipv4", "'2001:db8::1'"), IPV4, server("ipv6", "'2001:db8::1'")),
    (server("ipv6", "'192.0.2.1'"), IPV6, server("ipv6", "'::ffff:192.0.2.1'")),
    (server("ipv6", "'2001:db8'"), IPV6, server("ipv6", "'::'")),
    (server("ipv6", "'fe80::1%eth0'"), IPV6, server("ipv6", "'FE80::1'")),
    (server("ipv6", "''"), IPV6, server("ipv6", "'::1'")),
    *ranged(server("ipv4, port", "'192.0.2.9', @"),
            "virtual_server.port is 1 to 65535, or NULL", 1, 65535),
    *ranged(server("ipv4, weight", "'192.0.2.9', @"), "virtual_server.weight is 0 to 65535",
            0, 65535),

    *name_rows("balanced_name", balanced, balanced),
    (balanced("'https://www.example.com'"),
     "balanced_name.name is a name, not a URL: www.example.com", balanced("'x:/y'")),
    (balanced("'WWW.example.com'"), "UNIQUE constraint failed: balanced_name.name",
     balanced("'*.example.com'")),

    (group(""), GROUP_CIDR, group("::")),
    (group("office"), GROUP_CIDR, group("192.0.2.0/24")),
    (group("10.1/16"), GROUP_CIDR, group("10.2.0.0/16")),
    (group("192.0.2.0.0/24"), GROUP_CIDR, group("192.0.2.53")),
    (group("192.0.2.a/24"), GROUP_CIDR, group("2001:db8::a/64")),
    (group("192.0.2.0/33"), GROUP_SLASH, group("192.0.2.0/32")),
    (group("2001:db8::/129"), GROUP_SLASH, group("2001:db8::/128")),
    (group("192.0.2.0/"), GROUP_SLASH, group("0.0.0.0/0")),
    (group("10.2.0.0/1/6"), GROUP_SLASH, group("10.2.0.0/16")),
    (group("2001:db8::/a"), GROUP_SLASH, group("::/0")),
    (group("10.2.0.0/24", ""), "ldns_group.name has 1 to 64 characters", group("10.2.0.0/24", "x")),
    (group("10.2.0.0/24", SIZE_65), "ldns_group.name has 1 to 64 characters",
     group("10.2.0.0/24", SIZE_64)),
    (group("10.2.0.0/24", "head office"), "ldns_group.name has no spaces or control characters",
     group("10.2.0.0/24", "head-office")),
    (group("10.1.0.0/16", "x"), "UNIQUE constraint failed: ldns_group.cidr",
     group("10.1.0.0/17", "x")),

    (pin(""), PIN_NETWORK, pin("::/0")),
    (pin("office"), PIN_NETWORK, pin("192.0.3.0/24")),
    (pin("10.1/16"), PIN_NETWORK, pin("10.2.0.0/16")),
    (pin("10.1.0.x"), PIN_NETWORK, pin("10.1.0.9")),
    (pin("10.1..0"), PIN_NETWORK, pin("10.1.0.0")),
    (pin("192.0.2.0.0/24"), PIN_NETWORK, pin("192.0.2.53")),
    (pin("192.0.2.a/24"), PIN_NETWORK, pin("2001:DB8::a")),
    (pin("192.0.2.0/33"), PIN_SLASH, pin("192.0.2.0/32")),
    (pin("2001:db8::/129"), PIN_SLASH, pin("2001:db8::1/128")),
    (pin("192.0.2.0/"), PIN_SLASH, pin("0.0.0.0/0")),
    (pin("192.0.2.0/1/6"), PIN_SLASH, pin("192.0.0.0/16")),
    (pin("192.0.2.0/24", pool=1), "UNIQUE constraint failed: pin.network, pin.pool_id",
     pin("192.0.2.0/24", pool=2)),
    ((pin("2001:db8::/48"), pin("2001:DB8::/48")), "UNIQUE constraint failed: pin.network",
     (pin("2001:db8::/48"), pin("2001:DB8::/49"))),
    ("INSERT INTO pin (ldns_group, controller_id) VALUES ('office', 2)",
     "UNIQUE constraint failed: pin.ldns_group",
     "INSERT INTO pin (ldns_group, pool_id, controller_id) VALUES ('office', 1, 2)"),
    (("INSERT INTO pin (ldns_group, pool_id, controller_id) VALUES ('office', 1, 2)",
      "INSERT INTO pin (ldns_group, pool_id, controller_id) VALUES ('office', 1, 1)"),
     "UNIQUE constraint failed: pin.ldns_group, pin.pool_id",
     ("INSERT INTO pin (ldns_group, pool_id, controller_id) VALUES ('office', 1, 2)",
      "INSERT INTO pin (ldns_group, pool_id, controller_id) VALUES ('office', 2, 1)")),
    *ranged(put("pin", until="@"), "pin.until is Unix seconds, 0 to 253402300799, or NULL",
            0, 253402300799),
    (put("pin", comment="''"), "pin.comment has 1 to 255 characters, or is NULL",
     put("pin", comment="NULL")),
    (put("pin", comment=f"'{'x' * 256}'"), "pin.comment has 1 to 255 characters, or is NULL",
     put("pin", comment=f"'{'é' * 255}'")),
    (put("pin", comment="'a' || char(10) || 'b'"), "pin.comment has no control characters",
     put("pin", comment="'a, b'")),
    (put("pin", controller_id="NULL"), "NOT NULL constraint failed: pin.controller_id",
     put("pin", controller_id="1")),

    (put("pool", metric="''"), POOL_METRIC, put("pool", metric="NULL")),
    (put("pool", metric="'CPU'"), POOL_METRIC, put("pool", metric="'cpu_5-min'")),
    (put("pool", metric=f"'{'x' * 33}'"), POOL_METRIC, put("pool", metric=f"'{'x' * 32}'")),
    *ranged(put("pool", tolerance="@"), "pool.tolerance is 0 to 1000 percent", 0, 1000),
    *ranged(put("pool", failback_delay="@"), "pool.failback_delay is 0 to 2147483647 seconds", 0,
            2147483647),
    *ranged(put("virtual_server", checked="@"), "virtual_server.checked is 0 or 1", 0, 1),
    (named("''"), f"virtual_server.name {SIZE}", named("'a.b'")),
    (named(f"'{LONG}x.a'"), f"virtual_server.name {SIZE}", named(f"'{LONG}.a'")),
    *[(named(wrong), f"virtual_server.name {rule}", named(right)) for rule, wrong, right in (
        (LETTERS, "'lb 1.example'", "'lb-1.example'"),
        (LETTERS, "'lb\\032x.example'", "'lb_x.example'"),
        (LETTERS, "'bücher.example'", "'xn--bcher-kva.EXAMPLE'"),
        (LETTERS, "'a' || char(0) || 'b.example'", "'ab.example'"),
        (LETTERS, "'http://lb.example'", "'lb.example'"),
        (TRAILING, "'lb.cloud.example.'", "'lb.cloud.example'"),
        (DOTS, "'.lb.example'", "'_lb.example'"), (DOTS, "'lb..example'", "'l.b.example'"),
        (FULL, "'localhost'", "'localhost.example'"), (FULL, "'192.0.2.1'", "'192.0.2.x'"))],
    (check_address(""), CHECK_ADDRESS, put("virtual_server", check_address="NULL")),
    (check_address("www.example.com"), CHECK_ADDRESS, check_address("10.0.0.80")),
    (check_address("192.0.2"), CHECK_ADDRESS, check_address("::")),
    (check_address("192.0.2.1.1"), CHECK_ADDRESS, check_address("::ffff:192.0.2.1")),
    (check_address("1.2.3.a"), CHECK_ADDRESS, check_address("2001:DB8::A")),
    (check_address("10.0.0.80:443"), CHECK_ADDRESS, check_address("fe80::1")),

    (mapping(ldns="''"), "persistence.ldns has 1 to 128 characters", mapping(ldns="'::1'")),
    (mapping(ldns=f"'{'x' * 129}'"), "persistence.ldns has 1 to 128 characters",
     mapping(ldns=f"'{'x' * 128}'")),
    (mapping(method="''"), MAPPING_METHOD, mapping(method="'m'")),
    (mapping(method="'M'"), MAPPING_METHOD, mapping(method="'round-robin'")),
    *ranged(mapping(timestamp="@"), "persistence.timestamp is Unix seconds, 0 to 253402300799",
            0, 253402300799),
    *ranged(put("persistence", home_id="@"), "persistence.home_id is 1 to 2147483647, or NULL", 1,
            2147483647),
    *ranged("INSERT INTO site_state (pool_id, controller_id, up_since) VALUES (1, 1, @)",
            "site_state.up_since is Unix seconds, 0 to 253402300799, or NULL", 0, 253402300799),
    *ranged("INSERT INTO site_state (pool_id, controller_id, held_since) VALUES (1, 1, @)",
            "site_state.held_since is Unix seconds, 1 to 253402300799, or NULL", 1, 253402300799),
    *ranged(put("persistence", origin="@"), "persistence.origin is 0 to 65535", 0, 65535),
    (put("persistence", decided="-1"), "persistence.decided is 0 or more",
     put("persistence", decided="9223372036854775807")),
    *ranged(mapping(ttl="@"), "persistence.ttl is 0 to 2147483647 seconds", 0, 2147483647),
    (mapping(ldns="'192.0.2.53'"),
     "UNIQUE constraint failed: persistence.pool_id, persistence.ldns", mapping()),

    ("INSERT INTO revision VALUES (2, 1, 1, 1, 1, 1)", "revision has one row",
     "INSERT OR IGNORE INTO revision VALUES (1, 1, 1, 1, 1, 1)"),

    # STRICT: a column holds only what it is for.
    (put("pool", ttl="'soon'"), "cannot store TEXT value in INTEGER column pool.ttl",
     put("pool", ttl="'60'")),
    (put("pool", ttl="1.5"), "cannot store REAL value in INTEGER column pool.ttl",
     put("pool", ttl="60.0")),
    (put("pool", ttl="NULL"), "NOT NULL constraint failed: pool.ttl", put("pool", ttl="1")),
    (put("pool", method="x'00'"), "cannot store BLOB value in TEXT column pool.method",
     put("pool", method="'rtt'")),
]

@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, message, neighbour", ROWS)
def test_an_invalid_row_is_rejected_with_a_message_and_its_neighbour_passes(
        rows_world, statement, message, neighbour, foreign_keys):
    rows_world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    assert_refused(rows_world, statement, message, neighbour)


def test_a_rejected_statement_leaves_every_row_and_the_revision_as_they_were(world):
    assert_untouched(world, ROWS)


def test_every_check_has_a_row_that_trips_it():
    declared = checks_of(TABLES)
    assert len(declared) > 40
    assert declared <= {message for _, message, _ in ROWS}
