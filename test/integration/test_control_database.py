"""pdns-stickyctl init, backup and restore: the database as a whole."""

import os
import pwd
import sqlite3
import stat

import pytest

from coprocess import Coprocess
from processes import REPOSITORY, USER, as_user, control_path, give_to_user, run

pytestmark = pytest.mark.skipif(not USER, reason="only root gives files to others")
SCHEMA = REPOSITORY / "schema" / "schema.sql"


def control(path, *words, user=None):
    argv = [control_path(), "--database", path, *words]
    return run(as_user(argv, user) if user else argv)


def init(path, *words, user=None):
    return control(path, "init", "--schema", SCHEMA, *words, user=user)


def owner_and_mode(path):
    status = os.stat(path)
    return pwd.getpwuid(status.st_uid).pw_name, stat.S_IMODE(status.st_mode)


def mode_of(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


def test_root_makes_the_database_for_the_user_of_powerdns(workspace):
    path = workspace / "new" / "sticky.sqlite"
    done = init(path, "--user", USER)
    assert done.returncode == 0, done.stderr
    assert owner_and_mode(path.parent) == (USER, 0o750)
    assert owner_and_mode(path) == (USER, 0o640)
    assert mode_of(path) == "wal"
    assert "pipe-command=" in done.stdout and "check" in done.stdout
    with Coprocess(path) as coprocess:
        assert not any("problem" in line for line in coprocess.command("status"))


def test_the_owner_of_the_directory_owns_the_database(workspace):
    path = workspace / "sticky.sqlite"
    assert init(path).returncode == 0
    assert owner_and_mode(path) == (USER, 0o640)


def test_another_user_makes_it_for_itself(workspace):
    path = workspace / "sticky.sqlite"
    done = init(path, user=USER)
    assert done.returncode == 0, done.stderr
    assert owner_and_mode(path) == (USER, 0o640)
    other = init(workspace / "other.sqlite", "--user", "root", user=USER)
    assert other.returncode == 1 and "only root" in other.stderr


@pytest.mark.parametrize(
    "words, told",
    [
        (["--user", "nobody-of-that-name"], "there is no user nobody-of-that-name"),
        (["--schema", "/nonexistent.sql"], "/nonexistent.sql is not there"),
        (["--schema", "/etc/hostname"], "syntax error"),
    ],
)
def test_nothing_is_left_of_one_that_cannot_be_made(workspace, words, told):
    for path in (workspace / "sticky.sqlite", workspace / "new" / "sticky.sqlite"):
        done = control(path, "init", *words)
        assert done.returncode == 1 and told in done.stderr
        assert list(workspace.iterdir()) == []


def test_one_that_is_there_is_not_touched(sample_database):
    before = sample_database.rows("SELECT count(*) FROM record")
    done = init(sample_database.path)
    assert done.returncode == 1 and "is there already" in done.stderr
    assert sample_database.rows("SELECT count(*) FROM record") == before


@pytest.fixture
def backup(served, workspace):
    """A coprocess that has answered, its database, and a backup of it that root has made."""
    coprocess, database = served
    coprocess.ask("www.example.com", remote="192.0.2.10")
    file = workspace / "backup.sqlite"
    done = control(database.path, "backup", file)
    assert done.returncode == 0, done.stderr
    return coprocess, database, file


def restored(database, file):
    return control(database.path, "restore", file)


def test_a_backup_has_what_was_answered(backup):
    _, database, file = backup
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    with sqlite3.connect(file) as copy:
        assert copy.execute("SELECT ldns FROM persistence").fetchall() == [("192.0.2.10",)]
    assert not file.with_name("backup.sqlite.part").exists()
    again = control(database.path, "backup", file)
    assert again.returncode == 1 and "is there already" in again.stderr


def test_a_restored_database_is_served_on(backup):
    coprocess, database, file = backup
    database.sql("UPDATE virtual_server SET ipv4 = '192.0.2.99' WHERE ipv4 = '198.51.100.80'")
    database.sql("DELETE FROM persistence")
    assert "192.0.2.99" in str(coprocess.ask("www.example.com", remote="192.0.2.10"))
    done = restored(database, file)
    assert done.returncode == 0, done.stderr
    assert "198.51.100.80" in str(coprocess.ask("www.example.com", remote="192.0.2.10"))
    assert mode_of(database.path) == "wal"
    assert owner_and_mode(database.path)[0] == USER
    assert not any("problem" in line for line in coprocess.command("status"))
    coprocess.ask("www.example.com", remote="192.0.2.11")
    assert set(database.mappings("web")) == {"192.0.2.10", "192.0.2.11"}


def test_a_lost_database_is_made_anew(backup, workspace):
    _, _, file = backup
    path = workspace / "lost" / "sticky.sqlite"
    path.parent.mkdir()
    give_to_user(path.parent)
    done = control(path, "restore", file)
    assert done.returncode == 0, done.stderr
    assert owner_and_mode(path) == (USER, 0o640)
    assert mode_of(path) == "wal"
    with Coprocess(path) as coprocess:
        assert "198.51.100.80" in str(coprocess.ask("www.example.com", remote="192.0.2.10"))


def test_nothing_is_left_of_one_that_cannot_be_restored(workspace):
    path = workspace / "sticky.sqlite"
    assert control(path, "restore", "/etc/hostname").returncode == 1
    assert not path.exists()


def test_deletions_that_wait_do_not_outlive_a_restore(backup):
    _, database, file = backup
    holder = sqlite3.connect(database.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = control(database.path, "forget", "192.0.2.10")
    assert "1 mapping forgotten" in done.stdout
    holder.execute("ROLLBACK")
    assert restored(database, file).returncode == 0
    assert "192.0.2.10" in control(database.path, "list").stdout


def test_a_backup_without_a_table_is_refused(backup):
    _, database, file = backup
    with sqlite3.connect(file) as copy:
        copy.execute("DROP VIEW pinned")
        copy.execute("DROP TABLE pin")
    done = restored(database, file)
    assert done.returncode == 1 and "which this database has" in done.stderr


def test_a_directory_that_the_owner_cannot_write_is_named(workspace):
    folder = workspace / "roots"
    folder.mkdir(mode=0o755)
    os.chown(folder, 0, 0)
    done = init(folder / "sticky.sqlite", "--user", USER)
    assert done.returncode == 1 and f"user {USER} cannot make files in {folder}" in done.stderr


def test_somebody_elses_backup_is_refused(backup):
    _, database, file = backup
    database.sql("UPDATE share SET node = 2, name = 'ns2'")
    with sqlite3.connect(file) as copy:
        copy.execute("UPDATE share SET node = 1, name = 'ns1'")
    done = restored(database, file)
    assert done.returncode == 1 and "is of node 1, and this name server is node 2" in done.stderr


@pytest.mark.parametrize(
    "spoil, told",
    [
        ("PRAGMA user_version = 7", "newer than this program"),
        ("PRAGMA user_version = 0", "migrate"),
        ("PRAGMA application_id = 7", "is not a pdns-sticky database"),
    ],
)
def test_a_file_that_is_no_backup_is_refused(backup, spoil, told):
    _, database, file = backup
    with sqlite3.connect(file) as copy:
        copy.execute(spoil)
    done = restored(database, file)
    assert done.returncode == 1 and told in done.stderr
    assert database.rows("SELECT ldns FROM persistence") == [("192.0.2.10",)]


def test_a_backup_that_is_no_file_is_refused_at_once(backup, workspace):
    _, database, _ = backup
    os.mkfifo(workspace / "fifo")
    done = restored(database, workspace / "fifo")
    assert done.returncode == 1 and "is not a file" in done.stderr


def test_a_database_of_a_version_that_nothing_leads_to_is_named(sample_database):
    for version, told in ((9, "this program knows version 1"), (0, "nothing that leads to 1")):
        sample_database.sql(f"PRAGMA user_version = {version}")
        done = control(sample_database.path, "migrate", SCHEMA.parent / "migrations")
        assert done.returncode == 1 and told in done.stderr


def test_a_damaged_backup_is_refused(backup):
    _, database, file = backup
    with open(file, "r+b") as damaged:
        damaged.seek(40 * 4096)
        damaged.write(os.urandom(20 * 4096))
    done = restored(database, file)
    assert done.returncode == 1 and ("damaged" in done.stderr or "malformed" in done.stderr)
    assert database.rows("SELECT ldns FROM persistence") == [("192.0.2.10",)]


def test_a_locked_database_is_not_restored(backup):
    _, database, file = backup
    holder = sqlite3.connect(database.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = restored(database, file)
    holder.execute("ROLLBACK")
    assert done.returncode == 1 and "somebody holds it" in done.stderr
