"""Balancing methods as several processes use them at a time, while tables change below them."""

import collections
import contextlib

import pytest

from coprocess import Coprocess
from database import Shell
from resolvers import ldns
from sample import IPV4

@pytest.fixture
def changed(sample_database):
    """The sample, and a shell that changes it."""
    with Shell(sample_database.path) as shell:
        yield sample_database, shell


@contextlib.contextmanager
def coprocesses(database, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Coprocess(database.path)) for _ in range(count)]


def shares(processes, questions, first=0):
    """How many new resolvers each site got, asked of the processes in turn."""
    return collections.Counter(
        processes[number % len(processes)].ask("www.example.com", "A", ldns(first + number)).ipv4
        for number in range(questions)
    )


def test_round_robin_shares_out_evenly_over_processes_and_reloads(changed):
    database, shell = changed
    shell.change("UPDATE pool SET method = 'round-robin' WHERE name = 'web';")
    with coprocesses(database, 3) as processes:
        seen = collections.Counter()
        for round_ in range(10):
            seen += shares(processes, 9, first=round_ * 9)
            shell.change("UPDATE pool SET ttl = ttl + 1;")  # read anew, but counted on
    assert seen == {address: 30 for address in IPV4}


def test_ratio_gives_each_site_its_weight(changed):
    database, shell = changed
    shell.change(
        "UPDATE pool SET method = 'ratio' WHERE name = 'web';"
        "UPDATE virtual_server SET weight = 6 - 2 * position WHERE pool_id = 1;"  # 4, 2, 0
    )
    with coprocesses(database, 4) as processes:
        seen = shares(processes, 4 * 12)
    assert seen == {IPV4[0]: 32, IPV4[1]: 16}


def test_a_resolver_keeps_its_site_in_all_processes_whatever_the_method_says(changed):
    database, shell = changed
    for method in ("round-robin", "ratio", "rtt", "least", "rendezvous", "failover"):
        shell.change(f"UPDATE pool SET method = '{method}', metric = 'cpu' WHERE name = 'web';")
        with coprocesses(database, 2) as processes:
            for number in range(30):
                shell.change(
                    "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"
                    " SELECT c.id, m.name, abs(random() % 100)"
                    " FROM controller AS c, (SELECT 'cpu' AS name UNION SELECT 'rtt') AS m;"
                )
                answers = {
                    process.ask("www.example.com", "A", ldns(number)).ipv4
                    for process in processes * 2
                }
                assert len(answers) == 1, method


def test_a_measured_value_counts_for_the_very_next_choice(changed):
    database, shell = changed
    shell.change("UPDATE pool SET method = 'least', metric = 'cpu' WHERE name = 'web';")
    with coprocesses(database, 1) as (process,):
        for number in range(100):
            best = number % 3
            shell.change(
                "INSERT OR REPLACE INTO controller_metric (controller_id, name, value)"
                f" SELECT id, 'cpu', iif(id = {best + 1}, 10, 90) FROM controller;"
            )
            assert process.ask("www.example.com", "A", ldns(number)).ipv4 == IPV4[best]


def test_explain_uses_no_turn_up(changed):
    database, shell = changed
    shell.change("UPDATE pool SET method = 'round-robin' WHERE name = 'web';")
    with coprocesses(database, 1) as (process,):
        for number in range(9):
            told = [process.command(f"explain www.example.com {ldns(number)}") for _ in range(3)]
            assert told[0] == told[1] == told[2]
            answer = process.ask("www.example.com", "A", ldns(number)).ipv4
            assert any(line.endswith(f" A {answer} (scope 1)") for line in told[0])
