"""Databases of another version, and migrations while coprocesses answer."""

import threading

from coprocess import Coprocess
from faults import answers_without_rows
from processes import as_user, backend_path, run
from resolvers import ldns
from sample import expected


def test_a_database_of_a_newer_version_is_served_read_only_and_says_so(demo_database):
    demo_database.sql("PRAGMA user_version = 3;")
    with Coprocess(demo_database.path) as coprocess:
        answers_without_rows(coprocess, r"version 3, newer than this program's 2.* read-only")
        assert demo_database.rows("SELECT * FROM persistence") == []
        assert any("newer" in line for line in coprocess.command("status"))


def run_program(database, *words):
    argv = [str(backend_path()), "--database", str(database), *words]
    return run(as_user(argv))


def test_migrations_run_while_backends_answer(demo_database, workspace):
    folder = workspace / "migrations"
    folder.mkdir()
    (folder / "3.sql").write_text(
        "ALTER TABLE pool ADD COLUMN motto TEXT NOT NULL DEFAULT 'semper';\n"
        "CREATE TABLE motto (id INTEGER PRIMARY KEY) STRICT;\n"
        "INSERT INTO motto WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 20000) SELECT i FROM n;\n"
    )
    (folder / "4.sql").write_text("CREATE TABLE half (id INTEGER) STRICT;\nNOT SQL AT ALL;\n")
    folder.chmod(0o755)
    stop, failures, asked = threading.Event(), [], [0, 0]

    def resolver(which, coprocess):
        number = which
        while not stop.is_set():
            remote = ldns(number)
            answer = coprocess.ask("www.example.com", "A", remote)
            if answer.ipv4 != expected(remote):
                failures.append(answer.lines)
            number += 2
        asked[which] = number

    with Coprocess(demo_database.path) as first, Coprocess(demo_database.path) as second:
        threads = [
            threading.Thread(target=resolver, args=pair) for pair in enumerate((first, second))
        ]
        for thread in threads:
            thread.start()
        migrated = run_program(demo_database.path, "migrate", str(folder))
        broken = run_program(demo_database.path, "migrate", str(folder))
        stop.set()
        for thread in threads:
            thread.join()
        assert failures == []
        assert min(asked) > 2
        assert migrated.returncode == broken.returncode == 1
        assert "4.sql" in migrated.stderr and "syntax error" in migrated.stderr
        assert demo_database.rows("PRAGMA user_version") == [(3,)]
        assert demo_database.rows("SELECT count(*) FROM motto") == [(20000,)]
        assert demo_database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'half'") == []
        (folder / "4.sql").write_text("CREATE TABLE whole (id INTEGER) STRICT;\n")
        last = run_program(demo_database.path, "migrate", str(folder))
        assert (last.returncode, last.stderr) == (0, "")
        assert "version 3 became 4" in last.stdout
        assert demo_database.rows("PRAGMA user_version") == [(4,)]
        again = run_program(demo_database.path, "migrate", str(folder))
        assert again.returncode == 0 and "already" in again.stdout
        for coprocess in (first, second):
            assert coprocess.ask().ipv4 == expected("192.0.2.10")
