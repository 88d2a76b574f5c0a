"""Somebody deletes, replaces, truncates or overwrites the files beside the database while it is used.

Answers go on, and go on to agree; the operator is told; all processes close the database, it is
opened again with what there is, and nothing has to be restarted.  What only the changed file had
may be lost, nothing else.
"""

import contextlib
import struct
import time

import pytest

from claims import MAINTENANCE, holds
from coprocess import Coprocess
from database import Shell
from faults import (
    HEAL_SECONDS,
    Crowd,
    assert_in_time,
    beside,
    delete,
    empty,
    halve,
    overwrite,
    replace_by_copy,
    replace_by_directory,
    said,
    slow_disk,
    stopped,
    until_a_round_waits,
)
from powerdns import PowerDNS
from processes import wait_until
from resolvers import ldns
from sample import expected

# ---------------------------------------------------------------- what is done to them


def remove_directory(path):
    if path.is_dir():
        path.rmdir()


# ---------------------------------------------------------------- what must hold


TOLD = "deleted, replaced, truncated or overwrote its -wal, -shm or -lock"


def ask_until_told(crowd):
    """The answers to new resolvers until the operator has been told."""
    answers = []

    def told():
        answers.extend(crowd.ask(10))
        return any(TOLD in log for log in said(answers))

    wait_until(told, HEAL_SECONDS, f"a log line with the words {TOLD}")
    return answers


OPENINGS = 512  # LOCK_BYTES_OPENINGS of backend/store/sqlite/lock_bytes.h


def until_opened_again(database):
    """Waits until all that had the database open have closed it.

    A shell that opened it before would take what stands in the changed log for pages of the
    database, and copy them into it when it is the last to close it.
    """

    def all_have_closed_it():
        found = beside(database, "-lock").read_bytes()[OPENINGS:OPENINGS + 16]
        wanted, done = struct.unpack("=qq", found)
        return wanted == done > 0

    wait_until(all_have_closed_it, HEAL_SECONDS, "the database is opened again")


def assert_all_agree(crowd):
    """Rows are kept again, and whoever was answered by one process gets the same of the others."""
    crowd.heals()
    crowd.keeps_all()
    for coprocess in crowd.coprocesses:
        for remote in list(crowd.told)[-50:]:
            assert coprocess.ask("www.example.com", "A", remote).ipv4 == crowd.told[remote]


def copy_log(database):
    """Has all that was answered copied to the database."""
    database.wait_for_writer()
    with Shell(database.path) as shell:

        def copied():
            busy, pages, done = shell.run("PRAGMA wal_checkpoint;")[0].split()
            return busy == "0" and pages == done

        wait_until(copied, HEAL_SECONDS, "a checkpoint")


# ---------------------------------------------------------------- -shm


@pytest.mark.parametrize("when", ["at once", "after a rest"])
@pytest.mark.parametrize("way", [delete, replace_by_copy, replace_by_directory, empty, halve])
def test_a_changed_wal_index_costs_no_mapping_made_before(pair, way, when):
    """The log has all of them."""
    before = set(pair.told)
    if when == "after a rest":  # no transaction is open
        time.sleep(0.25)
    index = beside(pair.database, "-shm")
    way(index)
    answers = ask_until_told(pair)  # memory that is gone from under a process does not end it
    answers += pair.ask(300)
    assert_in_time(answers, f"wal-index, {way.__name__}, {when}")
    remove_directory(index)
    with Coprocess(pair.database.path) as third:
        pair.coprocesses.append(third)
        pair.heals()
        lost = set(pair.forgotten())
        print(f"{len(lost)} answered without a row")
        assert not lost & before
        assert_all_agree(pair)


def test_a_shell_that_reads_by_another_wal_index_is_waited_for(pair):
    """What it has noted of the log may be less than what processes wrote before they were told."""
    pair.kept()
    replace_by_copy(beside(pair.database, "-shm"))
    count = "SELECT count(*) FROM persistence;"
    with Shell(pair.database.path) as shell:
        before = shell.run(count)
        ask_until_told(pair)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            pair.ask(10)
        assert shell.run(count) == before
    assert_all_agree(pair)


@contextlib.contextmanager
def nobody_commits(crowd):
    """In the block nobody writes to the log or copies it."""
    crowd.database.sql("UPDATE setting SET value = 3600 WHERE name LIKE '%_interval';")
    crowd.ask(len(crowd.coprocesses))
    crowd.kept()
    wait_until(
        lambda: not any(holds(each, MAINTENANCE) for each in crowd.coprocesses),
        HEAL_SECONDS,
        "the last round ends",
    )
    with Shell(crowd.database.path) as shell:
        shell.change("BEGIN IMMEDIATE;")
        yield
        shell.change("COMMIT;")


def test_a_wal_index_full_of_garbage_is_made_anew_by_sqlite(pair):
    with nobody_commits(pair):
        overwrite(beside(pair.database, "-shm"))
    with Coprocess(pair.database.path) as third:
        pair.coprocesses.append(third)
        answers = pair.ask(300)
        assert_in_time(answers, "wal-index, overwritten")
        pair.kept()
        assert_all_agree(pair)


def test_under_powerdns_a_wal_index_that_is_emptied_changes_no_answer(sample_database):
    with PowerDNS("pipe.conf", sample_database) as server:
        index = beside(sample_database, "-shm")

        def right(number):
            reply = server.one(ldns(number), "www.example.com")
            return reply.addresses == (expected(ldns(number)),)

        assert all(right(number) for number in range(40))
        asked = {ldns(n) for n in range(40)}
        wait_until(
            lambda: all(map(right, range(40))) and asked <= set(sample_database.mappings("web")),
            HEAL_SECONDS,
            "rows for all of them, on a disk that is slow to begin a log",
        )
        empty(index)
        assert all(right(number) for number in range(40, 100))
        assert asked <= set(sample_database.mappings("web"))

        def kept():
            all(right(number) for number in range(60, 100))
            return {ldns(n) for n in range(60, 100)} <= set(sample_database.mappings("web"))

        wait_until(kept, HEAL_SECONDS, "rows for new resolvers")
        assert sample_database.rows("PRAGMA integrity_check") == [("ok",)]


# ---------------------------------------------------------------- -wal


@pytest.mark.parametrize(
    "way", [delete, replace_by_copy, replace_by_directory, empty, halve, overwrite]
)
def test_a_changed_log_costs_no_mapping_that_was_copied(pair, way):
    """But not while a checkpoint copies it: then the database is damaged, by any program with
    SQLite.  Nor while somebody writes it, who makes a hole of what is missing."""
    copy_log(pair.database)
    with pair.database.without_maintenance():
        copied = set(pair.told) - set(pair.forgotten())
        assert len(copied) > 100
        pair.ask(1000)
        pair.kept()  # in the log alone
        log = beside(pair.database, "-wal")
        way(log)
        answers = ask_until_told(pair)
    remove_directory(log)
    answers += pair.ask(300)
    until_opened_again(pair.database)
    assert_in_time(answers, f"log, {way.__name__}")
    pair.heals()
    assert not set(pair.forgotten()) & copied
    assert_all_agree(pair)


def test_a_log_that_is_truncated_by_a_checkpoint_is_no_damage(pair):
    """One by an operator, who wants a small file."""
    answers = []
    for _ in range(10):
        answers += pair.ask(20)
        with Shell(pair.database.path) as shell:
            shell.run("PRAGMA wal_checkpoint(TRUNCATE);")
    assert not any(TOLD in log for log in said(answers)), said(answers)
    assert_all_agree(pair)


# ---------------------------------------------------------------- -lock


@pytest.mark.parametrize("way", [delete, replace_by_copy, empty])
def test_a_changed_lock_file_costs_no_mapping(pair, way):
    way(beside(pair.database, "-lock"))
    answers = pair.ask(10) if way is empty else ask_until_told(pair)
    answers += pair.ask(300)
    assert_in_time(answers, f"lock file, {way.__name__}")
    with Coprocess(pair.database.path) as third:
        pair.coprocesses.append(third)
        assert_all_agree(pair)
    # One lock file for all: whoever does maintenance has the one that is there now.
    with pair.database.without_maintenance():
        pair.database.sql(
            "INSERT INTO persistence (pool_id, ldns, controller_id, method, timestamp, ttl)"
            " VALUES (1, 'expired', 1, 'modulus', 100, 60);")
        time.sleep(2)
        assert pair.database.rows("SELECT 1 FROM persistence WHERE ldns = 'expired'") == [(1,)]
    wait_until(
        lambda: not pair.database.rows("SELECT 1 FROM persistence WHERE ldns = 'expired'"),
        HEAL_SECONDS,
        "the sweep",
    )


# ---------------------------------------------------------------- others who have it open


@pytest.mark.parametrize("suffix, way", [("-wal", delete), ("-shm", delete), ("-shm", halve)])
def test_a_round_that_waits_for_the_disk_is_waited_for(sample_database, workspace, suffix, way):
    """It has the old files open, and copies the log, when somebody changes them."""
    trace = workspace / "trace"
    with (
        Coprocess(sample_database.path, before=slow_disk(trace)) as first,
        Coprocess(sample_database.path) as second,
    ):
        crowd = Crowd(sample_database, first)
        crowd.ask()
        until_a_round_waits(trace)
        crowd.coprocesses = [second]
        crowd.ask(300)
        before = set(crowd.told) - set(crowd.forgotten())
        assert len(before) > 100
        way(beside(sample_database, suffix))
        crowd.coprocesses = [first, second]
        answers = ask_until_told(crowd)
        assert_in_time(answers, f"{suffix}, {way.__name__}")
        crowd.heals()
        assert suffix == "-wal" or not set(crowd.forgotten()) & before
        assert_all_agree(crowd)


def test_a_process_that_is_stopped_is_waited_for_only_so_long(pair):
    first, second = pair.coprocesses
    with stopped(second):
        delete(beside(pair.database, "-shm"))
        pair.coprocesses = [first]
        answers = ask_until_told(pair)
        started = time.monotonic()

        def kept():
            since = len(pair.told)
            answers.extend(pair.ask(10))
            return pair.forgotten(since) == []

        wait_until(kept, 2 * HEAL_SECONDS, "rows for new resolvers")
        print(f"after {time.monotonic() - started:.1f} s")
        assert_in_time(answers, "one is stopped")
    pair.coprocesses = [first, second]
    assert_all_agree(pair)


def test_without_its_log_nothing_is_kept_until_a_stopped_process_goes_on(pair):
    """SQLite cannot begin anew while somebody has the wal-index open."""
    copy_log(pair.database)
    first, second = pair.coprocesses
    with stopped(second):
        delete(beside(pair.database, "-wal"))
        pair.coprocesses = [first]
        answers = ask_until_told(pair)
        until = time.monotonic() + 15  # for longer than it waits for anybody
        while time.monotonic() < until:
            answers += pair.ask(10)
            time.sleep(0.02)  # within max_writes_per_second
        assert_in_time(answers, "one is stopped")
    pair.coprocesses = [first, second]
    assert_all_agree(pair)


def test_a_newcomer_waits_for_those_who_have_to_close_it(pair):
    """It has nothing to answer yet."""
    time.sleep(1)  # both look twice a second
    delete(beside(pair.database, "-shm"))
    with Coprocess(pair.database.path) as newcomer:
        answers = [newcomer.ask("www.example.com", "A", ldns(9000 + i)) for i in range(5)]
        assert [a.ipv4 for a in answers] == [expected(ldns(9000 + i)) for i in range(5)]
        pair.coprocesses.append(newcomer)
        assert_all_agree(pair)
