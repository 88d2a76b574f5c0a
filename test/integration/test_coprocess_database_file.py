"""A database file that is missing, broken or replaced, before a coprocess starts and under it."""

import os
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from coprocess import Coprocess, assert_banner_is_prompt, assert_prompt
from database import SAMPLE, Database
from faults import HEAL_SECONDS, damage, heals, put_in_place
from processes import SECONDS_MAX, give_to_user, wait_until
from resolvers import ldns
from sample import SITES, expected


# ---------------------------------------------------------------- at the start


def make_missing(database):
    database.path.unlink()


def make_empty(database):
    database.path.write_bytes(b"")


def make_garbage(database):
    database.path.write_bytes(b"\x7fELF" + os.urandom(50000))


def make_corrupt(database):
    damage(database.path)


def make_foreign(database):
    database.path.unlink()
    database.sql("CREATE TABLE address_book (name TEXT);")


def make_directory(database):
    database.path.unlink()
    database.path.mkdir()


def make_fifo(database):
    database.path.unlink()
    os.mkfifo(database.path)


def make_unreadable(database):
    database.path.chmod(0)


BROKEN = {  # how, and what the log must say about it
    make_missing: r"is not there; make it with: pdns-stickyctl --database \S+ init",
    make_empty: r"is empty; make one with: pdns-stickyctl --database FILE init",
    make_garbage: r"is not a pdns-sticky database; make one with: pdns-stickyctl --database FILE init",
    make_corrupt: r"sample\.sqlite",
    make_foreign: r"is not a pdns-sticky database; make one with: pdns-stickyctl --database FILE init",
    make_directory: r"is not a file",
    make_fifo: r"is not a file",
    make_unreadable: r"unable to open|cannot be (opened|read)|permission",
}


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda function: function.__name__[5:])
def test_without_a_usable_file_it_says_what_to_do_and_goes_on_once_the_file_is_right(
    sample_database, workspace, break_it
):
    good = workspace / "good"
    shutil.copyfile(sample_database.path, good)
    break_it(sample_database)
    assert_banner_is_prompt(sample_database.path)
    with Coprocess(sample_database.path) as coprocess:
        answers = [coprocess.ask("example.com", "SOA", None)]
        answers += [coprocess.ask(remote=ldns(i)) for i in range(9)]
        assert_prompt(answers)
        assert all(answer.lines[-1] == b"END" and not answer.records for answer in answers)
        said = [log for answer in answers for log in answer.logs]
        assert len(said) == 1 and re.search(BROKEN[break_it], said[0]), said
        put_in_place(good, sample_database.path)
        assert coprocess.ask("example.com", "SOA", None).contents("SOA")
        assert coprocess.ask("www.example.com", "A", ldns(1)).ipv4 == expected(ldns(1))
        assert sample_database.mappings("web") == {ldns(1): SITES[expected(ldns(1))]}
        assert coprocess.close() == 0


def test_a_database_made_under_a_running_coprocess_counts_at_once(workspace):
    path = workspace / "sticky.sqlite"
    with Coprocess(path) as coprocess:
        assert coprocess.ask().lines[-1] == b"END"
        database = Database.create(workspace)
        assert coprocess.ask("example.com", "SOA", None).lines == [b"END"]
        database.sql(SAMPLE.read_text())
        assert coprocess.ask("example.com", "SOA", None).contents("SOA")
        assert coprocess.ask().ipv4 == expected("192.0.2.10")


# ---------------------------------------------------------------- while it serves


def test_a_file_replaced_by_mv_is_served_soon(served):
    """Usually from the next question on.  If the thread that writes mappings has found it before, the
    files beside it may be those of the old one: then both open it once more.
    """
    coprocess, database = served
    assert coprocess.ask().ipv4 == expected("192.0.2.10")
    for number in range(1, 6):
        other = Database.create(database.path.parent, SAMPLE, name=f"other{number}.sqlite")
        other.sql(f"UPDATE virtual_server SET ipv4 = '192.0.2.{100 + number}';")
        os.replace(other.path, database.path)
        new = f"192.0.2.{100 + number}"
        wait_until(
            lambda: coprocess.ask().ipv4 == new and database.mappings("web") == {"192.0.2.10": "fra"},
            SECONDS_MAX,
            "the new file",
        )


def test_a_file_that_is_damaged_while_running_changes_no_answer(served):
    coprocess, database = served
    good = database.path.with_name("good")
    shutil.copyfile(database.path, good)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")
    damage(database.path)
    for i in range(20):
        answer = coprocess.ask("www.example.com", "A", ldns(i))
        assert answer.ipv4 == expected(ldns(i)), answer.lines
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink(missing_ok=True)
    put_in_place(good, database.path)
    heals(coprocess, database, 30)


@pytest.mark.parametrize("way", ["deleted", "emptied", "directory", "unreadable"])
def test_a_file_that_goes_while_running_changes_no_answer(served, way):
    coprocess, database = served
    good = database.path.with_name("good")
    shutil.copyfile(database.path, good)
    assert coprocess.ask().ipv4 == expected("192.0.2.10")
    if way == "emptied":
        os.truncate(database.path, 0)
    elif way == "unreadable":
        database.path.chmod(0)
    else:
        database.path.unlink()
    if way == "directory":
        database.path.mkdir()
    answers = [coprocess.ask("www.example.com", "A", ldns(i)) for i in range(20)]
    assert [answer.ipv4 for answer in answers] == [expected(ldns(i)) for i in range(20)]
    assert_prompt(answers)
    said = [log for answer in answers for log in answer.logs]
    assert len(set(said)) == len(said), said
    assert said or way in ("emptied", "unreadable")  # what is read and open already still serves
    for suffix in ("-wal", "-shm"):
        Path(f"{database.path}{suffix}").unlink(missing_ok=True)
    put_in_place(good, database.path)
    heals(coprocess, database, 30)


def test_descriptors_do_not_pile_up_when_the_file_comes_and_goes(served):
    coprocess, database = served
    coprocess.ask()
    wait_until(lambda: database.rows_of("web"), HEAL_SECONDS, "a row, by the thread that writes")
    folder = Path(f"/proc/{coprocess.pid}/fd")
    before = len(list(folder.iterdir()))
    spare = database.path.with_name("spare")
    for round_ in range(50):
        shutil.copyfile(database.path, spare)
        give_to_user(spare)
        database.path.unlink()
        assert coprocess.ask(remote=ldns(round_)).lines[-1] == b"END"
        os.replace(spare, database.path)
        assert coprocess.ask(remote=ldns(round_)).ipv4 == expected(ldns(round_))
    # a round of maintenance has some of its own
    wait_until(lambda: len(list(folder.iterdir())) <= before, HEAL_SECONDS, "as few as before")


def test_a_restored_backup_gets_its_log_once_nobody_reads_it(sample_database):
    """VACUUM INTO makes a file without a log; then whoever reads keeps others from writing."""
    copy = sample_database.path.with_name("copy")
    sample_database.sql(f"VACUUM INTO '{copy}';")
    for suffix in ("-wal", "-shm"):
        sample_database.path.with_name(sample_database.path.name + suffix).unlink(missing_ok=True)
    os.replace(copy, sample_database.path)
    reader = sqlite3.connect(sample_database.path, isolation_level=None)
    reader.execute("BEGIN").execute("SELECT * FROM pool").fetchall()
    with Coprocess(sample_database.path) as coprocess:
        logged = []

        def is_logged():
            for number in range(20):
                answer = coprocess.ask("www.example.com", "A", ldns(number))
                assert answer.ipv4 == expected(ldns(number))
                logged.extend(answer.logs)
            return any("is not in WAL mode" in line for line in logged)

        wait_until(is_logged, SECONDS_MAX, lambda: logged)
        wait_until(
            lambda: any("is not in WAL mode" in line for line in coprocess.command("status")),
            SECONDS_MAX,
            "a status between two tries to write",
        )
        reader.execute("COMMIT")
        resolvers = {ldns(number) for number in range(20)}

        def all_are_kept():
            """One that met a commit was answered without a mapping, and is asked again."""
            for resolver in resolvers:
                assert coprocess.ask("www.example.com", "A", resolver).ipv4 == expected(resolver)
            return resolvers <= set(sample_database.mappings("web"))

        wait_until(all_are_kept, SECONDS_MAX, "a row for everybody")
        assert sample_database.rows("PRAGMA journal_mode") == [("wal",)]
        wait_until(
            lambda: not any("WAL mode" in line for line in coprocess.command("status")),
            SECONDS_MAX,
            "nothing to be told of",
        )
    reader.close()
