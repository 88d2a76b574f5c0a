"""What servers with names rule out, from each side: see the view allowed_answer of the schema."""

import re

import pytest

from schema import SCHEMA_SQL, assert_needed, assert_refused, assert_untouched, refusing_triggers

MIXED = "a pool and its fallback pools have servers with addresses or servers with names, not both"
RECORDS = ("a balanced name is a CNAME if its pool has servers with names: it cannot have other"
           " records, delete or disable them first")
APEX = ("a balanced name is a CNAME if its pool has servers with names: it cannot be the apex of a"
        " zone")


def server(pool, column, value, position=1):
    return (f"INSERT INTO virtual_server (pool_id, controller_id, position, {column})"
            f" VALUES ({pool}, 1, {position}, '{value}')")


def named(pool, position=1):
    return server(pool, "name", "lb.cloud.example", position)


def addressed(pool, position=1):
    return server(pool, "ipv4", "192.0.2.9", position)


def balanced(name, pool):
    return f"INSERT INTO balanced_name VALUES ('{name}', {pool})"


def text(name, disabled=0):
    return ("INSERT INTO record (zone_id, name, type, content, disabled)"
            f" VALUES (1, '{name}', 'TXT', 'x', {disabled})")


def fallback(pool, other):
    return f"UPDATE pool SET fallback_pool_id = {other} WHERE id = {pool}"


APP, OTHER = "app.example.com", "other.example.com"

# In the world of schema.py the pools 1 and 2 have addresses, 4, 5 and 6 have no servers; pool 2
# falls back on 1, and 6 on 5.
ROWS = [
    ((named(5), addressed(5, 2)), MIXED, (named(5), named(5, 2))),
    ((named(5), addressed(6)), MIXED, (named(5), named(6))),
    ((addressed(6), named(5)), MIXED, (named(6), named(5))),
    ((fallback(5, 4), named(4), addressed(6)), MIXED, (fallback(5, 4), named(4), named(6))),
    ((fallback(5, 4), addressed(6), named(4)), MIXED, (addressed(6), named(4))),
    ((named(5), "UPDATE virtual_server SET pool_id = 6, position = 2 WHERE id = 3"), MIXED,
     (named(5), "UPDATE virtual_server SET pool_id = 4, position = 2 WHERE id = 3")),
    ("UPDATE virtual_server SET name = 'lb.cloud.example', ipv4 = NULL WHERE id = 3", MIXED,
     (fallback(2, "NULL"),
      "UPDATE virtual_server SET name = 'lb.cloud.example', ipv4 = NULL WHERE id = 3")),
    ((named(5), named(5, 2), "UPDATE virtual_server SET name = NULL, ipv4 = '192.0.2.9'"
      " WHERE pool_id = 5 AND position = 2"), MIXED,
     (named(5), "UPDATE virtual_server SET name = NULL, ipv4 = '192.0.2.9' WHERE pool_id = 5")),
    ((named(5), fallback(1, 6)), MIXED, (named(5), fallback(4, 6))),
    ((named(5), "INSERT OR REPLACE INTO pool (id, name, fallback_pool_id) VALUES (1, 'web', 5)"),
     MIXED,
     (named(5), "INSERT OR REPLACE INTO pool (id, name, fallback_pool_id) VALUES (4, 'spare', 5)")),

    ((named(5), balanced(APP, 5), text("APP.example.com")), RECORDS,
     (named(5), balanced(APP, 5), text(APP, disabled=1))),
    ((named(5), balanced(APP, 6), text(APP)), RECORDS, (named(5), balanced(APP, 6), text(OTHER))),
    ((named(5), balanced("*.example.com", 5), text("*.example.com")), RECORDS,
     (named(5), balanced("*.example.com", 5), text("x.example.com"))),
    ((named(5), balanced(APP, 5), f"UPDATE record SET name = '{APP}' WHERE id = 4"), RECORDS,
     (named(5), balanced(APP, 5), f"UPDATE record SET name = '{OTHER}' WHERE id = 4")),
    ((named(5), balanced(APP, 5), text(APP, disabled=1), "UPDATE record SET disabled = 0"
      f" WHERE name = '{APP}'"), RECORDS,
     (named(5), balanced(APP, 5), text(APP, disabled=1), "UPDATE record SET ttl = 0"
      f" WHERE name = '{APP}'")),
    ((text(APP), balanced(APP, 5), named(5)), RECORDS, (text(OTHER), balanced(APP, 5), named(5))),
    ((text(APP), balanced(APP, 6), named(5)), RECORDS, (text(APP), balanced(APP, 4), named(5))),
    ((text(APP), balanced(APP, 4), named(5),
      "UPDATE virtual_server SET pool_id = 4 WHERE pool_id = 5"), RECORDS,
     (text(APP), balanced(APP, 4), named(5),
      "UPDATE virtual_server SET pool_id = 6 WHERE pool_id = 5")),
    ((text(APP), named(5), balanced("APP.example.com", 6)), RECORDS,
     (text(APP), named(5), balanced("APP.example.com", 4))),
    ((text(APP), named(5), balanced(APP, 4), f"UPDATE balanced_name SET pool_id = 5"
      f" WHERE name = '{APP}'"), RECORDS,
     (text(APP), named(5), balanced(APP, 4), f"UPDATE balanced_name SET pool_id = 1"
      f" WHERE name = '{APP}'")),
    ((text(APP), named(5), balanced(APP, 4), fallback(4, 5)), RECORDS,
     (text(APP), named(5), balanced(OTHER, 4), fallback(4, 5))),
    ((text(APP), named(5), balanced(APP, 4), "INSERT OR REPLACE INTO pool (id, name,"
      " fallback_pool_id) VALUES (4, 'spare', 5)"), RECORDS,
     (text(APP), named(5), balanced(APP, 4), "INSERT OR REPLACE INTO pool (id, name,"
      " fallback_pool_id) VALUES (4, 'spare', 1)")),

    ((named(5), balanced("Empty.example", 5)), APEX, (named(5), balanced("x.empty.example", 5))),
    ((balanced("empty.example", 6), named(5)), APEX, (balanced("empty.example", 6), addressed(5))),
    ((named(5), balanced("new.example", 6), "INSERT INTO zone (name) VALUES ('NEW.example')"),
     APEX,
     (named(5), balanced("x.new.example", 6), "INSERT INTO zone (name) VALUES ('NEW.example')")),
    ((named(5), balanced("new.example", 6), "UPDATE zone SET name = 'new.example' WHERE id = 2"),
     APEX,
     (named(5), balanced("new.example", 6), "UPDATE zone SET name = 'n.example' WHERE id = 2")),
    ((named(5), balanced("empty.example", 4), fallback(4, 6)), APEX,
     (named(5), balanced("empty.example", 4), fallback(4, 1))),
]


@pytest.mark.parametrize("foreign_keys", (0, 1))
@pytest.mark.parametrize("statement, message, neighbour", ROWS)
def test_an_invalid_row_is_rejected_with_a_message_and_its_neighbour_passes(
        rows_world, statement, message, neighbour, foreign_keys):
    rows_world.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    assert_refused(rows_world, statement, message, neighbour)


def test_a_rejected_statement_leaves_every_row_and_the_revision_as_they_were(world):
    assert_untouched(world, ROWS)


def test_each_message_of_the_view_is_among_these():
    assert {message for trigger, message in refusing_triggers()
            if trigger == "allowed_answer_check"} == {message for _, message, _ in ROWS}


@pytest.mark.parametrize("trigger", re.findall(r"TRIGGER IF NOT EXISTS ((?!allowed)\w+_answer_\w+)\s", SCHEMA_SQL))
def test_every_trigger_that_asks_the_view_has_a_row_that_passes_without_it(rows_world, trigger):
    for message in (MIXED, RECORDS, APEX):
        try:
            assert_needed(rows_world, trigger, message, ROWS)
            return
        except AssertionError:
            pass
    raise AssertionError(f"{trigger} is not needed")


def test_a_database_without_names_has_no_such_rules(rows_world):
    assert_refused(rows_world, (named(5), addressed(5, 2)), MIXED,
                   (addressed(5), addressed(6), text(APP), balanced(APP, 5),
                    balanced("empty.example", 5), fallback(4, 5), fallback(1, 4)))
