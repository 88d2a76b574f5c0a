"""When a mapping behind PowerDNS ends, and what is answered when nothing is up."""

import random
import time

import pytest

from alone import choose_among, index_asked
from dns_client import Question, ask
from resolvers import addresses_of_many_resolvers
from zones import RESOLVER, THREE_SITES

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
