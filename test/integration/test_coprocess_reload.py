"""Changes by SQL count from the next question on, and rows that cannot be used are reported."""

import re
import threading
import time

import pytest

from coprocess import Coprocess
from database import Shell
from faults import HEAL_SECONDS
from processes import SECONDS_MAX, wait_until
from resolvers import ldns
from sample import IPV4, expected


# ---------------------------------------------------------------- changes


def test_a_committed_change_counts_for_the_very_next_question(served):
    coprocess, database = served
    with Shell(database.path) as shell:
        for number in range(400):
            address = f"192.0.2.{number % 250 + 1}"
            shell.change(f"UPDATE virtual_server SET ipv4 = '{address}' WHERE ipv4 IS NOT NULL;")
            assert coprocess.ask("www.example.com", "A").ipv4 == address


def test_a_committed_metric_counts_for_the_very_next_question(served):
    coprocess, database = served
    with Shell(database.path) as shell:
        for number in range(200):
            down = number % 3
            shell.change(
                "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"
                f" SELECT id, 'availability', id <> {down + 1} FROM controller;"
            )
            remote = ldns(number)
            answer = coprocess.ask("www.example.com", "A", remote)
            assert answer.ipv4 == expected(remote, down={down})


def test_a_pin_counts_for_the_very_next_question_and_so_does_its_end(served):
    coprocess, database = served
    remotes = [ldns(number) for number in range(10)]
    for remote in remotes:
        coprocess.ask("www.example.com", "A", remote)
    database.wait_for_writer()
    before = database.rows("SELECT * FROM persistence ORDER BY ldns")
    assert len(before) == len(remotes)
    with Shell(database.path) as shell:
        for number in range(30):
            remote, site = remotes[number % 10], number % 3
            shell.change("INSERT OR REPLACE INTO pin (id, network, pool_id, controller_id)"
                         f" VALUES (1, '{remote}', 1, {site + 1});")
            assert coprocess.ask("www.example.com", "A", remote).ipv4 == IPV4[site]
            shell.change("DELETE FROM pin;")
            assert coprocess.ask("www.example.com", "A", remote).ipv4 == expected(remote)
    database.wait_for_writer()
    assert database.rows("SELECT * FROM persistence ORDER BY ldns") == before


def test_a_pin_ends_by_itself(served):
    coprocess, database = served
    remote = ldns(1)
    home = expected(remote)
    other = (IPV4.index(home) + 1) % 3
    database.sql("INSERT INTO pin (network, controller_id, until)"
                 f" VALUES ('{remote}', {other + 1}, unixepoch() + 3600);")
    assert coprocess.ask("www.example.com", "A", remote).ipv4 == IPV4[other]
    database.sql("UPDATE pin SET until = unixepoch() + 2;")
    wait_until(lambda: coprocess.ask("www.example.com", "A", remote).ipv4 == home, SECONDS_MAX,
               "the end of the pin")
    assert database.rows("SELECT until <= unixepoch() FROM pin") == [(1,)]


def test_a_rollback_changes_nothing(served):
    coprocess, database = served
    first = coprocess.ask("www.example.com", "A").ipv4
    with Shell(database.path) as shell:
        for number in range(100):
            shell.change(f"BEGIN; UPDATE virtual_server SET ipv4 = '10.0.0.{number}';")
            assert coprocess.ask("www.example.com", "A").ipv4 == first
            shell.change("ROLLBACK;")
            assert coprocess.ask("www.example.com", "A").ipv4 == first


def test_a_change_of_several_rows_is_seen_whole_or_not_at_all(served):
    coprocess, database = served
    stop = threading.Event()

    def change():
        number = 0
        with Shell(database.path) as shell:
            while not stop.is_set():
                number = number % 200 + 1
                shell.change(
                    f"BEGIN IMMEDIATE; UPDATE virtual_server SET ipv4 = '192.0.2.{number}';"
                    f"UPDATE virtual_server SET ipv6 = '2001:db8::{number}'; COMMIT;"
                )

    writer = threading.Thread(target=change)
    coprocess.ask(remote=None)
    writer.start()
    seen = set()
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while len(seen) < 50 and time.monotonic() < deadline:
            answer = coprocess.ask(remote=None)
            (ipv4,), (ipv6,) = answer.contents("A"), answer.contents("AAAA")
            seen.add(ipv4)
            assert ipv4 in IPV4 or ipv4.rsplit(".", 1)[1] == ipv6.rsplit(":", 1)[1]
    finally:
        stop.set()
        writer.join()
    assert len(seen) >= 50


def test_an_unstuck_resolver_is_decided_anew(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    other = (IPV4.index(expected(ldns(1))) + 1) % 3
    database.wait_for_writer()
    database.sql(f"UPDATE persistence SET controller_id = {other + 1};")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == IPV4[other]
    database.sql(f"DELETE FROM persistence WHERE ldns = '{ldns(1)}';")
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))


def test_a_reload_that_cannot_be_done_leaves_the_last_configuration(served):
    coprocess, database = served
    assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
    database.sql(
        "ALTER TABLE balanced_name RENAME TO away;"
        "UPDATE setting SET value = 77 WHERE name = 'sweep_batch'; UPDATE pool SET ttl = 31;"
    )
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(10)]
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(10)]
    assert any("balanced_name" in log for answer in answers for log in answer.logs)
    assert {record.ttl for answer in answers for record in answer.records} == {30}
    database.sql("ALTER TABLE away RENAME TO balanced_name; UPDATE pool SET ttl = 32;")
    wait_until(
        lambda: [r.ttl for r in coprocess.ask("www.example.com", "A").records] == [32],
        HEAL_SECONDS,
        "the new configuration",
    )


# ---------------------------------------------------------------- changes of single rows


def add_many_pools(database):
    """Pools big-1 to big-1000 of ten servers, and a name for each."""
    database.sql(
        "BEGIN; CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n;"
        "INSERT INTO pool (id, name, persistence_ttl) SELECT 1000 + i, 'big-' || i, 0 FROM n;"
        "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
        " SELECT 1000 + n.i, 1 + p.i % 3, p.i, '10.0.0.' || p.i FROM n, n AS p WHERE p.i <= 10;"
        "INSERT INTO balanced_name SELECT 'big-' || i || '.example.com', 1000 + i FROM n; COMMIT;"
    )


def big_answers(coprocess):
    return [coprocess.ask(f"big-{number}.example.com", "A").ipv4 for number in range(1, 1001)]


def test_one_server_of_ten_thousand_counts_for_the_very_next_question(served):
    coprocess, database = served
    add_many_pools(database)
    with Shell(database.path) as shell:
        for number in range(300):
            pool = 1 + 7 * number % 1000
            name, address = f"big-{pool}.example.com", f"192.0.2.{number % 250 + 1}"
            asked = coprocess.ask(name, "A").ipv4
            shell.change(
                f"UPDATE virtual_server SET ipv4 = '{address}'"
                f" WHERE pool_id = {1000 + pool} AND ipv4 = '{asked}';"
            )
            assert coprocess.ask(name, "A").ipv4 == address
    with Coprocess(database.path) as fresh:
        assert big_answers(coprocess) == big_answers(fresh)


def test_rows_of_several_tables_in_one_transaction_are_seen_together(served):
    coprocess, database = served
    with Shell(database.path) as shell:
        for number in range(100):
            drained, address = number % 3, f"192.0.2.{number + 1}"
            shell.change(
                f"BEGIN; UPDATE pool SET ttl = {number}, persistence_ttl = 0 WHERE id = 1;"
                f"UPDATE controller SET state = iif(id = {drained} + 1, 'disabled', 'enabled');"
                f"UPDATE virtual_server SET ipv4 = '{address}' WHERE id <> 1 + {drained}; COMMIT;"
            )
            (record,) = coprocess.ask("www.example.com", "A").records
            assert (record.ttl, record.content) == (number, address)


def test_many_changes_between_two_questions_count_for_the_next_one(served):
    coprocess, database = served
    with Shell(database.path) as shell:
        for changes in (1, 2, 255, 256, 400, 1000):
            shell.change(
                "BEGIN;" + "".join(f"UPDATE pool SET ttl = {ttl} WHERE id = 1;"
                                   for ttl in range(2000 - changes, 1999))
                + f"UPDATE pool SET ttl = {changes} WHERE id = 1; COMMIT;"
            )
            assert [r.ttl for r in coprocess.ask("www.example.com", "A").records] == [changes]


def test_what_a_transaction_of_rows_and_of_other_tables_changes_is_seen(served):
    coprocess, database = served
    database.sql(
        "BEGIN; UPDATE pool SET ttl = 77, persistence_ttl = 0;"
        "INSERT INTO balanced_name VALUES ('new.example.com', 1); COMMIT;"
    )
    assert [r.ttl for r in coprocess.ask("new.example.com", "A").records] == [77]
    database.sql(
        "BEGIN; DELETE FROM balanced_name WHERE name = 'new.example.com';"
        "UPDATE pool SET ttl = 78; COMMIT;"
    )
    assert coprocess.ask("new.example.com", "A").records == []
    assert [r.ttl for r in coprocess.ask("www.example.com", "A").records] == [78]


# ---------------------------------------------------------------- rows that cannot be used


BAD_ROWS = (  # what an operator may do without the triggers, and the words in the log
    ("INSERT INTO pool (id, name, method) VALUES (20, 'odd', 'tarot')", "pool odd: .*tarot"),
    ("INSERT INTO pool (id, name) VALUES (21, 'bare')", "pool bare: .*no virtual servers"),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES (31, 1, 1, 31, '192.0.2.999')",
        "virtual_server 31: 192.0.2.999",
    ),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv6)"
        " VALUES (32, 1, 1, 32, '2001:db8:::1')",
        "virtual_server 32: 2001:db8:::1",
    ),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES (33, 1, 77, 33, '192.0.2.1')",
        "virtual_server 33: controller 77",
    ),
    (
        "INSERT INTO virtual_server (id, pool_id, controller_id, position, ipv4)"
        " VALUES (34, 77, 1, 34, '192.0.2.1')",
        "virtual_server 34: pool 77",
    ),
    ("INSERT INTO balanced_name VALUES ('lost.example.com', 77)", "lost.example.com: pool 77"),
    (
        "INSERT INTO record (id, zone_id, name, type, content)"
        " VALUES (41, 77, 'x.example.net', 'A', '192.0.2.1')",
        "record 41 .*zone",
    ),
    (
        "INSERT INTO record (id, zone_id, name, type, content)"
        " VALUES (42, 1, 'x.example.com', 'A', 'no address')",
        "record 42 .*IPv4",
    ),
    ("INSERT INTO pin (id, network, pool_id, controller_id) VALUES (51, '10.9.0.0/16', 1, 77)",
     r"pin 51 \(10.9.0.0/16\): controller 77"),
    ("INSERT INTO pin (id, network, controller_id) VALUES (52, '2001:db8:9::/33', 1)",
     "pin 52: 2001:db8:9::/33 has bits after its prefix"),
    ("UPDATE pool SET fallback_pool_id = 77 WHERE id = 2", "pool api: fallback_pool_id 77"),
    ("UPDATE pool SET persistence_pool_id = 77 WHERE id = 2", "pool api: persistence_pool_id 77"),
)


def drop_guards(database):
    """Without the triggers that refuse what would dangle; those that count changes stay."""
    names = database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'revision%'"
    )
    database.sql("".join(f"DROP TRIGGER {name};" for (name,) in names))


@pytest.mark.parametrize("sql, words", BAD_ROWS, ids=[words for _, words in BAD_ROWS])
def test_a_row_that_cannot_be_used_is_named_once_and_the_rest_serves_on(served, sql, words):
    coprocess, database = served
    drop_guards(database)
    assert coprocess.ask("www.example.com", "A").logs == []
    database.sql(sql + ";")
    answer = coprocess.ask("www.example.com", "A")
    assert answer.ipv4 == expected("192.0.2.10")
    assert len(answer.logs) == 1 and re.search(words, answer.logs[0]), answer.logs
    for _ in range(3):  # another reload does not say it again
        database.sql("UPDATE pool SET ttl = ttl + 1;")
        answer = coprocess.ask("www.example.com", "A")
        assert (answer.ipv4, answer.logs) == (expected("192.0.2.10"), [])
    assert any(re.search(words, line) for line in coprocess.command("status"))


def test_one_row_that_makes_the_rest_contradict_itself_is_reported(served):
    """Only the row is read again, but all of it is searched."""
    coprocess, database = served
    database.sql(
        "INSERT INTO pool (id, name, persistence_pool_id) VALUES (9, 'static', 1);"
        " INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
        " SELECT 9, controller_id, position, ipv4 FROM virtual_server WHERE pool_id = 1;"
    )
    assert coprocess.ask("www.example.com", "A").logs == []
    database.sql("UPDATE virtual_server SET state = 'disabled' WHERE pool_id = 9 AND position = 2;")
    words = "pool static uses the mappings of pool web, but only pool web has a server at fra"
    answers = [coprocess.ask("www.example.com", "A") for _ in range(2)]
    assert [log for answer in answers for log in answer.logs] == [words]


def test_a_row_that_is_mended_and_broken_again_is_not_named_twice_within_a_minute(served):
    coprocess, database = served
    for number in range(4):
        database.sql("INSERT INTO pool (name) VALUES ('odd');")
        assert len(coprocess.ask().logs) == (number == 0)
        database.sql("DELETE FROM pool WHERE name = 'odd';")
        assert coprocess.ask().logs == []


def test_a_thousand_bad_rows_make_a_short_log(served):
    coprocess, database = served
    database.sql(
        "INSERT INTO pool (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
        " FROM n WHERE i < 1000) SELECT 'odd' || i FROM n;"
    )
    answer = coprocess.ask("www.example.com", "A")
    assert answer.ipv4 == expected("192.0.2.10")
    assert 2 <= len(answer.logs) <= 20
    assert "1000" in answer.logs[-1]
