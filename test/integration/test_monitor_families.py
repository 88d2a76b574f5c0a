"""Servers with two addresses that are checked one by one: monitor.each_family.

All sites have the IPv6 address ::1, and each a port of its own; so the answer tells a site by its
IPv4 address.  Only in a network namespace has each an IPv6 address of its own.
"""

import contextlib

import pytest

from cluster import Cluster
from coprocess import Coprocess
from monitor import Daemon
from namespace import Namespace
from processes import SECONDS_MAX, wait_until
from targets import Target, stay

COUNT = 3
LDNS = "192.0.2.10"
IPV6 = "::1"


def ipv4(site):
    return f"127.1.0.{site}"


class Site:
    """Listens on both addresses, at one port; `end` and `begin` take a family."""

    def __init__(self, number, ipv6=IPV6):
        self.addresses = {"ipv4": ipv4(number), "ipv6": ipv6}
        self.listeners = {"ipv6": Target(stay, ipv6)}
        self.port = self.listeners["ipv6"].port
        self.begin("ipv4")

    def begin(self, family):
        self.listeners[family] = Target(stay, self.addresses[family], self.port)

    def end(self, family):
        self.listeners.pop(family).down()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for family in list(self.listeners):
            self.end(family)


@contextlib.contextmanager
def all_sites():
    """{number: site}"""
    with contextlib.ExitStack() as stack:
        yield {number: stack.enter_context(Site(number)) for number in range(1, COUNT + 1)}


@pytest.fixture
def sites():
    with all_sites() as sites:
        yield sites


@pytest.fixture
def database(empty_database, sites):
    watch_each_family(empty_database, sites)
    return empty_database


def watch_each_family(database, sites):
    """Gives the database a pool `web` of the sites, checked every second."""
    database.sql(
        "INSERT INTO monitor (name, type, interval, timeout, rise, fall, each_family)"
        " VALUES ('check', 'tcp', 1, 1, 1, 2, 1);"
        "INSERT INTO pool (id, name, ttl, monitor_id) SELECT 1, 'web', 1, id FROM monitor;"
        "INSERT INTO balanced_name (name, pool_id) VALUES ('www.example.com', 1);"
        + "".join(f"INSERT INTO controller (id, name) VALUES ({number}, 'site{number}');"
                  "INSERT INTO virtual_server"
                  " (id, pool_id, controller_id, position, ipv4, ipv6, port) VALUES"
                  f" ({number}, 1, {number}, {number}, '{ipv4(number)}', '{site.addresses['ipv6']}',"
                  f" {site.port});"
                  for number, site in sites.items()))


def states(database):
    """What is written: {(site, family): state}."""
    query = "SELECT virtual_server_id, family, state FROM virtual_server_verdict"
    return {(site, family): state for site, family, state in database.rows(query)}


def all_up(*down):
    up = {(site, family): "up" for site in range(1, COUNT + 1) for family in ("ipv4", "ipv6")}
    return {**up, **dict.fromkeys(down, "down")}


def until(database, *down):
    wait_until(lambda: states(database) == all_up(*down), SECONDS_MAX,
               f"{down} down, not {states(database)}")


def metrics(database, name):
    query = f"SELECT virtual_server_id, value FROM virtual_server_metric WHERE name = '{name}'"
    return dict(database.rows(query))


def addresses(coprocess, rdtype="ANY", remote=LDNS):
    answer = coprocess.ask(rdtype=rdtype, remote=remote)
    assert not answer.failed
    return answer.contents("A"), answer.contents("AAAA")


def mapped(database):
    return dict(database.rows("SELECT ldns, controller_id FROM persistence"))


def first_site(coprocess):
    """The site of the resolver: it is new, and all are up."""
    (a,), (aaaa,) = addresses(coprocess)
    site = int(a.rsplit(".", 1)[1])
    assert (a, aaaa) == (ipv4(site), IPV6)
    return site


# ---------------------------------------------------------------- one family of one site


def test_an_ipv4_address_that_dies_is_answered_elsewhere_and_the_resolver_stays(database, sites):
    with Daemon(database) as daemon, Coprocess(database.path) as coprocess:
        until(database)
        site = first_site(coprocess)
        sites[site].end("ipv4")
        until(database, (site, "ipv4"))
        assert metrics(database, "availability") == dict.fromkeys(sites, 1)
        assert metrics(database, "availability-ipv4") == {**dict.fromkeys(sites, 1), site: 0}

        (other,), aaaa = addresses(coprocess)
        assert aaaa == [IPV6] and other in {ipv4(n) for n in sites if n != site}
        assert addresses(coprocess, "AAAA") == ([], [IPV6])
        assert addresses(coprocess, "A") == ([other], [])
        assert addresses(coprocess) == ([other], [IPV6]), "asking again changes nothing"
        nobody = addresses(coprocess, remote=None)
        assert [len(found) for found in nobody] == [1, 1], "both types are there for everybody"

        sites[site].begin("ipv4")
        until(database)
        assert addresses(coprocess) == ([ipv4(site)], [IPV6]), "it returns"
        wait_until(lambda: mapped(database) == {LDNS: site}, SECONDS_MAX, "it is stored")
        said = daemon.said()
        place = f"controller site{site}, {ipv4(site)}:{sites[site].port}"
        assert f"{place}: down, refused, after" in said
        assert f"{place}: up, ok, after" in said
        assert f"controller site{site}, [{IPV6}]:{sites[site].port}: down" not in said


def test_a_dead_ipv6_address_changes_aaaa_alone(database, sites):
    """Only one site has IPv6, so there is none elsewhere."""
    database.sql("UPDATE pool SET fallback = 'none';")
    with Daemon(database), Coprocess(database.path) as coprocess:
        until(database)
        site = first_site(coprocess)
        database.sql(f"UPDATE virtual_server SET ipv6 = NULL WHERE id <> {site};")
        rest = {(n, ""): "up" for n in sites if n != site}

        def until_ipv6(state):
            expected = {**rest, (site, "ipv4"): "up", (site, "ipv6"): state}
            wait_until(lambda: states(database) == expected, SECONDS_MAX, f"{states(database)}")

        until_ipv6("up")
        assert addresses(coprocess) == ([ipv4(site)], [IPV6])
        sites[site].end("ipv6")
        until_ipv6("down")
        assert addresses(coprocess) == ([ipv4(site)], [])
        assert addresses(coprocess, "AAAA") == ([], [])
        sites[site].begin("ipv6")
        until_ipv6("up")
        assert addresses(coprocess) == ([ipv4(site)], [IPV6])
        wait_until(lambda: mapped(database) == {LDNS: site}, SECONDS_MAX, "it is stored")


def test_a_site_that_loses_both_families_loses_its_resolvers(database, sites):
    with Daemon(database), Coprocess(database.path) as coprocess:
        until(database)
        site = first_site(coprocess)
        sites[site].end("ipv4")
        until(database, (site, "ipv4"))
        sites[site].end("ipv6")
        until(database, (site, "ipv4"), (site, "ipv6"))
        assert metrics(database, "availability")[site] == 0
        (a,), aaaa = addresses(coprocess)
        assert a != ipv4(site) and aaaa == [IPV6]
        other = int(a.rsplit(".", 1)[1])
        wait_until(lambda: mapped(database) == {LDNS: other}, SECONDS_MAX, "it has moved")
        sites[site].begin("ipv4")
        sites[site].begin("ipv6")
        until(database)
        assert addresses(coprocess) == ([a], [IPV6]), "it does not go back"


@pytest.mark.parametrize("fallback, a", (("any", 1), ("none", 0), ("servfail", 0)))
def test_without_the_family_anywhere_the_fallback_counts(database, sites, fallback, a):
    database.sql(f"UPDATE pool SET fallback = '{fallback}';"
                 "INSERT INTO setting (name, value) VALUES ('brake_percent', 100)"
                 " ON CONFLICT DO UPDATE SET value = 100;")
    with Daemon(database), Coprocess(database.path) as coprocess:
        until(database)
        site = first_site(coprocess)
        for number in sites:
            sites[number].end("ipv4")
        until(database, *((number, "ipv4") for number in sites))
        assert addresses(coprocess) == ([ipv4(site)] * a, [IPV6])
        alone = coprocess.ask(rdtype="A", remote=LDNS)
        assert alone.failed == (fallback == "servfail")
        assert alone.contents("A") == [ipv4(site)] * a
        nobody = addresses(coprocess, remote=None)
        assert (len(nobody[0]), len(nobody[1])) == (a, 1)


def own_ipv6(site):
    return f"2001:db8::{site}"


def test_an_ipv6_address_that_dies_is_answered_elsewhere_and_the_resolver_stays(empty_database):
    own = [f"{own_ipv6(n)}/128" for n in range(1, COUNT + 1)]
    with Namespace(*own) as namespace, contextlib.ExitStack() as stack:
        sites = {n: stack.enter_context(namespace.do(lambda n=n: Site(n, own_ipv6(n))))
                 for n in range(1, COUNT + 1)}
        watch_each_family(empty_database, sites)
        with Daemon(empty_database, before=namespace.before, user=None), \
                Coprocess(empty_database.path) as coprocess:
            until(empty_database)
            (a,), (aaaa,) = addresses(coprocess)
            site = int(a.rsplit(".", 1)[1])
            assert aaaa == own_ipv6(site)
            sites[site].end("ipv6")
            until(empty_database, (site, "ipv6"))
            a, (other,) = addresses(coprocess)
            assert a == [ipv4(site)] and other in {own_ipv6(n) for n in sites if n != site}
            assert addresses(coprocess, "A") == ([ipv4(site)], [])
            assert addresses(coprocess, "AAAA") == ([], [other])
            namespace.do(lambda: sites[site].begin("ipv6"))
            until(empty_database)
            assert addresses(coprocess) == ([ipv4(site)], [own_ipv6(site)]), "it returns"
            wait_until(lambda: mapped(empty_database) == {LDNS: site}, SECONDS_MAX, "it is stored")


# ---------------------------------------------------------------- several name servers


def test_name_servers_agree_on_a_dead_family_of_a_site(workspace):
    """Each reaches the sites at ports of its own.  With a quorum of two, one of them alone changes
    nothing; then both, and each gives the resolver the same address of another site.
    """
    with all_sites() as near_one, all_sites() as near_two:
        near = (near_one, near_two)
        cluster = Cluster(workspace, 2, {"share_quorum": 2}, scripts=())
        for node, sites in zip(cluster.nodes, near):
            watch_each_family(node.database, sites)
        with cluster:
            cluster.wait_until_heard()
            one, two = cluster.nodes
            for node in cluster.nodes:
                until(node.database)
            site = first_site(one.coprocess)
            cluster.wait_until_equal()

            near_one[site].end("ipv4")
            until(one.database, (site, "ipv4"))
            place = f"{ipv4(site)}:{near_two[site].port}"
            told = f"SELECT peers FROM health WHERE address = '{place}'"
            wait_until(lambda: two.database.rows(told) == [("ns1 down",)], SECONDS_MAX,
                       f"ns2 is told: {two.database.rows(told)}")
            for node in cluster.nodes:
                assert addresses(node.coprocess) == ([ipv4(site)], [IPV6]), "one of two"

            near_two[site].end("ipv4")
            until(two.database, (site, "ipv4"))
            for node in cluster.nodes:
                wait_until(lambda: addresses(node.coprocess)[0] != [ipv4(site)], SECONDS_MAX,
                           "both say so")
            (other,), aaaa = addresses(one.coprocess)
            assert aaaa == [IPV6] and other in {ipv4(n) for n in near_one if n != site}
            assert addresses(two.coprocess) == ([other], [IPV6])

            near_one[site].begin("ipv4")
            until(one.database)
            for node in cluster.nodes:
                wait_until(lambda: addresses(node.coprocess) == ([ipv4(site)], [IPV6]), SECONDS_MAX,
                           "one of two finds it up")
            cluster.wait_until_equal()
            for node in cluster.nodes:
                assert mapped(node.database) == {LDNS: site}, "nobody has moved"


# ---------------------------------------------------------------- what an operator sees


def test_status_explain_and_the_view_health_name_the_address(database, sites):
    with Daemon(database), Coprocess(database.path) as coprocess:
        until(database)
        site = first_site(coprocess)
        assert "with an address" not in database.command("status")
        sites[site].end("ipv6")
        until(database, (site, "ipv6"))
        told = database.command("status")
        assert "virtual servers 3 (1 with an address that is down)" in told
        assert f"\n       {IPV6} is down, only {ipv4(site)} is up\n" in told
        assert "health: 5 up, 1 down" in told
        assert f"  pool web, site{site} [{IPV6}]:{sites[site].port}: down for " in told
        explained = database.command("explain", "www.example.com", LDNS)
        assert f"{IPV6} is down; for AAAA, among the servers of site{site}:\n" in explained
        assert "for AAAA, among all servers of pool web:\n" in explained
        assert database.rows("SELECT controller, address, state, reason, counts FROM health"
                             " WHERE state <> 'up'") == [
            (f"site{site}", f"[{IPV6}]:{sites[site].port}", "down", "refused", "down")]


def test_the_state_is_kept_when_addresses_begin_and_cease_to_be_targets(database, sites):
    def verdicts():
        return set(states(database).items())

    with Daemon(database):
        until(database)
        sites[1].end("ipv4")
        until(database, (1, "ipv4"))
        database.sql("UPDATE monitor SET each_family = 0, interval = 3600;")
        whole = {((1, ""), "down"), ((2, ""), "up"), ((3, ""), "up")}
        wait_until(lambda: verdicts() == whole, SECONDS_MAX, "one verdict each")
        assert metrics(database, "availability") == {1: 0, 2: 1, 3: 1}
        assert metrics(database, "availability-ipv4") == metrics(database, "rtt-ipv6") == {}
        database.sql("UPDATE monitor SET each_family = 1;")
        wait_until(lambda: verdicts() == set(all_up((1, "ipv4"), (1, "ipv6")).items()), SECONDS_MAX,
                   "two each")
        assert metrics(database, "availability") == {1: 0, 2: 1, 3: 1}
        database.sql("UPDATE monitor SET interval = 1;")
        until(database, (1, "ipv4"))
        assert metrics(database, "availability") == {1: 1, 2: 1, 3: 1}


def test_verdicts_of_addresses_outlive_the_daemon(database, sites):
    with Daemon(database):
        until(database)
        sites[2].end("ipv4")
        until(database, (2, "ipv4"))
        since = database.rows("SELECT since, flaps FROM virtual_server_verdict ORDER BY 1")
    with Daemon(database):
        checked = "SELECT min(checked_at) FROM virtual_server_verdict"
        before = database.rows(checked)
        wait_until(lambda: database.rows(checked) > before, SECONDS_MAX, "all are checked again")
        assert database.rows("SELECT since, flaps FROM virtual_server_verdict ORDER BY 1") == since
