"""PowerDNS and the service, started with remote-unix.conf and overlay-remote-gsqlite3.conf.

How the service comes and goes under a PowerDNS that runs.  What it answers is in
the tests that use alone.py and in test_powerdns_overlay.py, which run with these files too; the service
without PowerDNS is in test_service.py.
"""

import collections
import contextlib
import random
import time

import pytest

from database import Database
from dns_client import Load, Question, ask
from powerdns import PowerDNS
from processes import SECONDS_MAX, wait_until, workspace
from resolvers import addresses_of_many_resolvers, chosen
from service import listening_socket
from zones import RECORDS, RESOLVER, THREE_SITES, load_zone, overlay

TIMEOUT_SECONDS = 2  # after which PowerDNS answers SERVFAIL, by the configuration


@pytest.fixture(scope="module")
def database():
    with workspace() as directory:
        made = Database.create(directory)
        made.sql(RECORDS)
        made.www = made.add_pool("www", THREE_SITES)
        yield made


@pytest.fixture
def server(database):
    """The service makes its socket itself."""
    with PowerDNS("remote-unix.conf", database) as running:
        yield running


@pytest.fixture
def activated(database):
    """The socket is systemd's, as the shipped units have it: it is there all the time."""
    with contextlib.ExitStack() as stack:

        def listen(path):
            return stack.enter_context(listening_socket(path))

        with PowerDNS("remote-unix.conf", database, listen=listen) as running:
            yield running


def load_of_all_kinds(server):
    """A balanced name, a plain one that is in the caches, and a new one that is not there."""
    resolvers = addresses_of_many_resolvers(500, random.Random(31))
    names = ("www.example.com", "mail.example.com", "n{}.example.com")
    return Load(
        server, lambda n: Question(resolvers[n % len(resolvers)], names[n % 3].format(n))
    )


def is_right(reply, database):
    name = reply.question.name
    if name == "www.example.com":
        return reply.addresses == database.www.answer(chosen(reply.question.ldns, 3))
    if name == "mail.example.com":
        return reply.addresses == ("192.0.2.25",)
    return reply.rcode == "NXDOMAIN"


def wrong(load, database):
    """The replies that are not right, by rcode."""
    found = collections.defaultdict(list)
    for reply in load.replies:
        if not is_right(reply, database):
            found[reply.rcode].append(reply)
    return found


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_restart_under_load_costs_one_servfail_per_connection(activated, database, how):
    """Those who connect meanwhile wait in the socket, which systemd keeps.

    A service that is killed takes the request in hand with it, and PowerDNS notices on the same
    connection: it is one all the same.
    """
    service, allowed = activated.service, 0
    with load_of_all_kinds(activated) as load:
        for _ in range(3):
            wait_until(
                lambda: len(service.processes()) == 2, SECONDS_MAX, "both threads are connected"
            )
            begin = time.monotonic()
            if how == "SIGKILL":
                service.process.kill()
                service.process.wait()
            else:
                assert service.stop() == 0
            service.start()
            load.until_answered(load.asked + 500)
            allowed += 2 * (1 + int((time.monotonic() - begin) / TIMEOUT_SECONDS))
    found = wrong(load, database)
    print({rcode: len(replies) for rcode, replies in found.items()}, "of", len(load.replies))
    print(service.said())
    assert set(found) <= {"SERVFAIL"}
    assert len(found["SERVFAIL"]) <= allowed, "one for each restart and thread, and each timeout"


def test_without_systemd_questions_fail_until_the_service_is_back_and_then_none(server, database):
    """The socket is gone meanwhile: SERVFAIL, and neither "no such name" nor a wrong answer."""
    with load_of_all_kinds(server) as load:
        assert server.service.stop() == 0
        load.until_answered(load.asked + 500)
        server.service.start()
        back = time.monotonic()
        load.until_answered(load.asked + 500)
    found = wrong(load, database)
    assert set(found) == {"SERVFAIL"}
    late = [reply for reply in found["SERVFAIL"] if reply.sent > back]
    assert len(late) <= 2, "one that each of two threads was about to send"


def test_zones_stay_known_while_the_service_is_away(server):
    server.one(RESOLVER, "www.example.com")
    server.service.stop()
    server.control("rediscover")
    server.service.start()
    questions = [Question(RESOLVER, "www.example.com")] * 50
    rcodes = collections.Counter(reply.rcode for reply in ask(server, questions))
    assert set(rcodes) <= {"NOERROR", "SERVFAIL"} and rcodes["SERVFAIL"] <= 2
    assert {reply.rcode for reply in ask(server, questions)} == {"NOERROR"}


def test_powerdns_does_not_start_without_the_service(database):
    """It asks for the zones first.  systemd makes the socket before that, and so this is rare."""
    with pytest.raises(AssertionError, match="while filling the zone cache"):
        with PowerDNS("remote-unix.conf", database, prepare=lambda server: server.service.stop()):
            pass


def test_in_the_overlay_the_other_backends_zones_are_known_and_no_others():
    """PowerDNS has the zones from gsqlite3, and turns away what it does not know by itself."""
    with overlay("overlay-remote-gsqlite3.conf", load_zone, tap=True) as server:
        server.one(RESOLVER, "www.example.com")
        before = len(server.asked_lines())
        questions = [Question(RESOLVER, f"n{n}.example{n}.org") for n in range(50)]
        assert {reply.rcode for reply in ask(server, questions)} == {"REFUSED"}
        assert len(server.asked_lines()) == before


def test_in_the_overlay_a_restart_costs_one_servfail_per_connection():
    with overlay("overlay-remote-gsqlite3.conf", load_zone) as server:
        with load_of_all_kinds(server) as load:
            assert server.service.stop() == 0
            server.service.start()
            back = time.monotonic()
            load.until_answered(load.asked + 500)
        found = wrong(load, server.database)
    assert set(found) <= {"SERVFAIL"}
    assert len([reply for reply in found["SERVFAIL"] if reply.sent > back]) <= 2


@pytest.mark.parametrize("setting", ["ALLOW-AXFR-FROM", "SOA-EDIT"])
def test_in_the_overlay_a_zones_settings_are_those_of_the_other_backend(setting):
    """Which the remote backend would hide: it says of every zone that it has none."""

    def prepare(server):
        load_zone(server)
        assert server.pdnsutil("set-meta", "example.com", setting, "192.0.2.0/24").returncode == 0

    with overlay("overlay-remote-gsqlite3.conf", prepare) as server:
        assert "192.0.2.0/24" in server.pdnsutil("get-meta", "example.com", setting).stdout
