"""A real dnsdist in front of PowerDNS: what the README says of it.

Clients ask from addresses of their own, dnsdist or PowerDNS itself.  PowerDNS expects a PROXY
header from 127.0.0.1 alone, which is dnsdist when it sends one.
"""

import contextlib
import functools
import ipaddress
import random
import shutil

import dns.edns
import dns.message
import dns.query
import dns.rdatatype
import pytest

from database import Database
from namespace import Namespace
from powerdns import PowerDNS
from processes import SECONDS_MAX, LoggedProcess, free_port, give_to_user, workspace
from resolvers import chosen
from zones import RECORDS, THREE_SITES

# Consecutive addresses, so each of three sites has eight of them.
CLIENTS = [f"127.0.1.{n}" for n in range(1, 25)]

# The same of networks of 24 bits, and a client in each.
NETWORKS = [f"127.1.{n}" for n in range(1, 25)]
ELSEWHERE = [f"{network}.5" for network in NETWORKS]

# Longer than any test takes, so that nothing leaves dnsdist's cache.
TTL = 3600

# ---------------------------------------------------------------- dnsdist

# What dnsdist 1.7, 1.9 and 2.1 understand.  It does not ask whether PowerDNS is there, since an
# answer that takes a second would make it drop questions.
SETTINGS = """\
setSecurityPollSuffix("")
setLocal("{listen}:{port}")
setUDPTimeout({seconds})
setTCPRecvTimeout({seconds})
newServer({{address="{server}:{server_port}", tcpRecvTimeout={seconds}, {backend}}}):setUp()
{more}
"""

# How PowerDNS learns who asks.
PROXY = 'source="127.0.0.1", useProxyProtocol=true'
SUBNET = 'source="127.0.0.3", useClientSubnet=true'
BOTH = f"{PROXY}, useClientSubnet=true"
ITSELF = "127.0.0.3"  # dnsdist, as a resolver that PowerDNS sees

# What comes in is kept even if somebody else uses the cache at that moment.
CACHE = 'getPool(""):setCache(newPacketCache(10000, {deferrableInsertLock=false}))'


class Dnsdist(LoggedProcess):
    """server: the PowerDNS behind it.  backend: how it is asked.  more: lines of configuration.
    listen: the address where it is asked."""

    def __init__(self, server, backend, more="", listen="127.0.0.1"):
        found = shutil.which("dnsdist", path="/usr/sbin:/usr/bin")
        assert found, "dnsdist is missing; scripts/install-packages test brings it"
        self.address = (listen.strip("[]"), free_port())
        name = f"dnsdist-{self.address[1]}"
        settings = server.directory / f"{name}.conf"
        settings.write_text(SETTINGS.format(
            listen=listen, port=self.address[1], server=server.address[0],
            server_port=server.address[1], seconds=SECONDS_MAX, backend=backend, more=more))
        give_to_user(settings)
        argv = [found, "--supervised", "--disable-syslog", "-C", settings]
        ready = "llowing queries from"  # with a small letter before version 2
        super().__init__(argv, server.directory / f"{name}.log", ready)


# ---------------------------------------------------------------- asking


def message_from(where, client, name, rdtype="A", tcp=False, ecs=None):
    """The reply of a server to a question that is sent from a client's own address."""
    options = [dns.edns.ECSOption(*ecs)] if ecs else None
    question = dns.message.make_query(name, rdtype, use_edns=0, options=options)
    address, port = where.address
    send = dns.query.tcp if tcp else dns.query.udp
    return send(question, address, SECONDS_MAX, port, source=client)


def answer(*question, **more):
    """The addresses of the answer to message_from()."""
    message = message_from(*question, **more)
    kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
    return tuple(sorted(
        data.address for rrset in message.answer if rrset.rdtype in kinds for data in rrset))


@contextlib.contextmanager
def serving(conf):
    """A PowerDNS that serves the zone."""
    with workspace() as directory:
        database = Database.create(directory)
        database.sql(RECORDS)
        with PowerDNS(conf, database) as running:
            yield running


@pytest.fixture(scope="module", params=["pipe", "remote-unix"])
def server(request):
    with serving(f"{request.param}.conf") as running:
        yield running


# ---------------------------------------------------------------- the PROXY protocol


def questions_of_all(clients):
    """Each client asks for both types, by both transports, three times, in random order."""
    questions = [
        (client, rdtype, tcp) for client in clients for rdtype in ("A", "AAAA")
        for tcp in (False, True) for _ in range(3)
    ]
    random.Random(1).shuffle(questions)
    return questions


def assert_own_answers(where, pool, clients, index_of):
    """index_of(client): the server that a client has to get, with all its questions."""
    for client, rdtype, tcp in questions_of_all(clients):
        given = answer(where, client, pool.question_name, rdtype, tcp)
        assert given == pool.answer(index_of(client), rdtype), (client, rdtype, tcp)


def test_each_client_keeps_its_own_answer(server):
    """One site is down while the clients ask for the first time, so it is the mappings that answer
    when it is up again, whomever they ask then.
    """
    pool = server.database.add_pool("proxy", THREE_SITES)
    index_of = functools.partial(chosen, count=3, down={1})
    server.database.set_available(pool, 1, False)
    with Dnsdist(server, PROXY) as dnsdist:
        assert_own_answers(dnsdist, pool, CLIENTS, index_of)
        mappings = {client: pool.controller(index_of(client)) for client in CLIENTS}
        assert server.database.mappings("proxy") == mappings
        server.database.set_available(pool, 1, True)
        for where in (server, dnsdist):
            assert_own_answers(where, pool, CLIENTS, index_of)
    assert server.database.mappings("proxy") == mappings


def test_a_client_that_asked_powerdns_keeps_its_answer_behind_dnsdist(server):
    pool = server.database.add_pool("before", THREE_SITES)
    index_of = functools.partial(chosen, count=3, down={1})
    server.database.set_available(pool, 1, False)
    assert_own_answers(server, pool, CLIENTS, index_of)
    server.database.set_available(pool, 1, True)
    with Dnsdist(server, PROXY) as dnsdist:
        assert_own_answers(dnsdist, pool, CLIENTS, index_of)
    assert set(server.database.mappings("before")) == set(CLIENTS)


# ---------------------------------------------------------------- its packet cache


def test_from_its_cache_all_get_the_first_clients_site(server):
    pool = server.database.add_pool("cached", THREE_SITES, ttl=TTL)
    own = {client: answer(server, client, pool.question_name) for client in CLIENTS}
    with Dnsdist(server, PROXY, CACHE) as dnsdist:
        given = {client: answer(dnsdist, client, pool.question_name) for client in CLIENTS}
    assert set(given.values()) == {own[CLIENTS[0]]}
    assert len([client for client in CLIENTS if given[client] != own[client]]) == 16
    assert server.database.mappings("cached") == {
        client: pool.controller(chosen(client, 3)) for client in CLIENTS
    }


def test_a_name_that_is_kept_out_of_its_cache_is_balanced(server):
    """Other names are not: the cache has what is no longer so."""
    pool = server.database.add_pool("uncached", THREE_SITES, ttl=TTL)
    kept_out = f'addAction({{"{pool.question_name}"}}, SetSkipCacheAction())'
    server.database.sql(
        "INSERT INTO record (zone_id, name, type, content)"
        " VALUES (1, 'plain.example.com', 'A', '192.0.2.70');"
    )
    with Dnsdist(server, PROXY, f"{CACHE}\n{kept_out}") as dnsdist:
        assert answer(dnsdist, CLIENTS[0], "plain.example.com") == ("192.0.2.70",)
        server.database.sql("DELETE FROM record WHERE name = 'plain.example.com';")
        server.control("purge", "plain.example.com")
        assert answer(server, CLIENTS[1], "plain.example.com") == ()
        assert answer(dnsdist, CLIENTS[1], "plain.example.com") == ("192.0.2.70",)
        assert_own_answers(dnsdist, pool, CLIENTS, functools.partial(chosen, count=3))
    assert set(server.database.mappings("uncached")) == set(CLIENTS)


# ---------------------------------------------------------------- the client subnet


@pytest.mark.parametrize("name, cache", [("network", ""), ("cachednetwork", CACHE)])
def test_with_a_client_subnet_the_mapping_is_of_the_clients_network(server, name, cache):
    """24 bits of it are sent.  The subnet is in the question, so the cache tells them apart."""
    pool = server.database.add_pool(name, THREE_SITES, client="ecs", ttl=TTL)
    index_of = functools.partial(chosen, count=3, prefix=24)
    neighbours = [f"{network}.200" for network in NETWORKS]
    with Dnsdist(server, SUBNET, cache) as dnsdist:
        assert_own_answers(dnsdist, pool, ELSEWHERE + neighbours, index_of)
    assert server.database.mappings(name) == {
        f"ecs:{network}.0/24": pool.controller(index_of(f"{network}.0")) for network in NETWORKS
    }


def test_with_a_client_subnet_alone_a_pool_for_resolvers_knows_dnsdist_alone(server):
    pool = server.database.add_pool("forldns", THREE_SITES)
    with Dnsdist(server, SUBNET) as dnsdist:
        assert_own_answers(dnsdist, pool, CLIENTS, lambda _: chosen(ITSELF, 3))
    assert server.database.mappings("forldns") == {ITSELF: pool.controller(chosen(ITSELF, 3))}


OVERRIDE = "setECSOverride(true)"
SUBNETS = [
    # how PowerDNS learns who asks, more settings, what the client 127.1.1.5 sends, its mapping
    (PROXY, "", None, "127.1.1.5"),
    (SUBNET, "", None, "ecs:127.1.1.0/24"),
    (BOTH, "", None, "ecs:127.1.1.0/24"),
    (PROXY, "", ("198.51.100.0", 24), "ecs:198.51.100.0/24"),
    (SUBNET, "", ("198.51.100.0", 24), "ecs:198.51.100.0/24"),
    (BOTH, "", ("198.51.100.0", 24), "ecs:198.51.100.0/24"),
    (SUBNET, OVERRIDE, ("198.51.100.0", 24), "ecs:127.1.1.0/24"),
    (BOTH, OVERRIDE, ("198.51.100.0", 24), "ecs:127.1.1.0/24"),
]


@pytest.fixture(scope="module")
def pool_for_networks(server):
    return server.database.add_pool("networks", THREE_SITES, client="ecs")


@pytest.mark.parametrize("backend, more, subnet, row", SUBNETS)
def test_a_subnet_that_the_client_sends_goes_on(
    server, pool_for_networks, backend, more, subnet, row
):
    """Unless dnsdist is told to put its own in place of it."""
    server.database.sql("DELETE FROM persistence;")
    with Dnsdist(server, backend, more) as dnsdist:
        answer(dnsdist, ELSEWHERE[0], pool_for_networks.question_name, ecs=subnet)
    assert set(server.database.mappings("networks")) == {row}


# ---------------------------------------------------------------- clients with IPv6

# In each of these networks of 56 bits there are two clients, not in the same network of 64 bits.
# Addresses of private networks, which dnsdist's own list of clients allows.
IPV6_NETWORKS = [ipaddress.ip_network(f"fd00:0:0:{n}00::/56") for n in range(1, 7)]
IPV6_CLIENTS = [str(network[interface])
                for network in IPV6_NETWORKS for interface in (5, (255 << 64) + 7)]


def network_of(client):
    return str(ipaddress.ip_network(f"{client}/56", strict=False))


IPV6_POOLS = [
    # pool, how PowerDNS learns who asks, columns of the pool, bits that count, a client's mapping
    ("address", PROXY, {}, 128, str),
    ("prefix", PROXY, {"ipv6_prefix": 56}, 56, network_of),
    ("subnet", SUBNET, {"client": "ecs"}, 56, lambda client: f"ecs:{network_of(client)}"),
]


def test_each_client_with_ipv6_gets_the_site_of_its_own_address_or_network():
    """In a namespace, where each has its address."""
    addresses = [f"{client}/128" for client in IPV6_CLIENTS]
    with Namespace(*addresses) as namespace, namespace.entered(), serving("pipe.conf") as server:
        for name, backend, columns, bits, mapping in IPV6_POOLS:
            pool = server.database.add_pool(name, THREE_SITES, **columns)
            index_of = functools.partial(chosen, count=3, prefix=bits)
            with Dnsdist(server, backend, listen="[::1]") as dnsdist:
                assert_own_answers(dnsdist, pool, IPV6_CLIENTS, index_of)
            assert server.database.mappings(name) == {
                mapping(client): pool.controller(index_of(client)) for client in IPV6_CLIENTS
            }
