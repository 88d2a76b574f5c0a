"""A real PowerDNS whose configuration changes under load, and whose processes end."""

import dataclasses
import math
import random
import signal
import time

import pytest

from alone import FORGOTTEN_SECONDS, all_coprocesses, ask_until_kept, choose_among, greeted, index_asked
from dns_client import Load, Question, ask
from faults import assert_in_time
from processes import SECONDS_MAX, children, is_running, kill, wait_until
from resolvers import addresses_of_many_resolvers
from zones import THREE_SITES

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
