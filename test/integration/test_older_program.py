"""A program that does not know the tables of sharing, on a database that has them.

PDNS_STICKY_OLDER is its path; `scripts/test --long` builds the last one from the history.  Migrations
only add, so it answers and writes as ever.  It writes without triggers, as pdns-sticky does, and so
gives a mapping no place among all decisions and notes no change: peers have it when the tables are
compared.
"""

import os
import shutil

import pytest

from cluster import EQUAL_SECONDS, Cluster
from coprocess import Coprocess
from faults import heals
from processes import program_directory
from resolvers import ldns
from sample import IPV4, SITES, expected
from test_sharing import assert_answer, elsewhere

COUNT = 50


@pytest.fixture(scope="session")
def older():
    """Its path, of a copy that the unprivileged user can run."""
    built = os.environ.get("PDNS_STICKY_OLDER")
    if not built:
        pytest.skip("PDNS_STICKY_OLDER names no older program")
    return shutil.copy(built, program_directory() / "pdns-sticky-older")


def ask(coprocess, numbers):
    """What these resolvers are told."""
    return {ldns(n): coprocess.ask(remote=ldns(n)).ipv4 for n in numbers}


def wait_for_rows(database, told):
    database.wait_for_mappings("web", {each: SITES[address] for each, address in told.items()})


def test_each_of_them_goes_on_with_what_the_other_has_written(either_database, older):
    """Every mapping is one that modulus would not choose, once the site works again."""
    told = {}
    for turn, program in enumerate((older, None, older, None)):
        with Coprocess(either_database.path, program=program) as coprocess:
            asked = range(turn * COUNT, turn * COUNT + COUNT)
            site = ("ams", "fra", "nyc")[turn % 3]
            draining = "UPDATE controller SET state = iif(name = '{}', 'draining', 'enabled');"
            either_database.sql(draining.format(site))
            new = ask(coprocess, asked)
            assert site not in {SITES[address] for address in new.values()}
            wait_for_rows(either_database, new)
            told |= new
            either_database.sql(draining.format(""))
            assert {each: coprocess.ask(remote=each).ipv4 for each in told} == told
    moved = [each for each, address in told.items() if address != expected(each)]
    assert len(moved) > COUNT
    assert either_database.rows("PRAGMA integrity_check") == [("ok",)]


def test_what_is_deleted_in_a_shell_is_no_mapping_of_it_any_more(either_database, older):
    resolver = ldns(1)
    other = elsewhere(expected(resolver))
    with Coprocess(either_database.path, program=older) as coprocess:
        either_database.sql(
            "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
            f" SELECT 1, '{resolver}', id, 'modulus', unixepoch(), 3600 FROM controller"
            f" WHERE name = '{SITES[other]}';")
        assert coprocess.ask(remote=resolver).ipv4 == other
        either_database.sql("DELETE FROM persistence;")
        assert coprocess.ask(remote=resolver).ipv4 == expected(resolver)
        wait_for_rows(either_database, {resolver: expected(resolver)})


@pytest.mark.parametrize("is_first", (True, False))
def test_of_two_that_run_at_once_the_second_keeps_nothing_until_the_first_has_ended(
    either_database, older, is_first
):
    """Their files of claims differ.  Both answer with the mappings that have a row."""
    programs = (older, None) if is_first else (None, older)
    with Coprocess(either_database.path, program=programs[0]) as first:
        wait_for_rows(either_database, ask(first, range(COUNT)))
        with Coprocess(either_database.path, program=programs[1]) as second:
            assert ask(second, range(COUNT)) == ask(first, range(COUNT))
            answer = second.ask(remote=ldns(COUNT))
            assert answer.ipv4 == expected(ldns(COUNT))
            assert any("is used by another version of pdns-sticky" in log for log in answer.logs)
            first.kill()
            heals(second, either_database, COUNT + 1)


@pytest.fixture
def comparing(workspace):
    """Two name servers that compare their tables each second."""
    with Cluster(workspace, 2, {"share_walk": 1}) as cluster:
        cluster.wait_until_heard()
        yield cluster


def test_peers_have_what_it_has_written_when_tables_are_compared(comparing, older):
    """As long as the newer daemon runs, it keeps nothing; either way it answers as peers decided."""
    one, other = comparing.nodes
    resolver = ldns(1000)
    decided = elsewhere(expected(resolver))
    draining = "UPDATE controller SET state = iif(name <> '{}', 'draining', 'enabled');"
    other.database.sql(draining.format(SITES[decided]))
    assert_answer(other, resolver, decided)
    other.database.sql("UPDATE controller SET state = 'enabled';")
    comparing.wait_until_equal(EQUAL_SECONDS)
    one.coprocess.kill()
    with Coprocess(one.database.path, program=older) as coprocess:
        assert coprocess.ask(remote=resolver).ipv4 == decided
        ask(coprocess, range(COUNT))
        one.daemon.stop()
        heals(coprocess, one.database, 1001)
        told = ask(coprocess, range(COUNT, 2 * COUNT))
        assert set(told.values()) == set(IPV4)
        wait_for_rows(one.database, told)
        assert coprocess.ask(remote=resolver).ipv4 == decided
    one.daemon.start()
    wait_for_rows(other.database, told)
    assert ask(other.coprocess, range(COUNT, 2 * COUNT)) == told
    with Coprocess(one.database.path) as coprocess:
        assert ask(coprocess, range(COUNT, 2 * COUNT)) == told
        assert coprocess.ask(remote=resolver).ipv4 == decided
    comparing.wait_until_equal(EQUAL_SECONDS)
