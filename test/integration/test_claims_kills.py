"""kill -9 of those who make claims and of the one who writes them, at any point of it.

Whoever is left, or comes next, answers within seconds and agrees; every answer that anybody got is
a row at the end, no claim stays in the file, and no bucket stays locked.  Those that make the rows
merge them in another way while mappings are shared, so each test is run without and with that.
"""

import contextlib
import random
import time

import pytest

from claims import WRITER, Promises, allow_many, change_choice, holds
from claims_file import hold_buckets
from coprocess import Coprocess
from database import Shell
from faults import beside, strace
from processes import LONG, SECONDS_MAX, kill, wait_until

KILLS = 500 if LONG else 125  # without sharing, and as many with it


def start_one_that_writes_the_rest(promises):
    """Whoever asks first makes it look for claims; nobody else is there."""
    with Coprocess(promises.database.path) as last:
        promises.ask(promises.new(1), last)
        promises.wait_until_kept()


def test_kills_at_random_moments_lose_no_answered_mapping(either_database):
    rng = random.Random(6)
    allow_many(either_database)
    promises = Promises(either_database)
    kills = writers = step = 0
    with contextlib.ExitStack() as stack:
        shell = stack.enter_context(Shell(either_database.path))
        shell.run("PRAGMA synchronous = OFF;")  # a slow disk under a lock is another test

        def start():
            return stack.enter_context(Coprocess(either_database.path))

        crew = [start() for _ in range(3)]
        while kills < KILLS:
            same, other = promises.new(50), promises.new(50)
            asked = dict(zip(crew, (same, same, other)))
            change_choice(shell, step)
            for each, remotes in asked.items():
                promises.send(each, remotes)
            time.sleep(rng.uniform(0, 0.006))
            doomed = crew if rng.random() < 0.3 else [rng.choice(crew)]
            writers += sum(holds(each, WRITER) for each in doomed)
            kill([each.pid for each in doomed])
            for each, remotes in asked.items():
                if each in doomed:
                    promises.receive_of_killed(each, remotes)
                else:
                    promises.receive(each, remotes)
            kills += len(doomed)
            step += 1
            crew = [start() if each in doomed else each for each in crew]
            for each in doomed:
                each.__exit__()
        for each in crew:
            each.kill()
        waiting = either_database.claims.waiting()
        start_one_that_writes_the_rest(promises)
    print(
        f"{kills} kills, {writers} of them of a writer; {len(promises.told)} resolvers answered,"
        f" {waiting} claims at the end"
    )
    assert writers > kills // 20
    assert promises.broken() == []


@pytest.mark.parametrize(
    "calls, number",
    [
        ("pwrite64", 12),  # of a commit
        ("futex", 8),  # waiting for claims, and waking who waits
        ("fcntl", 60),  # locks: of SQLite, of the writer, of the file of claims
        ("/^(rename|fallocate|unlink|mmap|munmap|ftruncate)", 20),  # making the file
    ],
)
def test_a_kill_at_any_system_call_loses_no_answered_mapping(
    either_database, workspace, calls, number
):
    allow_many(either_database)
    promises = Promises(either_database)
    trace = workspace / "trace"
    hit = 0
    with contextlib.ExitStack() as stack:
        for when in range(1, number + 1, 1 if LONG else 5):
            if when % 2:  # then it is made anew
                beside(either_database, "-claims").unlink(missing_ok=True)
            before = strace(trace, calls) + ["-e", f"inject={calls}:signal=KILL:when={when}"]
            doomed = stack.enter_context(
                Coprocess(either_database.path, before=before, helo=False)
            )
            hit += dies_while_asked(doomed, promises)
            start_one_that_writes_the_rest(promises)
            stack.pop_all().close()
    print(f"{hit} were killed there, {len(promises.told)} resolvers answered")
    assert hit > 0
    assert promises.broken() == []


def dies_while_asked(doomed, promises):
    """Asks it for a while; says whether it died of that."""
    with contextlib.suppress(BrokenPipeError):
        doomed.send(b"HELO\t5\n")
        if doomed.read_line() is None:
            return True
        for _ in range(3):
            remotes = promises.new(20)
            promises.send(doomed, remotes)
            if promises.receive_of_killed(doomed, remotes) < len(remotes):
                return True
            time.sleep(0.01)  # for the writer, which collects claims
        doomed.kill()
        return False
    return True


def test_buckets_that_a_killed_process_has_locked_are_free(either_database):
    promises = Promises(either_database)
    with Coprocess(either_database.path) as first, Coprocess(either_database.path) as second:
        promises.ask(promises.new(20), first, second)
        file = either_database.claims
        wait_until(file.is_at_rest, SECONDS_MAX, "rows")
        with hold_buckets(file):
            assert file.locked() == file.head()["bucket_count"]
        promises.ask(promises.new(300), first, second)
        promises.wait_until_kept()
        assert promises.broken() == []
