"""SIGSTOP of the process that writes claims, of one that makes them, and of one in their midst.

The others answer as ever and agree, another one writes, and the stopped one does no harm when it
goes on.
"""

import contextlib
import os
import random
import time

import pytest

from claims import (
    STANDBY,
    WRITER,
    Promises,
    allow_many,
    change_choice,
    holds,
    writer_of,
)
from claims_file import hold_buckets
from coprocess import PATIENCE_SECONDS, Coprocess, question
from database import Shell
from faults import (
    assert_in_time,
    half_committed,
    holds_lock_to_write,
    stopped,
    stopped_unless,
)
from monitor import Daemon
from processes import LONG, SECONDS_MAX, wait_until
from sample import IPV4, expected

STOPPED_SECONDS = 60 if LONG else 5


@pytest.fixture
def crew(sample_database):
    """Three coprocesses, what they have promised, and a shell."""
    allow_many(sample_database)
    promises = Promises(sample_database)
    with contextlib.ExitStack() as stack:
        coprocesses = [stack.enter_context(Coprocess(sample_database.path)) for _ in range(3)]
        shell = stack.enter_context(Shell(sample_database.path))
        shell.run(".timeout 100")  # one that is stopped may hold the lock
        promises.ask(promises.new(30), *coprocesses)
        promises.wait_until_kept()
        yield coprocesses, promises, shell


def ask_for(seconds, promises, shell, coprocesses):
    """New resolvers ask all of these, while the choice changes.  The answers."""
    answers, step = [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        change_choice(shell, step)
        answers += promises.ask(promises.new(10), *coprocesses)
        step += 1
        time.sleep(0.05)
    return answers


def holds_a_bucket(process, database):
    threads = {int(name) for name in os.listdir(f"/proc/{process.pid}/task")}
    return not threads.isdisjoint(database.claims.owners())


@contextlib.contextmanager
def a_writer(kind, coprocesses, database):
    """The process that writes, and the coprocesses that do not."""
    if kind == "coprocess":
        writer = writer_of(coprocesses)
        yield writer, [each for each in coprocesses if each is not writer]
    else:
        with Daemon(database) as daemon:
            wait_until(
                lambda: holds(daemon, WRITER), SECONDS_MAX, "coprocesses leave it to pdns-stickyd"
            )
            yield daemon, coprocesses


@pytest.mark.parametrize("kind", ["coprocess", "pdns-stickyd"])
def test_another_process_writes_while_the_writer_is_stopped(crew, kind):
    """Unless the writer has SQLite's lock: nobody can take that from a process that lives."""
    coprocesses, promises, shell = crew
    with a_writer(kind, coprocesses, promises.database) as (writer, others):
        with stopped_unless(holds_lock_to_write, writer, promises.database):
            answers = ask_for(STOPPED_SECONDS, promises, shell, others)
            promises.wait_until_kept()
            assert any(holds(each, STANDBY) for each in others)
            # What it knows is old by now.
            remote = next(iter(promises.told))
            sql = f"UPDATE persistence SET controller_id = 3 WHERE ldns = '{remote}';"
            promises.database.sql(sql)
            promises.told[remote] = IPV4[2]
            promises.ask([remote], *others)
        assert_in_time(answers, "the writer is stopped")
        promises.ask_again(*coprocesses)
        promises.ask(promises.new(100), *coprocesses)
        promises.wait_until_kept()
        wait_until(
            lambda: promises.ask(promises.new(1), *coprocesses)
            and not any(holds(each, STANDBY) for each in others),
            SECONDS_MAX,
            "the one that was stopped writes again",
        )
        promises.ask(promises.new(100), *coprocesses)
        promises.wait_until_kept()
    assert promises.broken() == []


def test_two_writers_in_turn_do_no_harm(crew):
    """Each is stopped at some moment for longer than another one waits to stand in for it.

    If it held a bucket, some answers would have no row, and another choice next time.
    """
    coprocesses, promises, shell = crew
    rng, held = random.Random(8), 0
    for step in range(20 if LONG else 3):
        writer = writer_of(coprocesses)
        others = [each for each in coprocesses if each is not writer]
        remotes = promises.new(200)
        change_choice(shell, step)
        for each in coprocesses:
            promises.send(each, remotes)
        time.sleep(rng.uniform(0, 0.01))
        with stopped_unless(holds_a_bucket, writer, promises.database) as tries:
            held += tries
            for each in others:
                promises.receive(each, remotes)
            ask_for(2.5, promises, shell, others)
        promises.receive(writer, remotes)
        promises.ask_again(*coprocesses)
    promises.wait_until_kept()
    assert held or promises.broken() == []


def test_one_that_is_stopped_at_any_moment_delays_nobody_for_long(crew):
    """It may hold a bucket, or SQLite's lock to write; then what it holds waits, or is answered
    without a row and named in the log."""
    coprocesses, promises, _ = crew
    rng = random.Random(9)
    for step in range(300 if LONG else 60):
        victim = coprocesses[step % 3]
        others = [each for each in coprocesses if each is not victim]
        remotes = promises.new(60)
        for each in coprocesses:
            promises.send(each, remotes)
        time.sleep(rng.uniform(0, 0.004))
        with stopped(victim):
            answers = [a for each in others for a in promises.receive(each, remotes)]
            answers += promises.ask(promises.new(20), *others)
        assert_in_time(answers, "one is stopped")
        promises.receive(victim, remotes)
        assert all("stopped" in log for log in promises.broken()), promises.logs
    promises.ask_again(*coprocesses)  # who got no row gets it now
    promises.wait_until_kept()


def test_one_that_is_stopped_in_the_midst_of_a_commit_delays_nobody(crew):
    """SQLite itself would wait for ten seconds, in which it begins to read again and again."""
    coprocesses, promises, _ = crew
    with half_committed(promises.database):
        answers = []
        for _ in range(10):
            answers += promises.ask(promises.new(10), *coprocesses)
            answers += promises.ask(list(promises.told)[:10], *coprocesses)
            time.sleep(0.2)
        assert_in_time(answers, "one is stopped in the midst of a commit")
    known = ("stopped", "locked")
    assert all(any(word in log for word in known) for log in promises.broken())

    def keeps(coprocess):
        remotes = promises.new(1)
        promises.ask(remotes, coprocess)
        promises.database.wait_for_writer()
        return promises.database.rows_of("web").keys() >= set(remotes)

    for each in coprocesses:
        wait_until(lambda: keeps(each), SECONDS_MAX, "rows again")
    promises.ask_again(*coprocesses)  # who got no row gets it now
    promises.wait_until_kept()


def test_while_buckets_are_held_their_resolvers_get_their_rows_or_the_choice(crew):
    """A process that was stopped in the moment of a claim holds one; here all are held."""
    coprocesses, promises, _ = crew
    bound, new = list(promises.told)[:2], promises.new(2)
    with hold_buckets(promises.database.claims):
        answers = {
            (each, remote): each.request(question("www.example.com", "A", remote))
            for remote in bound + new
            for each in coprocesses
        }
        seconds = sorted(answer.seconds for answer in answers.values())
        assert seconds[-2] < PATIENCE_SECONDS, seconds  # one may have met a stall of the machine
        for (_, remote), answer in answers.items():
            assert answer.ipv4 == promises.told.get(remote, expected(remote))
            assert remote in new or answer.logs == [], "an empty bucket is not waited for"
        logs = {log for answer in answers.values() for log in answer.logs}
        assert logs and all("stopped" in log for log in logs), logs
    promises.ask(promises.new(100) + new, *coprocesses)
    promises.ask_again(*coprocesses)
    promises.wait_until_kept()
    assert promises.broken() == []


def test_a_held_bucket_delays_no_row_of_the_others(crew):
    """Nor does the writer keep SQLite's lock while it waits for the bucket."""
    coprocesses, promises, shell = crew
    with hold_buckets(promises.database.claims, slice(0, 1)):
        for step in range(20):
            promises.ask(promises.new(50), *coprocesses)
            change_choice(shell, step)
        promises.database.wait_for_writer()
        rows = promises.database.rows_of("web")
        without = [remote for remote in promises.told if remote not in rows]
        assert len(without) < 20  # one in a thousand
        for _ in range(20):
            assert shell.run("BEGIN IMMEDIATE; ROLLBACK;") == []
    for remote in without:
        del promises.told[remote]
    promises.ask_again(*coprocesses)
    promises.ask(without, *coprocesses)
    promises.wait_until_kept()


def test_one_that_is_stopped_before_its_answer_gives_the_same_when_it_goes_on(crew):
    coprocesses, promises, shell = crew
    victim, *others = coprocesses
    remotes = promises.new(50)
    with stopped(victim):
        promises.send(victim, remotes)
        for step in range(3):
            change_choice(shell, step)
            promises.ask(remotes, *others)
    promises.receive(victim, remotes)
    promises.wait_until_kept()
    assert promises.broken() == []
