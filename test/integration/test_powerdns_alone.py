"""pdns-sticky as PowerDNS's only backend, by pipe.conf, remote-pipe.conf and remote-unix.conf.

Thousands of resolvers ask a real server whose caches are on.  Expected answers come from
resolvers.chosen(), which is the definition of the choice and knows nothing of the program.
"""

import collections
import concurrent.futures
import math
import random
import time

import pytest

from alone import all_coprocesses, index_asked
from dns_client import Question, ask, ask_tcp
from powerdns import is_lookup, name_and_type
from resolvers import addresses_of_many_resolvers
from versions import expected as expected_of_version
from zones import RESOLVER, THREE_SITES

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
