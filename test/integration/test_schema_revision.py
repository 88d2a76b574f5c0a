"""The revision, by which each process sees that it must read the tables again."""

import pytest

from coprocess import Coprocess
from processes import SECONDS_MAX, wait_until
from schema import (
    CONFIGURATION_TABLES, DEMO_SQL, SCHEMA_SQL, TOPOLOGY_TABLES, connect, count, revision, shell)
from schema_statements import (
    balanced, geo, group, mapping, monitor, path, pin, record, server, topology)

AVAILABILITY = "VALUES (2, 'availability', 0)"

REVISION_ROWS = [
    ("INSERT INTO zone (name) VALUES ('new.example')", 1, 0),
    ("UPDATE zone SET name = 'full.example' WHERE id = 2", 1, 0),
    ("DELETE FROM zone WHERE id = 2", 1, 0),
    (record("type, content", "'TXT', 'x'"), 1, 0),
    ("UPDATE record SET ttl = 60 WHERE id = 1", 1, 0),
    ("DELETE FROM record WHERE id IN (1, 2)", 1, 0),
    ("INSERT INTO controller (name) VALUES ('new')", 1, 0),
    ("UPDATE controller SET state = 'draining' WHERE id = 1", 1, 0),
    ("DELETE FROM controller WHERE id = 3", 1, 0, 1),  # its rows of topology go with it
    ("INSERT INTO pool (name) VALUES ('new')", 1, 0),
    ("INSERT OR REPLACE INTO pool (name) VALUES ('spare')", 1, 0),
    ("UPDATE pool SET ttl = 5", 1, 0),
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
    (pin("10.2.0.0/16"), 1, 0),
    ("UPDATE pin SET comment = 'x'", 1, 0),
    ("DELETE FROM pin", 1, 0),
    (monitor(), 1, 0),
    ("UPDATE monitor SET interval = 5", 1, 0),
    ("DELETE FROM monitor WHERE id = 3", 1, 0),
    ("UPDATE pool SET monitor_id = NULL WHERE id = 1", 1, 0),
    ("UPDATE virtual_server SET check_address = '::1' WHERE id = 1", 1, 1),
    ("UPDATE virtual_server SET check_address = '::1' WHERE id = 3", 1, 0),
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
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
     " VALUES (1, 'availability-ipv6', 0)", 0, 1),
    ("UPDATE virtual_server_metric SET value = 0 WHERE name = 'availability-ipv4'", 0, 0),
    ("UPDATE virtual_server_metric SET name = 'availability-ipv4' WHERE name = 'availability'",
     0, 1),
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (1, 'rtt-ipv6', 1)",
     0, 0),
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES (1, 'rtt', 1)",
     0, 0),
    ("UPDATE virtual_server_metric SET value = 7 WHERE name = 'rtt'", 0, 0),
    ("DELETE FROM virtual_server_metric WHERE name = 'rtt'", 0, 0),

    (topology("asn", 1), 0, 0, 1),
    ("UPDATE topology SET preference = 5", 0, 0, 1),
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
def test_the_revision_changes_with_what_a_process_must_read_again(world, statement, moves):
    before = revision(world)
    world.execute(statement)
    assert tuple(int(b != a) for a, b in zip(before, revision(world))) == moves


def test_a_rollback_leaves_the_revision(world):
    before = revision(world)
    world.execute("BEGIN IMMEDIATE")
    world.execute("UPDATE pool SET ttl = 5")
    world.execute("DELETE FROM controller_metric")
    assert revision(world) != before
    world.execute("ROLLBACK")
    assert revision(world) == before


@pytest.mark.parametrize("number, tables", (("configuration", CONFIGURATION_TABLES),
                                            ("topology", TOPOLOGY_TABLES)))
def test_inserts_updates_and_deletes_of_every_table_change_its_number(world, number, tables):
    changing = {name for (name,) in world.execute(
        "SELECT name FROM sqlite_schema"
        " WHERE type = 'trigger' AND tbl_name <> 'configuration_change'"
        f" AND (sql LIKE '%UPDATE revision SET {number}%'"
        f"      OR sql LIKE '%INSERT INTO {number}_change%')")}
    assert changing == {f"revision_{table}_{event}" for table in tables
                        for event in ("insert", "update", "delete")}


# A statement, and the rows that it is known to have changed alone: (controller, pool, server).
CHANGES = [
    ("UPDATE controller SET state = 'draining', address = 'x' WHERE id = 2", [(2, None, None)]),
    ("UPDATE controller SET name = 'AMS' WHERE id = 1", [(None, None, None)]),
    ("UPDATE OR REPLACE controller SET name = 'idle' WHERE id = 1", [(None, None, None)]),
    ("UPDATE pool SET ttl = 5, method = 'ratio' WHERE id = 3", [(None, 3, None)]),
    ("UPDATE pool SET fallback_pool_id = 4, persistence_pool_id = NULL WHERE id = 2",
     [(None, None, None)]),
    ("UPDATE pool SET fallback_pool_id = NULL WHERE id = 2", [(None, None, None)]),
    ("UPDATE pool SET persistence_pool_id = NULL WHERE id = 3", [(None, None, None)]),
    ("UPDATE pool SET name = 'Web' WHERE id = 1", [(None, None, None)]),
    ("UPDATE OR REPLACE pool SET name = 'spare' WHERE id = 1", [(None, None, None)]),
    ("UPDATE virtual_server SET controller_id = 2, ipv4 = '192.0.2.9', weight = 3,"
     " state = 'disabled' WHERE id = 1", [(None, None, 1)]),
    ("UPDATE virtual_server SET weight = 3 WHERE id < 3", [(None, None, 1), (None, None, 2)]),
    ("UPDATE virtual_server SET position = 7 WHERE id = 1", [(None, None, None)]),
    ("UPDATE OR REPLACE virtual_server SET position = 2 WHERE id = 1", [(None, None, None)]),
    ("UPDATE virtual_server SET pool_id = 4 WHERE id = 1", [(None, None, None)]),
    ("DELETE FROM virtual_server WHERE id = 2", []),
    ("INSERT OR REPLACE INTO pool (id, name) VALUES (5, 'last')", []),
    ("UPDATE setting SET value = 50 WHERE name = 'sweep_batch'", []),
]


@pytest.mark.parametrize("statement, rows", CHANGES)
def test_an_update_of_a_row_that_stays_in_its_place_is_written_down(world, statement, rows):
    (newest,) = world.execute("SELECT max(number) FROM configuration_change").fetchone()
    (before, *_) = revision(world)
    world.execute(statement)
    changes = world.execute(
        "SELECT previous, revision, controller_id, pool_id, virtual_server_id"
        " FROM configuration_change WHERE number > ? ORDER BY number", (newest,)).fetchall()
    assert [change[2:] for change in changes] == rows
    chain = [before, *(change[1] for change in changes)]
    assert [change[0] for change in changes] == chain[:-1]
    assert rows == [] or chain[-1] == revision(world)[0]


def test_the_last_changes_are_kept(world):
    for _ in range(400):
        world.execute("UPDATE pool SET ttl = ttl + 1 WHERE id = 1")
        assert count(world, "configuration_change") < 320
    assert count(world, "configuration_change") >= 256


def test_persistence_has_no_index_but_its_key(world):
    assert world.execute("SELECT name FROM sqlite_schema "
                         "WHERE tbl_name = 'persistence' AND type = 'index'").fetchall() == []


@pytest.mark.parametrize("change", [
    "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
    " VALUES (1, '192.0.2.1', 1, 'modulus', 1, 1)",
    "UPDATE persistence SET ttl = 2",
    "DELETE FROM persistence",
])
def test_changes_of_mappings_change_their_revision_alone(world, change):
    world.execute("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                  " VALUES (1, '192.0.2.2', 1, 'modulus', 1, 1)")
    columns = "configuration, metrics, topology, identity, mappings FROM revision"
    before = world.execute(f"SELECT {columns}").fetchone()
    world.execute(change)
    after = world.execute(f"SELECT {columns}").fetchone()
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]


def server_at(address):
    return f"UPDATE virtual_server SET ipv4 = '{address}' WHERE id = 2"


def down(controller):
    return ("INSERT INTO controller_metric (controller_id, name, value)"
            f" VALUES ({controller}, 'availability', 0)")


def nearest(controller):
    return ("INSERT INTO topology (cidr, controller_id)"
            f" VALUES ('192.0.2.0/24', {controller})")


# What is changed before the backup is restored and after it, and whom that sends the resolver to.
RESTORED = {
    "configuration": (server_at("198.51.100.81"), "198.51.100.81",
                      server_at("198.51.100.82"), "198.51.100.82"),
    "metrics": (down(1), "198.51.100.80", down(2), "203.0.113.80"),
    "topology": (nearest(1), "192.0.2.80", nearest(3), "203.0.113.80"),
}


@pytest.mark.parametrize("number", RESTORED)
def test_a_change_behind_a_restored_backup_is_seen_by_who_was_not_asked_in_between(
        sample_database, number):
    first, answer_before, second, answer_after = RESTORED[number]
    backup = sample_database.path.with_name("backup.sqlite")
    sample_database.sql("UPDATE pool SET persistence_ttl = 0;")
    if number == "topology":
        sample_database.sql("UPDATE pool SET method = 'topology';")
    sample_database.sql(f"VACUUM INTO '{backup}';")
    with Coprocess(sample_database.path) as coprocess:
        def answers(address):
            return coprocess.ask("www.example.com", "A", "192.0.2.10").ipv4 == address

        sample_database.sql(f"{first};")
        wait_until(lambda: answers(answer_before), SECONDS_MAX, "the first change")
        sample_database.sql(f".restore {backup}\n{second};")
        wait_until(lambda: answers(answer_after), SECONDS_MAX, "the change after it")


def test_a_row_that_a_restored_backup_put_back_is_not_overlooked(sample_database):
    """The backup is older than the configuration that the process has loaded."""
    backup = sample_database.path.with_name("backup.sqlite")
    sample_database.sql(f"UPDATE pool SET persistence_ttl = 0; VACUUM INTO '{backup}';")
    with Coprocess(sample_database.path) as coprocess:
        def answer():
            (record,) = coprocess.ask("www.example.com", "A", "192.0.2.10").records
            return record.content, record.ttl

        assert answer() == ("198.51.100.80", 30)
        sample_database.sql(f"{server_at('198.51.100.81')};")
        assert answer() == ("198.51.100.81", 30)
        sample_database.sql(f".restore {backup}\nUPDATE pool SET ttl = 31;")
        wait_until(lambda: answer() == ("198.51.100.80", 31), SECONDS_MAX, "the backup")
        sample_database.sql("UPDATE pool SET ttl = 32;")
        assert answer() == ("198.51.100.80", 32)


def test_databases_that_were_made_in_the_same_way_have_other_revisions(tmp_path):
    seen = set()
    for name in ("one.db", "two.db"):
        shell(tmp_path / name, SCHEMA_SQL + DEMO_SQL)
        seen.update(revision(connect(tmp_path / name)))
    assert len(seen) == 6
