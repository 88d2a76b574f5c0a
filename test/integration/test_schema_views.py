"""The views, which are what people read."""

import re
import sqlite3
import time

import pytest

from schema import count, shell
from schema_statements import mapping


def show(db, ldns="192.0.2.60", columns="live"):
    db.row_factory = sqlite3.Row
    try:
        return tuple(db.execute(f"SELECT {columns} FROM mapping WHERE pool = 'web' AND ldns = ?",
                                (ldns,)).fetchone())
    finally:
        db.row_factory = None


@pytest.fixture
def live(world):
    world.execute("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                  " VALUES (1, '192.0.2.60', 1, 'modulus', "
                  "unixepoch() - 60, 3600)")
    return world


DOWN = "UPDATE controller_metric SET value = 0 WHERE controller_id = 1 AND name = 'availability'"
SERVER_DOWN = "UPDATE virtual_server_metric SET value = 0 WHERE name = 'availability'"
NAMED = ("DELETE FROM virtual_server WHERE id > 1",
         "UPDATE virtual_server SET ipv4 = NULL, name = 'lb.cloud.example' WHERE id = 1")
SECOND = ("INSERT INTO virtual_server (pool_id, controller_id, position, ipv4) "
          "VALUES (1, 1, 7, '192.0.2.87')")
GONE = "UPDATE persistence SET controller_id = 99 WHERE ldns = '192.0.2.60'"
DISABLED = "UPDATE controller SET state = 'disabled' WHERE id = 1"
NO_SERVERS = "UPDATE virtual_server SET state = 'disabled' WHERE id = 1"
NEW_METHOD = "UPDATE pool SET method = 'rendezvous' WHERE id = 1"
EXPIRED = "UPDATE persistence SET ttl = 60 WHERE ldns = '192.0.2.60'"


PINS = "SELECT holds FROM pinned ORDER BY id"


@pytest.mark.parametrize("statement, network, group", (
    ("UPDATE controller SET state = 'draining'", "yes", "yes"),
    ("UPDATE pin SET until = unixepoch() WHERE id = 1", "over", "yes"),
    ("UPDATE pin SET until = unixepoch() + 9", "yes", "yes"),
    ("DELETE FROM ldns_group", "yes", "no group"),
    ("DELETE FROM virtual_server WHERE pool_id = 1", "no server", "yes"),
    ("DELETE FROM virtual_server", "no server", "no server"),
    ("UPDATE controller SET state = 'disabled' WHERE id = 2", "disabled", "yes"),
    ("UPDATE virtual_server SET state = 'disabled' WHERE pool_id = 1", "disabled", "yes"),
    ("UPDATE virtual_server SET state = 'disabled'", "disabled", "disabled"),
    ("UPDATE controller_metric SET value = 0 WHERE name = 'availability'", "yes",
     "controller down"),
    ("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
     " VALUES (2, 'availability', 0)", "server down", "yes"),
    ("UPDATE virtual_server_metric SET value = 0 WHERE name = 'availability'", "yes", "yes"),
    ("INSERT INTO site_state (pool_id, controller_id, held_since) VALUES (1, 2, 1)", "yes", "yes"),
    ("UPDATE pool SET failback = 'manual';"
     "INSERT OR REPLACE INTO site_state (pool_id, controller_id, held_since) VALUES (1, 2, 1)",
     "held", "yes"),
    ("UPDATE pool SET failback = 'manual';"
     "INSERT OR REPLACE INTO site_state (pool_id, controller_id, held_since)"
     " SELECT id, 1, 1 FROM pool", "yes", "held"),
))
def test_the_view_of_pins_says_what_each_does_now(world, statement, network, group):
    world.executescript(statement)
    assert world.execute(PINS).fetchall() == [(network,), (group,)]


def test_the_view_of_pins_shows_names_and_times(world):
    world.execute("UPDATE pin SET until = 4102444800, comment = 'why' WHERE id = 1")
    assert world.execute("SELECT id, client, pool, controller, until, left_s, comment FROM pinned"
                         " ORDER BY id").fetchall() == [
        (1, "192.0.2.0/24", "web", "fra", "2100-01-01 00:00", 4102444800 - int(time.time()), "why"),
        (2, "group office", None, "ams", None, None, None)]


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


MANUAL = "UPDATE pool SET failback = 'manual' WHERE id = 1"
SERVER_UP = "UPDATE virtual_server_metric SET value = 1 WHERE name = 'availability'"
UP = "UPDATE controller_metric SET value = 1 WHERE name = 'availability'"
SHARED = ("INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4) "
          "VALUES (9, 3, 1, 1, '192.0.2.89')")
SHARED_DOWN = ("INSERT INTO virtual_server_metric (virtual_server_id, name, value) "
               "VALUES (9, 'availability', 0)")


# Pool static shares the mappings of web; pool api does not, and has a server at the site, too.
@pytest.mark.parametrize("why, statements", (
    ("yes", (NO_SERVERS,)),
    ("yes", ("DELETE FROM virtual_server WHERE id = 1",)),
    ("yes", (SERVER_DOWN,)),
    ("yes", (SHARED_DOWN,)),
    ("yes", (SERVER_DOWN, "UPDATE pool SET method = 'failover' WHERE id = 3")),
    ("no server", (NO_SERVERS, SHARED_DOWN)),
    ("no server", (NO_SERVERS, "UPDATE virtual_server SET state = 'disabled' WHERE id = 9")),
    ("no server", (NO_SERVERS, "UPDATE virtual_server SET controller_id = 2 WHERE id = 9")),
    ("no server", (NO_SERVERS, "UPDATE pool SET persistence_pool_id = NULL WHERE id = 3")),
    ("pool shares mappings", ("UPDATE pool SET persistence_pool_id = NULL WHERE id = 3",
                              "UPDATE pool SET persistence_pool_id = 2 WHERE id = 1")),
    ("server down", (SERVER_DOWN, SHARED_DOWN)),
    ("server down", (DOWN,)),
    ("expired", (SERVER_DOWN, EXPIRED)),
    ("method changed", (SERVER_DOWN, NEW_METHOD)),
    ("controller gone", (NO_SERVERS, GONE)),
    ("controller disabled", (NO_SERVERS, DISABLED)),
    ("yes", (MANUAL, SERVER_DOWN, SERVER_UP)),  # static is not held
    ("held", (MANUAL, DOWN, UP)),
    ("server down", (MANUAL, DOWN)),
    ("yes", (MANUAL, DOWN, UP, "UPDATE site SET held = 0 WHERE controller = 'ams'")),
    ("yes", (MANUAL, DOWN, UP, "UPDATE pool SET failback = 'stay'")),
))
def test_a_mapping_is_live_if_it_is_in_a_pool_that_shares_it(live, why, statements):
    for statement in (SHARED, *statements):
        live.execute(statement)
    assert show(live) == (why,)


@pytest.mark.parametrize("answer, statements", (
    ("192.0.2.80", ()),
    ("192.0.2.80 2001:db8::80", ("UPDATE virtual_server SET ipv6 = '2001:db8::80' WHERE id = 1",)),
    ("2001:db8::80",
     ("UPDATE virtual_server SET ipv4 = NULL, ipv6 = '2001:db8::80' WHERE id = 1",)),
    ("lb.cloud.example", NAMED),
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
    world.execute("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                  " VALUES (1, 'x', 1, 'modulus', ?, ?)", (end - 90, 90))
    started = int(time.time())
    since, until, left = show(world, "x", "since, until, left_s")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", since)
    assert (since, until) == (time.strftime("%Y-%m-%d %H:%M", time.gmtime(end - 90)),
                              time.strftime("%Y-%m-%d %H:%M", time.gmtime(end)))
    assert end - time.time() - 1 <= left <= end - started
    assert show(world, "192.0.2.53", "left_s") == (0,)


def test_the_view_mapping_bears_the_largest_timestamp_and_ttl(world):
    world.execute(mapping("'far'", timestamp=253402300799, ttl=2147483647))
    assert show(world, "far", "until, live") == ("9999-12-31 23:59", "yes")


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
    assert not {"SCAN m", "SCAN v", "SCAN a", "SCAN s"} & set(plan)


def health(db, condition="1", columns="*"):
    return db.execute(f"SELECT {columns} FROM health WHERE {condition}").fetchall()


def test_the_view_health_shows_what_is_checked_and_with_what_result(world):
    now = int(time.time())
    world.execute("UPDATE virtual_server_verdict SET since = 86400, checked_at = 90061, flaps = 4 "
                  "WHERE virtual_server_id = 2")
    world.execute("UPDATE virtual_server_metric SET value = 20.26 WHERE name = 'rtt'")
    rows = health(world, "address LIKE '%.80:80'")
    assert [(*row[:8], *row[9:]) for row in rows] == [
        ("web", "ams", "192.0.2.80:80", "web", "up", "ok", "1970-01-01 00:16:40",
         "1970-01-01 00:33:20", None, 0, "up", None),
        ("web", "fra", "198.51.100.80:80", "web", "down", "timeout",
         "1970-01-02 00:00:00", "1970-01-02 01:01:01", 20.3, 4, "up", None)]
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
    # Its port: the monitor's, the server's, or that of the type; a ping has none.
    (("UPDATE virtual_server SET port = 9",), "pool = 'api'", "address", ("192.0.2.81:9",)),
    (("UPDATE virtual_server SET port = 9, check_address = '::3'", "UPDATE monitor SET port = 8"
      " WHERE id = 2"), "pool = 'api'", "address", ("[::3]:8",)),
    (("UPDATE virtual_server SET port = 9, monitor_id = 3",), "pool = 'api'", "address",
     ("192.0.2.81",)),
    (("UPDATE monitor SET type = 'https' WHERE id = 2",), "pool = 'api'", "address",
     ("192.0.2.81:443",)),
    (("UPDATE monitor SET type = 'dns', host = 'x' WHERE id = 2",), "pool = 'api'", "address",
     ("192.0.2.81:53",)),
    (("UPDATE controller SET address = '192.0.2.1', monitor_id = 1",),
     "pool IS NULL AND controller = 'fra'", "address", ("192.0.2.1:80",)),
    # One that is exempt.
    (("UPDATE virtual_server SET checked = 0",), "pool = 'api'", "*", None),
    (("UPDATE virtual_server SET checked = 0",), "pool = 'web' AND controller = 'fra'", "*", None),
    (NAMED, "pool = 'web'", "address", ("lb.cloud.example:80",)),
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


EACH_FAMILY = ("UPDATE virtual_server SET ipv6 = '2001:db8:1::80', check_address = NULL WHERE id = 1",
               "UPDATE monitor SET each_family = 1")


def address_verdict(family, state):
    return ("INSERT INTO virtual_server_verdict"
            " (virtual_server_id, state, reason, since, checked_at, flaps, family)"
            f" VALUES (1, '{state}', 'ok', 1, 1, 0, '{family}')")


def address_metric(name, value):
    return ("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
            f" VALUES (1, '{name}', {value})")


@pytest.mark.parametrize("statements, expected", (
    ((), [("192.0.2.80:80", "unknown", None, "up"), ("[2001:db8:1::80]:80", "unknown", None, "up")]),
    ((address_verdict("ipv6", "down"), address_metric("availability-ipv6", 0),
      address_metric("rtt-ipv4", 7), address_metric("rtt-ipv6", 8)),
     [("192.0.2.80:80", "unknown", 7.0, "up"), ("[2001:db8:1::80]:80", "down", 8.0, "down")]),
    (("UPDATE virtual_server SET ipv6 = NULL",), [("192.0.2.80:80", "unknown", None, "up")]),
    (("UPDATE virtual_server SET check_address = '192.0.2.99'",),
     [("192.0.2.99:80", "unknown", None, "up")]),
))
def test_the_view_health_shows_each_address_that_is_checked(world, statements, expected):
    for statement in (*EACH_FAMILY, "DELETE FROM virtual_server_verdict",
                      "DELETE FROM virtual_server_metric", *statements):
        world.execute(statement)
    assert health(world, "pool = 'web' AND controller = 'ams'",
                  "address, state, rtt, counts") == expected


def test_the_view_health_shows_what_peers_say_of_an_address(world):
    columns = world.execute("PRAGMA table_info(peer_state)").fetchall()[4:]
    rest = "".join(", ''" if kind == "TEXT" else ", 0" for _, _, kind, *_ in columns)
    for statement in (*EACH_FAMILY, "DELETE FROM virtual_server_verdict", "UPDATE share SET node = 1",
                      "INSERT INTO peer VALUES (2, 'ns2', 'nats://192.0.2.2:4222')",
                      f"INSERT INTO peer_state VALUES (2, 1, 1, unixepoch() + 60{rest})",
                      "INSERT INTO peer_verdict VALUES (2, 'web', 'ams', 1, 'up', 1, ''),"
                      " (2, 'web', 'ams', 1, 'down', 1, 'ipv6')"):
        world.execute(statement)
    assert health(world, "peers IS NOT NULL", "address, peers") == [("[2001:db8:1::80]:80", "ns2 down")]


@pytest.mark.parametrize("down, answer, up", (
    ((), "192.0.2.80 2001:db8:1::80", "yes"),
    (("availability-ipv4",), "2001:db8:1::80", "ipv4 down"),
    (("availability-ipv6",), "192.0.2.80", "ipv6 down"),
    (("availability-ipv6", "availability"), "192.0.2.80 2001:db8:1::80", "server down"),
    (("availability-ipv4", "availability-ipv6"), "192.0.2.80 2001:db8:1::80", "server down"),
))
def test_the_views_mapping_and_server_show_an_address_that_is_down(world, down, answer, up):
    for statement in (EACH_FAMILY[0], "DELETE FROM controller_metric",
                      "DELETE FROM virtual_server_metric",
                      *(address_metric(name, 0) for name in down),
                      "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                      " VALUES (1, '203.0.113.9', 1, 'modulus', unixepoch(), 60)"):
        world.execute(statement)
    live = "server down" if up == "server down" else "yes"
    assert show(world, "203.0.113.9", "answer, live") == (answer, live)
    assert world.execute("SELECT answer, up FROM server WHERE pool = 'web' AND position = 1"
                         ).fetchone() == ("192.0.2.80 2001:db8:1::80", up)


@pytest.mark.parametrize("down, up, live", (
    ("availability-ipv4", "server down", "server down"), ("availability-ipv6", "yes", "yes")))
def test_a_server_whose_only_address_is_down_is_down_in_the_views(world, down, up, live):
    """The metric of an address that it no longer has does not count."""
    for statement in ("DELETE FROM controller_metric", "DELETE FROM virtual_server_metric",
                      address_metric(down, 0),
                      "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                      " VALUES (1, '203.0.113.9', 1, 'modulus', unixepoch(), 60)"):
        world.execute(statement)
    assert show(world, "203.0.113.9", "answer, live") == ("192.0.2.80", live)
    assert world.execute("SELECT up FROM server WHERE pool = 'web' AND position = 1"
                         ).fetchone() == (up,)


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


def test_the_view_mapping_fits_a_wide_terminal(demo):
    drawn = shell(demo, """
INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)
  VALUES (1, '198.51.100.53', 2, 'modulus', unixepoch(), 3600);
INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)
  VALUES (2, 'group:office', 1, 'modulus', unixepoch(), 3600);
SELECT * FROM mapping;
""", "-box")
    lines = drawn.stdout.splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= 155
