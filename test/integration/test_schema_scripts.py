"""schema.sql and demo.sql, run by the sqlite3 shell as an operator runs them."""

import re
import sqlite3
import textwrap

import pytest

from processes import REPOSITORY, as_user, run
from schema import DEMO_SQL, SCHEMA_SQL, TABLES, connect, count, revision, shell


def test_the_schema_makes_a_complete_empty_database(empty):
    db = connect(empty)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA application_id").fetchone() == (0x50535459,)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    strict = {row[1]: row[5] for row in db.execute("PRAGMA table_list") if row[1] in TABLES}
    assert strict == dict.fromkeys(TABLES, 1)
    assert {table for table in TABLES if count(db, table)} == {"setting", "revision", "share"}
    assert db.execute("SELECT name, value FROM setting ORDER BY name").fetchall() == [
        ("brake_percent", 50), ("brake_window", 30), ("checkpoint_interval", 5),
        ("max_checks", 1000), ("max_megabytes", 1024), ("max_writes_per_second", 2000),
        ("metric_max_age", 60), ("path_metric_max_age", 86400), ("powerdns_version", 407),
        ("share_grace", 60),
        ("share_outbox_rows", 1000000), ("share_poll_ms", 10), ("share_quorum", 0),
        ("share_rows_per_second", 20000),
        ("share_skew", 10), ("share_walk", 3600), ("sweep_batch", 1000), ("sweep_interval", 1)]
    assert [number for (number,) in db.execute("SELECT id FROM revision")] == [1]


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
    assert "this file is another database" in applied.stderr
    db = connect(path)
    assert [line for line in db.iterdump() if "pool" in line] == [
        "CREATE TABLE pool (x);", 'INSERT INTO "pool" VALUES(1);']
    assert count(db, "sqlite_schema") == 1
    assert db.execute("SELECT a.application_id, v.user_version "
                      "FROM pragma_application_id AS a, pragma_user_version AS v"
                      ).fetchone() == (0, 0)


def test_the_schema_applied_to_a_newer_version_keeps_that_version(world, tmp_path):
    world.execute("PRAGMA user_version = 2")
    before = list(world.iterdump())
    applied = shell(tmp_path / "sticky.db", SCHEMA_SQL)
    assert applied.returncode != 0
    assert "another version" in applied.stderr
    assert world.execute("PRAGMA user_version").fetchone() == (2,)
    assert list(world.iterdump()) == before


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


CSV_HEADER = "pool,controller,position,ipv4,ipv6\n"


def read_csv(database, rows):
    """What README says; the finished shell."""
    recipe = re.search(r"<<'END'\n(.*?)\n    END\n", (REPOSITORY / "README").read_text(), re.DOTALL)[1]
    (database.path.parent / "servers.csv").write_text(CSV_HEADER + rows)
    shell = as_user(["sqlite3", "-bail", database.path])
    return run(shell, input=textwrap.dedent(recipe), cwd=database.path.parent)


def test_servers_are_added_from_a_csv_file(sample_database):
    before = sample_database.rows("SELECT count(*) FROM virtual_server")
    bad = read_csv(sample_database, "web,ams,71,192.0.2.71,\nnosuch,fra,72,192.0.2.72,\n")
    assert bad.returncode != 0 and "pool_id" in bad.stderr
    assert sample_database.rows("SELECT count(*) FROM virtual_server") == before
    good = read_csv(sample_database, 'web,ams,71,192.0.2.71,\nweb,fra,72,,"2001:db8::72"\n')
    assert (good.returncode, good.stderr) == (0, "")
    assert sample_database.rows(
        "SELECT v.position, c.name, v.ipv4, v.ipv6 FROM virtual_server v"
        " JOIN controller c ON c.id = v.controller_id WHERE v.position > 70 ORDER BY 1"
    ) == [(71, "ams", "192.0.2.71", None), (72, "fra", None, "2001:db8::72")]
