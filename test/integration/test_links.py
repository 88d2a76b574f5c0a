"""A database that is reached through a symbolic link: what lies beside it belongs to the file, not
to the path, and a link that leads elsewhere means another file.
"""

import contextlib
import os
import signal
import time

import pytest

from claims import Promises
from coprocess import Coprocess
from database import SAMPLE, Database
from faults import HEAL_SECONDS, Crowd, beside, maintain_often, said
from monitor import Daemon, Sites, watched
from processes import as_user, daemon_path, give_to_user, is_running, run, wait_until
from resolvers import ldns


@pytest.fixture
def link(sample_database, workspace):
    """The same database by another path, in another directory."""
    folder = workspace / "elsewhere"
    folder.mkdir()
    give_to_user(folder)
    path = folder / "link.sqlite"
    path.symlink_to(sample_database.path)
    return Database(path)


def point(link, target):
    """As `ln -sf`, at one moment."""
    aside = link.path.with_name("aside")
    aside.symlink_to(target)
    os.replace(aside, link.path)


def assert_nothing_is_beside(link):
    assert os.listdir(link.path.parent) == [link.path.name]


# ---------------------------------------------------------------- coprocesses


def test_two_paths_are_one_database(sample_database, link):
    maintain_often(sample_database)
    with Coprocess(sample_database.path) as first, Coprocess(link.path) as second:
        crowd = Crowd(sample_database, first, second)
        crowd.ask(100)
        crowd.kept()
        crowd.ask_again()
        assert_nothing_is_beside(link)
        with sample_database.without_maintenance():
            sample_database.sql(
                "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
                " VALUES (1, 'expired', 1, 'modulus', 100, 60);"
            )
            until = time.monotonic() + 3  # several rounds are due
            crowd.ask_for(lambda: time.monotonic() < until)
            assert "expired" in sample_database.mappings("web"), "one of them is elected"
        wait_until(
            lambda: crowd.ask() and "expired" not in sample_database.mappings("web"),
            HEAL_SECONDS,
            "the sweep",
        )


def test_two_paths_have_one_file_of_claims(sample_database, link):
    """Each process takes turns of its own, so they agree only if they know of each other."""
    sample_database.sql("UPDATE pool SET method = 'round-robin' WHERE name = 'web';")
    promises = Promises(sample_database)
    with Coprocess(sample_database.path) as first, Coprocess(link.path) as second:
        promises.ask(promises.new(1), first)  # it is one turn ahead now
        promises.wait_until_kept()
        with sample_database.locked():
            promises.ask(promises.new(100), first, second)
            assert sample_database.claims.waiting() == 100
        promises.wait_until_kept()
        assert_nothing_is_beside(link)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_what_somebody_deletes_is_noticed_through_a_link(sample_database, link, suffix):
    with Coprocess(link.path) as coprocess:
        crowd = Crowd(sample_database, coprocess)
        crowd.ask(10)
        beside(sample_database, suffix).unlink()
        answers = []
        wait_until(
            lambda: answers.extend(crowd.ask(10)) or any(suffix in log for log in said(answers)),
            HEAL_SECONDS,
            "a log line",
        )
        crowd.heals()


def test_a_link_that_leads_elsewhere_counts_soon(sample_database, link, workspace):
    """Usually from the next question on, see test_coprocess_database_file.py."""
    other = Database.create(workspace, SAMPLE, name="other.sqlite")
    other.sql("UPDATE virtual_server SET ipv4 = '192.0.2.99';")
    with Coprocess(link.path) as coprocess:
        coprocess.ask("www.example.com", "A", ldns(1))
        point(link, other.path)
        wait_until(
            lambda: coprocess.ask("www.example.com", "A", ldns(2)).ipv4 == "192.0.2.99",
            HEAL_SECONDS,
            "the other file",
        )
        assert set(sample_database.mappings("web")) == {ldns(1)}
        assert set(other.mappings("web")) == {ldns(2)}
        assert beside(other, "-lock").exists()


# ---------------------------------------------------------------- daemons


@pytest.fixture
def linked(empty_database, workspace):
    """A database with a watched site, and a link to it."""
    with Sites(1) as sites:
        watched(empty_database, sites, 1)
        path = workspace / "link.sqlite"
        path.symlink_to(empty_database.path)
        yield empty_database, Database(path), sites


@contextlib.contextmanager
def in_the_background(database):
    """pdns-stickyd as somebody starts it by hand, from another directory, by a relative path."""
    folder = database.path.parent
    argv = [daemon_path(), "--database", f"./{database.path.name}"]
    result = run(as_user(argv), cwd=folder)
    assert result.returncode == 0, result.stderr
    [pid] = map(int, run(["pgrep", "-f", f"{daemon_path()} --database ./"]).stdout.split())
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_running(pid), HEAL_SECONDS, "it ends")


def is_refused(database, *more):
    result = run(as_user([daemon_path(), "--database", database.path, *more]))
    return result.returncode == 1 and "another pdns-stickyd watches it already" in result.stderr


@pytest.mark.parametrize("by_link", [True, False])
@pytest.mark.parametrize("foreground", [True, False])
def test_there_is_one_daemon_for_a_database_whatever_its_path(linked, by_link, foreground):
    database, link, _ = linked
    path, other = (link, database) if by_link else (database, link)
    with Daemon(path) if foreground else in_the_background(path):
        for tried in (path, other):
            assert is_refused(tried) and is_refused(tried, "--foreground"), tried.path
    assert not beside(link, "-lock").exists()


@pytest.mark.parametrize("foreground", [True, False])
def test_a_daemon_follows_its_link(linked, workspace, foreground):
    _, link, sites = linked
    other = Database.create(workspace, name="other.sqlite")
    watched(other, sites, 1)

    def is_up(database):
        return database.rows("SELECT state FROM virtual_server_verdict") == [("up",)]

    with Daemon(link) if foreground else in_the_background(link):
        wait_until(lambda: is_up(link), HEAL_SECONDS, "a verdict")
        point(link, other.path)
        wait_until(lambda: is_up(other), HEAL_SECONDS, "a verdict in the other database")
        assert is_refused(other)
