"""Sites that go down in a pool and come up there: what the triggers of site_state note and hold."""

import pytest

from schema import count, revision

# Web has one server each of ams (with a metric 'availability' of 1) and fra; static shares its
# mappings, and has a server of ams, too. The controllers are ams and fra.
STATIC = ("INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
          " VALUES (9, 3, 1, 1, '192.0.2.89')")
SECOND = ("INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
          " VALUES (7, 1, 1, 7, '192.0.2.87')")
MANUAL = "UPDATE pool SET failback = 'manual' WHERE id = 1"
DOWN = "UPDATE virtual_server_metric SET value = 0 WHERE name = 'availability'"
UP = "UPDATE virtual_server_metric SET value = 1 WHERE name = 'availability'"
SITE_DOWN = "UPDATE controller_metric SET value = 0 WHERE name = 'availability'"
SITE_UP = "UPDATE controller_metric SET value = 1 WHERE name = 'availability'"
RESUME = "UPDATE site SET held = 0 WHERE controller = 'ams'"
REPLACED = ("INSERT OR REPLACE INTO virtual_server_metric (virtual_server_id, name, value)"
            " VALUES (1, 'availability', 0)")


def state(db):
    """Of ams in web: 'down' or 'up', and 'held'; None: it was never down."""
    row = db.execute("SELECT up_since IS NULL, held_since IS NOT NULL FROM site_state"
                     " WHERE pool_id = 1 AND controller_id = 1").fetchone()
    return row and ("down" if row[0] else "up") + (" held" if row[1] else "")


@pytest.mark.parametrize("expected, statements", (
    (None, ()),
    (None, (UP,)),
    ("down", (DOWN,)),
    ("down", (REPLACED,)),
    ("down", (SITE_DOWN,)),
    ("up", (DOWN, UP)),
    ("up", (SITE_DOWN, SITE_UP)),
    ("up", (REPLACED, REPLACED.replace("0)", "1)"))),
    ("up", (SITE_DOWN, "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"
                       " VALUES (1, 'availability', 1)")),
    ("up", (DOWN, "DELETE FROM virtual_server_metric")),
    ("up", (DOWN, "UPDATE virtual_server_metric SET name = 'was' WHERE name = 'availability'")),
    ("up", (SITE_DOWN, "DELETE FROM controller_metric")),
    ("down", (SITE_DOWN, DOWN, UP)),
    (None, (SECOND, DOWN)),  # its other server is up
    ("down", (SECOND, DOWN, "UPDATE virtual_server SET state = 'disabled' WHERE id = 7")),
    ("down", (DOWN, "UPDATE virtual_server SET state = 'disabled' WHERE id = 1")),  # no server
    ("up", (DOWN, SECOND)),
    ("down", (SECOND, DOWN, "DELETE FROM virtual_server WHERE id = 7")),
    ("down", (SECOND, DOWN, "UPDATE virtual_server SET controller_id = 2 WHERE id = 7")),
    (None, ("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
            " VALUES (1, 'availability-ipv6', 0)",)),
    ("down", ("INSERT INTO virtual_server_metric (virtual_server_id, name, value)"
              " VALUES (1, 'availability-ipv4', 0)",)),
    ("up", (DOWN, "UPDATE virtual_server SET port = 81, checked = 0 WHERE id = 1")),
    ("down held", (MANUAL, DOWN)),
    ("up held", (MANUAL, DOWN, UP)),
    ("up held", (MANUAL, SITE_DOWN, SITE_UP)),
    ("up", (MANUAL, DOWN, UP, RESUME)),
    ("down", (MANUAL, DOWN, RESUME)),
    ("up", (MANUAL, DOWN, RESUME, UP)),
    ("up held", (MANUAL, DOWN, UP, RESUME, DOWN, UP)),
    ("up held", (MANUAL, DOWN, UP, "UPDATE site SET held = 0 WHERE controller = 'fra'")),
    ("up held", (MANUAL, DOWN, UP, "UPDATE site SET held = 0 WHERE pool = 'static'")),
    ("down held", (DOWN, MANUAL)),
    ("up", (DOWN, UP, MANUAL)),
    ("up", (MANUAL, DOWN, UP, "UPDATE pool SET failback = 'return'")),
    ("up", (MANUAL, DOWN, UP, "UPDATE pool SET failback = 'return'", MANUAL)),
    ("up held", (MANUAL, DOWN, UP, "UPDATE pool SET ttl = 7, failback = failback")),
))
def test_a_site_goes_down_and_comes_up_and_is_held(world, expected, statements):
    for statement in statements:
        world.execute(statement)
    assert state(world) == expected


def test_a_pool_that_shares_mappings_goes_by_the_one_that_keeps_them(world):
    for statement in (STATIC, MANUAL, SITE_DOWN, SITE_UP):
        world.execute(statement)
    held = "SELECT pool, held FROM site WHERE controller = 'ams' ORDER BY pool"
    assert world.execute(held).fetchall() == [("api", 0), ("static", 1), ("web", 1)]
    world.execute("UPDATE site SET held = 0 WHERE pool = 'web'")
    assert world.execute(held).fetchall() == [("api", 0), ("static", 1), ("web", 0)]
    world.execute("UPDATE pool SET failback = 'delayed' WHERE id = 1")
    assert world.execute(held).fetchall() == [("api", 0), ("static", 0), ("web", 0)]
    world.execute("UPDATE pool SET persistence_pool_id = NULL WHERE id = 3")
    world.execute(MANUAL)
    world.execute(SITE_DOWN)
    world.execute("UPDATE pool SET persistence_pool_id = 1 WHERE id = 3")
    assert world.execute(held).fetchall() == [("api", 0), ("static", 1), ("web", 1)]


def test_it_has_been_up_since_it_came_up_or_was_resumed(world):
    world.execute(MANUAL)
    world.execute(DOWN)
    world.execute(UP)
    old = "UPDATE site_state SET up_since = 5"
    since = "SELECT up_since = 5, abs(up_since - unixepoch()) < 60 FROM site_state"
    world.execute(old)
    world.execute("UPDATE virtual_server_metric SET measured_at = 9 WHERE name = 'availability'")
    world.execute(UP)
    assert world.execute(since).fetchone() == (1, 0)
    world.execute(RESUME)
    assert world.execute(since).fetchone() == (0, 1)
    world.execute(old)
    world.execute(RESUME)
    assert world.execute(since).fetchone() == (1, 0)  # it was not held
    world.execute(DOWN)
    world.execute(UP)
    assert world.execute(since).fetchone() == (0, 1)


@pytest.mark.parametrize("changes, statement", (
    (True, RESUME),
    (True, "UPDATE pool SET failback = 'stay' WHERE id = 1"),
    (True, "UPDATE virtual_server SET controller_id = 2 WHERE id = 1"),
    (False, "UPDATE virtual_server SET controller_id = controller_id, weight = 3 WHERE id = 1"),
    (False, "UPDATE site SET held = 0 WHERE controller = 'fra'"),
))
def test_processes_notice_that_a_site_is_resumed(world, changes, statement):
    for before in (MANUAL, DOWN, UP):
        world.execute(before)
    before = revision(world)[1]
    world.execute(statement)
    assert (revision(world)[1] != before) == changes


def test_what_is_held_goes_with_its_pool_or_controller(world):
    world.execute("INSERT INTO site_state (pool_id, controller_id) VALUES (4, 3), (5, 3), (1, 2)")
    world.execute("DELETE FROM pool WHERE id = 4")
    assert count(world, "site_state") == 2
    world.execute("DELETE FROM controller WHERE id = 3")
    assert count(world, "site_state") == 1


def test_a_home_that_is_set_by_hand_is_a_new_decision(world):
    world.execute("UPDATE share SET node = 7")
    world.execute("UPDATE persistence SET decided = 5, origin = 9")
    world.execute("DELETE FROM share_change")
    world.execute("UPDATE persistence SET home_id = 2 WHERE pool_id = 1")
    assert count(world, "persistence", "decided > 5 AND origin = 7") == count(
        world, "persistence", "pool_id = 1")
    assert count(world, "share_change") == count(world, "persistence", "pool_id = 1")
    world.execute("UPDATE persistence SET home_id = NULL WHERE pool_id = 4")
    assert count(world, "share_change") == count(world, "persistence", "pool_id = 1")


def test_the_view_mapping_shows_the_home(world):
    world.execute("UPDATE persistence SET home_id = 2 WHERE pool_id = 1")
    assert world.execute("SELECT home FROM mapping WHERE pool = 'web'").fetchall()[0] == ("fra",)
    world.execute("UPDATE persistence SET home_id = 99 WHERE pool_id = 1")
    assert world.execute("SELECT home FROM mapping WHERE pool = 'web'").fetchall()[0] == (None,)
