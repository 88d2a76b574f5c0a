"""Migrations that are made up here: of a database in use, killed, run twice at once, and broken.

No release has been made, so there is none to migrate from yet.
"""

import contextlib
import re
import subprocess
import threading
from pathlib import Path

import pytest

from coprocess import Coprocess
from faults import answers_without_rows
from database import Database
from processes import SECONDS_MAX, as_user, control_path, run, wait_until
from resolvers import ldns
from sample import expected
from schema import SCHEMA_SQL, connect


def tokens(sql):
    """What a statement says: without comments and white space."""
    return re.sub(r"\s+", "", re.sub(r"--[^\n]*", "", sql))


def structure(path):
    """All that is declared in a database, and its version."""
    with connect(path) as db:
        declared = {(kind, name): tokens(sql) for kind, name, sql in db.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        return declared, db.execute("PRAGMA user_version").fetchone()


def rows(path, tables):
    with connect(path) as db:
        return {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


# What a later version may bring: a column, a table and rows.
ADDS = """
ALTER TABLE pool ADD COLUMN motto TEXT NOT NULL DEFAULT 'semper';
CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
INSERT INTO note VALUES (1, 'once');
"""



def widened(view, last, new):
    """What gives the list of a view one more word, behind its last one."""
    (create,) = re.findall(rf"CREATE VIEW IF NOT EXISTS {view} .*?;\n", SCHEMA_SQL, re.DOTALL)
    (check,) = re.findall(rf"CREATE TRIGGER IF NOT EXISTS {view}_check .*?\nEND;\n", SCHEMA_SQL,
                          re.DOTALL)
    return "\n".join((f"DROP VIEW {view};",
                      create.replace(f"('{last}')", f"('{last}'), ('{new}')"),
                      check.replace(f"{last}'", f"{last}, {new}'")))


# So many rows that they do not fit into SQLite's cache: the log grows before the commit.
FILL = """
INSERT INTO note WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {})
  SELECT i, 'filler' FROM n;
"""
LONG, FAR_TOO_LONG = FILL.format(300000), FILL.format(1000000000)


class Migration:
    """A database in use, and a folder of migrations for it."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder
        folder.mkdir()
        folder.chmod(0o755)

    def write(self, number, sql):
        (self.folder / f"{number}.sql").write_text(sql)

    def start(self):
        """The running command."""
        argv = [control_path(), "--database", self.database.path, "migrate", self.folder]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(as_user(argv), text=True, **pipes)

    def run(self):
        """Exit status, standard output and standard error of the command."""
        return ended(self.start())

    def version(self):
        return self.database.rows("PRAGMA user_version")[0][0]


def ended(process):
    output, errors = process.communicate(timeout=SECONDS_MAX)
    return process.returncode, output, errors


@pytest.fixture
def migration(sample_database, workspace):
    sample_database.sql(
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl) VALUES"
        " (1, '203.0.113.7', 3, 'modulus', unixepoch(), 3600);"
        "DELETE FROM setting WHERE name = 'sweep_batch';")
    return Migration(sample_database, workspace / "migrations")


class Asker:
    """Asks a coprocess again and again, each time for another resolver."""

    def __init__(self, coprocess):
        self.coprocess = coprocess
        self.asked, self.failures, self.logs = 0, [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _ask(self):
        while not self._stop.is_set():
            resolver = ldns(self.asked)
            answer = self.coprocess.ask("www.example.com", "A", resolver)
            if answer.ipv4 != expected(resolver):
                self.failures.append(answer.lines)
            self.logs += answer.logs
            self.asked += 1

    def asks_more(self):
        """Waits until it has asked, and been answered, some times more."""
        seen = self.asked
        wait_until(lambda: self.asked > seen + 20, SECONDS_MAX, "more questions")


KEPT = ("zone", "record", "controller", "virtual_server", "balanced_name", "ldns_group", "setting")


def test_a_migration_adds_and_leaves_what_was_there(migration):
    path = migration.database.path
    migration.write(2, ADDS)
    before, (declared, _) = rows(path, (*KEPT, "persistence")), structure(path)
    status, output, errors = migration.run()
    assert (status, errors) == (0, "")
    assert "version 1 became 2" in output
    assert rows(path, (*KEPT, "persistence")) == before
    now, version = structure(path)
    assert version == (2,)
    assert {key for key in declared if now[key] != declared[key]} == {("table", "pool")}
    assert now.keys() - declared.keys() == {("table", "note")}
    assert migration.database.rows("SELECT DISTINCT motto FROM pool") == [("semper",)]
    assert migration.database.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_migration_that_is_done_is_not_run_again(migration):
    migration.write(2, ADDS)
    migration.run()
    before = structure(migration.database.path)
    status, output, errors = migration.run()
    assert (status, errors) == (0, "")
    assert "is of version 2 already" in output
    assert structure(migration.database.path) == before


def test_a_database_is_served_before_during_and_after_its_migration(migration):
    migration.write(2, ADDS + LONG)
    with Coprocess(migration.database.path) as coprocess:
        with Asker(coprocess) as asker:
            asker.asks_more()
            status, _, errors = migration.run()
            assert (status, errors) == (0, "")
            asker.asks_more()
        assert asker.failures == []
        # On a busy machine it may take so long that more is answered than claims have room for.
        assert all("locked" in log or "it is full" in log for log in asker.logs), asker.logs
        # Whoever had it open before goes on to keep mappings.
        coprocess.ask("www.example.com", "A", "192.0.2.10")
        assert "192.0.2.10" in migration.database.mappings("web")


def test_a_migration_can_widen_a_list_and_older_processes_skip_the_new_word(migration):
    migration.write(2, widened("allowed_method", "topology", "nearest"))
    with Coprocess(migration.database.path) as coprocess:
        coprocess.ask()
        assert migration.run()[0] == 0
        migration.database.sql("UPDATE pool SET method = 'nearest' WHERE name = 'api';")
        with pytest.raises(AssertionError, match="topology, nearest"):
            migration.database.sql("UPDATE pool SET method = 'farthest' WHERE name = 'api';")
        answer = coprocess.ask("www.example.com", "A", "192.0.2.10")
        assert answer.ipv4 == expected("192.0.2.10")
        assert "pool api: unknown method nearest" in answer.logs
        assert coprocess.ask("api.example.com", "A", "192.0.2.10").ipv4 is None


def test_a_database_of_a_newer_version_is_served_read_only_and_says_so(sample_database):
    sample_database.sql("PRAGMA user_version = 2;")
    with Coprocess(sample_database.path) as coprocess:
        answers_without_rows(coprocess, r"version 2, newer than this program's 1.* read-only")
        assert sample_database.rows("SELECT * FROM persistence") == []
        assert any("newer" in line for line in coprocess.command("status"))


def test_a_dump_that_was_read_in_is_recognized_and_becomes_a_database_again(sample_database):
    """The shell's .dump leaves out the two numbers that say whose a database is."""
    sample_database.sql("INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp,"
                        " ttl) VALUES (1, '192.0.2.77', 2, 'modulus', 1, 2);")
    restored = Database(sample_database.path.with_name("restored.sqlite"))
    dump = run(["sqlite3", sample_database.path, ".dump"]).stdout
    assert run(as_user(["sqlite3", restored.path]), input=dump).returncode == 0
    with Coprocess(restored.path) as coprocess:
        answer = coprocess.ask("www.example.com", "A", "192.0.2.10")
        command = rf"pdns-stickyctl --database {restored.path} migrate"
        assert answer.ipv4 is None and re.search(f"made from a dump.*{command}", answer.logs[0])
        argv = as_user([control_path(), "--database", restored.path, "migrate"])
        migrated = run(argv)
        assert (migrated.returncode, migrated.stderr) == (0, "")
        assert "made from a dump, is of version 1" in migrated.stdout
        assert "is of version 1 already" in run(argv).stdout
        wait_until(
            lambda: coprocess.ask("www.example.com", "A", "192.0.2.10").ipv4
            == expected("192.0.2.10"),
            SECONDS_MAX,
            "an answer",
        )
        wait_until(lambda: "192.0.2.10" in restored.mappings("web"), SECONDS_MAX, "its row")
    assert structure(restored.path) == structure(sample_database.path)
    assert rows(restored.path, KEPT) == rows(sample_database.path, KEPT)
    assert restored.rows("PRAGMA journal_mode") == [("wal",)]


def test_another_database_is_not_taken_for_a_dump(tmp_path):
    path = tmp_path / "other.sqlite"
    with connect(path) as db:
        db.executescript("CREATE TABLE zone (id); CREATE TABLE pool (id);")
    done = run([control_path(), "--database", path, "migrate"])
    assert done.returncode == 1 and "not a pdns-sticky database" in done.stderr + done.stdout


def test_a_migration_that_is_killed_has_changed_nothing(migration):
    path = migration.database.path
    before = rows(path, KEPT), structure(path)
    migration.write(2, ADDS + FAR_TOO_LONG)
    log = path.with_name(path.name + "-wal")
    with Coprocess(path) as coprocess:
        coprocess.ask()
        size = log.stat().st_size
        running = migration.start()
        wait_until(lambda: log.stat().st_size > size + 1000000, SECONDS_MAX, "half a migration")
        running.kill()
        status, output, _ = ended(running)
        assert (status, output) == (-9, "")
        assert (rows(path, KEPT), structure(path)) == before
        assert coprocess.ask("www.example.com", "A", "192.0.2.11").ipv4
        assert "192.0.2.11" in migration.database.mappings("web")
    assert migration.database.rows("PRAGMA integrity_check") == [("ok",)]
    migration.write(2, ADDS)
    assert migration.run()[0] == 0
    assert migration.version() == 2
    assert migration.database.rows("SELECT * FROM note") == [(1, "once")]


def has_open(process, path):
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it may close it meanwhile
            if link.samefile(path):
                return True
    return False


def test_a_migration_that_is_started_twice_at_once_is_run_once(migration):
    migration.write(2, ADDS)
    path = migration.database.path
    with migration.database.locked():
        both = [migration.start(), migration.start()]
        wait_until(lambda: all(has_open(process, path) for process in both), SECONDS_MAX,
                   "two who wait for the lock")
    for status, output, errors in map(ended, both):
        assert (status, errors) == (0, "")
        assert "became 2" in output or "2 already" in output
    assert migration.version() == 2
    assert migration.database.rows("SELECT * FROM note") == [(1, "once")]


def test_a_migration_that_fails_half_way_is_rolled_back_and_those_before_it_stay(migration):
    path = migration.database.path
    migration.write(2, ADDS)
    migration.write(3, "CREATE TABLE half (id INTEGER) STRICT;\nINSERT INTO note VALUES (1, 'x');")
    status, output, errors = migration.run()
    assert (status, output) == (1, "")
    assert "3.sql" in errors and "UNIQUE constraint failed: note.id" in errors
    declared, version = structure(path)
    assert version == (2,)
    assert ("table", "note") in declared and ("table", "half") not in declared
    migration.write(3, "CREATE TABLE whole (id INTEGER) STRICT;")
    status, output, _ = migration.run()
    assert status == 0 and "version 2 became 3" in output
    assert ("table", "whole") in structure(path)[0]
