"""pdns-sticky as PowerDNS's only backend, by pipe.conf, remote-pipe.conf and remote-unix.conf.

Thousands of resolvers ask a real server whose caches are on.  Expected answers come from
resolvers.chosen(), which is the definition of the choice and knows nothing of the program.
"""

import collections
import concurrent.futures
import dataclasses
import functools
import math
import random
import signal
import time

import pytest

from database import Database
from dns_client import Load, Question, ask, ask_tcp
from faults import assert_in_time
from powerdns import PowerDNS, is_lookup, name_and_type
from processes import (
    SECONDS_MAX,
    USER,
    bytes_written,
    children,
    is_running,
    kill,
    wait_until,
    workspace,
)
from resolvers import addresses_of_many_resolvers, chosen, mixed_case
from versions import expected as expected_of_version
from zones import A, AAAA, ITS_SITE, MX, NS1, NS2, RECORDS, RESOLVER, SOA, THREE_SITES

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
    """Makes a database with the zones above and the pool `www`; as many as a module needs."""
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


# ---------------------------------------------------------------- who gets what


CACHE_TIMES = {
    "as shipped": {},
    "as long as PowerDNS's own": {"cache-ttl": 20, "query-cache-ttl": 20, "negquery-cache-ttl": 60},
}


@pytest.mark.parametrize("times", CACHE_TIMES)
def test_every_resolver_keeps_its_answer_and_none_sees_anothers(start, fresh_database, times):
    """3,000 resolvers, four questions each in random order: all must be what the modulus says."""
    dice = random.Random(1)
    resolvers = addresses_of_many_resolvers(3000, dice)
    questions = [
        Question(ldns, "www.example.com", dice.choice(("A", "AAAA")))
        for ldns in resolvers
        for _ in range(4)
    ]
    dice.shuffle(questions)
    database = fresh_database()
    pool = database.www
    with start(database, options=CACHE_TIMES[times]) as server:
        wrong = [
            (reply.question.ldns, reply.rcode, reply.addresses)
            for reply in ask(server, questions)
            if reply.addresses
            != pool.answer(index_asked(pool, reply.question.ldns), reply.question.rdtype)
        ]
        mappings = database.mappings("www")
        assert wrong == []
    assert mappings == {ldns: pool.controller(index_asked(pool, ldns)) for ldns in resolvers}


def test_the_caches_are_on_while_all_that_happens(server):
    """A plain name asked by a thousand resolvers reaches the backend a few times only."""
    resolvers = addresses_of_many_resolvers(1000, random.Random(2))
    server.one(None, "mail.example.com")
    before = server.counter("packetcache-hit")
    replies = ask(server, [Question(ldns, "mail.example.com") for ldns in resolvers])
    assert {reply.addresses for reply in replies} == {("192.0.2.25",)}
    assert server.counter("packetcache-hit") - before > 900


def test_in_steady_state_a_question_costs_one_round_trip(start, fresh_database):
    """Counted on the wire.  Besides, PowerDNS asks a little once in a second, however many ask."""
    resolvers = addresses_of_many_resolvers(500, random.Random(3))
    questions = [
        Question(ldns, "www.example.com", rdtype) for ldns in resolvers for rdtype in ("A", "AAAA")
    ] * 3
    with start(fresh_database(), tap=True) as server:
        ask(server, questions)
        lines_before, counter_before = server.asked_lines(), server.counter("backend-queries")
        start = time.monotonic()
        assert {reply.rcode for reply in ask(server, questions)} == {"NOERROR"}
        seconds = time.monotonic() - start
        counted = server.counter("backend-queries") - counter_before
        lines = [line for line in server.asked_lines()[len(lines_before) :] if is_lookup(line)]
    kinds = collections.Counter(map(name_and_type, lines))
    assert kinds.pop(("www.example.com", "ANY"), 0) == len(questions), (counted, kinds)
    assert counted == len(lines), "PowerDNS's own counter tells the same"
    # For each of two threads, once a second: is www a zone, is it delegated; and the zone's SOA.
    assert sum(kinds.values()) <= 2 * 3 * (math.ceil(seconds) + 1), kinds


def test_a_question_for_a_type_that_is_not_there_costs_no_more(start, fresh_database):
    resolvers = addresses_of_many_resolvers(1000, random.Random(4))
    with start(fresh_database()) as server:
        server.one(RESOLVER, "www.example.com", "HTTPS")
        before = server.counter("backend-queries")
        replies = ask(server, [Question(ldns, "www.example.com", "HTTPS") for ldns in resolvers])
        assert server.counter("backend-queries") - before <= len(resolvers)
    assert {(r.rcode, len(r.message.answer), *r.authority_types) for r in replies} == {
        ("NOERROR", 0, "SOA")
    }


# ---------------------------------------------------------------- names and types


@pytest.fixture(scope="module")
def names(server):
    """Balanced names in all the places where names can be."""
    server.database.add_pool("eu", THREE_SITES, balanced_name="api.eu.example.com")
    server.database.add_pool("any", THREE_SITES, balanced_name="*.any.example.com")
    server.database.add_pool("apex", THREE_SITES, balanced_name="example.net")
    server.database.add_pool("odd", THREE_SITES, balanced_name=ODD_NAME)
    return server


ODD_NAME = r"a\032space\.and\.dots.example.com"

ANSWERS = [
    # name, type, rcode, answer
    ("www.example.com", "A", "NOERROR", [A]),
    ("www.example.com", "AAAA", "NOERROR", [AAAA]),
    ("www.example.com", "MX", "NOERROR", [MX]),
    ("www.example.com", "HTTPS", "NOERROR", []),
    ("www.example.com", "TXT", "NOERROR", []),
    ("www.example.com", "NS", "NOERROR", []),
    ("www.example.com", "SOA", "NOERROR", []),
    ("below.www.example.com", "A", "NXDOMAIN", []),
    ("unknown.example.com", "A", "NXDOMAIN", []),
    ("mail.example.com", "A", "NOERROR", ["A 192.0.2.25"]),
    ("between.example.com", "A", "NOERROR", []),
    ("between.example.com", "TXT", "NOERROR", []),
    ("eu.example.com", "A", "NOERROR", []),
    ("api.eu.example.com", "A", "NOERROR", [A]),
    ("other.eu.example.com", "A", "NXDOMAIN", []),
    ("something.wild.example.com", "A", "NOERROR", ["A 192.0.2.99"]),
    ("*.wild.example.com", "A", "NOERROR", ["A 192.0.2.99"]),
    ("something.any.example.com", "A", "NOERROR", [A]),
    ("deep.something.any.example.com", "AAAA", "NOERROR", [AAAA]),
    ("*.any.example.com", "A", "NOERROR", [A]),
    ("any.example.com", "A", "NOERROR", []),
    ("example.com", "SOA", "NOERROR", [SOA]),
    ("example.com", "NS", "NOERROR", [NS1, NS2]),
    ("example.com", "A", "NOERROR", []),
    ("example.net", "A", "NOERROR", [A]),
    ("example.net", "NS", "NOERROR", [NS1]),
    ("example.net", "SOA", "NOERROR", [SOA]),
    (ODD_NAME, "A", "NOERROR", [A]),
    (ODD_NAME.upper(), "AAAA", "NOERROR", [AAAA]),
    ("and.dots.example.com", "A", "NXDOMAIN", []),
    ("example.org", "A", "REFUSED", []),
]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("name, rdtype, rcode, answer", ANSWERS)
def test_a_name_answers(names, name, rdtype, rcode, answer, transport):
    reply = (names.one if transport == "udp" else names.one_tcp)(RESOLVER, name, rdtype)
    assert (reply.rcode, reply.answer_texts) == (rcode, sorted(answer))
    assert reply.authority_types == ([] if answer or rcode == "REFUSED" else ["SOA"])


def test_any_over_tcp_gives_all_that_the_name_has(names):
    reply = names.one_tcp(RESOLVER, "www.example.com", "ANY")
    assert reply.answer_texts == sorted([A, AAAA, MX])


RARER_TYPES = [
    # type, content; one name each, since one content that PowerDNS rejects fails the whole name
    ("APL", "1:192.0.2.0/24 !2:2001:db8::/32"),
    ("CERT", "1 7 8 AAECAw=="),
    ("CSYNC", "66 3 A NS AAAA"),
    ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
    ("EUI48", "00-00-5e-00-53-2a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a"),
    ("HTTPS", '1 . alpn="h2,h3" ech="AAAA" key7="/q{?dns}" key65280="a b"'),
    ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG"),
    ("IPSECKEY", "10 3 2 gateway.example.com AQNRU3mG"),
    ("LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m"),
    ("LOC", "52 S 4 W 0m"),
    ("MB", "mail.example.com"),
    ("MG", "mail.example.com"),
    ("MINFO", "a.example.com b.example.com"),
    ("MR", "mail.example.com"),
    ("OPENPGPKEY", "AAECAw=="),
    ("SMIMEA", "3 1 1 0123456789abcdef"),
    ("SVCB", '1 mail.example.com alpn=dot port=853 key7="/q{?dns}"'),
    ("ZONEMD", f"2018031500 1 1 {48 * 'FE'}"),
]


def test_rarer_types_are_answered(start, fresh_database):
    database = fresh_database()
    rows = "".join(
        "INSERT INTO record (zone_id, name, type, content)"
        f" SELECT id, 'n{place}.example.com', '{rdtype}', '{content}' FROM zone"
        " WHERE name = 'example.com';"
        for place, (rdtype, content) in enumerate(RARER_TYPES)
    )
    database.sql(rows)
    with start(database) as server:
        for place, (rdtype, _) in enumerate(RARER_TYPES):
            output = server.dig("+noall", "+answer", f"n{place}.example.com", rdtype)
            assert output.split()[3:4] in ([rdtype], [f"TYPE{NUMBERS.get(rdtype)}"]), output


NUMBERS = {"MB": 7, "MG": 8, "MR": 9, "MINFO": 14}  # those that dig may not know by name


def hints(reply):
    (rrset,) = reply.message.answer
    return sorted(text for text in rrset[0].to_text().split() if "hint=" in text)


def test_a_hint_is_the_address_of_the_clients_site(start, fresh_database):
    """With PowerDNS's own automatic hints, which would be one site's for everybody."""
    database = fresh_database()
    database.sql(
        "INSERT INTO record (zone_id, name, type, content) SELECT id, 'www.example.com', 'HTTPS',"
        " '1 . alpn=h2 ipv4hint=auto ipv6hint=auto' FROM zone WHERE name = 'example.com';"
        "INSERT INTO record (zone_id, name, type, content) SELECT id, 'example.com', 'HTTPS',"
        " '1 www.example.com ipv6hint=auto' FROM zone WHERE name = 'example.com';"
    )
    resolvers = addresses_of_many_resolvers(200, random.Random(19))
    with start(database, options={"svc-autohints": "yes"}) as server:
        for name, families in (("www.example.com", "A AAAA"), ("example.com", "AAAA")):
            for reply in ask(server, [Question(ldns, name, "HTTPS") for ldns in resolvers]):
                site = chosen(reply.question.ldns, 3)
                wanted = [f'ipv4hint="{address}"' for address in database.www.answer(site, "A")]
                wanted *= "A " in families
                wanted += [f'ipv6hint="{address}"' for address in database.www.answer(site, "AAAA")]
                assert hints(reply) == wanted
        replies = ask(server, [Question(ldns, "www.example.com") for ldns in resolvers])
        assert all(
            reply.addresses == database.www.answer(chosen(reply.question.ldns, 3), "A")
            for reply in replies
        )


def test_a_name_without_records_shows_none(names):
    """The pipe protocol needs a record of some type, which only a question for ANY shows."""
    reply = names.one_tcp(RESOLVER, "between.example.com", "ANY")
    assert reply.rcode == "NOERROR"
    shown = [text.strip() for text in reply.answer_texts]
    assert shown == (["TYPE65280 \\# 0"] if names.backend == "pipe" else [])


def test_a_referral_to_the_zone_brings_the_name_servers_addresses(names):
    reply = names.one(RESOLVER, "example.com", "NS")
    assert sorted(str(rrset) for rrset in reply.message.additional) == [
        "ns1.example.com. 3600 IN A 192.0.2.1",
        "ns2.example.com. 3600 IN AAAA 2001:db8::53",
    ]


def test_capitals_make_no_difference_and_no_second_row(server):
    pool = server.database.add_pool("capitals", THREE_SITES)
    dice = random.Random(5)
    spellings = [mixed_case(pool.question_name, dice) for _ in range(100)]
    replies = ask(server, [Question(RESOLVER, spelling) for spelling in spellings])
    assert {reply.addresses for reply in replies} == {pool.answer(1)}
    assert server.database.mappings("capitals") == {RESOLVER: "capitals-2"}


def test_all_names_below_a_wildcard_share_the_pools_mapping(server):
    pool = server.database.add_pool("below", THREE_SITES, balanced_name="*.below.example.com")
    replies = ask(server, [Question(RESOLVER, f"n{n}.below.example.com") for n in range(50)])
    assert {reply.addresses for reply in replies} == {pool.answer(1)}
    assert server.database.mappings("below") == {RESOLVER: "below-2"}


def test_resolvers_without_a_proxy_are_told_apart_as_well(server):
    """dig asks from 127.0.0.2 itself: 2130706434, remainder 0 of three servers, so the second."""
    assert server.dig("+short", "www.example.com") == f"{ITS_SITE[0]}\n"


# ---------------------------------------------------------------- one resolver, many ways to ask


def test_tcp_and_udp_at_once_give_a_new_resolver_one_answer(server):
    pool = server.database.add_pool("both", THREE_SITES)
    resolvers = addresses_of_many_resolvers(300, random.Random(6))
    questions = [Question(ldns, pool.question_name) for ldns in resolvers]
    with concurrent.futures.ThreadPoolExecutor() as threads:
        over_tcp = threads.submit(ask_tcp, server, questions)
        over_udp = threads.submit(ask, server, questions, window=1)
        answers = [[r.addresses for r in way.result()] for way in (over_tcp, over_udp)]
    assert answers[0] == answers[1]
    assert len(server.database.mappings("both")) == len(resolvers)


def test_several_coprocesses_asked_at_one_moment_give_a_new_resolver_one_answer(
    start_pipe, fresh_database
):
    """Meanwhile a server is drained and enabled, again and again: two processes that choose for the
    same resolver often choose differently, and agree only because they know of each other.
    """
    database = fresh_database()
    pool = database.add_pool("race", THREE_SITES)
    resolvers = addresses_of_many_resolvers(4000, random.Random(7))
    questions = [Question(ldns, pool.question_name) for ldns in resolvers for _ in range(4)]
    with start_pipe(database) as server:
        all_coprocesses(server)
        with concurrent.futures.ThreadPoolExecutor() as threads:
            asking = threads.submit(ask, server, questions)
            while not asking.done():
                for state in ("draining", "enabled"):
                    change = f"UPDATE controller SET state = '{state}' WHERE name = 'race-2';"
                    database.sql(change)
        mappings = database.mappings("race")
    answers = collections.defaultdict(set)
    for reply in asking.result():
        answers[reply.question.ldns].add(pool.controller(pool.index_of(reply)))
    assert {ldns: given for ldns, given in answers.items() if len(given) > 1} == {}
    assert {ldns: {mappings.get(ldns)} for ldns in resolvers} == answers
    elsewhere = [n for n in resolvers if pool.controller(index_asked(pool, n)) not in answers[n]]
    assert len(elsewhere) > 100, "the choice did change meanwhile"


def test_a_group_of_resolvers_is_one_client(server):
    server.database.sql("INSERT INTO ldns_group (cidr, name) VALUES"
                        " ('100.64.8.0/24', 'isp'), ('2001:db8:64::/48', 'isp');")
    pool = server.database.add_pool("group", THREE_SITES)
    members = [f"100.64.8.{n}" for n in range(256)] + [f"2001:db8:64::{n:x}" for n in range(256)]
    replies = ask(server, [Question(ldns, pool.question_name) for ldns in members])
    (answer,) = {reply.addresses for reply in replies}
    index = pool.index_of(replies[0])
    assert server.database.mappings("group") == {"group:isp": pool.controller(index)}


def test_a_prefix_makes_neighbours_one_client(server):
    pool = server.database.add_pool("prefix", THREE_SITES, ipv4_prefix=24, ipv6_prefix=48)
    members = {
        "100.65.8.1": ("100.65.8.0/24", 24),
        "100.65.8.200": ("100.65.8.0/24", 24),
        "100.65.9.1": ("100.65.9.0/24", 24),
        "2001:db8:65::1": ("2001:db8:65::/48", 48),
        "2001:db8:65:ffff::1": ("2001:db8:65::/48", 48),
    }
    replies = ask(server, [Question(ldns, pool.question_name) for ldns in members])
    expected = {
        ldns: index_asked(pool, ldns, prefix=bits) for ldns, (_, bits) in members.items()
    }
    assert [r.addresses for r in replies] == [pool.answer(i) for i in expected.values()]
    assert server.database.mappings("prefix") == {
        network: pool.controller(expected[ldns]) for ldns, (network, _) in members.items()
    }


@pytest.mark.parametrize("written", ["::ffff:192.0.2.10", "::ffff:c000:20a"])
def test_an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address(server, written):
    pool = server.database.add_pool(f"mapped{len(written)}", THREE_SITES)
    assert server.one(written, pool.question_name).addresses == pool.answer(1)
    assert server.database.mappings(pool.name) == {RESOLVER: pool.controller(1)}


# ---------------------------------------------------------------- the client's network (ECS)


@pytest.fixture(scope="module")
def ecs_pool(server):
    return server.database.add_pool(
        "ecs", THREE_SITES, client="ecs", ipv4_prefix=24, ipv6_prefix=56
    )


ECS = [
    # resolver, network in the question, row in the table, bits of it, scope in the reply
    ("192.0.2.10", "198.51.100.77/32", "ecs:198.51.100.0/24", 24, 24),
    ("192.0.2.10", "198.51.100.0/24", "ecs:198.51.100.0/24", 24, 24),
    ("192.0.2.10", "198.51.96.0/20", "ecs:198.51.96.0/20", 20, 20),
    ("192.0.2.10", "2001:db8:5:2300::/56", "ecs:2001:db8:5:2300::/56", 56, 56),
    ("192.0.2.10", "2001:db8:5:2345::/64", "ecs:2001:db8:5:2300::/56", 56, 56),
    ("192.0.2.10", "2001:db8::/32", "ecs:2001:db8::/32", 32, 32),
    ("2001:db8::53", "203.0.113.0/24", "ecs:203.0.113.0/24", 24, 24),
    ("192.0.2.10", "0.0.0.0/0", "192.0.2.0/24", 24, 1),
    ("2001:db8::53", "::/0", "2001:db8::/56", 56, 1),
    ("192.0.2.10", None, "192.0.2.0/24", 24, None),
    ("2001:db8::53", None, "2001:db8::/56", 56, None),
]


@pytest.mark.parametrize("ldns, network, row, bits, scope", ECS)
def test_a_network_in_the_question_is_the_client(server, ecs_pool, ldns, network, row, bits, scope):
    server.database.sql("DELETE FROM persistence;")
    reply = server.one(ldns, ecs_pool.question_name, ecs=network)
    client = row.removeprefix("ecs:").partition("/")[0]
    index = index_asked(ecs_pool, client, prefix=bits)
    assert reply.addresses == ecs_pool.answer(index)
    assert reply.ecs_scope == scope
    assert server.database.mappings("ecs") == {row: ecs_pool.controller(index)}


def test_behind_an_alias_all_resolvers_get_one_site(start_pipe, fresh_database):
    """PowerDNS asks for the address itself.  Where it passes the client subnet on, a pool can tell
    the clients apart of resolvers that send one.
    """
    database = fresh_database()
    database.add_pool("ecs", THREE_SITES, client="ecs", ipv4_prefix=24, ipv6_prefix=56)
    database.sql("INSERT INTO record (zone_id, name, type, content) VALUES"
                 " (2, 'example.net', 'ALIAS', 'www.example.com'),"
                 " (2, 'ecs.example.net', 'ALIAS', 'ecs.example.com');")
    resolvers = [f"192.0.2.{i}" for i in range(20)]
    without_header = {"proxy-protocol-from": "127.0.0.3"}  # the other one sends none
    with start_pipe(database, options=without_header) as behind:
        address, port = behind.address
        options = {"expand-alias": "yes", "resolver": f"{address}:{port}"}
        with start_pipe(database, options=options) as front:
            replies = ask(front, [Question(ldns, "example.net") for ldns in resolvers])
            assert len({tuple(reply.addresses) for reply in replies}) == 1
            assert replies[0].addresses[0] in dict(THREE_SITES)
            replies = ask(front, [Question(ldns, "ecs.example.net", ecs=f"100.64.{i}.0/24")
                                  for i, ldns in enumerate(resolvers)])
            sites = {tuple(reply.addresses) for reply in replies}
            assert len(sites) == (3 if expected_of_version("an ALIAS with a client subnet") else 1)


def test_networks_asked_for_by_one_resolver_are_told_apart(server, ecs_pool):
    networks = [f"100.{a}.{b}.0/24" for a in range(70, 80) for b in range(100)]
    questions = [Question(RESOLVER, ecs_pool.question_name, ecs=net) for net in networks] * 3
    random.Random(8).shuffle(questions)
    for reply in ask(server, questions):
        network = reply.question.ecs.partition("/")[0]
        expected = ecs_pool.answer(index_asked(ecs_pool, network, prefix=24))
        assert (reply.question.ecs, reply.addresses, reply.ecs_scope) == (
            reply.question.ecs,
            expected,
            24,
        )


def test_a_pool_for_resolvers_takes_no_notice_of_the_clients_network(server):
    pool = server.database.add_pool("noecs", THREE_SITES)
    networks = [f"100.80.{n}.0/24" for n in range(50)]
    replies = ask(server, [Question(RESOLVER, pool.question_name, ecs=net) for net in networks])
    assert {(reply.addresses, reply.ecs_scope) for reply in replies} == {(pool.answer(1), 1)}
    assert server.database.mappings("noecs") == {RESOLVER: "noecs-2"}


# ---------------------------------------------------------------- when a mapping ends


def test_a_recovered_server_does_not_pull_its_clients_back(server):
    pool = server.database.add_pool("recover", THREE_SITES)
    resolvers = addresses_of_many_resolvers(300, random.Random(9))
    questions = [Question(ldns, pool.question_name) for ldns in resolvers]
    first = {ldns: index_asked(pool, ldns) for ldns in resolvers}
    moved = {ldns: index_asked(pool, ldns, down={1}) for ldns in resolvers}
    for available, expected in ((True, first), (False, moved), (True, moved)):
        server.database.set_available(pool, 1, available)
        assert {r.question.ldns: pool.index_of(r) for r in ask(server, questions)} == expected
    assert [ldns for ldns in resolvers if first[ldns] != moved[ldns] and first[ldns] != 1] == []


def test_an_expired_mapping_is_chosen_anew(server):
    pool = server.database.add_pool("expire", THREE_SITES, persistence_ttl=100)
    server.database.set_available(pool, 1, False)
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(2)
    server.database.set_available(pool, 1, True)
    server.database.age(pool, 90)
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(2)
    server.database.age(pool, 10)
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(1)


@pytest.mark.parametrize(
    "timer, age, is_renewed",
    [("fixed", 5000, False), ("sliding", 5000, True), ("sliding", 500, False)],
)
def test_a_sliding_timer_starts_again_but_not_with_every_question(server, timer, age, is_renewed):
    """Within the first tenth of the time the row is left as it is: answers then cost no write."""
    name = f"{timer}-{age}"
    pool = server.database.add_pool(
        name, THREE_SITES, persistence_ttl=10_000, persistence_timer=timer
    )
    begins = (
        "SELECT timestamp FROM persistence WHERE ttl = 10000 AND pool_id ="
        f" (SELECT id FROM pool WHERE name = '{name}')"
    )
    asked = int(time.time())
    server.one(RESOLVER, pool.question_name)
    server.database.age(pool, age)
    ((aged,),) = server.database.rows(begins)
    server.one(RESOLVER, pool.question_name)
    server.database.wait_for_writer()
    ((begin,),) = server.database.rows(begins)
    assert begin >= asked if is_renewed else begin == aged


def test_a_draining_controller_keeps_its_clients_and_gets_no_new_ones(server):
    pool = server.database.add_pool("drain", THREE_SITES)
    before, after = (addresses_of_many_resolvers(300, random.Random(n)) for n in (13, 14))
    ask(server, [Question(ldns, pool.question_name) for ldns in before])
    server.database.sql("UPDATE controller SET state = 'draining' WHERE name = 'drain-2';")
    replies = ask(server, [Question(ldns, pool.question_name) for ldns in before + after])
    expected = [index_asked(pool, ldns) for ldns in before]
    expected += [choose_among(ldns, [0, 2], []) for ldns in after]
    assert [pool.index_of(reply) for reply in replies] == expected


def test_a_draining_site_takes_new_clients_while_no_other_is_up(server):
    """Before any fallback: a site that drains is better than one that is down."""
    pool = server.database.add_pool("lastone", THREE_SITES, fallback="none")
    before, after = (addresses_of_many_resolvers(100, random.Random(n)) for n in (15, 16))
    ask(server, [Question(ldns, pool.question_name) for ldns in before])
    server.database.sql("UPDATE controller SET state = 'draining' WHERE name = 'lastone-1';")
    for index in (1, 2):
        server.database.set_available(pool, index, False)
    for _ in range(2):
        replies = ask(server, [Question(ldns, pool.question_name) for ldns in before + after])
        assert {pool.index_of(reply) for reply in replies} == {0}
    server.database.set_available(pool, 2, True)
    replies = ask(server, [Question(ldns, pool.question_name) for ldns in before + after])
    assert {pool.index_of(reply) for reply in replies} == {0}, "they keep their mappings"
    others = addresses_of_many_resolvers(100, random.Random(17))
    replies = ask(server, [Question(ldns, pool.question_name) for ldns in others])
    assert {pool.index_of(reply) for reply in replies} == {2}


def test_pools_that_share_mappings_but_not_all_sites_move_nobody(server):
    """Pool `shared` lacks the first site, pool `keeper` the third."""
    database = server.database
    keeper = database.add_pool("keeper", THREE_SITES[:2])
    shared = database.add_pool("shared", THREE_SITES)
    database.sql(
        "UPDATE virtual_server SET controller_id ="
        " (SELECT id FROM controller WHERE name = 'keeper-2')"
        " WHERE controller_id = (SELECT id FROM controller WHERE name = 'shared-2');"
        "UPDATE virtual_server SET state = 'disabled'"
        " WHERE controller_id = (SELECT id FROM controller WHERE name = 'shared-1');"
        "UPDATE pool SET persistence_pool_id = (SELECT id FROM pool WHERE name = 'keeper')"
        " WHERE name = 'shared';"
    )
    resolvers = addresses_of_many_resolvers(200, random.Random(18))
    first = {}
    for _ in range(3):
        for pool in (keeper, shared):
            for reply in ask(server, [Question(ldns, pool.question_name) for ldns in resolvers]):
                key = (pool.name, reply.question.ldns)
                assert first.setdefault(key, pool.index_of(reply)) == pool.index_of(reply)
    for ldns in resolvers:
        assert first["keeper", ldns] == 0 or first["shared", ldns] == 1, "one site if both have it"


def test_pools_that_share_their_mappings_send_a_resolver_to_one_site(server):
    """The second pool has the controllers of the first, in another order."""
    first = server.database.add_pool("page", THREE_SITES)
    second = server.database.add_pool("images", [(f"198.51.100.{n}", None) for n in (3, 2, 1)])
    server.database.sql("""
        UPDATE virtual_server SET controller_id =
            (SELECT id FROM controller WHERE name = 'page-' || substr(virtual_server.ipv4, -1))
        WHERE pool_id = (SELECT id FROM pool WHERE name = 'images');
        UPDATE pool SET persistence_pool_id = (SELECT id FROM pool WHERE name = 'page')
        WHERE name = 'images';
    """)
    resolvers = addresses_of_many_resolvers(300, random.Random(15))
    on_first = ask(server, [Question(ldns, first.question_name) for ldns in resolvers])
    on_second = ask(server, [Question(ldns, second.question_name) for ldns in resolvers])
    assert [reply.addresses[0][-1] for reply in on_first] == [
        reply.addresses[0][-1] for reply in on_second
    ]
    assert server.database.mappings("images") == {}


def test_deleting_the_row_unsticks_a_resolver(server):
    pool = server.database.add_pool("unstick", THREE_SITES)
    server.database.set_available(pool, 1, False)
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(2)
    server.database.set_available(pool, 1, True)
    server.database.sql(f"DELETE FROM persistence WHERE ldns = '{RESOLVER}';")
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(1)


def test_a_pool_without_persistence_writes_nothing(server):
    pool = server.database.add_pool("nokeep", THREE_SITES, persistence_ttl=0)
    assert server.one(RESOLVER, pool.question_name).addresses == pool.answer(1)
    assert server.database.mappings("nokeep") == {}


# ---------------------------------------------------------------- nothing is up


@pytest.mark.parametrize(
    "fallback, rcode, has_answer, authority",
    [
        ("any", "NOERROR", True, []),
        ("none", "NOERROR", False, ["SOA"]),
        ("servfail", "SERVFAIL", False, []),
    ],
)
def test_a_pool_with_all_servers_down(server, fallback, rcode, has_answer, authority):
    pool = server.database.add_pool(f"down-{fallback}", THREE_SITES, fallback=fallback)
    for index in range(3):
        server.database.set_available(pool, index, False)
    reply = server.one(RESOLVER, pool.question_name)
    assert (reply.rcode, reply.authority_types) == (rcode, authority)
    assert reply.addresses == (pool.answer(1) if has_answer else ())
    assert server.database.mappings(pool.name) == {}


def test_a_question_for_the_zone_never_fails_because_a_pool_does(server):
    pool = server.database.add_pool("failing", THREE_SITES, fallback="servfail")
    for index in range(3):
        server.database.set_available(pool, index, False)
    replies = ask(
        server,
        [Question(RESOLVER, pool.question_name), Question(RESOLVER, "example.com", "SOA")] * 20,
    )
    assert [reply.rcode for reply in replies] == ["SERVFAIL", "NOERROR"] * 20


def test_a_fallback_pool_takes_over_and_keeps_the_mapping(server):
    reserve = server.database.add_pool("reserve", [("198.51.100.1", None), ("198.51.100.2", None)])
    pool = server.database.add_pool("first", THREE_SITES)
    server.database.sql(
        "UPDATE pool SET fallback_pool_id = (SELECT id FROM pool WHERE name = 'reserve')"
        " WHERE name = 'first';"
    )
    for index in range(3):
        server.database.set_available(pool, index, False)
    index = index_asked(reserve, RESOLVER)
    assert server.one(RESOLVER, pool.question_name).addresses == reserve.answer(index)
    assert server.database.mappings("first") == {}
    assert server.database.mappings("reserve") == {RESOLVER: reserve.controller(index)}


def test_a_site_without_ipv6_is_reached_by_ipv4_and_kept(server):
    sites = [("203.0.113.1", None)] * 3
    pool = server.database.add_pool("ipv4only", sites)
    assert server.one(RESOLVER, pool.question_name, "AAAA").addresses == ()
    assert server.one(RESOLVER, pool.question_name, "A").addresses == ("203.0.113.1",)
    assert server.database.mappings("ipv4only") == {RESOLVER: "ipv4only-2"}


# ---------------------------------------------------------------- what PowerDNS remembers


# Two on a machine that is free. PowerDNS's own settings would make it 60.
FORGOTTEN_SECONDS = 15


def test_a_name_asked_for_before_it_was_added_is_there_seconds_later(server):
    """The caches keep "no such name" for a second, which in PowerDNS is up to two."""
    assert server.one(RESOLVER, "early.example.com").rcode == "NXDOMAIN"
    pool = server.database.add_pool("early", THREE_SITES)
    added = time.monotonic()
    wait_until(
        lambda: server.one(RESOLVER, pool.question_name).addresses == pool.answer(1),
        SECONDS_MAX,
        "it is there",
    )
    assert time.monotonic() - added < FORGOTTEN_SECONDS


def test_no_ipv6_at_one_site_is_told_to_all_sites_clients_for_seconds_only(server):
    """PowerDNS caches "no such type" without regard to who asked, and no backend can prevent it.

    So all servers of a pool should have addresses of the same families.  Nobody gets the address of
    another site, though, and resolvers that ask for signatures do not meet this.
    """
    pool = server.database.add_pool("mixed", [("203.0.113.1", None), *THREE_SITES[1:]])
    without, with_ipv6 = "192.0.2.9", RESOLVER  # the latter's remainder is 0, so the former's is 2
    assert server.one(without, pool.question_name, "AAAA").addresses == ()
    assert server.one(with_ipv6, pool.question_name, "A").addresses == pool.answer(1, "A")
    assert server.one(with_ipv6, pool.question_name, "AAAA").addresses in ((), ITS_SITE[1:])
    asked = time.monotonic()
    wait_until(
        lambda: server.one(with_ipv6, pool.question_name, "AAAA").addresses == ITS_SITE[1:],
        SECONDS_MAX,
        "it is told",
    )
    assert time.monotonic() - asked < FORGOTTEN_SECONDS


# ---------------------------------------------------------------- changes under load


ADD_A_SERVER = """
    INSERT INTO controller (name, address) VALUES ('load-4', '203.0.113.4');
    INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)
        SELECT pool.id, controller.id, 4, '203.0.113.4' FROM pool, controller
        WHERE pool.name = 'load' AND controller.name = 'load-4';
"""
DISABLE = "UPDATE controller SET state = 'disabled' WHERE name = 'load-1';"
ENABLE = "UPDATE controller SET state = 'enabled' WHERE name = 'load-1';"
GO_DOWN = """
    INSERT INTO controller_metric (controller_id, name, value, measured_at)
        SELECT id, 'availability', 0, unixepoch() FROM controller WHERE name = 'load-3';
"""
RETURN = "UPDATE controller_metric SET value = 1;"

CHANGES = [
    # what is committed, the servers that the pool then has, those of them that are down
    (ADD_A_SERVER, [0, 1, 2, 3], []),
    (DISABLE, [1, 2, 3], []),
    (ENABLE, [0, 1, 2, 3], []),
    (GO_DOWN, [0, 1, 2, 3], [2]),
    (RETURN, [0, 1, 2, 3], []),
]


def choose_among(client, servers, down):
    return servers[chosen(client, len(servers), {servers.index(server) for server in down})]


def server_in(reply):
    """203.0.113.1 is server 0."""
    (address,) = reply.addresses
    return int(address.removeprefix("203.0.113.")) - 1


def after_change(mapped, servers, down):
    """The mappings once all their clients have asked: only those move whose server is gone."""
    return {
        ldns: server
        if server in servers and server not in down
        else choose_among(ldns, servers, down)
        for ldns, server in mapped.items()
    }


@dataclasses.dataclass
class Era:
    """The time of one configuration."""

    begin: float
    servers: list
    down: list
    mapped: dict
    end: float = math.inf

    def choice(self, ldns):
        if ldns in self.mapped:
            return self.mapped[ldns]
        return choose_among(ldns, self.servers, self.down)


def test_a_change_under_load_loses_nothing_and_counts_from_the_next_question(start, fresh_database):
    """Half of the load are resolvers with a mapping, half are new ones; no reply may be missing.

    Each reply must be right for a configuration in force between its question and itself.  A
    configuration is in force from the start of its commit to the end of the next one.
    """
    database = fresh_database()
    pool = database.add_pool("load", [(f"203.0.113.{n}", None) for n in (1, 2, 3)])
    many = addresses_of_many_resolvers(100_000, random.Random(10))
    known, new = many[:200], many[200:]
    known_questions = [Question(ldns, pool.question_name) for ldns in known]

    def make_question(n):
        ldns = known[n // 2 % len(known)] if n % 2 else new[n // 2 % len(new)]
        return Question(ldns, pool.question_name)

    mapped = {ldns: choose_among(ldns, [0, 1, 2], []) for ldns in known}
    eras = [Era(0.0, [0, 1, 2], [], mapped)]
    with start(database) as server:
        ask_until_kept(server, known_questions, pool)
        with Load(server, make_question) as load:
            for statements, servers, down in CHANGES:
                era = Era(time.monotonic(), servers, down, after_change(mapped, servers, down))
                database.sql(f"BEGIN; {statements} COMMIT;")
                eras[-1].end = time.monotonic()
                eras.append(era)
                mapped = era.mapped
                for reply in ask(server, known_questions):
                    assert server_in(reply) == mapped[reply.question.ldns]
            load.until_answered(1000)
    wrong = [
        reply
        for reply in load.replies
        if server_in(reply)
        not in {
            era.choice(reply.question.ldns)
            for era in eras
            if era.begin <= reply.received and reply.sent <= era.end
        }
    ]
    assert wrong == []
    assert len(load.replies) > 1000


def test_a_locked_database_delays_nobody_and_loses_no_mapping(server):
    pool = server.database.add_pool("locked", THREE_SITES)
    resolvers = addresses_of_many_resolvers(200, random.Random(16))
    questions = [Question(ldns, pool.question_name) for ldns in resolvers]
    with server.database.locked():
        replies = ask(server, questions)
        assert server.database.rows_of("locked") == {}
    for reply in replies:
        assert reply.addresses == pool.answer(index_asked(pool, reply.question.ldns))
    assert_in_time(replies, "locked")
    assert set(server.database.mappings("locked")) == set(resolvers)


# ---------------------------------------------------------------- processes that end


def wrong_replies(replies, pool):
    """Those that are not what the modulus says."""
    return [
        reply
        for reply in replies
        if reply.addresses != pool.answer(index_asked(pool, reply.question.ldns))
    ]


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
    """Two for UDP and one for TCP; those of the remote backend start with their first question."""

    def found():
        server.one_tcp(RESOLVER, "www.example.com")
        ask(server, [Question(RESOLVER, "www.example.com")] * 64)
        return len(greeted(server)) == 3

    wait_until(found, SECONDS_MAX, "every thread has a coprocess")
    return server.coprocesses()


def questions_for_www():
    resolvers = addresses_of_many_resolvers(500, random.Random(12))
    return [Question(ldns, "www.example.com") for ldns in resolvers]


def load_on_www(server):
    questions = questions_for_www()
    return Load(server, lambda n: questions[n % len(questions)])


def all_are_right(server):
    return wrong_replies(ask(server, questions_for_www()), server.database.www) == []


@pytest.mark.parametrize("when", ["while it works", "between two questions"])
def test_seconds_after_a_killed_coprocess_all_is_well(start_pipe, fresh_database, when):
    """PowerDNS takes what a dead coprocess does not say for "no such name", and caches that.

    How long is what cache-ttl and negquery-cache-ttl in the configuration are about: each is one
    second, which in PowerDNS is up to two, and the one can be filled from the other at its end.  That
    makes three seconds on a machine that is free.
    """
    with start_pipe(fresh_database()) as server:
        coprocesses = all_coprocesses(server)
        if when == "between two questions":
            kill(coprocesses)
        with load_on_www(server) as load:
            if when == "while it works":
                kill(coprocesses)
            time.sleep(3)
            wait_until(lambda: all_are_right(server), FORGOTTEN_SECONDS, "right answers")
            well = time.monotonic()
            load.until_answered(load.asked + 500)
    wrong = wrong_replies(load.replies, server.database.www)
    assert [reply for reply in wrong if reply.sent > well] == []
    assert {reply.rcode for reply in wrong} <= {"NXDOMAIN", "REFUSED", "SERVFAIL"}
    assert {reply.addresses for reply in wrong} <= {()}, "never the address of another site"


def test_a_killed_coprocess_spoils_one_answer_at_most_when_nothing_is_cached(
    start_pipe, fresh_database
):
    """Without caches, to see the loss itself: the one question that the process had in hand."""
    no_caches = {"cache-ttl": 0, "query-cache-ttl": 0, "negquery-cache-ttl": 0}
    killed = 0
    with start_pipe(fresh_database(), options=no_caches) as server:
        with load_on_www(server) as load:
            for _ in range(5):
                victims = greeted(server)
                kill(victims)
                killed += len(victims)
                time.sleep(0.3)
    assert len(wrong_replies(load.replies, server.database.www)) <= killed


def test_coprocesses_end_when_the_server_is_killed(start, fresh_database):
    with start(fresh_database()) as server:
        coprocesses = all_coprocesses(server)
        kill([server.process.pid])
        # a round of maintenance comes to its end before
        wait_until(lambda: not any(map(is_running, coprocesses)), SECONDS_MAX, "the coprocesses end")


def test_a_stop_by_systemd_ends_every_coprocess_with_exit_code_0(start_coprocesses, fresh_database):
    """It sends SIGTERM to the server and all coprocesses at the same moment."""
    with start_coprocesses(fresh_database(), exit_codes=True) as server:
        coprocesses = [pid for script in all_coprocesses(server) for pid in children(script)]
        kill([*coprocesses, server.process.pid], signal.SIGTERM)
        wait_until(lambda: not any(map(is_running, coprocesses)), SECONDS_MAX, "all coprocesses end")
        wait_until(lambda: len(server.exit_codes()) >= 3, SECONDS_MAX, "they are reaped")
        assert set(server.exit_codes()) == {0}


def test_a_coprocess_serves_on_after_sigterm_until_powerdns_is_done_with_it(start_coprocesses, fresh_database):
    with start_coprocesses(fresh_database()) as server:
        coprocesses = all_coprocesses(server)
        kill(coprocesses, signal.SIGTERM)
        with load_on_www(server) as load:
            pass
        assert wrong_replies(load.replies, server.database.www) == []
        assert server.coprocesses() == coprocesses


# ---------------------------------------------------------------- the operator's tools


def test_a_transfer_has_the_plain_records_and_one_server_for_each_balanced_name(names):
    """The first server that is up, as a transfer is for no client in particular."""
    lines = names.dig("+noall", "+answer", "example.net", "AXFR").splitlines()
    records = [" ".join(line.split()[3:]) for line in lines]
    assert records[0] == records[-1] == SOA
    assert sorted(records[1:-1]) == ["A 203.0.113.1", "AAAA 2001:db8:0:1::80", NS1]
    assert names.database.mappings("apex").keys() <= {RESOLVER}


def test_a_transfer_of_an_unknown_zone_fails(server):
    assert "Transfer failed" in server.dig("example.org", "AXFR")


@pytest.mark.parametrize("command", ["check-zone", "list-zone"])
def test_pdnsutil_knows_no_zones_of_a_pipe_backend(start_pipe, fresh_database, command):
    """PowerDNS asks its backends for "domain info" first, and the pipe protocol has no word for it.

    The records are seen with sqlite3, or with a transfer as above.
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
