"""The database as an operator meets it: real files, made by the sqlite3 shell from schema/."""

import re
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from coprocess import Coprocess
from database import Database
from processes import as_user, backend_path, run, wait_until

SCHEMA = Path(__file__).resolve().parents[2] / "schema"
SCHEMA_SQL = (SCHEMA / "schema.sql").read_text()
DEMO_SQL = (SCHEMA / "demo.sql").read_text()
VERSION_1_SQL = (Path(__file__).parent / "schema-1.sql").read_text()

CONFIGURATION_TABLES = ("zone", "record", "controller", "pool", "virtual_server", "balanced_name",
                        "monitor", "ldns_group", "setting")
TOPOLOGY_TABLES = ("topology", "geo_database")
TABLES = CONFIGURATION_TABLES + TOPOLOGY_TABLES + (
    "controller_metric", "virtual_server_metric", "controller_verdict", "virtual_server_verdict",
    "path_metric", "persistence", "revision")
VIEWS = ("mapping", "server", "health")

# A small world in which each rule has something to bite on.
WORLD = """
INSERT INTO zone (id, name) VALUES (1, 'example.com'), (2, 'empty.example'), (3, '.');
INSERT INTO record (id, zone_id, name, type, content, disabled) VALUES
  (1, 1, 'example.com', 'NS', 'ns1.example.com', 0),
  (2, 1, 'mail.example.com', 'A', '192.0.2.25', 0),
  (3, 1, 'old.example.com', 'A', '192.0.2.26', 1),
  (4, NULL, 'www.elsewhere.example', 'TXT', '"x"', 0);
INSERT INTO controller (id, name) VALUES (1, 'ams'), (2, 'fra'), (3, 'idle');
INSERT INTO monitor (id, name, type) VALUES
  (1, 'web', 'http'), (2, 'port', 'tcp'), (3, 'idle', 'icmp');
INSERT INTO pool (id, name, fallback_pool_id, persistence_pool_id) VALUES
  (1, 'web', NULL, NULL), (2, 'api', 1, NULL), (3, 'static', NULL, 1), (4, 'spare', NULL, NULL),
  (5, 'last', NULL, NULL), (6, 'first', 5, NULL);
INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4) VALUES
  (1, 1, 1, 1, '192.0.2.80'), (2, 1, 2, 2, '198.51.100.80'), (3, 2, 1, 1, '192.0.2.81');
INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1);
INSERT INTO controller_metric (controller_id, name, value) VALUES
  (1, 'availability', 1), (1, 'rtt', 20), (3, 'rtt', 5);
INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES
  (1, 'availability', 1), (2, 'rtt', 20);
UPDATE pool SET monitor_id = 1 WHERE id = 1;
UPDATE virtual_server SET monitor_id = 2 WHERE id = 3;
INSERT INTO controller_verdict (controller_id, state, reason, since, checked_at) VALUES
  (1, 'up', 'ok', 1000, 2000), (3, 'up', 'ok', 1000, 2000);
INSERT INTO virtual_server_verdict (virtual_server_id, state, reason, since, checked_at) VALUES
  (1, 'up', 'ok', 1000, 2000), (2, 'down', 'timeout', 1000, 2000);
INSERT INTO topology (id, cidr, controller_id) VALUES
  (1, '192.0.2.0/24', 1), (2, '2001:db8::/32', 3);
INSERT INTO topology (id, country, controller_id) VALUES (3, 'DE', 2);
INSERT INTO topology (id, continent, controller_id) VALUES (4, 'EU', 2);
INSERT INTO topology (id, asn, controller_id) VALUES (5, 64500, 3);
INSERT INTO geo_database (path) VALUES ('/var/lib/GeoIP/country.mmdb');
INSERT INTO path_metric (network, controller_id, rtt) VALUES
  ('192.0.2.0/24', 1, 10), ('192.0.2.0/24', 3, 20), ('2001:db8::/48', 3, 30);
INSERT INTO ldns_group (cidr, name) VALUES ('10.1.0.0/16', 'office');
INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES
  (1, '192.0.2.53', 1, 'modulus', 1000, 3600),
  (1, '192.0.2.54', 3, 'modulus', 1000, 3600),
  (4, '192.0.2.53', 2, 'modulus', 1000, 3600);
"""


def shell(path, sql, *options):
    return subprocess.run(["sqlite3", *options, str(path)], input=sql, text=True,
                          capture_output=True, timeout=30, check=False)


def connect(path):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    return db


def content(db):
    return [sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES]


def revision(db):
    return db.execute("SELECT configuration, metrics, topology FROM revision").fetchone()


def refusal(db, statement):
    """The words that refuse the statement, or None. Leaves the database as it was."""
    db.execute("SAVEPOINT attempt")
    try:
        for part in statement if isinstance(statement, tuple) else (statement,):
            db.execute(part)
    except sqlite3.IntegrityError as error:
        return str(error)
    finally:
        db.execute("ROLLBACK TO attempt")
        db.execute("RELEASE attempt")
    return None


@pytest.fixture(scope="module")
def world_image(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "world.db"
    made = shell(path, SCHEMA_SQL)
    assert (made.returncode, made.stdout, made.stderr) == (0, "wal\n", "")
    filled = shell(path, WORLD)
    assert (filled.returncode, filled.stderr) == (0, "")
    return path.read_bytes()


@pytest.fixture
def world(world_image, tmp_path):
    path = tmp_path / "sticky.db"
    path.write_bytes(world_image)
    db = connect(path)
    yield db
    db.close()


@pytest.fixture(scope="module")
def rows_world(world_image, tmp_path_factory):
    """One file for all the rows that leave it as it was."""
    path = tmp_path_factory.mktemp("rows") / "sticky.db"
    path.write_bytes(world_image)
    db = connect(path)
    yield db
    db.close()


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "empty.db"
    shell(path, SCHEMA_SQL)
    return path


# --- What is refused ----------------------------------------------------------------------------
# Rows of (statement, words of the error, a legal statement right beside it).

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


def zone_named(name):
    return f"INSERT INTO zone (name) VALUES ({name})"


def record_named(name):
    return f"INSERT INTO record (zone_id, name, type, content) VALUES (3, {name}, 'TXT', '\"x\"')"


def balanced(name):
    return f"INSERT INTO balanced_name (name, pool_id) VALUES ({name}, 1)"


def record(columns, values, name="'new.example.com'"):
    return (f"INSERT INTO record (zone_id, name, {columns}) VALUES (1, {name}, {values})")


def typed(text):
    return record("type, content", f"'{text}', 'x'")


def containing(expression):
    return record("type, content", f"'TXT', {expression}")


def put(table, **columns):
    return f"UPDATE {table} SET " + ", ".join(f"{k} = {v}" for k, v in columns.items())


def ranged(statement, words, low, high):
    """Both ends of a range: statement holds @ where the number goes."""
    return [(statement.replace("@", str(low - 1)), words, statement.replace("@", str(low))),
            (statement.replace("@", str(high + 1)), words, statement.replace("@", str(high)))]


def server(columns, values):
    return ("INSERT INTO virtual_server (pool_id, controller_id, position, "
            f"{columns}) VALUES (1, 1, 9, {values})")


def metric(table, name, value, measured_at=0):
    return (f"INSERT INTO {table}_metric ({table}_id, name, value, measured_at) "
            f"VALUES (2, {name}, {value}, {measured_at})")


def metric_rows(table):
    word = f"{table}_metric.name is a word of 1 to 32 small letters, digits, _ and -"
    return [
        (metric(table, "''", 1), word, metric(table, "'x'", 1)),
        (metric(table, f"'{'x' * 33}'", 1), word, metric(table, f"'{'x' * 32}'", 1)),
        (metric(table, "'Load'", 1), word, metric(table, "'load-1_5'", 1)),
        (metric(table, "'availability'", 0.5), "the metric availability is 0 or 1",
         metric(table, "'availability'", 0)),
        (metric(table, "'availability'", 2), "the metric availability is 0 or 1",
         metric(table, "'load'", 2)),
        (metric(table, "'rtt'", -0.1), "the metric rtt is 0 or more milliseconds",
         f"UPDATE {table}_metric SET value = 0 WHERE name = 'rtt'"),
        (f"UPDATE {table}_metric SET value = -1 WHERE name = 'rtt'",
         "the metric rtt is 0 or more milliseconds", metric(table, "'rtt2'", -1)),
        *ranged(metric(table, "'x'", 1, "@"),
                f"{table}_metric.measured_at is Unix seconds, 0 to 253402300799", 0, 253402300799),
    ]


def group(cidr, name="office"):
    return f"INSERT INTO ldns_group (cidr, name) VALUES ('{cidr}', '{name}')"


def mapping(ldns="'192.0.2.99'", method="'modulus'", timestamp=1000, ttl=3600):
    return ("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) "
            f"VALUES (1, {ldns}, 1, {method}, {timestamp}, {ttl})")


def monitor(name="'new'", type="'http'", **columns):
    columns = {"name": name, "type": type, **columns}
    return f"INSERT INTO monitor ({', '.join(columns)}) VALUES ({', '.join(columns.values())})"


def topology(column, value, preference=10, controller=1):
    return (f"INSERT INTO topology ({column}, controller_id, preference) "
            f"VALUES ({value}, {controller}, {preference})")


def path(network, rtt=1, measured_at=0):
    return ("INSERT INTO path_metric (network, controller_id, rtt, measured_at) "
            f"VALUES ('{network}', 1, {rtt}, {measured_at})")


def verdict_rows(table, free_id):
    def verdict(state="'up'", reason="'ok'", since=1, checked_at=1, flaps=0):
        return (f"INSERT INTO {table}_verdict VALUES "
                f"({free_id}, {state}, {reason}, {since}, {checked_at}, {flaps})")

    word = f"{table}_verdict.reason is a word of 1 to 32 small letters and hyphens"
    return [
        (verdict("'unknown'"), f"{table}_verdict.state is one of up, down", verdict("'down'")),
        (verdict("'Up'"), f"{table}_verdict.state is one of up, down", verdict("'up'")),
        (verdict(reason="''"), word, verdict(reason="'x'")),
        (verdict(reason="'Timeout'"), word, verdict(reason="'timed-out'")),
        (verdict(reason=f"'{'x' * 33}'"), word, verdict(reason=f"'{'x' * 32}'")),
        *ranged(verdict(since="@"), f"{table}_verdict.since is Unix seconds, 0 to 253402300799",
                0, 253402300799),
        *ranged(verdict(checked_at="@"),
                f"{table}_verdict.checked_at is Unix seconds, 0 to 253402300799", 0, 253402300799),
        *ranged(verdict(flaps="@"), f"{table}_verdict.flaps is 0 or more", 0, 9)[:1],
    ]


def size_rows(column, kind, most, words):
    """The lengths of a text of a monitor."""
    def sized(text):
        return monitor(type=f"'{kind}'", **{column: text})

    return [(sized("''"), words, sized("'x'")),
            (sized(f"'{'x' * (most + 1)}'"), words, sized(f"'{'x' * most}'"))]


def kind_rows(column, value, words, wrong, right):
    """A column of a monitor that only some types have."""
    return [(monitor(type=f"'{kind}'", **{column: value}), words,
             monitor(type=f"'{right}'", **{column: value})) for kind in wrong.split()]


def id_rows(table, insert):
    return ranged(insert, f"{table}.id is 1 to 2147483647", 1, 2147483647)[1:] + [
        (insert.replace("@", "0"), f"{table}.id is 1 to 2147483647", insert.replace("@", "77"))]


SIZE_64, SIZE_65 = "x" * 64, "x" * 65
STATES = "is one of enabled, draining, disabled"
GROUP_CIDR = "ldns_group.cidr is a network or an address like 192.0.2.0/24 or 2001:db8::53"
GROUP_SLASH = "ldns_group.cidr ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
IPV4 = "virtual_server.ipv4 is an address like 192.0.2.80"
IPV6 = "virtual_server.ipv6 is an address like 2001:db8::80"
RECORD_TYPE = "record.type is 1 to 10 capitals, digits or hyphens, a letter first: A, MX, TYPE99"
ONE_LINE = "record.content is one line: no tab, carriage return, newline or NUL"
METHOD = "pool.method is a word of 1 to 32 small letters and hyphens: modulus"
MAPPING_METHOD = "persistence.method is a word of 1 to 32 small letters and hyphens"
ADDRESS = "controller.address is one word of 1 to 255 ASCII characters, or NULL"
NUMERIC = "controller.monitor_id needs a numeric controller.address: 192.0.2.1, 2001:db8::1"
ALTERNATE = "pool.alternate_method is a word of 1 to 32 small letters and hyphens, or NULL"
POOL_METRIC = "pool.metric is a word of 1 to 32 small letters, digits, _ and -, or NULL"
CHECK_ADDRESS = ("virtual_server.check_address is an address like 192.0.2.80 or 2001:db8::80,"
                 " or NULL")
MONITOR_TYPE = "monitor.type is one of tcp, http, https, icmp, dns, exec"
PATH_SIZE = "monitor.path has 1 to 1024 characters"
PATH_ASCII = "monitor.path is plain ASCII without spaces"
PATH_HTTP = "monitor.path begins with / for http and https: /health"
PATH_EXEC = "monitor.path names the program for exec, below a directory: no / in front, no .."
HOST_WORD = "monitor.host is one word of 1 to 255 ASCII characters, or NULL"
HOST_DNS = "monitor.host is the name to ask for, where the type is dns"
QUERY = "monitor.query is one of A, AAAA, NS, SOA, TXT, MX"
TOPOLOGY_CIDR = "topology.cidr is a network or an address like 192.0.2.0/24 or 2001:db8::53"
TOPOLOGY_SLASH = "topology.cidr ends in /0 to /32 for IPv4, /0 to /128 for IPv6, or has no slash"
CONTINENT = "topology.continent is one of AF, AN, AS, EU, NA, OC, SA"
ONE_OF_FOUR = "topology needs exactly one of cidr, country, continent, asn"
GEO_PATH = "geo_database.path is absolute, of 2 to 4095 characters: /var/lib/GeoIP/x.mmdb"
GEO_CONTROL = "geo_database.path has no control characters"
NETWORK = "path_metric.network is a network in small letters: 192.0.2.0/24, 2001:db8::/48"
NETWORK_BITS = "path_metric.network ends in /0 to /32 for IPv4, in /0 to /128 for IPv6"
NETWORK_ZEROS = "path_metric.network has no needless zeros: 192.0.2.0/24, not 192.000.002.000/24"
NETWORK_END = "path_metric.network is zero beyond its length: 192.0.2.0/24, not 192.0.2.1/24"


def exec_path(text):
    return monitor(type="'exec'", path=f"'{text}'")


def dns_host(text):
    return monitor(type="'dns'", host=text)


def checked_at(address):
    return put("controller", address=address, monitor_id=1)


def check_address(text):
    return put("virtual_server", check_address=f"'{text}'")


def geo(text):
    return f"INSERT INTO geo_database VALUES ({text})"


CHECK_ROWS = [
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
    ("INSERT INTO controller (name) VALUES ('a' || char(0))",
     "controller.name has no control characters",
     "INSERT INTO controller (name) VALUES ('a b')"),
    ("INSERT INTO controller (name) VALUES ('AMS')", "UNIQUE constraint failed: controller.name",
     "INSERT INTO controller (name) VALUES ('ams2')"),
    (put("controller", address="''"), ADDRESS, put("controller", address="NULL")),
    (put("controller", address="'a b'"), ADDRESS, put("controller", address="'lb.example.com'")),
    (put("controller", address=f"'{'x' * 256}'"), ADDRESS,
     put("controller", address=f"'{'x' * 255}'")),
    (put("controller", state="'down'"), f"controller.state {STATES}",
     put("controller", state="'draining'")),
    (put("controller", state="'Enabled'"), f"controller.state {STATES}",
     put("controller", state="'disabled'")),

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
    (put("pool", method="''"), METHOD, put("pool", method="'m'")),
    (put("pool", method="'Modulus'"), METHOD, put("pool", method="'round-robin'")),
    (put("pool", method="'a b'"), METHOD, put("pool", method="'a-b'")),
    (put("pool", method=f"'{'x' * 33}'"), METHOD, put("pool", method=f"'{'x' * 32}'")),
    *ranged(put("pool", ttl="@"), "pool.ttl is 0 to 2147483647 seconds", 0, 2147483647),
    *ranged(put("pool", persistence_ttl="@"),
            "pool.persistence_ttl is 0 to 2147483647 seconds, 0 to keep no mappings",
            0, 2147483647),
    (put("pool", persistence_timer="'slide'"),
     "pool.persistence_timer is one of fixed, sliding", put("pool", persistence_timer="'sliding'")),
    (put("pool", client="'EDNS'"), "pool.client is one of ldns, ecs", put("pool", client="'ecs'")),
    *ranged(put("pool", ipv4_prefix="@"), "pool.ipv4_prefix is 0 to 32", 0, 32),
    *ranged(put("pool", ipv6_prefix="@"), "pool.ipv6_prefix is 0 to 128", 0, 128),
    (put("pool", fallback="'all'"), "pool.fallback is one of any, none, servfail",
     put("pool", fallback="'none'")),
    (put("pool", fallback="''"), "pool.fallback is one of any, none, servfail",
     put("pool", fallback="'servfail'")),

    *id_rows("virtual_server", "INSERT INTO virtual_server (id, pool_id, controller_id, position, "
             "ipv4) VALUES (@, 1, 1, 9, '192.0.2.9')"),
    *ranged("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
            "VALUES (4, 1, @, '192.0.2.9')", "virtual_server.position is 1 or more", 1, 9)[:1],
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (1, 2, 1, '192.0.2.9')",
     "UNIQUE constraint failed: virtual_server.pool_id, virtual_server.position",
     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (2, 2, 2, '192.0.2.9')"),
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
    (server("ipv4, state", "'192.0.2.9', 'off'"), f"virtual_server.state {STATES}",
     server("ipv4, state", "'192.0.2.9', 'draining'")),
    (server("port", "443"), "virtual_server needs ipv4 or ipv6, or both",
     server("ipv4, ipv6", "'192.0.2.9', '::9'")),

    *name_rows("balanced_name", balanced, balanced),
    (balanced("'WWW.example.com'"), "UNIQUE constraint failed: balanced_name.name",
     balanced("'*.example.com'")),

    *metric_rows("controller"),
    *metric_rows("virtual_server"),
    (metric("controller", "'x'", "NULL"), "NOT NULL constraint failed: controller_metric.value",
     metric("controller", "'x'", "-3")),

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

    (checked_at("NULL"), NUMERIC, checked_at("'192.0.2.1'")),
    (checked_at("'lb.example.com'"), NUMERIC, checked_at("'2001:DB8::1'")),
    (checked_at("'192.0.2'"), NUMERIC, checked_at("'::'")),
    (checked_at("'192.0.2.1.1'"), NUMERIC, checked_at("'::ffff:192.0.2.1'")),
    (checked_at("'1.2.3.a'"), NUMERIC, checked_at("'1.2.3.4'")),
    (checked_at("'fe80::1%eth0'"), NUMERIC, checked_at("'fe80::1'")),
    (checked_at("'2001:db8'"), NUMERIC, put("controller", address="'2001:db8'", monitor_id="NULL")),
    (put("pool", alternate_method="''"), ALTERNATE, put("pool", alternate_method="NULL")),
    (put("pool", alternate_method="'Rtt'"), ALTERNATE, put("pool", alternate_method="'rtt'")),
    (put("pool", alternate_method=f"'{'x' * 33}'"), ALTERNATE,
     put("pool", alternate_method=f"'{'x' * 32}'")),
    (put("pool", metric="''"), POOL_METRIC, put("pool", metric="NULL")),
    (put("pool", metric="'CPU'"), POOL_METRIC, put("pool", metric="'cpu_5-min'")),
    (put("pool", metric=f"'{'x' * 33}'"), POOL_METRIC, put("pool", metric=f"'{'x' * 32}'")),
    *ranged(put("pool", tolerance="@"), "pool.tolerance is 0 to 1000 percent", 0, 1000),
    (check_address(""), CHECK_ADDRESS, put("virtual_server", check_address="NULL")),
    (check_address("www.example.com"), CHECK_ADDRESS, check_address("10.0.0.80")),
    (check_address("192.0.2"), CHECK_ADDRESS, check_address("::")),
    (check_address("192.0.2.1.1"), CHECK_ADDRESS, check_address("::ffff:192.0.2.1")),
    (check_address("1.2.3.a"), CHECK_ADDRESS, check_address("2001:DB8::A")),
    (check_address("10.0.0.80:443"), CHECK_ADDRESS, check_address("fe80::1")),

    *id_rows("monitor", "INSERT INTO monitor (id, name, type) VALUES (@, 'new', 'tcp')"),
    (monitor(name="''"), "monitor.name has 1 to 64 characters", monitor(name="'x'")),
    (monitor(name=f"'{SIZE_65}'"), "monitor.name has 1 to 64 characters",
     monitor(name=f"'{SIZE_64}'")),
    (monitor(name="'a b'"), "monitor.name has no spaces or control characters",
     monitor(name="'a_b-ü'")),
    (monitor(name="'Web'"), "UNIQUE constraint failed: monitor.name", monitor(name="'web2'")),
    (monitor(type="'HTTP'"), MONITOR_TYPE, monitor(type="'https'")),
    (monitor(type="'ping'"), MONITOR_TYPE, monitor(type="'icmp'")),
    (monitor(type="''"), MONITOR_TYPE, monitor(type="'tcp'")),
    (monitor(type="NULL"), "NOT NULL constraint failed: monitor.type", monitor()),
    *ranged(monitor(port="@"), "monitor.port is 1 to 65535, or NULL", 1, 65535),
    *kind_rows("port", "7", "monitor.port is not for icmp: a ping has no port", "icmp", "tcp"),
    (monitor(path="''"), PATH_SIZE, monitor(path="'/'")),
    (monitor(path=f"'/{'x' * 1024}'"), PATH_SIZE, monitor(path=f"'/{'x' * 1023}'")),
    (monitor(path="'/a b'"), PATH_ASCII, monitor(path="'/a%20b'")),
    (monitor(path="'/ü'"), PATH_ASCII, monitor(path="'/?q=1'")),
    (monitor(path="'/' || char(10)"), PATH_ASCII, monitor(path="'/~'")),
    (monitor(path="'/' || char(0)"), PATH_ASCII, monitor(path="NULL")),
    *kind_rows("path", "'x'", "monitor.path is for http, https and exec", "tcp icmp", "exec"),
    (monitor(type="'dns'", host="'a'", path="'/x'"), "monitor.path is for http, https and exec",
     monitor(type="'https'", host="'a'", path="'/x'")),
    (monitor(path="'health'"), PATH_HTTP, monitor(path="'/health'")),
    (monitor(type="'https'", path="'http://x/'"), PATH_HTTP,
     monitor(type="'https'", path="'//x'")),
    (monitor(type="'exec'"), PATH_EXEC, exec_path("check")),
    (exec_path("/bin/true"), PATH_EXEC, exec_path("bin/true")),
    (exec_path(".."), PATH_EXEC, exec_path("...")),
    (exec_path("../check"), PATH_EXEC, exec_path("..check")),
    (exec_path("a/../b"), PATH_EXEC, exec_path("a/.b/c..")),
    (exec_path("a/.."), PATH_EXEC, exec_path("a/..b")),
    (monitor(host="''"), HOST_WORD, monitor(host="'x'")),
    (monitor(host="'a b'"), HOST_WORD, monitor(host="'www.example.com'")),
    (monitor(host="'a' || char(13, 10)"), HOST_WORD, monitor(host="NULL")),
    (monitor(host=f"'{'x' * 256}'"), HOST_WORD, monitor(host=f"'{'x' * 255}'")),
    *kind_rows("host", "'x'", "monitor.host is for http, https and dns", "tcp icmp", "https"),
    (monitor(type="'exec'", host="'x'", path="'x'"), "monitor.host is for http, https and dns",
     monitor(type="'exec'", path="'x'")),
    (dns_host("NULL"), HOST_DNS, dns_host("'www.example.com'")),
    (monitor(type="'dns'"), HOST_DNS, dns_host("'.'")),
    (monitor(type="'dns'", host="'x'", query="'a'"), QUERY,
     monitor(type="'dns'", host="'x'", query="'AAAA'")),
    (monitor(type="'dns'", host="'x'", query="'ANY'"), QUERY,
     monitor(type="'dns'", host="'x'", query="'SOA'")),
    *ranged(monitor(status_min="@", status_max="599"), "monitor.status_min is 100 to 599",
            100, 599),
    *ranged(monitor(status_min="100", status_max="@"), "monitor.status_max is 100 to 599",
            100, 599)[1:],
    (monitor(status_max="99"), "monitor.status_max is 100 to 599", monitor(status_max="200")),
    (monitor(status_min="301", status_max="300"),
     "monitor.status_max is not below status_min", monitor(status_min="300", status_max="300")),
    *size_rows("body", "https", 1024, "monitor.body has 1 to 1024 characters, or is NULL"),
    (monitor(body="'a' || char(0)"), "monitor.body has 1 to 1024 characters, or is NULL",
     monitor(body="'a' || char(10)")),
    *kind_rows("body", "'x'", "monitor.body is for http and https", "tcp icmp", "http"),
    *size_rows("send", "tcp", 1024, "monitor.send has 1 to 1024 characters, or is NULL"),
    (monitor(type="'tcp'", send="char(0)"), "monitor.send has 1 to 1024 characters, or is NULL",
     monitor(type="'tcp'", send="'PING' || char(13)")),
    *kind_rows("send", "'x'", "monitor.send is for tcp", "http https icmp", "tcp"),
    *size_rows("expect", "tcp", 1024, "monitor.expect has 1 to 1024 characters, or is NULL"),
    (monitor(type="'tcp'", expect="char(0)"),
     "monitor.expect has 1 to 1024 characters, or is NULL",
     monitor(type="'tcp'", expect="'^220 '")),
    *kind_rows("expect", "'x'", "monitor.expect is for tcp", "http https icmp", "tcp"),
    *ranged(monitor(verify="@"), "monitor.verify is 0 or 1", 0, 1),
    *ranged(monitor(timeout="1", interval="@"), "monitor.interval is 1 to 3600 seconds", 1, 3600),
    *ranged(monitor(interval="60", timeout="@"), "monitor.timeout is 1 to 60 seconds", 1, 60)[:1],
    (monitor(interval="61", timeout="61"), "monitor.timeout is 1 to 60 seconds",
     monitor(interval="61", timeout="60")),
    (monitor(interval="2"), "monitor.timeout is not longer than the interval",
     monitor(interval="3")),
    *ranged(monitor(rise="@"), "monitor.rise is 1 to 100 checks", 1, 100),
    *ranged(monitor(fall="@"), "monitor.fall is 1 to 100 checks", 1, 100),

    *verdict_rows("controller", 2),
    *verdict_rows("virtual_server", 3),
    ("INSERT INTO controller_verdict VALUES (1, 'up', 'ok', 1, 1, 0)",
     "UNIQUE constraint failed: controller_verdict.controller_id",
     "INSERT INTO controller_verdict VALUES (2, 'up', 'ok', 1, 1, 0)"),

    (topology("cidr", "''"), TOPOLOGY_CIDR, topology("cidr", "'::'")),
    (topology("cidr", "'DE'"), TOPOLOGY_CIDR, topology("country", "'DE'")),
    (topology("cidr", "'10.1/16'"), TOPOLOGY_CIDR, topology("cidr", "'10.1.0.0/16'")),
    (topology("cidr", "'192.0.2.a/24'"), TOPOLOGY_CIDR, topology("cidr", "'2001:db8::a/64'")),
    (topology("cidr", "'192.0.2.0.0/24'"), TOPOLOGY_CIDR, topology("cidr", "'192.0.2.53'")),
    (topology("cidr", "'192.0.2.0/33'"), TOPOLOGY_SLASH, topology("cidr", "'192.0.2.0/32'")),
    (topology("cidr", "'2001:db8::/129'"), TOPOLOGY_SLASH, topology("cidr", "'2001:db8::/128'")),
    (topology("cidr", "'192.0.2.0/'"), TOPOLOGY_SLASH, topology("cidr", "'0.0.0.0/0'")),
    (topology("country", "'de'"), "topology.country is two capitals: DE",
     topology("country", "'NL'")),
    (topology("country", "'DEU'"), "topology.country is two capitals: DE",
     topology("country", "'XK'")),
    (topology("continent", "'DE'"), CONTINENT, topology("continent", "'AN'")),
    (topology("continent", "'eu'"), CONTINENT, topology("continent", "'EU'")),
    *ranged(topology("asn", "@"), "topology.asn is 1 to 4294967295", 1, 4294967295),
    *ranged(topology("asn", "7", "@"), "topology.preference is 0 to 65535", 0, 65535),
    ("INSERT INTO topology (controller_id) VALUES (1)", ONE_OF_FOUR, topology("asn", "1")),
    ("INSERT INTO topology (country, asn, controller_id) VALUES ('NL', 1, 1)", ONE_OF_FOUR,
     "INSERT INTO topology (country, asn, controller_id) VALUES ('NL', NULL, 1)"),
    (topology("cidr", "'192.0.2.0/24'"),
     "UNIQUE constraint failed: topology.cidr, topology.controller_id",
     topology("cidr", "'192.0.2.0/24'", controller=2)),
    (topology("cidr", "'2001:DB8::/32'", controller=3),
     "UNIQUE constraint failed: topology.cidr, topology.controller_id",
     topology("cidr", "'2001:DB8::/33'", controller=3)),
    (topology("country", "'DE'", controller=2),
     "UNIQUE constraint failed: topology.country, topology.controller_id",
     topology("country", "'EU'", controller=2)),
    (topology("continent", "'EU'", controller=2),
     "UNIQUE constraint failed: topology.continent, topology.controller_id",
     topology("continent", "'AS'", controller=2)),
    (topology("asn", "64500", controller=3),
     "UNIQUE constraint failed: topology.asn, topology.controller_id",
     topology("asn", "64500", controller=2)),

    (geo("'/'"), GEO_PATH, geo("'/x'")),
    (geo("'GeoIP/x.mmdb'"), GEO_PATH, geo("'/GeoIP/x y.mmdb'")),
    (geo(f"'/{'x' * 4095}'"), GEO_PATH, geo(f"'/{'x' * 4094}'")),
    (geo("'/x' || char(10)"), GEO_CONTROL, geo("'/ü'")),
    (geo("'/x' || char(0)"), GEO_CONTROL, geo("'/x'")),
    (geo("'/var/lib/GeoIP/country.mmdb'"), "UNIQUE constraint failed: geo_database.path",
     geo("'/var/lib/GeoIP/asn.mmdb'")),

    (path("192.0.3.0"), NETWORK, path("192.0.3.0/24")),
    (path("192.0.2/24"), NETWORK, path("192.0.3.53/32")),
    (path("2001:DB8::/48"), NETWORK, path("2001:db8::/48")),
    (path("192.0.3.a/24"), NETWORK, path("::/0")),
    (path(".../24"), NETWORK, path("0.0.0.0/0")),
    (path("1.2.3.4.0/24"), NETWORK, path("2001:db8::53/128")),
    (path("192.0.3.0/"), NETWORK_BITS, path("192.0.3.0/25")),
    (path("192.0.3.0/33"), NETWORK_BITS, path("192.0.3.0/32")),
    (path("2001:db8::/129"), NETWORK_BITS, path("2001:db8::/128")),
    (path("10.0.0.0/8/9"), NETWORK_BITS, path("10.0.0.0/8")),
    (path("192.0.03.0/24"), NETWORK_ZEROS, path("192.0.30.0/24")),
    (path("192.0.3.0/08"), NETWORK_ZEROS, path("192.0.0.0/16")),
    (path("2001:0db8::/48"), NETWORK_ZEROS, path("2001:db80::/48")),
    (path("01.0.0.0/8"), NETWORK_ZEROS, path("1.0.0.0/8")),
    (path("2001:db8::0/48"), NETWORK_ZEROS, path("2001:db8:0:1::/64")),
    (path("192.0.3.1/24"), NETWORK_END, path("192.0.3.128/25")),
    (path("192.0.3.0/16"), NETWORK_END, path("192.1.0.0/17")),
    (path("10.1.0.0/8"), NETWORK_END, path("128.0.0.0/1")),
    (path("10.0.0.0/0"), NETWORK_END, path("10.0.0.0/9")),
    (path("2001:db8::1/48"), NETWORK_END, path("2001:db8::1/128")),
    (path("2001:db8::1/64"), NETWORK_END, path("2001:db8:0:0:1::/80")),
    (path("::1/9"), NETWORK_END, path("8000::/1")),
    (path("10.2.0.0/16", -0.1), "path_metric.rtt is 0 or more milliseconds",
     path("10.2.0.0/16", 0)),
    *ranged(path("10.2.0.0/16", 1, "@"),
            "path_metric.measured_at is Unix seconds, 0 to 253402300799", 0, 253402300799),
    (path("192.0.2.0/24"),
     "UNIQUE constraint failed: path_metric.network, path_metric.controller_id",
     path("192.0.2.0/25")),

    (mapping(ldns="''"), "persistence.ldns has 1 to 128 characters", mapping(ldns="'::1'")),
    (mapping(ldns=f"'{'x' * 129}'"), "persistence.ldns has 1 to 128 characters",
     mapping(ldns=f"'{'x' * 128}'")),
    (mapping(method="''"), MAPPING_METHOD, mapping(method="'m'")),
    (mapping(method="'M'"), MAPPING_METHOD, mapping(method="'round-robin'")),
    *ranged(mapping(timestamp="@"), "persistence.timestamp is Unix seconds, 0 to 253402300799",
            0, 253402300799),
    *ranged(mapping(ttl="@"), "persistence.ttl is 0 to 2147483647 seconds", 0, 2147483647),
    (mapping(ldns="'192.0.2.53'"),
     "UNIQUE constraint failed: persistence.pool_id, persistence.ldns", mapping()),

    ("INSERT INTO revision VALUES (2, 1, 1, 1)", "revision has one row",
     "INSERT OR IGNORE INTO revision VALUES (1, 1, 1, 1)"),

    # STRICT: a column holds only what it is for.
    (put("pool", ttl="'soon'"), "cannot store TEXT value in INTEGER column pool.ttl",
     put("pool", ttl="'60'")),
    (put("pool", ttl="1.5"), "cannot store REAL value in INTEGER column pool.ttl",
     put("pool", ttl="60.0")),
    (put("pool", ttl="NULL"), "NOT NULL constraint failed: pool.ttl", put("pool", ttl="1")),
    (put("pool", method="x'00'"), "cannot store BLOB value in TEXT column pool.method",
     put("pool", method="'x'")),
]

NO_POOL = "pool_id names no pool: see table pool"
NO_CONTROLLER = "controller_id names no controller: see table controller"
NO_ZONE = "record.zone_id names no zone: see table zone"
OUTSIDE = "record.name lies outside its zone: write it in full, www.example.com"
NOT_BALANCED = "a balanced name has no A, AAAA or CNAME records: its pool answers them"
HAS_ADDRESS = "the name has A, AAAA or CNAME records: delete or disable them first"
ZONE_OUTSIDE = "the zone has records outside this name: delete or rename them first"
ZONE_REPLACED = "this would remove a zone that still has records: no REPLACE, but UPDATE"
CONTROLLER_REPLACED = "this would remove a controller that is in use: no REPLACE, but UPDATE"
POOL_REPLACED = "this would remove a pool that is in use: no REPLACE, but UPDATE"
ITSELF_FALLBACK = "pool.fallback_pool_id names the pool itself: NULL means no other pool"
ITSELF_SHARED = "pool.persistence_pool_id names the pool itself: NULL means its own mappings"
CIRCLE = "pool.fallback_pool_id leads back to this pool: fallbacks make no circle"
SHARES_A_THIRD = "pool.persistence_pool_id names a pool that shares a third's: name that one"
SHARED_ALREADY = "other pools share the mappings of this one, so it can't share another's"
NO_SERVER = "virtual_server_metric.virtual_server_id names no virtual server: see its id"
SETTING_NAME = ("setting.name is not one of those that SELECT name FROM setting shows"
                " in a new file")
CHECKPOINT = "the setting checkpoint_interval is 1 to 3600 seconds"
SWEEP = "the setting sweep_interval is 1 to 3600 seconds"
BATCH = "the setting sweep_batch is 10 to 100000 rows"
MEGABYTES = "the setting max_megabytes is 1 to 1048576"
WRITES = "the setting max_writes_per_second is 1 to 1000000"
METRIC_AGE = "the setting metric_max_age is 1 to 86400 seconds"
PATH_METRIC_AGE = "the setting path_metric_max_age is 1 to 31536000 seconds"
BRAKE = "the setting brake_percent is 0 to 100, 0 for no brake"
BRAKE_WINDOW = "the setting brake_window is 1 to 3600 seconds"
CHECKS = "the setting max_checks is 1 to 10000"
MONITOR_REPLACED = "this would remove a monitor that is in use: no REPLACE, but UPDATE"
NO_MONITOR = "monitor_id names no monitor: see table monitor"
CHECKED = "address = '192.0.2.1', monitor_id"


def pool(columns, values):
    return f"INSERT INTO pool (name, {columns}) VALUES ('new', {values})"


TRIGGER_ROWS = [
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
     "zone.id never changes: insert another zone and delete this one",
     "UPDATE zone SET id = 2 WHERE id = 2"),
    ("UPDATE zone SET rowid = 9 WHERE id = 2",
     "zone.id never changes: insert another zone and delete this one",
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
     "controller.id never changes: insert another controller and delete this one",
     "UPDATE controller SET id = id"),
    ("DELETE FROM controller WHERE id = 2",
     "the controller still has virtual servers: delete or move them first",
     "DELETE FROM controller WHERE id = 3"),

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
     "pool.id never changes: insert another pool and delete this one", "UPDATE pool SET id = id"),
    (pool("id, fallback_pool_id", "9, 9"), ITSELF_FALLBACK, pool("id, fallback_pool_id", "9, 2")),
    (put("pool", fallback_pool_id="id"), ITSELF_FALLBACK, put("pool", fallback_pool_id="NULL")),
    (pool("fallback_pool_id", "99"), "pool.fallback_pool_id names no pool: see table pool",
     pool("fallback_pool_id", "4")),
    ("UPDATE pool SET fallback_pool_id = 99 WHERE id = 1",
     "pool.fallback_pool_id names no pool: see table pool",
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
    (pool("persistence_pool_id", "99"), "pool.persistence_pool_id names no pool: see table pool",
     pool("persistence_pool_id", "4")),
    ("UPDATE pool SET persistence_pool_id = 99 WHERE id = 4",
     "pool.persistence_pool_id names no pool: see table pool",
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
     "another pool falls back to this one: change its fallback_pool_id first",
     "DELETE FROM pool WHERE id = 6"),
    (("UPDATE pool SET persistence_pool_id = 4 WHERE id = 3", "DELETE FROM pool WHERE id = 4"),
     "another pool shares the mappings of this one: end that first",
     "DELETE FROM pool WHERE id = 3"),

    # Virtual servers and metrics.
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (99, 1, 1, '192.0.2.9')", f"virtual_server.{NO_POOL}",
     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (4, 1, 1, '192.0.2.9')"),
    ("UPDATE virtual_server SET pool_id = 99 WHERE id = 3", f"virtual_server.{NO_POOL}",
     "UPDATE virtual_server SET pool_id = 4 WHERE id = 3"),
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (4, 99, 1, '192.0.2.9')", f"virtual_server.{NO_CONTROLLER}",
     "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (4, 3, 1, '192.0.2.9')"),
    ("UPDATE virtual_server SET controller_id = 99", f"virtual_server.{NO_CONTROLLER}",
     "UPDATE virtual_server SET controller_id = 3"),
    ("UPDATE virtual_server SET id = 9 WHERE id = 3",
     "virtual_server.id never changes: insert another one and delete this one",
     "UPDATE virtual_server SET id = id"),
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
     "monitor.id never changes: insert another monitor and delete this one",
     "UPDATE monitor SET id = id"),
    ("DELETE FROM monitor WHERE id = 1",
     "a pool still names the monitor: change its monitor_id first",
     "DELETE FROM monitor WHERE id = 3"),
    ("DELETE FROM monitor WHERE id = 2",
     "a virtual server still names the monitor: change its monitor_id first",
     ("UPDATE virtual_server SET monitor_id = NULL", "DELETE FROM monitor WHERE id = 2")),
    ((f"UPDATE controller SET {CHECKED} = 3", "DELETE FROM monitor WHERE id = 3"),
     "a controller still names the monitor: change its monitor_id first",
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
    ("INSERT INTO virtual_server_verdict VALUES (99, 'up', 'ok', 1, 1, 0)",
     "virtual_server_verdict.virtual_server_id names no virtual server: see its id",
     "INSERT INTO virtual_server_verdict VALUES (3, 'up', 'ok', 1, 1, 0)"),
    ("UPDATE virtual_server_verdict SET virtual_server_id = 99 WHERE virtual_server_id = 1",
     "virtual_server_verdict.virtual_server_id names no virtual server: see its id",
     "UPDATE virtual_server_verdict SET virtual_server_id = 3 WHERE virtual_server_id = 1"),
    (topology("asn", 1, controller=99), f"topology.{NO_CONTROLLER}", topology("asn", 1)),
    ("UPDATE topology SET controller_id = 99", f"topology.{NO_CONTROLLER}",
     "UPDATE topology SET controller_id = 3"),
    ("INSERT INTO path_metric (network, controller_id, rtt) VALUES ('::/0', 99, 1)",
     f"path_metric.{NO_CONTROLLER}",
     "INSERT INTO path_metric (network, controller_id, rtt) VALUES ('::/0', 2, 1)"),
    ("UPDATE path_metric SET controller_id = 99 WHERE controller_id = 1",
     f"path_metric.{NO_CONTROLLER}",
     "UPDATE path_metric SET controller_id = 2 WHERE controller_id = 1"),

    # Settings, by insert and by update.
    ("INSERT INTO setting VALUES ('sweep', 5)", SETTING_NAME,
     ("DELETE FROM setting", "INSERT INTO setting VALUES ('sweep_batch', 5000)")),
    ("UPDATE setting SET name = 'sweep' WHERE name = 'sweep_batch'", SETTING_NAME,
     "UPDATE setting SET value = 500 WHERE name = 'sweep_batch'"),
    *[row for name, words, low, high in (("checkpoint_interval", CHECKPOINT, 1, 3600),
                                         ("sweep_interval", SWEEP, 1, 3600),
                                         ("sweep_batch", BATCH, 10, 100000),
                                         ("max_megabytes", MEGABYTES, 1, 1048576),
                                         ("max_writes_per_second", WRITES, 1, 1000000),
                                         ("metric_max_age", METRIC_AGE, 1, 86400),
                                         ("path_metric_max_age", PATH_METRIC_AGE, 1, 31536000),
                                         ("brake_percent", BRAKE, 0, 100),
                                         ("brake_window", BRAKE_WINDOW, 1, 3600),
                                         ("max_checks", CHECKS, 1, 10000))
      for statement in (f"INSERT OR REPLACE INTO setting VALUES ('{name}', @)",
                        f"UPDATE setting SET value = @ WHERE name = '{name}'")
      for row in ranged(statement, words, low, high)],

    ("DELETE FROM revision",
     "the revision keeps its row: without it no process would see a change",
     "UPDATE revision SET configuration = configuration + 1"),
]

ROWS = CHECK_ROWS + TRIGGER_ROWS


@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, words, legal", ROWS)
def test_what_cannot_be_meant_is_refused_in_words_and_its_neighbour_passes(
        rows_world, statement, words, legal, foreign_keys):
    rows_world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    said = refusal(rows_world, statement)
    assert said is not None, "was accepted"
    if words.startswith(("UNIQUE", "NOT NULL", "cannot")):
        assert said == words
    else:
        assert said.removeprefix("CHECK constraint failed: ") == words
    assert refusal(rows_world, legal) is None


def test_a_refused_statement_leaves_every_row_and_the_revision_as_they_were(world):
    before = content(world)
    for statement, _, _ in ROWS:
        if isinstance(statement, str):
            with pytest.raises(sqlite3.IntegrityError):
                world.execute(statement)
    assert content(world) == before


def test_every_check_has_a_row_that_trips_it():
    of_tables = SCHEMA_SQL[SCHEMA_SQL.index("CREATE TABLE IF NOT EXISTS zone"):]
    declared = set(re.findall(r'CONSTRAINT\s+"([^"]+)"', of_tables))
    assert len(declared) > 40
    assert declared <= {words for _, words, _ in CHECK_ROWS}


def refusing_triggers():
    """All pairs (trigger, words) of the schema."""
    triggers = re.findall(r"CREATE TRIGGER IF NOT EXISTS (\w+)(.*?)\nEND;", SCHEMA_SQL, re.DOTALL)
    return [(name, words.replace("''", "'")) for name, body in triggers
            for words in re.findall(r"RAISE\(ABORT,\s*'((?:[^']|'')+)'\)", body)]


@pytest.mark.parametrize("trigger, words", refusing_triggers())
def test_every_refusal_of_every_trigger_has_a_row_that_passes_without_it(
        rows_world, trigger, words):
    rows_world.execute("PRAGMA foreign_keys = 0")
    rows = [statement for statement, said, _ in TRIGGER_ROWS if said == words]
    rows_world.execute("BEGIN")
    try:
        rows_world.execute(f"DROP TRIGGER {trigger}")
        assert any(refusal(rows_world, statement) != words for statement in rows)
    finally:
        rows_world.execute("ROLLBACK")


# --- What follows by itself ---------------------------------------------------------------------

def count(db, table, condition="1"):
    return db.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0]


@pytest.mark.parametrize("foreign_keys", (0, 1))
def test_deleting_a_pool_deletes_its_mappings_and_no_others(world, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    world.execute("DELETE FROM pool WHERE id = 4")
    assert (count(world, "persistence", "pool_id = 4"), count(world, "persistence")) == (0, 2)


OF_CONTROLLERS = ("persistence", "controller_metric", "controller_verdict", "topology",
                  "path_metric")


@pytest.mark.parametrize("foreign_keys", (0, 1))
def test_deleting_a_controller_deletes_its_mappings_and_all_that_was_measured(world, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    world.execute("DELETE FROM controller WHERE id = 3")
    assert [count(world, table) for table in OF_CONTROLLERS] == [2, 2, 1, 3, 1]
    assert [count(world, table, "controller_id = 3") for table in OF_CONTROLLERS] == [0] * 5


@pytest.mark.parametrize("foreign_keys", (0, 1))
def test_deleting_a_virtual_server_deletes_its_metrics_and_its_verdict(world, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    world.execute("DELETE FROM virtual_server WHERE id = 1")
    for table in ("virtual_server_metric", "virtual_server_verdict"):
        assert world.execute(f"SELECT virtual_server_id FROM {table}").fetchall() == [(2,)]


REPLACED_SERVER = ("INSERT OR REPLACE INTO virtual_server (pool_id, controller_id, position, ipv4) "
                   "VALUES (1, 1, 1, '192.0.2.9')")


@pytest.mark.parametrize("statement, table, left", (
    *[(statement, table, 1)
      for statement in (REPLACED_SERVER,
                        "UPDATE OR REPLACE virtual_server SET position = 1 WHERE id = 2")
      for table in ("virtual_server_metric", "virtual_server_verdict")],
    *[(statement, table, left)
      for statement in ("INSERT OR REPLACE INTO controller (name) VALUES ('idle')",
                        "UPDATE OR REPLACE controller SET name = 'idle' WHERE id = 2")
      for table, left in (("controller_metric", 2), ("controller_verdict", 1), ("topology", 3),
                          ("path_metric", 1))],
))
def test_replacing_a_row_deletes_what_was_measured_of_the_old_one(world, statement, table, left):
    world.execute(statement)
    assert count(world, table) == left


@pytest.mark.parametrize("table, columns, values", (
    ("zone", "name", "'new.example'"),
    ("controller", "name", "'new'"),
    ("pool", "name", "'new'"),
    ("virtual_server", "pool_id, controller_id, position, ipv4", "4, 3, 1, '192.0.2.9'"),
    ("monitor", "name, type", "'new', 'tcp'"),
))
def test_an_id_is_not_handed_out_again_after_its_row_is_gone(world, table, columns, values):
    insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"
    first = world.execute(insert).lastrowid
    world.execute(f"DELETE FROM {table} WHERE id = ?", (first,))
    assert world.execute(insert).lastrowid == first + 1


@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, question, answer", (
    ("INSERT INTO pool (name, ttl) VALUES ('WEB', 7) "
     "ON CONFLICT (name) DO UPDATE SET ttl = excluded.ttl",
     "SELECT id, name, ttl FROM pool WHERE name = 'web'", (1, "web", 7)),
    ("INSERT INTO controller (name, state) VALUES ('ams', 'draining') "
     "ON CONFLICT (name) DO UPDATE SET state = excluded.state",
     "SELECT id, state FROM controller WHERE name = 'ams'", (1, "draining")),
    ("INSERT INTO zone (name) VALUES ('example.com') "
     "ON CONFLICT (name) DO UPDATE SET name = excluded.name",
     "SELECT id FROM zone WHERE name = 'example.com'", (1,)),
    ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
     "VALUES (1, 1, 1, '192.0.2.9') "
     "ON CONFLICT (pool_id, position) DO UPDATE SET ipv4 = excluded.ipv4",
     "SELECT id, ipv4 FROM virtual_server WHERE pool_id = 1 AND position = 1", (1, "192.0.2.9")),
    ("INSERT INTO balanced_name VALUES ('www.example.com', 4) "
     "ON CONFLICT (name) DO UPDATE SET pool_id = excluded.pool_id",
     "SELECT pool_id FROM balanced_name", (4,)),
    ("INSERT INTO setting VALUES ('sweep_batch', 50) "
     "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
     "SELECT value FROM setting WHERE name = 'sweep_batch'", (50,)),
    ("INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'availability', 0) "
     "ON CONFLICT (controller_id, name) DO UPDATE SET value = excluded.value",
     "SELECT value FROM controller_metric WHERE controller_id = 1 AND name = 'availability'",
     (0.0,)),
    ("INSERT INTO monitor (name, type) VALUES ('WEB', 'https') "
     "ON CONFLICT (name) DO UPDATE SET type = excluded.type",
     "SELECT id, type FROM monitor WHERE name = 'web'", (1, "https")),
    ("INSERT INTO virtual_server_verdict VALUES (1, 'down', 'refused', 2000, 2000, 1) "
     "ON CONFLICT (virtual_server_id) DO UPDATE SET state = excluded.state",
     "SELECT state, reason FROM virtual_server_verdict WHERE virtual_server_id = 1",
     ("down", "ok")),
    ("INSERT INTO topology (country, controller_id, preference) VALUES ('DE', 2, 5) "
     "ON CONFLICT (country, controller_id) WHERE country IS NOT NULL "
     "DO UPDATE SET preference = excluded.preference",
     "SELECT id, preference FROM topology WHERE country = 'DE'", (3, 5)),
    ("INSERT INTO path_metric (network, controller_id, rtt) VALUES ('192.0.2.0/24', 1, 12.5) "
     "ON CONFLICT (network, controller_id) "
     "DO UPDATE SET rtt = excluded.rtt, measured_at = excluded.measured_at",
     "SELECT rtt, bits, ipv6 FROM path_metric WHERE controller_id = 1", (12.5, 24, 0)),
    ("INSERT INTO persistence VALUES (1, '192.0.2.53', 2, 'modulus', 2000, 60) "
     "ON CONFLICT (pool_id, ldns) DO UPDATE SET controller_id = excluded.controller_id",
     "SELECT controller_id, timestamp FROM persistence WHERE pool_id = 1 AND ldns = '192.0.2.53'",
     (2, 1000)),
))
def test_an_upsert_changes_the_row_and_keeps_its_id(
        world, statement, question, answer, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    world.execute(statement)
    assert world.execute(question).fetchone() == answer


# --- The revision -------------------------------------------------------------------------------

AVAILABILITY = "VALUES (2, 'availability', 0)"

REVISION_ROWS = [
    ("INSERT INTO zone (name) VALUES ('new.example')", 1, 0),
    ("UPDATE zone SET name = 'full.example' WHERE id = 2", 1, 0),
    ("DELETE FROM zone WHERE id = 2", 1, 0),
    (record("type, content", "'TXT', 'x'"), 1, 0),
    ("UPDATE record SET ttl = 60 WHERE id = 1", 1, 0),
    ("DELETE FROM record WHERE id IN (1, 2)", 2, 0),
    ("INSERT INTO controller (name) VALUES ('new')", 1, 0),
    ("UPDATE controller SET state = 'draining' WHERE id = 1", 1, 0),
    ("DELETE FROM controller WHERE id = 3", 1, 0, 2),  # two rows of topology go with it
    ("INSERT INTO pool (name) VALUES ('new')", 1, 0),
    ("INSERT OR REPLACE INTO pool (name) VALUES ('spare')", 1, 0),
    ("UPDATE pool SET ttl = 5", 6, 0),
    ("DELETE FROM pool WHERE id = 4", 1, 0),
    (server("ipv4", "'192.0.2.9'"), 1, 0),
    ("UPDATE virtual_server SET weight = 2 WHERE id = 1", 1, 0),
    ("DELETE FROM virtual_server WHERE id = 2", 1, 0),
    ("DELETE FROM virtual_server WHERE id = 1", 1, 1),  # its availability goes with it
    (balanced("'new.example.com'"), 1, 0),
    ("UPDATE balanced_name SET pool_id = 4", 1, 0),
    ("DELETE FROM balanced_name", 1, 0),
    (group("10.2.0.0/16"), 1, 0),
    ("UPDATE ldns_group SET name = 'home'", 1, 0),
    ("DELETE FROM ldns_group", 1, 0),
    (monitor(), 1, 0),
    ("UPDATE monitor SET interval = 5", 3, 0),
    ("DELETE FROM monitor WHERE id = 3", 1, 0),
    ("UPDATE pool SET monitor_id = NULL WHERE id = 1", 1, 0),
    ("UPDATE virtual_server SET check_address = '::1' WHERE id = 1", 1, 0),
    ("INSERT OR REPLACE INTO setting VALUES ('sweep_batch', 50)", 1, 0),
    ("UPDATE setting SET value = 50 WHERE name = 'sweep_batch'", 1, 0),
    ("DELETE FROM setting WHERE name = 'sweep_batch'", 1, 0),

    ("INSERT INTO controller_metric (controller_id, name, value) " + AVAILABILITY, 0, 1),
    ("UPDATE controller_metric SET value = 0 WHERE name = 'availability'", 0, 1),
    ("UPDATE controller_metric SET value = 1, measured_at = 9 WHERE name = 'availability'", 0, 0),
    ("UPDATE controller_metric SET controller_id = 2 WHERE name = 'availability'", 0, 1),
    ("UPDATE controller_metric SET name = 'was-up' WHERE name = 'availability'", 0, 1),
    ("UPDATE controller_metric SET name = 'availability', value = 1 WHERE controller_id = 3", 0, 1),
    ("DELETE FROM controller_metric WHERE name = 'availability'", 0, 1),
    ("INSERT INTO controller_metric (controller_id, name, value) VALUES (2, 'rtt', 1)", 0, 0),
    ("UPDATE controller_metric SET value = 7 WHERE name = 'rtt'", 0, 0),
    ("DELETE FROM controller_metric WHERE name = 'rtt'", 0, 0),

    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) " + AVAILABILITY, 0, 1),
    ("UPDATE virtual_server_metric SET value = 0 WHERE name = 'availability'", 0, 1),
    ("UPDATE virtual_server_metric SET measured_at = 9 WHERE name = 'availability'", 0, 0),
    ("UPDATE virtual_server_metric SET virtual_server_id = 3 WHERE name = 'availability'", 0, 1),
    ("DELETE FROM virtual_server_metric WHERE name = 'availability'", 0, 1),
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (1, 'rtt', 1)",
     0, 0),
    ("UPDATE virtual_server_metric SET value = 7 WHERE name = 'rtt'", 0, 0),
    ("DELETE FROM virtual_server_metric WHERE name = 'rtt'", 0, 0),

    (topology("asn", 1), 0, 0, 1),
    ("UPDATE topology SET preference = 5", 0, 0, 5),
    ("DELETE FROM topology WHERE id = 1", 0, 0, 1),
    (geo("'/x'"), 0, 0, 1),
    ("UPDATE geo_database SET path = '/y'", 0, 0, 1),
    ("DELETE FROM geo_database", 0, 0, 1),

    ("INSERT INTO controller_verdict VALUES (2, 'up', 'ok', 1, 1, 0)", 0, 0),
    ("UPDATE virtual_server_verdict SET state = 'down', checked_at = 9", 0, 0),
    ("DELETE FROM virtual_server_verdict", 0, 0),
    (path("10.2.0.0/16"), 0, 0),
    ("UPDATE path_metric SET rtt = 5", 0, 0),
    ("DELETE FROM path_metric", 0, 0),

    (mapping(), 0, 0),
    ("UPDATE persistence SET timestamp = 2000", 0, 0),
    ("DELETE FROM persistence", 0, 0),
]


@pytest.mark.parametrize("statement, moves", [(row[0], (*row[1:], 0)[:3]) for row in REVISION_ROWS])
def test_the_revision_moves_with_what_a_process_must_read_again(world, statement, moves):
    before = revision(world)
    world.execute(statement)
    assert tuple(b - a for a, b in zip(before, revision(world))) == moves


def test_a_rollback_leaves_the_revision(world):
    before = revision(world)
    world.execute("BEGIN IMMEDIATE")
    world.execute("UPDATE pool SET ttl = 5")
    world.execute("DELETE FROM controller_metric")
    assert revision(world) != before
    world.execute("ROLLBACK")
    assert revision(world) == before


@pytest.mark.parametrize("counter, tables", (("configuration", CONFIGURATION_TABLES),
                                             ("topology", TOPOLOGY_TABLES)))
def test_every_table_of_a_counter_counts_its_inserts_updates_and_deletes(world, counter, tables):
    counting = {name for (name,) in world.execute(
        "SELECT name FROM sqlite_schema "
        f"WHERE type = 'trigger' AND sql LIKE '%UPDATE revision SET {counter}%'")}
    assert counting == {f"revision_{table}_{event}" for table in tables
                        for event in ("insert", "update", "delete")}


def test_nothing_hangs_on_the_table_that_questions_write(world):
    assert world.execute("SELECT type FROM sqlite_schema "
                         "WHERE tbl_name = 'persistence' AND type <> 'table'").fetchall() == []


# --- The views ----------------------------------------------------------------------------------

def show(db, ldns="192.0.2.60", columns="live"):
    db.row_factory = sqlite3.Row
    try:
        return tuple(db.execute(f"SELECT {columns} FROM mapping WHERE pool = 'web' AND ldns = ?",
                                (ldns,)).fetchone())
    finally:
        db.row_factory = None


@pytest.fixture
def live(world):
    world.execute("INSERT INTO persistence VALUES (1, '192.0.2.60', 1, 'modulus', "
                  "unixepoch() - 60, 3600)")
    return world


DOWN = "UPDATE controller_metric SET value = 0 WHERE controller_id = 1 AND name = 'availability'"
SERVER_DOWN = "UPDATE virtual_server_metric SET value = 0 WHERE name = 'availability'"
SECOND = ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
          "VALUES (1, 1, 7, '192.0.2.87')")
GONE = "UPDATE persistence SET controller_id = 99 WHERE ldns = '192.0.2.60'"
DISABLED = "UPDATE controller SET state = 'disabled' WHERE id = 1"
NO_SERVERS = "UPDATE virtual_server SET state = 'disabled' WHERE id = 1"
NEW_METHOD = "UPDATE pool SET method = 'random' WHERE id = 1"
EXPIRED = "UPDATE persistence SET ttl = 60 WHERE ldns = '192.0.2.60'"


@pytest.mark.parametrize("why, statements", (
    ("yes", ()),
    ("yes", ("UPDATE persistence SET ttl = 62 WHERE ldns = '192.0.2.60'",)),
    ("yes", ("UPDATE controller SET state = 'draining'",)),
    ("yes", ("UPDATE virtual_server SET state = 'draining'",)),
    ("yes", ("DELETE FROM controller_metric", "DELETE FROM virtual_server_metric")),
    ("yes", (SERVER_DOWN, SECOND)),
    ("yes", (NO_SERVERS, SECOND)),
    ("yes", ("UPDATE virtual_server SET state = 'disabled' WHERE id IN (2, 3)",)),
    ("expired", (EXPIRED,)),
    ("method changed", (NEW_METHOD,)),
    ("controller gone", (GONE,)),
    ("controller disabled", (DISABLED,)),
    ("no server", (NO_SERVERS,)),
    ("no server", ("DELETE FROM virtual_server WHERE id = 1",)),
    ("no server", ("UPDATE virtual_server SET pool_id = 4 WHERE id = 1",)),
    ("server down", (DOWN,)),
    ("server down", (SERVER_DOWN,)),
    ("server down", (SERVER_DOWN, SECOND, "UPDATE virtual_server SET state = 'disabled' "
                                          "WHERE position = 7")),
    # Of several reasons the first one is named.
    ("expired", (EXPIRED, NEW_METHOD)),
    ("method changed", (NEW_METHOD, GONE)),
    ("method changed", (NEW_METHOD, DISABLED)),
    ("controller disabled", (DISABLED, NO_SERVERS)),
    ("no server", (NO_SERVERS, DOWN)),
))
def test_the_view_mapping_says_whether_a_mapping_is_live_or_why_not(live, why, statements):
    for statement in statements:
        live.execute(statement)
    assert show(live) == (why,)


@pytest.mark.parametrize("answer, statements", (
    ("192.0.2.80", ()),
    ("192.0.2.80 2001:db8::80", ("UPDATE virtual_server SET ipv6 = '2001:db8::80' WHERE id = 1",)),
    ("2001:db8::80",
     ("UPDATE virtual_server SET ipv4 = NULL, ipv6 = '2001:db8::80' WHERE id = 1",)),
    ("192.0.2.80 or 192.0.2.87", (SECOND,)),
    ("192.0.2.87 or 192.0.2.80", (SECOND, "UPDATE virtual_server SET position = 8 WHERE id = 1")),
    ("192.0.2.87", (SECOND, SERVER_DOWN)),
    ("192.0.2.87", (SECOND, NO_SERVERS)),
    ("192.0.2.80", (SERVER_DOWN,)),
    (None, (NO_SERVERS,)),
))
def test_the_view_mapping_shows_the_addresses_that_would_be_answered(live, answer, statements):
    for statement in statements:
        live.execute(statement)
    assert show(live, columns="answer") == (answer,)


def test_the_view_mapping_shows_times_as_text_in_utc_and_the_seconds_left(world):
    end = 1893456000  # 2030-01-01 00:00
    if time.time() > end - 3600:
        end += 10 * 365 * 86400
    world.execute("INSERT INTO persistence VALUES (1, 'x', 1, 'modulus', ?, ?)", (end - 90, 90))
    started = int(time.time())
    since, until, left = show(world, "x", "since, until, left_s")
    assert re.fullmatch(r"\d\d-\d\d \d\d:\d\d", since)
    assert (since, until) == (time.strftime("%m-%d %H:%M", time.gmtime(end - 90)),
                              time.strftime("%m-%d %H:%M", time.gmtime(end)))
    assert end - time.time() - 1 <= left <= end - started
    assert show(world, "192.0.2.53", "left_s") == (0,)


def test_the_view_mapping_bears_the_largest_timestamp_and_ttl(world):
    world.execute(mapping("'far'", timestamp=253402300799, ttl=2147483647))
    assert show(world, "far", "until, live") == ("12-31 23:59", "yes")


def test_a_delete_from_the_view_mapping_deletes_just_that_row(live):
    before = count(live, "persistence")
    live.execute("DELETE FROM mapping WHERE pool = 'WEB' AND ldns = '192.0.2.60'")
    assert count(live, "persistence") == before - 1
    assert count(live, "persistence", "ldns = '192.0.2.60'") == 0


@pytest.mark.parametrize("statement", ("SELECT * FROM mapping", "DELETE FROM mapping"))
@pytest.mark.parametrize("condition", ("pool = 'web' AND ldns = '192.0.2.53'",
                                       "ldns = '192.0.2.53'"))
def test_a_lookup_in_the_view_mapping_uses_the_primary_key(world, statement, condition):
    plan = [row[3] for row in world.execute(
        f"EXPLAIN QUERY PLAN {statement} WHERE {condition}")]
    assert "SEARCH m USING PRIMARY KEY (pool_id=? AND ldns=?)" in plan
    assert not {"SCAN m", "SCAN v", "SCAN a"} & set(plan)


def health(db, condition="1", columns="*"):
    return db.execute(f"SELECT {columns} FROM health WHERE {condition}").fetchall()


def test_the_view_health_shows_what_is_checked_and_with_what_result(world):
    now = int(time.time())
    world.execute("UPDATE virtual_server_verdict SET since = 86400, checked_at = 90061, flaps = 4 "
                  "WHERE virtual_server_id = 2")
    world.execute("UPDATE virtual_server_metric SET value = 20.26 WHERE name = 'rtt'")
    rows = health(world, "address LIKE '%.80'")
    assert [(*row[:8], *row[9:]) for row in rows] == [
        ("web", "ams", "192.0.2.80", "web", "up", "ok", "01-01 00:16:40", "01-01 00:33:20",
         None, 0),
        ("web", "fra", "198.51.100.80", "web", "down", "timeout", "01-02 00:00:00",
         "01-02 01:01:01", 20.3, 4)]
    assert now - 90061 <= rows[1][8] <= time.time() - 90061


@pytest.mark.parametrize("statements, condition, columns, expected", (
    # A server's own monitor counts before its pool's, and one that is not checked yet is unknown.
    ((), "pool = 'api'", "monitor, state, reason, since, checked, age_s, flaps",
     ("port", "unknown", None, None, None, None, None)),
    (("UPDATE virtual_server SET monitor_id = NULL",), "pool = 'api'", "*", None),
    (("UPDATE virtual_server SET monitor_id = 3",), "controller = 'fra'", "monitor", ("idle",)),
    # What has a verdict is shown even if nobody checks it any more.
    (("UPDATE pool SET monitor_id = NULL",), "pool = 'web' AND controller = 'fra'",
     "monitor, state", (None, "down")),
    # Controllers have no pool.
    ((), "pool IS NULL AND controller = 'ams'", "address, monitor, state, rtt",
     (None, None, "up", 20.0)),
    ((), "pool IS NULL AND controller = 'fra'", "*", None),
    (("UPDATE controller SET address = '192.0.2.1', monitor_id = 3",),
     "pool IS NULL AND controller = 'fra'", "address, monitor, state",
     ("192.0.2.1", "idle", "unknown")),
    # The address that is checked.
    (("UPDATE virtual_server SET ipv6 = '::2'",), "pool = 'api'", "address", ("192.0.2.81",)),
    (("UPDATE virtual_server SET ipv6 = '::2', ipv4 = NULL",), "pool = 'api'", "address",
     ("::2",)),
    (("UPDATE virtual_server SET check_address = '::3'",), "pool = 'api'", "address", ("::3",)),
    # A clock that went back shows no negative age.
    (("UPDATE controller_verdict SET checked_at = unixepoch() + 99",), "controller = 'idle'",
     "age_s", (0,)),
))
def test_the_view_health_shows_each_target_as_it_is_checked(
        world, statements, condition, columns, expected):
    for statement in statements:
        world.execute(statement)
    rows = health(world, condition, columns)
    assert rows == ([expected] if expected else [])


def test_the_view_health_lists_controllers_first_and_servers_by_their_place(world):
    world.execute("UPDATE virtual_server SET position = 9 WHERE id = 1")
    assert health(world, columns="pool, controller") == [
        (None, "ams"), (None, "idle"), ("api", "ams"), ("web", "fra"), ("web", "ams")]


def test_the_networks_of_path_metric_are_found_by_their_length(world):
    for ipv6, most, found in ((0, 32, 24), (0, 23, None), (1, 128, 48), (1, 47, None)):
        question = f"SELECT max(bits) FROM path_metric WHERE ipv6 = {ipv6} AND bits <= {most}"
        assert world.execute(question).fetchone() == (found,)
        (plan,) = [row[3] for row in world.execute(f"EXPLAIN QUERY PLAN {question}")]
        assert plan.endswith("INDEX path_metric_bits (ipv6=? AND bits<?)")


@pytest.mark.parametrize("statements, state, up", (
    ((), "enabled", "yes"),
    (("UPDATE virtual_server SET state = 'draining' WHERE id = 1",), "draining", "yes"),
    (("UPDATE controller SET state = 'draining' WHERE id = 1",), "draining", "yes"),
    (("UPDATE controller SET state = 'draining' WHERE id = 1", NO_SERVERS), "disabled", "yes"),
    ((DISABLED,), "disabled", "yes"),
    ((SERVER_DOWN,), "enabled", "server down"),
    ((DOWN,), "enabled", "controller down"),
    (("DELETE FROM controller_metric", "DELETE FROM virtual_server_metric"), "enabled", "yes"),
))
def test_the_view_server_shows_the_state_that_counts_and_who_is_down(
        world, statements, state, up):
    for statement in statements:
        world.execute(statement)
    assert world.execute("SELECT * FROM server WHERE pool = 'web' AND position = 1").fetchone() == (
        "web", 1, "ams", "192.0.2.80", 1, state, up)


# --- The scripts --------------------------------------------------------------------------------

def test_the_schema_makes_a_complete_empty_database(empty):
    db = connect(empty)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA application_id").fetchone() == (0x50535459,)
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    strict = {row[1]: row[5] for row in db.execute("PRAGMA table_list") if row[1] in TABLES}
    assert strict == dict.fromkeys(TABLES, 1)
    assert {table for table in TABLES if count(db, table)} == {"setting", "revision"}
    assert db.execute("SELECT name, value FROM setting ORDER BY name").fetchall() == [
        ("brake_percent", 50), ("brake_window", 30), ("checkpoint_interval", 5),
        ("max_checks", 1000), ("max_megabytes", 1024), ("max_writes_per_second", 2000),
        ("metric_max_age", 60), ("path_metric_max_age", 86400), ("sweep_batch", 1000),
        ("sweep_interval", 1)]
    assert db.execute("SELECT * FROM revision").fetchall() == [(1, 1, 1, 1)]


def test_the_schema_is_plain_sql_that_a_library_can_run_too():
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA_SQL)
    db.executescript(DEMO_SQL)
    assert count(db, "pool") == 2


def test_the_schema_applied_again_changes_nothing(world, tmp_path):
    before = list(world.iterdump()), revision(world)
    again = shell(tmp_path / "sticky.db", SCHEMA_SQL)
    assert (again.returncode, again.stderr) == (0, "")
    assert (list(world.iterdump()), revision(world)) == before


def test_the_schema_applied_to_another_database_changes_nothing_and_says_so(tmp_path):
    path = tmp_path / "foreign.db"
    shell(path, "CREATE TABLE pool (x); INSERT INTO pool VALUES (1);")
    applied = shell(path, SCHEMA_SQL)
    assert applied.returncode != 0
    assert "this file holds another database" in applied.stderr
    db = connect(path)
    assert [line for line in db.iterdump() if "pool" in line] == [
        "CREATE TABLE pool (x);", 'INSERT INTO "pool" VALUES(1);']
    assert count(db, "sqlite_schema") == 1
    assert db.execute("SELECT a.application_id, v.user_version "
                      "FROM pragma_application_id AS a, pragma_user_version AS v"
                      ).fetchone() == (0, 0)


def test_the_schema_applied_to_a_newer_version_keeps_that_version(world, tmp_path):
    world.execute("PRAGMA user_version = 3")
    before = list(world.iterdump())
    applied = shell(tmp_path / "sticky.db", SCHEMA_SQL)
    assert applied.returncode != 0
    assert "another version" in applied.stderr
    assert world.execute("PRAGMA user_version").fetchone() == (3,)
    assert list(world.iterdump()) == before


def test_the_schema_applied_to_an_older_version_changes_nothing_and_says_what_does(tmp_path):
    path = tmp_path / "older.db"
    shell(path, VERSION_1_SQL)
    db = connect(path)
    before = list(db.iterdump())
    applied = shell(path, SCHEMA_SQL)
    assert applied.returncode != 0
    assert "pdns-sticky migrate" in applied.stderr
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert list(db.iterdump()) == before


# --- The migration ------------------------------------------------------------------------------

def tokens(sql):
    """What a statement says: without comments and white space."""
    return re.sub(r"\s+", "", re.sub(r"--[^\n]*", "", sql))


def structure(db):
    """All that is declared, so that two databases with equal structures behave alike."""
    declared = {(kind, name): tokens(sql) for kind, name, sql in db.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    columns = {name: db.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall()
               for kind, name in declared if kind in ("table", "view")}
    indexes = {name: sorted(db.execute("SELECT * FROM pragma_index_xinfo(?)", (name,)))
               for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
    return declared, columns, indexes, db.execute("PRAGMA user_version").fetchone()


MAPPINGS_SQL = """
INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES
  (1, '198.18.7.1', 3, 'modulus', unixepoch(), 3600),
  (1, 'group:office', 2, 'modulus', unixepoch(), 3600),
  (2, '198.18.7.0/24', 1, 'modulus', unixepoch() - 7200, 3600);
INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (1, 'availability', 0);
DELETE FROM setting WHERE name = 'sweep_batch';
UPDATE setting SET value = 20 WHERE name = 'sweep_interval';
"""


@pytest.fixture
def older(workspace):
    """A database of version 1 as it may be in use, and what migrates it."""
    database = Database(workspace / "older.sqlite")
    for sql in (VERSION_1_SQL, DEMO_SQL, MAPPINGS_SQL):
        database.sql(sql)
    folder = shutil.copytree(SCHEMA / "migrations", workspace / "migrations")
    folder.chmod(0o755)

    def migrate():
        argv = [backend_path(), "--database", database.path, "migrate", folder]
        return run(as_user([str(word) for word in argv]))

    return database, migrate


def columns_of(db, table):
    return ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({table})"))


def test_a_migrated_database_equals_a_new_one_and_keeps_its_rows(older, empty):
    database, migrate = older
    with connect(database.path) as db:
        questions = [f"SELECT {columns_of(db, name)} FROM {name} ORDER BY 1, 2" for (name,) in
                     db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' "
                                "AND name NOT IN ('setting', 'revision', 'sqlite_sequence')")]
        before = [db.execute(question).fetchall() for question in questions]
        settings = set(db.execute("SELECT * FROM setting"))
        counted = db.execute("SELECT configuration, metrics FROM revision").fetchone()
    migrated = migrate()
    assert (migrated.returncode, migrated.stderr) == (0, "")
    assert "version 1 became 2" in migrated.stdout
    with connect(database.path) as db, connect(empty) as new:
        assert structure(db) == structure(new)
        assert [db.execute(question).fetchall() for question in questions] == before
        brought = set(db.execute("SELECT * FROM setting")) - settings
        assert settings <= set(db.execute("SELECT * FROM setting"))
        assert brought <= set(new.execute("SELECT * FROM setting"))
        assert {name for name, _ in brought} == {
            "metric_max_age", "path_metric_max_age", "brake_percent", "brake_window", "max_checks"}
        after = revision(db)
        assert after[0] > counted[0]  # so that running processes take up the new settings
        assert after[1:] == (counted[1], 1)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("SELECT DISTINCT alternate_method, metric, tolerance, monitor_id "
                          "FROM pool").fetchall() == [(None, None, 20, None)]


def test_the_new_columns_of_a_migrated_database_are_explained_too(older):
    database, migrate = older
    migrate()
    with connect(database.path) as db:
        for table, words in (("controller", "itself is checked"), ("pool", "first can't decide"),
                             ("pool", "Percent, 0 to 1000"), ("virtual_server", "as its pool says"),
                             ("monitor", "'PING"), ("revision", "topology and geo_database")):
            (sql,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
            assert words in sql


def test_migrating_again_changes_nothing(older):
    database, migrate = older
    migrate()
    with connect(database.path) as db:
        before = list(db.iterdump())
        again = migrate()
        assert again.returncode == 0 and "already" in again.stdout
        assert list(db.iterdump()) == before


def test_a_migrated_database_refuses_and_accepts_the_same(tmp_path):
    path = tmp_path / "migrated.db"
    shell(path, VERSION_1_SQL)
    for sql in ((SCHEMA / "migrations" / "2.sql").read_text(), WORLD):
        done = shell(path, sql, "-bail")
        assert (done.returncode, done.stderr) == (0, "")
    with connect(path) as db:
        for statement, words, legal in ROWS:
            assert refusal(db, statement).removeprefix("CHECK constraint failed: ") == words
            assert refusal(db, legal) is None


def test_a_database_of_version_1_is_served_before_during_and_after_its_migration(older):
    database, migrate = older
    stop, failures, asked = threading.Event(), [], []
    addresses = {"198.51.100.80", "203.0.113.80"}  # ams is down

    def ask(coprocess):
        while not stop.is_set():
            asked.append(f"198.18.0.{len(asked) % 250}")
            answer = coprocess.ask("www.example.com", "A", asked[-1])
            if answer.failed or answer.ipv4 not in addresses:
                failures.append(answer.lines)

    with Coprocess(database.path) as coprocess:
        first = coprocess.ask("www.example.com", "A", "198.18.7.1")
        assert first.ipv4 == "203.0.113.80"
        assert [log for log in first.logs if "version 1" in log and "migrate" in log]
        asker = threading.Thread(target=ask, args=(coprocess,))
        asker.start()
        migrated = migrate()
        seen = len(asked)
        wait_until(lambda: len(asked) > seen + 20, 20, "more questions")
        stop.set()
        asker.join()
        assert migrated.returncode == 0, migrated.stderr
        assert failures == []
        assert len(database.mappings("web")) > 2
        wait_until(
            lambda: not any("version" in line for line in coprocess.command("status")[1:]), 20,
            "the new version")
        assert coprocess.ask("www.example.com", "A", "198.18.7.1").ipv4 == "203.0.113.80"


@pytest.fixture
def demo(empty):
    filled = shell(empty, DEMO_SQL)
    assert (filled.returncode, filled.stdout, filled.stderr) == (0, "", "")
    return empty


def test_the_example_is_consistent(demo):
    db = connect(demo)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [row[:4] for row in db.execute("SELECT * FROM server")] == [
        ("api", 1, "ams", "192.0.2.81"),
        ("api", 2, "nyc", "203.0.113.81"),
        ("web", 1, "ams", "192.0.2.80 2001:db8:1::80"),
        ("web", 2, "fra", "198.51.100.80 2001:db8:2::80"),
        ("web", 3, "nyc", "203.0.113.80 2001:db8:3::80")]
    assert db.execute("SELECT b.name, p.name FROM balanced_name b JOIN pool p ON p.id = b.pool_id "
                      "ORDER BY 1").fetchall() == [
        ("api.example.com", "api"), ("shop.example.com", "web"), ("www.example.com", "web")]


def test_the_zone_of_the_example_has_its_soa_and_addresses_for_all_it_names(demo):
    db = connect(demo)
    (soa,) = db.execute("SELECT content FROM record WHERE type = 'SOA'").fetchone()
    assert len(soa.split()) == 7
    assert soa.split()[-1] == "60"
    named = [content.split()[-1] for (content,) in db.execute(
        "SELECT content FROM record WHERE type IN ('NS', 'MX')")]
    assert len(named) == 4
    for name in [*named, soa.split()[0]]:
        assert {kind for (kind,) in db.execute("SELECT type FROM record WHERE name = ?", (name,))
                } == {"A", "AAAA"}


def test_the_example_applied_again_changes_nothing_and_says_so(demo):
    db = connect(demo)
    before = list(db.iterdump())
    again = shell(demo, DEMO_SQL)
    assert again.returncode != 0
    assert "the example is for an empty database; nothing was changed" in again.stderr
    assert list(db.iterdump()) == before


@pytest.mark.parametrize("own", ("INSERT INTO pool (id, name) VALUES (7, 'mine')",
                                 "INSERT INTO controller (id, name) VALUES (7, 'mine')",
                                 "INSERT INTO zone (id, name) VALUES (7, 'mine.example')"))
def test_the_example_stays_out_of_a_database_in_use(empty, own):
    db = connect(empty)
    db.execute(own)
    before = list(db.iterdump())
    assert shell(empty, DEMO_SQL).returncode != 0
    assert list(db.iterdump()) == before


def test_the_view_mapping_fits_a_wide_terminal(demo):
    drawn = shell(demo, """
INSERT INTO persistence VALUES (1, '198.51.100.53', 2, 'modulus', unixepoch(), 3600);
INSERT INTO persistence VALUES (2, 'group:office', 1, 'modulus', unixepoch(), 3600);
SELECT * FROM mapping;
""", "-box")
    lines = drawn.stdout.splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= 140


def test_the_manual_page_names_every_table_column_and_setting(empty):
    page = (SCHEMA / "pdns-sticky.sql.5").read_text()
    words = set(re.findall(r"\w+", page))
    db = connect(empty)
    for table in (*TABLES, *VIEWS):
        assert table in words
        assert {row[1] for row in db.execute(f"PRAGMA table_xinfo({table})")} <= words
    assert {name for (name,) in db.execute("SELECT name FROM setting")} <= words


def test_the_manual_page_gives_the_default_of_every_column(empty):
    page = (SCHEMA / "pdns-sticky.sql.5").read_text()
    db = connect(empty)
    for table in TABLES:
        for _, column, _, _, default, _ in db.execute(f"PRAGMA table_info({table})"):
            if default is not None and column != "measured_at":
                assert f".It Va {column} Pq " + default.strip("'") in page
