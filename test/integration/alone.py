"""pdns-sticky as PowerDNS's only backend, by pipe.conf, remote-pipe.conf and remote-unix.conf.

A pytest plugin: start and server are such a PowerDNS, fresh_database what it serves.
"""

import functools

import pytest

from database import Database
from dns_client import Question, ask
from powerdns import PowerDNS
from processes import SECONDS_MAX, bytes_written, children, wait_until, workspace
from resolvers import chosen
from zones import RECORDS, RESOLVER, THREE_SITES

# Two on a machine that is free. PowerDNS's own settings would make it 60.
FORGOTTEN_SECONDS = 15


@pytest.fixture(scope="module", params=["pipe", "remote-pipe", "remote-unix"])
def start(request):
    """Starts a server in one of the ways; all tests are done with one, then with the next."""
    return functools.partial(PowerDNS, f"{request.param}.conf")


@pytest.fixture(params=["pipe", "remote-pipe"])
def start_coprocesses(request):
    """Starts a server with coprocesses, not one that connects to the service."""
    return functools.partial(PowerDNS, f"{request.param}.conf")


@pytest.fixture
def start_pipe():
    """Starts a server that replaces a coprocess of its which died; the other kind does not."""
    return functools.partial(PowerDNS, "pipe.conf")


@pytest.fixture(scope="module")
def fresh_database():
    """Makes a database with the records of zones.py and the pool `www`; as many as a module needs."""
    with workspace() as directory:
        count = iter(range(1000))

        def make():
            database = Database.create(directory, name=f"{next(count)}.sqlite")
            database.sql(RECORDS)
            database.www = database.add_pool("www", THREE_SITES)
            return database

        yield make


@pytest.fixture(scope="module")
def server(start, fresh_database):
    """The server for tests that only ask, or bring a pool of their own."""
    with start(fresh_database()) as running:
        yield running


def index_asked(pool, client, down=(), prefix=None):
    return chosen(client, len(pool.servers), down, prefix)


def choose_among(client, servers, down):
    return servers[chosen(client, len(servers), {servers.index(server) for server in down})]


def ask_until_kept(server, questions, pool):
    """Asks until each answer, the choice of the modulus, has its row.  A disk that takes long to
    begin a log keeps the first ones from being written.
    """

    def kept():
        for reply in ask(server, questions):
            assert reply.addresses == pool.answer(index_asked(pool, reply.question.ldns))
        resolvers = {question.ldns for question in questions}
        return resolvers <= set(server.database.mappings(pool.name))

    wait_until(kept, SECONDS_MAX, "a row for everybody")


def greeted(server):
    """The coprocesses that have said their first line.  PowerDNS gives up when one ends before.

    One may be a script around the program.
    """
    return [
        pid
        for pid in server.coprocesses()
        if any(bytes_written(each) > 0 for each in (pid, *children(pid)))
    ]


def all_coprocesses(server):
    """Two for UDP and one for TCP; those of the remote backend start with their first question.  A
    refresh of the zone cache, and a command, have one of their own, which ends afterwards."""
    found = []

    def each_thread_has_one():
        server.one_tcp(RESOLVER, "www.example.com")
        ask(server, [Question(RESOLVER, "www.example.com")] * 64)
        found[:] = server.coprocesses()
        return len(found) == len(greeted(server)) == 3

    wait_until(each_thread_has_one, SECONDS_MAX, "a coprocess for each thread")
    return found
