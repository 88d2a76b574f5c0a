"""The operator's commands through pdnsutil."""

import pytest

from alone import ask_until_kept
from dns_client import Question, ask
from processes import USER
from zones import RESOLVER


@pytest.mark.parametrize("command", ["check-zone", "list-zone"])
def test_pdnsutil_knows_no_zones_of_a_pipe_backend(start_pipe, fresh_database, command):
    """PowerDNS asks its backends for "domain info" first, and the pipe protocol has no word for it.

    The records are seen with sqlite3, or with a transfer.
    """
    with start_pipe(fresh_database()) as server:
        result = server.pdnsutil(command, "example.com")
    assert result.returncode == 1
    assert "Unable to get zone information" in result.stdout or "not found" in result.stderr


def test_pdnsutil_shows_the_state_of_the_pools(server):
    result = server.pdnsutil("backend-cmd", server.backend, "status")
    assert result.returncode == 0
    assert "www" in result.stdout and "203.0.113.2" in result.stdout


def test_pdnsutil_explains_a_choice_and_changes_nothing(server):
    server.database.sql("DELETE FROM persistence;")
    result = server.pdnsutil("backend-cmd", server.backend, "explain www.example.com 192.0.2.10")
    assert result.returncode == 0
    assert "3221225994" in result.stdout and "203.0.113.2" in result.stdout
    assert server.database.mappings("www") == {}


@pytest.mark.skipif(not USER, reason="needs root")
def test_pdnsutil_run_by_root_leaves_the_database_to_its_owner(start, fresh_database):
    """The server is not running, so root's process is the one that makes the files beside."""
    database = fresh_database()
    with start(database) as server:
        server.stop()
        for command in ("status", f"forget {RESOLVER}"):
            assert server.pdnsutil("backend-cmd", server.backend, command, as_root=True).returncode == 0
    with start(database) as server:
        ask_until_kept(server, [Question(RESOLVER, "www.example.com")], database.www)
        assert database.mappings("www") == {RESOLVER: "www-2"}
        owners = {path.owner() for path in database.path.parent.glob(f"{database.path.name}*")}
        assert owners == {USER}


def test_pdnsutil_forgets_a_resolver(server):
    server.database.sql("DELETE FROM persistence;")
    ask(server, [Question(ldns, "www.example.com") for ldns in (RESOLVER, "192.0.2.11")])
    result = server.pdnsutil("backend-cmd", server.backend, f"forget {RESOLVER}")
    assert result.returncode == 0
    assert list(server.database.mappings("www")) == ["192.0.2.11"]
