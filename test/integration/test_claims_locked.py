"""Claims that cannot be written for a while: somebody holds the database, the disk is full, the file
of claims is full.

Answers are given from the claims, and they become rows when that is possible again.
"""

import contextlib
import os
import re
import select
import time

import pytest

import faults
from claims import Promises, allow_many, change_choice
from coprocess import PATIENCE_SECONDS, Coprocess, assert_within
from database import SAMPLE, Database, Shell
from faults import assert_in_time, assert_said_once_a_minute, heals
from processes import LONG, SECONDS_MAX, USER, busy_processors, give_to_user, wait_until

HELD_SECONDS = 10


@pytest.fixture
def two(sample_database):
    """Two coprocesses, and what they have promised."""
    promises = Promises(sample_database)
    with Coprocess(sample_database.path) as first, Coprocess(sample_database.path) as second:
        promises.ask(promises.new(100), first, second)
        promises.wait_until_kept()
        yield promises, (first, second)


def has_problem(coprocess, pattern):
    lines = coprocess.command("status")
    return any(re.search(f"^problem: .*{pattern}", line) for line in lines)


@pytest.mark.parametrize("what", ["192.0.2.10", "192.0.2.0/24"])
def test_while_somebody_holds_the_database_forget_is_answered_in_time(sample_database, what):
    """However many pools there are: PowerDNS waits for two seconds."""
    count = 6
    sample_database.sql("".join(
        f"INSERT INTO pool (id, name) VALUES ({100 + n}, 'p{n}');"
        "INSERT INTO virtual_server (pool_id, controller_id, position, ipv4)"
        f" VALUES ({100 + n}, 1, 1, '192.0.2.80');"
        "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
        f" VALUES ({100 + n}, '192.0.2.10', 1, 'modulus', unixepoch(), 3600);"
        for n in range(count)))
    with Coprocess(sample_database.path) as coprocess, Shell(sample_database.path) as other:
        heals(coprocess, sample_database, 1)
        other.change("BEGIN IMMEDIATE;")
        said = []
        assert_within(PATIENCE_SECONDS, lambda: said.append(coprocess.command(f"forget {what}")))
        other.change("ROLLBACK;")
        assert f"{count} mappings forgotten" in said[0]
        left = "SELECT count(*) FROM persistence WHERE ldns = '192.0.2.10'"
        wait_until(lambda: sample_database.rows(left) == [(0,)], SECONDS_MAX, "the rows are gone")


def test_while_somebody_holds_the_database_all_are_answered_and_kept(two):
    promises, coprocesses = two
    answers = []
    with Shell(promises.database.path) as other:
        other.change("BEGIN EXCLUSIVE; UPDATE controller SET state = iif(id = 1, 'draining', state);")
        until = time.monotonic() + HELD_SECONDS
        while time.monotonic() < until:
            answers += promises.ask(promises.new(10), *coprocesses)
            time.sleep(0.04)  # some thousand claims in all
        promises.ask_again(*coprocesses)
        assert promises.database.claims.waiting() == len(promises.told) - 100
        assert has_problem(coprocesses[0], "mappings in .*-claims cannot be stored now")
        assert not has_problem(coprocesses[0], "-claims is full")
        # A process that is new finds them as well.
        with Coprocess(promises.database.path) as third:
            promises.ask_again(third)
        other.change("COMMIT;")
    promises.ask_again(*coprocesses)  # another choice by now
    promises.wait_until_kept()
    assert not has_problem(coprocesses[0], "-claims")
    assert_in_time(answers, "somebody holds the database")
    assert all("locked" in log for log in promises.logs), promises.logs
    assert_said_once_a_minute(promises.logs, 3, HELD_SECONDS)


def test_a_sliding_timer_is_extended_by_claims_while_somebody_holds_the_database(two):
    promises, coprocesses = two
    database = promises.database
    database.sql(
        "UPDATE pool SET persistence_timer = 'sliding' WHERE name = 'web';"
        "UPDATE persistence SET ttl = 3600, timestamp = unixepoch() - 1800;"
    )
    begun = int(time.time())
    with Shell(database.path) as other:
        other.change("BEGIN IMMEDIATE;")
        promises.ask_again(*coprocesses)
        assert database.claims.waiting() == len(promises.told)
        [(last,)] = database.rows("SELECT max(timestamp) FROM persistence")
        assert last < begun - 1000
        other.change("COMMIT;")
    promises.wait_until_kept()
    [(count, first)] = database.rows("SELECT count(*), min(timestamp) FROM persistence")
    assert count == len(promises.told) and first >= begun
    assert promises.broken() == []


def test_claims_outlive_all_processes_while_the_database_is_held(sample_database):
    promises = Promises(sample_database)
    with Shell(sample_database.path) as other:
        with Coprocess(sample_database.path) as first, Coprocess(sample_database.path) as second:
            promises.ask(promises.new(10), first, second)
            promises.wait_until_kept()
            other.change("BEGIN IMMEDIATE;")
            promises.ask(promises.new(300), first, second)
            first.kill()
            assert second.close() == 0
        assert sample_database.claims.waiting() == 300
        with Coprocess(sample_database.path) as third:
            promises.ask_again(third)
            other.change("COMMIT;")
            promises.wait_until_kept()


def commits_of_burst(promises, coprocess, shell=None):
    """How many commits 500 new resolvers take, and how many seconds, until no claim waits."""
    waiting = promises.database.claims.waiting
    before, begin = faults.commits(promises.database), time.monotonic()
    promises.ask(promises.new(500), coprocess)
    if shell:
        assert waiting() == 500
        shell.change("ROLLBACK;")
    wait_until(lambda: waiting() == 0, SECONDS_MAX, "no claim waits")
    seconds = time.monotonic() - begin
    return faults.commits(promises.database) - before, seconds


def test_a_burst_becomes_few_commits(two):
    """All claims that wait become one commit; and between two commits, claims are collected for two
    milliseconds, however long a busy machine needs for all of them."""
    promises, (first, _) = two
    allow_many(promises.database)
    with Shell(promises.database.path) as shell:
        shell.change("BEGIN IMMEDIATE;")
        count, _ = commits_of_burst(promises, first, shell)
    assert 1 <= count <= 2
    count, seconds = commits_of_burst(promises, first)
    print(f"{count} commits in {seconds * 1000:.0f} ms")
    assert 1 <= count <= 2 + seconds / 0.002
    promises.wait_until_kept()


def choose_by_turns(database):
    """Two processes agree from now on only through a claim or a row."""
    database.sql("UPDATE pool SET method = 'round-robin' WHERE name = 'web';")


def test_a_database_that_can_only_be_read_keeps_claims_waiting(two):
    if not USER:
        pytest.skip("needs root: a file of another owner")
    promises, coprocesses = two
    path = promises.database.path
    choose_by_turns(promises.database)
    promises.told.clear()
    with Shell(path) as other:
        other.change("BEGIN IMMEDIATE;")  # so that some wait before
        answers = promises.ask(promises.new(50), *coprocesses)
        os.chown(path, 0, 0)
        other.change("ROLLBACK;")

    def said():
        promises.ask(promises.new(1), *coprocesses)
        return any("belongs to uid 0" in log for log in promises.logs)

    wait_until(said, SECONDS_MAX, "it is said whose file it is")
    answers += promises.ask(promises.new(50), *coprocesses)
    promises.ask_again(*coprocesses)
    with Coprocess(path) as third:
        promises.ask_again(third)
        answers += promises.ask(promises.new(50), third)
    promises.ask_again(*coprocesses)
    assert promises.database.claims.waiting() >= 100
    assert_in_time(answers, "the database can only be read")
    give_to_user(path)
    promises.wait_until_kept()


def test_a_disk_that_is_full_keeps_claims_waiting(workspace):
    with faults.small_disk(workspace, 32 << 10) as folder, contextlib.ExitStack() as stack:
        database = Database.create(folder, SAMPLE)
        choose_by_turns(database)
        promises = Promises(database)
        coprocesses = [stack.enter_context(Coprocess(database.path)) for _ in range(2)]
        promises.ask(promises.new(100), *coprocesses)
        promises.wait_until_kept()
        ballast = folder / "ballast"
        faults.fill_up(ballast)
        answers = promises.ask(promises.new(100), *coprocesses)
        wait_until(
            lambda: promises.ask(promises.new(1), *coprocesses) and promises.logs,
            SECONDS_MAX,
            "it is said that the disk is full",
        )
        answers += promises.ask(promises.new(1000), *coprocesses)
        promises.ask_again(*coprocesses)
        assert database.claims.waiting() >= 1000
        assert_in_time(answers, "the disk is full")
        assert promises.logs and all("full" in log for log in promises.logs), promises.logs
        ballast.unlink()
        promises.wait_until_kept()


# So many that some of them belong where there is no room left.
MORE_ROWS = """
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
    INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)
      SELECT 1, format('100.64.%d.%d', i / 256, i % 256), 1, 'modulus', unixepoch(), 3600 FROM n;"""


def test_beyond_its_capacity_answers_have_no_row_and_it_says_so(two):
    promises, coprocesses = two
    first, _ = coprocesses
    allow_many(promises.database)
    promises.database.sql(MORE_ROWS)
    capacity = promises.database.claims.capacity()
    kept, others = {}, {}
    with Shell(promises.database.path) as other:
        other.change("BEGIN IMMEDIATE;")
        refused = False
        while len(kept) + len(others) < capacity * 5 // 4:
            remotes = promises.new(100)
            promises.send(first, remotes)
            for remote in remotes:
                answer = first.answer(alone=False)
                refused = refused or any("is full" in log for log in answer.logs)
                (others if refused else kept)[remote] = answer.ipv4
        assert refused and len(kept) > capacity // 8
        waiting = promises.database.claims.waiting()
        assert waiting > capacity * 9 // 10
        assert has_problem(first, "-claims is full: some new mappings are not kept")
        said = []
        assert_within(PATIENCE_SECONDS, lambda: said.append(first.command("forget 100.64.0.0/10")))
        assert "is full" in said[0][-1], said
        promises.told |= kept
        promises.ask_again(*coprocesses)  # all of those are kept
        other.change("COMMIT;")
    promises.wait_until_kept()
    assert not has_problem(first, "-claims")
    assert "mappings forgotten" in first.command("forget 100.64.0.0/10")[0]
    promises.database.wait_for_writer()
    rows = promises.database.mappings("web")
    assert waiting <= len(rows) <= waiting + 100
    promises.logs.clear()
    for begin in range(0, len(others), 100):  # who got no row gets one now
        promises.ask(list(others)[begin : begin + 100], *coprocesses)
    promises.wait_until_kept()
    assert promises.broken() == []


# ---------------------------------------------------------------- many processes


def test_thirty_two_processes_agree_and_lose_nothing_on_busy_processors(either_database):
    """Each resolver asks two of them at the same time."""
    processes, together, seconds = 32, 8, 60 if LONG else 2.5  # alone, and as long shared
    allow_many(either_database)
    promises = Promises(either_database)
    with contextlib.ExitStack() as stack:
        shell = stack.enter_context(Shell(either_database.path))
        shell.run("PRAGMA synchronous = OFF;")
        coprocesses = [
            stack.enter_context(Coprocess(either_database.path)) for _ in range(processes)
        ]
        pairs = list(zip(coprocesses[::2], coprocesses[1::2]))
        by_stream = {each[0].process.stdout: each for each in pairs}
        owed = {}

        def send(pair):
            owed[pair] = promises.new(together)
            for each in pair:
                promises.send(each, owed[pair])

        with busy_processors():
            until = time.monotonic() + seconds
            for pair in pairs:
                send(pair)
            step = 0
            while owed:
                ready, _, _ = select.select([p[0].process.stdout for p in owed], [], [], SECONDS_MAX)
                assert ready, "nobody answers"
                for pair in (by_stream[stream] for stream in ready):
                    for each in pair:
                        promises.receive(each, owed[pair])
                    del owed[pair]
                    if time.monotonic() < until:
                        send(pair)
                step += 1
                if step % 20 == 0:
                    change_choice(shell, step // 20)
        print(f"{len(promises.told)} resolvers in {seconds} s")
        # The writer may have waited for the lock for long; nobody else has.
        assert all("cannot be written" in log for log in promises.logs), promises.logs
        promises.wait_until_kept()
