"""Databases that the sqlite3 shell makes from schema/, and what tests of the schema do with them."""

import re
import sqlite3
import subprocess
from pathlib import Path

import pytest

SCHEMA = Path(__file__).resolve().parents[2] / "schema"
SCHEMA_SQL = (SCHEMA / "schema.sql").read_text()
DEMO_SQL = (SCHEMA / "demo.sql").read_text()

CONFIGURATION_TABLES = ("zone", "record", "controller", "pool", "virtual_server", "balanced_name",
                        "monitor", "ldns_group", "pin", "setting")
TOPOLOGY_TABLES = ("topology", "geo_database")
TABLES = CONFIGURATION_TABLES + TOPOLOGY_TABLES + (
    "controller_metric", "virtual_server_metric", "controller_verdict", "virtual_server_verdict",
    "path_metric", "persistence", "revision", "configuration_change", "share", "peer", "share_cursor",
    "share_change", "share_deleted", "share_moved", "share_state", "peer_state",
    "peer_verdict", "share_follow", "site_state")
VIEWS = ("mapping", "site", "site_up", "site_held", "site_changed", "server", "server_up", "health",
         "pinned", "share_now", "follow_refusal")

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
INSERT INTO pin (id, network, pool_id, controller_id) VALUES (1, '192.0.2.0/24', 1, 2);
INSERT INTO pin (id, ldns_group, controller_id) VALUES (2, 'office', 1);
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


def count(db, table, condition="1"):
    return db.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0]


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

# ---------------------------------------------------------------- databases


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


@pytest.fixture
def demo(empty):
    filled = shell(empty, DEMO_SQL)
    assert (filled.returncode, filled.stdout, filled.stderr) == (0, "", "")
    return empty


# ---------------------------------------------------------------- what is refused


def assert_refused(db, statement, message, neighbour):
    """The statement fails with this message, and a legal one right beside it passes."""
    said = refusal(db, statement)
    assert said is not None, "was accepted"
    if message.startswith(("UNIQUE", "NOT NULL", "cannot")):
        assert said == message
    else:
        assert said.removeprefix("CHECK constraint failed: ") == message
    assert refusal(db, neighbour) is None


def assert_untouched(db, rows):
    """Each refused statement leaves every row, and the revision, as they were."""
    before = content(db)
    for statement, _, _ in rows:
        if isinstance(statement, str):
            with pytest.raises(sqlite3.IntegrityError):
                db.execute(statement)
    assert content(db) == before


def checks_of(tables):
    """The messages of all CHECKs of these tables."""
    found = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*?)^\) STRICT", SCHEMA_SQL,
                       re.DOTALL | re.MULTILINE)
    return {message for table, body in found if table in tables
            for message in re.findall(r'CONSTRAINT\s+"([^"]+)"', body)}


def refusing_triggers():
    """All pairs (trigger, message) of the schema."""
    triggers = re.findall(r"CREATE TRIGGER IF NOT EXISTS (\w+)(.*?)\nEND;", SCHEMA_SQL, re.DOTALL)
    return [(name, message.replace("''", "'")) for name, body in triggers
            for message in re.findall(r"RAISE\(ABORT,\s*'((?:[^']|'')+)'\)", body)]


def assert_needed(db, trigger, message, rows):
    """Without the trigger, a row with this message is accepted, or refused with another one."""
    db.execute("PRAGMA foreign_keys = 0")
    statements = [statement for statement, said, _ in rows if said == message]
    db.execute("BEGIN")
    try:
        db.execute(f"DROP TRIGGER {trigger}")
        assert any(refusal(db, statement) != message for statement in statements)
    finally:
        db.execute("ROLLBACK")
