"""A site that fails and returns, seen by pdns-stickyd: who goes back there, and when."""

from coprocess import Coprocess
from monitor import Daemon, Sites, states, watched
from processes import SECONDS_MAX, wait_until
from test_sharing_health import RESOLVER, until_counts, views

CROWD = [f"192.0.2.{number}" for number in range(1, 13)]
SITE2 = Sites.address(2)


def answers(coprocess):
    return {resolver: coprocess.ask(remote=resolver).ipv4 for resolver in CROWD}


def until_state(database, site, state):
    wait_until(lambda: states(database).get(site) == state, SECONDS_MAX, f"site {site} is {state}")


def fail(database, sites, coprocess):
    """Site 2 goes down, and its resolvers leave. Returns where all are then."""
    sites.end(2)
    until_state(database, 2, "down")
    moved = answers(coprocess)
    assert SITE2 not in moved.values()
    return moved


def recover(database, sites):
    sites.begin(2)
    until_state(database, 2, "up")


def test_a_held_site_takes_nobody_until_it_is_resumed_and_a_delay_outlives_processes(
        empty_database):
    with Sites(3) as sites:
        watched(empty_database, sites, 3)
        empty_database.sql("UPDATE pool SET failback = 'manual', persistence_ttl = 3600;")
        with Daemon(empty_database), Coprocess(empty_database.path) as coprocess:
            until_state(empty_database, 2, "up")
            home = answers(coprocess)
            assert list(home.values()).count(SITE2) == 4
            moved = fail(empty_database, sites, coprocess)
            recover(empty_database, sites)
            assert answers(coprocess) == moved
            assert coprocess.ask(remote="192.0.2.100").ipv4 != SITE2
            statement = "UPDATE site SET held = 0 WHERE controller = 'site2' AND pool = 'web'"
            assert f"to resume it: {statement}\n" in empty_database.command("status")
            empty_database.sql(statement + ";")
            assert answers(coprocess) == home
            assert answers(coprocess) == home

            empty_database.sql("UPDATE pool SET failback = 'delayed', failback_delay = 3600;")
            moved = fail(empty_database, sites, coprocess)
            recover(empty_database, sites)
            assert answers(coprocess) == moved
        with Coprocess(empty_database.path) as coprocess:
            assert answers(coprocess) == moved
            empty_database.sql("UPDATE site_state SET up_since = up_since - 3600;")
            assert answers(coprocess) == home
            assert answers(coprocess) == home
    empty_database.wait_for_writer()
    assert empty_database.rows("SELECT count(*) FROM mapping WHERE home IS NOT NULL") == [(0,)]


def homes(node):
    return node.database.rows(f"SELECT controller, home FROM mapping WHERE ldns = '{RESOLVER}'")


def test_name_servers_share_homes_and_send_nobody_back_and_forth(workspace):
    with views(workspace, 2) as two:
        one, other = two.cluster.nodes
        for node in two.cluster.nodes:
            node.database.sql("UPDATE pool SET failback = 'return', persistence_ttl = 3600;")
        before = one.ask(RESOLVER)
        two.cluster.wait_until_equal()
        number = int(before.rpartition(".")[2])
        two.lose(one, number)
        until_counts(one, number)
        moved = one.ask(RESOLVER)
        assert moved != before
        for _ in range(2):  # the other one never found it down
            two.cluster.wait_until_equal()
            assert other.ask(RESOLVER) == moved
            assert one.ask(RESOLVER) == moved
        assert [home for _, home in homes(other)] == [f"site{number}"]
        two.regain(one, number)
        until_counts(one)
        assert one.ask(RESOLVER) == before
        two.cluster.wait_until_equal()
        assert other.ask(RESOLVER) == before
        assert homes(other) == [(f"site{number}", None)]
