"""What follows by itself from a change: rows that go with others, numbers that are kept."""

import pytest

from schema import count


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


@pytest.mark.parametrize("statement, table, left", (
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
    ("INSERT INTO virtual_server_verdict VALUES (1, 'down', 'refused', 2000, 2000, 1, '') "
     "ON CONFLICT (virtual_server_id, family) DO UPDATE SET state = excluded.state",
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
    ("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
     " VALUES (1, '192.0.2.53', 2, 'modulus', 2000, 60) "
     "ON CONFLICT (pool_id, ldns) DO UPDATE SET controller_id = excluded.controller_id",
     "SELECT controller_id, timestamp FROM persistence WHERE pool_id = 1 AND ldns = '192.0.2.53'",
     (2, 1000)),
))
def test_an_upsert_changes_the_row_and_keeps_its_id(
        world, statement, question, answer, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    world.execute(statement)
    assert world.execute(question).fetchone() == answer


IDLE = ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
        " VALUES (4, 3, 1, '192.0.2.83')",
        "INSERT INTO pin (id, network, controller_id) VALUES (3, '10.2.0.0/16', 3)",
        "INSERT INTO pin (id, network, pool_id, controller_id) VALUES (4, '10.2.0.0/16', 4, 3)",
        "DELETE FROM virtual_server WHERE controller_id = 3")


@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, left", (
    ("DELETE FROM controller WHERE id = 3", [1, 2]),
    ("INSERT OR REPLACE INTO controller (name) VALUES ('idle')", [1, 2]),
    ("UPDATE OR REPLACE controller SET name = 'idle' WHERE id = 2", [1, 2]),
    ("DELETE FROM pool WHERE id = 4", [1, 2, 3]),
    ("INSERT OR REPLACE INTO pool (name) VALUES ('spare')", [1, 2, 3]),
    ("UPDATE OR REPLACE pool SET name = 'spare' WHERE id = 3", [1, 2, 3]),
    ("DELETE FROM ldns_group", [1, 2, 3, 4]),
    ("DELETE FROM virtual_server", [1, 2, 3, 4]),
    ("UPDATE pin SET until = unixepoch() - 1", [1, 2, 3, 4]),
    ("INSERT OR REPLACE INTO pin (id, network, pool_id, controller_id)"
     " VALUES (5, '192.0.2.0/24', 1, 1)", [2, 3, 4, 5]),
))
def test_pins_go_with_their_pool_and_their_controller_alone(world, statement, left, foreign_keys):
    world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    for part in (*IDLE, statement):
        world.execute(part)
    assert [pin for (pin,) in world.execute("SELECT id FROM pin ORDER BY id")] == left


def test_a_network_is_pinned_where_there_are_no_groups(world):
    world.execute("DELETE FROM pin")
    world.execute("DELETE FROM ldns_group")
    world.execute("INSERT INTO pin (network, controller_id) VALUES ('10.2.0.0/16', 1)")
    assert world.execute("SELECT holds FROM pinned").fetchall() == [("yes",)]


@pytest.mark.parametrize("statement, places", (
    ("UPDATE virtual_server SET position = position + 1 WHERE pool_id = 1", [(1, 2), (2, 3)]),
    ("UPDATE virtual_server SET position = iif(position = 1, 2, 1) WHERE pool_id = 1",
     [(1, 2), (2, 1)]),
    ("UPDATE virtual_server SET position = 1 WHERE pool_id = 1", [(1, 1), (2, 1)]),
))
def test_one_update_may_give_servers_any_places(world, statement, places):
    world.execute("DELETE FROM virtual_server WHERE pool_id = 1 AND id > 2")
    world.execute(statement)
    rows = world.execute("SELECT id, position FROM virtual_server WHERE pool_id = 1 ORDER BY id")
    assert rows.fetchall() == places


KEEPS, DROPS = (1, 2), (0, 1)  # verdicts of server 2, and its metrics


@pytest.mark.parametrize("statement, left", (
    ("UPDATE virtual_server SET ipv4 = '198.51.100.81' WHERE id = 2", DROPS),
    ("UPDATE virtual_server SET check_address = '10.0.0.1' WHERE id = 2", DROPS),
    ("UPDATE virtual_server SET ipv6 = '::2' WHERE id = 2", KEEPS),
    ("UPDATE virtual_server SET ipv4 = NULL, ipv6 = '::2' WHERE id = 2", DROPS),
    ("UPDATE virtual_server SET port = 8080 WHERE id = 2", DROPS),
    (("UPDATE monitor SET port = 80 WHERE type <> 'icmp'",
      "UPDATE virtual_server SET port = 8080 WHERE id = 2"), KEEPS),
    (("UPDATE monitor SET type = 'icmp'",
      "UPDATE virtual_server SET port = 8080 WHERE id = 2"), KEEPS),
    (("UPDATE virtual_server SET monitor_id = 3 WHERE id = 2",
      "UPDATE virtual_server SET port = 8080 WHERE id = 2"), KEEPS),
    ("UPDATE virtual_server SET ipv4 = ipv4, port = port, check_address = NULL, checked = 1", KEEPS),
    ("UPDATE virtual_server SET checked = 0 WHERE id = 2", DROPS),
    ("UPDATE virtual_server SET state = 'disabled', weight = 7, monitor_id = 2", KEEPS),
    ("UPDATE monitor SET port = 9, type = 'tcp'", KEEPS),
))
def test_a_server_with_another_address_or_port_has_no_verdict(world, statement, left):
    """Its other metrics stay, since they are somebody else's; so do those of other servers."""
    world.execute("INSERT INTO virtual_server_metric (virtual_server_id, name, value) VALUES"
                  " (2, 'cpu', 1)")
    others = count(world, "virtual_server_verdict", "virtual_server_id <> 2")
    for part in statement if isinstance(statement, tuple) else (statement,):
        world.execute(part)
    assert (count(world, "virtual_server_verdict", "virtual_server_id = 2"),
            count(world, "virtual_server_metric", "virtual_server_id = 2")) == left
    assert count(world, "virtual_server_verdict", "virtual_server_id <> 2") == others


def test_metrics_of_a_server_without_a_verdict_survive_its_new_address(world):
    world.execute("DELETE FROM virtual_server_verdict")
    world.execute("UPDATE virtual_server SET check_address = '10.0.0.1', port = 1, checked = 0")
    assert count(world, "virtual_server_metric", "name IN ('availability', 'rtt')") == 2


EACH = [("ipv4", "availability-ipv4"), ("ipv6", "availability-ipv6")]


@pytest.mark.parametrize("change, left", (
    ("ipv4 = '198.51.100.81'", EACH[1:]), ("ipv6 = '::2'", EACH[:1]),
    ("ipv4 = '198.51.100.81', ipv6 = '::2'", []), ("port = 8080", []), ("weight = 7", EACH),
))
def test_an_address_that_is_another_one_has_no_verdict_and_the_other_one_keeps_its(
        world, change, left):
    """That of the server goes with either, and is made again from those of its addresses."""
    world.execute("UPDATE virtual_server SET ipv6 = '::1' WHERE id = 2")
    world.execute("DELETE FROM virtual_server_verdict")
    world.execute("INSERT OR REPLACE INTO virtual_server_metric (virtual_server_id, name, value)"
                  " VALUES (2, 'availability', 0)")
    for family, metric in EACH:
        world.execute("INSERT INTO virtual_server_verdict"
                      " (virtual_server_id, state, reason, since, checked_at, family)"
                      f" VALUES (2, 'down', 'refused', 1, 1, '{family}')")
        world.execute("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
                      f" VALUES (2, '{metric}', 0)")
    world.execute(f"UPDATE virtual_server SET {change} WHERE id = 2")
    families = world.execute("SELECT family FROM virtual_server_verdict ORDER BY 1").fetchall()
    assert families == [(family,) for family, _ in left]
    assert world.execute("SELECT name FROM virtual_server_metric WHERE virtual_server_id = 2"
                         " AND name LIKE 'availability-%' ORDER BY 1").fetchall() == [
        (metric,) for _, metric in left]
    assert count(world, "virtual_server_metric",
                 "virtual_server_id = 2 AND name = 'availability'") == (left == EACH)


def test_a_server_with_another_name_has_no_verdict(world):
    world.execute("INSERT INTO pool (id, name) VALUES (50, 'cloud')")
    world.execute("INSERT INTO virtual_server (id, pool_id, controller_id, position, name)"
                  " VALUES (50, 50, 1, 1, 'lb1.cloud.example')")
    world.execute("INSERT INTO virtual_server_verdict"
                  " (virtual_server_id, state, reason, since, checked_at)"
                  " VALUES (50, 'down', 'unresolved', 1, 1)")
    world.execute("UPDATE virtual_server SET name = name, weight = 7 WHERE id = 50")
    assert count(world, "virtual_server_verdict", "virtual_server_id = 50") == 1
    world.execute("UPDATE virtual_server SET name = 'lb2.cloud.example' WHERE id = 50")
    assert count(world, "virtual_server_verdict", "virtual_server_id = 50") == 0


@pytest.mark.parametrize("statement, left", (
    ("UPDATE controller SET address = '192.0.2.7' WHERE id = 1", (0, 1)),
    ("UPDATE controller SET address = address, name = 'new', state = 'draining' WHERE id = 1",
     (1, 3)),
))
def test_a_controller_with_another_address_has_no_verdict(world, statement, left):
    world.execute("INSERT INTO controller_metric (controller_id, name, value) VALUES (1, 'cpu', 1)")
    world.execute(statement)
    assert (count(world, "controller_verdict", "controller_id = 1"),
            count(world, "controller_metric", "controller_id = 1")) == left
    assert count(world, "controller_verdict", "controller_id = 3") == 1
