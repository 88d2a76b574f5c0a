"""Two name servers that share, with a real PowerDNS in front of each."""

import contextlib

from cluster import Cluster
from dns_client import Load, Question
from processes import SECONDS_MAX, wait_until
from resolvers import ldns
from sample import SITES, expected
from sharing_load import served_by_powerdns, take_down

STRANGERS = 200  # resolvers that ask while something is wrong
SOME = 2000  # answers, for some tenths of a second


def question_of_a_stranger(number):
    return Question(ldns(10_000 + number % STRANGERS), "www.example.com")


@contextlib.contextmanager
def asked_all_the_time(cluster):
    """Every question of the block gets the choice of the method, at both; gives the load of each."""
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(Load(node.coprocess.server, question_of_a_stranger, window=4))
                 for node in cluster.nodes]
        yield loads
    for load in loads:
        for reply in load.replies:
            assert reply.addresses == (expected(reply.question.ldns),), reply.message
        print(f"{len(load.replies)} answers")


def until_asked_some_more(loads):
    for load in loads:
        load.until_answered(load.asked + SOME)


def moved_mappings(cluster):
    """Resolvers at sites that modulus would not choose, {resolver: address}; each is told by both."""
    mend = [take_down(node, "ams") for node in cluster.nodes]
    resolvers = [each for each in map(ldns, range(300)) if SITES[expected(each)] == "ams"]

    def ask(number, resolver):
        return cluster.nodes[number % 2].coprocess.ask("www.example.com", "A", resolver).ipv4

    told = {resolver: ask(number, resolver) for number, resolver in enumerate(resolvers)}
    for each in mend:
        each()
    assert told and not any(SITES[address] == "ams" for address in told.values())
    return told


def test_a_database_that_is_lost_under_powerdns_comes_back_from_the_other_server(workspace):
    """Nothing is restarted.  Meanwhile it answers as the method chooses."""
    with Cluster(workspace, 2) as two, served_by_powerdns(two):
        two.wait_until_heard()
        told = moved_mappings(two)
        before = two.wait_until_equal()
        assert len(before) == len(told)
        lost, daemon = two[1], two[1].daemon.pid
        with asked_all_the_time(two) as loads:
            lost.database.lose()
            until_asked_some_more(loads)
            lost.put_new_database()
            wait_until(lambda: before.items() <= lost.entries().items(), SECONDS_MAX,
                       lambda: f"its rows: {lost.daemon.said()}")
            until_asked_some_more(loads)
        for node in two.nodes:
            for resolver, address in told.items():
                assert node.coprocess.ask("www.example.com", "A", resolver).ipv4 == address
        assert len(two.wait_until_equal()) == len(told) + STRANGERS
        assert lost.daemon.process.poll() is None and lost.daemon.pid == daemon
